/* Letters to the call, and what the agent says besides its answers: the
 * operator's word, last words, and the end that follows them. */
#include "server/agent/conversation_private.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/stats/stats.h"

#include <inttypes.h>
#include <string.h>

#define MACHINE_MESSAGE \
	"You have reached an answering machine, and it is recording now. Leave a short message: who is calling, for " \
	"whom, why, and that you will try again. Do not ask anything, and say goodbye."

enum {
	LONG_SPEECH_US = 20 * US_PER_S,   /* a caller who "speaks" for longer is noise */
	AFTER_SPEECH_US = 300 * US_PER_MS /* the model answers a turn by itself: give it the time to begin */
};

int64_t conversation_word_until_us(const struct conversation *con)
{
	if (con->speaking)
		return con->speech_us + LONG_SPEECH_US;
	return con->stop_event_us ? con->stop_event_us + AFTER_SPEECH_US : 0;
}

bool conversation_caller_has_the_word(const struct conversation *con, int64_t now_us)
{
	return now_us < conversation_word_until_us(con);
}

/* ----------------------------------------------------------------------------- cues */

void conversation_say_cue(struct conversation *con, int64_t now_us)
{
	const struct cue *cue = cues_next(&con->cues);
	const char *id;

	if (!cue || now_us < seq_free_us(&con->seq) || (!cue->firm && conversation_caller_has_the_word(con, now_us)))
		return;
	id = conversation_next_id(con, MODEL_REQUEST_ANSWER);
	seq_sent(&con->seq, id, now_us);
	con->link.protocol->say(&con->message, id, con->call->context.instructions, cue->text, cue->exact);
	cues_asked(&con->cues, id);
	conversation_send(con);
}

int64_t conversation_cue_deadline_us(const struct conversation *con, int64_t now_us)
{
	const struct cue *cue = cues_next(&con->cues);
	int64_t due = cue ? seq_free_us(&con->seq) : INT64_MAX;

	if (cue && !cue->firm && due < conversation_word_until_us(con))
		due = conversation_word_until_us(con);
	/* What else it may wait for is no matter of time. */
	return due > now_us ? due : INT64_MAX;
}

/* --------------------------------------------------------------------- the last words */

/* What is to be heard yet of all that was made, at most. */
static int64_t left_ms(const struct conversation *con)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < con->answers.count; i++)
		if (!con->answers.list[i].over)
			bytes += (int64_t)con->answers.list[i].received;
	return bytes / G711_BYTES_PER_MS;
}

void conversation_farewell_made(struct conversation *con, int64_t now_us)
{
	farewell_made(&con->farewell, left_ms(con), now_us);
}

void conversation_part_if_due(struct conversation *con, int64_t now_us)
{
	struct farewell *p = &con->farewell;

	/* A goodbye has been said, or given up. */
	if (p->state == FAREWELL_SAYING && !p->response_id[0] && !cues_has(&con->cues, CUE_GOODBYE))
		conversation_farewell_made(con, now_us);
	if (!farewell_due(p, answers_unfinished(&con->answers) || toolbox_running(&con->toolbox), now_us))
		return;
	if (now_us >= p->deadline_us)
		log_warn(con->call->tag, "the last words were not heard to their end in time");
	p->state = FAREWELL_NONE;
	if (p->end == END_TRANSFERRED)
		conversation_hand_over(con, now_us);
	call_end(con->call, p->end);
}

void conversation_caller_spoke_up(struct conversation *con, int64_t now_us)
{
	if (!farewell_spoke(&con->farewell))
		return;
	log_info(con->call->tag, "the caller spoke up; the call goes on");
	cues_drop(&con->cues, CUE_GOODBYE);
	conversation_farewell_called_off(con, now_us);
}

/* From here on the model listens to nobody: its last words are said whatever
 * the caller says meanwhile. */
static void stop_listening(struct conversation *con, int64_t now_us)
{
	con->deaf_waits = !link_talks(&con->link);
	if (con->deaf_waits)
		return;
	if (con->protecting)
		con->protect_until_us = now_us; /* its end must not turn the ears on again */
	con->protecting = con->turn_waiting = false;
	con->link.protocol->turns(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_CONFIGURE), con->call->agent, true);
	conversation_send(con);
}

