/* A question from a model, or whoever talks to it: any text finds what it finds,
 * and never breaks the search. */
#include "common/json.h"
#include "server/knowledge/knowledge_index.h"
#include "server/knowledge/knowledge_query.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct knowledge_index *menu_index(void)
{
	static struct knowledge_index *index;
	char folder[] = "build/tmp/fuzz_knowledge.XXXXXX", path[64];
	struct buf skipped;
	FILE *file;

	if (index)
		return index;
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof path, "%s/menu.md", folder);
	file = fopen(path, "w");
	if (!file)
		abort();
	fputs("# Menu\n\nPizza, pasta, café.\n\n## Öffnungszeiten\n\nDaily from 12 to 22.\n\n东京 寿司\n", file);
	fclose(file);
	buf_init(&skipped, 0);
	if (index_build(&index, folder, &skipped))
		abort();
	buf_free(&skipped);
	unlink(path);
	rmdir(folder);
	return index;
}

static void look(void *arg, const struct knowledge_hit *hit)
{
	(void)arg;
	if (strcmp(hit->file, "menu.md") || !*hit->text)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *question = fuzz_text(data, size);
	struct buf match;
	int found;

	buf_init(&match, 0);
	if (query_put_match(&match, question) > QUERY_WORDS)
		abort();
	/* The expression's words are cut at characters: valid in, valid out. */
	if (utf8_valid(question, strnlen(question, QUERY_BYTES)) && !utf8_valid(buf_text(&match), match.len))
		abort();
	found = index_search(menu_index(), question, look, NULL);
	if (found < 0 || found > KNOWLEDGE_HITS)
		abort();
	buf_free(&match);
	free(question);
	return 0;
}
