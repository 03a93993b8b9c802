#include "tools/phone/wav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/mulaw.h"
#include "tools/kit/text.h"

enum { LINE_HZ = 8000, HALF_WIDTH = 16, VOICE_LEVEL = 200, VOICE_WINDOW = 160 };

static unsigned number(const uint8_t *at, int bytes)
{
	unsigned v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (unsigned)at[i] << (8 * i);
	return v;
}

static int read_whole(struct text *out, const char *path)
{
	FILE *f = fopen(path, "rb");
	char piece[16384];
	size_t n;

	if (!f)
		return -1;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		text_add(out, piece, n);
	fclose(f);
	return 0;
}

/* A windowed sinc at every output sample: cuts what 8 kHz cannot carry. */
static double sample_at(const int16_t *in, size_t count, double position, double step)
{
	double cut = step > 1 ? 0.95 / step : 1.0;
	double reach = HALF_WIDTH / cut, sum = 0, weights = 0;
	long first = (long)ceil(position - reach), last = (long)floor(position + reach);

	for (long i = first; i <= last; i++) {
		double d = (double)i - position;
		double x = d * cut * M_PI;
		double w = (x == 0 ? 1 : sin(x) / x) * (0.5 + 0.5 * cos(M_PI * d / reach));

		weights += w;
		if (i >= 0 && (size_t)i < count)
			sum += w * in[i];
	}
	return weights != 0 ? sum / weights : 0;
}

static void find_voice(struct speech *s)
{
	s->voice_begin = s->voice_end = 0;
	for (size_t at = 0; at < s->len; at += VOICE_WINDOW) {
		size_t n = s->len - at < VOICE_WINDOW ? s->len - at : VOICE_WINDOW;
		double energy = 0;

		for (size_t i = 0; i < n; i++)
			energy += pow(mulaw_to_pcm(s->data[at + i]), 2);
		if (sqrt(energy / (double)n) < VOICE_LEVEL)
			continue;
		if (!s->voice_end)
			s->voice_begin = at;
		s->voice_end = at + n;
	}
}

int wav_read(struct speech *out, const char *path, char *why, size_t why_size)
{
	struct text file = { 0 };
	const uint8_t *d;
	const int16_t *in = NULL;
	size_t count = 0, at = 12;
	unsigned rate = 0;
	const char *slash = strrchr(path, '/');

	*out = (struct speech){ 0 };
	if (read_whole(&file, path) != 0) {
		snprintf(why, why_size, "%s: cannot be read", path);
		return -1;
	}
	d = (const uint8_t *)text_str(&file);
	if (file.len < 12 || memcmp(d, "RIFF", 4) != 0 || memcmp(d + 8, "WAVE", 4) != 0)
		goto foreign;
	while (at + 8 <= file.len) {
		size_t size = number(d + at + 4, 4);
		const uint8_t *body = d + at + 8;

		if (size > file.len - at - 8)
			size = file.len - at - 8; /* writers to a pipe leave the size open */
		if (memcmp(d + at, "fmt ", 4) == 0 && size >= 16) {
			if (number(body, 2) != 1 || number(body + 2, 2) != 1 || number(body + 14, 2) != 16)
				goto foreign;
			rate = number(body + 4, 4);
		} else if (memcmp(d + at, "data", 4) == 0) {
			in = (const int16_t *)(const void *)body;
			count = size / 2;
		}
		at += 8 + size + (size & 1);
	}
	if (!in || rate < 4000 || rate > 192000)
		goto foreign;
	out->name = need_copy(slash ? slash + 1 : path);
	out->len = (size_t)((double)count * LINE_HZ / rate);
	out->data = need(out->len);
	for (size_t i = 0; i < out->len; i++) {
		double v =
		    rate == LINE_HZ ? in[i] : sample_at(in, count, (double)i * rate / LINE_HZ, (double)rate / LINE_HZ);

		out->data[i] = mulaw_from_pcm(v > 32767 ? 32767 : v < -32768 ? -32768 : (int)lrint(v));
	}
	find_voice(out);
	text_free(&file);
	return 0;
foreign:
	snprintf(why, why_size, "%s: is no mono WAV of 16-bit samples", path);
	text_free(&file);
	return -1;
}

void speech_free(struct speech *s)
{
	free(s->name);
	free(s->data);
	*s = (struct speech){ 0 };
}

static void put(uint8_t *at, size_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

int wav_write(const char *path, const uint8_t *left, const uint8_t *right, size_t len)
{
	uint8_t head[44] = "RIFF....WAVEfmt ";
	FILE *f = fopen(path, "wb");
	int bad;

	if (!f)
		return -1;
	put(head + 4, 36 + len * 4, 4);
	put(head + 16, 16, 4);
	put(head + 20, 1, 2);
	put(head + 22, 2, 2);
	put(head + 24, LINE_HZ, 4);
	put(head + 28, LINE_HZ * 4, 4);
	put(head + 32, 4, 2);
	put(head + 34, 16, 2);
	memcpy(head + 36, "data", 4);
	put(head + 40, len * 4, 4);
	fwrite(head, 1, sizeof head, f);
	for (size_t i = 0; i < len; i++) {
		uint8_t pair[4];

		put(pair, (uint16_t)mulaw_to_pcm(left[i]), 2);
		put(pair + 2, (uint16_t)mulaw_to_pcm(right[i]), 2);
		fwrite(pair, 1, sizeof pair, f);
	}
	bad = ferror(f);
	return fclose(f) != 0 || bad ? -1 : 0;
}
