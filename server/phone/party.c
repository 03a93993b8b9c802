/* Three steps: foreign text becomes plain ASCII, its frame is cut away (angle brackets,
 * parameters, extensions), and what is left shows its kind.
 */
#include "server/phone/party.h"

#include "common/log.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	PLAIN_SIZE = 2 * FOREIGN_ID_SIZE, /* an address with its parameters */
	DIGITS_MAX = 15,                  /* ITU-T E.164 */
	DIGITS_FULL = 7,                  /* fewer are a short code or an extension: no plus belongs there */
};

/* Parameters, an extension to be dialled, or headers begin here. */
#define ENDS ";,?"

/* All who are known by no name. */
#define WITHHELD "withheld"

/* ---------------------------------------------------------------------- plain text */

/* One character of UTF-8. Bytes that are none count one by one, and as no character we
 * know. */
static uint32_t next_character(const unsigned char **at)
{
	const unsigned char *p = *at;
	int more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;
	uint32_t c = more ? p[0] & (0x3fu >> more) : p[0];

	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*at = p + 1;
			return UINT32_MAX;
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	*at = p + more + 1;
	return c;
}

/* Digits of other scripts, and full-width forms, in ASCII; 0 for what has none. */
static char ascii_of(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xfee0;
	else if (c >= 0x660 && c <= 0x669)
		c -= 0x660 - '0';
	else if (c >= 0x6f0 && c <= 0x6f9)
		c -= 0x6f0 - '0';
	return c > ' ' && c <= '~' ? (char)c : 0;
}

/* Blanks and the invisible marks around pasted numbers (U+202A and its kin) go with all
 * else that is not visible ASCII. */
static void make_plain(const char *text, char out[PLAIN_SIZE])
{
	const unsigned char *at = (const unsigned char *)text;
	size_t n = 0;

	while (*at && n + 1 < PLAIN_SIZE) {
		char c = ascii_of(next_character(&at));

		if (c)
			out[n++] = c;
	}
	out[n] = '\0';
}

/* What is harmless everywhere. Quotes, brackets, braces and the like would be markup to
 * somebody. */
static bool is_harmless(char c)
{
	return isalnum((unsigned char)c) || strchr("+-._~%@:*#=[]", c);
}

/* Stops at a NUL, too. */
static void keep_harmless(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && text[i] && n + 1 < size; i++)
		if (is_harmless(text[i]))
			out[n++] = text[i];
	out[n] = '\0';
}

/* --------------------------------------------------------------------------- kinds */

/* The words of carriers and Twilio for a number that is not told, and the numbers that
 * spell them on a keypad. */
static const struct {
	const char *word, *number;
} withheld[] = {
	{ "anonymous", "266696687" },
	{ "restricted", "7378742833" },
	{ "blocked", "2562533" },
	{ "unknown", "8656696" },
	{ "unavailable", "86282452253" },
	{ "private", NULL },
	{ "withheld", NULL },
};

/* The word, or NULL. The pseudo-numbers come with their plus; a caller who has one of
 * them without is a caller. */
static const char *word_withheld(const char *text)
{
	for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++) {
		if (!strcasecmp(text, withheld[i].word) ||
		    (*text == '+' && withheld[i].number && !strcmp(text + 1, withheld[i].number)))
			return withheld[i].word;
	}
	return NULL;
}

