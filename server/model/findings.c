#include "server/model/findings.h"

#include "common/log.h"
#include "server/model/errors.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 100 /* agents in /status and /ready */ };

void findings_init(struct findings *f, const struct model_access *endpoints, size_t count)
{
	memset(f, 0, sizeof *f);
	f->endpoints = endpoints;
	f->endpoint_count = count;
	for (size_t i = 0; i < FINDINGS_WAYS; i++)
		f->connect_ms[i] = -1;
}

void findings_free(struct findings *f)
{
	free(f->agents);
}

size_t findings_place(const struct findings *f, const struct model_access *endpoint, const struct agent *agent)
{
	return findings_in_text(agent) ? FINDINGS_TEXT : (size_t)(endpoint - f->endpoints);
}

bool findings_has(const struct findings *f, size_t way)
{
	return way < f->endpoint_count || way == FINDINGS_TEXT;
}

/* The first has the text API's, too. */
const struct model_access *findings_access(const struct findings *f, size_t way)
{
	return &f->endpoints[way == FINDINGS_TEXT ? 0 : way];
}

unsigned findings_ways(const struct findings *f, const struct agent *agent)
{
	unsigned ways = 0;

	if (findings_in_text(agent))
		return 1u << FINDINGS_TEXT;
	for (size_t i = 0; i < f->endpoint_count; i++)
		if (agent_takes_endpoint(agent, f->endpoints[i].number))
			ways |= 1u << i;
	return ways;
}

struct agent_finding *findings_of(struct findings *f, const struct agent *agent, bool make)
{
	struct agent_finding *more;

	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->agents[i].name, agent->name) && !strcmp(f->agents[i].variant, agent->variant))
			return &f->agents[i];
	if (make && f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 8;

		more = realloc(f->agents, room * sizeof *more);
		if (!more)
			return NULL;
		f->agents = more;
		f->room = room;
	}
	if (!make)
		return NULL;
	more = &f->agents[f->count++];
	memset(more, 0, sizeof *more);
	more->seen = true;
	more->ways = findings_ways(f, agent);
	snprintf(more->name, sizeof more->name, "%s", agent->name);
	snprintf(more->variant, sizeof more->variant, "%s", agent->variant);
	return more;
}

/* Of the first endpoint that is refused to this agent by a finding of its own; NULL: none is, or another
 * way is left to it. */
static const struct finding *refused_everywhere(const struct findings *f, const struct agent_finding *a)
{
	const struct finding *first = NULL;

	for (size_t i = 0; i < FINDINGS_WAYS; i++) {
		if (!(a->ways & 1u << i))
			continue;
		if (!a->at[i].found.blocks && !f->all[i].blocks)
			return NULL;
		if (!first && a->at[i].found.blocks)
			first = &a->at[i].found;
	}
	return first;
}

const struct finding *findings_refused(const struct findings *f, struct agents *known, const char *name)
{
	const struct finding *first = NULL, *found;
	size_t refused = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (name && strcmp(f->agents[i].name, name) != 0)
			continue;
		if (!(found = refused_everywhere(f, &f->agents[i])))
			continue;
		first = first ? first : found;
		refused++;
	}
	return refused && known && refused >= agents_count_variants(known, name) ? first : NULL;
}

const struct finding *findings_all_refused(const struct findings *f, const struct agent *agent)
{
	unsigned ways = findings_ways(f, agent);
	const struct finding *first = NULL;

	if (findings_in_text(agent))
		return findings_state(&f->all[FINDINGS_TEXT]) == WAY_WELL ? NULL : &f->all[FINDINGS_TEXT];
	for (size_t i = 0; i < f->endpoint_count; i++) {
		if (!(ways & 1u << i))
			continue;
		if (!f->all[i].blocks)
			return NULL;
		first = first ? first : &f->all[i];
	}
	return first;
}

enum way_state findings_state(const struct finding *f)
{
	return f->blocks ? WAY_REFUSED : f->failures >= FAILING_AFTER ? WAY_FAILING : WAY_WELL;
}

