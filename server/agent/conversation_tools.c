/* The tools the model calls: begun, answered, told; and those that end the call. */
#include "server/agent/conversation_private.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "server/work/tool_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_TIMEOUT_MS = 8000,
	FAREWELL_TIMEOUT_MS = 120 * 1000, /* end_call and transfer_call have a clock of their own */
	IN_FLIGHT_US = 300 * US_PER_MS    /* an answer begun so soon after ours cannot know of it */
};

/* The filler of a tool that has none: the agent finds its own words, in the
 * language that is being spoken. */
#define FILLER "Tell the caller in three or four words, in the language you are speaking, that this takes a moment."

/* --------------------------------------------------------------------------- showing */

static void tell_journal(struct conversation *con, const char *type, const struct tool_run *run)
{
	struct buf json;

	if (!journal_wanted())
		return;
	buf_init(&json, 0);
	toolbox_put_run(run, &json);
	if (run->output && json.len && !buf_error(&json)) {
		json.len--; /* the closing brace */
		buf_puts(&json, ",\"answer\":");
		json_put_string(&json, run->output, toolbox_shown_len(run->output));
		buf_putc(&json, '}');
	}
	if (!buf_error(&json))
		call_tell(con->call, JOURNAL_TOOL, type, -1, buf_text(&json));
	buf_free(&json);
}

static void count_failure(enum tool_failure failure)
{
	switch (failure) {
	case TOOL_OK:
		stat_add(tools_answered, 1);
		break;
	case TOOL_TIMEOUT:
		stat_add(tools_timeout, 1);
		break;
	case TOOL_UNREACHABLE:
	case TOOL_LOST:
		stat_add(tools_unreachable, 1);
		break;
	case TOOL_STATUS:
		stat_add(tools_status, 1);
		break;
	case TOOL_BAD_ANSWER:
		stat_add(tools_bad_answer, 1);
		break;
	case TOOL_BUSY:
		stat_add(tools_busy, 1);
		break;
	case TOOL_BAD_CALL:
		stat_add(tools_bad_call, 1);
		break;
	case TOOL_OWN:
		stat_add(tools_own, 1);
		break;
	case TOOL_CANCELLED:
		stat_add(tools_cancelled, 1);
		break;
	}
}

/* -------------------------------------------------------------------------- answers */

static void answered(struct conversation *con, const char *call_id, bool ok, const char *json, int64_t now)
{
	if (!toolbox_answer(&con->toolbox, call_id, ok, json, now)) {
		log_debug(con->call->tag, "an answer of a tool came too late");
		return;
	}
	tell_journal(con, "tool.answered", toolbox_find(&con->toolbox, call_id));
	if (!toolbox_running(&con->toolbox))
		cues_drop(&con->cues, CUE_FILLER);
}

static void answer_error(
    struct conversation *con, const char *call_id, const char *code, const char *message, int64_t now)
{
	struct buf error;

	buf_init(&error, 0);
	tool_put_error(&error, code, message);
	answered(con, call_id, false, buf_text(&error), now);
	buf_free(&error);
}

void conversation_tool_answered(struct conversation *con, const struct mail *mail, int64_t now_us)
{
	answered(con, mail->name, mail->ok, mail->text, now_us);
}

/* On a job thread: all it may touch is the table's mailbox. */
static void post_answer(
    const struct tool_asker *asker, const char *call_id, enum tool_failure failure, const char *json)
{
	struct mail *mail;
	int err;

	count_failure(failure);
	if (failure == TOOL_CANCELLED)
		return;
	mail = mail_new(MAIL_TOOL_ANSWER, call_id, json);
	if (mail)
		mail->ok = failure == TOOL_OK;
	err = calls_post(asker->to, (struct call_ref){ asker->index, asker->generation }, mail);
	if (err && err != -ENOENT)
		log_warn("tools", "an answer is lost, the time limit will say so; call_id=%.60s: %s", call_id,
		    strerror(-err));
}

/* ------------------------------------------------------------------------- beginning */

