/* Twilio's From and To: foreign text of any kind. What comes of it is harmless, and
 * stays what it is. */
#include "server/phone/party.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(struct party p, struct party (*read)(const char *))
{
	static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-._~%@:*#=[]";
	struct party again = read(p.text);
	char number[FOREIGN_ID_SIZE], shown[PARTY_LOG_SIZE];

	if (p.text[strspn(p.text, harmless)] || again.kind != p.kind || strcmp(again.text, p.text) ||
	    (p.kind == PARTY_NONE) != !p.text[0])
		abort();
	party_number(&p, number);
	party_log(p.text, shown);
	if (strlen(shown) >= sizeof shown || (p.kind == PARTY_NUMBER && strstr(shown, p.text)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check(party_from(text), party_from);
	check(party_to(text), party_to);
	free(text);
	return 0;
}
