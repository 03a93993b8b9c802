#ifndef KNOWLEDGE_KNOWLEDGE_INDEX_H
#define KNOWLEDGE_KNOWLEDGE_INDEX_H
/* The index of one state of a folder: passages in an FTS5 table, built once and
 * constant after. What is compared is not what is told (knowledge_words.h).
 *
 * It is a SQLite database in memory, and every reader has a connection of its
 * own to the same bytes. So readers share no lock, no disk has to be writable,
 * and there is no stale file to tell from a good one. 2 MB of text are rebuilt in
 * a fraction of a second.
 */
#include "common/buf.h"

#include <stddef.h>
#include <stdint.h>

struct knowledge_index;

enum {
	KNOWLEDGE_HITS = 5,
	KNOWLEDGE_BYTES = 4096 /* of text, all hits together */
};

struct knowledge_facts {
	size_t files, left_out, passages, text_bytes, index_bytes;
	int64_t took_ms; /* to read and build */
};

struct knowledge_hit { /* borrowed for the length of the call */
	const char *file, *heading, *text;
	double score; /* bm25, larger is better; comparable within one search */
};

typedef void knowledge_found(void *arg, const struct knowledge_hit *hit);

/* Reads the folder. `skipped` gets a line for whatever is left out. 0 and one
 * reference, or -errno. */
int index_build(struct knowledge_index **out, const char *folder, struct buf *skipped);

/* Any thread. */
struct knowledge_index *index_retain(struct knowledge_index *index);
void index_release(struct knowledge_index *index); /* fine with NULL */

/* Any thread; best first, at most KNOWLEDGE_HITS. How many were found, or
 * -errno. */
int index_search(struct knowledge_index *index, const char *question, knowledge_found *found, void *arg);

const struct knowledge_facts *index_facts(const struct knowledge_index *index);

#endif