static void put_facts(struct conversation *con, struct buf *out)
{
	struct call *c = con->call;
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	char when[32];

	clock_iso8601(c->reserved_wall_ms + (started ? (started - c->reserved_us) / US_PER_MS : 0), when, sizeof when);
	buf_puts(out, "{\"call_sid\":");
	json_put_cstring(out, c->call_sid);
	buf_puts(out, ",\"from\":");
	json_put_cstring(out, c->from);
	buf_puts(out, ",\"to\":");
	json_put_cstring(out, c->to);
	buf_puts(out, ",\"agent\":");
	json_put_cstring(out, c->agent->name);
	buf_puts(out, ",\"direction\":");
	json_put_cstring(out, c->direction);
	buf_puts(out, ",\"metadata\":");
	buf_puts(out, c->context.metadata && c->context.metadata[0] ? c->context.metadata : "{}");
	buf_printf(out, ",\"started_at\":\"%s\"}", when);
}

static void submit(struct conversation *con, const struct model_tool_call *wanted, int timeout_ms, int64_t now)
{
	struct call *c = con->call;
	struct work *work = calls_work(c->calls);
	struct tool_call *call = NULL;
	struct buf facts;

	buf_init(&facts, 0);
	put_facts(con, &facts);
	if (!con->cancel)
		con->cancel = tool_cancel_new();
	if (con->cancel && work && !buf_error(&facts))
		call = tool_call_new(
		    c->agent, con->cancel, wanted->call_id, wanted->name, wanted->arguments, buf_text(&facts));
	buf_free(&facts);
	if (!call) {
		count_failure(TOOL_BUSY);
		answer_error(con, wanted->call_id, "busy", "This cannot be done at the moment.", now);
		return;
	}
	snprintf(call->call_sid, sizeof call->call_sid, "%s", c->call_sid);
	call->asker = (struct tool_asker){ c->calls, c->index, c->generation };
	call->answer = post_answer;
	tool_call_submit(call, work, timeout_ms);
}

/* False: the call is ending already, by somebody else's word. */
static bool begin_farewell(struct conversation *con, const struct model_tool_call *call, const char *response_id,
    enum call_end end, int64_t now)
{
	if (!farewell_begin(&con->farewell, end, false, response_id, call->call_id, now)) {
		answered(con, call->call_id, true, "{\"ok\":true,\"note\":\"the call is already ending\"}", now);
		return false;
	}
	toolbox_last(&con->toolbox, call->call_id, true);
	if (con->speaking)
		conversation_caller_spoke_up(con, now);
	return true;
}

static void begin_transfer(
    struct conversation *con, const struct model_tool_call *call, const char *response_id, int64_t now)
{
	cJSON *arguments = json_parse(call->arguments, strlen(call->arguments));
	const char *name = json_str(arguments, "destination");
	const struct agent_destination *destination = name ? tool_list_destination(con->call->agent, name) : NULL;

	if (!destination)
		answer_error(con, call->call_id, "unknown_destination",
		    "There is no such destination. Only those in the tool's list can be reached.", now);
	else if (begin_farewell(con, call, response_id, END_TRANSFERRED, now))
		conversation_hand_over_to(con, destination->name, destination->number, destination->ring_seconds);
	cJSON_Delete(arguments);
}

