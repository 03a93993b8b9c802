#include "audio/level.h"

#include "audio/g711.h"

#include <math.h>
#include <string.h>

static const double FULL_SCALE = 32768;

void level_init(struct level *l)
{
	memset(l, 0, sizeof *l);
}

static void add(struct level *l, int sample)
{
	uint32_t magnitude = (uint32_t)(sample < 0 ? -sample : sample);

	l->squares += (uint64_t)magnitude * magnitude;
	l->count++;
	if (magnitude > l->peak)
		l->peak = magnitude;
}

void level_add(struct level *l, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(l, samples[i]);
}

void level_add_mulaw(struct level *l, const uint8_t *mulaw, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(l, mulaw_decode(mulaw[i]));
}

static double dbfs(double amplitude)
{
	double db = amplitude > 0 ? 20 * log10(amplitude / FULL_SCALE) : LEVEL_FLOOR_DBFS;

	return db < LEVEL_FLOOR_DBFS ? LEVEL_FLOOR_DBFS : db;
}

double level_peak_dbfs(const struct level *l)
{
	return dbfs(l->peak);
}

double level_rms_dbfs(const struct level *l)
{
	return dbfs(l->count ? sqrt((double)l->squares / (double)l->count) : 0);
}
