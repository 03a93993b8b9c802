/* Follows the TwiML: asks, does what it says, says what the caller would hear. */
#include "tools/phone/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "tools/phone/clock.h"
#include "tools/phone/request.h"

static void follow_order(struct call *c);

/* The call is over; it ends for good when the last callback was answered. */
static void finish(struct call *c)
{
	if (c->finishing)
		return;
	timer_stop(c->loop, &c->timer);
	timer_stop(c->loop, &c->pause);
	stream_drop(c);
	if (!c->told_completed)
		webhook_call_status(c, c->final_status);
	c->told_completed = true;
	c->finishing = true;
	relay_spoken(c, &c->relay.spoken);
	note_event(c, "the call is over: %s", call_end_name(c->end));
	if (!c->requests)
		c->over(c);
}

/* The document the call goes on with. */
static void take_twiml(struct call *c, const char *document, size_t len)
{
	char why[300];

	twiml_free(&c->twiml);
	c->next_verb = 0;
	if (twiml_read(&c->twiml, document, len, why, sizeof why) != 0) {
		note_warning(c, why);
		note_failure(c, "TwiML: %s", why);
		if (c->end == END_NONE)
			c->end = END_WEBHOOK_FAILED;
		finish(c);
		return;
	}
	for (char *line = c->twiml.notes.data, *rest; line && *line; line = rest) {
		rest = strchr(line, '\n');
		*rest++ = '\0';
		note_warning(c, line);
	}
	call_go_on(c);
}

/* A document came in answer to what was asked. */
static void on_document(struct call *c, const struct request *r, const char *error)
{
	char type[128];
	bool first = c->documents++ == 0;

	if (c->finishing) {
		if (!c->requests)
			c->over(c);
		return;
	}
	if (c->ordered) {
		follow_order(c);
		return;
	}
	if (first)
		c->status = r->in.status;
	else
		c->action_status = r->in.status;
	if (error || r->in.status < 200 || r->in.status > 299) {
		snprintf(c->refusal, sizeof c->refusal, "%.*s", (int)r->in.body.len, text_str(&r->in.body));
		note_event(c, "the webhook answered %d %s", r->in.status, error ? error : "");
		if (c->end == END_NONE)
			c->end = END_WEBHOOK_FAILED;
		note_failure(c, "the webhook answered %d%s%s", r->in.status, error ? ": " : "", error ? error : "");
		snprintf(c->final_status, sizeof c->final_status, "failed");
		finish(c);
		return;
	}
	if (first) {
		c->webhook_ns = mono_ns() - r->begun_ns;
		hist_add(&c->stats->webhook, c->webhook_ns);
	}
	text_line(&c->documents_text, text_str(&r->in.body));
	if (!http_header(text_str(&r->in.head), "Content-Type", type, sizeof type) ||
	    (strncasecmp(type, "text/xml", 8) != 0 && strncasecmp(type, "application/xml", 15) != 0))
		note_warning(c, "12300 the TwiML's content type is not XML");
	take_twiml(c, text_str(&r->in.body), r->in.body.len);
}

/* Asks for the next document; the verb that named it is gone afterwards. */
void call_go_to(struct call *c, const char *reference, bool get, const struct form *form)
{
	char *url = webhook_resolve(c, reference);

	if (c->documents >= DOCUMENTS_MAX) {
		note_failure(c, "more than %d TwiML documents", DOCUMENTS_MAX);
		free(url);
		finish(c);
		return;
	}
	free(c->document_url);
	c->document_url = url;
	webhook_ask(c, c->document_url, get, form, on_document);
}

/* True if it waits for the answer to an action. */
static bool do_dial(struct call *c, const struct verb *v)
{
	struct form f = { 0 };

	note_event(c, "the caller is connected to %s: %s", v->text, c->options->dial);
	text_line(&c->dialled, v->text);
	if (!v->action)
		return false;
	webhook_dial_form(c, &f);
	call_go_to(c, v->action, v->get, &f);
	form_free(&f);
	return true;
}

static bool do_redirect(struct call *c, const struct verb *v)
{
	struct form f = { 0 };

	webhook_base_form(c, &f, "in-progress");
	call_go_to(c, v->text, v->get, &f);
	form_free(&f);
	return true;
}

