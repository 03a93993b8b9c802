/* Gather, Pause, Record, and words that take their time: what a call does without a stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"

enum {
	PACE = 15, /* a caller's own, in characters a second */
	KEY_MS = 300,
	TONE_MS = 500,         /* Twilio: a tone and its pause, and w */
	THINKS_MS = 300,       /* before he answers */
	SPEECH_ENDS_MS = 1000, /* Twilio waits for more so long */
	URL_MAX = 400
};

static void wait_ms(struct call *c, double ms, void (*fire)(struct timer *, uint64_t))
{
	c->pause.fire = fire;
	timer_set(c->loop, &c->pause, mono_ns() + (uint64_t)(ms * NS_PER_MS));
}

static double spoken_ms(const struct call *c, const char *text)
{
	return (double)strlen(text) * 1000 / c->options->pace;
}

static void hears(struct call *c, const char *text)
{
	if (!*text)
		return;
	note_event(c, "the caller hears: %s", text);
	text_line(&c->said, text);
}

static void go_on(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, pause);

	(void)now_ns;
	call_go_on(c);
}

/* Nobody sits through the last words of a call in a test. */
bool gather_say(struct call *c, const struct verb *v, const struct verb *next)
{
	hears(c, v->text);
	if (!next || next->kind == VERB_HANGUP)
		return false;
	wait_ms(c, spoken_ms(c, v->text), go_on);
	return true;
}

/* Tones, as the other side hears them. */
bool gather_play(struct call *c, const struct verb *v)
{
	if (!v->digits) {
		note_event(c, "the caller hears the sound %s", v->text);
		return false;
	}
	note_event(c, "the keys %s are heard", v->digits);
	text_puts(&c->tones, v->digits);
	if (has_fault(c->options, FAULT_TONES_CUT)) {
		c->end = END_CALLER;
		c->caller.finished = true;
		c->next_verb = c->twiml.count;
		return false;
	}
	wait_ms(c, (double)strlen(v->digits) * TONE_MS, go_on);
	return true;
}

void gather_pause(struct call *c, const struct verb *v)
{
	wait_ms(c, (double)(v->seconds ? v->seconds : 1) * 1000, go_on);
}

static void tell(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, pause);
	const struct verb *v = c->gather.verb;
	const struct step *input = c->gather.input;
	struct form f = { 0 };

	(void)now_ns;
	webhook_base_form(c, &f, "in-progress");
	if (input && input->kind == STEP_GATHER_DIGITS) {
		note_event(c, "the caller presses %s", input->text);
		form_set(&f, "Digits", input->text);
	} else if (input && input->text) {
		note_event(c, "the caller says: %s", input->text);
		form_set(&f, "SpeechResult", input->text);
		form_set(&f, "Confidence", input->kind == STEP_GATHER_UNCLEAR ? "0.12" : "0.9");
	}
	c->gathers += input && input->text;
	if (input || v->action_on_empty)
		call_go_to(c, v->action ? v->action : c->document_url, v->get, &f);
	else
		call_go_on(c);
	form_free(&f);
}

/* The caller speaks up so long after the first word, or after the last; or says nothing. */
bool gather_begin(struct call *c, const struct verb *v)
{
	const struct step *input = caller_gather(&c->caller);
	double ms = spoken_ms(c, v->text) + THINKS_MS;

	hears(c, v->text);
	if (!input && caller_is_through(&c->caller)) {
		note_event(c, "the caller hangs up");
		return false;
	}
	c->gather.verb = v;
	c->gather.input = input;
	if (input && input->ms)
		ms = (double)input->ms;
	if (input && input->kind == STEP_GATHER_DIGITS)
		ms += (double)strlen(input->text) * KEY_MS;
	else if (input && input->text)
		ms += SPEECH_ENDS_MS + (double)strlen(input->text) * 1000 / PACE;
	else
		ms += (double)(v->seconds ? v->seconds : 5) * 1000 *
		      (PACE < c->options->pace ? PACE / c->options->pace : 1);
	wait_ms(c, ms, tell);
	return true;
}

/* The names of a message are those of its call: a call leaves one. */
static void message_form(const struct call *c, struct form *f, char url[URL_MAX])
{
	snprintf(url, URL_MAX, "%s/2010-04-01/Accounts/%s/Recordings/RE%s", c->options->media, c->options->account,
	    c->sid + 2);
	form_set(f, "AccountSid", c->options->account);
	form_set(f, "CallSid", c->sid);
	form_set(f, "RecordingSid", strrchr(url, '/') + 1);
	form_set(f, "RecordingUrl", url);
}

static void tell_recording(struct call *c, const struct verb *v, const char *seconds)
{
	struct form f = { 0 };
	char url[URL_MAX];

	if (!v->status_url || c->options->no_status)
		return;
	message_form(c, &f, url);
	form_set(&f, "RecordingStatus", c->options->message_s ? "completed" : "absent");
	form_set(&f, "RecordingDuration", seconds);
	form_set(&f, "RecordingChannels", "1");
	form_set(&f, "RecordingSource", "RecordVerb");
	webhook_ask(c, v->status_url, v->status_get, &f, webhook_ignore);
	form_free(&f);
}

static void tell_transcript(struct call *c, const struct verb *v)
{
	struct form f = { 0 };
	char url[URL_MAX], sid[SID_SIZE];

	if (!v->url || !c->options->message_s)
		return;
	message_form(c, &f, url);
	snprintf(sid, sizeof sid, "TR%s", c->sid + 2);
	form_set(&f, "TranscriptionSid", sid);
	form_set(&f, "TranscriptionStatus", c->options->message ? "completed" : "failed");
	if (c->options->message)
		form_set(&f, "TranscriptionText", c->options->message);
	webhook_ask(c, v->url, false, &f, webhook_ignore);
	form_free(&f);
}

/* True if it waits for the answer to an action. Without a sound there is no action, and the document goes on. */
bool gather_record(struct call *c, const struct verb *v)
{
	struct form f = { 0 };
	char seconds[24], url[URL_MAX];

	note_event(c, c->options->message_s ? "the caller leaves a message" : "the caller leaves no message");
	c->gather.verb = v; /* the call was answered, if by no stream */
	snprintf(seconds, sizeof seconds, "%ld", c->options->message_s);
	tell_recording(c, v, seconds);
	tell_transcript(c, v);
	if (!v->action || !c->options->message_s)
		return false;
	webhook_base_form(c, &f, "in-progress");
	message_form(c, &f, url);
	form_set(&f, "RecordingDuration", seconds);
	form_set(&f, "Digits", "hangup");
	call_go_to(c, v->action, v->get, &f);
	form_free(&f);
	return true;
}
