#include "tools/kit/chirp.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/text.h"

/* All are whole waves in a window, so that none is heard in another's place. */
enum {
	ROWS = 3,
	DIGITS = 10,
	FIRST_HZ = 400,
	STEP_HZ = 100,
	HOP = CHIRP_WINDOW / 2,
	KNOWN = 3,       /* windows of one word make it heard */
	INTERRUPTED = 3, /* so many without it in between do not end it */
	LOUD = 100,      /* root mean square; below is silence */
	EDGE_MS = 4,
	TONE = 3500,
	LETTERS_LEAST = 8 /* no text is shorter */
};

static const char syllables[DIGITS][3] = { "ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru" };

void chirp_name(int number, char name[CHIRP_NAME])
{
	memcpy(name, syllables[number / 100 % 10], 2);
	memcpy(name + 2, syllables[number / 10 % 10], 2);
	memcpy(name + 4, syllables[number % 10], 2);
	name[6] = '\0';
}

static int named(const char *letters, size_t len)
{
	int number = 0;

	if (len != 2 * ROWS)
		return -1;
	for (int row = 0; row < ROWS; row++) {
		int digit = 0;

		while (digit < DIGITS && memcmp(letters + 2 * row, syllables[digit], 2) != 0)
			digit++;
		if (digit == DIGITS)
			return -1;
		number = number * 10 + digit;
	}
	return number;
}

int chirp_number(const char *word, size_t len)
{
	char letters[64];
	size_t n = 0;
	unsigned hash = 5381;
	int number;

	for (size_t i = 0; i < len; i++)
		if ((isalnum((unsigned char)word[i]) || (word[i] & 0x80)) && n < sizeof letters)
			letters[n++] = (char)tolower((unsigned char)word[i]);
	if (!n)
		return -1;
	number = named(letters, n);
	if (number >= 0)
		return number;
	for (size_t i = 0; i < n; i++)
		hash = hash * 33 ^ (unsigned char)letters[i];
	return CHIRP_OWN + (int)(hash % (CHIRPS - CHIRP_OWN));
}

size_t chirp_next(const char **text, const char **word)
{
	size_t len;

	*text += strspn(*text, " \t\r\n");
	*word = *text;
	len = strcspn(*text, " \t\r\n");
	*text += len;
	return len;
}

static double tone_hz(int row, int digit)
{
	return FIRST_HZ + STEP_HZ * (row * DIGITS + digit);
}

static void say_word(struct sound *s, int number, int ms)
{
	struct sound word = { .count = (size_t)ms * (size_t)s->rate_hz / 1000, .rate_hz = s->rate_hz };
	size_t edge = (size_t)(EDGE_MS * s->rate_hz / 1000);
	const int digit[ROWS] = { number / 100, number / 10 % 10, number % 10 };

	word.samples = need((word.count + 1) * 2);
	for (size_t i = 0; i < word.count; i++) {
		size_t from_end = i < word.count - i ? i : word.count - i;
		double wave = 0;

		for (int row = 0; row < ROWS; row++)
			wave += sin(2 * M_PI * tone_hz(row, digit[row]) * (double)i / s->rate_hz);
		word.samples[i] = (int16_t)(TONE * wave * (from_end < edge ? (double)from_end / (double)edge : 1));
	}
	sound_append(s, &word);
	sound_free(&word);
}

void chirp_say(struct sound *s, const char *text)
{
	const char *at = text, *word;
	size_t len, letters = strlen(text);

	while ((len = chirp_next(&at, &word))) {
		int number = chirp_number(word, len), ms = (int)len * CHIRP_LETTER_MS;

		if (number < 0)
			sound_append_silence(s, ms);
		else
			say_word(s, number, ms);
		if (*at)
			sound_append_silence(s, CHIRP_LETTER_MS);
	}
	if (letters < LETTERS_LEAST)
		sound_append_silence(s, (int)(LETTERS_LEAST - letters) * CHIRP_LETTER_MS);
}

/* What a tone has of the window's energy (Goertzel). */
static double energy_of(const int16_t *window, double hz)
{
	double k = 2 * cos(2 * M_PI * hz / CHIRP_HZ), a = 0, b = 0;

	for (int i = 0; i < CHIRP_WINDOW; i++) {
		double next = window[i] + k * a - b;

		b = a;
		a = next;
	}
	return (a * a + b * b - k * a * b) * 2 / CHIRP_WINDOW;
}

/* The word a window holds, or -1: three tones are nearly all of it, and each is a good part. */
static int word_of(const int16_t *window)
{
	double all = 0, found = 0;
	int number = 0;

	for (int i = 0; i < CHIRP_WINDOW; i++)
		all += (double)window[i] * window[i];
	if (all < (double)LOUD * LOUD * CHIRP_WINDOW)
		return -1;
	for (int row = 0; row < ROWS; row++) {
		double best = 0;
		int digit = 0;

		for (int i = 0; i < DIGITS; i++) {
			double energy = energy_of(window, tone_hz(row, i));

			digit = energy > best ? i : digit;
			best = energy > best ? energy : best;
		}
		if (best < all * 0.15)
			return -1;
		found += best;
		number = number * 10 + digit;
	}
	return found > all * 0.85 ? number : -1;
}

static void judge(struct chirp_ear *e)
{
	int number = word_of(e->window);

	if (e->same && number != e->last) {
		if (number < 0 && ++e->other <= INTERRUPTED)
			return;
		e->same = e->other = 0;
		e->known = false;
	}
	if (number < 0)
		return;
	e->last = number;
	e->same += 1 + e->other;
	e->other = 0;
	if (e->same < KNOWN)
		return;
	if (!e->known) {
		e->words = need_more(e->words, (e->count + 1) * sizeof *e->words);
		e->words[e->count++] =
		    (struct chirp){ .number = number, .at = e->heard - (e->same - 1) * HOP - CHIRP_WINDOW };
	}
	e->known = true;
	e->words[e->count - 1].samples = (e->same - 1) * HOP + CHIRP_WINDOW;
}

void chirp_hear(struct chirp_ear *e, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		e->window[e->filled++] = samples[i];
		e->heard++;
		if (e->filled < CHIRP_WINDOW)
			continue;
		judge(e);
		memmove(e->window, e->window + HOP, (CHIRP_WINDOW - HOP) * sizeof e->window[0]);
		e->filled -= HOP;
	}
}

void chirp_ear_free(struct chirp_ear *e)
{
	free(e->words);
	*e = (struct chirp_ear){ 0 };
}

char *chirp_text(const struct chirp_ear *e, size_t from)
{
	struct text out = { 0 };
	char name[CHIRP_NAME], *text;

	for (size_t i = from; i < e->count; i++) {
		chirp_name(e->words[i].number, name);
		text_printf(&out, "%s%s", i > from ? " " : "", name);
	}
	text = need_copy(text_str(&out));
	text_free(&out);
	return text;
}
