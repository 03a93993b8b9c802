#ifndef KIT_CHIRP_H
#define KIT_CHIRP_H
/* Words as sounds that can be told apart again: what stand-ins speak when there is no voice.
 *
 * A word is a number, and three tones at once: one for each of its digits, in a row of its own.
 * Three syllables of ba de fi go ku la me ni po ru are a number as they stand ("defigo" is 123), so
 * that a script in such words is heard as it was written; any other word has one of the last 200
 * numbers, by its letters, and is heard as the syllables of that.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kit/sound.h"

enum {
	CHIRPS = 1000,
	CHIRP_OWN = 800, /* numbers below it have a word of their own */
	CHIRP_NAME = 7,
	CHIRP_LETTER_MS = 62, /* a word sounds so long for each character, a space is silent so long */
	CHIRP_HZ = 8000,
	CHIRP_WINDOW = CHIRP_HZ / 50
};

/* The number of a word; -1 if there is no letter and no digit in it. */
int chirp_number(const char *word, size_t len);
void chirp_name(int number, char name[CHIRP_NAME]);
/* The next word at *text, moved behind it: its length, and its start in *word; 0 at the end. */
size_t chirp_next(const char **text, const char **word);

/* Appends the text, spoken, at the sound's own rate. */
void chirp_say(struct sound *s, const char *text);

struct chirp {
	int number;
	uint64_t at; /* sample of its beginning */
	uint32_t samples;
};

/* One listener. Zero to begin with. */
struct chirp_ear {
	int16_t window[CHIRP_WINDOW];
	size_t filled;
	uint64_t heard;      /* samples */
	int last;            /* the word that sounds, if one does: */
	unsigned same;       /* windows since it began; 0: none */
	unsigned other;      /* of which the last ones lack it */
	bool known;          /* it is in `words` */
	struct chirp *words; /* all that were heard, in order; owned */
	size_t count;
};

/* Samples of 8 kHz. A word is there as soon as it is known, and grows while it sounds. */
void chirp_hear(struct chirp_ear *e, const int16_t *samples, size_t count);
void chirp_ear_free(struct chirp_ear *e);
/* The words from the n-th on, a space between any two. Caller frees. */
char *chirp_text(const struct chirp_ear *e, size_t from);

#endif
