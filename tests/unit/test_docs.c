/* The written reference against the program: server/SETTINGS.md and .env.example
 * are what the program prints of its settings, server/web/API.md is made of the OpenAPI
 * document and of the lists of endings, counters and latencies. A file that
 * differs fails its test; `make docs` writes all anew (DOCS=write). */
#include "common/buf.h"
#include "common/json.h"
#include "server/all_routes.h"
#include "server/config/config_print.h"
#include "server/stats/endings.h"
#include "server/stats/stats.h"
#include "server/web/page/openapi.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

#define API "server/web/API.md"
#define SETTINGS "server/SETTINGS.md"

static cJSON *document;

static int open_document(void **state)
{
	(void)state;
	document = json_parse(openapi_json, strlen(openapi_json));
	return !document;
}

static int close_document(void **state)
{
	(void)state;
	cJSON_Delete(document);
	return 0;
}

static void read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	char part[4096];
	size_t n;

	buf_init(out, 0);
	if (!file)
		return;
	while ((n = fread(part, 1, sizeof part, file)) > 0)
		buf_put(out, part, n);
	fclose(file);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The file is exactly `text`, or is made so. */
static void must_be(const char *path, const char *text)
{
	const char *order = getenv("DOCS");
	struct buf is;
	size_t same = 0, line = 1;

	if (order && !strcmp(order, "write"))
		write_file(path, text);
	read_file(path, &is);
	for (const char *have = buf_text(&is); have[same] && have[same] == text[same]; same++)
		line += text[same] == '\n';
	if (strcmp(buf_text(&is), text) != 0)
		fail_msg(
		    "%s:%zu is not what the program says now: run `make docs` and read the difference", path, line);
	buf_free(&is);
}

/* ----------------------------------------------------------- the OpenAPI document */

/* What "$ref" points to, or the node itself. */
static const cJSON *resolved(const cJSON *node)
{
	const char *ref = json_str(node, "$ref");
	char path[128], *rest = path, *name;

	if (!ref)
		return node;
	snprintf(path, sizeof path, "%s", ref + 2);
	for (node = document; (name = strsep(&rest, "/"));)
		node = json_get(node, name);
	assert_non_null(node);
	return node;
}

static const char *ref_name(const cJSON *node)
{
	const char *ref = json_str(node, "$ref");

	return ref ? strrchr(ref, '/') + 1 : NULL;
}

static void put_words(struct buf *out, const cJSON *list, const char *between, const char *quote)
{
	const cJSON *word;
	const char *comma = "";

	cJSON_ArrayForEach(word, list)
	{
		if (cJSON_IsString(word))
			buf_printf(out, "%s%s%s%s", comma, quote, word->valuestring, quote);
		else if (cJSON_IsNumber(word))
			buf_printf(out, "%s%s%g%s", comma, quote, word->valuedouble, quote);
		comma = between;
	}
}

/* "string", "Call", "list of Turn", "`a`, `b`", "string or null". */
static void put_type(struct buf *out, const cJSON *schema)
{
	const cJSON *type = json_get(schema, "type"), *items = json_get(schema, "items");
	const cJSON *one = json_get(schema, "oneOf"), *choice;
	const char *name = ref_name(schema), *comma = "";

	if (name) {
		buf_puts(out, name);
	} else if (json_get(schema, "enum")) {
		put_words(out, json_get(schema, "enum"), ", ", "`");
	} else if (json_str(schema, "const")) {
		buf_printf(out, "`%s`", json_str(schema, "const"));
	} else if (cJSON_IsArray(type)) {
		put_words(out, type, " or ", "");
	} else if (cJSON_IsString(type) && !strcmp(type->valuestring, "array") && items) {
		buf_puts(out, "list of ");
		put_type(out, items);
	} else if (cJSON_IsString(type)) {
		buf_puts(out, type->valuestring);
	} else {
		cJSON_ArrayForEach(choice, one)
		{
			buf_puts(out, comma);
			put_type(out, choice);
			comma = " or ";
		}
	}
}

static void put_limits(struct buf *out, const cJSON *schema)
{
	static const struct {
		const char *key, *format;
	} limits[] = {
		{ "minimum", " (at least %g)" },
		{ "maximum", " (at most %g)" },
		{ "maxLength", " (at most %g characters)" },
		{ "maxProperties", " (at most %g names)" },
		{ "default", " (default %g)" },
	};
	const cJSON *fallback = json_get(schema, "default");
	double value;

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (json_num(schema, limits[i].key, &value))
			buf_printf(out, limits[i].format, value);
	if (cJSON_IsString(fallback))
		buf_printf(out, " (default `%s`)", fallback->valuestring);
}

