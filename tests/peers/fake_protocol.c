#include "tests/peers/fake_protocol.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------- said */

static void put_path(const struct model_access *access, const char *model, struct buf *out)
{
	(void)access;
	buf_printf(out, "/fake/%s", model);
}

static void put_headers(const struct model_access *access, const char *caller, struct buf *out)
{
	(void)access;
	buf_printf(out, "X-Caller: %s\r\n", caller);
}

static void configure(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without)
{
	(void)wish;
	buf_printf(out, "configure %s %d ", id, format);
	if (without)
		model_extras_put(out, without);
	else
		buf_puts(out, "whole");
}

static unsigned extras(const struct agent *agent)
{
	(void)agent;
	return MODEL_EXTRAS;
}

/* What came back is said by "ready" itself. */
static void compare(struct buf *out, const struct buf *asked, const struct model_event *updated)
{
	(void)asked;
	if (strcmp(updated->code, "ready"))
		buf_puts(out, updated->code);
}

static void turns(struct buf *out, const char *id, const struct agent *agent, bool deaf)
{
	(void)agent;
	buf_printf(out, "turns %s %s", id, deaf ? "deaf" : "open");
}

static void hear(struct buf *out, const uint8_t *bytes, size_t len)
{
	buf_printf(out, "hear %zu %d", len, bytes[0] << 8 | bytes[1]);
}

static void item(struct buf *out, const char *id, enum model_role role, const char *text, const char *after)
{
	static const char *const roles[] = { "caller", "agent", "note" };

	buf_printf(out, "item %s %s %s%s%s", id, roles[role], text, after[0] ? " after " : "", after);
}

static void ask(struct buf *out, const char *id)
{
	buf_printf(out, "ask %s", id);
}

static void greet(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	(void)instructions;
	buf_printf(out, "greet %s %s %s", id, exact ? "exact" : "told", text);
}

static void say(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	(void)instructions;
	buf_printf(out, "say %s %s %s", id, exact ? "exact" : "told", text);
}

static void aside(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	(void)instructions;
	buf_printf(out, "aside %s %s %s", id, exact ? "exact" : "told", text);
}

static void cancel(struct buf *out, const char *id, const char *response_id)
{
	buf_printf(out, "cancel %s %s", id, response_id);
}

static void heard_until(struct buf *out, const char *id, const char *item_id, int64_t ms)
{
	buf_printf(out, "heard-until %s %s %" PRId64, id, item_id, ms);
}

static void unheard(struct buf *out, const char *id, const char *item_id)
{
	buf_printf(out, "unheard %s %s", id, item_id);
}

static void tool_call(struct buf *out, const char *id, const char *call_id, const char *name, const char *arguments)
{
	buf_printf(out, "called %s %s %s %s", id, call_id, name, arguments);
}

static void tool_result(struct buf *out, const char *id, const char *call_id, const char *result)
{
	buf_printf(out, "result %s %s %s", id, call_id, result);
}

static void approve(struct buf *out, const char *id, const char *mcp_id, bool yes)
{
	buf_printf(out, "approve %s %s %s", id, mcp_id, yes ? "yes" : "no");
}

/* ------------------------------------------------------------------------- told */

/* A letter for each word: session, x in so many seconds it ends, mismatch, response, item, ms, audio, text (all
 * the rest), Status and reason, Error, refused id, call. */
static const struct {
	const char *word;
	enum model_event_type type;
	const char *fields;
} kinds[] = {
	{ "created", MODEL_SESSION_CREATED, "sx" },
	{ "ready", MODEL_SESSION_UPDATED, "sm" },
	{ "changed", MODEL_SESSION_UPDATED, "s" },
	{ "speech", MODEL_SPEECH_STARTED, "in" },
	{ "silence", MODEL_SPEECH_STOPPED, "in" },
	{ "turn", MODEL_COMMITTED, "i" },
	{ "words", MODEL_TRANSCRIPT, "it" },
	{ "begun", MODEL_RESPONSE_CREATED, "r" },
	{ "sign", MODEL_RESPONSE_SIGN, "r" },
	{ "audio", MODEL_AUDIO, "ria" },
	{ "made", MODEL_AUDIO_DONE, "ri" },
	{ "text", MODEL_TEXT_DONE, "rit" },
	{ "call", MODEL_ITEM_DONE, "rc" },
	{ "over", MODEL_RESPONSE_DONE, "rS" },
	{ "error", MODEL_ERROR, "Eq" },
	{ "noise", MODEL_IGNORED, "" },
};

