/* Letters to the call, and what the agent says besides its answers: the
 * operator's word, last words, and the end that follows them. */
#include "server/agent/conversation.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/model/realtime.h"

#include <inttypes.h>
#include <string.h>

#define MACHINE_MESSAGE \
	"You have reached an answering machine, and it is recording now. Leave a short message: who is calling, for " \
	"whom, why, and that you will try again. Do not ask anything, and say goodbye."

enum {
	LONG_SPEECH_US = 20 * US_PER_S,   /* a caller who "speaks" for longer is noise */
	AFTER_SPEECH_US = 300 * US_PER_MS /* the model answers a turn by itself: give it the time to begin */
};

int64_t agent_word_until_us(const struct agent *a)
{
	if (a->speaking)
		return a->speech_us + LONG_SPEECH_US;
	return a->stop_event_us ? a->stop_event_us + AFTER_SPEECH_US : 0;
}

bool agent_caller_has_the_word(const struct agent *a, int64_t now_us)
{
	return now_us < agent_word_until_us(a);
}

/* ----------------------------------------------------------------------------- cues */

void agent_say_cue(struct agent *a, int64_t now_us)
{
	const struct cue *cue = cues_next(&a->cues);
	const char *id;

	if (!cue || now_us < seq_free_us(&a->seq) || (!cue->firm && agent_caller_has_the_word(a, now_us)))
		return;
	id = agent_event_id(a, "say");
	seq_sent(&a->seq, id, now_us);
	realtime_say(&a->message, id, a->call->brief.instructions, cue->text, cue->exact);
	cues_asked(&a->cues, id);
	agent_send(a);
}

int64_t agent_cue_deadline_us(const struct agent *a, int64_t now_us)
{
	const struct cue *cue = cues_next(&a->cues);
	int64_t due = cue ? seq_free_us(&a->seq) : INT64_MAX;

	if (cue && !cue->firm && due < agent_word_until_us(a))
		due = agent_word_until_us(a);
	/* What else it may wait for is no matter of time. */
	return due > now_us ? due : INT64_MAX;
}

/* --------------------------------------------------------------------- the last words */

/* What is to be heard yet of all that was made, at most. */
static int64_t left_ms(const struct agent *a)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < a->answers.count; i++)
		if (!a->answers.list[i].over)
			bytes += (int64_t)a->answers.list[i].received;
	return bytes / LEDGER_BYTES_PER_MS;
}

void agent_parting_made(struct agent *a, int64_t now_us)
{
	parting_made(&a->parting, left_ms(a), now_us);
}

void agent_part_if_due(struct agent *a, int64_t now_us)
{
	struct parting *p = &a->parting;

	/* A goodbye has been said, or given up. */
	if (p->state == PARTING_SAYING && !p->response_id[0] && !cues_has(&a->cues, CUE_GOODBYE))
		agent_parting_made(a, now_us);
	if (!parting_due(p, answers_unfinished(&a->answers) || toolbox_running(&a->toolbox), now_us))
		return;
	if (now_us >= p->deadline_us)
		log_warn(a->call->tag, "the last words were not heard to their end in time");
	p->state = PARTING_NONE;
	if (p->end == END_TRANSFERRED)
		agent_hand_over(a, now_us);
	call_end(a->call, p->end);
}

void agent_caller_spoke_up(struct agent *a, int64_t now_us)
{
	if (!parting_spoke(&a->parting))
		return;
	log_info(a->call->tag, "the caller spoke up; the call goes on");
	cues_drop(&a->cues, CUE_GOODBYE);
	agent_parting_called_off(a, now_us);
}

/* From here on the model listens to nobody: its last words are said whatever
 * the caller says meanwhile. */
static void stop_listening(struct agent *a, int64_t now_us)
{
	a->deaf_waits = !a->client;
	if (a->deaf_waits)
		return;
	if (a->protecting)
		a->protect_until_us = now_us; /* its end must not turn the ears on again */
	a->protecting = a->turn_waiting = false;
	realtime_turn_detection_deaf(&a->message, agent_event_id(a, "cfg"), a->call->profile);
	agent_send(a);
}