/* "x45", "ext.45", "#45" behind a number, or nothing. */
static bool is_extension(const char *text)
{
	if (!*text)
		return true;
	if (!strncasecmp(text, "ext", 3))
		text += 3;
	else if (tolower((unsigned char)*text) == 'x' || *text == '#')
		text++;
	else
		return false;
	text += strspn(text, ".:=");
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* The digits with the plus they came with; false if the text is no number. */
static bool read_number(const char *text, char out[FOREIGN_ID_SIZE])
{
	size_t n = 0, digits = 0;

	if (*text == '+')
		out[n++] = *text++;
	for (; isdigit((unsigned char)*text) || (*text && strchr("-.", *text)); text++) {
		if (!isdigit((unsigned char)*text))
			continue;
		if (++digits > DIGITS_MAX)
			return false;
		out[n++] = *text;
	}
	out[n] = '\0';
	return digits && is_extension(text);
}

static struct party party(enum party_kind kind, const char *text)
{
	struct party p = { .kind = kind };

	keep_harmless(p.text, sizeof p.text, text, strlen(text));
	return p;
}

/* `text` begins with the scheme. A password, the port and all parameters are about the
 * way and not about the person. */
static struct party read_sip(const char *text)
{
	const char *scheme = tolower((unsigned char)text[3]) == 's' ? "sips" : "sip";
	const char *user = strchr(text, ':') + 1, *at = strchr(user, '@'), *host = at ? at + 1 : user;
	char name[FOREIGN_ID_SIZE - sizeof "sips:@x"] = "", where[FOREIGN_ID_SIZE], whole[2 * FOREIGN_ID_SIZE + 8];
	const char *word;

	host += strspn(host, ENDS);
	if (at)
		keep_harmless(name, sizeof name, user, strcspn(user, ":;@"));
	keep_harmless(where, sizeof where, host, *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;?@"));
	for (char *c = where; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	word = !strcmp(where, "anonymous.invalid") ? withheld[0].word : at ? word_withheld(name) : NULL;
	if (word)
		return party(PARTY_WITHHELD, word);
	snprintf(whole, sizeof whole, "%s:%s%s%s", scheme, name, at ? "@" : "", where);
	return party(PARTY_SIP, whole);
}

static bool is_tel(const char *text)
{
	return !strncasecmp(text, "tel:", 4);
}

static bool is_sip(const char *text)
{
	return !strncasecmp(text, "sip:", 4) || !strncasecmp(text, "sips:", 5);
}

/* Without the frame of a name-addr ("Alice" <sip:a@b>) or a tel URI, and without what
 * means nothing outside of it. */
static const char *unframed(char plain[PLAIN_SIZE])
{
	char *open = strrchr(plain, '<'), *close = open ? strchr(open, '>') : NULL, *out;

	if (close && (is_sip(open + 1) || is_tel(open + 1))) {
		*close = '\0';
		plain = open + 1;
	}
	out = plain;
	for (const char *c = plain; *c; c++)
		if (is_harmless(*c) || strchr(ENDS, *c))
			*out++ = *c;
	*out = '\0';
	return plain;
}

struct party party_from(const char *from)
{
	char plain[PLAIN_SIZE], kept[FOREIGN_ID_SIZE], number[FOREIGN_ID_SIZE];
	const char *text, *word;

	make_plain(from ? from : "", plain);
	for (text = unframed(plain); is_tel(text);)
		text += strlen("tel:");
	if (is_sip(text))
		return read_sip(text);
	keep_harmless(kept, sizeof kept, text, strcspn(text, ENDS));
	if (!strncasecmp(kept, "client:", 7)) {
		memcpy(kept, "client:", 7);
		return party(PARTY_CLIENT, kept);
	}
	if ((word = word_withheld(kept)))
		return party(PARTY_WITHHELD, word);
	if (read_number(kept, number))
		return (word = word_withheld(number)) ? party(PARTY_WITHHELD, word) : party(PARTY_NUMBER, number);
	return party(*kept ? PARTY_OTHER : PARTY_NONE, kept);
}

struct party party_to(const char *to)
{
	struct party p = party_from(to);
	char user[FOREIGN_ID_SIZE], number[FOREIGN_ID_SIZE];
	const char *name, *at = strchr(p.text, '@');

	if (p.kind != PARTY_SIP || !at)
		return p;
	name = strchr(p.text, ':') + 1;
	keep_harmless(user, sizeof user, name, (size_t)(at - name));
	if (read_number(user, number) && (*number == '+' || strlen(number) >= DIGITS_FULL))
		return party_from(number);
	return p;
}

/* ------------------------------------------------------------------------- answers */

const char *party_number(const struct party *p, char out[FOREIGN_ID_SIZE])
{
	bool bare = *p->text != '+' && strlen(p->text) >= DIGITS_FULL;

	*out = '\0';
	if (p->kind == PARTY_NUMBER)
		snprintf(out, FOREIGN_ID_SIZE, "%s%.*s", bare ? "+" : "", DIGITS_MAX + 1, p->text);
	return out;
}

const char *party_caller(const struct party *p, char out[FOREIGN_ID_SIZE])
{
	if (p->kind == PARTY_NUMBER)
		return party_number(p, out);
	snprintf(out, FOREIGN_ID_SIZE, "%s", p->kind == PARTY_WITHHELD || p->kind == PARTY_NONE ? WITHHELD : p->text);
	return out;
}

/* An entry has passed check_caller. The name of a caller of another kind could look like a number
 * (OTHER), and one of a number never does like a name: so the kinds are told apart first. */
static bool matches(const struct party *p, const char *name, const char *entry)
{
	size_t len = strcspn(entry, "*");

	if (!strcasecmp(entry, WITHHELD))
		return p->kind == PARTY_WITHHELD || p->kind == PARTY_NONE;
	if (*entry == '+')
		return p->kind == PARTY_NUMBER && !strncmp(name, entry, len);
	return (p->kind == PARTY_SIP || p->kind == PARTY_CLIENT) && !strncasecmp(name, entry, len) &&
	       (entry[len] || !name[len]);
}

bool party_listed(const struct party *p, const char *const *list, size_t count)
{
	char name[FOREIGN_ID_SIZE];

	party_caller(p, name);
	for (size_t i = 0; i < count; i++)
		if (matches(p, name, list[i]))
			return true;
	return false;
}

const char *party_spoken(const struct party *p, char out[PARTY_SPOKEN_SIZE])
{
	snprintf(out, PARTY_SPOKEN_SIZE, "%.*s", PARTY_SPOKEN_SIZE - 1, p->kind == PARTY_WITHHELD ? "" : p->text);
	return out;
}

const char *party_caller_id(const char *from, const char *to, const char *ours, char out[FOREIGN_ID_SIZE])
{
	struct party called = party_to(to);

	if (called.kind != PARTY_NUMBER)
		called = party_to(ours);
	if (party_from(from).kind == PARTY_NUMBER)
		*out = '\0';
	else
		party_number(&called, out);
	return out;
}

/* "sip:+120…23@example.com": the scheme and the house may be seen, the person may not. */
const char *party_log(const char *text, char out[PARTY_LOG_SIZE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	struct party p = party_from(text);
	size_t scheme = strspn(p.text, letters), user;
	const char *name = p.text, *house;
	char masked[16];

	if (p.kind == PARTY_NONE || p.kind == PARTY_WITHHELD)
		return strcpy(out, *p.text ? p.text : "none");
	if (p.text[scheme] == ':')
		name += scheme + 1;
	house = strchr(name, '@');
	user = house ? (size_t)(house - name) : strlen(name);
	snprintf(out, PARTY_LOG_SIZE, "%.*s", name - p.text < 10 ? (int)(name - p.text) : 10, p.text);
	p.text[(size_t)(name - p.text) + user] = '\0';
	strcat(out, log_number(name, masked));
	if (house && p.kind == PARTY_SIP)
		snprintf(out + strlen(out), PARTY_LOG_SIZE - strlen(out), "@%.20s", house + 1);
	return out;
}
