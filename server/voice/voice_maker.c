#include "server/voice/voice_maker.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/model/health.h"
#include "server/money/spending.h"
#include "server/stats/stats.h"
#include "server/voice/voice_judge.h"
#include "server/voice/voice_lines.h"
#include "server/voice/voice_private.h"
#include "server/voice/voice_take.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { MISSES_MAX = 3, TEXT_SHOWN = 60 };

static const int64_t PAUSE_US = 30 * US_PER_S, PAUSE_MAX_US = 900 * US_PER_S, DAY_PAUSE_US = 60 * US_PER_S;

/* ------------------------------------------------------------------ what is wanted */

static void tell_counts(struct voice *v)
{
	size_t missing = 0, given_up = 0;

	for (size_t i = 0; i < v->count; i++) {
		missing += v->wishes[i].state == WISH_MISSING;
		given_up += v->wishes[i].state == WISH_GIVEN_UP;
	}
	atomic_store(&v->missing, missing);
	atomic_store(&v->given_up, given_up);
	atomic_store(&v->wanted, v->count); /* last: who sees that lines are wanted sees how many are missing */
}

static void forget_wishes(struct voice *v)
{
	while (v->count)
		agent_release(v->wishes[--v->count].agent);
}

static bool is_wanted(const struct voice *v, const uint8_t hash[SHA256_BYTES])
{
	for (size_t i = 0; i < v->count; i++)
		if (!memcmp(v->wishes[i].hash, hash, SHA256_BYTES))
			return true;
	return false;
}

/* How many had no room, or are too long. */
static size_t want_lines_of(struct voice *v, const struct agent *agent)
{
	const char *lines[VOICE_LINES_MAX];
	size_t count = voice_lines(agent, lines), left = 0;
	struct voice_key key;

	for (size_t i = 0; i < count; i++) {
		bool known = voice_lines_key(&key, v->parts.endpoints, agent, lines[i]);

		if (known && is_wanted(v, key.hash))
			continue;
		if (!known || v->count == VOICE_SHELF_LINES) {
			left++;
			continue;
		}
		v->wishes[v->count] = (struct voice_wish){ .agent = agent_retain(agent), .text = lines[i] };
		memcpy(v->wishes[v->count++].hash, key.hash, sizeof key.hash);
	}
	return left;
}

/* Without memory what was wanted before stays: false. */
static bool want_lines(struct voice *v)
{
	const struct agent **list = calloc(AGENTS_LISTED_MAX, sizeof *list);
	size_t n, left = 0;

	if (!list)
		return false;
	n = agents_list(v->parts.agents, list, AGENTS_LISTED_MAX);
	forget_wishes(v);
	for (size_t i = 0; i < n; i++) {
		left += want_lines_of(v, list[i]);
		agent_release(list[i]);
	}
	free(list);
	if (left)
		log_warn("voice", "lines are not kept: too long, or more than %d; lines=%zu", VOICE_SHELF_LINES, left);
	return true;
}

static void set_state(struct voice_wish *w, int err)
{
	w->state = err ? WISH_GIVEN_UP : WISH_KEPT;
	if (err)
		log_warn("voice", "a line is not kept in memory: %s; agent=%s", strerror(-err), w->agent->name);
}

static void look_on_disk(struct voice *v, struct voice_wish *w)
{
	struct voice_key key;
	const uint8_t *ulaw;
	struct buf file;
	size_t len;

	buf_init(&file, 0);
	if (voice_lines_key(&key, v->parts.endpoints, w->agent, w->text) &&
	    voice_dir_load(&v->dir, &key, &file, &ulaw, &len)) {
		set_state(w, voice_shelf_put(&v->shelf, key.hash, ulaw, len));
		if (w->state == WISH_KEPT)
			stat_add(voice_loaded, 1);
	}
	buf_free(&file);
}

/* What nobody wants leaves the memory before other lines come into it. */
static void begin_round(struct voice *v)
{
	struct voice_key key;

	if (!want_lines(v)) {
		log_error("voice", "out of memory: the lines of agents that are new are not made");
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		struct voice_wish *w = &v->wishes[i];

		if (!voice_shelf_mark(&v->shelf, w->hash))
			continue;
		w->state = WISH_KEPT;
		if (voice_lines_key(&key, v->parts.endpoints, w->agent, w->text))
			voice_dir_touch(&v->dir, &key);
	}
	voice_shelf_sweep(&v->shelf);
	for (size_t i = 0; i < v->count; i++)
		if (v->wishes[i].state == WISH_MISSING)
			look_on_disk(v, &v->wishes[i]);
	voice_dir_tidy(&v->dir);
	tell_counts(v);
}

/* -------------------------------------------------------------------------- making */

static void book(
    struct voice *v, const struct model_access *access, const struct agent *agent, const struct model_usage *used)
{
	const struct cost_use use = {
		.model = model_access_model(access, agent), .model_used = *used, .transcription_model = "", .bare = true
	};

	atomic_fetch_add(&v->cost_micros, llround(spending_book_apart(v->parts.spending, &use) * 1e6));
}

