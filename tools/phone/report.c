#include "tools/phone/report.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/report.h"
#include "tools/phone/clock.h"
#include "tools/phone/expect.h"

enum { FAILED_REPORTS = 50 };

static bool expects(const struct options *o, const char *key)
{
	for (size_t i = 0; i < o->expect_count; i++)
		if (expect_names(o->expect[i], key))
			return true;
	return false;
}

/* Without a fault, and unless it is expected otherwise, a call must open its
 * stream, go through the script, and give Twilio's debugger nothing to say. */
bool report_verdict(const struct call *c, char *why, size_t why_size)
{
	const struct options *o = c->options;
	bool planned = has_any_fault(o) || expects(o, "end") || expects(o, "status") || expects(o, "upgrade");

	why[0] = '\0';
	for (size_t i = 0; i < o->expect_count; i++)
		if (!expect_met(o->expect[i], c, why, why_size))
			return false;
	why[0] = '\0';
	if (c->end == END_NONE || c->end == END_LIMIT) {
		snprintf(why, why_size, "%s", c->failure[0] ? c->failure : "the call did not end");
		return false;
	}
	if (planned)
		return true;
	if (c->failure[0])
		snprintf(why, why_size, "%s", c->failure);
	else if (c->end != END_CALLER && !c->caller.finished)
		snprintf(why, why_size, "the call ended (%s) before the script did", call_end_name(c->end));
	else if (c->warnings_total && !expects(o, "warnings"))
		snprintf(why, why_size, "Twilio would warn: %s", c->warning_count ? c->warnings[0].text : "?");
	return !why[0];
}

static double round_ms(double ms)
{
	return (double)(long long)(ms * 1000 + (ms < 0 ? -0.5 : 0.5)) / 1000;
}

static void add_ms(cJSON *to, const char *name, const struct call *c, uint64_t at_ns)
{
	if (at_ns)
		cJSON_AddNumberToObject(to, name, round_ms(call_ms(c, at_ns)));
	else
		cJSON_AddNullToObject(to, name);
}

static void add_span(cJSON *to, const char *name, uint64_t from_ns, uint64_t until_ns)
{
	if (from_ns && until_ns)
		cJSON_AddNumberToObject(to, name, round_ms(((double)until_ns - (double)from_ns) / 1e6));
	else
		cJSON_AddNullToObject(to, name);
}

static void add_answers(cJSON *to, const struct call *c)
{
	cJSON *list = cJSON_AddArrayToObject(to, "answers");

	for (size_t i = 0; i < c->agent.count; i++) {
		const struct answer *a = &c->agent.answers[i];
		cJSON *one = cJSON_CreateObject();

		cJSON_AddNumberToObject(one, "begin_ms", a->begin_tick * TICK_MS);
		cJSON_AddNumberToObject(one, "end_ms", a->end_tick * TICK_MS);
		cJSON_AddNumberToObject(one, "played_ms", (double)a->played_bytes / BYTES_PER_MS);
		cJSON_AddNumberToObject(one, "unplayed_ms", (double)a->unplayed_bytes / BYTES_PER_MS);
		cJSON_AddNumberToObject(one, "gaps", a->gaps);
		cJSON_AddBoolToObject(one, "cut", a->cut);
		cJSON_AddItemToArray(list, one);
	}
}

static void add_turns(cJSON *to, const struct call *c)
{
	cJSON *list = cJSON_AddArrayToObject(to, "turns");

	for (size_t i = 0; i < c->turn_count; i++) {
		const struct turn *t = &c->turns[i];
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, "what", t->step->kind == STEP_SAY ? t->step->speech.name : "keys");
		if (t->step->text)
			cJSON_AddStringToObject(one, t->step->kind == STEP_SAY ? "words" : "keys", t->step->text);
		add_ms(one, "begin_ms", c, t->begin_ns);
		add_ms(one, "voice_end_ms", c, t->voice_end_ns);
		add_ms(one, "answer_arrival_ms", c, t->arrival_ns);
		add_ms(one, "answer_play_ms", c, t->play_ns);
		add_span(one, "latency_ms", t->voice_end_ns, t->arrival_ns);
		add_span(one, "latency_heard_ms", t->voice_end_ns, t->play_ns);
		cJSON_AddBoolToObject(one, "interrupting", t->interrupting);
		cJSON_AddBoolToObject(one, "talked_over", t->talked_over);
		cJSON_AddItemToArray(list, one);
	}
}

