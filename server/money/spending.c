#include "server/money/spending.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/store/store_days.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WARNED_MAX = 16,
	AGENTS_MAX = 4000 /* names; agents that are gone are among them. The rest hold what the settings say */
};

static const double MICROS = 1e6; /* in a USD: sums of them compare exactly */

struct agent_costs {
	char name[FLEET_NAME_SIZE];
	bool known;       /* an agent of this process, not only of the store */
	int64_t fallback; /* 0: none of its own */
	int64_t median;   /* of `last`; 0: there are none */
	int64_t last[SPENDING_CALLS];
	int count, next;
};

struct spending {
	/* Constant once open. */
	struct prices prices;
	int64_t limit, fallback;
	struct fleet *fleet; /* keeps the sums */

	pthread_mutex_t lock; /* guards the rest; the fleet's own is taken inside it */
	int64_t held;         /* by all calls, beyond what they have cost */
	int live;             /* calls that hold */
	struct agent_costs *agents;
	size_t agent_count;
	char warned[WARNED_MAX][FOREIGN_ID_SIZE];
	size_t warned_count;
};

/* ------------------------------------------------------------------------ deciding */

int64_t spending_fits(int64_t limit, int64_t spent, int64_t held, int live, int64_t want)
{
	if (!limit)
		return want;
	if (want > limit)
		return !live && spent < limit ? limit - spent : -1;
	return spent + held + want <= limit ? want : -1;
}

