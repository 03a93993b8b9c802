#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H
/* The messages in tests/fixtures, as text; tests run in the root. */
#include "tests/unit.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Caller frees. In a block of exactly that size, so that a sanitizer sees who
 * reads beyond it. */
static inline char *fixture_file(const char *name, size_t *len)
{
	char path[512], *text;
	FILE *file;
	long size;

	snprintf(path, sizeof path, "tests/fixtures/%s", name);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("no fixture %s", path);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = malloc((size_t)size);
	assert_non_null(text);
	*len = fread(text, 1, (size_t)size, file);
	assert_int_equal(*len, size);
	fclose(file);
	return text;
}

static inline char *fixture(const char *name, size_t *len)
{
	char file[256];

	snprintf(file, sizeof file, "%s.json", name);
	return fixture_file(file, len);
}

/* How `what` begins that the model is told to say ("say", "greeting"): the server writes
 * it and the stand-in looks for it. */
static inline const char *words_to_say(const char *what)
{
	static char words[300];
	size_t len;
	char *text = fixture("words-to-say", &len);
	cJSON *tree = cJSON_ParseWithLength(text, len);

	snprintf(words, sizeof words, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(tree, what)));
	cJSON_Delete(tree);
	free(text);
	return words;
}

/* Calls back with the name of each fixture that fits the pattern; says how
 * many there were. */
static inline int fixtures(const char *pattern, void (*each)(const char *name, void *arg), void *arg)
{
	DIR *dir = opendir("tests/fixtures");
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char name[256];
		char *dot;

		snprintf(name, sizeof name, "%.250s", entry->d_name);
		dot = strrchr(name, '.');
		if (!dot || strcmp(dot, ".json"))
			continue;
		*dot = '\0';
		if (fnmatch(pattern, name, 0))
			continue;
		each(name, arg);
		count++;
	}
	closedir(dir);
	return count;
}

#endif
