#include "server/knowledge/knowledge_index.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/knowledge/knowledge_folder.h"
#include "server/knowledge/knowledge_passages.h"
#include "server/knowledge/knowledge_query.h"
#include "server/knowledge/knowledge_words.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connections kept for the next search; more are opened when more search. */
enum { READERS_KEPT = 4, MAP_BYTES = 256 << 20 };

struct reader {
	sqlite3 *db;
	sqlite3_stmt *search;
};

/* The image is written once, by index_build, and then only read: connections to it may be used by
 * several threads at once, each by one. The lock guards the list of idle connections. */
struct knowledge_index {
	_Atomic int refs;
	struct knowledge_facts facts;
	unsigned char *image; /* owned: the database's bytes; constant */
	sqlite3_int64 size;
	pthread_mutex_t lock;
	struct reader kept[READERS_KEPT]; /* under lock */
	int kept_count;
};

/* --------------------------------------------------------------------- building */

/* Passages as they are told, and `words`, which is as they are compared (knowledge_words.h) and keeps
 * no text. The tokenizer folds case and drops accents, so "Cafe" finds "café". A heading says what its
 * passage is about: a word there counts for four. The rank is stored with the table, for every
 * search. */
static const char make_tables[] = "PRAGMA journal_mode = OFF;"
				  "CREATE TABLE passages (id INTEGER PRIMARY KEY, file, heading, text);"
				  "CREATE VIRTUAL TABLE words USING fts5 (file, heading, text, content = '',"
				  " tokenize = 'unicode61 remove_diacritics 2');"
				  "INSERT INTO words (words, rank) VALUES ('rank', 'bm25(1.0, 4.0, 1.0)');"
				  "BEGIN;";

struct building {
	sqlite3_stmt *passage, *words;
	struct knowledge_facts *facts;
	const char *file;
	struct buf spelled[3]; /* the words of the columns; only to keep their memory */
	struct buf *left_out;  /* a line for each */
	size_t unseen_files;
	char first_unseen[FOLDER_PATH_MAX];
};

static bool insert(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	sqlite3_reset(s);
	return rc == SQLITE_DONE;
}

/* A passage_taken. The statements are prepared once for the whole build. */
static int add_passage(void *arg, const char *heading, const char *text, size_t len)
{
	struct building *b = arg;
	const struct span columns[] = { { b->file, strlen(b->file) }, { heading, strlen(heading) }, { text, len } };
	sqlite3_int64 id = (sqlite3_int64)++b->facts->passages;
	int err = 0;

	sqlite3_bind_int64(b->passage, 1, id);
	sqlite3_bind_int64(b->words, 1, id);
	for (int i = 0; i < 3; i++) {
		struct buf *spelled = &b->spelled[i];

		buf_reset(spelled);
		words_put(spelled, columns[i].p, columns[i].n);
		err = err ? err : buf_error(spelled);
		sqlite3_bind_text(b->passage, i + 2, columns[i].p, (int)columns[i].n, SQLITE_STATIC);
		sqlite3_bind_text(b->words, i + 2, buf_text(spelled), (int)spelled->len, SQLITE_STATIC);
	}
	return err ? err : insert(b->passage) && insert(b->words) ? 0 : -ENOMEM;
}

/* Whoever forgot to close a comment is told where; of the rest, that there is some. */
static int add_file(void *arg, const char *path, const char *text, size_t len, bool markdown)
{
	struct building *b = arg;
	struct unseen unseen;
	int err;

	b->file = path;
	b->facts->files++;
	b->facts->text_bytes += len;
	err = passages_split(text, len, markdown, add_passage, b, &unseen);
	if (err)
		return err;
	if (unseen.open_line)
		buf_printf(b->left_out, "%s: from line %zu on it is left out: a comment begins there and never ends\n",
		    path, unseen.open_line);
	else if ((unseen.front_matter || unseen.comments) && !b->unseen_files++)
		snprintf(b->first_unseen, sizeof b->first_unseen, "%s", path);
	return 0;
}

/* An error of SQLite in memory is taken for a lack of memory. "optimize" merges the index into one
 * tree, for quicker searches. */
static int fill(struct building *b, sqlite3 *db, const char *folder)
{
	static const char optimize[] = "INSERT INTO words (words) VALUES ('optimize'); COMMIT";
	int err = -ENOMEM;

	if (sqlite3_exec(db, make_tables, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "INSERT INTO passages VALUES (?1, ?2, ?3, ?4)", -1, &b->passage, NULL) ==
		SQLITE_OK &&
	    sqlite3_prepare_v2(db, "INSERT INTO words (rowid, file, heading, text) VALUES (?1, ?2, ?3, ?4)", -1,
		&b->words, NULL) == SQLITE_OK)
		err = folder_read(folder, add_file, b, b->left_out, &b->facts->left_out);
	sqlite3_finalize(b->passage);
	sqlite3_finalize(b->words);
	for (size_t i = 0; i < sizeof b->spelled / sizeof *b->spelled; i++)
		buf_free(&b->spelled[i]);
	if (!err && b->unseen_files)
		buf_printf(b->left_out, "%s%s: front matter and comments are left out, as readers do not see them\n",
		    b->first_unseen, b->unseen_files > 1 ? " and others" : "");
	if (!err && sqlite3_exec(db, optimize, NULL, NULL, NULL) != SQLITE_OK)
		err = -ENOMEM;
	return err;
}

