/* A server's answer to the request for a WebSocket: any bytes. */
#include "common/ws_upgrade.h"

#include "common/json.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The example of RFC 6455 §1.3, so that a seed can be accepted. */
	static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
	struct ws_response whole, part;
	char *text = malloc(size ? size : 1); /* of its exact size, for the address checker */

	memcpy(text, data, size);
	ws_upgrade_judge(text, size, accept, &whole);
	if (whole.header_len > size || strlen(whole.body) >= WS_BODY_SIZE)
		abort();
	if (!utf8_valid(whole.body, strlen(whole.body)))
		abort();
	if (whole.verdict == WS_REFUSED && (whole.status < 100 || whole.status > 999 || whole.status == 101))
		abort();
	/* A verdict does not change when more arrives, unless it was to wait. */
	ws_upgrade_judge(text, size / 2, accept, &part);
	if (size / 2 < WS_RESPONSE_MAX && part.verdict != WS_INCOMPLETE && part.verdict != whole.verdict)
		abort();
	free(text);
	return 0;
}