void findings_note(struct finding *f, const struct model_failure *failure, bool in_answer)
{
	if (failure->permanent || !f->blocks)
		snprintf(f->text, sizeof f->text, "%s", failure->text);
	f->in_answer = in_answer || (f->in_answer && !failure->permanent);
	f->failures += !failure->permanent;
	f->blocks |= failure->permanent;
}

struct finding *findings_note_at(struct findings *f, size_t endpoint, const struct agent *agent,
    const struct model_failure *failure, bool in_answer, enum way_state *before)
{
	struct agent_finding *a = failure->agents_own ? findings_of(f, agent, true) : NULL;
	struct finding *found = a ? &a->at[endpoint].found : &f->all[endpoint];
	const char *key = findings_access(f, endpoint)->key;

	*before = findings_state(found);
	findings_note(found, failure, in_answer);
	for (size_t i = 0; !a && endpoint != FINDINGS_TEXT && failure->permanent && i < f->endpoint_count; i++)
		if (i != endpoint && model_error_is_of_key(failure->code) && !strcmp(f->endpoints[i].key, key))
			findings_note(&f->all[i], failure, in_answer);
	return found;
}

void findings_clear(struct findings *f, size_t way)
{
	struct finding *all = &f->all[way];

	if (findings_state(all) != WAY_WELL && way == FINDINGS_TEXT)
		log_info("model", "the text API answers again");
	else if (findings_state(all) != WAY_WELL)
		log_info(
		    "model", "endpoint %d (%s) can be reached again", f->endpoints[way].number, f->endpoints[way].host);
	memset(all, 0, sizeof *all);
}

void findings_tell(const struct findings *f, size_t way, const struct agent *agent, const struct model_failure *failure,
    enum way_state state)
{
	int number = findings_access(f, way)->number;

	if (state == WAY_FAILING && way == FINDINGS_TEXT)
		log_warn(
		    "model", "the text API fails, and no calls are taken for it until it answers: %s", failure->text);
	else if (state == WAY_FAILING)
		log_warn(
		    "model", "endpoint %d fails, and is left out while another is well: %s", number, failure->text);
	else if (failure->agents_own)
		log_error("model", "not to be had at endpoint %d for the agent %s%s%s: %s", number, agent->name,
		    *agent->variant ? "/" : "", agent->variant, failure->text);
	else
		log_error("model", "not to be had at endpoint %d: %s", number, failure->text);
}

enum way_state findings_way(struct findings *f, size_t endpoint, const struct agent *agent)
{
	const struct agent_finding *a = findings_of(f, agent, false);

	if (a && a->at[endpoint].found.blocks)
		return WAY_REFUSED;
	return findings_state(&f->all[endpoint]);
}

bool findings_block(const struct findings *f, struct agents *known)
{
	size_t blocked = 0;

	while (blocked < f->endpoint_count && f->all[blocked].blocks)
		blocked++;
	if (f->in_text && f->in_text == f->listed)
		blocked = findings_state(&f->all[FINDINGS_TEXT]) == WAY_WELL ? 0 : f->endpoint_count;
	return blocked == f->endpoint_count || findings_refused(f, known, NULL);
}

bool findings_keep_lack(
    struct findings *f, size_t endpoint, const struct agent *agent, const struct model_trial_result *result)
{
	bool news = *result->lack;
	struct agent_finding *a;

	for (size_t i = 0; i < f->count; i++)
		news &= strcmp(f->agents[i].at[endpoint].lack, result->lack) != 0;
	a = findings_of(f, agent, *result->lack);
	if (a) {
		snprintf(a->at[endpoint].lack, sizeof a->at[endpoint].lack, "%s", result->lack);
		a->at[endpoint].without = result->without;
	}
	return news;
}

void findings_keep_seen(struct findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!f->agents[i].seen)
			continue;
		f->agents[i].seen = false;
		f->agents[kept++] = f->agents[i];
	}
	f->count = kept;
}

bool findings_good(const struct findings *f, size_t endpoint)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->agents[i].at[endpoint].found.text[0])
			return false;
	return !f->all[endpoint].text[0];
}

void findings_ask_again(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		for (size_t n = 0; n < FINDINGS_WAYS; n++)
			f->agents[i].at[n].without = 0;
}

/* ------------------------------------------------------------------------- showing */

