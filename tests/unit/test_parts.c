/* What the parts say together, with parts that say what a test wants. */
#include "server/dialer/dialer_show.h"
#include "server/line/calls.h"
#include "server/model/health.h"
#include "server/money/spending.h"
#include "server/store/store.h"

#include <string.h>

static struct calls_count lines;
static bool blocks, spent, failing;

static void stood_in_count(struct calls *calls, struct calls_count *out)
{
	(void)calls;
	*out = lines;
}

static bool stood_in_blocks(const struct model_health *health)
{
	(void)health;
	return blocks;
}

static void stood_in_look(struct spending *spending, struct spending_day *out)
{
	(void)spending;
	*out = (struct spending_day){ .full = spent };
}

static void stood_in_store(struct store *store, struct store_health *out)
{
	(void)store;
	*out = (struct store_health){ .failing = failing };
}

#define calls_count(calls, out) stood_in_count(calls, out)
#define model_health_blocks stood_in_blocks
#define spending_look stood_in_look
#define store_health(store, out) stood_in_store(store, out)
#include "server/parts.c"
#undef calls_count
#undef model_health_blocks
#undef spending_look
#undef store_health

#include "common/json.h"
#include "server/web/api/status.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

ONE_THREAD;

static struct program program;

static enum web_refusal why(bool *store_failing)
{
	struct web_ready out = { 0 };

	ready(&program, &out);
	*store_failing = out.store_failing;
	return out.why;
}

static void the_weightiest_reason_is_told(void **state)
{
	bool disk;

	(void)state;
	lines.limit = 2;
	assert_int_equal(why(&disk), WEB_READY);
	assert_false(disk);
	failing = true;
	assert_int_equal(why(&disk), WEB_READY);
	assert_true(disk);
	lines.live = lines.ending = 1;
	assert_int_equal(why(&disk), WEB_READY);
	lines.reserved = 1;
	assert_int_equal(why(&disk), WEB_FULL);
	spent = true;
	assert_int_equal(why(&disk), WEB_COST);
	blocks = true;
	assert_int_equal(why(&disk), WEB_MODEL);
	lines.draining = true;
	assert_int_equal(why(&disk), WEB_DRAINING);
	lines.live = 0;
	assert_int_equal(why(&disk), WEB_DRAINING);
	assert_true(disk);
	lines.draining = blocks = spent = failing = false;
	assert_int_equal(why(&disk), WEB_READY);
	assert_false(disk);
}

/* One without a place there would never be shown. */
static void each_section_has_its_place_in_status(void **state)
{
	struct web_parts web = { 0 };
	struct buf out;
	cJSON *all;

	(void)state;
	buf_init(&out, 0);
	status_json(&web, 0, &out);
	all = json_parse(out.data, out.len);
	assert_non_null(all);
	for (size_t i = 0; i < PARTS; i++) {
		assert_int_equal(parts[i].section != NULL, parts[i].status != NULL);
		if (parts[i].section)
			assert_non_null(json_get(all, parts[i].section));
		for (size_t k = 0; parts[i].section && k < i; k++)
			assert_true(!parts[k].section || strcmp(parts[k].section, parts[i].section) != 0);
	}
	cJSON_Delete(all);
	buf_free(&out);
}

static void without_a_store_its_section_is_null(void **state)
{
	(void)state;
	assert_false(put_status(&program, "store", NULL));
	assert_true(put_status(&program, "cost", NULL));
	assert_true(put_status(&program, "turns", NULL)); /* nobody's: counters only */
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_weightiest_reason_is_told),
	cmocka_unit_test(each_section_has_its_place_in_status),
	cmocka_unit_test(without_a_store_its_section_is_null),
	{ 0 },
};
