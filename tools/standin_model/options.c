#include "tools/standin_model/options.h"

#include "tools/kit/command_line.h"
#include "tools/standin_model/faults.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct options options;

static const char *order_fault(void *into, const char *name, const char *value)
{
	(void)into, (void)name;
	return faults_order(value);
}

#define AT(field) .at = offsetof(struct options, field)

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS,
	    .help = "standin-model: a stand-in for OpenAI's Realtime service (GA, over WebSocket and TLS).\n"
		    "It hears turns by loudness and answers with the lines of a script; it recognises\n"
		    "no speech: the caller's n-th utterance is claimed to be the script's n-th line.\n" },
	{ "listen", "ADDRESS", "127.0.0.1", "address to listen on", OPTION_TEXT, AT(listen) },
	{ "port", "PORT", "0", "0 picks one; \"listening ADDRESS:PORT\" is printed either way", OPTION_INT, AT(port) },
	{ "port-file", "FILE", NULL, "also write the port there", OPTION_TEXT, AT(port_file) },
	{ "dir", "DIR", "build/standin-ca", "the test CA; ca.pem in it is what a client must trust", OPTION_TEXT,
	    AT(dir) },
	{ "names", "A,B,C", "localhost,api.openai.com,model.test", "host names of the good certificate", OPTION_TEXT,
	    AT(names) },
	{ "certificate", "NAME", "good", "good, expired, wrong-name or unknown-root", OPTION_TEXT, AT(certificate) },
	{ "make-ca", "DIR", NULL, "make the test CA there and exit", OPTION_TEXT, AT(make_ca) },
	{ "tls-max", "VERSION", "1.3", "1.2 or 1.3", OPTION_TEXT, AT(tls_max) },
	{ "no-resumption", NULL, NULL, "forget TLS sessions", OPTION_FLAG, AT(no_resumption) },
	{ "key", "KEY", NULL, "refuse any other API key with 401 (any key will do)", OPTION_TEXT, AT(key) },
	{ "script", "FILE", "tools/standin_model/script.json", "what is said; built-in lines if it is missing",
	    OPTION_TEXT, AT(script) },
	{ "voice-dir", "DIR", NULL, "the script's WAV files, 16-bit PCM of any rate (tones instead)", OPTION_TEXT,
	    AT(voice_dir) },
	{ "speed", "X", "6", "audio comes so many times faster than it plays", OPTION_DOUBLE, AT(speed), .least = 0.001,
	    .most = 1e6 },
	{ "first-delta-ms", "MS", "250", "from the end of a turn to the first audio", OPTION_LONG, AT(first_delta_ms) },
	{ "transcript-ms", "MS", "400", "from the end of a turn to the caller's transcript", OPTION_LONG,
	    AT(transcript_ms) },
	{ "report", "FILE", NULL, "JSON report, written on SIGUSR1 and at the end", OPTION_TEXT, AT(report) },
	{ "record", "DIR", NULL, "write what each session heard as session-N.wav", OPTION_TEXT, AT(record) },
	{ "threads", "N", "2", "threads that serve sessions", OPTION_INT, AT(threads) },
	{ "seed", "N", "1", "for the uneven pieces of audio", OPTION_LONG, AT(seed) },
	{ "verbose", NULL, NULL, "print what happens to stderr", OPTION_FLAG, AT(verbose) },
	{ "lines", NULL, NULL, "print the script's lines as NAME, tab, WHO, tab, TEXT; exit", OPTION_FLAG, AT(lines) },
	{ "make-caller", "FILE", NULL, "join the caller's lines in --voice-dir to one WAV timed to the answers; exit",
	    OPTION_TEXT, AT(make_caller) },
	{ "load", NULL, NULL,
	    "answer by the clock with stamped audio (tools/stamps.h), no turn detection;\n"
	    "SIGUSR2 starts the measurement over",
	    OPTION_FLAG, AT(load) },
	{ "load-every", "SECONDS", "5", "one answer that often in each session", OPTION_DOUBLE, AT(load_every_s),
	    .least = 0.001, .most = 1e6 },
	{ "load-answer-ms", "MS", "3000", "length of an answer", OPTION_LONG, AT(load_answer_ms) },
	{ "load-cut-every", "N", "2", "every N-th answer is interrupted; 0 none", OPTION_LONG, AT(load_cut_every) },
	{ "load-cut-ms", "MS", "1000", "the interruption comes that long after the first audio", OPTION_LONG,
	    AT(load_cut_ms) },
	{ "fault", "NAME=VALUE", NULL, "misbehave, see below; may be repeated", OPTION_CALL, .call = order_fault },
	{ .kind = OPTION_WORDS, .help = "", .print = faults_help },
};

void options_default(void)
{
	option_defaults(rows, sizeof rows / sizeof rows[0], &options);
}

void options_parse(int argc, char **argv)
{
	int next = command_line_read("standin-model", rows, sizeof rows / sizeof rows[0], &options, argc, argv);

	if (next <= 0)
		exit(next ? 2 : 0);
	if (next < argc) {
		fprintf(stderr, "standin-model: %s: unknown (see --help)\n", argv[next]);
		exit(2);
	}
}
