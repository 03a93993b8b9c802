#include "server/recording/twilio_start.h"

#include "common/json.h"
#include "common/log.h"
#include "common/foreign.h"
#include "server/recording/twilio_recording.h"
#include "server/stats/stats.h"
#include "server/work/twilio_rest.h"
#include "server/work/work.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 3, PAUSE_MS = 1000, PAUSE_MAX_S = 5, SLICE_MS = 100 };

struct start_job {
	struct job job; /* first */
	const struct config *cfg;
	struct recorder *recorder;
	struct jobs *pool;
	char call_sid[FOREIGN_ID_SIZE];
};

static void failed(struct recorder *recorder, const char *call_sid, const char *why)
{
	char id[FOREIGN_ID_SIZE + 8];

	stat_add(recording_twilio_failed, 1);
	log_error(call_sid, "Twilio does not record this call: %s", why);
	/* A row of its own, so that a later request for the recording learns of the failure. */
	snprintf(id, sizeof id, "none-%s", call_sid);
	twilio_recording_note(
	    recorder, &(struct twilio_recording){ .call_sid = call_sid, .sid = id, .status = "failed" });
}

/* Only a request that was certainly not carried out is sent again, or the call would be recorded
 * twice. */
static bool again(const struct twilio_answer *answer)
{
	return answer->outcome == TWILIO_BUSY || answer->outcome == TWILIO_NOT_SENT;
}

/* Twilio's Retry-After, within bounds: the call is under way and each second of it is lost. In
 * slices, so that a shutdown does not wait for it. */
static void pause_before_next(struct start_job *j, const struct twilio_answer *answer)
{
	int64_t wait_ms = PAUSE_MS;

	if (answer->retry_after_s > 0)
		wait_ms = (answer->retry_after_s < PAUSE_MAX_S ? answer->retry_after_s : PAUSE_MAX_S) * 1000;
	for (; wait_ms > 0 && !jobs_closing(j->pool); wait_ms -= SLICE_MS)
		poll(NULL, 0, SLICE_MS);
}

/* The job. Recording begins when Twilio accepts; the call goes on whatever comes of this. */
static void run(struct job *job)
{
	struct start_job *j = (struct start_job *)job;
	struct twilio_answer answer;
	struct twilio twilio;
	char callback[2200];

	twilio_from_config(&twilio, j->cfg, jobs_cancel(j->pool));
	snprintf(callback, sizeof callback, "%s/twilio/recording-status", j->cfg->public_url);
	for (int i = 1;; i++) {
		twilio_start_recording(&twilio, j->call_sid, callback, &answer);
		if (!again(&answer) || i == TRIES || jobs_closing(j->pool))
			break;
		pause_before_next(j, &answer);
		twilio_answer_free(&answer);
	}
	if (answer.outcome == TWILIO_OK && json_str(answer.json, "sid")) {
		stat_add(recording_twilio_started, 1);
		log_info(j->call_sid, "Twilio records the call; recording=%.40s", json_str(answer.json, "sid"));
		twilio_recording_note(j->recorder, &(struct twilio_recording){ .call_sid = j->call_sid,
						       .sid = json_str(answer.json, "sid"),
						       .status = "in-progress",
						       .channels = 2 });
	} else {
		failed(j->recorder, j->call_sid, answer.message[0] ? answer.message : "its answer names no recording");
	}
	twilio_answer_free(&answer);
	free(j);
}

static void drop(struct job *job)
{
	free(job);
}

/* Settings are checked here and not at start, because any single agent may ask for this way of
 * recording. */
void twilio_start(const struct config *cfg, struct work *work, struct recorder *recorder, const char *call_sid)
{
	const char *missing = twilio_missing(cfg);
	struct start_job *j;

	if (!missing && !*cfg->public_url)
		missing = "PUBLIC_URL is not set, and Twilio would not know whom to tell of it";
	if (missing || !work) {
		failed(recorder, call_sid, missing ? missing : "there is no pool for it");
		return;
	}
	j = calloc(1, sizeof *j);
	if (!j) {
		failed(recorder, call_sid, "out of memory");
		return;
	}
	*j = (struct start_job){
		.job = { .run = run, .drop = drop }, .cfg = cfg, .recorder = recorder, .pool = work->background
	};
	snprintf(j->call_sid, sizeof j->call_sid, "%s", call_sid);
	if (!jobs_submit(work->background, &j->job)) {
		failed(recorder, call_sid, "too much else is waiting to be done");
		free(j);
	}
}