static void add_notes(cJSON *to, const struct call *c)
{
	cJSON *list = cJSON_AddArrayToObject(to, "clears"), *one;

	for (size_t i = 0; i < c->clear_count; i++) {
		one = cJSON_CreateObject();
		add_ms(one, "at_ms", c, c->clears[i].at_ns);
		cJSON_AddNumberToObject(one, "unplayed_ms", (double)c->clears[i].unplayed_bytes / BYTES_PER_MS);
		cJSON_AddNumberToObject(one, "played_ms", (double)c->clears[i].played_bytes / BYTES_PER_MS);
		cJSON_AddNumberToObject(one, "marks", (double)c->clears[i].marks);
		cJSON_AddItemToArray(list, one);
	}
	list = cJSON_AddArrayToObject(to, "marks");
	for (size_t i = 0; i < c->mark_count; i++) {
		one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "name", c->marks[i].name);
		add_ms(one, "received_ms", c, c->marks[i].received_ns);
		add_ms(one, "echoed_ms", c, c->marks[i].echoed_ns);
		cJSON_AddBoolToObject(one, "flushed", c->marks[i].flushed);
		cJSON_AddItemToArray(list, one);
	}
	list = cJSON_AddArrayToObject(to, "warnings");
	for (size_t i = 0; i < c->warning_count; i++) {
		one = cJSON_CreateObject();
		cJSON_AddStringToObject(one, "text", c->warnings[i].text);
		cJSON_AddNumberToObject(one, "count", c->warnings[i].count);
		add_ms(one, "first_ms", c, c->warnings[i].first_ns);
		cJSON_AddItemToArray(list, one);
	}
	list = cJSON_AddArrayToObject(to, "events");
	for (size_t i = 0; i < c->event_count; i++) {
		one = cJSON_CreateObject();
		add_ms(one, "at_ms", c, c->events[i].at_ns);
		cJSON_AddStringToObject(one, "text", c->events[i].text);
		cJSON_AddItemToArray(list, one);
	}
}

#define FIELD(name, kind, field) \
	{ \
		name, REPORT_##kind, offsetof(struct call, field) \
	}
#define SAME(kind, field) FIELD(#field, kind, field)

static cJSON *cycle_json(const struct cycle *y)
{
	cJSON *j = cJSON_CreateObject();
	char *spoken = need_copy_n(text_str(&y->sent), y->spoken);

	cJSON_AddStringToObject(j, "sent", text_str(&y->sent));
	cJSON_AddStringToObject(j, "spoken", spoken);
	cJSON_AddNumberToObject(j, "tokens", (double)y->tokens);
	cJSON_AddStringToObject(j, "language", y->language);
	cJSON_AddBoolToObject(j, "greeting", y->greeting);
	cJSON_AddBoolToObject(j, "last", y->last);
	cJSON_AddBoolToObject(j, "cut", y->cut);
	cJSON_AddNumberToObject(j, "begin_ms", y->begin_tick * TICK_MS);
	cJSON_AddNumberToObject(j, "end_ms", y->end_tick * TICK_MS);
	free(spoken);
	return j;
}

static cJSON *session_json(const struct relay_session *s)
{
	cJSON *j = cJSON_CreateObject(), *cycles = cJSON_AddArrayToObject(j, "answers");

	cJSON_AddStringToObject(j, "session_id", s->id);
	cJSON_AddBoolToObject(j, "ended", s->ended);
	if (s->handoff)
		cJSON_AddStringToObject(j, "handoff", s->handoff);
	cJSON_AddNumberToObject(j, "error_code", s->error_code);
	for (size_t i = 0; i < s->talker.cycle_count; i++)
		cJSON_AddItemToArray(cycles, cycle_json(&s->talker.cycles[i]));
	return j;
}

static cJSON *relay_json(const struct call *c)
{
	static const struct report_field fields[] = { FIELD("prompts", COUNT, relay.prompts),
		FIELD("partials", COUNT, relay.partials), FIELD("dropped", COUNT, relay.dropped),
		FIELD("interrupts", COUNT, relay.interrupts), FIELD("tokens", COUNT, relay.tokens),
		FIELD("in_flight", COUNT, relay.in_flight), FIELD("stale", COUNT, relay.stale),
		FIELD("malformed", COUNT, relay.malformed), FIELD("pings", COUNT, relay.pings) };
	cJSON *j = cJSON_CreateObject(), *sessions = cJSON_AddArrayToObject(j, "sessions");

	report_fields(j, c, fields, sizeof fields / sizeof fields[0]);
	cJSON_AddNumberToObject(j, "unfinished", (double)relay_unfinished(c));
	cJSON_AddStringToObject(j, "languages", text_str(&c->relay.languages));
	cJSON_AddStringToObject(j, "plays", text_str(&c->relay.plays));
	cJSON_AddStringToObject(j, "digits", text_str(&c->relay.digits));
	for (size_t i = 0; i < c->relay.count; i++)
		cJSON_AddItemToArray(sessions, session_json(c->relay.session[i]));
	return j;
}

