#include "server/web/api/recording.h"

#include "server/store/row.h"
#include "server/store/store.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void a_range_is_what_is_there_of_it(void **state)
{
	static const struct {
		const char *range;
		int64_t size;
		int status;
		int64_t first, last;
	} cases[] = {
		{ NULL, 100, 200, 0, 99 },
		{ "bytes=0-9", 100, 206, 0, 9 },
		{ "bytes=10-", 100, 206, 10, 99 },
		{ "bytes=99-99", 100, 206, 99, 99 },
		{ "bytes=90-1000", 100, 206, 90, 99 },
		{ "bytes=-10", 100, 206, 90, 99 },
		{ "bytes=-1000", 100, 206, 0, 99 },
		{ "bytes=100-", 100, 416, 0, 99 },
		{ "bytes=-0", 100, 416, 0, 99 },
		{ "bytes=0-", 0, 416, 0, -1 },
	};
	/* As if none had been asked for. */
	static const char *const no_range[] = { "bytes=0-0,5-6", "bytes=9-3", "bytes=-", "bytes=", "bytes=a-b",
		"bytes=1", "items=0-9", "bytes=99999999999999999999-", "bytes=0-99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t first = -7, last = -7;

		assert_int_equal(recording_range(cases[i].range, cases[i].size, &first, &last), cases[i].status);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(last, cases[i].last);
	}
	for (size_t i = 0; i < sizeof no_range / sizeof *no_range; i++) {
		int64_t first = -7, last = -7;

		assert_int_equal(recording_range(no_range[i], 100, &first, &last), 200);
		assert_true(first == 0 && last == 99);
	}
}

/* Whether there is one is not known then: it is not denied. */
static void what_cannot_be_read_now_is_not_denied(void **state)
{
	enum { READERS = 4 }; /* all there are */
	static struct config cfg = { .data_dir = "" };
	struct web_parts parts = { .cfg = &cfg };
	sqlite3 *taken[READERS];
	struct buf problem;
	struct response r;

	buf_init(&problem, 0);
	folder_begin(state);
	assert_int_equal(store_open(&parts.store, folder, 0, &problem), 0);
	for (int i = 0; i < READERS; i++)
		assert_non_null(taken[i] = store_reader(parts.store));
	response_init(&r);
	recording_get(&parts, &(struct request){ .method = "GET" }, "CA1", &r);
	assert_int_equal(r.status, 503);
	response_free(&r);
	for (int i = 0; i < READERS; i++)
		store_reader_done(parts.store, taken[i]);
	store_close(parts.store);
	buf_free(&problem);
	folder_end(NULL);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_range_is_what_is_there_of_it),
	cmocka_unit_test(what_cannot_be_read_now_is_not_denied),
	{ 0 },
};
