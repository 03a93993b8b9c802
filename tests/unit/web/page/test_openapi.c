/* server/web/openapi.json against the table of routes, both ways, and against
 * itself. It goes wrong whenever a route comes or changes: describe it there,
 * beside a neighbour that is like it. */
#include "common/json.h"
#include "server/all_routes.h"
#include "server/config/version.h"
#include "server/web/page/openapi.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>
#include <string.h>

ONE_THREAD;

static cJSON *doc;

static int read_document(void **state)
{
	(void)state;
	doc = json_parse(openapi_json, strlen(openapi_json));
	return doc ? 0 : -1;
}

static int free_document(void **state)
{
	(void)state;
	cJSON_Delete(doc);
	return 0;
}

static const char *small(const char *method)
{
	static char text[16];
	size_t i;

	for (i = 0; method[i] && i < sizeof text - 1; i++)
		text[i] = (char)(method[i] | 0x20);
	text[i] = '\0';
	return text;
}

static const cJSON *operation_of(const struct route *route)
{
	return json_get(json_get(json_get(doc, "paths"), route->path), small(route->method));
}

static bool is_method(const char *name)
{
	return !strcmp(name, "get") || !strcmp(name, "post") || !strcmp(name, "put") || !strcmp(name, "patch") ||
	       !strcmp(name, "delete") || !strcmp(name, "head") || !strcmp(name, "options");
}

static const struct route *route_of(const char *path, const char *method)
{
	const struct route *route;

	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		if (!strcmp(route->path, path) && !strcasecmp(route->method, method))
			return route;
	}
	return NULL;
}

/* What a $ref leads to, or the thing itself. */
static const cJSON *resolve(const cJSON *thing)
{
	for (int hops = 0; json_str(thing, "$ref") && hops < 8; hops++) {
		const char *ref = json_str(thing, "$ref");
		char name[128];

		if (strncmp(ref, "#/", 2) != 0)
			fail_msg("openapi.json: $ref leads elsewhere: %s", ref);
		thing = doc;
		for (const char *at = ref + 1; *at; at += strcspn(at, "/")) {
			at++;
			snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "/"), at);
			thing = json_get(thing, name);
		}
		if (!thing)
			fail_msg("openapi.json: $ref leads nowhere: %s", ref);
	}
	return thing;
}

static void must(const struct route *route, bool holds, const char *what)
{
	if (!holds)
		fail_msg("server/web/openapi.json, \"%s\", \"%s\": %s", route->path, small(route->method), what);
}

/* ------------------------------------------------------------ the document */

static void document_is_openapi_3_1_of_this_version(void **state)
{
	(void)state;
	assert_int_equal(strncmp(json_str(doc, "openapi"), "3.1.", 4), 0);
	assert_string_equal(json_str(json_get(doc, "info"), "version"), TRUNKLINE_VERSION);
	assert_non_null(json_str(json_get(doc, "info"), "title"));
	assert_true(json_unique(doc));
}

static int refs_in(const cJSON *tree)
{
	const cJSON *each;
	int count = json_str(tree, "$ref") ? 1 : 0;

	if (count)
		assert_non_null(resolve(tree));
	cJSON_ArrayForEach(each, tree) count += refs_in(each);
	return count;
}

static void every_reference_leads_somewhere(void **state)
{
	(void)state;
	assert_true(refs_in(doc) > 20);
}

static bool is_named(const cJSON *tree, const char *ref)
{
	const cJSON *each;

	if (json_str(tree, "$ref") && !strcmp(json_str(tree, "$ref"), ref))
		return true;
	cJSON_ArrayForEach(each, tree)
	{
		if (is_named(each, ref))
			return true;
	}
	return false;
}

/* Except answers: those are there for the routes to come. */
static void every_schema_and_parameter_is_used(void **state)
{
	static const char *const kinds[] = { "schemas", "parameters", "requestBodies" };
	const cJSON *each;
	char ref[160];

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		cJSON_ArrayForEach(each, json_get(json_get(doc, "components"), kinds[i]))
		{
			snprintf(ref, sizeof ref, "#/components/%s/%s", kinds[i], each->string);
			if (!is_named(doc, ref))
				fail_msg("server/web/openapi.json: nothing refers to %s", ref);
		}
	}
}

/* ---------------------------------------------------------------- both ways */

static void every_route_is_described(void **state)
{
	const struct route *route;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++)
		must(route, operation_of(route),
		    "this route is not described. Under \"paths\", copy a neighbour that is like it, with its "
		    "parameters, bodies and answers");
}

static void nothing_else_is_described(void **state)
{
	const cJSON *path, *part;

	(void)state;
	cJSON_ArrayForEach(path, json_get(doc, "paths"))
	{
		cJSON_ArrayForEach(part, path)
		{
			if (is_method(part->string) && !route_of(path->string, part->string))
				fail_msg("server/web/openapi.json describes %s %s, which is not in the table of "
					 "routes (server/web/routes.c)",
				    part->string, path->string);
		}
	}
}

static void every_operation_has_a_name_of_its_own_and_a_summary(void **state)
{
	const struct route *route, *other;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const char *id = json_str(operation_of(route), "operationId");

		must(route, id && *id, "operationId is missing");
		must(route, json_str(operation_of(route), "summary"), "summary is missing");
		must(route, cJSON_GetArraySize(json_get(operation_of(route), "tags")) == 1, "one tag is wanted");
		for (size_t k = 0; (other = route_at(all_routes, k)) && k < i; k++)
			must(route, strcmp(id, json_str(operation_of(other), "operationId")) != 0,
			    "operationId is another's");
	}
}

