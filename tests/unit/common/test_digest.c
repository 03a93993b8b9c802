#include "common/digest.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

static const char *hex(const uint8_t *bytes, size_t len)
{
	static char text[2 * SHA256_BYTES + 1];

	for (size_t i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return text;
}

/* FIPS 180-2, appendices A and B. */
static void hashes_are_those_of_the_standard(void **state)
{
#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
	static const struct {
		void (*hash)(const void *data, size_t len, uint8_t *out);
		size_t size;
		const char *text, *digest;
	} cases[] = {
		{ sha1, SHA1_BYTES, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ sha1, SHA1_BYTES, TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
		{ sha1, SHA1_BYTES, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ sha256, SHA256_BYTES, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ sha256, SHA256_BYTES, TWO_BLOCKS,
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ sha256, SHA256_BYTES, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	};
	uint8_t out[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cases[i].hash(cases[i].text, strlen(cases[i].text), out);
		assert_string_equal(hex(out, cases[i].size), cases[i].digest);
	}
}

/* RFC 2202 §3 and RFC 4231 §4: a short key, and one longer than a block. */
static void keyed_hashes_are_those_of_the_rfcs(void **state)
{
	static const char question[] = "what do ya want for nothing?";
	static const char larger[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	uint8_t key[131], out[SHA256_BYTES];

	(void)state;
	memset(key, 0xaa, sizeof key);
	hmac_sha1("Jefe", 4, question, strlen(question), out);
	assert_string_equal(hex(out, SHA1_BYTES), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	hmac_sha1(key, 80, larger, strlen(larger), out);
	assert_string_equal(hex(out, SHA1_BYTES), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	hmac_sha256("Jefe", 4, question, strlen(question), out);
	assert_string_equal(hex(out, SHA256_BYTES), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	hmac_sha256(key, 131, larger, strlen(larger), out);
	assert_string_equal(hex(out, SHA256_BYTES), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void bytes_are_equal_when_none_differs(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	memset(a, 7, sizeof a);
	memcpy(b, a, sizeof a);
	assert_true(bytes_equal(a, b, sizeof a));
	assert_true(bytes_equal(a, b, 0));
	for (size_t i = 0; i < sizeof a; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			assert_false(bytes_equal(a, b, sizeof a));
			b[i] = a[i];
		}
	}
}

static void random_bytes_fill_all_and_do_not_repeat(void **state)
{
	uint8_t seen[1000] = { 0 }, more[1000];

	(void)state;
	for (int round = 0; round < 8; round++) {
		random_bytes(more, sizeof more);
		for (size_t i = 0; i < sizeof seen; i++)
			seen[i] |= more[i];
	}
	/* A byte still 0 after eight draws: one in 2^64 for each. */
	for (size_t i = 0; i < sizeof seen; i++)
		assert_int_not_equal(seen[i], 0);
}

static void random_hex_is_hex_and_ends(void **state)
{
	char one[33], other[33];

	(void)state;
	memset(one, 'z', sizeof one);
	random_hex(one, 16);
	random_hex(other, 16);
	assert_int_equal(strspn(one, "0123456789abcdef"), 32);
	assert_int_equal(strlen(one), 32);
	assert_string_not_equal(one, other);
	random_hex(one, 0);
	assert_string_equal(one, "");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(hashes_are_those_of_the_standard),
	cmocka_unit_test(keyed_hashes_are_those_of_the_rfcs),
	cmocka_unit_test(bytes_are_equal_when_none_differs),
	cmocka_unit_test(random_bytes_fill_all_and_do_not_repeat),
	cmocka_unit_test(random_hex_is_hex_and_ends),
	{ 0 },
};
