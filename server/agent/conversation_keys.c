#include "server/agent/conversation_keys.h"

#include "common/log.h"
#include "server/agent/conversation_model.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/line/calls.h"
#include "server/line/keys/call_keys.h"
#include "server/model/words.h"
#include "server/phone/channel.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "server/work/twilio_rest.h"

#include <stdio.h>
#include <string.h>

enum {
	WAIT_US = 60 * US_PER_S,                                     /* for what is being said */
	ANSWER_US = (TWILIO_TIMEOUT_MS + 4 * 1000) * (int)US_PER_MS, /* for Twilio's, and for a place among the jobs */
	MARGIN_US = 2 * US_PER_S
};

/* -------------------------------------------------------------------------- judging */

/* A phone that asks what is next takes them behind what it is given to say, and nobody knows how much of that is
 * heard. */
static bool speaks(const struct conversation *con)
{
	return !con->call->channel->requests && dialogue_speaks(&con->dialogue);
}

static enum keys_answer judge(const struct conversation *con)
{
	struct call *c = con->call;

	if (con->dialogue.farewell.state || con->dialogue.over)
		return KEYS_ENDING;
	if (con->press.state)
		return KEYS_BUSY;
	if (call_lost(c))
		return KEYS_AWAY;
	if (!con->dialogue.caller) /* nor is he while the stream is away */
		return KEYS_NOT_LIVE;
	if (!call_can_press(c))
		return KEYS_UNABLE;
	return speaks(con) ? KEYS_SPEAKING : KEYS_OK;
}

/* For the operator's next order. */
static void publish(const struct conversation *con)
{
	_Atomic int *shown = &con->call->may_press;
	int answer = (int)judge(con);

	if (atomic_load_explicit(shown, memory_order_relaxed) != answer)
		atomic_store_explicit(shown, answer, memory_order_relaxed);
}

/* -------------------------------------------------------------------------- telling */

static void count(enum keys_answer answer)
{
	bool failed = answer >= KEYS_REFUSED;

	stat_add(digits_sent, answer == KEYS_OK);
	stat_add(digits_failed, failed);
	stat_add(digits_refused, answer != KEYS_OK && !failed);
}

/* A session that begins later does not know of an operator's keys. */
static void tell_operator(struct conversation *con, const char *digits, enum keys_answer answer)
{
	char text[2 * CALL_KEYS_MAX + 120];

	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE,
				 .type = answer == KEYS_OK ? "digits.sent" : "digits.failed",
				 .facts = (struct journal_fact[]){ { "reason", keys_words(answer)->code }, { 0 } } });
	if (answer != KEYS_OK || !link_talks(&con->link))
		return;
	words_pressed(text, sizeof text, digits);
	conversation_tell_item(con, MODEL_REQUEST_TURN, MODEL_ROLE_NOTE, text);
}

/* By mail, as any tool's. Without memory for that its time limit will say so. */
static void tell_tool(struct conversation *con, uint32_t run, enum keys_answer answer)
{
	const struct keys_words *words = keys_words(answer);
	struct call *c = con->call;
	struct buf result;
	struct mail *mail;

	buf_init(&result, 0);
	if (answer == KEYS_OK)
		buf_puts(&result, words_done);
	else
		tool_put_error(&result, words->code, words->sentence);
	mail = mail_new(MAIL_TOOL_ANSWER, toolbox_no(&con->tools.box, run)->call_id, buf_text(&result));
	if (mail)
		mail->ok = answer == KEYS_OK;
	if (mail && !mailbox_put(&c->mail, mail))
		mail_free(mail);
	bell_ring(&c->agent_bell);
	buf_free(&result);
}

/* What they are is nobody's business who reads the log: a number of an account, perhaps. */
static void tell(struct conversation *con, uint32_t run, const char *digits, enum keys_answer answer)
{
	count(answer);
	log_write(answer >= KEYS_REFUSED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, con->call->tag,
	    "keys: %s; count=%zu for=%s", keys_words(answer)->code, strlen(digits), run ? "the model" : "an operator");
	if (run)
		tell_tool(con, run, answer);
	else
		tell_operator(con, digits, answer);
}

static void enter(struct conversation *con, enum press_state state, int64_t until_us)
{
	con->press.state = state;
	con->press.until_us = until_us;
}

static void conclude(struct conversation *con, enum press_state next, int64_t until_us, enum keys_answer answer)
{
	bool told = con->press.told;

	con->press.told = true;
	enter(con, next, until_us);
	if (!told)
		tell(con, con->press.run, con->press.digits, answer);
}

/* -------------------------------------------------------------------------- pressing */

