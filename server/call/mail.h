#ifndef CALL_MAIL_H
#define CALL_MAIL_H
/* Letters to a call: what comes from outside its two loops (a tool's answer,
 * the operator's word, an answering machine found) and is taken up by its agent
 * loop. Posting takes a pointer under the slot's lock and rings the bell.
 */
#include "server/call/calls.h"

#include <stdbool.h>

enum mail_type {
	MAIL_TOOL_ANSWER, /* name: the model's call id; text: JSON for the model; ok: it worked */
	MAIL_SAY,         /* text: an instruction, or with `exact` the words */
	MAIL_TRANSFER,    /* name: a destination of the agent's, or a number */
	MAIL_MACHINE,     /* name: Twilio's AnsweredBy */
	MAIL_GOODBYE      /* text: an instruction; then the call ends with `end` */
};

struct mail {
	struct mail *next;
	enum mail_type type;
	char name[64];
	char *text; /* owned */
	bool ok, exact;
	enum call_end end;
};

/* NULL if there is no memory. Copies `name` and `text`; either may be NULL. */
struct mail *mail_new(enum mail_type type, const char *name, const char *text);
void mail_free(struct mail *mail); /* one; fine with NULL */

/* Takes the letter. 0, or -ENOENT: that call is over (the letter is freed). */
int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail);

/* A live or reserved call by its CallSid. 0 or -ENOENT. */
int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out);

#endif