static bool is_required(const cJSON *schema, const char *name)
{
	const cJSON *word;

	cJSON_ArrayForEach(word, json_get(schema, "required")) if (!strcmp(word->valuestring, name)) return true;
	return false;
}

static void put_row(struct buf *out, const char *name, bool required, const cJSON *schema, const char *help)
{
	buf_printf(out, "| `%s`%s | ", name, required ? "" : " ?");
	put_type(out, schema);
	put_limits(out, schema);
	buf_printf(out, " | %s |\n", help ? help : "");
}

static void put_properties(struct buf *out, const cJSON *schema)
{
	const cJSON *property;

	cJSON_ArrayForEach(property, json_get(schema, "properties")) put_row(
	    out, property->string, is_required(schema, property->string), property, json_str(property, "description"));
}

static void put_table_head(struct buf *out, const char *what)
{
	buf_printf(out, "\n| %s | is | |\n|---|---|---|\n", what);
}

static void put_parameters(struct buf *out, const cJSON *path, const cJSON *operation)
{
	const cJSON *lists[] = { json_get(path, "parameters"), json_get(operation, "parameters") }, *each;

	if (!cJSON_GetArraySize(lists[0]) && !cJSON_GetArraySize(lists[1]))
		return;
	put_table_head(out, "parameter");
	for (int i = 0; i < 2; i++)
		cJSON_ArrayForEach(each, lists[i])
		{
			const cJSON *p = resolved(each);

			put_row(out, json_str(p, "name"), json_bool(p, "required", false), json_get(p, "schema"),
			    json_str(p, "description"));
		}
}

static const cJSON *schema_of(const cJSON *node)
{
	const cJSON *content = json_get(node, "content");

	return content && content->child ? json_get(content->child, "schema") : NULL;
}

static void put_body(struct buf *out, const cJSON *operation)
{
	const cJSON *schema = schema_of(resolved(json_get(operation, "requestBody")));

	if (schema && resolved(schema) && json_get(resolved(schema), "properties")) {
		put_table_head(out, "field of the body");
		put_properties(out, resolved(schema));
	}
}

static void put_answers(struct buf *out, const cJSON *operation)
{
	const cJSON *answer;

	buf_puts(out, "\n");
	cJSON_ArrayForEach(answer, json_get(operation, "responses"))
	{
		const cJSON *schema = schema_of(resolved(answer));

		buf_printf(out, "- %s", answer->string);
		if (schema && ref_name(schema) && strcmp(ref_name(schema), "Error") != 0)
			buf_printf(out, " (%s)", ref_name(schema));
		buf_printf(out, ": %s\n", json_str(resolved(answer), "description"));
	}
}

static void put_operation(struct buf *out, const struct route *route)
{
	const cJSON *path = json_get(json_get(document, "paths"), route->path), *operation;
	char method[8];

	snprintf(method, sizeof method, "%s", route->method);
	for (char *c = method; *c; c++)
		*c = (char)(*c | 0x20);
	operation = json_get(path, method);
	if (!operation)
		fail_msg("server/web/page/openapi.json does not describe %s %s: copy a neighbour that is like it",
		    route->method, route->path);
	buf_printf(out, "\n### `%s %s`\n\n%s.", route->method, route->path, json_str(operation, "summary"));
	if (json_str(operation, "description"))
		buf_printf(out, " %s", json_str(operation, "description"));
	buf_puts(out, "\n");
	put_parameters(out, path, operation);
	put_body(out, operation);
	put_answers(out, operation);
}

static void put_schemas(struct buf *out)
{
	const cJSON *schema, *part;

	buf_puts(out, "\n## Objects\n\nA name with `?` may be missing. New names may come at any time.\n");
	cJSON_ArrayForEach(schema, json_get(json_get(document, "components"), "schemas"))
	{
		const cJSON *all = json_get(schema, "allOf");

		if (!all && !json_get(schema, "properties"))
			continue;
		buf_printf(out, "\n### %s\n", schema->string);
		if (json_str(schema, "description"))
			buf_printf(out, "\n%s\n", json_str(schema, "description"));
		cJSON_ArrayForEach(part, all) if (ref_name(part))
		    buf_printf(out, "\nAll of %s, and:\n", ref_name(part));
		put_table_head(out, "name");
		put_properties(out, schema);
		cJSON_ArrayForEach(part, all) put_properties(out, part);
	}
}