void conversation_last_words(struct conversation *con, const char *text, bool exact, bool firm, int64_t now_us)
{
	cues_drop(&con->cues, CUE_GOODBYE);
	/* Nobody is there to hear them, or they cannot be kept: conversation_part_if_due ends it. */
	if (!con->started || !cues_add(&con->cues, CUE_GOODBYE, text, exact, firm))
		return;
	if (firm)
		stop_listening(con, now_us);
}

static void on_goodbye(struct conversation *con, const struct mail *mail, int64_t now)
{
	struct farewell *p = &con->farewell;

	if (!farewell_begin(p, mail->end, mail->firm, "", "", now)) {
		log_info(con->call->tag, "a goodbye while another one is being said: ignored");
		return;
	}
	conversation_last_words(con, mail->text, mail->exact, mail->firm, now);
}

/* ------------------------------------------------------------------------- machines */

static void tell_of_machine(struct conversation *con, const struct mail *mail)
{
	struct buf json;

	buf_init(&json, 0);
	buf_puts(&json, "{\"answered_by\":");
	json_put_cstring(&json, mail->name);
	buf_puts(&json, ",\"action\":");
	json_put_cstring(&json, mail->text);
	buf_putc(&json, '}');
	if (!buf_error(&json))
		call_tell(con->call, JOURNAL_NOTE, "machine", -1, buf_text(&json));
	buf_free(&json);
	log_info(con->call->tag, "an answering machine: %s; action=%s", mail->name, mail->text);
}

/* The machine has spoken its greeting, and records: whatever is being said, or
 * owed to it, is cut short for the message. */
static void leave_message(struct conversation *con, int64_t now)
{
	const char *message = con->call->context.machine_message;

	con->machine_waits = false;
	if (!farewell_begin(&con->farewell, END_MESSAGE_LEFT, true, "", "", now))
		return;
	con->greeted = true;
	con->greeting_next = false;
	conversation_interrupt(con, true, now);
	cues_drop(&con->cues, CUE_FILLER);
	conversation_last_words(con, message[0] ? message : MACHINE_MESSAGE, false, true, now);
}

static void on_machine(struct conversation *con, const struct mail *mail, int64_t now)
{
	tell_of_machine(con, mail);
	if (strcmp(mail->text, "message") != 0)
		call_end(con->call, END_MACHINE);
	else if (con->started && link_talks(&con->link))
		leave_message(con, now);
	else
		con->machine_waits = true;
}

/* -------------------------------------------------------------------------- letters */

static void on_say(struct conversation *con, const struct mail *mail)
{
	if (cues_add(&con->cues, CUE_SAY, mail->text, mail->exact, false)) {
		log_info(con->call->tag, "told to say something; exact=%d", mail->exact);
		return;
	}
	log_warn(con->call->tag, "told to say too much at once: ignored");
	stat_add(calls_orders_ignored, 1);
	/* Whoever gave the order was told that it was accepted. */
	call_tell(con->call, JOURNAL_NOTE, "operator.ignored", -1, "{\"reason\":\"too much to say at once\"}");
}

static void take(struct conversation *con, const struct mail *mail, int64_t now)
{
	switch (mail->type) {
	case MAIL_SAY:
		on_say(con, mail);
		break;
	case MAIL_GOODBYE:
		on_goodbye(con, mail, now);
		break;
	case MAIL_MACHINE:
		on_machine(con, mail, now);
		break;
	case MAIL_TOOL_ANSWER:
		conversation_tool_answered(con, mail, now);
		break;
	case MAIL_TRANSFER:
		conversation_told_to_transfer(con, mail, now);
		break;
	}
}

void conversation_take_mail(struct conversation *con, int64_t now_us)
{
	struct mail *mail = mailbox_take(&con->call->mail);

	if (con->deaf_waits && link_talks(&con->link))
		stop_listening(con, now_us);
	if (con->machine_waits && con->started && link_talks(&con->link))
		leave_message(con, now_us);
	while (mail) {
		struct mail *next = mail->next;

		take(con, mail, now_us);
		mail_free(mail);
		mail = next;
	}
}