/* ------------------------------------------------- what the table knows more */

static const char *const scopes[] = { [ROUTE_READ] = "read", [ROUTE_CALL] = "call", [ROUTE_ADMIN] = "admin" };

static bool is_operators(const struct route *route)
{
	return route->access >= ROUTE_READ;
}

static bool is_text(const cJSON *node, const char *text)
{
	return cJSON_IsString(node) && !strcmp(node->valuestring, text);
}

static void security_is_that_of_the_door(void **state)
{
	const struct route *route;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const cJSON *security = json_get(operation_of(route), "security");

		must(route, cJSON_IsArray(security), "security is missing ([] for an open route)");
		if (route->access == ROUTE_OPEN)
			must(route, !security->child, "security must be [] for an open route");
		else if (is_operators(route))
			must(route,
			    is_text(cJSON_GetArrayItem(json_get(security->child, "bearer"), 0), scopes[route->access]),
			    "security must be [{\"bearer\": [\"read\"]}] for the operator's, with the role it needs");
		else
			must(route, json_get(security->child, "twilioSignature"),
			    "security must be [{\"twilioSignature\": []}] for Twilio's");
	}
}

/* Calls back for the parameters of the path and of the operation. */
static size_t parameters(const struct route *route, const char *in, const char *name)
{
	const cJSON *lists[] = { json_get(json_get(json_get(doc, "paths"), route->path), "parameters"),
		json_get(operation_of(route), "parameters") };
	const cJSON *each;
	size_t found = 0;

	for (int i = 0; i < 2; i++) {
		cJSON_ArrayForEach(each, lists[i])
		{
			const cJSON *p = resolve(each);

			if (strcmp(json_str(p, "in"), in) != 0 || (name && strcmp(json_str(p, "name"), name) != 0))
				continue;
			must(route, json_get(p, "schema"), "a parameter has no schema");
			must(route, strcmp(in, "path") != 0 || json_bool(p, "required", false),
			    "a parameter in the path must say \"required\": true");
			found++;
		}
	}
	return found;
}

static void parts_of_paths_and_queries_are_its_parameters(void **state)
{
	const struct route *route;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const char *open = strchr(route->path, '{'), *names = route->query ? route->query : "";
		char name[64];
		size_t known = 0;

		if (open) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(open + 1, "}"), open + 1);
			must(route, parameters(route, "path", name) == 1, "the {part} of the path is no parameter");
		}
		must(route, parameters(route, "path", NULL) == (open ? 1u : 0u),
		    "there are other parameters in the path");
		for (; *names; names += strspn(names, " "), known++) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(names, " "), names);
			names += strlen(name);
			must(route, parameters(route, "query", name) == 1, name);
		}
		must(route, parameters(route, "query", NULL) == known,
		    "its parameters in the query are not those of routes.c");
	}
}

static void bodies_are_of_the_kind_the_route_takes(void **state)
{
	static const char *const types[] = { NULL, "application/x-www-form-urlencoded", "application/json" };
	const struct route *route;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const cJSON *body = resolve(json_get(operation_of(route), "requestBody"));

		if (!types[route->body])
			must(route, !body, "it takes no body");
		else
			must(route, json_get(json_get(json_get(body, "content"), types[route->body]), "schema"),
			    "requestBody is missing, or of another type than in routes.c");
	}
}

static void errors_that_can_happen_are_told(void **state)
{
	static const struct {
		const char *status;
		bool with_json, with_part;
	} told[] = { { "401", false, false }, { "403", false, false }, { "429", false, false }, { "400", false, false },
		{ "404", false, true }, { "411", true, false }, { "413", true, false }, { "415", true, false },
		{ "422", true, false } };
	const struct route *route;
	char what[64];

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const cJSON *responses = json_get(operation_of(route), "responses"), *each;
		bool good = false;

		cJSON_ArrayForEach(each, responses)
		{
			must(route, json_str(resolve(each), "description"), "an answer has no description");
			good |= each->string[0] <= '3';
		}
		must(route, good, "no good answer is told");
		if (!is_operators(route))
			continue;
		for (size_t k = 0; k < sizeof told / sizeof *told; k++) {
			if ((told[k].with_json && route->body != BODY_JSON) ||
			    (told[k].with_part && !strchr(route->path, '{')))
				continue;
			snprintf(what, sizeof what, "it can answer %s, which is not told", told[k].status);
			must(route, json_get(responses, told[k].status), what);
		}
		cJSON_ArrayForEach(each, responses)
		{
			const cJSON *content = json_get(resolve(each), "content");

			if (each->string[0] >= '4')
				must(route,
				    is_named(content, "#/components/schemas/Error") || !strcmp(each->string, "503"),
				    "its errors must be of the schema Error");
		}
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(document_is_openapi_3_1_of_this_version),
	cmocka_unit_test(every_reference_leads_somewhere),
	cmocka_unit_test(every_schema_and_parameter_is_used),
	cmocka_unit_test(every_route_is_described),
	cmocka_unit_test(nothing_else_is_described),
	cmocka_unit_test(every_operation_has_a_name_of_its_own_and_a_summary),
	cmocka_unit_test(security_is_that_of_the_door),
	cmocka_unit_test(parts_of_paths_and_queries_are_its_parameters),
	cmocka_unit_test(bodies_are_of_the_kind_the_route_takes),
	cmocka_unit_test(errors_that_can_happen_are_told),
	GROUP(read_document, free_document),
};
