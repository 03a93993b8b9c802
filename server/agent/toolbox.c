#include "server/agent/toolbox.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/model/words.h"
#include "server/news/journal_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t toolbox_fit(const char *text, size_t most)
{
	size_t len = strlen(text);

	if (len <= most)
		return len;
	for (len = most; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
		len--;
	return len;
}

static void put_arguments(struct tool_run *run, const char *arguments)
{
	size_t shown = toolbox_shown_len(arguments);

	free(run->arguments);
	free(run->whole);
	run->arguments = strndup(arguments, shown);
	run->cut = shown < strlen(arguments);
	run->whole = run->cut && strlen(arguments) <= TOOLBOX_KEPT ? strdup(arguments) : NULL;
}

static void empty(struct tool_run *run)
{
	free(run->call_id);
	free(run->name);
	free(run->arguments);
	free(run->whole);
	free(run->output);
}

void toolbox_free(struct toolbox *t)
{
	for (size_t i = 0; i < t->count; i++)
		empty(&t->runs[i]);
	free(t->runs);
	memset(t, 0, sizeof *t);
}

struct tool_run *toolbox_find(struct toolbox *t, const char *call_id)
{
	for (size_t i = t->count; i > 0; i--)
		if (!strcmp(t->runs[i - 1].call_id, call_id))
			return &t->runs[i - 1];
	return NULL;
}

struct tool_run *toolbox_no(struct toolbox *t, uint32_t no)
{
	return no && no <= t->count ? &t->runs[no - 1] : NULL;
}

size_t toolbox_shown_len(const char *text)
{
	return toolbox_fit(text, TOOL_SHOWN);
}

static bool make_room(struct toolbox *t)
{
	size_t cap = t->cap ? t->cap * 2 : 8;
	struct tool_run *grown;

	if (t->count < t->cap)
		return true;
	if (t->cap >= TOOLBOX_RUNS || !(grown = realloc(t->runs, cap * sizeof *grown)))
		return false;
	t->runs = grown;
	t->cap = cap;
	return true;
}

enum tool_begun toolbox_begin(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, int64_t at_ms, int64_t now_us)
{
	struct tool_run *run;

	if (toolbox_find(t, call_id))
		return TOOL_KNOWN;
	if (!make_room(t))
		return TOOL_TOO_MANY;
	run = &t->runs[t->count++];
	*run = (struct tool_run){ .no = (uint32_t)t->count, .at_ms = at_ms, .began_us = now_us, .took_ms = -1 };
	run->call_id = strdup(call_id);
	run->name = strdup(name);
	put_arguments(run, arguments);
	if (!run->call_id || !run->name) {
		toolbox_drop(t);
		return TOOL_TOO_MANY;
	}
	t->dirty = true;
	return TOOL_BEGUN;
}

void toolbox_drop(struct toolbox *t)
{
	empty(&t->runs[--t->count]);
}

void toolbox_result(struct toolbox *t, struct tool_run *run, bool ok, const char *output, int64_t now_us)
{
	run->answered = true;
	run->ok = ok;
	free(run->output);
	run->output = strdup(output);
	run->took_ms = (now_us - run->began_us) / US_PER_MS;
	t->dirty = true;
}

/* The oldest make way. */
static void keep_newest(struct toolbox *t)
{
	size_t sum = 0;

	for (size_t i = t->count; i > 0; i--) {
		struct tool_run *run = &t->runs[i - 1];

		sum += (run->told && run->output ? strlen(run->output) : 0) + (run->whole ? strlen(run->whole) : 0);
		if (sum <= TOOLBOX_KEPT || !run->told)
			continue;
		free(run->output);
		free(run->whole);
		run->output = run->whole = NULL;
	}
}

void toolbox_told(struct toolbox *t, struct tool_run *run)
{
	run->told = true;
	keep_newest(t);
}

/* Its arguments come when it has begun. One that is asked for is no call yet. */
void toolbox_note(struct toolbox *t, const struct model_mcp_item *item, uint32_t session, int64_t at_ms, int64_t now_us)
{
	struct tool_run *run = toolbox_find(t, item->id);
	char name[2 * FOREIGN_ID_SIZE];
	bool begun = run;

	snprintf(name, sizeof name, "%s/%s", item->server, item->name);
	if (begun ? run->answered || !run->foreign
		  : toolbox_begin(t, item->id, name, item->arguments, at_ms, now_us) != TOOL_BEGUN)
		return;
	run = toolbox_find(t, item->id);
	run->foreign = true;
	run->session = session;
	if (item->what == MODEL_MCP_BEGINS)
		return;
	put_arguments(run, item->arguments);
	toolbox_result(t, run, item->what == MODEL_MCP_CALLED, item->output, now_us);
	run->took_ms = begun ? run->took_ms : -1;
	if (item->what != MODEL_MCP_ASKS)
		toolbox_told(t, run);
}

/* Half an object is none. */
const char *toolbox_arguments(const struct tool_run *run, size_t most)
{
	const char *all = run->cut ? run->whole : run->arguments;

	if (!all || strlen(all) > most)
		return words_arguments_left_out;
	return all[0] ? all : "{}";
}

/* -------------------------------------------------------------------------- showing */

void toolbox_tell(const struct tool_run *run, struct call_tool *out)
{
	*out = (struct call_tool){ .call_id = run->call_id,
		.name = run->name,
		.arguments = run->arguments ? run->arguments : "",
		.at_ms = run->at_ms,
		.answered = run->answered,
		.ok = run->ok,
		.took_ms = run->took_ms };
}

void toolbox_put_json(struct toolbox *t, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct call_tool tool;

	json_put_array(&j, NULL);
	for (size_t i = 0; i < t->count; i++) {
		toolbox_tell(&t->runs[i], &tool);
		journal_put_tool(&j, NULL, &tool);
	}
	json_put_end(&j);
	t->dirty = false;
}
