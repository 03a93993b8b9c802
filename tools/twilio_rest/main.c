#include "tools/twilio_rest/rest.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct options options = {
	.dir = "build/e2e/ca",
	.certificate = "good",
	.account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	.token = "not-a-real-secret-0123456789",
	.server = "127.0.0.1:8080",
	.public_url = "https://bridge.example.com",
	.phone = "build/release/phone",
	.work = ".",
	.ring_ms = 200,
};

static void help(void)
{
	puts(
	    "twilio-rest: answers as Twilio's REST API does, and places the calls, with the simulated phone.\n"
	    "\n"
	    "  --port N               (0: the system chooses one, which is printed)\n"
	    "  --dir DIR              where standin-model --make-ca put certificates (build/e2e/ca)\n"
	    "  --certificate NAME     good, expired, wrong-name, unknown-root\n"
	    "  --account SID --token TOKEN [--key SK… --key-secret SECRET]\n"
	    "  --own NUMBER           calls may come from this one; may be repeated; without, from any\n"
	    "  --server HOST:PORT     where the bridge listens; @FILE: as the file says by then\n"
	    "  --public-url URL       what the bridge says its address is\n"
	    "  --phone FILE           the simulated phone (build/release/phone)\n"
	    "  --work DIR             its reports, sound and sockets: CallSid.json, .wav, .out, .sock;\n"
	    "                         other calls whose socket is there can be changed and recorded too\n"
	    "  --ring MS              how long it rings (200)\n"
	    "  --report FILE          what was asked, as JSON, at the end; or GET /standin/report any time\n"
	    "  --rule RULE            what becomes of calls to a number: NAME[=VALUE][@NUMBER][xTIMES]; may be repeated\n"
	    "  -- …                   more options for the phone\n"
	    "\n"
	    "Rules; without a number for every call, without a count every time:");
	rules_help();
}

static const struct option rows[] = { { "port", 1, NULL, 'p' }, { "dir", 1, NULL, 'd' },
	{ "certificate", 1, NULL, 'c' }, { "account", 1, NULL, 'a' }, { "token", 1, NULL, 't' },
	{ "key", 1, NULL, 'k' }, { "key-secret", 1, NULL, 's' }, { "own", 1, NULL, 'o' }, { "server", 1, NULL, 'S' },
	{ "public-url", 1, NULL, 'u' }, { "phone", 1, NULL, 'P' }, { "work", 1, NULL, 'w' }, { "ring", 1, NULL, 'r' },
	{ "report", 1, NULL, 'R' }, { "rule", 1, NULL, 'l' }, { "help", 0, NULL, 'h' }, { 0 } };

static const char **text_option(int id)
{
	switch (id) {
	case 'd':
		return &options.dir;
	case 'c':
		return &options.certificate;
	case 'a':
		return &options.account;
	case 't':
		return &options.token;
	case 'k':
		return &options.key_sid;
	case 's':
		return &options.key_secret;
	case 'S':
		return &options.server;
	case 'u':
		return &options.public_url;
	case 'P':
		return &options.phone;
	case 'w':
		return &options.work;
	case 'R':
		return &options.report;
	default:
		return NULL;
	}
}

static bool take(int id, const char *value)
{
	if (text_option(id)) {
		*text_option(id) = value;
	} else if (id == 'p') {
		options.port = atoi(value);
	} else if (id == 'r') {
		options.ring_ms = atoi(value);
	} else if (id == 'o' && options.own_count < sizeof options.own / sizeof *options.own) {
		options.own[options.own_count++] = value;
	} else if (id == 'l' && rule_add(value)) {
		return true;
	} else {
		fprintf(stderr, "twilio-rest: %s is nothing we know\n", value ? value : "that");
		return false;
	}
	return true;
}

static void write_report(void)
{
	struct text out = { 0 };
	FILE *file = options.report ? fopen(options.report, "w") : NULL;

	report_put(&out);
	if (file) {
		fwrite(out.data, 1, out.len, file);
		fclose(file);
	}
	text_free(&out);
}

static void *watch(void *arg)
{
	int got;

	sigwait(arg, &got);
	serve_stop();
	return NULL;
}

int main(int argc, char **argv)
{
	static sigset_t signals;
	pthread_t watcher;
	int id;

	while ((id = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (id == 'h') {
			help();
			return 0;
		}
		if (id == '?' || !take(id, optarg))
			return 2;
	}
	options.phone_arg = argv + optind;
	options.phone_args = argc - optind;
	mkdir(options.work, 0755);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (serve_open(&options.port) || pthread_create(&watcher, NULL, watch, &signals))
		return 1;
	printf("listening https://localhost:%d\n", options.port);
	fflush(stdout);
	serve_run();
	life_end_all();
	write_report();
	return 0;
}
