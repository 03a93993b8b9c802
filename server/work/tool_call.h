#ifndef WORK_TOOL_CALL_H
#define WORK_TOOL_CALL_H
/* One call of a tool by the model, carried out on the pool of jobs for which a
 * caller waits: POSTed to the agent's own server, or done by one of ours
 * (search_knowledge, save_record). What comes of it goes back through
 * `answer`, once; a failure goes back as {"error":{"code","message"}}, in words
 * a model can tell a caller.
 *
 * A call's loops only start it; end or interrupt it by the flag it shares with
 * all tool calls of its telephone call.
 */
#include "common/buf.h"
#include "server/agents/profile.h"
#include "server/work/jobs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOOL_ANSWER_MAX = 64 * 1024, TOOL_ARGUMENTS_MAX = 64 * 1024, TOOL_SID_SIZE = 40 };

/* Shared by the calls of one telephone call; counted, since jobs outlive it. */
struct tool_cancel {
	_Atomic bool on;
	_Atomic int refs;
};

struct tool_cancel *tool_cancel_new(void); /* with one reference; NULL: no memory */
struct tool_cancel *tool_cancel_retain(struct tool_cancel *cancel);
void tool_cancel_release(struct tool_cancel *cancel); /* fine with NULL */

/* Who asked: to whom the answer goes back. Opaque here. */
struct tool_asker {
	void *to;
	uint32_t index, generation;
};

/* On a job thread, or on the thread that submitted when the queue is full.
 * `json` is borrowed. */
typedef void tool_answered(const struct tool_asker *asker, const char *call_id, bool ok, const char *json);

struct tool_call {
	struct job job;                /* first */
	const struct profile *profile; /* retained */
	char call_sid[TOOL_SID_SIZE];
	char *call_id;   /* owned: the model's */
	char *name;      /* owned */
	char *arguments; /* owned: a JSON object */
	char *facts;     /* owned: the telephone call as a JSON object */
	int64_t began_us, deadline_us;
	struct tool_cancel *cancel; /* retained */
	struct tool_asker asker;
	tool_answered *answer;
};

/* One of ours. On a job thread; short (well under a second, or else within
 * call->deadline_us, looking at call->cancel->on). Appends a JSON object, also
 * when it says false: then {"error":{…}}, see tool_put_error. */
typedef bool tool_builtin(const struct tool_call *call, struct buf *out);

enum tool_builtin_kind { TOOL_SEARCH_KNOWLEDGE, TOOL_SAVE_RECORD, TOOL_BUILTINS };

/* At start, before any call. What is not set is not offered to the model. */
void tool_set_builtin(enum tool_builtin_kind kind, tool_builtin *run);

/* Appends {"error":{"code":"…","message":"…"}}; both short, for the model. */
void tool_put_error(struct buf *out, const char *code, const char *message);

#endif
