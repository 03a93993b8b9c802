#include "tools/phone/wav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/chirp.h"
#include "tools/kit/g711.h"
#include "tools/kit/sound.h"
#include "tools/kit/text.h"

enum { LINE_HZ = 8000, VOICE_LEVEL = 200, VOICE_WINDOW = 160 };

static void find_voice(struct speech *s, const int16_t *samples)
{
	s->voice_begin = s->voice_end = 0;
	for (size_t at = 0; at < s->len; at += VOICE_WINDOW) {
		size_t n = s->len - at < VOICE_WINDOW ? s->len - at : VOICE_WINDOW;
		double energy = 0;

		for (size_t i = 0; i < n; i++)
			energy += pow(samples[at + i], 2);
		if (sqrt(energy / (double)n) < VOICE_LEVEL)
			continue;
		if (!s->voice_end)
			s->voice_begin = at;
		s->voice_end = at + n;
	}
}

static void take_line(struct speech *out, const char *name, struct sound *line)
{
	out->name = need_copy(name);
	out->data = need(line->count + 1);
	out->len = format_encode(FORMAT_PCMU, line->samples, line->count, out->data);
	find_voice(out, line->samples);
	sound_free(line);
}

int wav_read(struct speech *out, const char *path, char *why, size_t why_size)
{
	struct sound file, line;
	const char *slash = strrchr(path, '/'), *wrong;

	*out = (struct speech){ 0 };
	if (sound_load(&file, path, &wrong) == 0 && file.channels != 1)
		wrong = "not mono";
	if (wrong) {
		snprintf(why, why_size, "%s: %s", path, wrong);
		sound_free(&file);
		return -1;
	}
	sound_resample(&line, &file, LINE_HZ);
	take_line(out, slash ? slash + 1 : path, &line);
	sound_free(&file);
	return 0;
}

void speech_of_words(struct speech *out, const char *words)
{
	struct sound line = { .rate_hz = LINE_HZ };

	*out = (struct speech){ 0 };
	chirp_say(&line, words);
	take_line(out, "words", &line);
}

void speech_free(struct speech *s)
{
	free(s->name);
	free(s->data);
	*s = (struct speech){ 0 };
}

int wav_write(const char *path, const uint8_t *left, const uint8_t *right, size_t len)
{
	int16_t *rows[2] = { need(len * 2), need(len * 2) };
	int err;

	format_decode(FORMAT_PCMU, left, len, rows[0]);
	format_decode(FORMAT_PCMU, right, len, rows[1]);
	err = sound_save(path, LINE_HZ, 2, (const int16_t *const *)rows, len);
	free(rows[0]);
	free(rows[1]);
	return err;
}
