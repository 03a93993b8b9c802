#ifndef AGENTS_AGENT_H
#define AGENTS_AGENT_H
/* An agent answers a number: it has a voice, instructions, knowledge, tools and
 * an outcome to find out. Each is one JSON file in AGENTS_DIR; the settings fill
 * in keys that the file leaves out.
 *
 * Constant once loaded; shared by any thread that holds a reference.
 */
#include "common/buf.h"
#include "server/agents/fallback.h"
#include "server/agents/phrases.h"
#include "server/agents/relay_options.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum machine_action { MACHINE_IGNORE, MACHINE_MESSAGE, MACHINE_HANGUP };
enum outcome_fill { OUTCOME_BOTH, OUTCOME_IN_CALL, OUTCOME_AFTER };

/* Events of outgoing webhooks, as bits. */
enum webhook_events {
	WEBHOOK_CALL_STARTED = 1,
	WEBHOOK_CALL_ENDED = 2,
	WEBHOOK_CALL_FAILED = 4,
	WEBHOOK_OUTCOME_CREATED = 8,
	WEBHOOK_CALL_RECONNECTED = 16,
	WEBHOOK_VOICEMAIL_LEFT = 32,
	WEBHOOK_ALL = 63
};

/* Their names, in the order of their bits. */
enum { WEBHOOK_EVENTS = 6 };
static const char *const webhook_event_names[WEBHOOK_EVENTS] = { "call.started", "call.ended", "call.failed",
	"record.created", "call.reconnected", "voicemail.left" };

struct agent_tool {
	const char *name, *description;
	const char *parameters; /* JSON Schema, as text */
	const char *url;
	int timeout_ms;     /* 8000 */
	const char *filler; /* the words said when it takes longer than a second; "" for the default */
};

struct agent_mcp { /* called by the model's side, and never asks for approval */
	const char *label, *url;
	const char *authorization; /* a key: never log; "" none */
	const char *const *allowed;
	size_t allowed_count;
	bool allows_some; /* only the `allowed` ones; else all it has */
};

struct agent_destination {
	const char *name, *description;
	const char *number; /* E.164 or sip: */
	int ring_seconds;   /* 25 */
};

enum { INSTANTS_MAX = 32 };

struct agent_instant {           /* a fixed answer, given at once */
	const char *const *when; /* what callers say then, among other words perhaps */
	size_t when_count;
	const char *say;
};

struct agent_webhook {
	const char *url;
	unsigned events; /* enum webhook_events */
};

/* A way to the model that its sessions may take: the settings' endpoint of that number. */
struct agent_endpoint {
	int number;
	const char *model, *voice; /* there; NULL: the endpoint's own, or else the agent's */
};

struct agent {
	const char *name;           /* the file's, without .json; "default" for the built-in one */
	const char *file;           /* "" for the built-in one */
	const char *variant;        /* "" without */
	double weight;              /* of this variant among its siblings */
	const char *const *numbers; /* E.164; [number_count] */
	size_t number_count;

	/* As the settings of the same names. */
	enum call_channel channel;
	enum model_kind model_protocol;
	const char *openai_model, *voice;
	const struct agent_endpoint *endpoints; /* in order; without any, all there are, in theirs */
	size_t endpoint_count;
	double speed;
	const char *const *languages; /* ISO-639-1; the first is the main one */
	size_t language_count;
	const char *instructions; /* a template, see template.h */
	const char *transcription_model, *transcription_language;
	enum turn_detection turn_detection;
	double vad_threshold;
	int vad_prefix_ms, vad_silence_ms;
	const char *vad_eagerness;
	bool interruptible;
	const char *noise_reduction, *reasoning_effort;
	int max_output_tokens;
	enum greeting_mode greeting_mode;
	const char *greeting; /* a template */
	int greeting_protect_ms;

	struct relay relay; /* for calls by ConversationRelay */

	/* What it can do */
	const struct agent_tool *tools;
	size_t tool_count;
	const struct agent_mcp *mcps;
	size_t mcp_count;
	const char *knowledge; /* folder, absolute or from the working directory; "" none */
	const struct agent_destination *destinations;
	size_t destination_count;
	bool sends_digits; /* may press keys: the tool send_digits */

	const struct agent_instant *instants;
	size_t instant_count;

	/* After the call, and beside it */
	const char *outcome_schema;       /* JSON Schema, as text; "" none */
	const char *outcome_instructions; /* "" for the default */
	enum outcome_fill outcome_fill;
	const struct agent_webhook *webhooks;
	size_t webhook_count;
	const char *signing_secret; /* for tools and webhooks; never log */
	enum recording_mode record;

	/* Limits, and the way out in trouble */
	int max_call_seconds, idle_seconds, reprompt_seconds, hold_music_seconds;
	double max_call_cost;           /* USD; 0: none */
	const char *fallback_number;    /* "" none */
	struct agent_fallback fallback; /* the ladder; see fallback.h */
	enum machine_action machine;
	const char *machine_message; /* an instruction; a template */

	/* Itself by gather, over the text API, for calls whose own way fails; NULL: that is its own. `stands_in`: it
	 * is such a one. */
	const struct agent *by_gather;
	bool stands_in;

	/* What people hear besides the conversation; read by phrase_of */
	const char *phrases[PHRASE_COUNT];    /* NULL: the built-in one */
	const char *say_voice, *say_language; /* for <Say>; "" as in struct spoken */
};

/* The built-in agent: the settings' values and nothing else. Strings are
 * borrowed from `cfg`, which outlives every agent. */
void agent_from_config(struct agent *p, const struct config *cfg);

/* Of one that was read: the transcription follows the agent's languages unless the file names one of its own. The model
 * answers in the language it hears, so with several languages the instructions must list them. */
void agent_settle_languages(struct agent *p, const struct config *cfg);

/* Once all that was read is known: by gather it has the text API; by that the text model, if no other was named.
 * Then it gets its stand-in. */
void agent_settle_model(struct agent *p, const struct config *cfg);

/* Why calls cannot be carried like this, as the end of a sentence; NULL: they can. */
const char *agent_channel_problem(enum call_channel channel, enum model_kind protocol, enum recording_mode record);

/* Its calls come by a channel of text: the phone's service hears and speaks. */
static inline bool agent_in_text(const struct agent *p)
{
	return p->channel != CHANNEL_STREAM;
}

/* On a stream its model answers no turn by itself, since the words may have an instant answer. */
static inline bool agent_asks(const struct agent *p)
{
	return p->instant_count && *p->transcription_model;
}

/* What its file says of the settings' endpoint of that number; NULL: nothing. */
const struct agent_endpoint *agent_endpoint(const struct agent *p, int number);

/* Its sessions may be opened at the settings' endpoint of that number. */
bool agent_takes_endpoint(const struct agent *p, int number);

/* One line that describes it, for --check. It holds whole numbers: not for logs. */
void agent_describe(const struct agent *p, bool answers_rest, struct buf *out);

/* Any thread. Each retain is matched by a release; NULL is fine. */
const struct agent *agent_retain(const struct agent *p);
void agent_release(const struct agent *p);

#endif
