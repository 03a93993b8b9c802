#ifndef RECORDING_RECORDER_PRIVATE_H
#define RECORDING_RECORDER_PRIVATE_H
/* The structs that the two sides of a recording share: the caller loop's
 * (recording.c) and the writer's (recorder.c). Private to them.
 */
#include "common/bell.h"
#include "common/ring.h"
#include "common/foreign.h"
#include "server/recording/recording.h"
#include "server/recording/recording_file.h"
#include "server/recording/recording_mix.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

/* A message in the ring: a struct tap, and for TAP_CALLER, TAP_SENT and TAP_TONE mu-law behind it. */
enum tap_type { TAP_CALLER = 1, TAP_SENT, TAP_ECHO, TAP_CUT, TAP_TONE };

struct tap {
	int64_t now_us;
	uint64_t pos;          /* TAP_SENT, TAP_ECHO, TAP_CUT: in the ledger's count */
	uint64_t timestamp_ms; /* TAP_CALLER, if timed */
	bool timed, dry;       /* dry: TAP_SENT */
};

enum recording_state { RECORDING_ON, RECORDING_COMPLETED, RECORDING_FAILED, RECORDING_SAVING };

struct recorder {
	char dir[PATH_MAX - RECORDING_PATH_SIZE];
	struct store *store;
	struct bell bell;
	pthread_t thread;
	_Atomic(struct recording *) begun; /* pushed by caller loops, taken whole by the writer */
	_Atomic bool closing;
	_Atomic int active;

	pthread_mutex_t lock; /* guards last_error: the writer writes, /status reads */
	char last_error[200];
};

struct recording {
	/* Constant */
	struct recorder *recorder; /* until the writer is done with it */
	char call_sid[FOREIGN_ID_SIZE];
	const struct agent *agent; /* retained */
	int64_t start_us, start_wall_ms;

	struct ring ring;         /* caller loop -> writer */
	struct recording *next;   /* in recorder->begun, then in the writer's list */
	_Atomic int refs;         /* the call's and the writer's */
	_Atomic bool over;        /* after the last message; pairs with drain() */
	_Atomic uint64_t dropped; /* bytes of audio that found no room */
	_Atomic int64_t end_us;

	/* Set by the writer, read by any holder. */
	_Atomic int state, error; /* enum recording_state; errno */
	_Atomic uint64_t frames;  /* in the file */

	/* Writer only */
	struct recording_mix mix;
	struct recording_file file;
	int64_t synced_us;
};

#endif
