#include "server/line/call.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "common/memory.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/calls_private.h"
#include "server/phone/channels.h"
#include "server/phone/party.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const record_modes[] = {
	[RECORDING_OFF] = "off", [RECORDING_LOCAL] = "local", [RECORDING_TWILIO] = "twilio"
};

const char *recording_mode_name(enum recording_mode mode)
{
	return record_modes[mode];
}

enum recording_mode recording_mode_of(const char *word)
{
	for (int mode = RECORDING_OFF; mode <= RECORDING_TWILIO; mode++)
		if (!strcmp(word, record_modes[mode]))
			return (enum recording_mode)mode;
	return RECORDING_OFF;
}

/* An unannounced stream has no CallSid before its start message. Sinks keep and show
 * entries by CallSid, so until then there is nothing to tell them. */
void call_tell(struct call *c, struct journal_entry entry)
{
	entry.call_sid = c->call_sid;
	entry.agent = c->agent;
	entry.wall_ms = clock_wall_ms();
	if (c->call_sid[0])
		journal_tell(&entry);
}

struct call_hand_over call_hand_over_to(const char *name, const char *number, int ring_seconds)
{
	struct call_hand_over to = { .ring_seconds = ring_seconds };

	snprintf(to.name, sizeof to.name, "%s", name);
	snprintf(to.number, sizeof to.number, "%s", number);
	return to;
}

static void release_agent(const void *agent)
{
	agent_release(agent);
}

/* What a call that comes back needs to go on. Takes `said`. */
static struct fleet_transfer luggage_of(const struct call *c, struct fleet_said *said)
{
	struct fleet_transfer t = { .held = agent_retain(c->agent),
		.release = release_agent,
		.contact_name = strdup(c->context.contact_name),
		.business_name = strdup(c->context.business_name),
		.metadata = strdup(c->context.metadata),
		.said = said ? said : fleet_said_new(0) };

	snprintf(t.call_sid, sizeof t.call_sid, "%s", c->call_sid);
	snprintf(t.agent, sizeof t.agent, "%s", c->agent->name);
	snprintf(t.variant, sizeof t.variant, "%s", c->agent->variant);
	snprintf(t.from, sizeof t.from, "%s", c->from);
	snprintf(t.to, sizeof t.to, "%s", c->to);
	snprintf(t.direction, sizeof t.direction, "%s", c->direction);
	snprintf(t.record, sizeof t.record, "%s", recording_mode_name(c->record));
	return t;
}

void call_hand_over(struct call *c, const struct call_hand_over *to, struct fleet_said *said, int64_t now_us)
{
	struct fleet *fleet = c->calls->use.fleet;
	struct fleet_transfer t = luggage_of(c, said);

	t.ring_seconds = to->ring_seconds;
	snprintf(t.name, sizeof t.name, "%s", to->name);
	snprintf(t.number, sizeof t.number, "%s", to->number);
	stat_add(calls_transfers, 1);
	log_info(c->tag, "handing the caller over; to=%s", t.name);
	call_tell(c, (struct journal_entry){ .kind = JOURNAL_NOTE,
			 .type = "call.transferred",
			 .facts = (struct journal_fact[]){ { "to", t.name }, { 0 } } });
	fleet->ops->transfer_put(fleet, &t, now_us);
}

/* ----------------------------------------------------------- under the table's lock */

/* A line goes RESERVED, CLAIMED, LIVE, ENDING, FREE; from LIVE it may go through PARKED back to
 * CLAIMED, and never back otherwise. The end can come in any state before ENDING. The loops learn it from `end` alone and never read
 * `state`; the state tells the table whether the line counts against MAX_CALLS. */

/* The reference is the agent loop's, from the reservation on. So a call that ends
 * before any stream came still passes through the agent loop, which writes its record
 * and frees the line. The relaxed stores are ordered by the lock, which both threads
 * take before they begin.
 *
 * The generation makes old handles (struct call_ref) void. */