/* The next word, cut out of the line; "" at its end. */
static char *word(char **at)
{
	char *start = *at, *end = start + strcspn(start, " ");

	*at = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

static void take_id(char id[FOREIGN_ID_SIZE], char **at)
{
	snprintf(id, FOREIGN_ID_SIZE, "%.63s", word(at));
}

static int index_of(const char *name, const char *(*nth)(int n), int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(nth(i), name))
			return i;
	return 0;
}

static const char *nth_status(int n)
{
	return model_status_name((enum model_status)n);
}

static const char *nth_error(int n)
{
	return model_error_name((enum model_error)n);
}

static void take_call(struct model_event *e, char **at)
{
	e->calls = calloc(1, sizeof *e->calls);
	e->call_count = 1;
	e->calls->call_id = word(at);
	e->calls->name = word(at);
	e->calls->arguments = *at;
}

/* `message` is where the line came from: audio is borrowed from there. */
static void take(struct model_event *e, char field, char **at, const char *line, const char *message)
{
	size_t quoted;

	switch (field) {
	case 's':
		take_id(e->session_id, at);
		break;
	case 'x':
		if (**at)
			e->expires_s = clock_wall_ms() / 1000 + atoll(word(at));
		break;
	case 'm':
		snprintf(e->mismatch, sizeof e->mismatch, "%.159s", *at);
		break;
	case 'r':
		take_id(e->response_id, at);
		break;
	case 'i':
		take_id(e->item_id, at);
		break;
	case 'n':
		e->ms = atoll(word(at));
		break;
	case 'a':
		quoted = **at == '"';
		e->audio = (struct span){ message + (*at - line) + quoted, strlen(*at) - 2 * quoted };
		break;
	case 't':
		e->text = *at;
		break;
	case 'c':
		take_call(e, at);
		break;
	case 'S':
		e->status = (enum model_status)index_of(word(at), nth_status, MODEL_FAILED + 1);
		e->reason = strcmp(word(at), "turn") ? MODEL_OTHER_REASON : MODEL_TURN_DETECTED;
		break;
	case 'E':
		e->error = (enum model_error)index_of(word(at), nth_error, MODEL_MODERATED + 1);
		break;
	case 'q':
		take_id(e->refused_id, at);
		e->refused = model_request_of(e->refused_id);
		e->extras = MODEL_EXTRAS;
		if (!strncmp(*at, "extras=", 7))
			e->extras = (unsigned)atoi(word(at) + 7);
		e->reason = strcmp(word(at), "busy") ? MODEL_OTHER_REASON : MODEL_BUSY;
		break;
	}
}

static void parse(const char *text, size_t len, enum audio_format format, struct model_event *out)
{
	char *line = strndup(text, len), *at = line, *first;

	(void)format;
	memset(out, 0, sizeof *out);
	out->text = "";
	out->kept = line;
	first = word(&at);
	out->type = *first ? MODEL_UNKNOWN : MODEL_INVALID;
	snprintf(out->code, sizeof out->code, "%.63s", first);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(first, kinds[i].word))
			continue;
		out->type = kinds[i].type;
		for (const char *field = kinds[i].fields; *field; field++)
			take(out, *field, &at, line, text);
	}
}

static void release(struct model_event *event)
{
	free(event->calls);
	free(event->kept);
	event->calls = NULL;
	event->kept = NULL;
}

static enum model_error close_class(const char *reason)
{
	return (enum model_error)index_of(reason, nth_error, MODEL_MODERATED + 1);
}

const struct model_protocol fake_protocol = {
	.formats = 1 << AUDIO_PCMU,
	.can_truncate = true,
	.can_cancel = true,
	.can_aside = true,
	.audio = true,
	.path = put_path,
	.headers = put_headers,
	.configure = configure,
	.extras = extras,
	.compare = compare,
	.turns = turns,
	.hear = hear,
	.item = item,
	.ask = ask,
	.greet = greet,
	.say = say,
	.aside = aside,
	.cancel = cancel,
	.heard_until = heard_until,
	.unheard = unheard,
	.tool_call = tool_call,
	.tool_result = tool_result,
	.approve = approve,
	.parse = parse,
	.release = release,
	.close_class = close_class,
};
