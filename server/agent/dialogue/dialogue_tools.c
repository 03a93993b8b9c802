#include "server/agent/dialogue/dialogue_tools.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_asking.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_utterances.h"
#include "server/agent/dialogue/dialogue_word.h"

/* A run waits for its answer. Its batch waits for all of them, and for the end of the
 * response that called them: a model that is told one result before it has called the
 * other tool would answer twice. Both waits are bounded, by each tool's time limit and by
 * the response's own. The texts are in the toolbox; here a run is a number.
 */

/* --------------------------------------------------------------------------- batches */

static struct batch *batch_no(struct dialogue *d, uint32_t no)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (d->batches[i].no == no)
			return &d->batches[i];
	return NULL;
}

/* The batch of a response, new if need be. NULL: BATCHES_MAX are pending. */
static struct batch *batch_of(struct dialogue *d, uint32_t utterance)
{
	struct batch *batch = NULL;

	for (size_t i = 0; i < BATCHES_MAX && !batch; i++)
		if (d->batches[i].no && d->batches[i].utterance == utterance)
			batch = &d->batches[i];
	if (!batch && (batch = batch_no(d, 0)))
		*batch = (struct batch){ .no = ++d->last_batch, .utterance = utterance };
	return batch;
}

/* The first run of a batch in that state; NULL: none. */
static struct run *run_in(struct dialogue *d, const struct batch *batch, enum run_state state)
{
	for (uint32_t no = 1; no <= d->last_run; no++)
		if (d->runs[no - 1].batch == batch->no && d->runs[no - 1].state == state)
			return &d->runs[no - 1];
	return NULL;
}

static struct run *run_no(struct dialogue *d, uint32_t no)
{
	return no && no <= d->last_run && d->runs[no - 1].state ? &d->runs[no - 1] : NULL;
}

/* ---------------------------------------------------------------------------- events */

/* A tool may be told before its response: then the response is noted as well. */
bool tools_called(struct dialogue *d, const struct dialogue_event *event, int64_t now_us)
{
	struct utterance *u;
	struct batch *batch;

	if (!event->run || event->run > RUNS_MAX || run_no(d, event->run))
		return false;
	u = utterance_of_any(d, event->response, now_us);
	batch = batch_of(d, u->no);
	u->said = u->acts = true;
	if (!batch)
		return false;
	d->runs[event->run - 1] = (struct run){ .state = RUN_RUNNING,
		.batch = batch->no,
		.filler = event->text,
		.began_us = now_us,
		.deadline_us = event->at_us };
	if (event->run > d->last_run)
		d->last_run = event->run;
	return true;
}

/* With the last answer a filler that is still pending has become pointless. */
bool tools_settle(struct dialogue *d, uint32_t no)
{
	struct run *run = run_no(d, no);

	if (!run || run->state != RUN_RUNNING)
		return false;
	run->state = RUN_ANSWERED;
	if (!tools_running(d))
		cue_drop(d, UTTERANCE_FILLER);
	return true;
}

bool tools_answered(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)now_us;
	return tools_settle(d, e->run);
}

void tools_last(struct dialogue *d, uint32_t no, bool last)
{
	struct run *run = run_no(d, no);
	struct batch *batch = run ? batch_no(d, run->batch) : NULL;

	if (batch)
		batch->last = run->ends = last;
}

/* The caller is being talked to, so tools called before need no filler. A response of the
 * model's own that began IN_FLIGHT_US after the results knows them, and no other answer
 * is needed; one that we asked for has taken care of that already. */
void tools_talking(struct dialogue *d, bool asked, int64_t now_us)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (d->batches[i].no && utterance_made(d, d->batches[i].utterance))
			d->batches[i].filled = true;
	if (!asked && now_us > d->told_us + IN_FLIGHT_US)
		d->told = false;
	d->goes_on = false;
}

static void told(struct dialogue *d, int64_t now_us)
{
	d->told = true;
	d->told_us = now_us;
}

bool tools_told(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e;
	told(d, now_us);
	return true;
}

bool tools_running(const struct dialogue *d)
{
	for (uint32_t no = 1; no <= d->last_run; no++)
		if (d->runs[no - 1].state == RUN_RUNNING && !d->runs[no - 1].ends)
			return true;
	return false;
}

/* ---------------------------------------------------------------------- by the clock */

static struct run *first_to_end(struct dialogue *d)
{
	struct run *first = NULL;

	for (uint32_t no = 1; no <= d->last_run; no++) {
		struct run *run = &d->runs[no - 1];

		if (run->state == RUN_RUNNING && (!first || run->deadline_us < first->deadline_us))
			first = run;
	}
	return first;
}

int64_t tools_overdue_us(struct dialogue *d)
{
	const struct run *run = first_to_end(d);

	return run ? run->deadline_us : NEVER_US;
}

/* The run counts as answered; the loop words the error. A later answer is ignored. */
void tools_give_up(struct dialogue *d, int64_t now_us)
{
	uint32_t no = (uint32_t)(first_to_end(d) - d->runs) + 1;

	(void)now_us;
	tools_settle(d, no);
	dialogue_order(d, ORDER_TOOL_LATE)->run = no;
}

/* The oldest batch that is complete: its response is over, and no run is unanswered.
 * NULL: none. */
static struct batch *ready(struct dialogue *d)
{
	struct batch *oldest = NULL;

	for (size_t i = 0; i < BATCHES_MAX; i++) {
		struct batch *batch = &d->batches[i];

		if (batch->no && (!oldest || batch->no < oldest->no) && utterance_made(d, batch->utterance) &&
		    !run_in(d, batch, RUN_RUNNING))
			oldest = batch;
	}
	return oldest;
}

