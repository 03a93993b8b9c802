/* Server-sent events, whole, in pieces, and from somebody who means harm. */
#include "common/sse.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { MAX = 64 };

static struct sse s;

/* All events of the text, each behind a '|', when it comes in pieces of that size. */
static const char *read_in(const char *text, size_t len, size_t piece)
{
	static char got[8192];

	got[0] = '\0';
	sse_init(&s, MAX);
	for (size_t at = 0; at < len; at += piece) {
		struct span bytes = { text + at, at + piece < len ? piece : len - at }, data;

		while (sse_next(&s, &bytes, &data))
			snprintf(got + strlen(got), sizeof got - strlen(got), "|%.*s", (int)data.n, data.p);
		assert_int_equal(bytes.n, 0);
	}
	return got;
}

static void expect(const char *text, const char *events)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		assert_string_equal(read_in(text, strlen(text), piece), events);
		sse_free(&s);
	}
}

static void every_way_to_write_an_event_is_read_however_it_is_cut(void **state)
{
	(void)state;
	expect("data: a\n\n", "|a");
	expect("data:a\r\n\r\ndata: b\r\rdata: c\n\n", "|a|b|c");
	expect("\xef\xbb\xbf"
	       "data: a\n\n",
	    "|a");
	expect(": a comment\nevent: x\nid: 7\nretry: 9\ndata: a\n\n", "|a");
	expect("data: a\ndata:  b\n\n", "|a\n b");
	expect("data\ndata\n\n", "|\n");
	expect("data\n\n", "|");
	expect("datax: a\n\ndat: b\n\nevent: y\n\n", "");
	expect("\n\n\ndata: a\n\n\n\ndata: b\n\n", "|a|b");
}

static void what_the_stream_does_not_end_is_no_event(void **state)
{
	(void)state;
	expect("data: a\n\ndata: b\n", "|a");
	expect("data: b", "");
}

static void what_is_too_long_is_dropped_and_what_follows_is_read(void **state)
{
	char text[4 * MAX + 64];

	(void)state;
	snprintf(text, sizeof text, "data: %0*d\n\ndata: a\n\n", 3 * MAX, 0);
	expect(text, "|a");
	snprintf(text, sizeof text, "data: %0*d\ndata: %0*d\n\ndata: a\n\n", MAX / 2, 0, MAX / 2, 0);
	assert_string_equal(read_in(text, strlen(text), 7), "|a");
	assert_int_equal(s.dropped, 1);
	sse_free(&s);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_way_to_write_an_event_is_read_however_it_is_cut),
	cmocka_unit_test(what_the_stream_does_not_end_is_no_event),
	cmocka_unit_test(what_is_too_long_is_dropped_and_what_follows_is_read),
	{ 0 },
};