static void put_names(struct json_out *j, const struct agent_finding *a)
{
	json_put_text(j, "agent", a->name);
	json_put_text(j, "variant", *a->variant ? a->variant : NULL);
}

static const char *state_word(const struct finding *f)
{
	static const char *const words[] = { "well", "failing", "refused" };

	return words[findings_state(f)];
}

void findings_put_ready(const struct findings *f, struct json_out *j)
{
	size_t shown = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!refused_everywhere(f, &f->agents[i]) || shown >= SHOWN_MAX)
			continue;
		if (!shown++)
			json_put_array(j, "agents_refused");
		json_put_object(j, NULL);
		put_names(j, &f->agents[i]);
		json_put_end(j);
	}
	if (shown)
		json_put_end(j);
	if (f->in_text)
		json_put_text(j, "text_api", state_word(&f->all[FINDINGS_TEXT]));
	if (f->endpoint_count < 2)
		return;
	json_put_array(j, "endpoints");
	for (size_t i = 0; i < f->endpoint_count; i++)
		json_put_text(j, NULL, state_word(&f->all[i]));
	json_put_end(j);
}

/* The members of an array: what each agent is refused for, or lacks, at each endpoint. */
static void put_findings(const struct findings *f, struct json_out *j, const char *name, const char *key, bool lacks)
{
	size_t shown = 0;

	json_put_array(j, name);
	for (size_t i = 0; i < f->count; i++) {
		const struct agent_finding *a = &f->agents[i];

		for (size_t n = 0; n < FINDINGS_WAYS && shown < SHOWN_MAX; n++) {
			if (lacks ? !*a->at[n].lack : !a->at[n].found.blocks)
				continue;
			json_put_object(j, NULL);
			put_names(j, a);
			if (n == FINDINGS_TEXT)
				json_put_null(j, "endpoint");
			else
				json_put_int(j, "endpoint", f->endpoints[n].number);
			json_put_text(j, key, lacks ? a->at[n].lack : a->at[n].found.text);
			json_put_end(j);
			shown++;
		}
	}
	json_put_end(j);
}

static void put_state(const struct findings *f, size_t way, struct json_out *j)
{
	json_put_text(j, "state", state_word(&f->all[way]));
	if (f->connect_ms[way] < 0)
		json_put_null(j, "last_connect_ms");
	else
		json_put_int(j, "last_connect_ms", f->connect_ms[way]);
	json_put_text(j, "last_failure", f->all[way].text[0] ? f->all[way].text : NULL);
	json_put_end(j);
}

/* The path and its query stay out: there may be a key in it, whatever we say. */
static void put_endpoints(const struct findings *f, struct json_out *j)
{
	json_put_array(j, "endpoints");
	for (size_t i = 0; i < f->endpoint_count; i++) {
		json_put_object(j, NULL);
		json_put_int(j, "number", f->endpoints[i].number);
		json_put_text(j, "host", f->endpoints[i].host);
		json_put_int(j, "port", f->endpoints[i].port);
		put_state(f, i, j);
	}
	json_put_end(j);
	if (f->in_text) {
		json_put_object(j, "text_api");
		put_state(f, FINDINGS_TEXT, j);
	} else {
		json_put_null(j, "text_api");
	}
}

void findings_put_status(const struct findings *f, struct agents *known, struct json_out *j)
{
	int64_t connect_ms = stat_get(last_connect_ms);
	const struct finding *agents = findings_refused(f, known, NULL);
	const char *failure = f->all[FINDINGS_TEXT].text[0] ? f->all[FINDINGS_TEXT].text : NULL;

	failure = agents ? agents->text : failure;
	for (size_t i = f->endpoint_count; i--;)
		if (f->all[i].text[0])
			failure = f->all[i].text;
	json_put_bool(j, "available", !findings_block(f, known));
	if (connect_ms < 0)
		json_put_null(j, "last_connect_ms");
	else
		json_put_int(j, "last_connect_ms", connect_ms);
	json_put_text(j, "last_failure", failure);
	put_endpoints(f, j);
	put_findings(f, j, "agents_refused", "reason", false);
	put_findings(f, j, "agents_lacking", "lack", true);
}
