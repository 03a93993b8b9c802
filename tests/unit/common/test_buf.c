#include "common/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf b;

static int begin(void **state)
{
	(void)state;
	buf_init(&b, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_free(&b);
	return 0;
}

static void empty_buffer_is_an_empty_text(void **state)
{
	(void)state;
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_error(&b), 0);
	buf_consume(&b, 0);
	buf_reset(&b);
	buf_free(&b);
}

static void what_is_appended_stands_there_in_order(void **state)
{
	char *room;

	(void)state;
	buf_put(&b, "ab\0c", 4);
	buf_putc(&b, 'd');
	buf_puts(&b, "");
	buf_puts(&b, "ef");
	buf_printf(&b, "%d-%s", 7, "x");
	room = buf_room(&b, 3);
	assert_non_null(room);
	memcpy(room, "yz?", 3);
	buf_grew(&b, 2); /* less than there was room for */
	assert_int_equal(b.len, 12);
	assert_memory_equal(b.data, "ab\0cdef7-xyz", 13);
}

static void text_is_terminated_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		assert_int_equal(strlen(buf_text(&b)), i);
		buf_putc(&b, 'x');
	}
	assert_int_equal(b.data[b.len], '\0');
}

static void bound_is_reached_and_not_passed(void **state)
{
	(void)state;
	buf_init(&b, 10);
	buf_puts(&b, "0123456789");
	assert_int_equal(buf_error(&b), 0);
	buf_puts(&b, "");
	assert_int_equal(buf_error(&b), 0);
	buf_putc(&b, 'x');
	assert_int_equal(buf_error(&b), -E2BIG);
	assert_string_equal(buf_text(&b), "0123456789");
}

static void first_error_is_kept_and_the_rest_ignored(void **state)
{
	(void)state;
	buf_init(&b, 4);
	buf_puts(&b, "ab");
	buf_puts(&b, "too long");
	assert_int_equal(buf_error(&b), -E2BIG);
	buf_putc(&b, 'c');
	buf_printf(&b, "%d", 1);
	assert_null(buf_room(&b, 1));
	assert_string_equal(buf_text(&b), "ab");
	assert_int_equal(buf_error(&b), -E2BIG);
	buf_reset(&b);
	assert_int_equal(buf_error(&b), 0);
	buf_puts(&b, "abcd");
	assert_string_equal(buf_text(&b), "abcd");
}

static void absurd_sizes_do_not_overflow(void **state)
{
	(void)state;
	buf_puts(&b, "abc");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(buf_error(&b), -E2BIG);
	buf_free(&b);
	buf_init(&b, 0);
	assert_null(buf_room(&b, (16 << 20) + 1));
	assert_int_equal(buf_error(&b), -E2BIG);
}

static void beginning_can_be_taken_away(void **state)
{
	(void)state;
	buf_init(&b, 8);
	buf_puts(&b, "abcdefgh");
	buf_consume(&b, 3);
	assert_string_equal(buf_text(&b), "defgh");
	buf_puts(&b, "ijk");
	assert_string_equal(buf_text(&b), "defghijk");
	buf_consume(&b, 8);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_error(&b), 0);
}

static void long_formats_are_whole(void **state)
{
	char *text = malloc(70000);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 69999);
	text[69999] = '\0';
	buf_printf(&b, "<%s>", text);
	assert_int_equal(b.len, 70001);
	assert_int_equal(b.data[70000], '>');
	free(text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(empty_buffer_is_an_empty_text),
		CASE(what_is_appended_stands_there_in_order),
		CASE(text_is_terminated_at_every_length),
		CASE(bound_is_reached_and_not_passed),
		CASE(first_error_is_kept_and_the_rest_ignored),
		CASE(absurd_sizes_do_not_overflow),
		CASE(beginning_can_be_taken_away),
		CASE(long_formats_are_whole),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