void call_renew(struct call *c)
{
	int64_t now = clock_now_us();

	c->generation++;
	c->state = LINE_RESERVED;
	c->refs = 1;
	c->agent_called = c->agent_due = false;
	c->bound = c->remembered = c->absent = false;
	c->losses = c->streams = 0;
	c->press = (struct call_press){ 0 };
	c->parked = NULL;
	c->expires_us = now + CLAIM_US;
	random_hex(c->token, (CALL_TOKEN_SIZE - 1) / 2);
	c->call_sid[0] = c->from[0] = c->to[0] = c->direction[0] = '\0';
	memset(&c->stream, 0, sizeof c->stream);
	c->announced = false;
	c->first_turn = 0;
	c->reserved_us = now;
	c->reserved_wall_ms = clock_wall_ms();
	atomic_store_explicit(&c->stale_to, 0, memory_order_relaxed);
	atomic_store_explicit(&c->cuts_wanted, 0, memory_order_relaxed);
	atomic_store_explicit(&c->end, CALL_NOT_ENDED, memory_order_relaxed);
	atomic_store_explicit(&c->lost, CALL_NOT_ENDED, memory_order_relaxed);
	atomic_store_explicit(&c->parted, false, memory_order_relaxed);
	atomic_store_explicit(&c->unheard, false, memory_order_relaxed);
	atomic_store_explicit(&c->parting, CALL_NOT_ENDED, memory_order_relaxed);
	atomic_store_explicit(&c->may_press, 0, memory_order_relaxed);
	atomic_store_explicit(&c->caller_speaking, false, memory_order_relaxed);
	atomic_store_explicit(&c->said_to, 0, memory_order_relaxed);
	atomic_store_explicit(&c->gone_to, 0, memory_order_relaxed);
	atomic_store_explicit(&c->uplink_base, 0, memory_order_relaxed);
	atomic_store_explicit(&c->uplink_anchor_us, INT64_MIN, memory_order_relaxed);
	atomic_store_explicit(&c->waits_since_us, 0, memory_order_relaxed);
	atomic_store_explicit(&c->awaits, AWAITS_MODEL, memory_order_relaxed);
	atomic_store_explicit(&c->taken_to, 0, memory_order_relaxed);
	atomic_store_explicit(&c->started_us, 0, memory_order_relaxed);
	atomic_store_explicit(&c->ended_us, 0, memory_order_relaxed);
	memset(&c->counters, 0, sizeof c->counters);
	memset(c->models, 0, sizeof c->models);
	memset(c->transcription_used, 0, sizeof c->transcription_used);
	c->model_at = 0;
	c->detected = false;
}

/* `agent_due` is the message, the bell only the alarm: a line's thread that finds the
 * bell rung for another reason (mail, an end) does not enter the loop a second time. */
void call_wake(struct call *c)
{
	if (!c->agent_called)
		c->agent_called = c->agent_due = true;
	bell_ring(&c->agent_bell);
}

void call_set_tag(struct call *c)
{
	snprintf(c->tag, sizeof c->tag, "%s", c->call_sid[0] ? c->call_sid : "unannounced");
}

const char *call_person(const struct call *c)
{
	return strcmp(c->direction, "outbound") ? c->from : c->to;
}

/* In one spelling: who asks later who is on the line reads these. One that is cut would be
 * somebody else's. */
void call_copy_party(
    const char *call_sid, char out[FOREIGN_ID_SIZE], struct party (*read)(const char *), const char *text)
{
	bool fits = !text || strlen(text) < FOREIGN_ID_SIZE;
	struct party party = read(fits ? text : NULL);

	snprintf(out, FOREIGN_ID_SIZE, "%s", party.text);
	if (!fits)
		log_warn(call_sid, "a telephone number is longer than 512 bytes, and left out");
}

/* A caller who is back was greeted before. Twilio takes TwiML of 64 KB: the agent itself says what is longer
 * than this, however many escapes it needs, and what stands in TwiML that is not ours. */
enum { WELCOME_MAX = 4096 };

