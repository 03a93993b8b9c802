#include "server/agent/toolbox.h"

#include "common/clock.h"
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void toolbox_free(struct toolbox *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->runs[i].arguments);
		free(t->runs[i].output);
	}
	free(t->runs);
	memset(t, 0, sizeof *t);
}

/* -------------------------------------------------------------------------- batches */

static struct tool_batch *batch_of(struct toolbox *t, const char *response_id)
{
	for (size_t i = 0; i < TOOLBOX_BATCHES; i++)
		if (t->batches[i].no && !strcmp(t->batches[i].response_id, response_id))
			return &t->batches[i];
	return NULL;
}

static struct tool_batch *batch_no(struct toolbox *t, uint32_t no)
{
	for (size_t i = 0; i < TOOLBOX_BATCHES; i++)
		if (t->batches[i].no == no)
			return &t->batches[i];
	return NULL;
}

static struct tool_batch *batch_new(struct toolbox *t, const char *response_id)
{
	struct tool_batch *batch = batch_no(t, 0);

	if (!batch)
		return NULL;
	*batch = (struct tool_batch){ .no = ++t->last_batch };
	snprintf(batch->response_id, sizeof batch->response_id, "%s", response_id);
	return batch;
}

/* ----------------------------------------------------------------------------- runs */

struct tool_run *toolbox_find(struct toolbox *t, const char *call_id)
{
	for (size_t i = t->count; i > 0; i--)
		if (!strcmp(t->runs[i - 1].call_id, call_id))
			return &t->runs[i - 1];
	return NULL;
}

static struct tool_run *run_new(struct toolbox *t)
{
	if (t->count == t->cap && t->cap < TOOLBOX_RUNS) {
		size_t cap = t->cap ? t->cap * 2 : 8;
		struct tool_run *grown = realloc(t->runs, cap * sizeof *grown);

		if (grown) {
			t->runs = grown;
			t->cap = cap;
		}
	}
	if (t->count == t->cap)
		return NULL;
	return memset(&t->runs[t->count++], 0, sizeof t->runs[0]);
}

size_t toolbox_shown_len(const char *text)
{
	size_t len = strlen(text);

	if (len > TOOL_SHOWN) {
		len = TOOL_SHOWN;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	return len;
}

static void fill_run(struct tool_run *run, const char *call_id, const char *name, const char *arguments, int64_t at_ms)
{
	snprintf(run->call_id, sizeof run->call_id, "%s", call_id);
	snprintf(run->name, sizeof run->name, "%s", name);
	run->arguments = strndup(arguments, toolbox_shown_len(arguments));
	run->at_ms = at_ms;
	run->took_ms = -1;
}

void toolbox_note(
    struct toolbox *t, const char *call_id, const char *name, const char *arguments, bool ok, int64_t at_ms)
{
	struct tool_run *run = toolbox_find(t, call_id) ? NULL : run_new(t);

	if (!run)
		return;
	fill_run(run, call_id, name, arguments, at_ms);
	run->state = TOOL_TOLD;
	run->ok = ok;
	t->dirty = true;
}

enum tool_begun toolbox_begin(struct toolbox *t, const struct tool_request *request, int64_t now_us)
{
	struct tool_batch *batch = batch_of(t, request->response_id);
	struct tool_run *run;

	if (strlen(request->call_id) >= TOOL_ID_SIZE || strlen(request->response_id) >= TOOL_ID_SIZE)
		return TOOL_TOO_MANY;
	if (toolbox_find(t, request->call_id))
		return TOOL_KNOWN;
	if ((!batch && !(batch = batch_new(t, request->response_id))))
		return TOOL_TOO_MANY;
	run = run_new(t);
	if (!run)
		return TOOL_TOO_MANY;
	run->batch = batch->no;
	fill_run(run, request->call_id, request->name, request->arguments, request->at_ms);
	run->filler = request->filler;
	run->began_us = now_us;
	run->deadline_us = now_us + (int64_t)request->timeout_ms * US_PER_MS + TOOL_GRACE_US;
	t->dirty = true;
	return TOOL_BEGUN;
}

bool toolbox_answer(struct toolbox *t, const char *call_id, bool ok, const char *output, int64_t now_us)
{
	struct tool_run *run = toolbox_find(t, call_id);

	if (!run || run->state != TOOL_RUNNING)
		return false;
	run->state = TOOL_ANSWERED;
	run->ok = ok;
	run->output = strdup(output);
	run->took_ms = (now_us - run->began_us) / US_PER_MS;
	t->dirty = true;
	return true;
}

/* --------------------------------------------------------------- what else happens */

void toolbox_spoke(struct toolbox *t, const char *response_id)
{
	struct tool_batch *batch = batch_of(t, response_id);

	if (batch)
		batch->spoke = true;
}

void toolbox_talking(struct toolbox *t)
{
	for (size_t i = 0; i < TOOLBOX_BATCHES; i++)
		if (t->batches[i].no && t->batches[i].made)
			t->batches[i].filled = true;
}

void toolbox_made(struct toolbox *t, const char *response_id)
{
	struct tool_batch *batch = batch_of(t, response_id);

	if (batch)
		batch->made = true;
}

void toolbox_last(struct toolbox *t, const char *call_id, bool last)
{
	struct tool_run *run = toolbox_find(t, call_id);
	struct tool_batch *batch = run ? batch_no(t, run->batch) : NULL;

	if (batch)
		batch->last = run->ends = last;
}

/* -------------------------------------------------------------------------- telling */

static bool running_in(const struct toolbox *t, uint32_t batch)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->runs[i].batch == batch && t->runs[i].state == TOOL_RUNNING)
			return true;
	return false;
}

