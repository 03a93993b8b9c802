/* A file of DATA_DIR/voice, whatever stands in it. */
#include "server/voice/voice_file.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *ulaw;
	struct voice_key key;
	struct buf again;
	size_t len;

	voice_key_make(&key, "realtime", "m", "marin", 1, "Hello.");
	/* Once more with the checksum that it should have: nobody guesses one. */
	for (int mended = 0; mended < 2; mended++) {
		uint8_t *copy = malloc(size ? size : 1);

		if (!copy)
			abort();
		memcpy(copy, data, size);
		if (mended && size > SHA256_BYTES)
			sha256(copy, size - SHA256_BYTES, copy + size - SHA256_BYTES);
		if (voice_file_read(copy, size, &key, &ulaw, &len) == VOICE_FILE_GOOD) {
			/* Only what we would write ourselves is good. */
			buf_init(&again, 0);
			voice_file_put(&again, &key, ulaw, len);
			if (again.len != size || memcmp(again.data, copy, size) != 0)
				abort();
			buf_free(&again);
		}
		free(copy);
	}
	return 0;
}
