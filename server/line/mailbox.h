#ifndef LINE_MAILBOX_H
#define LINE_MAILBOX_H
/* Letters to a call: what comes from outside its two loops (a tool's answer,
 * the operator's word, an answering machine found) and is taken up by its agent
 * loop. Posting takes a pointer under the slot's lock and rings the bell.
 */
#include "server/stats/endings.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { MAILBOX_MAX = 64 /* letters that may wait for one call */ };

enum mail_type {
	MAIL_TOOL_ANSWER, /* name: the model's call id; text: JSON for the model; ok: it worked */
	MAIL_SAY,         /* text: an instruction, or with `exact` the words */
	MAIL_TRANSFER,    /* name: a destination of the agent's, or a number */
	MAIL_MACHINE,     /* name: Twilio's AnsweredBy; text: "message" to leave one, or "hangup" */
	MAIL_GOODBYE      /* text: an instruction, or with `exact` the words; then the call ends with `end`.
			   * The caller speaking up calls it off, unless it is `firm`. */
};

struct mail {
	struct mail *next;
	enum mail_type type;
	char *name; /* owned; never NULL */
	char *text; /* owned; never NULL */
	bool ok, exact, firm;
	enum call_end end;
};

/* NULL if there is no memory. Copies `name` and `text`; either may be NULL,
 * which gives "". */
struct mail *mail_new(enum mail_type type, const char *name, const char *text);
void mail_free(struct mail *mail); /* one; fine with NULL */

/* Letters lie in it newest first. Any thread puts, the agent loop takes; nobody
 * waits. Zeroed is empty. */
struct mailbox {
	_Atomic(struct mail *) newest;
	_Atomic int count;
};

/* False if it is full: the letter is still the caller's. */
bool mailbox_put(struct mailbox *box, struct mail *mail);

/* All of them, oldest first, linked by `next`; NULL if there are none. Each is
 * the caller's to free. */
struct mail *mailbox_take(struct mailbox *box);

/* Frees what nobody took. */
void mailbox_empty(struct mailbox *box);

#endif