static void open_now(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, pause);

	(void)now_ns;
	stream_open(c, &c->twiml.verb[c->next_verb - 1]);
}

static void open_after_other(struct call *c)
{
	open_now(&c->pause, 0);
}

static void do_connect(struct call *c, const struct verb *v)
{
	const struct options *o = c->options;

	if (has_fault(o, FAULT_NO_STREAM)) {
		c->end = END_CALLER;
		finish(c);
		return;
	}
	c->pause.fire = open_now;
	c->stream.verb = v;
	if (v->relay && relay_is_unreachable(c))
		relay_fail(c);
	else if (has_fault(o, FAULT_LATE_UPGRADE))
		timer_set(c->loop, &c->pause, mono_ns() + (uint64_t)o->fault[FAULT_LATE_UPGRADE].value * NS_PER_MS);
	else if (has_fault(o, FAULT_USED_TOKEN) && !c->streams)
		mischief_other_stream(c, open_after_other);
	else
		stream_open(c, v);
}

void call_go_on(struct call *c)
{
	while (c->next_verb < c->twiml.count) {
		const struct verb *v = &c->twiml.verb[c->next_verb++];

		switch (v->kind) {
		case VERB_SAY:
			if (gather_say(c, v, c->next_verb < c->twiml.count ? v + 1 : NULL))
				return;
			break;
		case VERB_PLAY:
			if (gather_play(c, v))
				return;
			break;
		case VERB_PAUSE:
			gather_pause(c, v);
			return;
		case VERB_DIAL:
			if (do_dial(c, v))
				return;
			break;
		case VERB_GATHER:
			if (gather_begin(c, v))
				return;
			c->end = END_CALLER;
			c->caller.finished = true;
			c->next_verb = c->twiml.count;
			break;
		case VERB_RECORD:
			if (gather_record(c, v))
				return;
			break;
		case VERB_REDIRECT:
			do_redirect(c, v);
			return;
		case VERB_CONNECT:
			do_connect(c, v);
			return;
		case VERB_REJECT:
			snprintf(c->final_status, sizeof c->final_status, "busy");
			c->next_verb = c->twiml.count;
			break;
		case VERB_HANGUP:
			c->next_verb = c->twiml.count;
			break;
		}
	}
	if (c->cut)
		c->end = END_SERVER; /* nothing came after the stream that was cut */
	if (c->end != END_CALLER && (c->gather.verb || c->cut))
		caller_server_ended(&c->caller);
	if (c->end == END_NONE)
		c->end = c->gather.verb ? END_SERVER : END_NO_STREAM;
	finish(c);
}

/* The caller has hung up: Twilio asks once more, for the sake of whoever counts. */
static void on_last_document(struct call *c, const struct request *r, const char *error)
{
	(void)error;
	c->action_status = r->in.status;
	if (c->finishing && !c->requests)
		c->over(c);
}

static void relay_ended(struct call *c, const struct verb *v)
{
	struct form f = { 0 };

	relay_action_form(c, &f);
	if (c->end == END_CALLER) {
		if (v->action)
			webhook_ask(c, v->action, v->get, &f, on_last_document);
		finish(c);
	} else {
		if (c->end == END_SERVER)
			caller_server_ended(&c->caller);
		if (v->action)
			call_go_to(c, v->action, v->get, &f);
		else
			call_go_on(c);
	}
	form_free(&f);
}

void call_stream_ended(struct call *c)
{
	const struct verb *v = c->stream.verb;
	struct form f = { 0 };

	if (c->end == END_ORDERED) {
		follow_order(c);
		return;
	}
	if (v->relay) {
		relay_ended(c, v);
		return;
	}
	if (c->end == END_CALLER || c->end == END_LIMIT || (c->end == END_CUT && !c->cut)) {
		finish(c);
		return;
	}
	if (!c->cut)
		caller_server_ended(&c->caller);
	if (!v->action) {
		call_go_on(c);
		return;
	}
	webhook_base_form(c, &f, "in-progress");
	call_go_to(c, v->action, v->get, &f);
	form_free(&f);
}