/* The database is built by a connection of its own, serialized into one block of bytes, and closed. */
int index_build(struct knowledge_index **out, const char *folder, struct buf *skipped)
{
	struct knowledge_index *index = calloc(1, sizeof *index);
	struct building b = { .left_out = skipped };
	int64_t began_us = clock_now_us();
	sqlite3 *db = NULL;
	int err;

	if (!index)
		return -ENOMEM;
	pthread_mutex_init(&index->lock, NULL);
	atomic_init(&index->refs, 1);
	b.facts = &index->facts;
	for (size_t i = 0; i < sizeof b.spelled / sizeof *b.spelled; i++)
		buf_init(&b.spelled[i], 0);
	err = sqlite3_open(":memory:", &db) == SQLITE_OK ? fill(&b, db, folder) : -ENOMEM;
	if (!err) {
		index->image = sqlite3_serialize(db, "main", &index->size, 0);
		err = index->image ? 0 : -ENOMEM;
	}
	sqlite3_close(db);
	index->facts.index_bytes = (size_t)index->size;
	index->facts.took_ms = (clock_now_us() - began_us) / US_PER_MS;
	if (err)
		index_release(index);
	else
		*out = index;
	return err;
}

/* -------------------------------------------------------------------- searching */

static void close_reader(struct reader *r)
{
	sqlite3_finalize(r->search);
	sqlite3_close(r->db);
}

static int open_reader(struct knowledge_index *index, struct reader *r)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX; /* one thread at a time has it */

	*r = (struct reader){ NULL, NULL };
	/* Read-only, because otherwise each connection would take the bytes for its own.
	 * Mapped, so that pages are read in place instead of being copied. */
	if (sqlite3_open_v2(":memory:", &r->db, flags, NULL) == SQLITE_OK &&
	    sqlite3_deserialize(r->db, "main", index->image, index->size, index->size, SQLITE_DESERIALIZE_READONLY) ==
		SQLITE_OK) {
		sqlite3_int64 map = MAP_BYTES;

		sqlite3_file_control(r->db, "main", SQLITE_FCNTL_MMAP_SIZE, &map);
		if (sqlite3_prepare_v2(r->db,
			"SELECT p.file, p.heading, p.text, w.rank FROM words w JOIN passages p ON p.id = w.rowid"
			" WHERE words MATCH ?1 ORDER BY w.rank LIMIT ?2",
			-1, &r->search, NULL) == SQLITE_OK)
			return 0;
	}
	close_reader(r);
	return -ENOMEM;
}

/* An idle connection, else a new one: a search never waits for another search. */
static int take_reader(struct knowledge_index *index, struct reader *r)
{
	pthread_mutex_lock(&index->lock);
	if (index->kept_count) {
		*r = index->kept[--index->kept_count];
		pthread_mutex_unlock(&index->lock);
		return 0;
	}
	pthread_mutex_unlock(&index->lock);
	return open_reader(index, r);
}

static void give_reader(struct knowledge_index *index, struct reader *r)
{
	pthread_mutex_lock(&index->lock);
	if (index->kept_count < READERS_KEPT) {
		index->kept[index->kept_count++] = *r;
		r = NULL;
	}
	pthread_mutex_unlock(&index->lock);
	if (r)
		close_reader(r);
}

static const char *column(sqlite3_stmt *s, int i)
{
	const unsigned char *text = sqlite3_column_text(s, i);

	return text ? (const char *)text : "";
}

/* Rows come best first. The bound on bytes keeps the tool's answer short, because the model reads
 * all of it before it speaks; the best passage is given whatever its length. */
static int run_search(struct reader *r, const char *match, knowledge_found *found, void *arg)
{
	size_t bytes = 0;
	int count = 0, rc;

	sqlite3_bind_text(r->search, 1, match, -1, SQLITE_STATIC);
	sqlite3_bind_int(r->search, 2, KNOWLEDGE_HITS);
	while ((rc = sqlite3_step(r->search)) == SQLITE_ROW) {
		struct knowledge_hit hit = { column(r->search, 0), column(r->search, 1), column(r->search, 2),
			-sqlite3_column_double(r->search, 3) };

		bytes += strlen(hit.text);
		if (count && bytes > KNOWLEDGE_BYTES)
			break;
		found(arg, &hit);
		count++;
	}
	sqlite3_reset(r->search);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? count : -EIO;
}

int index_search(struct knowledge_index *index, const char *question, knowledge_found *found, void *arg)
{
	struct reader reader;
	struct buf match;
	int count = 0;

	buf_init(&match, 0);
	if (query_put_match(&match, question)) {
		count = buf_error(&match) ? -ENOMEM : take_reader(index, &reader);
		if (!count) {
			count = run_search(&reader, buf_text(&match), found, arg);
			give_reader(index, &reader);
		}
	}
	buf_free(&match);
	return count;
}

/* ------------------------------------------------------------------- references */

struct knowledge_index *index_retain(struct knowledge_index *index)
{
	atomic_fetch_add(&index->refs, 1);
	return index;
}

void index_release(struct knowledge_index *index)
{
	if (!index || atomic_fetch_sub(&index->refs, 1) != 1)
		return;
	for (int i = 0; i < index->kept_count; i++)
		close_reader(&index->kept[i]);
	sqlite3_free(index->image);
	pthread_mutex_destroy(&index->lock);
	free(index);
}

const struct knowledge_facts *index_facts(const struct knowledge_index *index)
{
	return &index->facts;
}
