#ifndef AGENT_TOOLBOX_H
#define AGENT_TOOLBOX_H
/* The tools a call's model has called: by which name and with what, what came of it,
 * and what is shown of that.
 *
 * Agent loop only, pure. A tool runs once for each call id the model gives it. When
 * its result is told, and what the caller hears meanwhile, is decided by the
 * dialogue, which knows a run by its number.
 */
#include "common/buf.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOOLBOX_RUNS = 128, /* in one call; the model is told when it has had enough */
	TOOL_ID_SIZE = 128,
	TOOL_NAME_SIZE = 128,
	TOOL_SHOWN = 2048 /* bytes kept of arguments, to be shown */
};

struct tool_run {
	uint32_t no; /* from 1 */
	char call_id[TOOL_ID_SIZE], name[TOOL_NAME_SIZE];
	bool answered, ok;
	char *arguments; /* owned: what is shown of them */
	char *output;    /* owned: for the model; NULL once told */
	int64_t at_ms, began_us, took_ms;
};

struct toolbox {
	struct tool_run *runs; /* owned */
	size_t count, cap;
	bool dirty; /* changed since toolbox_put_json */
};

/* Zeroed is empty. */
void toolbox_free(struct toolbox *t);

enum tool_begun { TOOL_BEGUN, TOOL_KNOWN, TOOL_TOO_MANY };

/* A tool is called, `at_ms` of the call; its run is the last. KNOWN: that id was
 * called before, nothing is to be done. TOO_MANY, or the id is too long: not kept.
 * Runs are valid until the next one begins. */
enum tool_begun toolbox_begin(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, int64_t at_ms, int64_t now_us);
/* Takes back the run that has just begun. */
void toolbox_drop(struct toolbox *t);

struct tool_run *toolbox_find(struct toolbox *t, const char *call_id);
struct tool_run *toolbox_no(struct toolbox *t, uint32_t no); /* NULL: no such run */

/* Something to be shown among them, that others have done. */
void toolbox_note(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, bool ok, int64_t at_ms);

/* Its answer, and once it was told. */
void toolbox_answer(struct toolbox *t, struct tool_run *run, bool ok, const char *output, int64_t now_us);
void toolbox_told(struct tool_run *run);

/* How much of a text is kept, whole characters only. */
size_t toolbox_shown_len(const char *text);

/* Appends what is shown of all, as a JSON array, and marks it clean. */
void toolbox_put_json(struct toolbox *t, struct buf *out);

/* One run, as others are told of it, without its answer; borrowed from it. */
void toolbox_tell(const struct tool_run *run, struct call_tool *out);

#endif
