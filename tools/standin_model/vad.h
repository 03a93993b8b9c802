#ifndef STANDIN_VAD_H
#define STANDIN_VAD_H
/* Turn detection by loudness, on the audio and in the audio's own time.
 *
 * Nothing here knows a clock: positions are counted in samples heard, so a
 * caller that stops sending audio stops time, as with the real service.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vad_settings {
	double threshold;      /* 0 to 1; 0.5 is an RMS of 500, 36 dB below full scale */
	int prefix_padding_ms; /* how far before the speech it is said to have started */
	int silence_ms;        /* silence that ends a turn */
};

enum vad_event { VAD_NONE, VAD_STARTED, VAD_STOPPED };

struct vad {
	int rate_hz;
	bool speaking;
	double heard_ms; /* since the session began; at most one frame behind */
	/* The 20 ms frame being filled, and what came before it. */
	int filled;
	double energy;
	int loud_frames;  /* in a row */
	int quiet_frames; /* in a row */
	double turn_ended_ms;
};

void vad_init(struct vad *v, int rate_hz);
void vad_set_rate(struct vad *v, int rate_hz); /* keeps the position */

/* Listens until something happens or the samples are used up; how many were
 * used. *at_ms is where: a turn's start with its prefix, or its end with the
 * silence that proved it. */
size_t vad_listen(struct vad *v, const struct vad_settings *settings, const int16_t *samples, size_t count,
    enum vad_event *event, int *at_ms);

/* Forgets a turn that was going on (the input buffer was committed or cleared by hand). */
void vad_forget(struct vad *v);

#endif
