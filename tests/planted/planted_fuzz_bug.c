/* Wrong on purpose: a parser that trusts a length. Fuzzing must find it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile uint8_t last;
	uint8_t *body;

	if (size < 4 || data[0] != 'B' || data[1] != 'U' || data[2] != 'G')
		return 0;
	body = malloc(size - 3);
	memcpy(body, data + 3, size - 3);
	last = body[body[0]];
	(void)last;
	free(body);
	return 0;
}