const char *call_welcome(const struct call *c)
{
	bool exact = c->agent->greeting_mode == GREETING_EXACT;

	return c->announced && c->channel->text && exact && !c->context.said &&
		       strlen(c->context.greeting) <= WELCOME_MAX
		   ? c->context.greeting
		   : "";
}

void call_take_context(struct call *c, struct call_context *context)
{
	c->context = *context;
	c->agent = context->agent;
	c->channel = phone_channel_of(c->agent);
	c->record = context->agent->record;
	memset(context, 0, sizeof *context);
}

bool call_has_parted(const struct call *c)
{
	return atomic_load_explicit(&c->parted, memory_order_relaxed);
}

/* A goodbye is said once: by the agent, or else by what follows the stream. */
static enum call_after after(const struct call *c, enum call_end why)
{
	if ((why == END_AGENT_ENDED || why == END_OPERATOR_ENDED) &&
	    atomic_load_explicit(&c->unheard, memory_order_relaxed))
		return AFTER_GOODBYE;
	return call_ending_after(why, call_has_parted(c));
}

/* Twilio asks connect-action after each stream that ends, perhaps of another instance:
 * the fleet keeps the answer. After a hang-up, or without a stream, it will not ask;
 * such an ending is marked as asked, so that a draining server does not wait for it.
 * The token of a stream that never came is withdrawn. */
static void tell_fleet(const struct call *c, enum line_state was, enum call_end why, int64_t now)
{
	struct fleet_ending ending = { .end = why,
		.after = after(c, why),
		.times = (int)(c->first_turn / CALL_TURNS_MAX) + 1,
		.asked = why == END_CALLER_HUNG_UP || why == END_NEVER_STREAMED };

	snprintf(ending.agent, sizeof ending.agent, "%s", c->agent->name);
	snprintf(ending.variant, sizeof ending.variant, "%s", c->agent->variant);
	c->calls->use.fleet->ops->ending_put(c->calls->use.fleet, c->call_sid, &ending, now);
	c->calls->use.fleet->ops->caller_leave(c->calls->use.fleet, c->call_sid, false);
	if (was == LINE_RESERVED || was == LINE_PARKED)
		c->calls->use.fleet->ops->withdraw(c->calls->use.fleet, c->token);
}

/* What broke off is opened once more (calls_reconnect), unless streams are not to be. */
static bool may_reconnect(const struct call *c, enum call_end why)
{
	return (c->channel->resumes || c->cfg->stream_grace_ms) && call_end_broke_off(why) &&
	       !c->context.lost_session[0];
}

/* After any fault the conversation may go on in text (calls_in_text); but not once it is that. */
static bool may_go_on(const struct call *c, enum call_end why)
{
	return call_ending(why)->fault && !c->channel->requests;
}

static struct fleet_said *take_said(struct call *c)
{
	struct fleet_said *said;

	pthread_mutex_lock(&c->shown_lock);
	said = c->said;
	c->said = NULL;
	pthread_mutex_unlock(&c->shown_lock);
	return said;
}

/* The conversation is as it was last published: nobody can wait here for more of it. */
static void keep_to_go_on(struct call *c, enum call_end why, int64_t now)
{
	struct fleet *fleet = c->calls->use.fleet;
	struct fleet_transfer t;

	if (!may_go_on(c, why))
		return;
	t = luggage_of(c, take_said(c));
	t.anew = may_reconnect(c, why);
	fleet->ops->transfer_put(fleet, &t, now);
}

void call_keep_said(struct call *c)
{
	struct fleet *fleet = c->calls->use.fleet;
	struct fleet_said *said = may_go_on(c, call_ended(c)) ? take_said(c) : NULL;

	if (said)
		fleet->ops->transfer_said(fleet, c->call_sid, said, clock_now_us());
}

/* The only way out of the first three states. Callers race here (a hang-up and a time
 * limit, for instance); the exchange of `end` lets one of them through, and only that
 * one counts, informs the fleet and gives up the place under MAX_CALLS.
 *
 * It leaves the line ENDING. Both loops see `end` at their next turn and leave; the
 * last of them frees the line (calls_carry.c). call_wake starts the agent loop of a
 * call that was never woken before, an unannounced stream without a start message. */