static void begin(struct conversation *con, const struct model_tool_call *call, const char *response_id, int64_t now)
{
	const struct agent *agent = con->call->agent;
	const struct agent_tool *tool = tool_of_agent(agent, call->name);
	bool own = tool_builtin_of(agent, call->name), ends = !strcmp(call->name, "end_call");
	bool transfers = !strcmp(call->name, "transfer_call") && agent->destination_count;
	struct tool_request request = { .response_id = response_id,
		.call_id = call->call_id,
		.name = call->name,
		.arguments = call->arguments,
		.filler = tool  ? tool->filler
			  : own ? ""
				: NULL,
		.timeout_ms = tool                ? tool->timeout_ms
			      : ends || transfers ? FAREWELL_TIMEOUT_MS
						  : OWN_TIMEOUT_MS,
		.at_ms = conversation_at_ms(con, now) };

	switch (toolbox_begin(&con->toolbox, &request, now)) {
	case TOOL_KNOWN:
		return;
	case TOOL_TOO_MANY:
		stat_add(tools_unusable, 1);
		log_warn(con->call->tag, "too many tools called; %.40s is not run", call->name);
		con->link.protocol->tool_result(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL),
		    call->call_id,
		    "{\"error\":{\"code\":\"too_many\",\"message\":\"No more tools can be used in this call.\"}}");
		conversation_send(con);
		con->answer_wanted = true;
		con->told_us = now;
		return;
	case TOOL_BEGUN:
		break;
	}
	stat_add(tools_called, 1);
	log_info(con->call->tag, "tool %.60s called", call->name);
	tell_journal(con, "tool.called", toolbox_find(&con->toolbox, call->call_id));
	if (ends)
		begin_farewell(con, call, response_id, END_AGENT_ENDED, now);
	else if (transfers)
		begin_transfer(con, call, response_id, now);
	else if (tool || own)
		submit(con, call, request.timeout_ms, now);
	else
		answer_error(con, call->call_id, "unknown_tool", "There is no tool of that name.", now);
}

/* Without an id no answer can be given: the model hears of it as it hears of
 * anything else. */
static void unusable(struct conversation *con, const struct model_tool_call *call, int64_t now)
{
	stat_add(tools_unusable, 1);
	log_warn(con->call->tag, "a tool was called without a usable id or name; name=%.40s", call->name);
	con->link.protocol->item(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL), MODEL_ROLE_NOTE,
	    "The tool you called was not run, because the call could not be read. Nothing was done.");
	conversation_send(con);
	con->answer_wanted = true;
	con->told_us = now;
}

void conversation_tools_called(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	for (size_t i = 0; i < e->call_count; i++) {
		const struct model_tool_call *call = &e->calls[i];

		if (call->call_id[0] && call->name[0])
			begin(con, call, e->response_id, now_us);
		else if (e->type == MODEL_ITEM_DONE) /* its response lists it once more */
			unusable(con, call, now_us);
	}
}

void conversation_tools_made(struct conversation *con, const char *response_id, int64_t now_us)
{
	for (size_t i = 0; i < con->answers.count; i++)
		if (con->answers.list[i].received && !strcmp(con->answers.list[i].response_id, response_id))
			toolbox_spoke(&con->toolbox, response_id);
	toolbox_made(&con->toolbox, response_id);
	if (con->farewell.state == FAREWELL_SAYING && !strcmp(con->farewell.response_id, response_id))
		conversation_farewell_made(con, now_us);
}

/* ------------------------------------------------------------------------------ MCP */

/* Whether the agent's file says that this server may do as the model likes. */
static bool never_asks(const struct agent *agent, const char *label)
{
	bool never = false;

	for (size_t i = 0; i < agent->mcp_count; i++) {
		cJSON *tree;
		const char *approval;

		if (strcmp(agent->mcps[i].label, label))
			continue;
		tree = json_parse(agent->mcps[i].json, strlen(agent->mcps[i].json));
		approval = json_str(tree, "require_approval");
		never = approval && !strcmp(approval, "never");
		cJSON_Delete(tree);
	}
	return never;
}

static void approve_or_not(struct conversation *con, const struct model_mcp_item *item, int64_t now)
{
	bool approve = never_asks(con->call->agent, item->server);

	log_warn(con->call->tag, "MCP server %.40s asks to be allowed %.60s: %s", item->server, item->name,
	    approve ? "allowed" : "not allowed, nobody is there to say yes");
	if (!item->id[0])
		return;
	con->link.protocol->approve(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL), item->id, approve);
	conversation_send(con);
	con->answer_wanted = true;
	con->told_us = now;
}

void conversation_mcp_item(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	const struct model_mcp_item *item = &e->mcp;
	char name[TOOL_NAME_SIZE];

	if (item->what == MODEL_MCP_NONE)
		return;
	snprintf(name, sizeof name, "%s/%s", item->server, item->name);
	toolbox_note(&con->toolbox, item->id, name, item->arguments, item->what == MODEL_MCP_CALLED,
	    conversation_at_ms(con, now_us));
	if (item->what == MODEL_MCP_ASKS)
		approve_or_not(con, item, now_us);
	else if (item->what == MODEL_MCP_FAILED) {
		stat_add(tools_mcp_failed, 1);
		log_warn(con->call->tag, "MCP server %.40s: %.60s failed", item->server, item->name);
	} else
		stat_add(tools_mcp_called, 1);
}

