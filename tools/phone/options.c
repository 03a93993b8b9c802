#include "tools/phone/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/expect.h"
#include "tools/kit/text.h"

enum { MAX_TIMED = 64 };

static const char help_text[] =
    "phone: places calls as Twilio does, over plain HTTP and WebSocket.\n"
    "\n"
    "It asks the voice webhook, follows the TwiML, opens the media stream, speaks WAV\n"
    "files, plays what it is sent in real time, echoes marks, and checks every message\n"
    "it gets. Exit status 0 if the call went as the script and --expect say.\n"
    "\n"
    "  --server HOST:PORT     where the bridge listens (127.0.0.1:8080)\n"
    "  --public-url URL       what Twilio would call it, and signs (https://bridge.example.com)\n"
    "  --token TOKEN          the auth token to sign with; without one nothing is signed\n"
    "  --voice-path PATH      the voice webhook (/twilio/voice)\n"
    "  --status-path PATH     where call status callbacks go (/twilio/call-status)\n"
    "  --no-status            send no callbacks about call and stream\n"
    "  --outbound             the other end placed the call: we are called, and have answered\n"
    "  --voice-url URL        what an outbound call asks for at the answer\n"
    "  --call-sid SID         the call's name, if it has one already\n"
    "  --answered-by WORD     what answering-machine detection found before\n"
    "  --control PATH         listen there for orders (a Unix socket; in a folder: CallSid.sock):\n"
    "                         \"hangup\", \"url URL\", or \"twiml\" and a document from the next line on\n"
    "  --from N, --to N, --account SID\n"
    "  --header 'NAME: TEXT'  on every request; may be repeated\n"
    "  --dial RESULT          how a <Dial> goes: completed, busy, no-answer, failed (completed)\n"
    "\n"
    "What the caller does; at the end he hangs up:\n"
    "  --script FILE          see below\n"
    "  --wav FILE[@MS]        speak it so long after the stream began; may be repeated\n"
    "  --say FILE             speak it; with --after-agent-finished MS or\n"
    "                         --after-agent-started MS behind it: not before then\n"
    "  --dtmf KEYS            press keys\n"
    "  --seconds S            hang up after so long, whatever the script says\n"
    "  --limit S              give up a call after so long (300)\n"
    "\n"
    "What comes of it:\n"
    "  --out FILE             the call as stereo WAV: caller left, agent as played right\n"
    "  --report FILE          a JSON report\n"
    "  --live                 print what happens while it happens\n"
    "  --expect KEY OP VALUE  as one word, such as answers>=3; may be repeated:\n";

static const char load_help[] =
    "\n"
    "Many calls:\n"
    "  --calls N              at once (1); without a script they are silent\n"
    "  --ramp R               new calls a second (20)\n"
    "  --settle S             after the ramp, before latencies are taken (1)\n"
    "  --seconds T            how long all of them stay up together\n"
    "  --threads N            (1, from 300 calls on 2)\n"
    "  --stamps               put time stamps into the audio and read those in the answers\n"
    "\n"
    "A script has one step a line, # begins a comment, files are looked for beside it:\n"
    "  say FILE [\"words\"]              speak a WAV file (the words are only printed)\n"
    "  silence MS                      say nothing for so long\n"
    "  at MS                           wait until so long after the stream began\n"
    "  wait-agent-talking MS [LIMIT]   until the agent has answered for so long\n"
    "  wait-agent-done MS [LIMIT]      until it has answered and was silent for so long\n"
    "  wait-clear [LIMIT]              until play-out is cleared\n"
    "  wait-end [LIMIT]                until the server ends the stream\n"
    "  dtmf KEYS [GAP]                 press keys, GAP ms apart (250)\n"
    "  gather-speech \"words\"           what the next <Gather> hears\n"
    "  gather-digits KEYS              what the next <Gather> gets\n"
    "  hangup\n"
    "  repeat                          from the first line again\n"
    "A wait that reaches its LIMIT (30000 ms) fails the call.\n";

enum option_id {
	SERVER = 256,
	PUBLIC_URL,
	TOKEN,
	VOICE_PATH,
	STATUS_PATH,
	NO_STATUS,
	OUTBOUND,
	VOICE_URL,
	CALL_SID,
	ANSWERED_BY,
	CONTROL,
	FROM,
	TO,
	ACCOUNT,
	HEADER,
	DIAL,
	SCRIPT,
	WAV,
	SAY,
	AFTER_FINISHED,
	AFTER_STARTED,
	DTMF,
	SECONDS,
	LIMIT,
	OUT,
	REPORT,
	LIVE,
	EXPECT,
	CALLS,
	RAMP,
	SETTLE,
	THREADS,
	STAMPS,
	FAULT,
	HELP
};

