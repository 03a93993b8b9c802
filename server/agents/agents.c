#include "server/agents/agents.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/json.h"
#include "common/log.h"
#include "server/agents/agent_set.h"
#include "server/agents/load.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALLBACKS_MAX = 4,
	TOLD_MAX = 8 /* names in a sentence that nobody would read to its end otherwise */
};

/* One set is in use at a time. Readers take a reference under the lock and work outside it, so a
 * reload never waits for a call and a call never waits for the disk. */
struct agents {
	const struct config *cfg;
	struct {
		agents_changed *call;
		void *arg;
	} callbacks[CALLBACKS_MAX]; /* set at start */
	size_t callback_count;

	pthread_mutex_t lock;  /* guards the rest; held to swap or to take a reference */
	struct agent_set *set; /* one reference; never NULL once open */
	int64_t loaded_ms;     /* the set in use, wall clock */
	struct buf notes;      /* oddities of that set */
	char *last_error;      /* owned; why the last reload failed, NULL if it succeeded */
};

/* The start is strict: a mistake in any file stops the program, because an operator is watching
 * now. A reload is not, because callers are on the line. */
int agents_open(struct agents **out, const struct config *cfg, struct buf *problem)
{
	struct agents *a = calloc(1, sizeof *a);
	int err;

	if (!a) {
		buf_puts(problem, "out of memory\n");
		return -ENOMEM;
	}
	a->cfg = cfg;
	a->loaded_ms = clock_wall_ms();
	pthread_mutex_init(&a->lock, NULL);
	buf_init(&a->notes, 0);
	err = agents_load(&a->set, cfg, problem, &a->notes);
	if (err) {
		agents_close(a);
		return err;
	}
	*out = a;
	return 0;
}

void agents_notes(struct agents *a, struct buf *out)
{
	pthread_mutex_lock(&a->lock);
	buf_puts(out, buf_text(&a->notes));
	pthread_mutex_unlock(&a->lock);
}

/* When no call and no watcher can ask any more. Agents that are still referenced live on. */
void agents_close(struct agents *a)
{
	if (!a)
		return;
	agent_set_release(a->set);
	free(a->last_error);
	buf_free(&a->notes);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ----------------------------------------------------------------------- reloading */

void agents_on_change(struct agents *a, agents_changed *callback, void *arg)
{
	if (a->callback_count == CALLBACKS_MAX)
		abort();
	a->callbacks[a->callback_count].call = callback;
	a->callbacks[a->callback_count++].arg = arg;
}

/* Main's thread, on SIGHUP. Files are read before the lock is taken; under it only pointers change
 * hands. The old set is released after the lock, and callbacks run last, so that a callback which
 * asks for agents sees the new ones. After a mistake nothing is swapped: /status tells the sentence
 * as last_error until a later reload succeeds. */
int agents_reload(struct agents *a, struct buf *problem)
{
	struct agent_set *fresh = NULL, *old = NULL;
	char *sentence = NULL, *before;
	struct buf notes, swap;
	int err;

	buf_init(&notes, 0);
	err = agents_load(&fresh, a->cfg, problem, &notes);

	if (err)
		sentence = strndup(buf_text(problem), problem->len ? problem->len - 1 : 0);
	pthread_mutex_lock(&a->lock);
	if (!err) {
		old = a->set;
		a->set = fresh;
		a->loaded_ms = clock_wall_ms();
		swap = a->notes;
		a->notes = notes;
		notes = swap;
	}
	before = a->last_error;
	a->last_error = sentence;
	pthread_mutex_unlock(&a->lock);
	free(before);
	buf_free(&notes);
	if (err)
		return err;
	agent_set_release(old);
	for (size_t i = 0; i < a->callback_count; i++)
		a->callbacks[i].call(a->callbacks[i].arg);
	return 0;
}

/* ----------------------------------------------------------------------- questions */

/* The set in use, retained: it outlives a reload that comes right after. */
static struct agent_set *current(struct agents *a)
{
	struct agent_set *set;

	pthread_mutex_lock(&a->lock);
	set = agent_set_retain(a->set);
	pthread_mutex_unlock(&a->lock);
	return set;
}

/* The draw is anew for each call: a caller who rings twice may meet two variants. */
static const struct agent *drawn(const struct agent_entry *entry)
{
	uint32_t at;

	random_bytes(&at, sizeof at);
	return agent_retain(agent_entry_draw(entry, (double)at / 4294967296.0));
}

/* Called by the webhook of an incoming call, before its line is reserved. The agent's own reference
 * outlasts the set's, which is given back at once. */
const struct agent *agents_for_number(struct agents *a, const char *number)
{
	struct agent_set *set = current(a);
	const struct agent *p = drawn(agent_set_for_number(set, number));

	agent_set_release(set);
	return p;
}

const struct agent *agents_by_name(struct agents *a, const char *name)
{
	struct agent_set *set = current(a);
	const struct agent_entry *entry = agent_set_by_name(set, name);
	const struct agent *p = entry ? drawn(entry) : NULL;

	agent_set_release(set);
	return p;
}

const struct agent *agents_only(struct agents *a, const char *from)
{
	struct agent_set *set = current(a);
	const struct agent_entry *entry = from ? agent_set_for_number(set, from) : NULL;
	const struct agent *p;

	if (!entry || !agent_entry_names(entry, from))
		entry = set->count == 1 ? &set->list[0] : set->count ? NULL : &set->builtin;
	p = entry ? drawn(entry) : NULL;
	agent_set_release(set);
	return p;
}

static void add_told(struct buf *out, size_t n, const char *word)
{
	if (n < TOLD_MAX)
		buf_printf(out, "%s%s", n ? ", " : "", word);
}

static size_t told_in_all(struct buf *out, size_t n)
{
	if (n > TOLD_MAX)
		buf_printf(out, " and %zu more", n - TOLD_MAX);
	return n;
}

size_t agents_name_all(struct agents *a, struct buf *out)
{
	struct agent_set *set = current(a);
	size_t n = 0;

	for (; n < set->count; n++)
		add_told(out, n, set->list[n].name);
	agent_set_release(set);
	return told_in_all(out, n);
}

size_t agents_number_all(struct agents *a, struct buf *out)
{
	struct agent_set *set = current(a);
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct agent *p = set->list[i].variants[0];

		for (size_t k = 0; k < p->number_count; k++)
			add_told(out, n++, p->numbers[k]);
	}
	agent_set_release(set);
	return told_in_all(out, n);
}

