#ifndef KNOWLEDGE_KNOWLEDGE_H
#define KNOWLEDGE_KNOWLEDGE_H
/* The agents' knowledge: a folder of Markdown and text each, with an index that
 * follows the files.
 *
 * A thread of its own looks at the folders every second. Where something has
 * changed it builds a new index and puts it in place of the old one: a search
 * takes the index that is there and never waits for a build. A folder that goes
 * away leaves its last index standing. Agents with the same folder share it.
 */
#include "common/buf.h"
#include "server/knowledge/knowledge_index.h"

#include <stdbool.h>
#include <stddef.h>

struct knowledge;

/* Checks a folder. 0; or -errno with a sentence: it is missing, not a folder, not
 * readable. `warning` gets a line for each file left out, or says that the folder
 * holds no text. */
int knowledge_check(const char *folder, struct buf *problem, struct buf *warning);

struct knowledge *knowledge_new(void);    /* NULL: no memory */
int knowledge_start(struct knowledge *k); /* the thread; 0 or -errno. Without it an index follows no change */
void knowledge_free(struct knowledge *k); /* no search may be running; fine with NULL */

/* These folders are wanted from now on: builds the new ones (and blocks for as
 * long), forgets the rest. A failed build is logged, and tried again when the
 * folder changes. */
void knowledge_want(struct knowledge *k, const char *const *folders, size_t count);

/* Any thread but a call's loops. An unknown folder is built first. How many
 * passages were found, or -errno: there is no index. */
int knowledge_search(struct knowledge *k, const char *folder, const char *question, knowledge_found *found, void *arg);

/* For search_knowledge: appends {"found":…,"passages":[{"file","heading","text"},…]}
 * for the model, with a note when there is nothing. False: it says {"error":…}. */
bool knowledge_answer(struct knowledge *k, const char *folder, const char *question, struct buf *out);

/* For `--ask`: the same findings, for people. False: the search failed. */
bool knowledge_ask(struct knowledge *k, const char *folder, const char *question, struct buf *out);

/* An array, for /status; an empty one for NULL. */
void knowledge_put_status(struct knowledge *k, struct buf *out);

#endif