void call_end_locked(struct call *c, enum call_end why)
{
	int none = CALL_NOT_ENDED;
	int64_t now = clock_now_us();
	int parting = atomic_load_explicit(&c->parting, memory_order_relaxed);
	enum line_state was = c->state;

	/* In the middle of a goodbye the conversation is over, whatever becomes of its stream. */
	if (parting && call_end_broke_off(why)) {
		why = (enum call_end)parting;
		atomic_store_explicit(&c->unheard, true, memory_order_relaxed);
	}
	if (!call_takes_line(was) || !atomic_compare_exchange_strong_explicit(
					 &c->end, &none, (int)why, memory_order_acq_rel, memory_order_acquire))
		return;
	atomic_store_explicit(&c->ended_us, now, memory_order_relaxed);
	c->state = LINE_ENDING;
	c->calls->taken--;
	atomic_fetch_add(&c->calls->ends, 1);
	keep_to_go_on(c, why, now);
	tell_fleet(c, was, why, now);
	atomic_fetch_add_explicit(&stats.ended[why], 1, memory_order_relaxed);
	call_wake(c);
	bell_ring(&c->caller_bell);
}

/* --------------------------------------------------------- without the table's lock */

void call_end(struct call *c, enum call_end why)
{
	pthread_mutex_lock(&c->calls->lock);
	call_end_locked(c, why);
	pthread_mutex_unlock(&c->calls->lock);
}

void call_mind_memory(struct call *c)
{
	unsigned refused = memory_missed();

	if (!refused || call_ended(c))
		return;
	log_error(c->tag, "memory was refused; requests=%u", refused);
	call_end(c, END_INTERNAL_ERROR);
}

bool call_bound(struct call *c)
{
	bool bound;

	pthread_mutex_lock(&c->calls->lock);
	bound = c->bound;
	pthread_mutex_unlock(&c->calls->lock);
	return bound;
}

/* -------------------------------------------------- memory of the line, for all calls */

/* Opened once a line, so that an admitted call cannot fail for lack of a descriptor. */

static void forget_way(struct call *c)
{
	for (int i = 0; i < WAY_PARTS; i++) {
		free(c->way[i]);
		c->way[i] = NULL;
	}
}

int call_open(struct call *c)
{
	int err;

	c->caller_bell.fd = c->agent_bell.fd = -1;
	pthread_mutex_init(&c->shown_lock, NULL);
	pthread_mutex_init(&c->visit_lock, NULL);
	if ((err = bell_open(&c->caller_bell)) || (err = bell_open(&c->agent_bell)) ||
	    (err = ring_open(&c->from_caller, FROM_CALLER_BYTES)) ||
	    (err = ring_open(&c->to_caller, TO_CALLER_BYTES)) || (err = model_writer_open(&c->writer)))
		return err;
	return 0;
}

void call_close(struct call *c)
{
	bell_close(&c->caller_bell);
	bell_close(&c->agent_bell);
	ring_close(&c->from_caller);
	ring_close(&c->to_caller);
	model_writer_close(&c->writer);
	mailbox_empty(&c->mail);
	forget_way(c);
	call_context_free(&c->context); /* left by a call that the thread never took up */
	call_talk_free(&c->shown);
	fleet_said_free(c->said);
	pthread_mutex_destroy(&c->shown_lock);
	pthread_mutex_destroy(&c->visit_lock);
}

void call_clean(struct call *c)
{
	forget_way(c);
	ring_reset(&c->from_caller);
	ring_reset(&c->to_caller);
	model_writer_reset(&c->writer);
	mailbox_empty(&c->mail);
	pthread_mutex_lock(&c->shown_lock);
	call_talk_free(&c->shown);
	fleet_said_free(c->said);
	c->said = NULL;
	pthread_mutex_unlock(&c->shown_lock);
}
