#ifndef LINE_MAILBOX_H
#define LINE_MAILBOX_H
/* Letters to a call from outside its two loops: a tool's answer, the operator's word,
 * an answering machine found. The agent loop takes them up. Other threads post through
 * calls_post (calls.h), which also rings the bell.
 */
#include "server/stats/endings.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { MAILBOX_MAX = 64 /* letters pending for one call */ };

enum mail_type {
	MAIL_TOOL_ANSWER, /* name: the model's call id; text: JSON for the model; ok: it worked */
	MAIL_SAY,         /* text: an instruction, or with `exact` the words */
	MAIL_TRANSFER,    /* name: one of the agent's destinations, or a number */
	MAIL_MACHINE,     /* name: Twilio's AnsweredBy; text: "message" to leave one, or "hangup" */
	MAIL_DIGITS,      /* text: keys to be pressed; waits: after what is being said */
	MAIL_PRESSED,     /* answer: what became of the request to do so (line/keys/call_keys.h) */
	MAIL_GOODBYE      /* text: an instruction, or with `exact` the words; the call then ends with `end`.
			   * A caller who speaks up calls it off, unless it is `firm`. */
};

struct mail {
	struct mail *next;
	enum mail_type type;
	char *name; /* owned; never NULL */
	char *text; /* owned; never NULL */
	bool ok, exact, firm, waits;
	enum call_end end;
	int answer; /* enum keys_answer */
};

/* Copies `name` and `text`; NULL gives "". NULL: no memory. */
struct mail *mail_new(enum mail_type type, const char *name, const char *text);
void mail_free(struct mail *mail); /* one; fine with NULL */

/* A list, newest letter first. Any thread puts, the agent loop takes; nobody waits.
 * Zeroed is empty. */
struct mailbox {
	_Atomic(struct mail *) newest;
	_Atomic int count;
};

/* False: it is full, and the letter is still the caller's. */
bool mailbox_put(struct mailbox *box, struct mail *mail);

/* Takes all letters, oldest first, linked by `next`, each for the caller to free.
 * NULL: none. */
struct mail *mailbox_take(struct mailbox *box);

/* Frees all letters unread. */
void mailbox_empty(struct mailbox *box);

#endif
