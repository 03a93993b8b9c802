#include "server/store/row.h"

#include "server/store/store.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct store *store;
static struct rows r; /* what is asked for */

static int open_store(void **state)
{
	struct buf problem;

	buf_init(&problem, 0);
	folder_begin(state);
	return store_open(&store, folder, 0, &problem);
}

static int close_store(void **state)
{
	store_close(store);
	return folder_end(state);
}

static void put(const char *id, int64_t at, const char *status)
{
	assert_true(store_write(store,
	    "INSERT INTO recordings (id, call_sid, at, status, seconds) VALUES (?1, 'CA1', ?2, ?3, 0.5)", "tit", id, at,
	    status));
	assert_int_equal(store_flush(store, 60000), 0);
}

static void rows_come_in_order_and_are_counted(void **state)
{
	char id[3];

	(void)state;
	put("first", 1, NULL);
	put("second", 2, "done");
	rows_ask(&r, store,
	    "SELECT id, at, status, seconds FROM recordings WHERE call_sid = ?1 AND at > ?2 ORDER BY at", "ti", "CA1",
	    (int64_t)0);
	assert_true(rows_next(&r));
	assert_string_equal(row_text(&r, 0), "first");
	assert_int_equal(row_int(&r, 1), 1);
	assert_true(row_null(&r, 2));
	assert_null(row_text(&r, 2));
	assert_null(row_copy(&r, 2));
	assert_string_equal(row_string(&r, 2), "");
	assert_true(row_double(&r, 3) == 0.5);
	assert_true(rows_next(&r));
	row_take(&r, 0, id, sizeof id);
	assert_string_equal(id, "se");
	assert_false(rows_next(&r));
	assert_false(rows_next(&r));
	assert_int_equal(rows_done(&r), 2);
}

static void a_query_may_stop_before_its_end(void **state)
{
	(void)state;
	put("first", 1, NULL);
	put("second", 2, NULL);
	/* More often than there are connections: each gives its own back. */
	for (int i = 0; i < 10; i++) {
		rows_ask(&r, store, "SELECT id FROM recordings", "");
		assert_true(rows_next(&r));
		assert_int_equal(rows_done(&r), 1);
	}
}

static void one_row_is_there_or_not(void **state)
{
	(void)state;
	put("first", 1, NULL);
	rows_ask(&r, store, "SELECT 1 FROM recordings WHERE id = ?1", "t", "first");
	assert_true(rows_next(&r));
	assert_int_equal(rows_done_one(&r), 0);
	rows_ask(&r, store, "SELECT 1 FROM recordings WHERE id = ?1", "t", NULL);
	assert_false(rows_next(&r));
	assert_int_equal(rows_done_one(&r), -ENOENT);
}

static void what_cannot_be_read_is_no_row_that_is_not_there(void **state)
{
	(void)state;
	rows_ask(&r, store, "SELECT 1 FROM nowhere", "");
	assert_false(rows_next(&r));
	assert_int_equal(rows_done_one(&r), -EIO);
	rows_ask(&r, store, "SELECT 1 FROM recordings", "i", (int64_t)1); /* a value too many */
	assert_false(rows_next(&r));
	assert_int_equal(rows_done(&r), -EIO);
	rows_ask(&r, NULL, "SELECT 1", "");
	assert_false(rows_next(&r));
	assert_int_equal(rows_done(&r), -EIO);
}

static void columns_become_members_of_an_object(void **state)
{
	struct json_out j;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	j = json_out_to(&out);
	rows_ask(&r, store, "SELECT 'a\"b', '', NULL, 1794355200123", "");
	assert_true(rows_next(&r));
	json_put_object(&j, NULL);
	row_put_text(&r, 0, &j, "text");
	row_put_text(&r, 1, &j, "empty");
	row_put_text(&r, 2, &j, "none");
	row_put_time(&r, 3, &j, "at");
	row_put_time(&r, 2, &j, "never");
	json_put_end(&j);
	assert_string_equal(buf_text(&out), "{\"text\":\"a\\\"b\",\"empty\":null,\"none\":null"
					    ",\"at\":\"2026-11-11T00:00:00.123Z\",\"never\":null}");
	assert_int_equal(rows_done(&r), 1);
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

const struct CMUnitTest unit_tests[] = {
	TEST(rows_come_in_order_and_are_counted),
	TEST(a_query_may_stop_before_its_end),
	TEST(one_row_is_there_or_not),
	TEST(what_cannot_be_read_is_no_row_that_is_not_there),
	TEST(columns_become_members_of_an_object),
	{ 0 },
};
