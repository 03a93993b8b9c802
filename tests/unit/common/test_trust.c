#include "common/trust.h"

#include "common/buf.h"
#include "tests/peers/tls_peer.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static void expect(const char *pem, int err, size_t count)
{
	struct trust *t = NULL;

	assert_int_equal(trust_from_pem(&t, pem, strlen(pem)), err);
	if (err)
		return;
	assert_int_equal(trust_count(t), count);
	trust_close(t);
}

static void every_authority_of_the_system_can_be_used(void **state)
{
	struct trust *t;
	char line[256];
	size_t listed = 0;
	FILE *f = fopen(SYSTEM_BUNDLE, "r");

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof line, f))
		listed += !strncmp(line, "-----BEGIN CERTIFICATE", 22);
	fclose(f);
	assert_int_equal(trust_open(&t, SYSTEM_BUNDLE), 0);
	assert_true(listed > 100);
	assert_int_equal(trust_count(t), listed);
	trust_close(t);
}

static void a_bundle_of_one_is_enough(void **state)
{
	(void)state;
	expect(peer_authority_pem(), 0, 1);
}

static void an_authority_with_a_short_key_is_left_out(void **state)
{
	char *weak = peer_rsa_authority_pem(1024), *sound = peer_rsa_authority_pem(2048), both[9000];
	struct trust *t = NULL;

	(void)state;
	expect(weak, -EKEYREJECTED, 0);
	expect(sound, 0, 1);
	snprintf(both, sizeof both, "%s%s%s", weak, peer_authority_pem(), sound);
	assert_int_equal(trust_from_pem(&t, both, strlen(both)), 0);
	assert_int_equal(trust_count(t), 2);
	assert_int_equal(trust_skipped_short(t), 1);
	trust_close(t);
	free(weak);
	free(sound);
}

static void text_around_certificates_does_not_matter(void **state)
{
	char pem[8192];

	(void)state;
	snprintf(pem, sizeof pem,
	    "# comment\r\n%s\n\nSubject: CN = x\n%s-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n",
	    peer_authority_pem(), peer_authority_pem());
	expect(pem, 0, 2);
}

static void the_last_line_needs_no_line_break(void **state)
{
	char pem[4096];

	(void)state;
	snprintf(pem, sizeof pem, "%s", peer_authority_pem());
	pem[strlen(pem) - 1] = '\0';
	expect(pem, 0, 1);
}

static void line_ends_of_windows_are_fine(void **state)
{
	char pem[8192];
	size_t n = 0;

	(void)state;
	for (const char *p = peer_authority_pem(); *p; p++) {
		if (*p == '\n')
			pem[n++] = '\r';
		pem[n++] = *p;
	}
	pem[n] = '\0';
	expect(pem, 0, 1);
}

static void what_is_damaged_is_skipped(void **state)
{
	char pem[16384], damaged[4096];

	(void)state;
	/* Not base64; base64 of no certificate; empty; cut off in the middle. */
	snprintf(damaged, sizeof damaged, "%s", peer_authority_pem());
	damaged[strlen(damaged) / 2] = '!';
	snprintf(pem, sizeof pem,
	    "%s%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	    "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n%.300s",
	    damaged, peer_authority_pem(), peer_authority_pem());
	expect(pem, 0, 1);
}

static void a_file_without_a_certificate_is_refused(void **state)
{
	(void)state;
	expect("", -EINVAL, 0);
	expect("hello\n", -EINVAL, 0);
	expect("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", -EINVAL, 0);
	expect("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -EINVAL, 0);
}

static void a_giant_certificate_is_skipped(void **state)
{
	struct buf pem;
	struct trust *t;

	(void)state;
	buf_init(&pem, 0);
	buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (int i = 0; i < 2000; i++)
		buf_puts(&pem, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
	buf_puts(&pem, "-----END CERTIFICATE-----\n");
	buf_puts(&pem, peer_authority_pem());
	assert_int_equal(trust_from_pem(&t, pem.data, pem.len), 0);
	assert_int_equal(trust_count(t), 1);
	trust_close(t);
	buf_free(&pem);
}

static void a_file_is_read_like_memory(void **state)
{
	char path[] = "build/tmp/test_trust.XXXXXX";
	int fd = mkstemp(path);
	size_t len = strlen(peer_authority_pem());
	struct trust *t;

	(void)state;
	assert_int_equal(write(fd, peer_authority_pem(), len), len);
	close(fd);
	assert_int_equal(trust_open(&t, path), 0);
	assert_int_equal(trust_count(t), 1);
	trust_close(t);
	unlink(path);
	assert_int_equal(trust_open(&t, path), -ENOENT);
	assert_int_equal(trust_open(&t, "/tmp"), -EISDIR);
	trust_close(NULL);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_authority_of_the_system_can_be_used),
	cmocka_unit_test(a_bundle_of_one_is_enough),
	cmocka_unit_test(an_authority_with_a_short_key_is_left_out),
	cmocka_unit_test(text_around_certificates_does_not_matter),
	cmocka_unit_test(the_last_line_needs_no_line_break),
	cmocka_unit_test(line_ends_of_windows_are_fine),
	cmocka_unit_test(what_is_damaged_is_skipped),
	cmocka_unit_test(a_file_without_a_certificate_is_refused),
	cmocka_unit_test(a_giant_certificate_is_skipped),
	cmocka_unit_test(a_file_is_read_like_memory),
	{ 0 },
};