static enum keys_answer give_to_phone(struct conversation *con)
{
	struct call *c = con->call;

	if (!ring_put(&c->to_caller, TO_KEYS, con->press.digits, strlen(con->press.digits)))
		return KEYS_UNABLE;
	bell_ring(&c->caller_bell);
	return KEYS_OK;
}

static void begin(struct conversation *con, int64_t now)
{
	bool itself = con->call->channel->text;
	enum keys_answer answer =
	    itself ? give_to_phone(con) : call_press(con->call, con->press.digits, con->tools.cancel);

	if (answer == KEYS_OK && !itself)
		enter(con, PRESS_ASKED, now + ANSWER_US);
	else if (answer != KEYS_AWAY)
		conclude(con, PRESS_NONE, NEVER_US, answer);
}

void conversation_press(struct conversation *con, uint32_t run, const char *digits, bool wait, int64_t now_us)
{
	enum keys_answer answer = keys_are_valid(digits) ? judge(con) : KEYS_INVALID;

	if (answer != KEYS_OK && !(answer == KEYS_SPEAKING && wait)) {
		tell(con, run, digits, answer);
		return;
	}
	snprintf(con->press.digits, sizeof con->press.digits, "%s", digits);
	con->press.run = run;
	con->press.told = false;
	enter(con, PRESS_WAITING, now_us + WAIT_US);
	if (answer == KEYS_OK)
		begin(con, now_us);
}

void conversation_keys_wanted(struct conversation *con, const struct mail *mail, int64_t now_us)
{
	conversation_press(con, 0, mail->text, mail->waits, now_us);
}

/* ---------------------------------------------------------------- what comes of it */

static int64_t played_us(const struct conversation *con, int64_t now)
{
	return now + (int64_t)strlen(con->press.digits) * CALL_KEY_MS * US_PER_MS +
	       (int64_t)con->call->cfg->stream_grace_ms * US_PER_MS + MARGIN_US;
}

/* The stream that is there stays. While it is away the next one may come, and without it the call ends. */
static void give_up(struct conversation *con)
{
	if (call_unpress(con->call, false))
		conclude(con, PRESS_NONE, NEVER_US, KEYS_IGNORED);
	else
		enter(con, con->press.state, NEVER_US);
}

/* Nobody knows what Twilio has done that did not answer, or broke off: so a stop is not taken for a hang-up for a while. */
void conversation_keys_answered(struct conversation *con, const struct mail *mail, int64_t now_us)
{
	enum keys_answer answer = (enum keys_answer)mail->answer;

	if (con->press.state != PRESS_ASKED)
		return; /* the next stream was quicker */
	if (answer == KEYS_REFUSED)
		call_unpress(con->call, true);
	if (answer == KEYS_OK)
		enter(con, PRESS_PLAYING, played_us(con, now_us));
	else if (answer == KEYS_REFUSED)
		conclude(con, PRESS_NONE, NEVER_US, answer);
	else
		conclude(con, PRESS_UNSURE, played_us(con, now_us), answer);
}

bool conversation_keys_make_room(const struct conversation *con)
{
	return con->press.state >= PRESS_ASKED;
}

void conversation_keys_back(struct conversation *con)
{
	if (con->press.state >= PRESS_ASKED)
		conclude(con, PRESS_NONE, NEVER_US, KEYS_OK);
}

static void time_is_up(struct conversation *con, int64_t now)
{
	switch (con->press.state) {
	case PRESS_NONE:
		break;
	case PRESS_WAITING:
		conclude(con, PRESS_NONE, NEVER_US, call_lost(con->call) ? KEYS_AWAY : KEYS_SPEAKING);
		break;
	case PRESS_ASKED:
		conclude(con, PRESS_UNSURE, played_us(con, now), KEYS_UNANSWERED);
		break;
	case PRESS_PLAYING:
	case PRESS_UNSURE:
		give_up(con);
		break;
	}
}

void conversation_mind_keys(struct conversation *con, int64_t now_us)
{
	bool ends = con->dialogue.farewell.state || con->dialogue.over;

	if (con->press.state == PRESS_WAITING && ends)
		conclude(con, PRESS_NONE, NEVER_US, KEYS_ENDING);
	if (con->press.state == PRESS_WAITING && !speaks(con))
		begin(con, now_us);
	if (now_us >= conversation_keys_us(con))
		time_is_up(con, now_us);
	publish(con);
}

int64_t conversation_keys_us(const struct conversation *con)
{
	return con->press.state ? con->press.until_us : NEVER_US;
}

void conversation_keys_over(struct conversation *con)
{
	if (con->press.state)
		conclude(con, PRESS_NONE, NEVER_US, KEYS_LOST);
}
