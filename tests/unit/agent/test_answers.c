#include "server/agent/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void items_are_numbered_in_the_order_they_come(void **state)
{
	struct answers a;

	(void)state;
	answers_init(&a);
	assert_int_equal(answers_item(&a, "r1", "i1")->no, 1);
	assert_int_equal(answers_item(&a, "r1", "i2")->no, 2);
	assert_int_equal(answers_item(&a, "r1", "i1")->no, 1); /* the same one */
	assert_string_equal(answers_by_no(&a, 2)->item_id, "i2");
	assert_string_equal(answers_by_item(&a, "i2")->response_id, "r1");
	assert_null(answers_by_no(&a, 3));
	assert_null(answers_by_no(&a, 0));
	assert_null(answers_by_item(&a, "i3"));
}

static void oldest_is_forgotten_when_there_are_too_many(void **state)
{
	struct answers a;

	(void)state;
	answers_init(&a);
	for (int i = 1; i <= 3 * ANSWERS_MAX; i++) {
		char id[16];
		struct answer *item;

		snprintf(id, sizeof id, "i%d", i);
		item = answers_item(&a, "r", id);
		assert_int_equal(item->no, i);
		assert_int_equal(item->received, 0); /* nothing of the one whose place it has */
		item->received = 8000;
		item->over = item->complete = true;
	}
	assert_int_equal(a.count, ANSWERS_MAX);
	assert_null(answers_by_no(&a, 2 * ANSWERS_MAX));
	assert_non_null(answers_by_no(&a, 2 * ANSWERS_MAX + 1));
	assert_null(answers_by_item(&a, "i1"));
}

static void dropped_responses_are_remembered_and_the_oldest_forgotten(void **state)
{
	struct answers a;
	char id[16];

	(void)state;
	answers_init(&a);
	answers_drop(&a, "");
	assert_false(answers_dropped(&a, ""));
	for (int i = 0; i < ANSWERS_DROPPED_MAX; i++) {
		snprintf(id, sizeof id, "r%d", i);
		answers_drop(&a, id);
		answers_drop(&a, id); /* takes one place */
	}
	assert_true(answers_dropped(&a, "r0"));
	assert_false(answers_dropped(&a, "r"));
	answers_drop(&a, "another");
	assert_false(answers_dropped(&a, "r0"));
	assert_true(answers_dropped(&a, "r1"));
	assert_true(answers_dropped(&a, "another"));
}

static void ids_of_full_length_are_told_apart(void **state)
{
	struct answers a;
	char one[ANSWER_ID_SIZE], other[ANSWER_ID_SIZE];

	(void)state;
	answers_init(&a);
	memset(one, 'x', sizeof one - 1);
	one[sizeof one - 1] = '\0';
	memcpy(other, one, sizeof one);
	other[sizeof other - 2] = 'y';
	answers_drop(&a, one);
	assert_true(answers_dropped(&a, one));
	assert_false(answers_dropped(&a, other));
	answers_item(&a, one, one);
	assert_null(answers_by_item(&a, other));
	assert_int_equal(answers_item(&a, one, other)->no, 2);
}

static void unfinished_is_what_was_received_and_is_not_over(void **state)
{
	struct answers a;
	struct answer *item;

	(void)state;
	answers_init(&a);
	assert_false(answers_unfinished(&a));
	item = answers_item(&a, "r", "i");
	assert_false(answers_unfinished(&a)); /* not a byte yet */
	item->received = 1;
	assert_true(answers_unfinished(&a));
	item->complete = true;
	assert_true(answers_unfinished(&a)); /* made, not heard */
	item->over = true;
	assert_false(answers_unfinished(&a));
	answers_item(&a, "r", "j")->received = 1;
	assert_true(answers_unfinished(&a));
}

static void truncation_never_passes_what_was_received(void **state)
{
	struct answer a = { .received = 8 * 1200 + 7 };

	(void)state;
	assert_int_equal(answers_truncate_ms(&a, 340), 340);
	assert_int_equal(answers_truncate_ms(&a, 0), 0);
	assert_int_equal(answers_truncate_ms(&a, 1340), 1200);
	assert_int_equal(answers_truncate_ms(&a, 1200), 1200); /* more of it was to come */
	a.complete = true;
	assert_int_equal(answers_truncate_ms(&a, 1199), 1199);
	assert_int_equal(answers_truncate_ms(&a, 1200), -1);
	assert_int_equal(answers_truncate_ms(&a, 1201), -1);
	a.received = 7; /* less than a millisecond */
	assert_int_equal(answers_truncate_ms(&a, 0), -1);
	a.complete = false;
	assert_int_equal(answers_truncate_ms(&a, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_numbered_in_the_order_they_come),
		cmocka_unit_test(oldest_is_forgotten_when_there_are_too_many),
		cmocka_unit_test(dropped_responses_are_remembered_and_the_oldest_forgotten),
		cmocka_unit_test(ids_of_full_length_are_told_apart),
		cmocka_unit_test(unfinished_is_what_was_received_and_is_not_over),
		cmocka_unit_test(truncation_never_passes_what_was_received),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
