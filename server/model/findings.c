#include "server/model/findings.h"

#include "server/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 100 /* agents in /status and /ready */ };

void findings_free(struct findings *f)
{
	free(f->agents);
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
	snprintf(more->name, sizeof more->name, "%s", agent->name);
	snprintf(more->variant, sizeof more->variant, "%s", agent->variant);
	return more;
}

const struct agent_finding *findings_refused(const struct findings *f, struct agents *known, const char *name)
{
	const struct agent_finding *first = NULL;
	size_t refused = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct agent_finding *a = &f->agents[i];

		if (!a->found.blocks || (name && strcmp(a->name, name) != 0))
			continue;
		first = first ? first : a;
		refused++;
	}
	return refused && known && refused >= agents_count_variants(known, name) ? first : NULL;
}

bool findings_note(struct finding *f, const struct model_failure *failure)
{
	bool news = failure->permanent && !f->blocks;

	if (failure->permanent || !f->blocks)
		snprintf(f->text, sizeof f->text, "%s", failure->text);
	f->blocks |= failure->permanent;
	return news;
}

bool findings_keep_seen(struct findings *f)
{
	bool good = !f->all.text[0];
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!f->agents[i].seen)
			continue;
		f->agents[i].seen = false;
		good &= !f->agents[i].found.text[0];
		f->agents[kept++] = f->agents[i];
	}
	f->count = kept;
	return good;
}

void findings_ask_again(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		f->agents[i].without = 0;
}

static void put_names(struct json_out *j, const struct agent_finding *a)
{
	json_put_text(j, "agent", a->name);
	json_put_text(j, "variant", *a->variant ? a->variant : NULL);
}

void findings_put_refused(const struct findings *f, struct json_out *j)
{
	size_t shown = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!f->agents[i].found.blocks || shown >= SHOWN_MAX)
			continue;
		if (!shown++)
			json_put_array(j, "agents_refused");
		json_put_object(j, NULL);
		put_names(j, &f->agents[i]);
		json_put_end(j);
	}
	if (shown)
		json_put_end(j);
}

/* The members of an array: what each agent is refused for, or lacks. */
static void put_findings(const struct findings *f, struct json_out *j, const char *name, const char *key, bool lacks)
{
	size_t shown = 0;

	json_put_array(j, name);
	for (size_t i = 0; i < f->count && shown < SHOWN_MAX; i++) {
		const struct agent_finding *a = &f->agents[i];

		if (lacks ? !*a->lack : !a->found.blocks)
			continue;
		json_put_object(j, NULL);
		put_names(j, a);
		json_put_text(j, key, lacks ? a->lack : a->found.text);
		json_put_end(j);
		shown++;
	}
	json_put_end(j);
}

void findings_put_status(const struct findings *f, struct agents *known, struct json_out *j)
{
	int64_t connect_ms = stat_get(last_connect_ms);
	const struct agent_finding *all;
	const char *failure;

	all = findings_refused(f, known, NULL);
	failure = f->all.text[0] ? f->all.text : all ? all->found.text : NULL;
	json_put_bool(j, "available", !f->all.blocks && !all);
	if (connect_ms < 0)
		json_put_null(j, "last_connect_ms");
	else
		json_put_int(j, "last_connect_ms", connect_ms);
	json_put_text(j, "last_failure", failure);
	put_findings(f, j, "agents_refused", "reason", false);
	put_findings(f, j, "agents_lacking", "lack", true);
}
