#ifndef RELAY_FAULTS_H
#define RELAY_FAULTS_H
/* Harm on purpose, of a known size, to see that the bench shows it at that
 * size. All of it is off by default, and costs nothing then. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faults {
	long delay_ms;     /* every message, both ways */
	long drop_percent; /* of the audio messages, both ways, evenly */
	bool no_clear;     /* an interruption is not passed on */
	long burn_us;      /* of CPU for every frame of the caller */
	long hold_kb;      /* of memory for every call */
};

extern struct faults faults;

/* True if this audio message is one of those to drop; `counter` is the direction's own. */
bool faults_drop(uint64_t *counter);
void faults_burn(void);

/* What was put off. `arg` is the sender's; the text is copied. */
typedef void faults_send_fn(void *arg, int way, const char *text, size_t len);
void faults_put_off(void *arg, int way, const char *text, size_t len, int64_t now_us);
/* Sends what is due; the next due time, or INT64_MAX. */
int64_t faults_run(faults_send_fn *send, int64_t now_us);

#endif
