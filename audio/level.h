#ifndef AUDIO_LEVEL_H
#define AUDIO_LEVEL_H
/* How loud: peak and mean (RMS) of 16-bit samples, in dB below full scale. */
#include <stddef.h>
#include <stdint.h>

enum { LEVEL_FLOOR_DBFS = -96 }; /* what silence measures, and a level of nothing */

struct level {
	uint64_t squares; /* good for 100 hours of full scale at 8 kHz */
	uint64_t count;
	uint32_t peak;
};

void level_init(struct level *l);
void level_add(struct level *l, const int16_t *samples, size_t count);
void level_add_mulaw(struct level *l, const uint8_t *mulaw, size_t count);

double level_peak_dbfs(const struct level *l);
double level_rms_dbfs(const struct level *l); /* a full-scale square wave measures 0 */

#endif