/* --------------------------------------------------------------- the lists in code */

static void put_endings(struct buf *out)
{
	static const char *const hears[] = { "nothing more", "a goodbye, `time_limit`, unless the agent has said one",
		"a goodbye, `cost_limit`, unless the agent has said one",
		"a goodbye, `idle`, unless the agent has said one", "`draining`, or `OVERFLOW_NUMBER`",
		"`apology`, or `OVERFLOW_NUMBER`", "the person's telephone ringing", "a goodbye, `cost_limit`" };

	buf_puts(out,
	    "\n## How a call ends\n\n`ending.reason` of a call, and the counters under `calls.ended` in "
	    "`/status`. An agent's own goodbye that was not heard to its end is followed by `cost_limit`."
	    "\n\n| ending | what it means | a fault | the caller then hears (a phrase of the agent's) |\n|---|---|---|---|\n");
	for (int i = CALL_NOT_ENDED + 1; i < CALL_END_COUNT; i++) {
		const struct call_ending *e = call_ending((enum call_end)i);

		buf_printf(
		    out, "| `%s` | %s | %s | %s |\n", e->json, e->text, e->fault ? "yes" : "no", hears[e->after]);
	}
}

static void put_counters(struct buf *out)
{
	static const struct {
		const char *section, *name, *help;
	} counters[] = {
#define X(section, name, help) { #section, #name, help },
		STAT_COUNTERS(X)
#undef X
	};
	static const struct {
		const char *name, *help;
	} latencies[] = {
#define X(name, help) { #name, help },
		STAT_LATENCIES(X)
#undef X
	};

	buf_puts(out, "\n## What /status counts\n\n| counter | what |\n|---|---|\n");
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		buf_printf(out, "| `%s.%s` | %s |\n", counters[i].section, counters[i].name, counters[i].help);
	buf_puts(out, "\nUnder `latency`, in ms, each with `count`, `p50_ms`, `p90_ms`, `p99_ms` and `max_ms`:\n\n"
		      "| latency | from, to |\n|---|---|\n");
	for (size_t i = 0; i < sizeof latencies / sizeof *latencies; i++)
		buf_printf(out, "| `%s` | %s |\n", latencies[i].name, latencies[i].help);
}

/* ------------------------------------------------------------------------ the cases */

static void the_api_is_described_as_it_is(void **state)
{
	static const char *const access[] = { "open", "Twilio", "Twilio", "`read`", "`call`", "`admin`" };
	const struct route *route;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	buf_puts(&out,
	    "# The HTTP API\n\nMade by `make docs` from `server/web/page/openapi.json` (served as "
	    "`/openapi.json`), the routes, the endings and the\ncounters; a test holds it against them. How to "
	    "use it, with examples: [the guide](../GUIDE.md).\n\n");
	buf_printf(&out, "%s\n", json_str(json_get(document, "info"), "description"));
	buf_puts(&out, "\n## Routes\n\n| route | for | what |\n|---|---|---|\n");
	for (size_t i = 0; (route = route_at(all_routes, i)); i++)
		buf_printf(
		    &out, "| `%s %s` | %s | %s |\n", route->method, route->path, access[route->access], route->help);
	for (size_t i = 0; (route = route_at(all_routes, i)); i++)
		put_operation(&out, route);
	put_schemas(&out);
	put_endings(&out);
	put_counters(&out);
	assert_int_equal(buf_error(&out), 0);
	must_be(API, buf_text(&out));
	buf_free(&out);
}

/* The file is what the program prints. */
static void must_be_printed(const char *path, const char *head, void (*print)(struct buf *out))
{
	struct buf out;

	buf_init(&out, 0);
	buf_puts(&out, head);
	print(&out);
	must_be(path, buf_text(&out));
	buf_free(&out);
}

static void the_settings_are_described_as_they_are(void **state)
{
	(void)state;
	must_be_printed(SETTINGS,
	    "# Settings\n\nMade by `make docs`; a test holds it against the program. All come from the "
	    "environment; `trunkline --help` prints the\nsame, and `.env.example` explains each for `make run`.\n\n",
	    config_print_markdown);
}

static void the_example_is_what_the_table_says(void **state)
{
	(void)state;
	must_be_printed(".env.example", "", config_print_env);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_api_is_described_as_it_is),
	cmocka_unit_test(the_settings_are_described_as_they_are),
	cmocka_unit_test(the_example_is_what_the_table_says),
	GROUP(open_document, close_document),
};
