#include "common/buf.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static void empty_buffer_is_an_empty_text(void **state)
{
	(void)state;
	assert_string_equal(buf_text(&written), "");
	assert_int_equal(buf_error(&written), 0);
	buf_consume(&written, 0);
	buf_reset(&written);
	buf_free(&written);
}

static void what_is_appended_stands_there_in_order(void **state)
{
	char *room;

	(void)state;
	buf_put(&written, "ab\0c", 4);
	buf_putc(&written, 'd');
	buf_puts(&written, "");
	buf_puts(&written, "ef");
	buf_printf(&written, "%d-%s", 7, "x");
	room = buf_room(&written, 3);
	assert_non_null(room);
	memcpy(room, "yz?", 3);
	buf_grew(&written, 2); /* less than there was room for */
	assert_int_equal(written.len, 12);
	assert_memory_equal(written.data, "ab\0cdef7-xyz", 13);
}

static void text_is_terminated_at_every_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		assert_int_equal(strlen(buf_text(&written)), i);
		buf_putc(&written, 'x');
	}
	assert_int_equal(written.data[written.len], '\0');
}

static void bound_is_reached_and_not_passed(void **state)
{
	(void)state;
	buf_init(&written, 10);
	buf_puts(&written, "0123456789");
	assert_int_equal(buf_error(&written), 0);
	buf_puts(&written, "");
	assert_int_equal(buf_error(&written), 0);
	buf_putc(&written, 'x');
	assert_int_equal(buf_error(&written), -E2BIG);
	assert_string_equal(buf_text(&written), "0123456789");
}

static void first_error_is_kept_and_the_rest_ignored(void **state)
{
	(void)state;
	buf_init(&written, 4);
	buf_puts(&written, "ab");
	buf_puts(&written, "too long");
	assert_int_equal(buf_error(&written), -E2BIG);
	buf_putc(&written, 'c');
	buf_printf(&written, "%d", 1);
	assert_null(buf_room(&written, 1));
	assert_string_equal(buf_text(&written), "ab");
	assert_int_equal(buf_error(&written), -E2BIG);
	buf_reset(&written);
	assert_int_equal(buf_error(&written), 0);
	buf_puts(&written, "abcd");
	assert_string_equal(buf_text(&written), "abcd");
}

static void absurd_sizes_do_not_overflow(void **state)
{
	(void)state;
	buf_puts(&written, "abc");
	assert_null(buf_room(&written, SIZE_MAX));
	assert_int_equal(buf_error(&written), -E2BIG);
	buf_free(&written);
	buf_init(&written, 0);
	assert_null(buf_room(&written, (16 << 20) + 1));
	assert_int_equal(buf_error(&written), -E2BIG);
}

static void beginning_can_be_taken_away(void **state)
{
	(void)state;
	buf_init(&written, 8);
	buf_puts(&written, "abcdefgh");
	buf_consume(&written, 3);
	assert_string_equal(buf_text(&written), "defgh");
	buf_puts(&written, "ijk");
	assert_string_equal(buf_text(&written), "defghijk");
	buf_consume(&written, 8);
	assert_string_equal(buf_text(&written), "");
	assert_int_equal(buf_error(&written), 0);
}

static void long_formats_are_whole(void **state)
{
	char *text = malloc(70000);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 69999);
	text[69999] = '\0';
	buf_printf(&written, "<%s>", text);
	assert_int_equal(written.len, 70001);
	assert_int_equal(written.data[70000], '>');
	free(text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, written_begin, written_end)

const struct CMUnitTest unit_tests[] = {
	CASE(empty_buffer_is_an_empty_text),
	CASE(what_is_appended_stands_there_in_order),
	CASE(text_is_terminated_at_every_length),
	CASE(bound_is_reached_and_not_passed),
	CASE(first_error_is_kept_and_the_rest_ignored),
	CASE(absurd_sizes_do_not_overflow),
	CASE(beginning_can_be_taken_away),
	CASE(long_formats_are_whole),
	{ 0 },
};