static void keep(struct voice *v, struct voice_wish *w, const struct voice_take *take)
{
	const uint8_t *ulaw = (const uint8_t *)take->ulaw.data;
	struct voice_key key;
	int err = voice_shelf_put(&v->shelf, w->hash, ulaw, take->ulaw.len);

	set_state(w, err);
	if (err)
		return;
	stat_add(voice_made, 1);
	log_debug("voice", "a line is made; agent=%s ms=%zu text=%.*s", w->agent->name,
	    take->ulaw.len / (VOICE_HZ / 1000), TEXT_SHOWN, w->text);
	if (voice_lines_key(&key, v->parts.endpoints, w->agent, w->text))
		voice_dir_save(&v->dir, &key, ulaw, take->ulaw.len);
}

static void miss(struct voice_wish *w, const char *why)
{
	stat_add(voice_misses, 1);
	if (++w->misses < MISSES_MAX)
		return;
	w->state = WISH_GIVEN_UP;
	log_warn("voice",
	    "a line is not kept, and is spoken by the model in each call: %d takes failed, the last was %s; agent=%s "
	    "text=%.*s",
	    MISSES_MAX, why, w->agent->name, TEXT_SHOWN, w->text);
}

/* Told once, until there is a model again. A failure of the agent's own holds up its lines alone; of the others the
 * next one is tried then, as this may be the one that cannot be had. */
static void put_off(struct voice *v, struct voice_wish *w, const struct model_failure *failure)
{
	static const struct backoff pause = { .first_ms = 30000, .most_ms = 900000 };
	bool first = !v->failed;
	int64_t now = clock_now_us();

	stat_add(voice_no_model, 1);
	if (failure->agents_own) {
		w->next_us = now + PAUSE_MAX_US;
	} else {
		v->next_us = now + backoff_ms(&pause, ++v->failed, 0, UINT32_MAX) * US_PER_MS;
		w->next_us = v->next_us + 1;
	}
	log_write(first || failure->agents_own ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "voice",
	    "a line cannot be made now: %s; agent=%s", failure->text, w->agent->name);
}

static void take(struct voice *v, struct voice_wish *w, const struct model_access *access)
{
	enum voice_verdict verdict;
	struct voice_take take;
	enum voice_took took = voice_take(&take, access, w->agent, w->text, &v->stop);

	book(v, access, w->agent, &take.used);
	if (took == VOICE_TAKEN || took == VOICE_REFUSED)
		v->failed = 0;
	if (took == VOICE_REFUSED) {
		miss(w, "refused, or broke off");
	} else if (took == VOICE_NO_MODEL) {
		put_off(v, w, &take.failure);
	} else if (took == VOICE_TAKEN) {
		verdict = voice_judge((const uint8_t *)buf_text(&take.ulaw), take.ulaw.len, buf_text(&take.transcript),
		    w->text, w->agent->speed);
		if (verdict == VOICE_SAID)
			keep(v, w, &take);
		else
			miss(w, voice_verdict_word(verdict));
	}
	voice_take_free(&take);
}

/* Calls come first: no line is made once the day lets no call in. Nor is one tried where calls fail. */
static void make(struct voice *v, struct voice_wish *w)
{
	const struct model_access *access = model_endpoints_first(v->parts.endpoints, w->agent);
	int64_t now = clock_now_us();
	struct spending_day day;

	spending_look(v->parts.spending, &day);
	if (day.full) {
		v->next_us = now + DAY_PAUSE_US;
		if (!v->told_day)
			log_warn("voice", "lines are not made while the day is full (MAX_DAY_COST)");
		v->told_day = true;
		return;
	}
	v->told_day = false;
	if (model_health_way(v->parts.endpoints->health, access, w->agent) != WAY_WELL) {
		w->next_us = now + PAUSE_US;
		return;
	}
	v->next_us = now + 60 * US_PER_S / v->parts.cfg->voice_rate;
	take(v, w, access);
	tell_counts(v);
}

/* ---------------------------------------------------------------------- the thread */

/* The one whose time comes first, of those the first that is wanted, if that is now; else NULL, and *when is its
 * time. */
static struct voice_wish *next_due(struct voice *v, int64_t now, int64_t *when)
{
	struct voice_wish *next = NULL;

	*when = NEVER_US;
	for (size_t i = 0; i < v->count; i++) {
		struct voice_wish *w = &v->wishes[i];
		int64_t at = later(w->next_us, v->next_us);

		if (w->state == WISH_MISSING && at < *when) {
			*when = at;
			next = w;
		}
	}
	return *when <= now ? next : NULL;
}

/* Until then, or a bell. False: `stop`. */
static bool wait_until(struct voice *v, int64_t when, bool *again)
{
	struct pollfd fds[2] = { { .fd = v->stop.fd, .events = POLLIN }, { .fd = v->wake.fd, .events = POLLIN } };

	poll(fds, 2, clock_poll_ms(clock_now_us(), when));
	*again = fds[1].revents;
	if (*again)
		bell_clear(&v->wake);
	return !fds[0].revents;
}

void *voice_maker(void *arg)
{
	struct voice *v = arg;
	bool again = true;
	int64_t when;

	pthread_setname_np(pthread_self(), "voice");
	v->wishes = calloc(VOICE_SHELF_LINES, sizeof *v->wishes);
	if (!v->wishes) {
		log_error("voice", "out of memory: no lines are kept");
		return NULL;
	}
	do {
		struct voice_wish *due;

		if (again)
			begin_round(v);
		due = next_due(v, clock_now_us(), &when);
		if (due) {
			make(v, due);
			when = 0; /* looks again */
		}
	} while (wait_until(v, when, &again));
	forget_wishes(v);
	free(v->wishes);
	return NULL;
}
