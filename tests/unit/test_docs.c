/* The README against the tables it speaks of: routes, endings, counters; and
 * whether each route is in the OpenAPI document at all (test_openapi has more). */
#include "common/buf.h"
#include "server/stats/endings.h"
#include "server/stats/stats.h"
#include "server/web/page/openapi.h"
#include "server/all_routes.h"
#include "server/web/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct buf readme;

static int read_readme(void **state)
{
	FILE *file = fopen("README.md", "r");
	char part[4096];
	size_t n;

	(void)state;
	if (!file)
		return -1;
	buf_init(&readme, 0);
	while ((n = fread(part, 1, sizeof part, file)) > 0)
		buf_put(&readme, part, n);
	fclose(file);
	return 0;
}

static int free_readme(void **state)
{
	(void)state;
	buf_free(&readme);
	return 0;
}

static void must_say(const char *text)
{
	if (!strstr(buf_text(&readme), text))
		fail_msg("README.md does not contain:\n%s", text);
}

static void the_table_of_routes_is_in_the_readme(void **state)
{
	struct buf table;

	(void)state;
	buf_init(&table, 0);
	routes_print_markdown(all_routes, &table);
	must_say(buf_text(&table));
	buf_free(&table);
}

static void the_table_of_endings_is_in_the_readme(void **state)
{
	struct buf table;

	(void)state;
	buf_init(&table, 0);
	endings_print_markdown(&table);
	must_say(buf_text(&table));
	buf_free(&table);
}

static void every_counter_and_latency_of_status_is_in_the_readme(void **state)
{
	static const char *const names[] = {
#define X(section, name, help) "\"" #name "\":",
		STAT_COUNTERS(X)
#undef X
#define X(name, help) "\"" #name "\":",
		    STAT_LATENCIES(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		must_say(names[i]);
}

static void every_route_is_in_the_openapi_document(void **state)
{
	const struct route *route;
	char path[128];

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		snprintf(path, sizeof path, "\"%s\": {", route->path);
		if (!strstr(openapi_json, path))
			fail_msg("server/web/openapi.json does not describe %s %s: under \"paths\", copy a neighbour "
				 "that is like it, and run test_openapi",
			    route->method, route->path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_routes_is_in_the_readme),
		cmocka_unit_test(the_table_of_endings_is_in_the_readme),
		cmocka_unit_test(every_counter_and_latency_of_status_is_in_the_readme),
		cmocka_unit_test(every_route_is_in_the_openapi_document),
	};

	return cmocka_run_group_tests(tests, read_readme, free_readme);
}
