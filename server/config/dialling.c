#include "server/config/dialling.h"

#include "server/config/config_check.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum {
	NEVER = -1,      /* the length of a prefix that does not fit */
	AREA_DIGITS = 4, /* 1 and the area code */
	TOLD_MAX = 12    /* rules in a sentence */
};

/* Country codes of two digits (ITU-T E.164, list of assigned codes: Operational Bulletin 1114,
 * annex). 1 and 7 are the only ones of one digit; all others have three. */
static const char two_digits[] = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 "
				 "62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";

/* Area codes of +1 outside the United States and Canada (NANPA, "NPA database": country of each
 * area code). Billed as calls abroad, and the usual goal of those who earn by calls they make others
 * pay for. Territories of the United States at its domestic rates (47 U.S.C. 254(g)) are no part of
 * it: Puerto Rico 787 939, the US Virgin Islands 340, Guam 671, the Northern Marianas 670. American
 * Samoa, 684, is: carriers bill it apart. */
static const char overseas[] = " 242 246 264 268 284 345 441 473 649 658 664 684 721 758 767 784 809 829 849 868 869 "
			       "876 ";

/* Area codes of +1 that are no place (NANPA, "non-geographic NPAs", N00 and N11 codes): premium
 * 900 and 976; personal numbers, 5XX; Canada's 600 and 622; carriers' own, 700; government, 710. */
static const char costly[] = " 500 521 522 523 524 525 526 527 528 529 532 533 535 538 542 543 544 545 546 547 549 550 "
			     "552 553 554 556 558 566 569 577 578 588 589 600 622 700 710 900 976 ";

/* Whether the table has these `len` digits. */
static bool among(const char *table, const char *digits, size_t len)
{
	for (const char *p = table; p[1]; p += len + 1)
		if (memcmp(p + 1, digits, len) == 0)
			return true;
	return false;
}

static size_t code_length(const char *digits)
{
	return *digits == '1' || *digits == '7' ? 1 : among(two_digits, digits, 2) ? 2 : 3;
}

/* The length of what fits of the numbers that +1 leaves out. Its numbers have ten digits, area code and
 * exchange begin with 2 to 9 and neither ends in 11: others would be a way abroad (011) in disguise, or a
 * service. 976 is premium as an exchange, too, and 555-1212 is the directory's, which costs. */
static int left_out_of_1(const char *digits)
{
	const char *area = digits + 1;

	if (*digits != '1')
		return NEVER;
	if (strlen(area) != 10 || *area < '2' || area[3] < '2' || !strncmp(area + 1, "11", 2) ||
	    !strncmp(area + 4, "11", 2))
		return DIALLING_DIGITS_MAX;
	if (among(overseas, area, 3) || among(costly, area, 3))
		return AREA_DIGITS;
	if (!strcmp(area + 3, "5551212"))
		return AREA_DIGITS + 7;
	return strncmp(area + 3, "976", 3) == 0 ? AREA_DIGITS + 3 : NEVER;
}

const char *check_dialling(const char *entry)
{
	const char *plus = entry + (*entry == '-');
	size_t digits = *plus ? strspn(plus + 1, "0123456789") : 0;

	if (!strcasecmp(entry, "any") ||
	    (*plus == '+' && digits && digits <= DIALLING_DIGITS_MAX && !plus[1 + digits] && plus[1] != '0'))
		return NULL;
	return "must be beginnings of numbers, comma-separated, as in +49,+4179, with a - before those that are left out "
	       "(-+49900); or any";
}

/* A rule beyond the last one is lost, and then fewer numbers are dialled. */
static void add(struct dialling *d, const char *digits, size_t len, bool left_out)
{
	struct dialling_rule *r = &d->rules[d->count];

	for (size_t i = 0; i < d->count; i++)
		if (strlen(d->rules[i].digits) == len && !memcmp(d->rules[i].digits, digits, len) &&
		    d->rules[i].left_out == left_out)
			return;
	if (d->count == DIALLING_RULES_MAX || len > DIALLING_DIGITS_MAX)
		return;
	d->count++;
	memcpy(r->digits, digits, len);
	r->digits[len] = '\0';
	r->left_out = left_out;
}

bool dialling_from(struct dialling *d, const char *const *entries, size_t count)
{
	bool named = false;

	d->any = false;
	d->count = 0;
	for (size_t i = 0; i < count; i++) {
		bool left_out = *entries[i] == '-';
		const char *digits = entries[i] + left_out + 1;

		named |= !left_out;
		if (!strcasecmp(entries[i], "any"))
			d->any = true;
		else
			add(d, digits, strlen(digits), left_out);
	}
	return named;
}

/* Of an area code overseas that is our own, +1 alone would not let us dial the neighbours. */
void dialling_add_own(struct dialling *d, const char *number)
{
	if (check_e164(number))
		return;
	add(d, number + 1, code_length(number + 1), false);
	if (number[1] == '1' && among(overseas, number + 2, 3))
		add(d, number + 1, AREA_DIGITS, false);
}

/* Of equal length, a prefix that is left out wins over one that is let in by the same list, and
 * loses where only our table leaves it out. */
bool dialling_allows(const struct dialling *d, const char *number)
{
	const char *digits = number + 1;
	int in = d->any ? 0 : NEVER, out = NEVER;

	if (!strncasecmp(number, "sip:", 4) || !strncasecmp(number, "sips:", 5))
		return true;
	if (check_e164(number))
		return false;
	for (size_t i = 0; i < d->count; i++) {
		int len = (int)strlen(d->rules[i].digits), *longest = d->rules[i].left_out ? &out : &in;

		if (len > *longest && strncmp(digits, d->rules[i].digits, (size_t)len) == 0)
			*longest = len;
	}
	return in > out && (d->any || in >= left_out_of_1(digits));
}

static size_t put_rules(const struct dialling *d, bool left_out, const char *before, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->rules[i].left_out != left_out || n++ >= TOLD_MAX)
			continue;
		buf_printf(out, "%s+%s", n == 1 ? before : ", ", d->rules[i].digits);
		if (!left_out && !d->any && !strcmp(d->rules[i].digits, "1"))
			buf_puts(out, " (without its premium numbers and the countries overseas)");
	}
	if (n > TOLD_MAX)
		buf_printf(out, " and %zu more", n - TOLD_MAX);
	return n;
}

void dialling_put(const struct dialling *d, struct buf *out)
{
	if (d->any)
		buf_puts(out, "any");
	else if (!put_rules(d, false, "", out))
		buf_puts(out, "none");
	put_rules(d, true, " but not ", out);
}