/* Work after the call (records, deliveries, a transfer's return) finds its agent by the names in
 * the stored call. The variant may be gone since: then any variant of that agent will do, since
 * they share the file's secrets and webhooks. The exact variant wins over the first one seen. */
const struct agent *agents_variant(struct agents *a, const char *name, const char *variant)
{
	struct agent_set *set = current(a);
	const struct agent *found = NULL;

	for (size_t i = 0; i <= set->count && !found; i++) {
		const struct agent_entry *entry = i < set->count ? &set->list[i] : &set->builtin;

		for (size_t v = 0; v < entry->variant_count && !strcmp(entry->name, name); v++)
			if (!found || !strcmp(entry->variants[v]->variant, variant))
				found = entry->variants[v];
	}
	agent_retain(found);
	agent_set_release(set);
	return found;
}

_Static_assert((int)AGENTS_LISTED_MAX == AGENTS_MAX * AGENT_VARIANTS_MAX + 1, "more than agents_list could give");

static bool is_in_text(const struct agent_entry *entry)
{
	for (size_t v = 0; v < entry->variant_count; v++)
		if (entry->variants[v]->model_protocol != MODEL_KIND_TEXT)
			return false;
	return true;
}

/* No real number is "", so only "the rest" answers it. Where all files have the text API nobody means it to
 * have another model. */
static bool builtin_answers(const struct agent_set *set)
{
	bool alone = is_in_text(&set->builtin) || !set->count;

	for (size_t i = 0; i < set->count && !alone; i++)
		alone = !is_in_text(&set->list[i]);
	return alone && agent_set_for_number(set, "") == &set->builtin;
}

size_t agents_list(struct agents *a, const struct agent **out, size_t max)
{
	struct agent_set *set = current(a);
	size_t n = 0;

	for (size_t i = 0; i <= set->count; i++) {
		const struct agent_entry *entry = i < set->count ? &set->list[i] : &set->builtin;

		if (entry == &set->builtin && !builtin_answers(set))
			continue;
		for (size_t v = 0; v < entry->variant_count && n < max; v++)
			out[n++] = agent_retain(entry->variants[v]);
	}
	agent_set_release(set);
	return n;
}

size_t agents_count(struct agents *a)
{
	struct agent_set *set = current(a);
	size_t n = set->count;

	agent_set_release(set);
	return n;
}

size_t agents_count_variants(struct agents *a, const char *name)
{
	struct agent_set *set = current(a);
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		if (!name || !strcmp(set->list[i].name, name))
			n += set->list[i].variant_count;
	if (builtin_answers(set) && (!name || !strcmp(set->builtin.name, name)))
		n += set->builtin.variant_count;
	agent_set_release(set);
	return n;
}

void agents_describe(struct agents *a, struct buf *out)
{
	struct agent_set *set = current(a);
	const struct agent_entry *rest = agent_set_for_number(set, "");

	for (size_t i = 0; i <= set->count; i++) {
		const struct agent_entry *entry = i < set->count ? &set->list[i] : &set->builtin;

		if (entry == &set->builtin && entry != rest)
			continue;
		for (size_t v = 0; v < entry->variant_count; v++)
			agent_describe(entry->variants[v], entry == rest, out);
	}
	agent_set_release(set);
}