static const struct option_row {
	const char *name;
	int takes, id;
} rows[] = {
	{ "server", 1, SERVER },
	{ "public-url", 1, PUBLIC_URL },
	{ "token", 1, TOKEN },
	{ "voice-path", 1, VOICE_PATH },
	{ "status-path", 1, STATUS_PATH },
	{ "no-status", 0, NO_STATUS },
	{ "outbound", 0, OUTBOUND },
	{ "voice-url", 1, VOICE_URL },
	{ "call-sid", 1, CALL_SID },
	{ "answered-by", 1, ANSWERED_BY },
	{ "control", 1, CONTROL },
	{ "from", 1, FROM },
	{ "to", 1, TO },
	{ "account", 1, ACCOUNT },
	{ "header", 1, HEADER },
	{ "dial", 1, DIAL },
	{ "script", 1, SCRIPT },
	{ "wav", 1, WAV },
	{ "say", 1, SAY },
	{ "after-agent-finished", 1, AFTER_FINISHED },
	{ "after-agent-started", 1, AFTER_STARTED },
	{ "dtmf", 1, DTMF },
	{ "seconds", 1, SECONDS },
	{ "limit", 1, LIMIT },
	{ "out", 1, OUT },
	{ "report", 1, REPORT },
	{ "live", 0, LIVE },
	{ "expect", 1, EXPECT },
	{ "calls", 1, CALLS },
	{ "ramp", 1, RAMP },
	{ "settle", 1, SETTLE },
	{ "threads", 1, THREADS },
	{ "stamps", 0, STAMPS },
	{ "fault", 1, FAULT },
	{ "help", 0, HELP },
};

static bool refuse(const char *option, const char *why)
{
	fprintf(stderr, "phone: --%s: %s\n", option, why);
	return false;
}

static bool add_step(struct options *o, const char *option, const char *format, const char *value)
{
	struct text line = { 0 };
	char why[300];
	bool ok;

	text_printf(&line, "%s %s", format, value);
	ok = script_line(&o->script, text_str(&line), "", 0, why, sizeof why) == 0;
	text_free(&line);
	return ok ? true : refuse(option, why);
}

/* FILE or FILE@MS; several are spoken in the order given. */
static bool add_timed(struct options *o, const char *value)
{
	const char *at = strrchr(value, '@');
	bool timed = at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1);
	char *file = need_copy_n(value, timed ? (size_t)(at - value) : strlen(value));
	struct text quoted = { 0 };
	bool ok = !timed || add_step(o, "wav", "at", at + 1);

	text_printf(&quoted, "\"%s\"", file);
	ok = ok && add_step(o, "wav", "say", text_str(&quoted));
	text_free(&quoted);
	free(file);
	return ok;
}

static bool add_wait(struct options *o, const char *option, const char *step, const char *value)
{
	size_t n = o->script.count;

	if (!n || o->script.step[n - 1].kind != STEP_SAY)
		return refuse(option, "there is no --say before it");
	if (!add_step(o, option, step, value))
		return false;
	script_swap_last(&o->script);
	return true;
}

static bool resolve(struct options *o)
{
	const char *colon = strrchr(o->server, ':');
	char host[256];
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;

	if (!colon || (size_t)(colon - o->server) >= sizeof host)
		return refuse("server", "is no HOST:PORT");
	memcpy(host, o->server, (size_t)(colon - o->server));
	host[colon - o->server] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return refuse("server", "cannot be resolved");
	memcpy(&o->address, found->ai_addr, sizeof o->address);
	freeaddrinfo(found);
	return true;
}

