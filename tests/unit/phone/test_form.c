#include "server/phone/form.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct form parsed(const char *body)
{
	struct form f;

	assert_int_equal(form_parse(&f, body, strlen(body)), 0);
	return f;
}

static void fields_are_decoded_and_keep_their_order(void **state)
{
	struct form f = parsed("From=%2B12025550123&FromCity=SAN+JOS%C3%89&To=client:a&ToCity=");

	(void)state;
	assert_int_equal(f.count, 4);
	assert_string_equal(f.fields[1].name, "FromCity");
	assert_string_equal(form_get(&f, "From"), "+12025550123");
	assert_string_equal(form_get(&f, "FromCity"), "SAN JOSÉ");
	assert_string_equal(form_get(&f, "ToCity"), "");
	assert_null(form_get(&f, "from"));
	form_free(&f);
}

/* Of so many fields the one of this name has this value. */
static void check_field(const char *body, size_t count, const char *name, const char *value)
{
	struct form f = parsed(body);

	assert_int_equal(f.count, count);
	assert_string_equal(form_get(&f, name), value);
	form_free(&f);
}

static void first_of_a_repeated_name_is_taken_and_all_are_kept(void **state)
{
	(void)state;
	check_field("a=1&a=2&a=1", 3, "a", "1");
}

static void empty_parts_are_skipped_and_bare_names_are_empty(void **state)
{
	(void)state;
	check_field("&&a&=b&c==d&", 3, "a", "");
	check_field("&&a&=b&c==d&", 3, "", "b");
	check_field("&&a&=b&c==d&", 3, "c", "=d");
}

static void empty_body_has_no_fields(void **state)
{
	struct form f = parsed("");

	(void)state;
	assert_int_equal(f.count, 0);
	assert_null(form_get(&f, "a"));
	form_free(&f);
}

static void bad_escapes_and_nul_are_refused(void **state)
{
	static const char *const bodies[] = { "a=%", "a=%4", "a=%4&b=1", "a=%zz", "a=%0g", "%=1", "a=%00", "a%00b=1",
		"a=1&b=%" };
	struct form f;

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		assert_int_equal(form_parse(&f, bodies[i], strlen(bodies[i])), -EINVAL);
		assert_null(f.fields);
	}
	assert_int_equal(form_parse(&f, "a=\0b", 4), -EINVAL);
}

static void fields_are_taken_up_to_the_limit_and_not_beyond(void **state)
{
	char body[4096] = "";
	struct form f;

	(void)state;
	for (int i = 0; i < FORM_MAX_FIELDS; i++)
		strcat(body, "a&");
	f = parsed(body);
	assert_int_equal(f.count, FORM_MAX_FIELDS);
	form_free(&f);
	strcat(body, "a");
	assert_int_equal(form_parse(&f, body, strlen(body)), -E2BIG);
}

static void body_is_taken_up_to_the_limit_and_not_beyond(void **state)
{
	char *body = malloc(FORM_MAX_BYTES + 1);
	struct form f;

	(void)state;
	assert_non_null(body);
	memset(body, 'a', FORM_MAX_BYTES + 1);
	assert_int_equal(form_parse(&f, body, FORM_MAX_BYTES + 1), -E2BIG);
	assert_int_equal(form_parse(&f, body, FORM_MAX_BYTES), 0);
	assert_int_equal(strlen(f.fields[0].name), FORM_MAX_BYTES);
	form_free(&f);
	free(body);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(fields_are_decoded_and_keep_their_order),
	cmocka_unit_test(first_of_a_repeated_name_is_taken_and_all_are_kept),
	cmocka_unit_test(empty_parts_are_skipped_and_bare_names_are_empty),
	cmocka_unit_test(empty_body_has_no_fields),
	cmocka_unit_test(bad_escapes_and_nul_are_refused),
	cmocka_unit_test(fields_are_taken_up_to_the_limit_and_not_beyond),
	cmocka_unit_test(body_is_taken_up_to_the_limit_and_not_beyond),
	{ 0 },
};
