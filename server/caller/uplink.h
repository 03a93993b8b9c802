#ifndef CALLER_UPLINK_H
#define CALLER_UPLINK_H
/* The caller's audio on its way to the model, and, while the caller loop has
 * the model writer, everything else that goes there.
 *
 * Caller loop only. Audio waits here only while the model is not ready or does
 * not read. What was sent stays as long as another session might need it: from
 * call->said_to on. A session that is met gets it before what waits. Both together
 * are BACKLOG_MS at most; beyond that the oldest is skipped, and counted if nobody
 * had it. It also watches how late the audio is, pads what never comes, works the valve
 * that trades 20 ms of delay for a third of the CPU, and while no model hears the caller, listens whether he speaks.
 */
#include "common/buf.h"
#include "server/line/call.h"
#include "server/caller/gate.h"
#include "server/caller/lateness.h"

struct converter;
struct phone_event;
struct recording;

struct uplink {
	struct call *call;
	int fd;                      /* Twilio's socket, for the valve and what waits in it */
	struct recording *recording; /* borrowed; NULL: not recorded */
	struct lateness lateness;
	struct gate gate;
	struct converter *converter; /* owned; NULL when the model speaks mu-law */
	struct buf audio;            /* mu-law: what was sent and is kept, then what waits */
	size_t kept;                 /* how much of it was sent */
	struct buf message;          /* one JSON message under construction */
	uint32_t session;            /* the one that was written to last */
	uint64_t sent;               /* the position behind what was sent (line/call.h) */
	uint64_t lost_to;            /* what is missing before this position was counted */
	uint64_t begun_ms;           /* of the call, when the stream began: 0, unless it follows another one */
	bool unsent;                 /* bytes are in the model connection's hands; POLLOUT tells */
	int64_t whole_us;            /* all was sent then */
	/* The valve */
	bool valve_open;
	uint32_t late_run, calm_run;
	size_t frame_size; /* of Twilio's messages on the wire, about */
	int64_t checked_us;
};

static inline size_t uplink_waiting(const struct uplink *u)
{
	return u->audio.len - u->kept;
}

void uplink_init(struct uplink *u, struct call *c, int fd, int64_t now_us);
void uplink_close(struct uplink *u);

/* A piece of audio (PHONE_AUDIO). False if it is no base64. */
bool uplink_frame(struct uplink *u, const struct phone_event *e, int64_t now_us);

/* Sends what is due, if the model writer is ours. */
void uplink_run(struct uplink *u, int64_t now_us);

/* The model's socket while it must be watched for POLLOUT, else -1. */
int uplink_fd(const struct uplink *u);
int64_t uplink_deadline_us(const struct uplink *u);

/* The stream was lost: gives the model writer back, if we had it. What is kept for another session stays. Then
 * uplink_again goes on with the next socket, `begun_ms` after the first one's start, or uplink_leave ends it. */
void uplink_park(struct uplink *u);
void uplink_again(struct uplink *u, int fd, uint64_t begun_ms, int64_t now_us);

/* The call is over: the same, and nothing is kept. */
void uplink_leave(struct uplink *u);

#endif
