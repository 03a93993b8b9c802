#ifndef PHONE_OPTIONS_H
#define PHONE_OPTIONS_H
/* The command line, constant once read. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/phone/faults.h"
#include "tools/phone/script.h"

enum { EXPECTS_MAX = 64, HEADERS_MAX = 8 };

struct options {
	const char *server; /* HOST:PORT */
	struct sockaddr_in address;
	const char *public_url; /* scheme and host, no path */
	const char *token;      /* NULL: nothing is signed */
	const char *account, *from, *to;
	const char *voice_path, *status_path;
	const char *voice_url;   /* of an outbound call; NULL: voice_path */
	const char *call_sid;    /* NULL: one is made up */
	const char *answered_by; /* what detection found before the answer; NULL: nothing */
	const char *control;     /* socket, or folder for sockets; NULL: none */
	const char *out, *report;
	long retry_ms;
	const char *dial;    /* how a <Dial> goes: completed, busy, no-answer, failed */
	long message_s;      /* of a message that the caller leaves; 0: he says nothing */
	const char *message; /* its words, as Twilio writes them down; NULL: it does not succeed */
	const char *media;   /* where its sound is: the address of Twilio's API */
	const char *header[HEADERS_MAX];
	size_t header_count;
	const char *expect[EXPECTS_MAX];
	size_t expect_count;
	struct script script;
	struct fault fault[FAULT_COUNT];
	bool live, no_status, stamps, outbound;
	bool no_script, script_given, steps_given; /* steps: by options */
	long calls, threads, limit_s;
	long patience_s; /* with a webhook, and with an upgrade */
	double ramp, settle, seconds, pace;
};

enum { OPTIONS_RUN = -1 };

/* OPTIONS_RUN, or the exit status to end with at once (--help, a wrong option). */
int options_read(struct options *o, int argc, char **argv);
void options_free(struct options *o);

static inline bool has_fault(const struct options *o, enum fault_id id)
{
	return o->fault[id].on;
}

static inline long fault_value(const struct options *o, enum fault_id id)
{
	return o->fault[id].value;
}

bool has_any_fault(const struct options *o);

#endif
