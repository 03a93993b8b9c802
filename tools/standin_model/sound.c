#include "tools/standin_model/sound.h"

#include "tools/standin_model/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int rate, bytes_per_ms;
} formats[FORMATS] = { { "audio/pcmu", 8000, 8 }, { "audio/pcma", 8000, 8 }, { "audio/pcm", 24000, 48 } };

const char *format_name(enum sound_format format)
{
	return formats[format].name;
}

int format_rate(enum sound_format format)
{
	return formats[format].rate;
}

int format_bytes_per_ms(enum sound_format format)
{
	return formats[format].bytes_per_ms;
}

/* G.711 by table. Decoding is the standard's arithmetic; encoding picks the
 * code whose value is nearest, so the two cannot disagree. */
static int16_t decoded[2][256];
static uint8_t encoded[2][65536];

static int16_t mulaw_value(unsigned code)
{
	unsigned bits = ~code & 0xff;
	int size = (int)(((bits & 15) * 2 + 33) << ((bits >> 4) & 7)) - 33;

	return (int16_t)(bits & 0x80 ? -size * 4 : size * 4);
}

static int16_t alaw_value(unsigned code)
{
	unsigned bits = code ^ 0x55, segment = (bits >> 4) & 7;
	int size = (int)(bits & 15) * 2 + 1;

	if (segment)
		size = (size + 32) << (segment - 1);
	return (int16_t)(bits & 0x80 ? size * 8 : -size * 8);
}

static int by_value[2][256]; /* codes in rising order of value */

static void sort_codes(int law)
{
	for (int i = 0; i < 256; i++) {
		int at = i;

		while (at > 0 && decoded[law][by_value[law][at - 1]] > decoded[law][i]) {
			by_value[law][at] = by_value[law][at - 1];
			at--;
		}
		by_value[law][at] = i;
	}
}

__attribute__((constructor)) static void fill_tables(void)
{
	for (unsigned code = 0; code < 256; code++) {
		decoded[FORMAT_PCMU][code] = mulaw_value(code);
		decoded[FORMAT_PCMA][code] = alaw_value(code);
	}
	for (int law = 0; law < 2; law++) {
		int at = 0;

		sort_codes(law);
		for (int sample = -32768; sample < 32768; sample++) {
			while (at < 255 && abs(decoded[law][by_value[law][at + 1]] - sample) <=
					       abs(decoded[law][by_value[law][at]] - sample))
				at++;
			encoded[law][sample + 32768] = (uint8_t)by_value[law][at];
		}
	}
}

