#ifndef AGENT_TOOLBOX_H
#define AGENT_TOOLBOX_H
/* The tool runs of a call: names, arguments, results, and the part of them that is shown.
 *
 * Agent loop only, pure. A tool runs once for each call id of the model's. The dialogue
 * knows a run by its number, and decides when its result is told and what the caller
 * hears meanwhile.
 */
#include "common/buf.h"
#include "server/agent/dialogue/dialogue.h"
#include "server/model/protocol.h"
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOOLBOX_RUNS = RUNS_MAX,  /* in one call; further ones are answered with an error */
	TOOL_SHOWN = 2048,        /* bytes of arguments, and of a result, that are shown */
	TOOLBOX_KEPT = 128 * 1024 /* bytes of long arguments and of results, the newest, for sessions to come */
};

struct tool_run {
	uint32_t no;          /* from 1 */
	char *call_id, *name; /* owned */
	bool answered, ok;
	bool foreign;         /* of another party: other sessions are told of it in a note */
	char *arguments;      /* owned: the part that is shown */
	bool cut;             /* that is not all of them … */
	char *whole;          /* … but this is; owned. NULL: not kept */
	char *output;         /* owned: for the model. NULL: nothing, or not kept */
	bool told;            /* a session knows it */
	uint32_t session;     /* the number of the session that knows of the call */
	uint32_t left_out_of; /* the number of the last session that was not told it for want of room */
	int64_t at_ms, began_us, took_ms;
};

struct toolbox {
	struct tool_run *runs; /* owned */
	size_t count, cap;
	bool dirty; /* changed since the last toolbox_put_json */
};

/* Zeroed is empty. */
void toolbox_free(struct toolbox *t);

enum tool_begun { TOOL_BEGUN, TOOL_KNOWN, TOOL_TOO_MANY };

/* Begins a run at `at_ms` of the call; it is the last one. KNOWN: that id was called
 * before. TOO_MANY: full, or no memory; nothing is kept. Runs are
 * valid until the next one begins. */
enum tool_begun toolbox_begin(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, int64_t at_ms, int64_t now_us);
/* Removes the run that has just begun. */
void toolbox_drop(struct toolbox *t);

struct tool_run *toolbox_find(struct toolbox *t, const char *call_id);
struct tool_run *toolbox_no(struct toolbox *t, uint32_t no); /* NULL: no such run */

/* A run of another party, an MCP server's tool that the service of this session calls: it begins, or what came of it. */
void toolbox_note(
    struct toolbox *t, const struct model_mcp_item *item, uint32_t session, int64_t at_ms, int64_t now_us);

/* Keeps a run's result; once the model was told, as long as there is room. */
void toolbox_result(struct toolbox *t, struct tool_run *run, bool ok, const char *output, int64_t now_us);
void toolbox_told(struct toolbox *t, struct tool_run *run);

/* What another session is told that it was called with, in so many bytes at most: an object in any case. */
const char *toolbox_arguments(const struct tool_run *run, size_t most);

/* How many bytes of a text there are within `most`, whole characters only; and how many are shown. */
size_t toolbox_fit(const char *text, size_t most);
size_t toolbox_shown_len(const char *text);

/* Appends all runs as a JSON array, and clears `dirty`. */
void toolbox_put_json(struct toolbox *t, struct buf *out);

/* One run as a value for others, without its result; borrowed from it. */
void toolbox_tell(const struct tool_run *run, struct call_tool *out);

#endif
