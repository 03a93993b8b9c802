#include "server/knowledge/knowledge_tool.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/agents/agents.h"
#include "server/stats/stats.h"
#include "server/knowledge/knowledge.h"

#include <stdlib.h>
#include <string.h>

/* A pool thread of the tools. The arguments come from the model and may be anything. */
bool search_tool(void *arg, const struct tool_call *call, struct buf *out)
{
	cJSON *arguments = json_parse(call->arguments, strlen(call->arguments));
	const char *query = json_str(arguments, "query");
	int64_t began_us = clock_now_us();
	bool ok = false;

	if (query) {
		ok = knowledge_answer(arg, call->agent->knowledge, query, out);
		hist_add(&stats.knowledge_search, clock_now_us() - began_us);
		stat_add(knowledge_searches, 1);
	} else {
		tool_put_error(out, "bad_arguments", "Call it with a query, as text.");
	}
	cJSON_Delete(arguments);
	return ok;
}

/* Empty names and doubles are left to knowledge_want, which skips both. */
void search_follow_agents(struct knowledge *k, struct agents *agents)
{
	const struct agent **all = calloc(AGENTS_LISTED_MAX, sizeof *all);
	const char **folders = calloc(AGENTS_LISTED_MAX, sizeof *folders);
	size_t count = all && folders ? agents_list(agents, all, AGENTS_LISTED_MAX) : 0;

	for (size_t i = 0; i < count; i++)
		folders[i] = all[i]->knowledge;
	if (all && folders)
		knowledge_want(k, folders, count);
	for (size_t i = 0; i < count; i++)
		agent_release(all[i]);
	free(all);
	free(folders);
}

/* Each folder once, under the first agent that names it. */
void search_warnings(struct agents *agents, struct buf *out)
{
	const struct agent **all = calloc(AGENTS_LISTED_MAX, sizeof *all);
	size_t count = all ? agents_list(agents, all, AGENTS_LISTED_MAX) : 0, same;
	struct buf lines;

	buf_init(&lines, 0);
	for (size_t i = 0; i < count; i++) {
		for (same = 0; strcmp(all[same]->knowledge, all[i]->knowledge) != 0; same++)
			;
		buf_reset(&lines);
		if (*all[i]->knowledge && same == i)
			knowledge_check(all[i]->knowledge, &lines, &lines);
		if (lines.len)
			buf_printf(out, "knowledge of the agent %s:\n%s", all[i]->name, buf_text(&lines));
	}
	for (size_t i = 0; i < count; i++)
		agent_release(all[i]);
	free(all);
	buf_free(&lines);
}
