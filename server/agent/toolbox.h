#ifndef AGENT_TOOLBOX_H
#define AGENT_TOOLBOX_H
/* The tools a call's model has called: which are running, what is to be told of
 * them and when, and what is shown of them afterwards.
 *
 * Agent loop only, pure: it decides, the agent loop does. A tool runs once for
 * each call id the model gives it. Those of one response are a batch: they are
 * answered together, once all have an answer and the response is over, and then
 * one answer to the caller is asked for. While they run, the caller hears a
 * filler, once.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOOLBOX_RUNS = 128,   /* in one call; the model is told when it has had enough */
	TOOLBOX_BATCHES = 16, /* that wait for an answer at once */
	TOOL_ID_SIZE = 128,
	TOOL_NAME_SIZE = 128,
	TOOL_SHOWN = 2048,              /* bytes kept of arguments, to be shown */
	TOOL_FILLER_US = 1000000,       /* a caller notices that nothing happens */
	TOOL_FILLER_SPOKE_US = 4000000, /* … later, if the model has just said something */
	TOOL_GRACE_US = 2000000         /* over a tool's time limit: its own error should come by itself */
};

enum tool_state { TOOL_RUNNING, TOOL_ANSWERED, TOOL_TOLD };

struct tool_run {
	char call_id[TOOL_ID_SIZE], name[TOOL_NAME_SIZE];
	uint32_t batch;
	enum tool_state state;
	bool ok;
	bool ends;          /* the call ends with it: it is not waited for */
	char *arguments;    /* owned: what is shown of them */
	char *output;       /* owned: for the model; NULL once told */
	const char *filler; /* borrowed from the agent; NULL: none */
	int64_t at_ms, began_us, deadline_us, took_ms;
};

struct tool_batch {
	uint32_t no; /* 0: free */
	char response_id[TOOL_ID_SIZE];
	bool made;   /* the response is over */
	bool spoke;  /* … and the caller was told something in it, or since */
	bool filled; /* the filler was said, or is not needed any more */
	bool last;   /* the call ends with this: no answer is asked for */
};

struct toolbox {
	struct tool_run *runs; /* owned */
	size_t count, cap;
	struct tool_batch batches[TOOLBOX_BATCHES];
	uint32_t last_batch;
	bool dirty; /* changed since toolbox_put_json */
};

/* Zeroed is empty. */
void toolbox_free(struct toolbox *t);

enum tool_begun { TOOL_BEGUN, TOOL_KNOWN, TOOL_TOO_MANY };

struct tool_request { /* borrowed */
	const char *response_id, *call_id, *name, *arguments;
	const char *filler; /* kept: outlives the toolbox; NULL: none */
	int timeout_ms;
	int64_t at_ms; /* of the call, to be shown */
};

/* A tool is called. KNOWN: that id was called before, nothing is to be done.
 * TOO_MANY: not kept; nothing can be answered. */
enum tool_begun toolbox_begin(struct toolbox *t, const struct tool_request *request, int64_t now_us);

struct tool_run *toolbox_find(struct toolbox *t, const char *call_id);

/* Something to be shown among them, that others have done. */
void toolbox_note(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, bool ok, int64_t at_ms);

/* Its answer. False if none is expected (any more). */
bool toolbox_answer(struct toolbox *t, const char *call_id, bool ok, const char *output, int64_t now_us);

/* The caller was told something in that response. */
void toolbox_spoke(struct toolbox *t, const char *response_id);
/* Another response began: who waits is being talked to. */
void toolbox_talking(struct toolbox *t);
/* That response is over. */
void toolbox_made(struct toolbox *t, const char *response_id);
/* The call ends with what is done in that response, or, after all, does not. */
void toolbox_last(struct toolbox *t, const char *call_id, bool last);

/* The oldest batch to be told to the model; NULL if there is none. */
struct tool_batch *toolbox_ready(struct toolbox *t);
/* Its runs, one after the other; NULL after the last. */
struct tool_run *toolbox_next(struct toolbox *t, const struct tool_batch *batch, const struct tool_run *after);
/* They were told: the batch is over. */
void toolbox_told(struct toolbox *t, struct tool_batch *batch);

/* A run whose time is up; it is to be answered by an error. NULL: none. */
struct tool_run *toolbox_overdue(struct toolbox *t, int64_t now_us);

/* The filler to be said now, NULL if none is due; it is due once for a batch.
 * "" is one the agent may word itself. */
const char *toolbox_filler(struct toolbox *t, int64_t now_us);

/* Whether one runs that is waited for. */
bool toolbox_running(const struct toolbox *t);

/* When toolbox_overdue, or with `fillers` toolbox_filler, has something;
 * INT64_MAX: never. */
int64_t toolbox_deadline_us(const struct toolbox *t, bool fillers);

/* How much of a text is kept, whole characters only. */
size_t toolbox_shown_len(const char *text);

/* Appends what is shown of all, as a JSON array, and marks it clean. */
void toolbox_put_json(struct toolbox *t, struct buf *out);
void toolbox_put_run(const struct tool_run *run, struct buf *out);

#endif
