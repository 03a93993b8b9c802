#ifndef PHONE_STATS_H
#define PHONE_STATS_H
/* What a thread's calls add up to, for the report's "load". One thread writes;
 * merged when all are done. Latencies under "steady" are taken only while all
 * calls are up: between the end of the ramp and the first planned hang-up. */
#include "tools/kit/hist.h"

/* clang-format off */
#define STAT_COUNTS(X) \
	X(frames_sent) X(overflow_frames) X(ticks_over_1ms) X(ticks_over_20ms) \
	X(bytes_received) X(messages_received) X(media_received) X(clears) X(marks) \
	X(units_received) X(units_lost) X(units_doubled) X(units_reordered) X(units_stale) X(units_late) \
	X(answers_begun) X(answers_ended) X(underruns)

#define STAT_TIMES(X) \
	X(send_late)          /* steady: a tick against its deadline */ \
	X(answer_first)       /* steady: first unit of an answer, stamp to arrival */ \
	X(unit_late)          /* steady: later units against their own deadline, 0 if early */ \
	X(webhook)            /* request sent to TwiML complete */ \
	X(upgrade)            /* upgrade sent to 101 */ \
	X(stream_first_audio) /* 101 to the first media message */
/* clang-format on */

struct stats {
#define X(name) uint64_t name;
	STAT_COUNTS(X)
#undef X
#define X(name) struct hist name;
	STAT_TIMES(X)
#undef X
};

#endif
