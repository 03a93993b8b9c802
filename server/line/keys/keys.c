#include "server/line/keys/keys.h"

#include <string.h>

const struct keys_words *keys_words(enum keys_answer answer)
{
	static const struct keys_words words[KEYS_ANSWER_COUNT] = {
#define X(name, code, sentence) [KEYS_##name] = { code, sentence },
		KEYS_ANSWERS(X)
#undef X
	};

	return &words[answer];
}

bool keys_are_valid(const char *digits)
{
	size_t len = strlen(digits);

	return len && len <= CALL_KEYS_MAX && strspn(digits, "0123456789*#w") == len;
}
