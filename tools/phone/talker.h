#ifndef PHONE_TALKER_H
#define PHONE_TALKER_H
/* What Twilio does with the words it is sent: speaks them at a pace, one after the other.
 *
 * No I/O and no clock: time is the number of the tick, 20 ms each. What comes between two
 * `last` is a talk cycle. Of a cycle that has not got its `last` the final word is held back,
 * for it may not be whole.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kit/text.h"

struct cycle {
	struct text sent;
	size_t spoken; /* bytes of it */
	size_t tokens;
	char *language;        /* of its first words; owned */
	uint32_t arrived_tick; /* its first token; of the greeting, the session */
	uint32_t begin_tick, end_tick;
	bool greeting, begun, last, cut;
};

enum piece_kind { PIECE_WORDS, PIECE_SOUND, PIECE_KEYS };

struct piece {
	enum piece_kind kind;
	size_t cycle;
	size_t until;   /* words: to there in the cycle's text */
	char *text;     /* keys, or a sound's address; owned */
	uint32_t ticks; /* still to go: keys, sounds */
	int interruptible;
	bool preemptible;
};

/* How a message is to be spoken. */
struct manner {
	const char *language;
	int interruptible; /* of enum relay_input */
	bool preemptible;
};

struct talker {
	double pace; /* characters a tick */
	double credit;
	struct cycle *cycles;
	size_t cycle_count;
	bool in_cycle; /* the last one has not got its `last` */
	struct piece *pieces;
	size_t piece_count;
	uint32_t wait; /* ticks until a silent voice begins */
	uint32_t dry;  /* ticks in which there was nothing to say */
	uint32_t now;  /* the last tick */
	bool speaking;
	size_t told_cycle, told; /* tokensPlayed: up to there */
};

/* What a tick brought. */
struct talker_news {
	bool on, off;
	bool began; /* the first word of a cycle was in it */
	char key;   /* a key was pressed for us; 0: none */
	/* What was spoken since the last account; borrowed. */
	const char *played;
	size_t played_len;
};

void talker_init(struct talker *t, double characters_a_second);
void talker_close(struct talker *t);

void talker_greet(struct talker *t, const char *words, const struct manner *m);
/* One token. */
void talker_words(struct talker *t, const char *words, bool last, const struct manner *m);
void talker_sound(struct talker *t, const char *address, long loops, const struct manner *m);
void talker_keys(struct talker *t, const char *keys, const struct manner *m);

/* True if something of it sounds in this tick. */
bool talker_tick(struct talker *t, uint32_t tick, struct talker_news *news);

/* What was spoken in whole words and not told yet, into *news. */
void talker_tell(struct talker *t, struct talker_news *news);
/* May this input cut it off now? False when it is silent. */
bool talker_can_be_cut(const struct talker *t, int input);
/* Drops all that is not spoken. The whole words spoken of the cycle that was under way, and since when. */
void talker_cut(struct talker *t, struct text *heard, uint32_t *ms);

/* Of the cycles that arrived at or after a tick: were these words spoken; did one get its `last`? */
bool talker_has_spoken(const struct talker *t, const char *words, uint32_t since);
bool talker_has_finished(const struct talker *t, uint32_t since);

#endif
