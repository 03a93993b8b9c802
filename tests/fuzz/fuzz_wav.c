/* A WAV file is handed in by whoever makes a simulated call: any bytes. */
#include "audio/wav.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wav wav;
	int16_t sum = 0;

	if (wav_parse(&wav, data, size))
		return 0;
	/* Every sample that is said to be there can be read. */
	for (size_t i = 0; i < wav.frames * wav.channels; i++)
		sum = (int16_t)(sum ^ wav.samples[i]);
	if (wav.frames * wav.channels > size || (sum && !wav.frames))
		abort();
	wav_free(&wav);
	return 0;
}
