#include "tools/kit/sid.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void sid_new(char out[SID_SIZE], const char *prefix)
{
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	memcpy(out, prefix, 2);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 + 2 * i, 3, "%02x", bytes[i]);
}
