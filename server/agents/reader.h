#ifndef AGENTS_READER_H
#define AGENTS_READER_H
/* Reads JSON objects into structs by tables of keys. Every mistake is told with
 * its file, its place and a sentence; reading then goes on, to find the others
 * too. Only server/agents/ needs it.
 */
#include "server/agents/agent_memory.h"
#include "server/config/config_table.h"

#include <cjson/cJSON.h>

enum {
	READER_MISTAKES_MAX = 40, /* told for one file; more are counted */
	READER_TEXT_MAX = 65536   /* bytes of a text, or of a file of text */
};

struct reader {
	const struct config *cfg;
	struct agent_memory *memory; /* keeps the texts that were read */
	const char *file;            /* as people know it */
	const char *folder;          /* the file's, for names of other files */
	struct buf *problem;         /* a line for each mistake */
	struct buf *notes;           /* a line for each oddity that is no mistake */
	size_t mistakes;
	char path[256]; /* the place being read: tools[1].url */
};

/* A key that an object may have. */
struct key {
	const char *name;
	size_t at; /* offset in the struct that is filled */

	/* Exactly one of these gives the rule for the value. */
	const char *setting;        /* as the setting of that name */
	const struct setting *rule; /* like a setting with this rule */
	const struct key *keys;     /* an object of these, into the same struct */
	void (*read)(struct reader *r, const cJSON *value, void *into);

	bool required;
};

/* Reads the object at r->path. `more` holds further keys, or is NULL. Unknown keys
 * and keys that stand twice are mistakes. */
void reader_object(struct reader *r, const cJSON *object, const struct key *keys, const struct key *more, void *into);

/* The number of elements; 0, after telling, if it is no array of at most `max`. */
size_t reader_array(struct reader *r, const cJSON *array, size_t max);

/* Extends r->path by a key or an element. The answer is the mark that
 * reader_leave wants in order to go back. */
size_t reader_enter(struct reader *r, const char *key);
size_t reader_enter_element(struct reader *r, size_t i);
void reader_leave(struct reader *r, size_t mark);

/* A mistake at r->path; the sentence starts after the place: "must be …". */
void reader_wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same at a part of it. */
void reader_wrong_at(struct reader *r, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same of a value that is none of the words "a|b". */
void reader_wrong_word(struct reader *r, const char *words);

/* An oddity at a part of r->path. */
void reader_note_at(struct reader *r, const char *key, const char *sentence);

/* The string (borrowed from `value`), or NULL after telling the mistake. */
const char *reader_text(struct reader *r, const cJSON *value, size_t max);

/* A string of 1 to 64 letters, digits, _ and -, kept; NULL after telling. */
const char *reader_name(struct reader *r, const cJSON *value);

/* Keeps a text with {{variables}} in `out`, after telling those that are unknown; does nothing with NULL. */
void reader_template(struct reader *r, const char *text, const char **out);

/* The text of another file, named relative to the agent's folder; kept, without
 * blanks at its end. NULL after telling. */
const char *reader_file(struct reader *r, const char *name);

#endif
