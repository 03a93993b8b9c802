#include "tests/peers/setup.h"

#include "server/work/fetch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char folder[64];
struct buf written, noted;

const char *pairs_lookup(void *pairs, const char *name)
{
	for (const char *const *pair = pairs; pair && *pair; pair += 2)
		if (!strcmp(pair[0], name))
			return pair[1];
	return NULL;
}

void pairs_load(struct config *cfg, const char *const *pairs)
{
	struct buf errors;

	buf_init(&errors, 0);
	if (config_load(cfg, pairs_lookup, (void *)pairs, &errors))
		fail_msg("%s", buf_text(&errors));
	buf_free(&errors);
}

int folder_begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "build/tmp/%s.XXXXXX", program_invocation_short_name);
	assert_non_null(mkdtemp(folder));
	return 0;
}

int folder_end(void **state)
{
	char command[sizeof folder + 16];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	return 0;
}

void folder_put(const char *name, const void *bytes, size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

int written_begin(void **state)
{
	(void)state;
	buf_init(&written, 0);
	buf_init(&noted, 0);
	return 0;
}

int written_end(void **state)
{
	(void)state;
	buf_free(&written);
	buf_free(&noted);
	return 0;
}

void assert_written(const char *wanted)
{
	assert_int_equal(buf_error(&written), 0);
	assert_string_equal(buf_text(&written), wanted);
	buf_reset(&written);
}

int lines_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

cJSON *json_of(const char *text)
{
	cJSON *json = json_parse(text, strlen(text));

	if (!json)
		fail_msg("not JSON: %s", text);
	return json;
}

static struct buf tree;
static struct json_out to_tree;

struct json_out *tree_begin(void)
{
	buf_init(&tree, 0);
	to_tree = json_out_to(&tree);
	json_put_object(&to_tree, NULL);
	return &to_tree;
}

cJSON *tree_end(void)
{
	cJSON *json;

	json_put_end(&to_tree);
	json = json_parse(buf_text(&tree), tree.len);
	assert_non_null(json);
	buf_free(&tree);
	return json;
}

int http_begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	unsetenv("http_proxy");
	return fetch_setup();
}

int http_end(void **state)
{
	(void)state;
	fetch_teardown();
	return 0;
}
