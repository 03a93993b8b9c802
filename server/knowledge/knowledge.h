#ifndef KNOWLEDGE_KNOWLEDGE_H
#define KNOWLEDGE_KNOWLEDGE_H
/* What agents know: a folder of Markdown and text each, kept as an index that
 * follows the files.
 *
 * A thread of its own looks at the folders every second, builds a new
 * index where something has changed, and puts it in place of the old one: a
 * search takes whichever is there and never waits for a build. A folder that
 * goes away leaves the last index standing. Agents with the same folder share
 * it.
 */
#include "common/buf.h"
#include "server/knowledge/knowledge_index.h"

#include <stdbool.h>
#include <stddef.h>

struct knowledge;

/* Would this folder do? 0; or -errno with a sentence: it is missing, not a
 * folder, not readable. `warning` gets a line for each file left out, or says
 * that there is nothing in it. */
int knowledge_check(const char *folder, struct buf *problem, struct buf *warning);

struct knowledge *knowledge_new(void);    /* NULL: no memory */
int knowledge_start(struct knowledge *k); /* the thread; 0 or -errno. What is searched without it follows no change */
void knowledge_free(struct knowledge *k); /* no search may be running; fine with NULL */

/* These folders are wanted from now on: builds what is new (blocks for as long
 * as that takes), forgets the rest. What cannot be built is logged, and tried
 * again whenever the folder changes. */
void knowledge_want(struct knowledge *k, const char *const *folders, size_t count);

/* Any thread but a call's loops. A folder nobody wanted is built first. How many
 * were found, or -errno: there is no index. */
int knowledge_search(struct knowledge *k, const char *folder, const char *question, knowledge_found *found, void *arg);

/* For search_knowledge: appends {"found":…,"passages":[{"file","heading","text"},…]}
 * for the model, with a note when there is nothing. False: it says {"error":…}. */
bool knowledge_answer(struct knowledge *k, const char *folder, const char *question, struct buf *out);

/* For `--ask`: what that would find, for people. False: could not look. */
bool knowledge_ask(struct knowledge *k, const char *folder, const char *question, struct buf *out);

/* An array, for /status; an empty one for NULL. */
void knowledge_put_status(struct knowledge *k, struct buf *out);

#endif
