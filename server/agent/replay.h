#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H
/* What a session is told of the conversation before it. Pure.
 *
 * In order: what was said before the caller came back, turns with what was heard of them,
 * the tools that were called with what came of them, and last the place at which the
 * conversation is. It is bounded, the newest first; what is left out becomes one line, which names the tools in it. A tool
 * that runs is told of in a note: its call and its result follow when it is done. So is one of an MCP
 * server, which was no call of ours.
 */
#include "server/agent/timeline.h"
#include "server/agent/toolbox.h"

enum replay_kind { REPLAY_CALLER, REPLAY_AGENT, REPLAY_NOTE, REPLAY_CALL, REPLAY_RESULT };

struct replay_piece {
	enum replay_kind kind;
	const char *text; /* borrowed, mostly from what it is of */
	size_t len;
	struct turn *turn;    /* it is of this; or NULL */
	struct tool_run *run; /* it is of this; or NULL */
	char *own;            /* owned: the text; or NULL */
	bool cut;             /* of what a tool gave only the beginning */
};

struct replay_source {                 /* borrowed until replay_free */
	const struct fleet_said *said; /* before the caller came back; NULL: nothing, or it is known */
	const char *back;              /* a note behind it; "": none */
	struct timeline *timeline;
	struct toolbox *box;
	uint32_t session;  /* its number: what it knows is not told again, nor what was left out for it */
	bool text;         /* on a channel of text: a turn that is forming is told when it is whole */
	bool settled;      /* only the beginning that cannot change any more */
	bool written;      /* the caller's turns have words sooner or later */
	const char *place; /* the last note; "": none */
	size_t bytes;      /* of all texts, at most */
};

struct replay {
	struct replay_piece *pieces; /* owned; oldest first */
	size_t count, room;
	size_t left_out; /* turns, for want of room */
};

/* False: no memory; then it is empty. */
bool replay_make(struct replay *r, const struct replay_source *from);
void replay_free(struct replay *r); /* fine with a zeroed one */

#endif