/* By ear; on a relay, of what was spoken. */
static void add_heard(cJSON *to, const struct call *c)
{
	cJSON *j = cJSON_AddObjectToObject(to, "heard"), *list = cJSON_AddArrayToObject(j, "at");
	char *words = c->relay.count ? need_copy(text_str(&c->relay.spoken)) : chirp_text(&c->ears.ear, 0);

	cJSON_AddStringToObject(j, "words", words);
	free(words);
	for (size_t i = 0; i < c->ears.ear.count; i++)
		cJSON_AddItemToArray(
		    list, cJSON_CreateNumber((double)(c->ears.ear.words[i].at / TICK_BYTES) * TICK_MS));
	cJSON_AddNumberToObject(j, "longest_silence_ms", c->ears.longest_ticks * TICK_MS);
	cJSON_AddNumberToObject(j, "longest_silence_end_ms", c->ears.longest_tick * TICK_MS);
	cJSON_AddNumberToObject(j, "other_sound_ms", c->ears.other_ticks * TICK_MS);
}

static cJSON *call_json(const struct call *c)
{
	static const struct report_field fields[] = { SAME(INT, status), SAME(INT, upgrade_status),
		SAME(INT, second_status), SAME(INT, action_status), SAME(INT, close_code), SAME(INT, streams),
		SAME(COUNT, frames_sent), FIELD("frames_lost_unread", COUNT, overflow_frames), SAME(COUNT, keys_sent),
		FIELD("messages_received", COUNT, messages), FIELD("media_received", COUNT, media),
		FIELD("bytes_received", COUNT, media_bytes), SAME(COUNT, marks_received), SAME(COUNT, marks_played),
		SAME(COUNT, marks_flushed), SAME(COUNT, pongs), SAME(COUNT, stale_units), SAME(COUNT, lost_units),
		SAME(COUNT, underruns), SAME(COUNT, warnings_total) };
	cJSON *j = cJSON_CreateObject();
	char why[400];
	bool ok = report_verdict(c, why, sizeof why);

	cJSON_AddBoolToObject(j, "ok", ok);
	if (!ok)
		cJSON_AddStringToObject(j, "why", why);
	if (c->failure[0])
		cJSON_AddStringToObject(j, "failure", c->failure);
	cJSON_AddStringToObject(j, "call_sid", c->sid);
	cJSON_AddStringToObject(j, "stream_sid", c->stream.sid);
	cJSON_AddStringToObject(j, "end", call_end_name(c->end));
	if (c->refusal[0])
		cJSON_AddStringToObject(j, "refusal", c->refusal);
	cJSON_AddStringToObject(j, "twiml", text_str(&c->documents_text));
	cJSON_AddStringToObject(j, "said", text_str(&c->said));
	cJSON_AddStringToObject(j, "dialled", text_str(&c->dialled));
	cJSON_AddStringToObject(j, "tones", text_str(&c->tones));
	cJSON_AddNumberToObject(j, "webhook_ms", round_ms((double)c->webhook_ns / 1e6));
	cJSON_AddNumberToObject(j, "upgrade_ms", round_ms((double)c->upgrade_ns / 1e6));
	add_span(j, "first_audio_ms", c->stream.open_ns, c->first_media_ns);
	add_ms(j, "first_play_ms", c, c->first_play_ns);
	cJSON_AddNumberToObject(j, "stream_ms", c->tick * TICK_MS);
	cJSON_AddNumberToObject(j, "received_ms", (double)c->media_bytes / BYTES_PER_MS);
	cJSON_AddNumberToObject(j, "played_ms", (double)c->played_bytes / BYTES_PER_MS);
	cJSON_AddNumberToObject(j, "unplayed_at_end_ms", (double)c->unplayed_at_close / BYTES_PER_MS);
	report_fields(j, c, fields, sizeof fields / sizeof fields[0]);
	add_answers(j, c);
	add_turns(j, c);
	add_heard(j, c);
	if (c->relay.count)
		cJSON_AddItemToObject(j, "relay", relay_json(c));
	add_notes(j, c);
	return j;
}

