#ifndef CONFIG_DIALLING_H
#define CONFIG_DIALLING_H
/* Whom we may dial: what OUTBOUND_ALLOW says, and what holds where it says nothing.
 *
 * Rules are prefixes. The longest that fits a number decides; a number that none fits is
 * not dialled. +1 is the code of many countries, and has premium numbers between
 * the ordinary ones: it leaves those out (dialling.c has the table) unless a
 * longer prefix, as in +1876, names them.
 *
 * A SIP address is no number, and whether it costs anything is known to its host alone.
 * It can only stand in an agent's file, never in a request, and is always dialled.
 *
 * Pure. A rule that has been made is constant: any thread may ask.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { DIALLING_RULES_MAX = 256, DIALLING_DIGITS_MAX = 15 /* ITU-T E.164 */ };

struct dialling {
	bool any; /* every number but those left out by a rule */
	size_t count;
	struct dialling_rule {
		bool left_out;
		char digits[DIALLING_DIGITS_MAX + 1]; /* without the plus */
	} rules[DIALLING_RULES_MAX];
};

/* Of one entry of OUTBOUND_ALLOW (+49, -+49900, any), as in config_check.h. */
const char *check_dialling(const char *entry);

/* From the setting's checked entries. True: they name somebody who may be dialled; else the
 * codes of our own numbers are to be added. */
bool dialling_from(struct dialling *d, const char *const *entries, size_t count);

/* Numbers of the same country as this one of ours may be dialled. What is no number in E.164 form
 * adds nothing. */
void dialling_add_own(struct dialling *d, const char *number);

bool dialling_allows(const struct dialling *d, const char *number);

/* For a sentence: "+44, +49 but not +49900"; "none" if there is no rule. */
void dialling_put(const struct dialling *d, struct buf *out);

#endif
