#include "tools/standin_model/options.h"

#include "tools/standin_model/faults.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options options = {
	.listen = "127.0.0.1",
	.port = "0",
	.dir = "build/standin-ca",
	.names = "localhost,api.openai.com,model.test",
	.certificate = "good",
	.tls_max = "1.3",
	.script = "tools/standin_model/script.json",
	.threads = "2",
	.speed = 6,
	.first_delta_ms = 250,
	.transcript_ms = 400,
	.seed = 1,
	.load_every_s = 5,
	.load_answer_ms = 3000,
	.load_cut_every = 2,
	.load_cut_ms = 1000,
};

enum kind { TEXT, FLAG, LONG, DOUBLE, FAULT, HELP };

#define AT(field) offsetof(struct options, field)

static const struct {
	const char *name, *value, *help;
	enum kind kind;
	size_t at;
} table[] = {
	{ "listen", "ADDRESS", "address to listen on (127.0.0.1)", TEXT, AT(listen) },
	{ "port", "PORT", "0 picks one; \"listening ADDRESS:PORT\" is printed either way (0)", TEXT, AT(port) },
	{ "port-file", "FILE", "also write the port there", TEXT, AT(port_file) },
	{ "dir", "DIR", "the test CA; ca.pem in it is what a client must trust (build/standin-ca)", TEXT, AT(dir) },
	{ "names", "A,B,C", "host names of the good certificate (localhost,api.openai.com,model.test)", TEXT,
	    AT(names) },
	{ "certificate", "NAME", "good, expired, wrong-name or unknown-root (good)", TEXT, AT(certificate) },
	{ "make-ca", "DIR", "make the test CA there and exit", TEXT, AT(make_ca) },
	{ "tls-max", "VERSION", "1.2 or 1.3 (1.3)", TEXT, AT(tls_max) },
	{ "no-resumption", "", "forget TLS sessions", FLAG, AT(no_resumption) },
	{ "key", "KEY", "refuse any other API key with 401 (any key will do)", TEXT, AT(key) },
	{ "script", "FILE", "what is said (tools/standin_model/script.json; built-in lines if it is missing)", TEXT,
	    AT(script) },
	{ "voice-dir", "DIR", "the script's WAV files, 16-bit PCM of any rate (tones instead)", TEXT, AT(voice_dir) },
	{ "speed", "X", "audio comes so many times faster than it plays (6)", DOUBLE, AT(speed) },
	{ "first-delta-ms", "MS", "from the end of a turn to the first audio (250)", LONG, AT(first_delta_ms) },
	{ "transcript-ms", "MS", "from the end of a turn to the caller's transcript (400)", LONG, AT(transcript_ms) },
	{ "report", "FILE", "JSON report, written on SIGUSR1 and at the end", TEXT, AT(report) },
	{ "record", "DIR", "write what each session heard as session-N.wav", TEXT, AT(record) },
	{ "threads", "N", "threads that serve sessions (2)", TEXT, AT(threads) },
	{ "seed", "N", "for the uneven pieces of audio (1)", LONG, AT(seed) },
	{ "verbose", "", "print what happens to stderr", FLAG, AT(verbose) },
	{ "lines", "", "print the script's lines as NAME, tab, WHO, tab, TEXT; exit", FLAG, AT(lines) },
	{ "make-caller", "FILE", "join the caller's lines in --voice-dir to one WAV timed to the answers; exit", TEXT,
	    AT(make_caller) },
	{ "load", "",
	    "answer by the clock with stamped audio (tools/stamps.h), no turn detection;\n"
	    "                             SIGUSR2 starts the measurement over",
	    FLAG, AT(load) },
	{ "load-every", "SECONDS", "one answer that often in each session (5)", DOUBLE, AT(load_every_s) },
	{ "load-answer-ms", "MS", "length of an answer (3000)", LONG, AT(load_answer_ms) },
	{ "load-cut-every", "N", "every N-th answer is interrupted; 0 none (2)", LONG, AT(load_cut_every) },
	{ "load-cut-ms", "MS", "the interruption comes that long after the first audio (1000)", LONG, AT(load_cut_ms) },
	{ "fault", "NAME=VALUE", "misbehave, see below; may be repeated", FAULT, 0 },
	{ "help", "", "this", HELP, 0 },
};

static void help(void)
{
	puts("standin-model: a stand-in for OpenAI's Realtime service (GA, over WebSocket and TLS).\n"
	     "It hears turns by loudness and answers with the lines of a script; it recognises\n"
	     "no speech: the caller's n-th utterance is claimed to be the script's n-th line.\n");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char name[40];

		snprintf(name, sizeof name, "--%s%s%s", table[i].name, *table[i].value ? " " : "", table[i].value);
		printf("  %-26s %s\n", name, table[i].help);
	}
	faults_help();
}

static void refuse(const char *option, const char *why)
{
	fprintf(stderr, "standin-model: %s: %s\n", option, why);
	exit(2);
}

static void set(size_t entry, const char *value)
{
	char *field = (char *)&options + table[entry].at, *end = NULL;
	const char *why;

	switch (table[entry].kind) {
	case TEXT:
		*(const char **)(void *)field = value;
		return;
	case FLAG:
		*(bool *)(void *)field = true;
		return;
	case LONG:
		*(long *)(void *)field = strtol(value, &end, 10);
		break;
	case DOUBLE:
		*(double *)(void *)field = strtod(value, &end);
		break;
	case FAULT:
		if ((why = faults_order(value)))
			refuse(value, why);
		return;
	case HELP:
		help();
		exit(0);
	}
	if (!end || end == value || *end)
		refuse(table[entry].name, "wants a number");
}

void options_parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i] + 2, *value = NULL;
		size_t entry = 0, len, count = sizeof table / sizeof table[0];

		if (strncmp(argv[i], "--", 2) != 0)
			refuse(argv[i], "unknown (see --help)");
		len = strcspn(name, "=");
		while (entry < count && (strlen(table[entry].name) != len || memcmp(table[entry].name, name, len) != 0))
			entry++;
		if (entry == count)
			refuse(argv[i], "unknown (see --help)");
		if (*table[entry].value) {
			value = name[len] ? name + len + 1 : argv[++i];
			if (!value)
				refuse(argv[i - 1], "wants a value");
		}
		set(entry, value);
	}
	if (options.speed <= 0 || options.load_every_s <= 0)
		refuse("--speed, --load-every", "must be more than nothing");
}