/* The stream or the document that stood in its way is over. */
static void follow_order(struct call *c)
{
	char *url = c->order_url;
	struct form f = { 0 };
	struct text twiml = c->order_twiml;

	c->ordered = false;
	c->order_url = NULL;
	c->order_twiml = (struct text){ 0 };
	if (url) {
		webhook_base_form(c, &f, "in-progress");
		call_go_to(c, url, false, &f);
		form_free(&f);
	} else if (twiml.len) {
		text_line(&c->documents_text, text_str(&twiml));
		take_twiml(c, text_str(&twiml), twiml.len);
	} else {
		c->end = END_ORDERED;
		finish(c);
	}
	text_free(&twiml);
	free(url);
}

bool call_order(struct call *c, const char *url, const char *twiml)
{
	enum stream_state state = c->stream.state;

	if (c->finishing || c->over_ns)
		return false;
	free(c->order_url);
	text_free(&c->order_twiml);
	c->order_url = url ? need_copy(url) : NULL;
	if (twiml)
		text_puts(&c->order_twiml, twiml);
	c->ordered = true;
	note_event(c,
	    url     ? "ordered to go on at %s"
	    : twiml ? "ordered to go on with other TwiML"
		    : "ordered to hang up",
	    url);
	if (state == STREAM_OPEN)
		stream_stop(c);
	else if (state == STREAM_CONNECTING || state == STREAM_UPGRADING)
		stream_end(c, END_ORDERED);
	/* Else a document is on its way, or the stream is being closed. */
	return true;
}

static void give_up(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, timer);

	(void)now_ns;
	note_failure(c, "the call was not over after %ld s", c->options->limit_s);
	c->end = END_LIMIT;
	finish(c);
}

static void begin(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, timer);
	struct form f = { 0 };

	c->begun_ns = now_ns;
	c->timer.fire = give_up;
	timer_set(c->loop, &c->timer, now_ns + (uint64_t)c->options->limit_s * NS_PER_S);
	note_event(c, c->options->outbound ? "%s has called %s, who answers" : "%s calls %s", c->from, c->options->to);
	webhook_base_form(c, &f, c->options->outbound ? "in-progress" : "ringing");
	if (!c->options->outbound)
		webhook_add_cities(&f);
	if (c->options->answered_by)
		form_set(&f, "AnsweredBy", c->options->answered_by);
	c->document_url = webhook_resolve(c, c->options->voice_url ? c->options->voice_url : c->options->voice_path);
	webhook_ask(c, c->document_url, false, &f, on_document);
	form_free(&f);
}

void call_open(struct call *c, struct loop *loop, const struct options *o, struct stats *stats, int index,
    uint64_t begin_ns, void (*over)(struct call *))
{
	*c = (struct call){
		.loop = loop,
		.options = o,
		.stats = stats,
		.index = index,
		.over = over,
		.final_status = "completed",
		.begun_ns = begin_ns,
		.stream = { .source = { .fd = -1 } },
	};
	if (o->call_sid)
		snprintf(c->sid, sizeof c->sid, "%s", o->call_sid);
	else
		sid_new(c->sid, "CA");
	if (getrandom(&c->rng, sizeof c->rng, 0) != (ssize_t)sizeof c->rng)
		abort();
	c->rng |= 1;
	if (o->calls > 1)
		snprintf(c->from, sizeof c->from, "+1202555%04d", index % 10000);
	else
		snprintf(c->from, sizeof c->from, "%s", o->from);
	caller_init(&c->caller, &o->script);
	if (o->calls <= FULL_REPORTS && !o->stamps)
		c->agent.ears = &c->ears;
	if (o->control)
		c->control = control_open(c);
	c->timer.fire = begin;
	timer_set(loop, &c->timer, begin_ns);
}

void call_close(struct call *c)
{
	struct text *const texts[] = { &c->order_twiml, &c->left, &c->right, &c->said, &c->dialled, &c->tones,
		&c->documents_text };

	control_close(c->control);
	free(c->order_url);
	timer_stop(c->loop, &c->timer);
	timer_stop(c->loop, &c->pause);
	stream_drop(c);
	stream_close(&c->stream);
	relay_close(c);
	twiml_free(&c->twiml);
	agent_close(&c->agent);
	ears_close(&c->ears);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_free(texts[i]);
	free(c->document_url);
	notes_free(c);
}