struct tool_batch *toolbox_ready(struct toolbox *t)
{
	struct tool_batch *oldest = NULL;

	for (size_t i = 0; i < TOOLBOX_BATCHES; i++) {
		struct tool_batch *batch = &t->batches[i];

		if (batch->no && batch->made && !running_in(t, batch->no) && (!oldest || batch->no < oldest->no))
			oldest = batch;
	}
	return oldest;
}

struct tool_run *toolbox_next(struct toolbox *t, const struct tool_batch *batch, const struct tool_run *after)
{
	for (size_t i = after ? (size_t)(after - t->runs) + 1 : 0; i < t->count; i++)
		if (t->runs[i].batch == batch->no && t->runs[i].state == TOOL_ANSWERED)
			return &t->runs[i];
	return NULL;
}

void toolbox_told(struct toolbox *t, struct tool_batch *batch)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->runs[i].batch != batch->no)
			continue;
		t->runs[i].state = TOOL_TOLD;
		free(t->runs[i].output);
		t->runs[i].output = NULL;
	}
	memset(batch, 0, sizeof *batch);
}

/* --------------------------------------------------------------------------- by the clock */

struct tool_run *toolbox_overdue(struct toolbox *t, int64_t now_us)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->runs[i].state == TOOL_RUNNING && now_us >= t->runs[i].deadline_us)
			return &t->runs[i];
	return NULL;
}

/* When the filler is due because of this run; INT64_MAX: not. */
static int64_t filler_us(const struct tool_run *run, const struct tool_batch *batch)
{
	if (run->state != TOOL_RUNNING || !run->filler || !batch || !batch->made || batch->filled || batch->last)
		return INT64_MAX;
	return run->began_us + (batch->spoke ? TOOL_FILLER_SPOKE_US : TOOL_FILLER_US);
}

const char *toolbox_filler(struct toolbox *t, int64_t now_us)
{
	for (size_t i = 0; i < t->count; i++) {
		struct tool_batch *batch = batch_no(t, t->runs[i].batch);

		if (now_us < filler_us(&t->runs[i], batch))
			continue;
		batch->filled = true;
		return t->runs[i].filler;
	}
	return NULL;
}

bool toolbox_running(const struct toolbox *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->runs[i].state == TOOL_RUNNING && !t->runs[i].ends)
			return true;
	return false;
}

int64_t toolbox_deadline_us(const struct toolbox *t, bool fillers)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < t->count; i++) {
		const struct tool_run *run = &t->runs[i];
		int64_t filler = INT64_MAX;

		if (fillers)
			filler = filler_us(run, batch_no((struct toolbox *)t, run->batch));
		if (run->state == TOOL_RUNNING && run->deadline_us < due)
			due = run->deadline_us;
		if (filler < due)
			due = filler;
	}
	return due;
}

/* -------------------------------------------------------------------------- showing */

void toolbox_put_run(const struct tool_run *run, struct buf *out)
{
	buf_puts(out, "{\"call_id\":");
	json_put_cstring(out, run->call_id);
	buf_puts(out, ",\"name\":");
	json_put_cstring(out, run->name);
	buf_puts(out, ",\"arguments\":");
	json_put_cstring(out, run->arguments ? run->arguments : "");
	buf_printf(out, ",\"at_ms\":%" PRId64, run->at_ms);
	if (run->state == TOOL_RUNNING)
		buf_puts(out, ",\"ok\":null,\"took_ms\":null}");
	else if (run->took_ms < 0)
		buf_printf(out, ",\"ok\":%s,\"took_ms\":null}", run->ok ? "true" : "false");
	else
		buf_printf(out, ",\"ok\":%s,\"took_ms\":%" PRId64 "}", run->ok ? "true" : "false", run->took_ms);
}

void toolbox_put_json(struct toolbox *t, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < t->count; i++) {
		if (i)
			buf_putc(out, ',');
		toolbox_put_run(&t->runs[i], out);
	}
	buf_putc(out, ']');
	t->dirty = false;
}
