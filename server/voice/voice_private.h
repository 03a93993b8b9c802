#ifndef VOICE_VOICE_PRIVATE_H
#define VOICE_VOICE_PRIVATE_H
/* What voice.c and voice_maker.c share: the cache, and the list of what is wanted. */
#include "common/bell.h"
#include "server/voice/voice.h"
#include "server/voice/voice_dir.h"
#include "server/voice/voice_shelf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum voice_wish_state { WISH_MISSING, WISH_KEPT, WISH_GIVEN_UP };

/* A line that is wanted. */
struct voice_wish {
	const struct agent *agent; /* retained; one of those that share the line */
	const char *text;          /* borrowed from it */
	uint8_t hash[SHA256_BYTES];
	enum voice_wish_state state;
	int misses;
	int64_t next_us; /* not to be made before */
};

struct voice {
	struct voice_parts parts;
	struct voice_shelf shelf;
	struct bell stop, wake; /* the thread's */
	bool started;
	pthread_t thread;

	/* For /status. */
	_Atomic size_t wanted, missing, given_up;
	_Atomic int64_t cost_micros;

	/* The thread's alone. */
	struct voice_dir dir;
	struct voice_wish *wishes; /* owned */
	size_t count;
	int64_t next_us; /* nothing is made before */
	int failed;      /* tries in a row for which there was no model */
	bool told_day;   /* the log knows that the day is full */
};

#endif