static cJSON *load_json(const struct options *o, const struct call *calls, const struct stats *sum)
{
	cJSON *j = cJSON_CreateObject(), *ends = cJSON_CreateObject();
	long ok = 0, opened = 0;
	char why[400];

	for (long i = 0; i < o->calls; i++) {
		const char *end = call_end_name(calls[i].end);
		cJSON *n = cJSON_GetObjectItem(ends, end);

		ok += report_verdict(&calls[i], why, sizeof why);
		opened += calls[i].streams > 0;
		if (n)
			cJSON_SetNumberValue(n, n->valuedouble + 1);
		else
			cJSON_AddNumberToObject(ends, end, 1);
	}
	cJSON_AddNumberToObject(j, "calls", (double)o->calls);
	cJSON_AddNumberToObject(j, "ok", (double)ok);
	cJSON_AddNumberToObject(j, "failed", (double)(o->calls - ok));
	cJSON_AddNumberToObject(j, "opened", (double)opened);
	cJSON_AddItemToObject(j, "ends", ends);
#define X(name) cJSON_AddNumberToObject(j, #name, (double)sum->name);
	STAT_COUNTS(X)
#undef X
#define X(name) cJSON_AddItemToObject(j, #name, report_hist(&sum->name));
	STAT_TIMES(X)
#undef X
	report_usage(j);
	return j;
}

int report_write(const struct options *o, const struct call *calls, const struct stats *sum)
{
	cJSON *j = cJSON_CreateObject(), *list;
	char why[400];
	int kept = 0;

	cJSON_AddStringToObject(j, "program", "phone");
	cJSON_AddStringToObject(j, "clock",
	    "milliseconds since the stream's first frame; answers are placed by that frame's and the WAV's time");
	cJSON_AddItemToObject(j, "load", load_json(o, calls, sum));
	list = cJSON_AddArrayToObject(j, "calls");
	for (long i = 0; i < o->calls; i++) {
		if (o->calls > FULL_REPORTS && (report_verdict(&calls[i], why, sizeof why) || kept++ >= FAILED_REPORTS))
			continue;
		cJSON_AddItemToArray(list, call_json(&calls[i]));
	}
	return report_save("phone", o->report, j);
}

static void print_call(const struct call *c)
{
	printf("%zu answers heard (%.1f s), %zu clears, end: %s\n", c->agent.count,
	    (double)c->played_bytes / BYTES_PER_MS / 1000, c->clear_count, call_end_name(c->end));
	for (size_t i = 0; i < c->turn_count; i++) {
		const struct turn *t = &c->turns[i];

		printf(
		    "  turn %zu  %-24.24s ", i + 1, t->step->kind == STEP_SAY ? t->step->speech.name : t->step->text);
		if (t->arrival_ns && t->voice_end_ns)
			printf("answered after %6.1f ms%s\n", ((double)t->arrival_ns - (double)t->voice_end_ns) / 1e6,
			    t->interrupting ? ", interrupted the agent" : "");
		else
			printf("%s\n", t->talked_over ? "the agent went on talking" : "not answered");
	}
}

static void print_times(const char *what, const struct hist *h)
{
	if (h->n)
		printf("  %-34s p50 %8.3f  p99 %8.3f  max %8.3f ms  (%llu)\n", what, (double)hist_at(h, 0.5) / 1e6,
		    (double)hist_at(h, 0.99) / 1e6, (double)h->max_ns / 1e6, (unsigned long long)h->n);
}

void report_print(const struct options *o, const struct call *calls, const struct stats *sum)
{
	char why[400];
	long ok = 0;

	if (o->calls == 1) {
		print_call(&calls[0]);
		return;
	}
	for (long i = 0; i < o->calls; i++) {
		bool good = report_verdict(&calls[i], why, sizeof why);

		if (!good && i - ok < 5)
			printf("  call %ld: %s\n", i, why);
		ok += good;
	}
	printf("%ld of %ld calls went as they should\n", ok, o->calls);
	print_times("own lateness in sending", &sum->send_late);
	print_times("webhook to TwiML", &sum->webhook);
	print_times("upgrade to 101", &sum->upgrade);
	print_times("stream open to first audio", &sum->stream_first_audio);
	print_times("answer's first audio (stamps)", &sum->answer_first);
	print_times("later audio after its deadline", &sum->unit_late);
	printf("  frames %llu, answers %llu, clears %llu, units lost %llu doubled %llu stale %llu, underruns %llu\n",
	    (unsigned long long)sum->frames_sent, (unsigned long long)sum->answers_begun,
	    (unsigned long long)sum->clears, (unsigned long long)sum->units_lost,
	    (unsigned long long)sum->units_doubled, (unsigned long long)sum->units_stale,
	    (unsigned long long)sum->underruns);
}