/* The text API has none of these endpoints; what it is asked for is looked at like the first's. */
static void tell_ends(const struct config *cfg, const struct agent *p, const struct model_ends *to)
{
	int last = p->model_protocol == MODEL_KIND_TEXT ? 1 : CONFIG_ENDPOINTS_MAX;

	for (int number = 1; number <= last; number++) {
		const struct agent_endpoint *own = agent_endpoint(p, number);
		const char *model = p->openai_model;

		if (!config_has_endpoint(cfg, number) || !agent_takes_endpoint(p, number))
			continue;
		if (own && own->model)
			model = own->model;
		else if (number > 1 && *cfg->others[number - 2].model)
			model = cfg->others[number - 2].model;
		config_model_ends(cfg, number, p->file, model, p->transcription_model, to);
	}
}

void agents_model_ends(struct agents *a, const struct model_ends *to)
{
	struct agent_set *set = current(a);

	for (size_t i = 0; i <= set->count; i++) {
		const struct agent_entry *entry = i < set->count ? &set->list[i] : &set->builtin;

		if (entry == &set->builtin && !builtin_answers(set))
			continue;
		for (size_t v = 0; v < entry->variant_count; v++)
			tell_ends(a->cfg, entry->variants[v], to);
	}
	agent_set_release(set);
}

/* ----------------------------------------------------------------------- dialling */

bool agents_may_dial(struct agents *a, const char *number, const char *tag, const char *way)
{
	struct agent_set *set = current(a);
	bool may = dialling_allows(&set->dialling, number);
	char shown[16];

	agent_set_release(set);
	if (may)
		return true;
	stat_add(calls_not_dialled, 1);
	log_warn(
	    tag, "not dialled, for OUTBOUND_ALLOW leaves it out; number=%s for=%s", log_number(number, shown), way);
	return false;
}

static void put_dialling(const struct agents *a, const struct agent_set *set, struct buf *out)
{
	buf_puts(out, a->cfg->outbound_allow_count
			  ? "OUTBOUND_ALLOW lets only these be dialled: "
			  : "without OUTBOUND_ALLOW only the countries of the agents' own numbers are dialled: ");
	dialling_put(&set->dialling, out);
}

void agents_put_dialling(struct agents *a, struct buf *out)
{
	struct agent_set *set = current(a);

	put_dialling(a, set, out);
	agent_set_release(set);
}

/* Once for all variants that have it. */
static void tell_undialled(const struct agents *a, const struct agent_set *set, const char *file, const char *key,
    const char *number, struct buf *out)
{
	char shown[16];
	struct buf line;

	if (!*number || dialling_allows(&set->dialling, number))
		return;
	buf_init(&line, 0);
	buf_printf(&line, "%s%s%s: %s is not dialled: ", file, *file ? ": " : "", key, log_number(number, shown));
	put_dialling(a, set, &line);
	buf_puts(&line, "; before there was that setting, every number was\n");
	if (!strstr(buf_text(out), buf_text(&line)))
		buf_puts(out, buf_text(&line));
	buf_free(&line);
}

static void tell_agent(const struct agents *a, const struct agent_set *set, const struct agent *p, struct buf *out)
{
	bool settings = p->fallback_number == a->cfg->overflow_number;
	char key[64];

	tell_undialled(
	    a, set, settings ? "" : p->file, settings ? "OVERFLOW_NUMBER" : "fallback.number", p->fallback_number, out);
	for (size_t i = 0; i < p->destination_count; i++) {
		snprintf(key, sizeof key, "transfers[%zu].number", i);
		tell_undialled(a, set, p->file, key, p->destinations[i].number, out);
	}
}

void agents_undialled(struct agents *a, struct buf *out)
{
	struct agent_set *set = current(a);

	for (size_t i = 0; i <= set->count; i++) {
		const struct agent_entry *entry = i < set->count ? &set->list[i] : &set->builtin;

		for (size_t v = 0; v < entry->variant_count; v++)
			if (entry != &set->builtin || builtin_answers(set))
				tell_agent(a, set, entry->variants[v], out);
	}
	agent_set_release(set);
}

void agents_put_json(struct agents *a, struct json_out *j)
{
	struct agent_set *set = current(a);

	json_put_array(j, "names");
	for (size_t i = 0; i < set->count; i++)
		json_put_text(j, NULL, set->list[i].name);
	if (builtin_answers(set))
		json_put_text(j, NULL, set->builtin.name);
	json_put_end(j);
	agent_set_release(set);
	pthread_mutex_lock(&a->lock);
	json_put_time(j, "loaded_at", a->loaded_ms);
	json_put_text(j, "last_error", a->last_error);
	pthread_mutex_unlock(&a->lock);
}
