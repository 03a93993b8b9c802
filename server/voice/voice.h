#ifndef VOICE_VOICE_H
#define VOICE_VOICE_H
/* The agents' fixed lines in their own voices: said once by a session of its own, outside any call,
 * and kept as sound for callers who would otherwise hear nothing: while the model is being dialled,
 * while it takes its time, and when it is gone.
 *
 * For agents whose calls come by a stream and whose model speaks (the realtime protocol): the greeting,
 * if its words are fixed and have no variables, and the phrases that a stream may need
 * (phrase_on_stream). A line is known by protocol, model, voice, speed and text, so agents share it;
 * model and voice are those of the agent's first endpoint.
 *
 * A thread of its own makes them, one at a time and VOICE_RATE a minute, at start and after a reload,
 * as far as the day's cost allows. What it made lies in memory, and with DATA_DIR in DATA_DIR/voice.
 */
#include "common/buf.h"
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/config/config.h"
#include "server/model/endpoints.h"

#include <stddef.h>

struct spending;
struct voice;

enum { VOICE_HZ = 8000 };

/* Immutable. It lives until the last of its users has released it: a call may outlive the reload that
 * wants it no more. */
struct voice_line {
	const unsigned char *ulaw; /* mu-law at 8 kHz, without a header */
	size_t bytes;
};

/* All borrowed until voice_close. */
struct voice_parts {
	const struct config *cfg;
	const struct model_endpoints *endpoints;
	struct agents *agents;
	struct spending *spending; /* NULL: nothing is booked, and no limit */
};

/* Starts the thread, which begins as after a reload. With VOICE_CACHE=off *out is NULL, and
 * everything below is fine with that. 0 or -errno. */
int voice_open(struct voice **out, const struct voice_parts *parts);

/* Ends the thread, and a session that is being used at the time. Lines that are still in use live on. */
void voice_close(struct voice *v);

/* Begins nothing new from here on: nothing more is made. Does not wait. */
void voice_drain(struct voice *v);

/* After a reload: the lines of all agents are wanted now, and no others; what is missing
 * will be made, and what failed before is tried again. Does not wait. */
void voice_follow_agents(struct voice *v);

/* The line of that agent with this text; voice_release it. NULL: it is not there (yet). Any thread,
 * also a call's loops: it waits for no disk, no network, and no lock that is held for longer than a look. */
const struct voice_line *voice_find(struct voice *v, const struct agent *p, const char *text);
void voice_release(const struct voice_line *line); /* any thread; fine with NULL */

/* For /status, into the object that is open. */
void voice_put_status(struct voice *v, struct json_out *j);

#endif