int64_t tools_result_us(struct dialogue *d)
{
	return d->model && ready(d) ? 0 : NEVER_US;
}

/* One result at a time, in the order of the calls. After the last one the model owes an
 * answer. */
void tools_tell_result(struct dialogue *d, int64_t now_us)
{
	struct batch *batch = ready(d);
	struct run *run = run_in(d, batch, RUN_ANSWERED);

	if (run) {
		run->state = RUN_TOLD;
		dialogue_order(d, ORDER_TOOL_RESULT)->run = (uint32_t)(run - d->runs) + 1;
	}
	if (run_in(d, batch, RUN_ANSWERED))
		return;
	*batch = (struct batch){ 0 };
	told(d, now_us);
}

/* The caller has heard one while the response was being made. */
static bool was_filled(const struct dialogue *d, uint32_t utterance)
{
	const struct utterance *u = utterance_no((struct dialogue *)d, utterance);

	return u && u->filled;
}

/* The run whose filler is due first, and its time. A caller who has just heard the model
 * say something waits longer before the silence seems odd. */
static struct run *next_filler(struct dialogue *d, int64_t *due_us)
{
	struct run *first = NULL;

	*due_us = NEVER_US;
	for (uint32_t no = 1; no <= d->last_run; no++) {
		struct run *run = &d->runs[no - 1];
		const struct batch *batch = run->state == RUN_RUNNING && run->filler ? batch_no(d, run->batch) : NULL;
		int64_t due;

		if (!batch || batch->filled || batch->last || !utterance_made(d, batch->utterance) ||
		    was_filled(d, batch->utterance))
			continue;
		due = run->began_us + (items_any(d, batch->utterance) ? d->rules.silence_us : FILLER_US);
		if (due < *due_us) {
			*due_us = due;
			first = run;
		}
	}
	return first;
}

int64_t tools_filler_us(struct dialogue *d)
{
	int64_t silence = asking_silence_us(d), due_us;

	/* A filler fills silence only, and nothing follows a goodbye. */
	if (d->farewell.state || items_unfinished(d))
		return NEVER_US;
	next_filler(d, &due_us);
	return due_us > silence ? due_us : silence;
}

void tools_say_filler(struct dialogue *d, int64_t now_us)
{
	int64_t due_us;
	struct run *run = next_filler(d, &due_us);

	(void)now_us;
	batch_no(d, run->batch)->filled = true;
	/* "": the model finds its own words. */
	cue_add(d, UTTERANCE_FILLER, run->filler, run->filler[0] != '\0', false);
}

/* A tool was called that is not ours to answer: the service does that, and goes on. */
static bool goes_on(struct dialogue *d)
{
	if (!d->goes_on || d->farewell.state || asking_busy(d) || utterance_wanted(d) || cue_next(d))
		return false;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (d->batches[i].no)
			return false;
	return true;
}

int64_t tools_told_us(struct dialogue *d)
{
	/* While the caller speaks, the model's own answer comes next, and knows them. */
	return d->told ? word_until_us(d) : goes_on(d) ? 0 : NEVER_US;
}

/* The service itself may go on first, and is asked if it does not. */
void tools_want_answer(struct dialogue *d, int64_t now_us)
{
	bool told = d->told;

	d->told = d->goes_on = false;
	if (!told)
		asking_expect(d, now_us);
	else if (!d->farewell.state)
		asking_want(d, UTTERANCE_ANSWER, now_us);
}

/* ----------------------------------------------------------------------------- asides */

/* Nothing else can be asked for while an answer is being made, so this filler is made
 * beside it. */
int64_t tools_aside_us(struct dialogue *d)
{
	const struct utterance *u = utterance_no(d, d->active);

	if (!u || d->alone || d->aside || u->kind != UTTERANCE_ANSWER || u->cut || u->filled || items_unfinished(d) ||
	    d->farewell.state || !d->model || d->rules.slow_us <= d->rules.silence_us)
		return NEVER_US;
	return later(word_until_us(d),
	    later(d->failures ? d->failing_us : u->since_us, d->silent_from_us) + d->rules.silence_us);
}

/* Its sound is not the answer's: the patience with that goes on from here. */
void tools_say_aside(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_no(d, d->active);
	struct dialogue_order *order = dialogue_order(d, ORDER_ASIDE);

	(void)now_us;
	u->filled = true;
	u->since_us = later(u->since_us, d->silent_from_us);
	d->aside = order->request = ++d->last_request;
	order->filler = true;
}

/* A service that does not say so: while an answer of which we know is being made, no
 * other response than an aside can begin. */
bool tools_aside_began(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct utterance *active = utterance_no(d, d->active);
	struct utterance *u = utterance_of(d, e->response);
	bool wanted = active && !active->cut && active->filled;

	if (!e->response[0] || (u && u->begun) || (!e->aside && !(d->aside && active && !active->cut)))
		return false;
	u = utterance_of_any(d, e->response, now_us);
	u->begun = u->aside = true;
	d->aside = 0;
	if (!wanted)
		asking_stop(d, u, now_us);
	return true;
}

void tools_aside_yields(struct dialogue *d, struct utterance *heard, int64_t now_us)
{
	if (heard->aside)
		return;
	heard->filled = false;
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (d->utterances[i].aside && d->utterances[i].state == UTTERANCE_MAKING && !d->utterances[i].cut)
			asking_stop(d, &d->utterances[i], now_us);
}