size_t format_decode(enum sound_format format, const uint8_t *in, size_t len, int16_t *out)
{
	if (format == FORMAT_PCM24) {
		for (size_t i = 0; i < len / 2; i++)
			out[i] = (int16_t)(in[2 * i] | in[2 * i + 1] << 8);
		return len / 2;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = decoded[format][in[i]];
	return len;
}

size_t format_encode(enum sound_format format, const int16_t *in, size_t count, uint8_t *out)
{
	if (format == FORMAT_PCM24) {
		for (size_t i = 0; i < count; i++) {
			out[2 * i] = (uint8_t)in[i];
			out[2 * i + 1] = (uint8_t)((uint16_t)in[i] >> 8);
		}
		return count * 2;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = encoded[format][in[i] + 32768];
	return count;
}

/* RIFF: "RIFF" size "WAVE", then chunks of a four-letter name and a size. */
static uint32_t little(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static uint8_t *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct text all = { 0 };
	char block[65536];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		text_add(&all, block, n);
	fclose(f);
	*len = all.len;
	return (uint8_t *)all.data;
}

static int parse_wav(struct sound *s, const uint8_t *file, size_t len, const char **why)
{
	unsigned channels = 0, bits = 0, coding = 0;

	*why = "not a WAV file";
	if (len < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0)
		return -1;
	for (size_t at = 12; at + 8 <= len;) {
		const uint8_t *chunk = file + at;
		size_t size = little(chunk + 4, 4);

		/* Programs that write to a pipe leave the size of the last chunk unset. */
		if (size > len - at - 8)
			size = len - at - 8;
		if (memcmp(chunk, "fmt ", 4) == 0 && size >= 16) {
			coding = little(chunk + 8, 2);
			channels = little(chunk + 10, 2);
			s->rate_hz = (int)little(chunk + 12, 4);
			bits = little(chunk + 22, 2);
		} else if (memcmp(chunk, "data", 4) == 0) {
			if (coding != 1 || bits != 16 || !channels || s->rate_hz < 4000 || s->rate_hz > 192000) {
				*why = "not 16-bit PCM";
				return -1;
			}
			s->count = size / (2 * channels);
			s->samples = must_alloc((s->count + 1) * 2);
			for (size_t i = 0; i < s->count; i++)
				s->samples[i] = (int16_t)little(chunk + 8 + i * 2 * channels, 2);
			return 0;
		}
		at += 8 + size + (size & 1);
	}
	return -1;
}

int sound_load(struct sound *s, const char *path, const char **why)
{
	size_t len = 0;
	uint8_t *file = read_file(path, &len);
	int err;

	*s = (struct sound){ 0 };
	if (!file) {
		*why = "cannot be read";
		return -1;
	}
	err = parse_wav(s, file, len, why);
	free(file);
	return err;
}

static void put_little(uint8_t *at, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

int sound_save(const struct sound *s, const char *path)
{
	uint8_t head[44] = "RIFF....WAVEfmt ";
	uint32_t bytes = (uint32_t)(s->count * 2);
	FILE *f = fopen(path, "wb");

	if (!f)
		return -1;
	put_little(head + 4, 36 + bytes, 4);
	put_little(head + 16, 16, 4);
	put_little(head + 20, 1, 2);
	put_little(head + 22, 1, 2);
	put_little(head + 24, (uint32_t)s->rate_hz, 4);
	put_little(head + 28, (uint32_t)s->rate_hz * 2, 4);
	put_little(head + 32, 2, 2);
	put_little(head + 34, 16, 2);
	memcpy(head + 36, "data", 4);
	put_little(head + 40, bytes, 4);
	fwrite(head, 1, sizeof head, f);
	fwrite(s->samples, 2, s->count, f);
	return fclose(f) ? -1 : 0;
}

enum { MS_PER_LETTER = 62, INVENTED_RATE = 24000 };

/* Letters become syllables: a low tone with overtones whose pitch wanders and
 * whose loudness swells and falls; spaces and commas are short silences. */
void sound_invent(struct sound *s, const char *text)
{
	size_t letters = strlen(text), per_letter = MS_PER_LETTER * INVENTED_RATE / 1000;
	double phase = 0;

	if (letters < 8)
		letters = 8;
	s->rate_hz = INVENTED_RATE;
	s->count = letters * per_letter;
	s->samples = must_alloc(s->count * 2);
	for (size_t i = 0; i < s->count; i++) {
		size_t letter = i / per_letter;
		unsigned char c = letter < strlen(text) ? (unsigned char)text[letter] : 'a';
		double within = (double)(i % (per_letter * 3)) / (double)(per_letter * 3);
		double loud = c == ' ' || c == ',' || c == '.' ? 0.1 : 0.4 + 0.6 * sin(within * M_PI);

		phase += (120.0 + 3.0 * (c % 32)) / INVENTED_RATE;
		double wave = sin(2 * M_PI * phase) + 0.5 * sin(6 * M_PI * phase) + 0.3 * sin(10 * M_PI * phase);
		s->samples[i] = (int16_t)(5000 * loud * wave);
	}
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
	long divisor = common_divisor(in->rate_hz, rate_hz), places = rate_hz / divisor, step = in->rate_hz / divisor;
	double cutoff = 0.95 * (step > places ? (double)places / (double)step : 1);
	long reach = (long)ceil(LOBES / cutoff);
	double *taps = must_alloc((size_t)(places * 2 * reach) * sizeof *taps);

	out->rate_hz = rate_hz;
	out->count = (size_t)((long)in->count * places / step);
	out->samples = must_alloc((out->count + 1) * 2);
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

	silence.samples = must_alloc((silence.count + 1) * 2);
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
