/* A file of certificates is the operator's, and may still be anything. */
#include "common/trust.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust *t;

	if (trust_from_pem(&t, (const char *)data, size))
		return 0;
	if (!trust_count(t))
		abort();
	trust_close(t);
	return 0;
}
