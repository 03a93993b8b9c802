#include "tools/phone/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/client.h"
#include "tools/kit/command_line.h"
#include "tools/kit/text.h"
#include "tools/phone/expect.h"

static char problem[400]; /* what was wrong, longer than a constant */

static const char *add_step(struct options *o, const char *step, const char *value)
{
	struct text line = { 0 };
	bool ok;

	text_printf(&line, "%s %s", step, value);
	ok = script_line(&o->script, text_str(&line), "", 0, problem, sizeof problem) == 0;
	text_free(&line);
	o->steps_given = true;
	return ok ? NULL : problem;
}

/* FILE or FILE@MS; several are spoken in the order given. */
static const char *add_speech(void *into, const char *name, const char *value)
{
	const char *at = strrchr(value, '@'), *wrong = NULL;
	bool timed = at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1);
	struct text quoted = { 0 };

	(void)name;
	if (timed)
		wrong = add_step(into, "at", at + 1);
	text_printf(&quoted, "\"%.*s\"", timed ? (int)(at - value) : (int)strlen(value), value);
	if (!wrong)
		wrong = add_step(into, "say", text_str(&quoted));
	text_free(&quoted);
	return wrong;
}

static const char *add_wait(void *into, const char *name, const char *value)
{
	struct options *o = into;
	size_t n = o->script.count;
	const char *wrong;

	if (!n || o->script.step[n - 1].kind != STEP_SAY)
		return "there is no --say before it";
	wrong = add_step(o, strcmp(name, "after-agent-finished") ? "wait-agent-talking" : "wait-agent-done", value);
	if (!wrong)
		script_swap_last(&o->script);
	return wrong;
}

static const char *add_keys(void *into, const char *name, const char *value)
{
	(void)name;
	return add_step(into, "dtmf", value);
}

static const char *add_script(void *into, const char *name, const char *value)
{
	struct options *o = into;

	(void)name;
	o->script_given = true;
	return script_read(&o->script, value, problem, sizeof problem) ? problem : NULL;
}

static const char *add_header(void *into, const char *name, const char *value)
{
	struct options *o = into;

	(void)name;
	if (o->header_count == HEADERS_MAX)
		return "too many";
	o->header[o->header_count++] = value;
	return NULL;
}

static const char *add_expectation(void *into, const char *name, const char *value)
{
	struct options *o = into;

	(void)name;
	if (o->expect_count == EXPECTS_MAX)
		return "too many";
	if (!expect_known(value))
		return "is none of those --help lists";
	o->expect[o->expect_count++] = value;
	return NULL;
}

static const char *add_fault(void *into, const char *name, const char *value)
{
	(void)name;
	return fault_set(((struct options *)into)->fault, value) ? "is none of those --help lists" : NULL;
}

static const char *set_call_sid(void *into, const char *name, const char *value)
{
	(void)name;
	((struct options *)into)->call_sid = value;
	return strlen(value) == 34 ? NULL : "must have 34 characters";
}

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)
#define RANGE(from, to) .least = from, .most = to
#define WORDS(text) \
	{ \
		.kind = OPTION_WORDS, .help = text \
	}

enum { SECONDS_MAX = 10000000 };

