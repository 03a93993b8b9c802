#ifndef WORK_TOOL_CALL_H
#define WORK_TOOL_CALL_H
/* One call of a tool by the model, carried out on the pool of jobs for which a
 * caller waits: POSTed to the agent's own server, or done by one of ours
 * (search_knowledge, save_record). The result goes back through `finished`, once;
 * a failure goes back as {"error":{"code","message"}}, in words a model can tell
 * a caller.
 *
 * A call's loops only start it; end or interrupt it by the flag it shares with
 * all tool calls of its telephone call.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "common/json_out.h"
#include "server/agents/agent.h"
#include "server/work/jobs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOOL_ANSWER_MAX = 64 * 1024, TOOL_ARGUMENTS_MAX = 64 * 1024 };

/* Shared by the calls of one telephone call; counted, since jobs outlive it. */
struct tool_cancel {
	_Atomic bool on;
	_Atomic int refs;
};

struct tool_cancel *tool_cancel_new(void); /* with one reference; NULL: no memory */
struct tool_cancel *tool_cancel_retain(struct tool_cancel *cancel);
void tool_cancel_release(struct tool_cancel *cancel); /* fine with NULL */

/* The receiver of the result. Opaque here. */
struct tool_asker {
	void *to;
	uint32_t index, generation;
};

enum tool_failure {
	TOOL_OK,
	TOOL_TIMEOUT,     /* no whole answer in time */
	TOOL_UNREACHABLE, /* no such name, no connection, TLS refused: nothing was sent */
	TOOL_LOST,        /* sent, and no whole answer came */
	TOOL_STATUS,      /* an answer that is not 2xx; redirects are not followed */
	TOOL_BAD_ANSWER,  /* not JSON, or too large */
	TOOL_BUSY,        /* too many jobs wait */
	TOOL_BAD_CALL,    /* the model's arguments make no sense */
	TOOL_OWN,         /* one of ours says no, in its own words */
	TOOL_CANCELLED    /* the telephone call is over: nobody reads this */
};
const char *tool_failure_name(enum tool_failure failure);

/* On a job thread; or, when there is no room in the queue, within
 * tool_call_submit. `json` is borrowed: for the model. */
typedef void tool_finished(
    const struct tool_asker *asker, const char *call_id, enum tool_failure failure, const char *json);

struct work;

struct tool_call {
	struct job job;            /* first */
	const struct agent *agent; /* retained */
	char call_sid[FOREIGN_ID_SIZE];
	char *call_id;   /* owned: the model's */
	char *name;      /* owned */
	char *arguments; /* owned: a JSON object */
	char *facts;     /* owned: the telephone call as a JSON object */
	int64_t began_us, deadline_us;
	struct work *work;          /* whose pool it is on; set by tool_call_submit */
	struct tool_cancel *cancel; /* retained */
	struct tool_asker asker;
	tool_finished *finished;
};

/* Copies the texts; the caller fills in call_sid, asker and finished. NULL: no memory. */
struct tool_call *tool_call_new(const struct agent *agent, struct tool_cancel *cancel, const char *call_id,
    const char *name, const char *arguments, const char *facts);
void tool_call_free(struct tool_call *call); /* one that was not submitted; fine with NULL */

/* Any thread, does not wait. Takes the call: `finished` is called once. */
void tool_call_submit(struct tool_call *call, struct work *work, int timeout_ms);

/* Instead of that: takes the call and finishes it at once. */
void tool_call_refuse(struct tool_call *call, enum tool_failure failure);

/* NULL: none of that name. */
const struct agent_tool *tool_of_agent(const struct agent *agent, const char *name);

/* One of ours. On a job thread; short (well under a second, or else within
 * call->deadline_us, looking at call->cancel->on). Appends a JSON object, also
 * when it says false: then {"error":{…}}, see tool_put_error. */
typedef bool tool_run(void *arg, const struct tool_call *call, struct buf *out);

struct tool_builtin {
	tool_run *run; /* NULL: not offered to the model */
	void *arg;
};

enum tool_builtin_kind { TOOL_SEARCH_KNOWLEDGE, TOOL_SAVE_RECORD, TOOL_BUILTINS };

/* At start and at the end only: before any call, and once no job runs any more. */
void tool_set_builtin(struct work *work, enum tool_builtin_kind kind, tool_run *run, void *arg);

/* NULL: none of that name, or this agent has no use for it. With a NULL `work` there is none. */
const struct tool_builtin *tool_builtin_of(const struct work *work, const struct agent *agent, const char *name);

/* Appends {"error":{"code":"…","message":"…"}}; both short, for the model. */
void tool_put_error(struct buf *out, const char *code, const char *message);
/* The member alone, into an object that is open. */
void tool_put_error_member(struct json_out *j, const char *code, const char *message);

#endif
