#ifndef MODEL_REALTIME_SAY_H
#define MODEL_REALTIME_SAY_H
/* What we say. Each appends one message; nothing else may be in `out`. */
#include "server/model/realtime.h"

struct realtime_options {
	const char *instructions; /* the agent's with this call's values in place */
	const char *tools;        /* a JSON array; "" or NULL: none */
	enum audio_format audio_format;
	bool plain;   /* leave out what some services do not know (reasoning, noise reduction, …) */
	bool protect; /* turn detection neither answers nor interrupts for now */
};

void realtime_session_update(
    struct buf *out, const char *event_id, const struct agent *agent, const struct realtime_options *options);

/* Only the turn detection, as the agent has it. */
void realtime_turn_detection(struct buf *out, const char *event_id, const struct agent *agent);
/* The same, but it neither answers nor interrupts: last words. */
void realtime_turn_detection_deaf(struct buf *out, const char *event_id, const struct agent *agent);

/* Caller audio in the session's format. */
void realtime_append(struct buf *out, const uint8_t *bytes, size_t len);

void realtime_user_text(struct buf *out, const char *event_id, const char *text);
void realtime_system_text(struct buf *out, const char *event_id, const char *text);
/* What the agent has said, when it is told to a new session. */
void realtime_assistant_text(struct buf *out, const char *event_id, const char *text);

/* `instructions` NULL: those of the session. They replace the session's, so
 * the caller repeats what must stay. */
void realtime_response_create(struct buf *out, const char *event_id, const char *instructions, bool tools_off);
/* `exact`: the greeting is the words to say, else an instruction. */
void realtime_greeting(
    struct buf *out, const char *event_id, const char *instructions, const char *greeting, bool exact);

/* One answer: `text` is an instruction on top of the session's, or with `exact`
 * the words themselves, and then no tool is called. */
void realtime_say(struct buf *out, const char *event_id, const char *instructions, const char *text, bool exact);
void realtime_response_cancel(struct buf *out, const char *event_id, const char *response_id);
void realtime_truncate(struct buf *out, const char *event_id, const char *item_id, int64_t audio_end_ms);

const char *realtime_format_type(enum audio_format format);

#endif