void agent_last_words(struct agent *a, const char *text, bool exact, bool firm, int64_t now_us)
{
	cues_drop(&a->cues, CUE_GOODBYE);
	/* Nobody is there to hear them, or they cannot be kept: agent_part_if_due ends it. */
	if (!a->started || !cues_add(&a->cues, CUE_GOODBYE, text, exact, firm))
		return;
	if (firm)
		stop_listening(a, now_us);
}

static void on_goodbye(struct agent *a, const struct mail *mail, int64_t now)
{
	struct parting *p = &a->parting;

	if (!parting_begin(p, mail->end, mail->firm, "", "", now)) {
		log_info(a->call->tag, "a goodbye while another one is being said: ignored");
		return;
	}
	agent_last_words(a, mail->text, mail->exact, mail->firm, now);
}

/* ------------------------------------------------------------------------- machines */

static void tell_of_machine(struct agent *a, const struct mail *mail)
{
	struct buf json;

	buf_init(&json, 0);
	buf_puts(&json, "{\"answered_by\":");
	json_put_cstring(&json, mail->name);
	buf_puts(&json, ",\"action\":");
	json_put_cstring(&json, mail->text);
	buf_putc(&json, '}');
	if (!buf_error(&json))
		call_tell(a->call, JOURNAL_NOTE, "machine", -1, buf_text(&json));
	buf_free(&json);
	log_info(a->call->tag, "an answering machine: %s; action=%s", mail->name, mail->text);
}

/* The machine has spoken its greeting, and records: whatever is being said, or
 * owed to it, is cut short for the message. */
static void leave_message(struct agent *a, int64_t now)
{
	const char *message = a->call->brief.machine_message;

	a->machine_waits = false;
	if (!parting_begin(&a->parting, END_MESSAGE_LEFT, true, "", "", now))
		return;
	a->greeted = true;
	a->greeting_next = false;
	agent_interrupt(a, true, now);
	cues_drop(&a->cues, CUE_FILLER);
	agent_last_words(a, message[0] ? message : MACHINE_MESSAGE, false, true, now);
}

static void on_machine(struct agent *a, const struct mail *mail, int64_t now)
{
	tell_of_machine(a, mail);
	if (strcmp(mail->text, "message") != 0)
		call_end(a->call, END_MACHINE);
	else if (a->started && a->client)
		leave_message(a, now);
	else
		a->machine_waits = true;
}

/* -------------------------------------------------------------------------- letters */

static void on_say(struct agent *a, const struct mail *mail)
{
	if (cues_add(&a->cues, CUE_SAY, mail->text, mail->exact, false)) {
		log_info(a->call->tag, "told to say something; exact=%d", mail->exact);
		return;
	}
	log_warn(a->call->tag, "told to say too much at once: ignored");
	stat_add(calls_orders_ignored, 1);
	/* Whoever gave the order was told that it was accepted. */
	call_tell(a->call, JOURNAL_NOTE, "operator.ignored", -1, "{\"reason\":\"too much to say at once\"}");
}

static void take(struct agent *a, const struct mail *mail, int64_t now)
{
	switch (mail->type) {
	case MAIL_SAY:
		on_say(a, mail);
		break;
	case MAIL_GOODBYE:
		on_goodbye(a, mail, now);
		break;
	case MAIL_MACHINE:
		on_machine(a, mail, now);
		break;
	case MAIL_TOOL_ANSWER:
		agent_tool_answered(a, mail, now);
		break;
	case MAIL_TRANSFER:
		agent_told_to_transfer(a, mail, now);
		break;
	}
}

void agent_take_mail(struct agent *a, int64_t now_us)
{
	struct mail *mail = mailbox_take(&a->call->mail);

	if (a->deaf_waits && a->client)
		stop_listening(a, now_us);
	if (a->machine_waits && a->started && a->client)
		leave_message(a, now_us);
	while (mail) {
		struct mail *next = mail->next;

		take(a, mail, now_us);
		mail_free(mail);
		mail = next;
	}
}
