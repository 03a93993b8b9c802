#include "tools/kit/command_line.h"
#include "tools/kit/file.h"
#include "tools/twilio_rest/rest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct options options;

static const char *own(void *into, const char *name, const char *value)
{
	(void)into, (void)name;
	if (options.own_count == sizeof options.own / sizeof *options.own)
		return "too many";
	options.own[options.own_count++] = value;
	return NULL;
}

static const char *rule(void *into, const char *name, const char *value)
{
	(void)into, (void)name;
	return rule_add(value) ? NULL : "is none of those --help lists";
}

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS,
	    .help =
		"twilio-rest: answers as Twilio's REST API does, and places the calls, with the simulated phone.\n" },
	{ "port", "N", "0", "0: the system chooses one, which is printed", TO(INT, port) },
	{ "dir", "DIR", "build/e2e/ca", "where standin-model --make-ca put certificates", TO(TEXT, dir) },
	{ "certificate", "NAME", "good", "good, expired, wrong-name, unknown-root", TO(TEXT, certificate) },
	{ "account", "SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "whose credentials to ask for", TO(TEXT, account) },
	{ "token", "TOKEN", "not-a-real-secret-0123456789", "the account's; signs callbacks too", TO(TEXT, token) },
	{ "key", "SID", NULL, "an API key that will do as well", TO(TEXT, key_sid) },
	{ "key-secret", "SECRET", NULL, "and its secret", TO(TEXT, key_secret) },
	{ "own", "NUMBER", NULL, "calls may come from this one; may be repeated; without, from any", BY(own) },
	{ "server", "HOST:PORT", "127.0.0.1:8080", "where the bridge listens; @FILE: as the file says by then",
	    TO(TEXT, server) },
	{ "public-url", "URL", "https://bridge.example.com", "what the bridge says its address is",
	    TO(TEXT, public_url) },
	{ "phone", "FILE", "build/release/phone", "the simulated phone", TO(TEXT, phone) },
	{ "work", "DIR", ".",
	    "its reports, sound and sockets: CallSid.json, .wav, .out, .sock;\n"
	    "other calls whose socket is there can be changed and recorded too",
	    TO(TEXT, work) },
	{ "ring", "MS", "200", "how long it rings", TO(INT, ring_ms) },
	{ "report", "FILE", NULL, "what was asked, as JSON, at the end; or GET /standin/report any time",
	    TO(TEXT, report) },
	{ "rule", "RULE", NULL,
	    "what becomes of calls to a number: NAME[=VALUE][@NUMBER][xTIMES];\n"
	    "may be repeated; what stands behind -- are more options for the phone",
	    BY(rule) },
	{ .kind = OPTION_WORDS,
	    .help = "\nRules; without a number for every call, without a count every time:",
	    .print = rules_help },
};

static int listener;

static void write_report(void)
{
	struct text out = { 0 };

	report_put(&out);
	if (options.report && file_write(options.report, &out))
		perror(options.report);
	text_free(&out);
}

static void *watch(void *arg)
{
	int got;

	sigwait(arg, &got);
	server_stop(listener);
	return NULL;
}

int main(int argc, char **argv)
{
	static sigset_t signals;
	pthread_t watcher;
	int next = command_line_read("twilio-rest", rows, sizeof rows / sizeof *rows, &options, argc, argv);
	char chain[1024];
	SSL_CTX *tls;

	if (next <= 0)
		return next ? 2 : 0;
	options.phone_arg = argv + next;
	options.phone_args = argc - next;
	mkdir(options.work, 0755);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	snprintf(chain, sizeof chain, "%s/%s.pem", options.dir, options.certificate);
	tls = server_tls("twilio-rest", chain, chain);
	if (!tls)
		return 1;
	listener = server_listen("twilio-rest", "127.0.0.1", &options.port, "https://localhost");
	if (pthread_create(&watcher, NULL, watch, &signals))
		return 1;
	server_run(listener, tls, 60, serve);
	life_end_all();
	write_report();
	return 0;
}
