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

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS,
	    .help = "standin-model: a stand-in for OpenAI's Realtime service (GA, over WebSocket and TLS).\n"
		    "It hears turns by loudness and answers with the lines of a script; it recognises\n"
		    "no speech: the caller's n-th utterance is claimed to be the script's n-th line.\n" },
	{ "listen", "ADDRESS", "127.0.0.1", "address to listen on", TO(TEXT, listen) },
	{ "port", "PORT", "0", "0 picks one; \"listening ADDRESS:PORT\" is printed either way", TO(INT, port) },
	{ "port-file", "FILE", NULL, "also write the port there", TO(TEXT, port_file) },
	{ "dir", "DIR", "build/standin-ca", "the test CA; ca.pem in it is what a client must trust", TO(TEXT, dir) },
	{ "names", "A,B,C", "localhost,api.openai.com,model.test", "host names of the good certificate",
	    TO(TEXT, names) },
	{ "certificate", "NAME", "good", "good, expired, wrong-name or unknown-root", TO(TEXT, certificate) },
	{ "make-ca", "DIR", NULL, "make the test CA there and exit", TO(TEXT, make_ca) },
	{ "tls-max", "VERSION", "1.3", "1.2 or 1.3", TO(TEXT, tls_max) },
	{ "no-resumption", NULL, NULL, "forget TLS sessions", TO(FLAG, no_resumption) },
	{ "key", "KEY", NULL, "refuse any other API key with 401 (any key will do)", TO(TEXT, key) },
	{ "script", "FILE", "tools/standin_model/script.json", "what is said; built-in lines if it is missing",
	    TO(TEXT, script) },
	{ "voice-dir", "DIR", NULL, "the script's WAV files, 16-bit PCM of any rate (tones instead)",
	    TO(TEXT, voice_dir) },
	{ "speed", "X", "6", "audio comes so many times faster than it plays", TO(DOUBLE, speed), .least = 0.001,
	    .most = 1e6 },
	{ "text-speed", "N", "200", "an answer in text comes with so many letters a second", TO(DOUBLE, text_speed),
	    .least = 0.1, .most = 1e9 },
	{ "first-delta-ms", "MS", "250", "from the end of a turn to the first audio", TO(LONG, first_delta_ms) },
	{ "transcript-ms", "MS", "400", "from the end of a turn to the caller's transcript", TO(LONG, transcript_ms) },
	{ "report", "FILE", NULL, "JSON report, written on SIGUSR1 and at the end", TO(TEXT, report) },
	{ "record", "DIR", NULL, "write what each session heard as session-N.wav", TO(TEXT, record) },
	{ "threads", "N", "2", "threads that serve sessions", TO(INT, threads) },
	{ "seed", "N", "1", "for the uneven pieces of audio", TO(LONG, seed) },
	{ "verbose", NULL, NULL, "print what happens to stderr", TO(FLAG, verbose) },
	{ "lines", NULL, NULL, "print the script's lines as NAME, tab, WHO, tab, TEXT; exit", TO(FLAG, lines) },
	{ "make-caller", "FILE", NULL, "join the caller's lines in --voice-dir to one WAV timed to the answers; exit",
	    TO(TEXT, make_caller) },
	{ "load", NULL, NULL,
	    "answer by the clock with stamped audio (tools/stamps.h), no turn detection;\n"
	    "in text: when asked, with the time of sending (\"stamp NANOSECONDS\") in front;\n"
	    "SIGUSR2 starts the measurement over, and the count of connections",
	    TO(FLAG, load) },
	{ "load-every", "SECONDS", "5", "one answer that often in each session", TO(DOUBLE, load_every_s),
	    .least = 0.001, .most = 1e6 },
	{ "load-answer-ms", "MS", "3000", "length of an answer", TO(LONG, load_answer_ms) },
	{ "load-cut-every", "N", "2", "every N-th answer is interrupted; 0 none", TO(LONG, load_cut_every) },
	{ "load-cut-ms", "MS", "1000", "the interruption comes that long after the first audio",
	    TO(LONG, load_cut_ms) },
	{ "fault", "NAME=VALUE", NULL, "misbehave, see below; may be repeated", BY(order_fault) },
	{ .kind = OPTION_WORDS, .help = "", .print = faults_help },
};

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
