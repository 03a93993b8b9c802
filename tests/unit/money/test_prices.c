#include "server/money/prices.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

static struct prices table;
static struct buf said;

static int parse(const char *text)
{
	buf_free(&said);
	buf_init(&said, 0);
	return prices_parse(&table, text, strlen(text), &said);
}

static int forget(void **state)
{
	(void)state;
	buf_free(&said);
	return 0;
}

static void refused(const char *text, const char *why)
{
	assert_int_equal(parse(text), -EINVAL);
	if (!strstr(buf_text(&said), why))
		fail_msg("said %s, not %s", buf_text(&said), why);
}

static const char *name_for(const char *model)
{
	const struct model_price *p = prices_find(prices_builtin(), model);

	return p ? p->name : "";
}

static void the_longest_name_that_begins_it_is_the_models(void **state)
{
	static const struct {
		const char *model, *name;
	} cases[] = {
		{ "gpt-realtime-2", "gpt-realtime-2" },
		{ "gpt-realtime-2.1", "gpt-realtime-2" },
		{ "gpt-realtime-2.1-2026-05-01", "gpt-realtime-2" },
		{ "gpt-realtime-2.1-mini", "gpt-realtime-2.1-mini" },
		{ "gpt-realtime-2.1-mini-2026-05-01", "gpt-realtime-2.1-mini" },
		{ "gpt-realtime-mini-2025-12-15", "gpt-realtime-mini" },
		{ "gpt-transcribe", "gpt-transcribe" },
		/* Another family, whose name only looks alike. */
		{ "gpt-realtime-2025-08-28", "" },
		{ "gpt-realtime", "" },
		{ "gpt-realtime-minister", "" },
		{ "my-deployment", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (strcmp(name_for(cases[i].model), cases[i].name))
			fail_msg("%s is %s, not %s", cases[i].model, name_for(cases[i].model), cases[i].name);
}

static void a_file_takes_the_place_of_the_built_in_table(void **state)
{
	const struct model_price *p;

	(void)state;
	assert_int_equal(parse("{\"date\":\"2027-01-02\",\"models\":{\"mine\":{\"text_in\":1,\"audio_out\":2.5},"
			       "\"ears\":{\"minute\":0.01}},\"twilio\":{\"inbound_minute\":0.0085}}"),
	    0);
	assert_string_equal(table.date, "2027-01-02");
	assert_int_equal(table.count, 2);
	p = prices_find(&table, "mine-2");
	assert_non_null(p);
	assert_true(p->text_in == 1 && p->audio_out == 2.5 && p->audio_in == 0);
	assert_true(table.twilio.inbound_minute == 0.0085 && table.twilio.stream_minute == 0);
	assert_null(prices_find(&table, "gpt-realtime-2"));
	assert_int_equal(parse("{\"date\":\"2027-01-02\",\"models\":{}}"), 0);
}

static void what_is_wrong_with_a_file_is_said(void **state)
{
	(void)state;
	refused("", "is not JSON");
	refused("{", "is not JSON");
	refused("[]", "must be a JSON object");
	refused("{}", "date must be");
	refused("{\"date\":\"yesterday\",\"models\":{}}", "date must be");
	refused("{\"date\":\"2027-1-2\",\"models\":{}}", "date must be");
	refused("{\"date\":20270102,\"models\":{}}", "date must be");
	refused("{\"date\":\"2027-01-02\"}", "models must be");
	refused("{\"date\":\"2027-01-02\",\"models\":[]}", "models must be");
	refused("{\"date\":\"2027-01-02\",\"models\":{\"m\":3}}", "models.m must be an object");
	refused("{\"date\":\"2027-01-02\",\"models\":{\"m\":{\"text_on\":3}}}", "models.m.text_on is no price");
	refused(
	    "{\"date\":\"2027-01-02\",\"models\":{\"m\":{\"text_in\":\"3\"}}}", "models.m.text_in must be a number");
	refused("{\"date\":\"2027-01-02\",\"models\":{\"m\":{\"text_in\":-1}}}", "models.m.text_in must be a number");
	refused(
	    "{\"date\":\"2027-01-02\",\"models\":{\"m\":{\"text_in\":1e300}}}", "models.m.text_in must be a number");
	refused("{\"date\":\"2027-01-02\",\"models\":{\"m\":{\"text_in\":null}}}", "models.m.text_in must be a number");
	refused("{\"date\":\"2027-01-02\",\"models\":{\"\":{}}}", "a name of 0 characters");
	refused("{\"date\":\"2027-01-02\",\"models\":{},\"twilio\":{\"stream\":1}}", "twilio.stream is no price");
	refused("{\"date\":\"2027-01-02\",\"models\":{},\"twilio\":7}", "twilio must be an object");
	refused("{\"date\":\"2027-01-02\",\"models\":{},\"Twilio\":{}}", "Twilio is not known here");
}

static void a_models_name_is_as_long_as_its_owner_likes(void **state)
{
	char text[700], name[513];

	(void)state;
	memset(name, 'm', 512);
	name[512] = '\0';
	snprintf(text, sizeof text, "{\"date\":\"2027-01-02\",\"models\":{\"%s\":{\"text_in\":1}}}", name);
	assert_int_equal(parse(text), 0);
	assert_string_equal(prices_find(&table, name)->name, name);
	snprintf(text, sizeof text, "{\"date\":\"2027-01-02\",\"models\":{\"%sm\":{\"text_in\":1}}}", name);
	refused(text, "a name of 513 characters");
}

static void more_models_than_there_is_room_for_are_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	buf_puts(&text, "{\"date\":\"2027-01-02\",\"models\":{");
	for (int i = 0; i <= PRICES_MODELS_MAX; i++)
		buf_printf(&text, "%s\"m%d\":{}", i ? "," : "", i);
	buf_puts(&text, "}}");
	refused(buf_text(&text), "more than 128");
	buf_free(&text);
}

static void a_file_is_read_from_the_disk(void **state)
{
	char path[] = "build/tmp/test_prices.XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "{\"date\":\"2027-01-02\",\"models\":{}}";

	(void)state;
	buf_free(&said);
	buf_init(&said, 0);
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	assert_int_equal(prices_load(&table, path, &said), 0);
	assert_string_equal(table.date, "2027-01-02");
	for (int i = 0; i < 20000; i++)
		assert_int_equal(write(fd, "                ", 16), 16);
	assert_int_equal(prices_load(&table, path, &said), -EINVAL);
	assert_non_null(strstr(buf_text(&said), "larger than 256 KB"));
	close(fd);
	unlink(path);
	buf_reset(&said);
	assert_int_equal(prices_load(&table, path, &said), -ENOENT);
	assert_non_null(strstr(buf_text(&said), "PRICES_FILE: build/tmp/test_prices."));
	assert_int_equal(prices_load(&table, "", &said), 0);
	assert_string_equal(table.date, "2026-10-03");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_longest_name_that_begins_it_is_the_models),
	cmocka_unit_test(a_file_takes_the_place_of_the_built_in_table),
	cmocka_unit_test(what_is_wrong_with_a_file_is_said),
	cmocka_unit_test(a_models_name_is_as_long_as_its_owner_likes),
	cmocka_unit_test(more_models_than_there_is_room_for_are_refused),
	cmocka_unit_test(a_file_is_read_from_the_disk),
	GROUP(NULL, forget),
};
