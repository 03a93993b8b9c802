#include "tools/kit/sound.h"

#include "tools/kit/file.h"
#include "tools/kit/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RIFF: "RIFF" size "WAVE", then chunks of a four-letter name and a size. */
static uint32_t little(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static const char *parse_wav(struct sound *s, const uint8_t *file, size_t len)
{
	unsigned bits = 0, coding = 0;

	if (len < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0)
		return "not a WAV file";
	for (size_t at = 12; at + 8 <= len;) {
		const uint8_t *chunk = file + at;
		size_t size = little(chunk + 4, 4);

		/* Programs that write to a pipe leave the size of the last chunk unset. */
		if (size > len - at - 8)
			size = len - at - 8;
		if (memcmp(chunk, "fmt ", 4) == 0 && size >= 16) {
			coding = little(chunk + 8, 2);
			s->channels = (int)little(chunk + 10, 2);
			s->rate_hz = (int)little(chunk + 12, 4);
			bits = little(chunk + 22, 2);
		} else if (memcmp(chunk, "data", 4) == 0) {
			if (coding != 1 || bits != 16 || !s->channels || s->rate_hz < 4000 || s->rate_hz > 192000)
				return "not 16-bit PCM";
			s->count = size / (2 * (size_t)s->channels);
			s->samples = need((s->count + 1) * 2);
			for (size_t i = 0; i < s->count; i++)
				s->samples[i] = (int16_t)little(chunk + 8 + i * 2 * (size_t)s->channels, 2);
			return NULL;
		}
		at += 8 + size + (size & 1);
	}
	return "a WAV file without sound";
}

int sound_load(struct sound *s, const char *path, const char **why)
{
	struct text file = { 0 };

	*s = (struct sound){ 0 };
	*why = file_read(path, &file) ? "cannot be read" : parse_wav(s, (const uint8_t *)text_str(&file), file.len);
	text_free(&file);
	return *why ? -1 : 0;
}

static void put_little(struct text *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		text_add(out, &(uint8_t){ (uint8_t)value }, 1);
}

int sound_save(const char *path, int rate_hz, int channels, const int16_t *const *rows, size_t count)
{
	uint32_t width = (uint32_t)channels * 2, bytes = (uint32_t)count * width;
	struct text out = { 0 };
	int err;

	text_puts(&out, "RIFF");
	put_little(&out, 36 + bytes, 4);
	text_puts(&out, "WAVEfmt ");
	put_little(&out, 16, 4);
	put_little(&out, 1, 2);
	put_little(&out, (uint32_t)channels, 2);
	put_little(&out, (uint32_t)rate_hz, 4);
	put_little(&out, (uint32_t)rate_hz * width, 4);
	put_little(&out, width, 2);
	put_little(&out, 16, 2);
	text_puts(&out, "data");
	put_little(&out, bytes, 4);
	text_reserve(&out, bytes);
	for (size_t i = 0; i < count; i++)
		for (int c = 0; c < channels; c++)
			put_little(&out, (uint16_t)rows[c][i], 2);
	err = file_write(path, &out);
	text_free(&out);
	return err;
}

enum { LOBES = 12 };

static long common_divisor(long a, long b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* A windowed sinc whose middle lies `fraction` of a sample behind tap reach - 1. */
static void make_taps(double *taps, long reach, double fraction, double cutoff)
{
	double sum = 0;

	for (long k = 0; k < 2 * reach; k++) {
		double from_middle = (double)(k - reach + 1) - fraction, x = from_middle * cutoff;
		double sinc = fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x);

		taps[k] = sinc * (0.5 + 0.5 * cos(M_PI * from_middle / (double)(reach + 1)));
		sum += taps[k];
	}
	for (long k = 0; k < 2 * reach; k++)
		taps[k] /= sum;
}

/* One output sample at a time, each with the filter for its place between two
 * input samples; rates are whole numbers, so there are only so many places.
 * The filter is as wide as the slower of the two rates needs. */
void sound_resample(struct sound *out, const struct sound *in, int rate_hz)
{
	if (in->rate_hz == rate_hz) {
		*out = (struct sound){ .rate_hz = rate_hz };
		sound_append(out, in);
		return;
	}
	long divisor = common_divisor(in->rate_hz, rate_hz), places = rate_hz / divisor, step = in->rate_hz / divisor;
	double cutoff = 0.95 * (step > places ? (double)places / (double)step : 1);
	long reach = (long)ceil(LOBES / cutoff);
	double *taps = need((size_t)(places * 2 * reach) * sizeof *taps);

	out->rate_hz = rate_hz;
	out->count = (size_t)((long)in->count * places / step);
	out->samples = need((out->count + 1) * 2);
	for (long place = 0; place < places; place++)
		make_taps(taps + place * 2 * reach, reach, (double)place / (double)places, cutoff);
	for (long i = 0; i < (long)out->count; i++) {
		const double *filter = taps + i * step % places * 2 * reach;
		long first = i * step / places - reach + 1;
		double sum = 0;

		for (long k = 0; k < 2 * reach; k++)
			if (first + k >= 0 && first + k < (long)in->count)
				sum += filter[k] * in->samples[first + k];
		out->samples[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
	}
	free(taps);
}

void sound_append(struct sound *s, const struct sound *more)
{
	int16_t *all = realloc(s->samples, (s->count + more->count + 1) * 2);

	if (!all)
		abort();
	if (more->count)
		memcpy(all + s->count, more->samples, more->count * 2);
	s->samples = all;
	s->count += more->count;
}

void sound_append_silence(struct sound *s, int ms)
{
	struct sound silence = { .count = (size_t)ms * (size_t)s->rate_hz / 1000, .rate_hz = s->rate_hz };

	silence.samples = need((silence.count + 1) * 2);
	sound_append(s, &silence);
	sound_free(&silence);
}

void sound_free(struct sound *s)
{
	free(s->samples);
	*s = (struct sound){ 0 };
}

int sound_ms(const struct sound *s)
{
	return s->rate_hz ? (int)(s->count * 1000 / (size_t)s->rate_hz) : 0;
}
