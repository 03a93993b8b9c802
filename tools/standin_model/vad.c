#include "tools/standin_model/vad.h"

#include <math.h>

enum {
	FRAME_MS = 20,
	LOUD_FRAMES_TO_START = 3, /* 60 ms: a click is not speech */
	RMS_AT_FULL_THRESHOLD = 1000
};

void vad_init(struct vad *v, int rate_hz)
{
	*v = (struct vad){ .rate_hz = rate_hz };
}

void vad_set_rate(struct vad *v, int rate_hz)
{
	v->rate_hz = rate_hz;
	v->filled = 0;
	v->energy = 0;
}

void vad_forget(struct vad *v)
{
	v->speaking = false;
	v->loud_frames = 0;
	v->quiet_frames = 0;
	v->turn_ended_ms = v->heard_ms;
}

/* One whole frame has been heard. */
static enum vad_event judge_frame(struct vad *v, const struct vad_settings *settings, int *at_ms)
{
	double rms = sqrt(v->energy / v->filled);
	bool loud = rms > RMS_AT_FULL_THRESHOLD * settings->threshold;

	v->heard_ms += FRAME_MS;
	v->loud_frames = loud ? v->loud_frames + 1 : 0;
	v->quiet_frames = loud ? 0 : v->quiet_frames + 1;
	v->filled = 0;
	v->energy = 0;
	if (!v->speaking && v->loud_frames >= LOUD_FRAMES_TO_START) {
		double start = v->heard_ms - LOUD_FRAMES_TO_START * FRAME_MS - settings->prefix_padding_ms;

		v->speaking = true;
		*at_ms = (int)fmax(start, v->turn_ended_ms);
		return VAD_STARTED;
	}
	if (v->speaking && v->quiet_frames * FRAME_MS >= settings->silence_ms) {
		v->speaking = false;
		v->turn_ended_ms = v->heard_ms;
		*at_ms = (int)v->heard_ms;
		return VAD_STOPPED;
	}
	return VAD_NONE;
}

size_t vad_listen(struct vad *v, const struct vad_settings *settings, const int16_t *samples, size_t count,
    enum vad_event *event, int *at_ms)
{
	int frame = v->rate_hz * FRAME_MS / 1000;

	*event = VAD_NONE;
	for (size_t i = 0; i < count;) {
		v->energy += (double)samples[i] * samples[i];
		v->filled++;
		i++;
		if (v->filled == frame && (*event = judge_frame(v, settings, at_ms)) != VAD_NONE)
			return i;
	}
	return count;
}
