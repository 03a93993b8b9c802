/* The stand-in's check of client events: as strict as it claims to be. */
#include "tools/standin_model/shapes.h"
#include "tests/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { FIXTURES = 28 };

static cJSON *load(const char *path)
{
	char text[65536];
	FILE *f = fopen(path, "rb");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[len] = '\0';
	return cJSON_Parse(text);
}

static void must_pass(cJSON *event, const char *path)
{
	struct shape_error e;

	if (!shapes_check(event, &e))
		fail_msg("%s: %s", path, e.message);
}

/* Each must pass as it is, and again after all the changes that were made and undone. */
static void for_each_fixture(void (*change)(cJSON *event, cJSON *node, const char *path))
{
	glob_t found;

	assert_int_equal(glob("tests/fixtures/openai-*.json", 0, NULL, &found), 0);
	size_t seen = 0;

	for (size_t i = 0; i < found.gl_pathc; i++) {
		cJSON *event = load(found.gl_pathv[i]);
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(event, "event_id");

		assert_non_null(event);
		/* What the service sends lies in the same directory: numbered event_…, but for the one
		 * event that has no number. */
		if ((!cJSON_IsString(id) || strncmp(id->valuestring, "event_", 6) != 0) &&
		    !cJSON_GetObjectItemCaseSensitive(event, "received_at")) {
			must_pass(event, found.gl_pathv[i]);
			if (change)
				change(event, event, found.gl_pathv[i]);
			must_pass(event, found.gl_pathv[i]);
			seen++;
		}
		cJSON_Delete(event);
	}
	globfree(&found);
	assert_true(seen >= FIXTURES);
}

static void every_published_client_event_passes(void **state)
{
	(void)state;
	for_each_fixture(NULL);
}

/* Objects whose keys are the user's own. */
static int is_free(const cJSON *node)
{
	static const char *const names[] = { "parameters", "metadata", "variables", "headers" };

	for (size_t i = 0; node->string && i < sizeof names / sizeof names[0]; i++)
		if (strcmp(node->string, names[i]) == 0)
			return 1;
	return 0;
}

static void plant_fields(cJSON *event, cJSON *node, const char *path)
{
	struct shape_error e;

	if (is_free(node))
		return;
	if (cJSON_IsObject(node)) {
		cJSON_AddNumberToObject(node, "planted", 1);
		if (shapes_check(event, &e))
			fail_msg("%s: a field planted in %s passes", path, node->string ? node->string : "an element");
		assert_string_equal(e.code, "unknown_parameter");
		assert_non_null(strstr(e.param, "planted"));
		cJSON_DeleteItemFromObject(node, "planted");
	}
	for (cJSON *child = node->child; child; child = child->next)
		plant_fields(event, child, path);
}

static void one_planted_field_fails_wherever_it_is(void **state)
{
	(void)state;
	for_each_fixture(plant_fields);
}

/* Every value in turn becomes a nested array, which no field is. */
static void spoil_values(cJSON *event, cJSON *node, const char *path)
{
	struct shape_error e;

	if (is_free(node))
		return;
	for (cJSON *child = node->child; child; child = child->next) {
		cJSON *wrong = cJSON_Parse("[[true]]");
		cJSON *own = cJSON_Duplicate(child, 1);

		spoil_values(event, child, path);
		if (is_free(child)) {
			cJSON_Delete(wrong);
			cJSON_Delete(own);
			continue;
		}
		if (child->string)
			wrong->string = strdup(child->string);
		cJSON_ReplaceItemViaPointer(node, child, wrong);
		if (shapes_check(event, &e))
			fail_msg("%s: an array instead of %s passes", path, own->string ? own->string : "an element");
		assert_true(strcmp(e.code, "invalid_type") == 0 || strcmp(e.code, "invalid_value") == 0);
		cJSON_ReplaceItemViaPointer(node, wrong, own);
		child = own;
	}
}

static void one_wrong_type_fails_wherever_it_is(void **state)
{
	(void)state;
	for_each_fixture(spoil_values);
}

