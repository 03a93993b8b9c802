#include "audio/convert.h"

#include "audio/g711.h"
#include "audio/resample.h"

#include <errno.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>

enum {
	CALLER_HZ = 8000,
	MODEL_HZ = 24000,
	PIECE = 480, /* samples worked on at a time: 20 ms at 24 kHz, 60 ms at 8 kHz */
	WIDEST = PIECE * (MODEL_HZ / CALLER_HZ) + 2,
};

struct converter {
	enum audio_format format;
	struct resampler *up, *down; /* PCM24 only */
	uint8_t half;                /* first byte of a sample whose second is still to come */
	bool have_half;
	/* One set of scratch space per direction: they may run in two threads. */
	int16_t up_in[PIECE], up_out[WIDEST];
	int16_t down_in[PIECE], down_out[WIDEST];
};

int converter_open(struct converter **out, enum audio_format model_format)
{
	struct converter *c = calloc(1, sizeof *c);

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->format = model_format;
	if (model_format == AUDIO_PCM &&
	    (resampler_open(&c->up, CALLER_HZ, MODEL_HZ) || resampler_open(&c->down, MODEL_HZ, CALLER_HZ))) {
		converter_close(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

int converter_switch(struct converter **c, enum audio_format model_format)
{
	if ((*c ? (*c)->format : AUDIO_PCMU) == model_format)
		return 0;
	converter_close(*c);
	*c = NULL;
	return model_format == AUDIO_PCMU ? 0 : converter_open(c, model_format);
}

size_t converter_to_model(struct converter *c, const uint8_t *mulaw, size_t len, uint8_t *out)
{
	size_t written = 0;

	if (c->format == AUDIO_PCMU) {
		memmove(out, mulaw, len);
		return len;
	}
	if (c->format == AUDIO_PCMA) {
		for (size_t i = 0; i < len; i++)
			out[i] = alaw_encode(mulaw_decode(mulaw[i]));
		return len;
	}
	while (len) {
		size_t piece = len < PIECE ? len : PIECE, made;

		for (size_t i = 0; i < piece; i++)
			c->up_in[i] = mulaw_decode(mulaw[i]);
		made = resampler_run(c->up, c->up_in, piece, c->up_out);
		for (size_t i = 0; i < made; i++) {
			uint16_t sample = (uint16_t)c->up_out[i];

			out[written++] = (uint8_t)sample;
			out[written++] = (uint8_t)(sample >> 8);
		}
		mulaw += piece;
		len -= piece;
	}
	return written;
}

void converter_reset_to_model(struct converter *c)
{
	if (c->up)
		resampler_reset(c->up);
}

size_t converter_to_caller_max(const struct converter *c, size_t model_len)
{
	size_t samples = model_len / 2 + 1; /* half a sample may have been waiting */

	return c->format == AUDIO_PCM ? samples / (MODEL_HZ / CALLER_HZ) + 2 * (samples / PIECE + 1) : model_len;
}

/* The first `count` samples of down_in, resampled and encoded. */
static size_t down(struct converter *c, size_t count, uint8_t *mulaw_out)
{
	size_t made = resampler_run(c->down, c->down_in, count, c->down_out);

	for (size_t i = 0; i < made; i++)
		mulaw_out[i] = mulaw_encode(c->down_out[i]);
	return made;
}

static size_t pcm_to_caller(struct converter *c, const uint8_t *bytes, size_t len, uint8_t *mulaw_out)
{
	size_t written = 0, count = 0;

	for (size_t i = 0; i < len; i++) {
		if (!c->have_half) {
			c->half = bytes[i];
			c->have_half = true;
			continue;
		}
		c->down_in[count++] = (int16_t)(uint16_t)(c->half | bytes[i] << 8);
		c->have_half = false;
		if (count == PIECE) {
			written += down(c, count, mulaw_out + written);
			count = 0;
		}
	}
	return written + down(c, count, mulaw_out + written);
}

size_t converter_to_caller(struct converter *c, const uint8_t *model_bytes, size_t len, uint8_t *mulaw_out)
{
	switch (c->format) {
	case AUDIO_PCMU:
		memmove(mulaw_out, model_bytes, len);
		return len;
	case AUDIO_PCMA:
		for (size_t i = 0; i < len; i++)
			mulaw_out[i] = mulaw_encode(alaw_decode(model_bytes[i]));
		return len;
	default:
		return pcm_to_caller(c, model_bytes, len, mulaw_out);
	}
}

size_t converter_finish_to_caller(struct converter *c, uint8_t *mulaw_out)
{
	size_t written = 0;

	if (c->format == AUDIO_PCM) {
		size_t held = resampler_held(c->down);

		memset(c->down_in, 0, held * sizeof *c->down_in);
		written = down(c, held, mulaw_out);
	}
	converter_reset_to_caller(c);
	return written;
}

void converter_reset_to_caller(struct converter *c)
{
	c->have_half = false;
	if (c->down)
		resampler_reset(c->down);
}

void converter_close(struct converter *c)
{
	if (c) {
		resampler_close(c->up);
		resampler_close(c->down);
	}
	free(c);
}

static uint64_t bytes_per_ms(enum audio_format format)
{
	return format == AUDIO_PCM ? 2 * MODEL_HZ / 1000 : CALLER_HZ / 1000;
}

uint64_t convert_bytes_to_ms(enum audio_format format, uint64_t bytes)
{
	return bytes / bytes_per_ms(format);
}
