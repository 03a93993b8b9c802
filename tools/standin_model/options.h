#ifndef STANDIN_OPTIONS_H
#define STANDIN_OPTIONS_H
/* The command line: one struct, filled in by one table, constant once parsed. */
#include <stdbool.h>

struct options {
	const char *listen;      /* address */
	int port;                /* 0 picks one */
	const char *port_file;   /* written with the chosen port */
	const char *dir;         /* where the test CA is, made there if missing */
	const char *names;       /* comma-separated host names of the good certificate */
	const char *certificate; /* which certificate to show */
	const char *make_ca;     /* make the CA in that directory and exit */
	const char *tls_max;     /* 1.2 or 1.3 */
	const char *key;         /* the API key clients must show; NULL takes any */
	const char *script;
	const char *voice_dir;
	const char *report; /* JSON written at exit and on SIGUSR1 */
	const char *record; /* directory for what each session heard, as WAV */
	const char *make_caller;
	int threads;
	double speed;      /* audio comes that many times faster than it plays */
	double text_speed; /* letters a second of an answer in text */
	long first_delta_ms;
	long transcript_ms;
	long seed;
	bool lines;   /* print the script's lines and exit */
	bool load;    /* answer by the clock, with stamped audio */
	bool verbose; /* conversation and events to stderr */
	bool no_resumption;
	double load_every_s; /* one answer that often */
	long load_answer_ms; /* length of an answer */
	long load_cut_every; /* every so many-th answer is interrupted; 0 none */
	long load_cut_ms;    /* that long after its first audio */
};

extern struct options options;

/* Exits after --help, or with status 2 and one sentence when it is wrong. */
void options_parse(int argc, char **argv);

#endif