static const struct {
	const char *event, *code, *param;
} faulty[] = {
	{ JSON({ "type" : "session.update", "session" : { "type" : "realtime", "temperature" : 0.8 } }),
	    "unknown_parameter", "session.temperature" },
	{ JSON({ "type" : "session.update", "session" : { "type" : "realtime", "modalities" : ["audio"] } }),
	    "unknown_parameter", "session.modalities" },
	{ JSON({ "type" : "session.update", "session" : { "instructions" : "x" } }), "missing_required_parameter",
	    "session.type" },
	{ JSON({
		 "type" : "session.update",
		 "session" : { "type" : "realtime", "output_modalities" : [ "audio", "text" ] }
	 }),
	    "invalid_value", "session.output_modalities" },
	{ JSON({
		 "type" : "session.update",
		 "session" : {
			 "type" : "realtime",
			 "audio" : { "input" : { "format" : { "type" : "audio/pcmu", "rate" : 8000 } } }
		 }
	 }),
	    "unknown_parameter", "session.audio.input.format.rate" },
	{ JSON({
		 "type" : "session.update",
		 "session" : {
			 "type" : "realtime",
			 "audio" : { "input" : { "format" : { "type" : "audio/pcm", "rate" : 8000 } } }
		 }
	 }),
	    "invalid_value", "session.audio.input.format.rate" },
	{ JSON({
		 "type" : "session.update",
		 "session" : {
			 "type" : "realtime",
			 "audio" : { "input" : { "turn_detection" : { "type" : "server_vad", "eagerness" : "low" } } }
		 }
	 }),
	    "unknown_parameter", "session.audio.input.turn_detection.eagerness" },
	{ JSON({ "type" : "session.update", "session" : { "type" : "realtime", "max_output_tokens" : 4097 } }),
	    "invalid_value", "session.max_output_tokens" },
	{ JSON({
		 "type" : "session.update",
		 "session" : { "type" : "realtime", "audio" : { "output" : { "speed" : "1" } } }
	 }),
	    "invalid_type", "session.audio.output.speed" },
	{ JSON({ "type" : "conversation.item.truncate", "item_id" : "i", "content_index" : 0 }),
	    "missing_required_parameter", "audio_end_ms" },
	{ JSON({ "type" : "conversation.item.truncate", "item_id" : "i", "content_index" : 0, "audio_end_ms" : 1.5 }),
	    "invalid_type", "audio_end_ms" },
	{ JSON({ "type" : "conversation.item.truncate", "item_id" : "i", "content_index" : 0, "audio_end_ms" : -1 }),
	    "invalid_value", "audio_end_ms" },
	{ JSON({
		 "type" : "conversation.item.create",
		 "item" :
		     { "type" : "message", "role" : "assistant", "content" : [ { "type" : "text", "text" : "x" } ] }
	 }),
	    "invalid_value", "item.content[0].type" },
	{ JSON({
		 "type" : "conversation.item.create",
		 "item" :
		     { "type" : "message", "role" : "user", "id" : "item_0123456789012345678901234567", "content" : [] }
	 }),
	    "invalid_value", "item.id" },
	{ JSON({ "type" : "response.create", "response" : { "metadata" : { "n" : 1 } } }), "invalid_type",
	    "response.metadata.n" },
	{ JSON({ "type" : "response.cancel", "response_id" : null }), "invalid_type", "response_id" },
	{ JSON({ "type" : "response.cancel", "response_id" : "a", "response_id" : "b" }), "invalid_value",
	    "response_id" },
	{ JSON({ "type" : "response.cancelled" }), "invalid_value", "type" },
	{ JSON({ "event_id" : "c_1" }), "missing_required_parameter", "type" },
	{ "[]", "invalid_type", "" },
};

static void each_fault_is_named_with_its_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
		cJSON *event = cJSON_Parse(faulty[i].event);
		struct shape_error e;

		assert_non_null(event);
		if (shapes_check(event, &e))
			fail_msg("passes: %s", faulty[i].event);
		assert_string_equal(e.code, faulty[i].code);
		assert_string_equal(e.param, faulty[i].param);
		cJSON_Delete(event);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_published_client_event_passes),
	cmocka_unit_test(one_planted_field_fails_wherever_it_is),
	cmocka_unit_test(one_wrong_type_fails_wherever_it_is),
	cmocka_unit_test(each_fault_is_named_with_its_field),
	{ 0 },
};