void conversation_mcp_list_failed(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	(void)e;
	(void)now_us;
	stat_add(tools_mcp_failed, 1);
	log_warn(con->call->tag, "the model cannot have an MCP server's list of tools; the call goes on without them");
}

/* --------------------------------------------------------------------- what is due now */

static void tell_answers(struct conversation *con, int64_t now)
{
	struct tool_batch *batch;

	while (link_talks(&con->link) && (batch = toolbox_ready(&con->toolbox))) {
		const struct tool_run *run = NULL;

		while ((run = toolbox_next(&con->toolbox, batch, run))) {
			con->link.protocol->tool_result(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL),
			    run->call_id,
			    run->output ? run->output
					: "{\"error\":{\"code\":\"no_memory\",\"message\":\"The answer was lost.\"}}");
			conversation_send(con);
		}
		toolbox_told(&con->toolbox, batch);
		con->answer_wanted = true;
		con->told_us = now;
	}
}

/* Since or until when nothing is said; INT64_MAX: that is no matter of time, and
 * after a goodbye nothing more is said. */
static int64_t silent_us(const struct conversation *con)
{
	return con->farewell.state != FAREWELL_NONE || answers_unfinished(&con->answers) ? INT64_MAX
											 : seq_free_us(&con->seq);
}

static void say_filler(struct conversation *con, int64_t now)
{
	const char *filler;

	if (now < silent_us(con) || conversation_caller_has_the_word(con, now))
		return;
	filler = toolbox_filler(&con->toolbox, now);
	if (filler)
		cues_add(&con->cues, CUE_FILLER, filler[0] ? filler : FILLER, filler[0] != '\0', false);
}

void conversation_tend_tools(struct conversation *con, int64_t now_us)
{
	struct tool_run *late;

	while ((late = toolbox_overdue(&con->toolbox, now_us))) {
		stat_add(tools_timeout, 1);
		log_warn(con->call->tag, "tool %.60s never answered", late->name);
		answer_error(con, late->call_id, "timeout",
		    "The tool did not answer in time. Whether it did its work is not known.", now_us);
	}
	tell_answers(con, now_us);
	/* While the caller speaks the model's own answer is on its way, and it will know. */
	if (con->answer_wanted && !conversation_caller_has_the_word(con, now_us)) {
		con->answer_wanted = false;
		if (con->farewell.state == FAREWELL_NONE)
			seq_want(&con->seq, true, now_us);
	}
	say_filler(con, now_us);
}

void conversation_tools_talking(struct conversation *con, bool asked, int64_t now_us)
{
	toolbox_talking(&con->toolbox);
	if (!asked && now_us > con->told_us + IN_FLIGHT_US)
		con->answer_wanted = false;
}

int64_t conversation_tools_deadline_us(const struct conversation *con, int64_t now_us)
{
	int64_t silent = silent_us(con), word = conversation_word_until_us(con);
	int64_t due = toolbox_deadline_us(&con->toolbox, now_us >= silent && now_us >= word);

	/* When it can be looked at again whether a filler is due, or an answer. */
	if (con->toolbox.count && silent != INT64_MAX && silent > now_us && silent < due)
		due = silent;
	if ((con->answer_wanted || (con->toolbox.count && silent != INT64_MAX)) && word > now_us && word < due)
		due = word;
	return due;
}

void conversation_farewell_called_off(struct conversation *con, int64_t now_us)
{
	const char *id = con->farewell.call_id;

	if (!id[0])
		return;
	toolbox_last(&con->toolbox, id, false);
	answer_error(con, id, "cancelled",
	    "The caller spoke up before the call was ended, so it goes on. Listen, and call the tool again when it is time.",
	    now_us);
}

void conversation_tools_cancel(struct conversation *con)
{
	if (con->cancel)
		atomic_store(&con->cancel->on, true);
}
