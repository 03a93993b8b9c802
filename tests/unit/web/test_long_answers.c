/* Places for long answers, without a server. */
#include "server/stats/stats.h"
#include "server/web/long_answers.h"
#include "server/web/writer.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

ONE_THREAD;

static bool taken_and_begun(struct long_answers *all, struct response *r)
{
	return long_answer_take(all, r) && long_answer_begin(all, r);
}

static int begun, run, done;

static void on_begin(void *arg, struct response *r, const _Atomic bool *stop)
{
	(void)stop;
	begun++;
	if (arg)
		response_error(r, 404, "not_found", "there is none");
}

static void on_run(void *arg, struct writer *w)
{
	(void)arg;
	assert_int_equal(w->fd, 7);
	run++;
}

static void on_done(void *arg)
{
	(void)arg;
	done++;
}

/* `arg` not NULL: it turns out to be an error. */
static void prepare(struct response *r, void *arg)
{
	response_init(r);
	r->stream.begin = on_begin;
	r->stream.run = on_run;
	r->stream.done = on_done;
	r->stream.arg = arg;
}

static int reset(void **state)
{
	(void)state;
	begun = run = done = 0;
	memset(&stats, 0, sizeof stats);
	return 0;
}

static void a_place_is_held_from_the_beginning_to_the_end(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response first, second;

	(void)state;
	prepare(&first, NULL);
	prepare(&second, NULL);
	assert_true(taken_and_begun(&all, &first));
	assert_int_equal(stat_get(watchers_open), 1);
	/* Refused at the first step: it is not spared as one that takes its time. */
	assert_false(long_answer_take(&all, &second));
	assert_int_equal(second.status, 429);
	assert_int_equal(done, 1); /* of the one that was refused */
	assert_int_equal(stat_get(watchers_open), 1);
	long_answer_run(&all, &first, 7);
	assert_int_equal(begun, 1);
	assert_int_equal(run, 1);
	assert_int_equal(done, 2);
	assert_int_equal(stat_get(watchers_open), 0);
	response_free(&second);
	prepare(&second, NULL);
	assert_true(taken_and_begun(&all, &second));
	long_answer_run(&all, &second, -1); /* only its headers were wanted */
	assert_int_equal(run, 1);
	assert_int_equal(done, 3);
	response_free(&first);
	response_free(&second);
}

static void what_turns_out_to_be_an_error_gives_its_place_back(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		prepare(&r, &all);
		assert_false(taken_and_begun(&all, &r));
		assert_int_equal(r.status, 404);
		response_free(&r);
	}
	assert_int_equal(begun, 3);
	assert_int_equal(done, 3);
	assert_int_equal(atomic_load(&all.open), 0);
}

static void what_becomes_an_error_by_its_headers_gives_its_place_back(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response r;

	(void)state;
	prepare(&r, NULL);
	assert_true(taken_and_begun(&all, &r));
	response_error(&r, 500, "internal_error", "the answer could not be built");
	long_answer_run(&all, &r, 7);
	assert_int_equal(run, 0);
	assert_int_equal(done, 1);
	assert_int_equal(atomic_load(&all.open), 0);
	response_free(&r);
}

static void without_headers_there_is_no_rest(void **state)
{
	struct response r;
	struct buf out;

	(void)state;
	prepare(&r, NULL);
	buf_init(&out, 100); /* is too little */
	response_put(&out, &r, false);
	assert_int_equal(done, 1);
	assert_null(r.stream.run);
	buf_free(&out);
	response_free(&r);
}

static void an_ordinary_answer_takes_no_place(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response r;

	(void)state;
	response_init(&r);
	assert_false(taken_and_begun(&all, &r));
	assert_int_equal(r.status, 200);
	assert_int_equal(atomic_load(&all.open), 0);
	response_free(&r);
}

static void what_is_shown_decides_nothing(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response r;

	(void)state;
	atomic_store(&stats.watchers_open, 1000);
	prepare(&r, NULL);
	assert_true(taken_and_begun(&all, &r));
	long_answer_run(&all, &r, 7);
	response_free(&r);
}

static void once_they_are_stopped_none_begins(void **state)
{
	struct long_answers all = { .most = 1 };
	struct response r;

	(void)state;
	long_answers_stop(&all);
	prepare(&r, NULL);
	assert_false(taken_and_begun(&all, &r));
	assert_int_equal(r.status, 503);
	assert_int_equal(begun, 0);
	response_free(&r);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup(a_place_is_held_from_the_beginning_to_the_end, reset),
	cmocka_unit_test_setup(what_turns_out_to_be_an_error_gives_its_place_back, reset),
	cmocka_unit_test_setup(what_becomes_an_error_by_its_headers_gives_its_place_back, reset),
	cmocka_unit_test_setup(without_headers_there_is_no_rest, reset),
	cmocka_unit_test_setup(an_ordinary_answer_takes_no_place, reset),
	cmocka_unit_test_setup(what_is_shown_decides_nothing, reset),
	cmocka_unit_test_setup(once_they_are_stopped_none_begins, reset),
	{ 0 },
};
