#include "tools/phone/ears.h"

#include <math.h>
#include <string.h>

#include "tools/kit/g711.h"
#include "tools/phone/clock.h"

enum { AUDIBLE = 60 /* root mean square: about -55 dB */ };

bool ears_hear(struct ears *e, const uint8_t sound[TICK_BYTES])
{
	int16_t samples[TICK_BYTES];
	double energy = 0;

	format_decode(FORMAT_PCMU, sound, TICK_BYTES, samples);
	for (int i = 0; i < TICK_BYTES; i++)
		energy += (double)samples[i] * samples[i];
	chirp_hear(&e->ear, samples, TICK_BYTES);
	if (sqrt(energy / TICK_BYTES) < AUDIBLE)
		return false;
	e->other_ticks += !e->ear.same;
	return true;
}

void ears_wait(struct ears *e, bool sounds, bool waits, uint32_t tick)
{
	e->silent_ticks = waits && !sounds ? e->silent_ticks + 1 : 0;
	if (e->silent_ticks > e->longest_ticks) {
		e->longest_ticks = e->silent_ticks;
		e->longest_tick = tick;
	}
}

bool ears_heard(const struct ears *e, const char *words, uint32_t since)
{
	for (size_t i = 0; i < e->ear.count; i++) {
		const char *at = words, *word;
		size_t len, n = i;

		if (e->ear.words[i].at < (uint64_t)since * TICK_BYTES)
			continue;
		while ((len = chirp_next(&at, &word)) && n < e->ear.count &&
		       chirp_number(word, len) == e->ear.words[n].number)
			n++;
		if (!len)
			return true;
	}
	return false;
}

void ears_close(struct ears *e)
{
	chirp_ear_free(&e->ear);
}
