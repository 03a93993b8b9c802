#ifndef PHONE_RELAY_MESSAGE_H
#define PHONE_RELAY_MESSAGE_H
/* One message from the server on a relay's socket, read strictly: every field is known,
 * there once, and of its type. What is not, Twilio answers with an error (64107). */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum relay_kind { RELAY_TEXT, RELAY_PLAY, RELAY_KEYS, RELAY_LANGUAGE, RELAY_END };

struct relay_message {
	enum relay_kind kind;
	const char *words;          /* token, source or digits */
	const char *language;       /* of text; NULL: not said */
	const char *speaks, *hears; /* of language; NULL: not said */
	const char *handoff;        /* of end; NULL: none */
	long loops;
	bool last;
	int interruptible, preemptible; /* -1: not said */
	cJSON *tree;                    /* all of these are in it */
};

/* 0, or -1 with what is wrong in *why. To be freed either way. */
int relay_message_read(struct relay_message *m, const char *text, size_t len, const char **why);
void relay_message_free(struct relay_message *m);

#endif
