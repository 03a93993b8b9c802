#include "server/agent/conversation_waits.h"

#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/dialogue/dialogue_state.h"

enum {
	ONE_TRY_US = 3 * US_PER_S, /* for another session, however long the caller has waited for the last one */
	LINE_EVERY_US = 8 * US_PER_S,
	LINE_AGAIN_US = 500 * US_PER_MS /* to the next try: an answer had come to a stop in the middle */
};

static int64_t hold_after_us(const struct conversation *con)
{
	return con->call->cfg->hold_after_ms * US_PER_MS;
}

/* When the caller is told that it takes its time, if that line is known. */
static int64_t line_us(const struct conversation *con)
{
	if (!con->waits.since_us || !con->known[KNOWN_HOLD] || !hold_after_us(con))
		return NEVER_US;
	return later(con->waits.since_us + hold_after_us(con), con->waits.line_us);
}

/* Since when he waits for the tone that is played between: it does not go before a line that is due with it. */
static int64_t tone_us(const struct conversation *con)
{
	int64_t since = con->waits.since_us;

	if (!since || line_us(con) <= since + hold_after_us(con))
		return NEVER_US;
	return later(since, con->dialogue.held_until_us);
}

/* The caller loop has the tone. Frames may not wake it, and its clock has a new deadline. */
static void tell_tone(struct conversation *con, int64_t now)
{
	_Atomic int64_t *since = &con->call->waits_since_us;
	bool waits = now >= tone_us(con), waited = atomic_load_explicit(since, memory_order_relaxed);

	if (waits == waited)
		return;
	atomic_store_explicit(since, waits ? now : 0, memory_order_relaxed);
	if (waits)
		bell_ring(&con->call->caller_bell);
}

void conversation_mind_waiting(struct conversation *con, int64_t now_us)
{
	bool waits = now_us >= dialogue_waits_us(&con->dialogue);

	/* Before the first session the link's own patience stands. */
	con->link.waited_for = waits && con->sessions.count;
	if (!waits)
		con->waits.since_us = 0;
	else if (!con->waits.since_us)
		con->waits.since_us = now_us;
	if (!waits || !dialogue_needs_model(&con->dialogue))
		con->waits.model_us = 0;
	else if (!con->waits.model_us)
		con->waits.model_us = now_us;
	if (now_us >= line_us(con))
		con->waits.line_us = now_us + (TELL(con, now_us, .type = EVENT_WAITED) ? LINE_EVERY_US : LINE_AGAIN_US);
	tell_tone(con, now_us);
}

void conversation_mind_gone(struct conversation *con, int64_t now_us)
{
	if (conversation_is_gone(con) && !TELL(con, now_us, .type = EVENT_GONE, .end = con->link.why))
		call_end(con->call, con->link.why);
}

int64_t conversation_waits_us(const struct conversation *con)
{
	if (conversation_is_gone(con))
		return 0;
	if (!con->waits.since_us)
		return dialogue_waits_us(&con->dialogue);
	return earlier(line_us(con),
	    atomic_load_explicit(&con->call->waits_since_us, memory_order_relaxed) ? NEVER_US : tone_us(con));
}

/* A session that talks has the patience of the settings: for an answer of which there is a sign, and to begin one,
 * however long the caller has waited for the last session. */
int64_t conversation_give_up_us(const struct conversation *con)
{
	const struct config *cfg = con->call->cfg;
	bool away = con->sessions.away_us != 0;
	int64_t since = away ? con->waits.since_us : con->waits.model_us,
		most = cfg->give_up_seconds * (int64_t)US_PER_S;

	/* A loss that is not minded yet is neither. */
	if (!since || !con->sessions.count || away == link_talks(&con->link) || con->link.state == LINK_GONE)
		return NEVER_US;
	if (away)
		return later(since + most, con->sessions.away_us + ONE_TRY_US);
	return later(since + later(most, cfg->slow_answer_max_ms * US_PER_MS),
	    con->link.current.began_us + cfg->silence_max_ms * US_PER_MS);
}
