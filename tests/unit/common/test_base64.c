#include "common/base64.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* In a block of exactly the promised size, so that a sanitizer sees who writes
 * beyond it. */
static ssize_t decoded(const char *text, size_t len, uint8_t *out)
{
	uint8_t *exact = malloc(BASE64_DECODED_MAX(len));
	char *copy = malloc(len);
	ssize_t got;

	assert_non_null(exact);
	assert_non_null(copy);
	memcpy(copy, text, len);
	got = base64_decode(exact, copy, len);
	if (got > 0)
		memcpy(out, exact, (size_t)got);
	free(exact);
	free(copy);
	return got;
}

static void vectors_of_rfc_4648_hold_both_ways(void **state)
{
	static const char *const vectors[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const char *plain = vectors[i][0], *text = vectors[i][1];
		char out[16];
		uint8_t back[16];

		assert_int_equal(base64_encode(out, (const uint8_t *)plain, strlen(plain)), strlen(text));
		assert_int_equal(BASE64_SIZE(strlen(plain)), strlen(text));
		assert_memory_equal(out, text, strlen(text));
		assert_int_equal(decoded(text, strlen(text), back), strlen(plain));
		assert_memory_equal(back, plain, strlen(plain));
	}
}

static void every_length_and_byte_comes_back(void **state)
{
	uint8_t bytes[600], back[600];
	char text[BASE64_SIZE(600)];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 151 + i / 256);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		size_t n = base64_encode(text, bytes, len);

		assert_int_equal(n, BASE64_SIZE(len));
		assert_true(BASE64_DECODED_MAX(n) >= len);
		assert_int_equal(decoded(text, n, back), len);
		assert_memory_equal(back, bytes, len);
	}
}

static void one_value_has_one_text(void **state)
{
	uint8_t out[8];
	int good = 0;

	(void)state;
	/* All texts of the shape xy==: 256 values, 256 of them good. */
	for (int x = 0; x < 256; x++)
		for (int y = 0; y < 256; y++) {
			char text[4] = { (char)x, (char)y, '=', '=' };

			good += decoded(text, 4, out) == 1;
		}
	assert_int_equal(good, 256);
	assert_int_equal(decoded("Zh==", 4, out), -EINVAL); /* bits beyond the byte */
	assert_int_equal(decoded("Zm9=", 4, out), -EINVAL);
}

/* Each byte of a text replaced by each of the 255 others: refused, or of
 * another value. */
static void every_flipped_byte_is_noticed(void **state)
{
	static const char *const texts[] = { "Zm9vYmFy", "Zm9vYmE=", "Zm9vYg==" };

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		uint8_t right[8], wrong[8];
		ssize_t len = decoded(texts[t], 8, right);
		int refused = 0;

		for (size_t i = 0; i < 8; i++)
			for (int c = 0; c < 256; c++) {
				char text[9];
				ssize_t got;

				memcpy(text, texts[t], 9);
				if ((char)c == text[i])
					continue;
				text[i] = (char)c;
				got = decoded(text, 8, wrong);
				assert_true(got == -EINVAL || got >= 0);
				refused += got < 0;
				assert_false(got == len && !memcmp(right, wrong, (size_t)len));
			}
		assert_true(refused > 8 * 190);
	}
}

static void lax_forms_are_refused(void **state)
{
	static const char *const texts[] = { "Z", "Zg", "Zg=", "Zm9v=", "====", "=AAA", "A===", "A=AA", "AA=A",
		"Zg==Zg==", "Zm9v\n", "Zm9v\r\n\r\n", " Zm9v   ", "Zm 9", "Zm9v Zm9", "Zm-v", "Zm_v",
		"Zm9vZm9v=", "AAAA====" };
	uint8_t out[16];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(decoded(texts[i], strlen(texts[i]), out), -EINVAL);
	assert_int_equal(decoded("Zm9\0", 4, out), -EINVAL);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(vectors_of_rfc_4648_hold_both_ways),
	cmocka_unit_test(every_length_and_byte_comes_back),
	cmocka_unit_test(one_value_has_one_text),
	cmocka_unit_test(every_flipped_byte_is_noticed),
	cmocka_unit_test(lax_forms_are_refused),
	{ 0 },
};
