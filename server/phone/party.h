#ifndef PHONE_PARTY_H
#define PHONE_PARTY_H
/* Who is on the line: what Twilio calls From and To, as one of a few kinds and in one
 * spelling. Everybody who asks who a caller is asks here.
 *
 *   From, To                                          kind       text
 *   "+12025550123", "tel:+1 (202) 555-0123;ext=7"     NUMBER     +12025550123
 *   "12345"                                           NUMBER     12345
 *   "Anonymous", "+266696687", "sip:anonymous@x"      WITHHELD   anonymous
 *   "client:alice"                                    CLIENT     client:alice
 *   "SIP:bob@Example.com:5060;transport=udp"          SIP        sip:bob@example.com
 *   "whatsapp:+12025550123", and the like             OTHER      whatsapp:+12025550123
 *   "", NULL, " "                                     NONE
 *
 * Blanks, directional marks and separators go, full-width digits become digits, an
 * extension is cut off. A number without a plus stays without: only its owner knows the
 * country. Where two numbers are compared, a missing plus does not matter.
 *
 * The text is harmless in a prompt, a log or XML: ASCII letters, digits and
 * +-._~%@:*#=_[] only, cut at FOREIGN_ID_SIZE - 1. Read again it gives the same party.
 *
 * Pure. Sources: Twilio's "Calls from +266696687" for the pseudo-numbers; RFC 3261 §19.1,
 * RFC 3323 §4.1, RFC 3966.
 */
#include "common/foreign.h"

#include <stdbool.h>
#include <stddef.h>

enum party_kind { PARTY_NONE, PARTY_WITHHELD, PARTY_NUMBER, PARTY_CLIENT, PARTY_SIP, PARTY_OTHER };

struct party {
	enum party_kind kind;
	char text[FOREIGN_ID_SIZE]; /* of WITHHELD the reason, in one word; "" of NONE */
};

enum { PARTY_SPOKEN_SIZE = 65, PARTY_LOG_SIZE = 48 };

/* Who calls. A SIP user is a SIP user even if the name is a number: nobody has checked
 * that it is theirs. */
struct party party_from(const char *from);

/* Who was called: as above, but a SIP address of one of our numbers (sip:+12025550100@…)
 * is that number. */
struct party party_to(const char *to);

/* A number with its plus, as settings and agent files have it. "" for all that is none;
 * short codes stay as they are. */
const char *party_number(const struct party *p, char out[FOREIGN_ID_SIZE]);

/* The name by which a caller's calls are counted: the number with its plus, else the text; all who
 * withhold their number are "withheld". Writes into `out` and returns it. */
const char *party_caller(const struct party *p, char out[FOREIGN_ID_SIZE]);

/* Whether a list as in BLOCK_CALLERS names the caller. A number matches by its beginning; other
 * names as a whole, or up to a closing '*'. */
bool party_listed(const struct party *p, const char *const *list, size_t count);

/* For variables: the text, cut at 64 bytes, or "" for one who withholds the number. Writes
 * into `out` and returns it. */
const char *party_spoken(const struct party *p, char out[PARTY_SPOKEN_SIZE]);

/* The caller ID without which Twilio would not dial a number for this caller: "" if From
 * is a number, which the person called shall see; else the number that was called, or if
 * that is none, `ours`: a number of ours, or "". */
const char *party_caller_id(const char *from, const char *to, const char *ours, char out[FOREIGN_ID_SIZE]);

/* Fit for a log: no whole number, no whole name. Writes into `out` and returns it. */
const char *party_log(const char *text, char out[PARTY_LOG_SIZE]);

#endif