static int compare(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

int64_t spending_median(int64_t *costs, int count)
{
	if (!count)
		return 0;
	qsort(costs, (size_t)count, sizeof *costs, compare);
	return (costs[(count - 1) / 2] + costs[count / 2]) / 2;
}

static int64_t micros(double usd)
{
	return llround(usd * MICROS);
}

static double dollars(int64_t sum)
{
	return (double)sum / MICROS;
}

/* What the call still holds beyond what it has cost: over midnight, too, since what is to come is
 * of the new day. */
static int64_t rest_of(const struct spending_hold *hold)
{
	int64_t rest = hold->held - micros(hold->booked_usd);

	return hold->live && rest > 0 ? rest : 0;
}

/* ------------------------------------------------------------------------ agents */

/* All of these under the lock. */

static struct agent_costs *find_agent(struct spending *s, const char *name)
{
	for (size_t i = 0; i < s->agent_count; i++)
		if (name && !strcmp(s->agents[i].name, name))
			return &s->agents[i];
	return NULL;
}

/* NULL: no room, and the agent's calls hold what the settings say. */
static struct agent_costs *add_agent(struct spending *s, const char *name)
{
	struct agent_costs *a = find_agent(s, name), *more;

	if (a || s->agent_count == AGENTS_MAX || strlen(name) >= sizeof a->name)
		return a;
	more = realloc(s->agents, (s->agent_count + 1) * sizeof *more);
	if (!more)
		return NULL;
	s->agents = more;
	a = &more[s->agent_count++];
	memset(a, 0, sizeof *a);
	snprintf(a->name, sizeof a->name, "%s", name);
	return a;
}

static void add_cost(struct agent_costs *a, int64_t cost)
{
	int64_t sorted[SPENDING_CALLS];

	a->last[a->next] = cost;
	a->next = (a->next + 1) % SPENDING_CALLS;
	a->count += a->count < SPENDING_CALLS;
	memcpy(sorted, a->last, sizeof sorted);
	a->median = spending_median(sorted, a->count);
}

static int64_t wanted_by(const struct spending *s, const struct agent_costs *a)
{
	return a && a->median ? a->median : a && a->fallback ? a->fallback : s->fallback;
}

static void know_cost(void *arg, const char *agent, double usd)
{
	struct agent_costs *a = add_agent(arg, agent);

	if (a && micros(usd) > 0)
		add_cost(a, micros(usd));
}

void spending_know(struct spending *s, const char *agent, double max_call_cost)
{
	struct agent_costs *a;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	a = add_agent(s, agent);
	if (a) {
		a->known = true;
		a->fallback = micros(max_call_cost);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Without memory the calls of new agents reserve what the settings say. */
void spending_follow_agents(struct spending *s, struct agents *agents)
{
	size_t room = agents_count_variants(agents, NULL);
	const struct agent **each = calloc(room, sizeof *each);
	size_t count = each ? agents_list(agents, each, room) : 0;

	for (size_t i = 0; i < count; i++) {
		spending_know(s, each[i]->name, each[i]->max_call_cost);
		agent_release(each[i]);
	}
	free(each);
}

/* ------------------------------------------------------------------ opening, closing */

/* At start, after the fleet is open, since sums of earlier days count from the first call on. */
int spending_open(
    struct spending **out, const struct config *cfg, struct fleet *fleet, struct store *store, struct buf *problem)
{
	struct spending *s = calloc(1, sizeof *s);
	int err = s ? prices_load(&s->prices, cfg->prices_file, problem) : -ENOMEM;

	if (err) {
		free(s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->limit = micros(cfg->max_day_cost);
	if (cfg->max_day_cost > 0 && !s->limit)
		s->limit = 1; /* 0 is none */
	s->fallback = micros(config_call_reserve(cfg));
	s->fleet = fleet;
	if (store && store_costs(store, SPENDING_CALLS, know_cost, s))
		log_error("cost", "what calls have cost before cannot be read: each reserves MAX_CALL_COST at first");
	if (s->limit)
		log_info("cost",
		    "MAX_DAY_COST=%.10g: what calls that are up may still cost counts, too (before: only what was "
		    "spent), and days begin at midnight in TZ (before: in UTC)",
		    dollars(s->limit));
	*out = s;
	return 0;
}

void spending_close(struct spending *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->agents);
	free(s);
}

const struct prices *spending_prices(const struct spending *s)
{
	return s ? &s->prices : prices_builtin();
}

/* ---------------------------------------------------------------------- the day */

/* Under the lock. */
static int64_t spent_on(struct spending *s, int64_t wall_ms)
{
	double usd[FLEET_DAYS];

	s->fleet->ops->day_sums(s->fleet, clock_day(wall_ms), usd);
	return micros(usd[0]);
}

/* Under the lock. The least that any agent's call would hold decides whether the day is full. */
static void look(struct spending *s, int64_t spent, struct spending_day *out)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < s->agent_count; i++)
		if (s->agents[i].known && wanted_by(s, &s->agents[i]) < least)
			least = wanted_by(s, &s->agents[i]);
	if (least == INT64_MAX)
		least = s->fallback;
	*out = (struct spending_day){ .spent_usd = dollars(spent),
		.reserved_usd = dollars(s->held),
		.limit_usd = dollars(s->limit),
		.full = spending_fits(s->limit, spent, s->held, s->live, least) < 0,
		.over = spending_fits(s->limit, spent, 0, 0, least) < 0 };
}

void spending_look(struct spending *s, struct spending_day *out)
{
	memset(out, 0, sizeof *out);
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	look(s, spent_on(s, clock_wall_ms()), out);
	pthread_mutex_unlock(&s->lock);
}

bool spending_reserve(
    struct spending *s, const char *agent, bool must, struct spending_hold *hold, struct spending_day *refused)
{
	int64_t spent, want, held;

	memset(hold, 0, sizeof *hold);
	if (!s)
		return true;
	pthread_mutex_lock(&s->lock);
	spent = spent_on(s, clock_wall_ms());
	want = wanted_by(s, find_agent(s, agent));
	held = spending_fits(s->limit, spent, s->held, s->live, want);
	if (held < 0 && must)
		held = want < s->limit ? want : s->limit;
	if (held >= 0) {
		*hold = (struct spending_hold){ .live = true, .held = held };
		s->held += held;
		s->live++;
	} else if (refused) {
		look(s, spent, refused);
	}
	pthread_mutex_unlock(&s->lock);
	return held >= 0;
}

/* Calls that are up go on, whatever the day has cost. One lock for the day's sum and for what is
 * held: in between a call would seem to cost nothing. */
void spending_book(struct spending *s, struct spending_hold *hold, double usd, int64_t wall_ms)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	if (fabs(usd - hold->booked_usd) > 0) {
		s->fleet->ops->day_add(s->fleet, clock_day(wall_ms), usd - hold->booked_usd);
		s->held -= rest_of(hold);
		hold->booked_usd = usd;
		s->held += rest_of(hold);
	}
	pthread_mutex_unlock(&s->lock);
}

double spending_book_apart(struct spending *spending, const struct cost_use *use)
{
	struct spending_hold none = { 0 };
	struct call_cost cost;

	cost_of(use, spending_prices(spending), &cost);
	if (!cost.known)
		spending_warn_unknown(spending, *use->model ? use->model : use->transcription_model);
	spending_book(spending, &none, cost.total, clock_wall_ms());
	return cost.total;
}

void spending_settle(struct spending *s, struct spending_hold *hold, const char *agent)
{
	struct agent_costs *a;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->held -= rest_of(hold);
	s->live -= hold->live;
	a = micros(hold->booked_usd) > 0 ? add_agent(s, agent) : NULL;
	if (a)
		add_cost(a, micros(hold->booked_usd));
	memset(hold, 0, sizeof *hold);
	pthread_mutex_unlock(&s->lock);
}

/* ------------------------------------------------------------------------- showing */

/* Days go back from today, each with its date: the fleet knows them as numbers only. */
void spending_put_status(struct spending *s, struct json_out *j, int64_t wall_ms)
{
	double usd[FLEET_DAYS];
	int64_t today = clock_day(wall_ms);
	struct spending_day now;
	char date[CLOCK_DATE_SIZE];

	spending_look(s, &now);
	s->fleet->ops->day_sums(s->fleet, today, usd);
	clock_date(today, date, sizeof date);
	json_put_fixed(j, "today_usd", usd[0], 6);
	json_put_fixed(j, "reserved_usd", now.reserved_usd, 6);
	json_put_text(j, "day", date);
	if (s->limit > 0)
		json_put_fixed(j, "limit_usd", now.limit_usd, 6);
	else
		json_put_null(j, "limit_usd");
	json_put_text(j, "prices_of", s->prices.date);
	json_put_array(j, "days");
	for (int back = 0; back < FLEET_DAYS; back++) {
		clock_date(today - back, date, sizeof date);
		json_put_object(j, NULL);
		json_put_text(j, "day", date);
		json_put_fixed(j, "usd", usd[back], 6);
		json_put_end(j);
	}
	json_put_end(j);
}

/* What an agent without a call of its own would hold is a matter of settings (config_warnings.c). */
void spending_warnings(struct spending *s, struct buf *out)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; s->limit && i < s->agent_count; i++)
		if (s->agents[i].known &&
		    (s->agents[i].median || (s->agents[i].fallback && s->agents[i].fallback != s->fallback)) &&
		    wanted_by(s, &s->agents[i]) > s->limit)
			buf_printf(out,
			    "MAX_DAY_COST=%.10g is less than one call of %s reserves (%.10g): its calls are let in one at a "
			    "time, while no other is up.\n",
			    dollars(s->limit), s->agents[i].name, dollars(wanted_by(s, &s->agents[i])));
	pthread_mutex_unlock(&s->lock);
}

/* The list is bounded, and a full one silences further names: the log has said enough by then. */
void spending_warn_unknown(struct spending *s, const char *model)
{
	bool known = false;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->warned_count && !known; i++)
		known = !strncmp(s->warned[i], model, FOREIGN_ID_SIZE - 1);
	known |= s->warned_count == WARNED_MAX;
	if (!known)
		snprintf(s->warned[s->warned_count++], FOREIGN_ID_SIZE, "%s", model);
	pthread_mutex_unlock(&s->lock);
	if (!known)
		log_warn("cost",
		    "there is no price for %.60s, or for something that it counts: the dearest in the table is taken; add it to "
		    "PRICES_FILE",
		    model);
}