static const struct option_row rows[] = {
	WORDS("phone: places calls as Twilio does, over plain HTTP and WebSocket.\n"
	      "\n"
	      "It asks the voice webhook, follows the TwiML, opens the media stream, speaks WAV\n"
	      "files, plays what it is sent in real time, echoes marks, and checks every message\n"
	      "it gets. Exit status 0 if the call went as the script and --expect say.\n"),
	{ "server", "HOST:PORT", "127.0.0.1:8080", "where the bridge listens", TO(TEXT, server) },
	{ "public-url", "URL", "https://bridge.example.com", "what Twilio would call it, and signs",
	    TO(TEXT, public_url) },
	{ "token", "TOKEN", NULL, "the auth token to sign with; without one nothing is signed", TO(TEXT, token) },
	{ "voice-path", "PATH", "/twilio/voice", "the voice webhook", TO(TEXT, voice_path) },
	{ "status-path", "PATH", "/twilio/call-status", "where call status callbacks go", TO(TEXT, status_path) },
	{ "no-status", NULL, NULL, "send no callbacks about call and stream", TO(FLAG, no_status) },
	{ "outbound", NULL, NULL, "the other end placed the call: we are called, and have answered",
	    TO(FLAG, outbound) },
	{ "voice-url", "URL", NULL, "what an outbound call asks for at the answer", TO(TEXT, voice_url) },
	{ "call-sid", "SID", NULL, "the call's name, if it has one already", BY(set_call_sid) },
	{ "answered-by", "WORD", NULL, "what answering-machine detection found before", TO(TEXT, answered_by) },
	{ "control", "PATH", NULL,
	    "listen there for orders (a Unix socket; in a folder: CallSid.sock):\n"
	    "\"hangup\", \"url URL\", or \"twiml\" and a document from the next line on",
	    TO(TEXT, control) },
	{ "from", "N", "+12025550123", "the caller's number", TO(TEXT, from) },
	{ "to", "N", "+12025550100", "the number called", TO(TEXT, to) },
	{ "account", "SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "the account both belong to", TO(TEXT, account) },
	{ "header", "'NAME: TEXT'", NULL, "on every request; may be repeated", BY(add_header) },
	{ "retry-ms", "MS", "2500", "the pause before a webhook is asked again, where its address has #rc=",
	    TO(LONG, retry_ms), RANGE(1, 600000) },
	{ "dial", "RESULT", "completed", "how a <Dial> goes: completed, busy, no-answer, failed", TO(TEXT, dial) },
	{ "media", "URL", "https://api.twilio.com", "where recordings are, as their callbacks say", TO(TEXT, media) },
	WORDS("\nWhat the caller does; at the end he hangs up:"),
	{ "script", "FILE", NULL, "see below", BY(add_script) },
	{ "wav", "FILE[@MS]", NULL, "speak it so long after the stream began; may be repeated", BY(add_speech) },
	{ "say", "FILE", NULL,
	    "speak it; not before --after-agent-finished MS or\n"
	    "--after-agent-started MS, if one of these is behind it",
	    BY(add_speech) },
	{ "after-agent-finished", "MS", NULL, "the agent has answered and was silent for so long", BY(add_wait) },
	{ "after-agent-started", "MS", NULL, "the agent has answered for so long", BY(add_wait) },
	{ "dtmf", "KEYS", NULL, "press keys", BY(add_keys) },
	{ "message-seconds", "S", "5", "leave a message so long, where there is a <Record>; 0: none",
	    TO(LONG, message_s), RANGE(0, 3600) },
	{ "message", "WORDS", NULL, "which Twilio writes down so, if it is asked to", TO(TEXT, message) },
	{ "seconds", "S", NULL, "hang up after so long, whatever the script says", TO(DOUBLE, seconds),
	    RANGE(1e-9, SECONDS_MAX) },
	{ "patience", "S", "15", "give up a request after so long, as Twilio does", TO(LONG, patience_s),
	    RANGE(1, SECONDS_MAX) },
	{ "limit", "S", "300", "give up a call after so long", TO(LONG, limit_s), RANGE(1, SECONDS_MAX) },
	WORDS("\nWhat comes of it:"),
	{ "out", "FILE", NULL, "the call as stereo WAV: caller left, agent as played right", TO(TEXT, out) },
	{ "pace", "N", "15", "a relay, or a <Say> that is not the last, speaks so many characters a second",
	    TO(DOUBLE, pace), RANGE(0.1, 1000000) },
	{ "report", "FILE", NULL, "a JSON report", TO(TEXT, report) },
	{ "live", NULL, NULL, "print what happens while it happens", TO(FLAG, live) },
	{ "expect", "KEY OP VALUE", NULL, "as one word, such as answers>=3; may be repeated:", BY(add_expectation) },
	{ .kind = OPTION_WORDS, .print = expect_help },
	WORDS("\nMany calls:"),
	{ "calls", "N", "1", "at once; without a script they are silent", TO(LONG, calls), RANGE(1, 20000) },
	{ "ramp", "R", "20", "new calls a second", TO(DOUBLE, ramp), RANGE(1e-9, SECONDS_MAX) },
	{ "settle", "S", "1", "after the ramp, before latencies are taken", TO(DOUBLE, settle), RANGE(0, SECONDS_MAX) },
	{ "threads", "N", NULL, "1, from 300 calls on 2", TO(LONG, threads), RANGE(1, 64) },
	{ "stamps", NULL, NULL, "put time stamps into the audio and read those in the answers", TO(FLAG, stamps) },
	WORDS("  (--seconds is how long all of them stay up together)\n"
	      "\n"
	      "A script has one step a line, # begins a comment, files are looked for beside it:\n"
	      "  say FILE [\"words\"]              speak a WAV file (the words are what a relay hears)\n"
	      "  words \"words\"                   speak these as sounds that the stand-in model knows\n"
	      "  silence MS                      say nothing for so long\n"
	      "  at MS                           wait until so long after the stream began\n"
	      "  wait-agent-talking MS [LIMIT]   until the agent has answered for so long\n"
	      "  wait-agent-done MS [LIMIT]      until it has answered and was silent for so long\n"
	      "  wait-clear [LIMIT]              until play-out is cleared\n"
	      "  wait-end [LIMIT]                until the server ends the stream\n"
	      "  dtmf KEYS [GAP]                 press keys, GAP ms apart (250)\n"
	      "  prompt \"words\" [MS]             a relay hears the caller say so, in so long\n"
	      "  noise                           the caller is heard, and says nothing\n"
	      "  wait-spoken \"words\" [LIMIT]     until these are spoken (a stream: in such sounds)\n"
	      "  wait-last [LIMIT]               until the answer has come as a whole, spoken or not\n"
	      "  lang TAG                        the language of the prompts from here on\n"
	      "  error \"words\"                   Twilio tells of an error\n"
	      "  cut                             the socket is cut; a relay goes on at its action\n"
	      "  raw TEXT                        a message as it stands, to the line's end\n"
	      "  gather-speech \"words\" [MS]      what the next <Gather> hears, after MS or when it has spoken\n"
	      "  gather-digits KEYS              what the next <Gather> gets\n"
	      "  gather-unclear \"words\"          what it hears badly\n"
	      "  gather-nothing                  it waits in vain\n"
	      "  hangup\n"
	      "  repeat                          from the first line again\n"
	      "A wait that reaches its LIMIT (120000 ms) fails the call.\n"),
	{ "fault", "NAME[=VALUE][@MS]", NULL,
	    "misbehave; MS counts from the stream's start; may be repeated:", BY(add_fault) },
	{ .kind = OPTION_WORDS, .print = faults_help },
};

static int refuse(const char *option, const char *why)
{
	fprintf(stderr, "phone: --%s: %s\n", option, why);
	return 2;
}

int options_read(struct options *o, int argc, char **argv)
{
	const char *wrong = NULL;
	int next;

	*o = (struct options){ 0 };
	next = command_line_read("phone", rows, sizeof rows / sizeof rows[0], o, argc, argv);
	if (next <= 0)
		return next ? 2 : 0;
	if (next < argc)
		return refuse(argv[next], "is no option");
	if (o->steps_given && o->script_given)
		return refuse("script", "goes without --wav, --say and --dtmf");
	if (o->steps_given)
		wrong = add_step(o, "wait-agent-done", "1500");
	o->no_script = !o->script.count;
	if (o->no_script && o->seconds <= 0)
		o->seconds = 10;
	if (o->no_script)
		wrong = add_step(o, "silence", "86400000");
	if (wrong)
		return refuse("script", wrong);
	if (!o->threads)
		o->threads = o->calls < 300 ? 1 : 2;
	if (o->threads > o->calls)
		o->threads = o->calls;
	if (o->seconds > 0 && o->limit_s < (long)(o->seconds + (double)o->calls / o->ramp) + 60)
		o->limit_s = (long)(o->seconds + (double)o->calls / o->ramp) + 60;
	return client_resolve(o->server, &o->address) ? OPTIONS_RUN : refuse("server", "cannot be resolved");
}

void options_free(struct options *o)
{
	script_free(&o->script);
}

bool has_any_fault(const struct options *o)
{
	for (int i = 0; i < FAULT_COUNT; i++)
		if (o->fault[i].on)
			return true;
	return false;
}
