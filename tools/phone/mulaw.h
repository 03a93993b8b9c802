#ifndef PHONE_MULAW_H
#define PHONE_MULAW_H
/* G.711 mu-law, the phone's own: segment tables searched, not computed, so
 * that it can disagree with the bridge's. */
#include <stdint.h>

enum { MULAW_SILENCE = 0xFF };

int16_t mulaw_to_pcm(uint8_t code);
uint8_t mulaw_from_pcm(int sample);

#endif