static bool set(struct options *o, int id, const char *name, const char *v)
{
	char why[300];

	switch (id) {
	case SERVER:
		o->server = v;
		return true;
	case PUBLIC_URL:
		o->public_url = v;
		return true;
	case TOKEN:
		o->token = v;
		return true;
	case VOICE_PATH:
		o->voice_path = v;
		return true;
	case STATUS_PATH:
		o->status_path = v;
		return true;
	case NO_STATUS:
		o->no_status = true;
		return true;
	case OUTBOUND:
		o->outbound = true;
		return true;
	case VOICE_URL:
		o->voice_url = v;
		return true;
	case CALL_SID:
		o->call_sid = v;
		return strlen(v) == 34 ? true : refuse(name, "must have 34 characters");
	case ANSWERED_BY:
		o->answered_by = v;
		return true;
	case CONTROL:
		o->control = v;
		return true;
	case FROM:
		o->from = v;
		return true;
	case TO:
		o->to = v;
		return true;
	case ACCOUNT:
		o->account = v;
		return true;
	case DIAL:
		o->dial = v;
		return true;
	case OUT:
		o->out = v;
		return true;
	case REPORT:
		o->report = v;
		return true;
	case LIVE:
		o->live = true;
		return true;
	case STAMPS:
		o->stamps = true;
		return true;
	case SECONDS:
		o->seconds = strtod(v, NULL);
		return o->seconds > 0 ? true : refuse(name, "must be more than nothing");
	case RAMP:
		o->ramp = strtod(v, NULL);
		return o->ramp > 0 ? true : refuse(name, "must be more than nothing");
	case SETTLE:
		o->settle = strtod(v, NULL);
		return o->settle >= 0 ? true : refuse(name, "must not be less than nothing");
	case CALLS:
		o->calls = strtol(v, NULL, 10);
		return o->calls > 0 && o->calls <= 20000 ? true : refuse(name, "must be 1 to 20000");
	case THREADS:
		o->threads = strtol(v, NULL, 10);
		return o->threads > 0 && o->threads <= 64 ? true : refuse(name, "must be 1 to 64");
	case LIMIT:
		o->limit_s = strtol(v, NULL, 10);
		return o->limit_s > 0 ? true : refuse(name, "must be more than nothing");
	case HEADER:
		if (o->header_count == HEADERS_MAX)
			return refuse(name, "too many");
		o->header[o->header_count++] = v;
		return true;
	case EXPECT:
		if (o->expect_count == EXPECTS_MAX)
			return refuse(name, "too many");
		if (!expect_known(v))
			return refuse(name, "is none of those --help lists");
		o->expect[o->expect_count++] = v;
		return true;
	case SCRIPT:
		return script_read(&o->script, v, why, sizeof why) == 0 ? true : refuse(name, why);
	case WAV:
		return add_timed(o, v);
	case SAY:
		return add_timed(o, v);
	case DTMF:
		return add_step(o, name, "dtmf", v);
	case AFTER_FINISHED:
		return add_wait(o, name, "wait-agent-done", v);
	case AFTER_STARTED:
		return add_wait(o, name, "wait-agent-talking", v);
	case FAULT:
		return fault_set(o->fault, v) == 0 ? true : refuse(name, "is none of those --help lists");
	default:
		return false;
	}
}

static void print_help(void)
{
	fputs(help_text, stdout);
	expect_help(stdout);
	fputs(load_help, stdout);
	faults_help(stdout);
}

int options_read(struct options *o, int argc, char **argv)
{
	enum { ROWS = sizeof rows / sizeof rows[0] };
	struct option longs[ROWS + 1] = { 0 };
	bool from_options = false, from_file = false;
	int id, row;

	for (int i = 0; i < ROWS; i++)
		longs[i] = (struct option){ rows[i].name, rows[i].takes, NULL, rows[i].id };
	*o = (struct options){
		.server = "127.0.0.1:8080",
		.public_url = "https://bridge.example.com",
		.account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.from = "+12025550123",
		.to = "+12025550100",
		.voice_path = "/twilio/voice",
		.status_path = "/twilio/call-status",
		.dial = "completed",
		.calls = 1,
		.ramp = 20,
		.settle = 1,
		.limit_s = 300,
	};
	optind = 1;
	while ((id = getopt_long(argc, argv, "", longs, &row)) != -1) {
		if (id == HELP) {
			print_help();
			return 0;
		}
		from_options |= id == WAV || id == SAY || id == DTMF;
		from_file |= id == SCRIPT;
		if (id == '?' || !set(o, id, longs[row].name, optarg))
			return 2;
	}
	if (optind < argc) {
		fprintf(stderr, "phone: \"%s\" is no option\n", argv[optind]);
		return 2;
	}
	if (from_options && from_file)
		return refuse("script", "goes without --wav, --say and --dtmf"), 2;
	if (from_options && !add_step(o, "wav", "wait-agent-done", "1500"))
		return 2;
	o->no_script = !o->script.count;
	if (o->no_script && o->seconds <= 0)
		o->seconds = 10;
	if (o->no_script && !add_step(o, "script", "silence", "86400000"))
		return 2;
	if (!o->threads)
		o->threads = o->calls < 300 ? 1 : 2;
	if (o->threads > o->calls)
		o->threads = o->calls;
	if (o->seconds > 0 && o->limit_s < (long)(o->seconds + (double)o->calls / o->ramp) + 60)
		o->limit_s = (long)(o->seconds + (double)o->calls / o->ramp) + 60;
	return resolve(o) ? OPTIONS_RUN : 2;
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
