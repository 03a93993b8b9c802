#ifndef PHONE_CLOCK_H
#define PHONE_CLOCK_H
/* The line's time: a frame every 20 ms, 8 bytes a millisecond (G.711 at 8 kHz). */
#include "tools/kit/clock.h"

enum { TICK_MS = 20, TICK_BYTES = 160, BYTES_PER_MS = 8 };

#define TICK_NS (TICK_MS * NS_PER_MS)

#endif
