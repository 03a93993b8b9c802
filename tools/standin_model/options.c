#include "tools/standin_model/options.h"

#include "tools/kit/command_line.h"
#include "tools/standin_model/faults.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct options options = {
	.listen = "127.0.0.1",
	.dir = "build/standin-ca",
	.names = "localhost,api.openai.com,model.test",
	.certificate = "good",
	.tls_max = "1.3",
	.script = "tools/standin_model/script.json",
	.threads = 2,
	.speed = 6,
	.first_delta_ms = 250,
	.transcript_ms = 400,
	.seed = 1,
	.load_every_s = 5,
	.load_answer_ms = 3000,
	.load_cut_every = 2,
	.load_cut_ms = 1000,
};

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
	{ "listen", "ADDRESS", "address to listen on (127.0.0.1)", OPTION_TEXT, AT(listen) },
	{ "port", "PORT", "0 picks one; \"listening ADDRESS:PORT\" is printed either way (0)", OPTION_INT, AT(port) },
	{ "port-file", "FILE", "also write the port there", OPTION_TEXT, AT(port_file) },
	{ "dir", "DIR", "the test CA; ca.pem in it is what a client must trust (build/standin-ca)", OPTION_TEXT,
	    AT(dir) },
	{ "names", "A,B,C", "host names of the good certificate (localhost,api.openai.com,model.test)", OPTION_TEXT,
	    AT(names) },
	{ "certificate", "NAME", "good, expired, wrong-name or unknown-root (good)", OPTION_TEXT, AT(certificate) },
	{ "make-ca", "DIR", "make the test CA there and exit", OPTION_TEXT, AT(make_ca) },
	{ "tls-max", "VERSION", "1.2 or 1.3 (1.3)", OPTION_TEXT, AT(tls_max) },
	{ "no-resumption", NULL, "forget TLS sessions", OPTION_FLAG, AT(no_resumption) },
	{ "key", "KEY", "refuse any other API key with 401 (any key will do)", OPTION_TEXT, AT(key) },
	{ "script", "FILE", "what is said (tools/standin_model/script.json; built-in lines if it is missing)",
	    OPTION_TEXT, AT(script) },
	{ "voice-dir", "DIR", "the script's WAV files, 16-bit PCM of any rate (tones instead)", OPTION_TEXT,
	    AT(voice_dir) },
	{ "speed", "X", "audio comes so many times faster than it plays (6)", OPTION_DOUBLE, AT(speed), .least = 0.001,
	    .most = 1e6 },
	{ "first-delta-ms", "MS", "from the end of a turn to the first audio (250)", OPTION_LONG, AT(first_delta_ms) },
	{ "transcript-ms", "MS", "from the end of a turn to the caller's transcript (400)", OPTION_LONG,
	    AT(transcript_ms) },
	{ "report", "FILE", "JSON report, written on SIGUSR1 and at the end", OPTION_TEXT, AT(report) },
	{ "record", "DIR", "write what each session heard as session-N.wav", OPTION_TEXT, AT(record) },
	{ "threads", "N", "threads that serve sessions (2)", OPTION_INT, AT(threads) },
	{ "seed", "N", "for the uneven pieces of audio (1)", OPTION_LONG, AT(seed) },
	{ "verbose", NULL, "print what happens to stderr", OPTION_FLAG, AT(verbose) },
	{ "lines", NULL, "print the script's lines as NAME, tab, WHO, tab, TEXT; exit", OPTION_FLAG, AT(lines) },
	{ "make-caller", "FILE", "join the caller's lines in --voice-dir to one WAV timed to the answers; exit",
	    OPTION_TEXT, AT(make_caller) },
	{ "load", NULL,
	    "answer by the clock with stamped audio (tools/stamps.h), no turn detection;\n"
	    "SIGUSR2 starts the measurement over",
	    OPTION_FLAG, AT(load) },
	{ "load-every", "SECONDS", "one answer that often in each session (5)", OPTION_DOUBLE, AT(load_every_s),
	    .least = 0.001, .most = 1e6 },
	{ "load-answer-ms", "MS", "length of an answer (3000)", OPTION_LONG, AT(load_answer_ms) },
	{ "load-cut-every", "N", "every N-th answer is interrupted; 0 none (2)", OPTION_LONG, AT(load_cut_every) },
	{ "load-cut-ms", "MS", "the interruption comes that long after the first audio (1000)", OPTION_LONG,
	    AT(load_cut_ms) },
	{ "fault", "NAME=VALUE", "misbehave, see below; may be repeated", OPTION_CALL, .call = order_fault },
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
