#include "server/agent/conversation_tools.h"

#include "common/clock.h"
#include "common/foreign.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/agent/conversation_keys.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/link/link_ids.h"
#include "server/agents/agents.h"
#include "server/model/words.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "server/work/tool_list.h"
#include "server/line/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_TIMEOUT_MS = 8000,
	LONG_TIMEOUT_MS = 120 * 1000, /* for those that wait for what is said, with deadlines of their own */
	GRACE_US = 2000000            /* beyond a tool's time limit, for the job's own error to arrive */
};

/* The life of a tool call: the model asks (begin); a job asks the owner's server (submit)
 * while the conversation goes on; the result comes by mail (conversation_tool_answered)
 * or the deadline passes (conversation_tool_late); the dialogue orders the result to be
 * told (conversation_tell_result), and an answer to the caller after it.
 *
 * Each run has one result at most; a failure is one, too. Only a tool that ends the call may stay without.
 */

/* --------------------------------------------------------------------------- showing */

static void tell_journal(struct conversation *con, const char *type, const struct tool_run *run)
{
	struct call_tool tool;
	char *answer;

	if (!journal_wanted())
		return;
	answer = run->output ? strndup(run->output, toolbox_shown_len(run->output)) : NULL;
	toolbox_tell(run, &tool);
	tool.answer = answer;
	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_TOOL, .type = type, .tool = &tool });
	free(answer);
}

static void count_failure(enum tool_failure failure)
{
	static _Atomic uint64_t *const counters[] = {
		[TOOL_OK] = &stats.tools_answered,
		[TOOL_TIMEOUT] = &stats.tools_timeout,
		[TOOL_UNREACHABLE] = &stats.tools_unreachable,
		[TOOL_LOST] = &stats.tools_unreachable,
		[TOOL_STATUS] = &stats.tools_status,
		[TOOL_BAD_ANSWER] = &stats.tools_bad_answer,
		[TOOL_BUSY] = &stats.tools_busy,
		[TOOL_BAD_CALL] = &stats.tools_bad_call,
		[TOOL_OWN] = &stats.tools_own,
		[TOOL_CANCELLED] = &stats.tools_cancelled,
	};

	atomic_fetch_add_explicit(counters[failure], 1, memory_order_relaxed);
}

/* -------------------------------------------------------------------------- results */

static void note_result(struct conversation *con, struct tool_run *run, bool ok, const char *json, int64_t now)
{
	toolbox_result(&con->tools.box, run, ok, json, now);
	tell_journal(con, "tool.answered", run);
}

static void note_error(
    struct conversation *con, struct tool_run *run, const char *code, const char *message, int64_t now)
{
	struct buf error;

	buf_init(&error, 0);
	tool_put_error(&error, code, message);
	note_result(con, run, false, buf_text(&error), now);
	buf_free(&error);
}

/* Tells the dialogue that a run is answered. False: it does not wait for that run, or no
 * longer. A result is noted only after a true, so each run has one. */
static bool settled(struct conversation *con, const struct tool_run *run, int64_t now)
{
	return conversation_tell(con, &(struct dialogue_event){ .type = EVENT_TOOL_ANSWERED, .run = run->no }, now);
}

/* `code`: of an error in these words; NULL: it worked, and they are its result. */
static void settle(struct conversation *con, struct tool_run *run, const char *code, const char *words, int64_t now)
{
	if (!settled(con, run, now))
		return;
	if (code)
		note_error(con, run, code, words, now);
	else
		note_result(con, run, true, words, now);
}

void conversation_tool_answered(struct conversation *con, const struct mail *mail, int64_t now_us)
{
	struct tool_run *run = toolbox_find(&con->tools.box, mail->name);

	if (run && settled(con, run, now_us))
		note_result(con, run, mail->ok, mail->text, now_us);
	else
		log_debug(con->call->tag, "a result of a tool came too late");
}

/* On a job's thread: only calls_post may be used from here. The call may be over, and its
 * line may serve another one; the generation tells. A cancelled job answers nobody. */
static void post_result(
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
		log_warn("tools", "a result is lost, the time limit will say so; call_id=%.60s: %s", call_id,
		    strerror(-err));
}

/* ------------------------------------------------------------------------- beginning */

/* The call's facts for the owner's server. */
static void put_facts(struct conversation *con, struct buf *out)
{
	struct call *c = con->call;
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	const char *metadata = c->context.metadata;
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "call_sid", c->call_sid);
	json_put_text(&j, "from", c->from);
	json_put_text(&j, "to", c->to);
	json_put_text(&j, "agent", c->agent->name);
	json_put_text(&j, "direction", c->direction);
	json_put_json(&j, "metadata", metadata && metadata[0] ? metadata : "{}");
	json_put_time(&j, "started_at", c->reserved_wall_ms + (started ? (started - c->reserved_us) / US_PER_MS : 0));
	json_put_end(&j);
}

/* Hands the tool to a job, which may outlive the call: it gets copies, and a counted flag that tells it to stop. */
static void submit(
    struct conversation *con, const struct model_tool_call *wanted, struct tool_run *run, int timeout_ms, int64_t now)
{
	struct call *c = con->call;
	struct work *work = calls_work(c->calls);
	struct tool_call *call = NULL;
	struct buf facts;

	buf_init(&facts, 0);
	put_facts(con, &facts);
	if (con->tools.cancel && work && !buf_error(&facts))
		call = tool_call_new(
		    c->agent, con->tools.cancel, wanted->call_id, wanted->name, wanted->arguments, buf_text(&facts));
	buf_free(&facts);
	if (!call) {
		count_failure(TOOL_BUSY);
		settle(con, run, "busy", words_busy, now);
		return;
	}
	snprintf(call->call_sid, sizeof call->call_sid, "%s", c->call_sid);
	call->asker = (struct tool_asker){ c->calls, c->index, c->generation };
	call->finished = post_result;
	tool_call_submit(call, work, timeout_ms);
}

/* end_call and transfer_call. The call ends when the words of this response were heard;
 * the tool has an answer only if that is called off. False: another farewell has begun. */
static bool begin_farewell(
    struct conversation *con, struct tool_run *run, const char *response_id, enum call_end end, int64_t now)
{
	if (TELL(con, now, .type = EVENT_TOOL_ENDS, .run = run->no, .response = response_id, .end = end))
		return true;
	settle(con, run, NULL, words_already_ending, now);
	return false;
}

/* The model names one of the agent's destinations; the number is ours to know. */
static void begin_transfer(struct conversation *con, const struct model_tool_call *call, struct tool_run *run,
    const char *response_id, int64_t now)
{
	cJSON *arguments = foreign_json(call->arguments, strlen(call->arguments));
	const char *name = json_str(arguments, "destination");
	const struct agent_destination *destination = name ? tool_list_destination(con->call->agent, name) : NULL;

	if (!destination)
		settle(con, run, "unknown_destination", words_unknown_destination, now);
	else if (!agents_may_dial(calls_agents(con->call->calls), destination->number, con->call->tag, "transfer_call"))
		settle(con, run, "not_allowed", words_not_dialled, now);
	else if (begin_farewell(con, run, response_id, END_TRANSFERRED, now))
		con->hand_over = call_hand_over_to(destination->name, destination->number, destination->ring_seconds);
	cJSON_Delete(arguments);
}

/* Behind what the phone was given to say before; keys wait until that was heard. */
static void tell_phone(struct conversation *con, const struct model_tool_call *call, struct tool_run *run,
    enum tool_phone what, int64_t now)
{
	static const uint8_t types[] = { [TOOL_PHONE_LANGUAGE] = TO_LANGUAGE, [TOOL_PHONE_PLAY] = TO_PLAY };
	cJSON *arguments = foreign_json(call->arguments, strlen(call->arguments));
	const char *wish = tool_list_phone_wish(con->call->agent, what, arguments);
	struct ring *ring = &con->call->to_caller;

	if (what == TOOL_PHONE_KEYS)
		conversation_press(con, run->no, wish ? wish : "", true, now);
	else if (!wish || !con->call->channel->text)
		settle(con, run, "not_listed", words_not_listed, now);
	else if (!ring_put(ring, types[what], wish, strlen(wish)))
		settle(con, run, "busy", words_busy, now);
	else
		settle(con, run, NULL, words_done, now);
	if (wish && what == TOOL_PHONE_LANGUAGE) /* in which the caller is heard from now on */
		snprintf(con->text.language, sizeof con->text.language, "%s", wish);
	if (ring_wanted(ring))
		bell_ring(&con->call->caller_bell);
	cJSON_Delete(arguments);
}

/* Sends the message, and lets the dialogue ask for an answer to it. */
static void told(struct conversation *con, int64_t now)
{
	conversation_send(con);
	conversation_tell(con, &(struct dialogue_event){ .type = EVENT_TOLD }, now);
}

/* The run is not kept, so its result goes out at once. */
static void too_many(struct conversation *con, const struct model_tool_call *call, int64_t now)
{
	stat_add(tools_unusable, 1);
	log_warn(con->call->tag, "too many tools called; %.40s is not run", call->name);
	con->link.current.protocol->tool_result(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL),
	    link_ids_tell(&con->link, call->call_id), words_too_many);
	told(con, now);
}

/* Keeps the run in the toolbox, and lets the dialogue wait for it. */
static enum tool_begun new_run(struct conversation *con, const struct model_tool_call *call, const char *response_id,
    const char *filler, int timeout_ms, int64_t now)
{
	enum tool_begun begun = toolbox_begin(
	    &con->tools.box, call->call_id, call->name, call->arguments, conversation_at_ms(con, now), now);

	if (begun != TOOL_BEGUN ||
	    TELL(con, now, .type = EVENT_TOOL_CALLED, .run = (uint32_t)con->tools.box.count, .response = response_id,
		.text = filler, .at_us = now + timeout_ms * US_PER_MS + GRACE_US))
		return begun;
	toolbox_drop(&con->tools.box);
	return TOOL_TOO_MANY;
}

/* The model tells each call up to twice, with its item and in the list of its response.
 * The dialogue knows the run before anything can answer it: a job may be done at once,
 * but this loop takes its letter later. */
static void begin(struct conversation *con, const struct model_tool_call *call, const char *response_id, int64_t now)
{
	const struct agent *agent = con->call->agent;
	const struct agent_tool *tool = tool_of_agent(agent, call->name);
	bool own = tool_builtin_of(calls_work(con->call->calls), agent, call->name),
	     ends = !strcmp(call->name, "end_call");
	bool transfers = !strcmp(call->name, "transfer_call") && agent->destination_count;
	enum tool_phone phone = tool_list_phone(agent, call->name);
	bool patient = ends || transfers || phone == TOOL_PHONE_KEYS;
	int timeout_ms = tool ? tool->timeout_ms : patient ? LONG_TIMEOUT_MS : OWN_TIMEOUT_MS;
	struct tool_run *run;

	switch (new_run(con, call, response_id, tool ? tool->filler : own ? "" : NULL, timeout_ms, now)) {
	case TOOL_KNOWN:
		return;
	case TOOL_TOO_MANY:
		too_many(con, call, now);
		return;
	case TOOL_BEGUN:
		break;
	}
	run = toolbox_find(&con->tools.box, call->call_id);
	run->session = con->link.current.no;
	conversation_answered(con);
	stat_add(tools_called, 1);
	log_info(con->call->tag, "tool %.60s called", call->name);
	tell_journal(con, "tool.called", run);
	if (ends)
		begin_farewell(con, run, response_id, END_AGENT_ENDED, now);
	else if (transfers)
		begin_transfer(con, call, run, response_id, now);
	else if (phone)
		tell_phone(con, call, run, phone, now);
	else if (tool || own)
		submit(con, call, run, timeout_ms, now);
	else
		settle(con, run, "unknown_tool", words_unknown_tool, now);
}

/* A call without an id cannot have a result; the model is told by a note. */
static void unusable(struct conversation *con, const char *name, int64_t now)
{
	stat_add(tools_unusable, 1);
	log_warn(con->call->tag, "a tool was called without an id or a name of up to 512 bytes; name=%.40s", name);
	con->link.current.protocol->item(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_TOOL), MODEL_ROLE_NOTE, words_unusable, "");
	told(con, now);
}

void conversation_tools_called(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	for (size_t i = 0; i < e->call_count; i++) {
		const struct model_tool_call *call = &e->calls[i];

		if (call->call_id[0] && call->name[0])
			begin(con, call, e->response_id, now_us);
		else if (e->type == MODEL_ITEM_DONE) /* its response lists it once more */
			unusable(con, call->name, now_us);
	}
}

/* ------------------------------------------------------------------------------ MCP */

/* The model's service calls MCP servers itself, and only reports it. They are shown among
 * the tools, another session is told of them, and nothing waits for them here. */

static bool is_agents(const struct agent *agent, const char *label)
{
	for (size_t i = 0; i < agent->mcp_count; i++)
		if (!strcmp(agent->mcps[i].label, label))
			return true;
	return false;
}

/* No operator is there to say yes. The agent's own servers are declared as needing none
 * (tool_list.c); others get a no, which lets the model go on: without an answer it would
 * wait. */
static void approve_or_not(struct conversation *con, const struct model_mcp_item *item, int64_t now)
{
	bool approve = is_agents(con->call->agent, item->server);

	log_warn(con->call->tag, "MCP server %.40s asks to be allowed %.60s: %s", item->server, item->name,
	    approve ? "allowed" : "not allowed, nobody is there to say yes");
	if (!item->id[0]) {
		unusable(con, item->name, now);
		return;
	}
	con->link.current.protocol->approve(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_TOOL), link_ids_tell(&con->link, item->id), approve);
	told(con, now);
}

void conversation_mcp_item(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	const struct model_mcp_item *item = &e->mcp;

	if (item->what == MODEL_MCP_NONE)
		return;
	if (item->what != MODEL_MCP_ASKS)
		conversation_answered(con); /* what was said last is not to be answered once more */
	toolbox_note(&con->tools.box, item, con->link.current.no, conversation_at_ms(con, now_us), now_us);
	if (item->what == MODEL_MCP_ASKS)
		approve_or_not(con, item, now_us);
	else if (item->what == MODEL_MCP_FAILED) {
		stat_add(tools_mcp_failed, 1);
		log_warn(con->call->tag, "MCP server %.40s: %.60s failed", item->server, item->name);
	} else if (item->what == MODEL_MCP_CALLED)
		stat_add(tools_mcp_called, 1);
}

void conversation_mcp_list_failed(struct conversation *con, const struct model_event *e, int64_t now_us)
{
	(void)e, (void)now_us;
	stat_add(tools_mcp_failed, 1);
	log_warn(con->call->tag, "the model cannot have an MCP server's list of tools; the call goes on without them");
}

/* ---------------------------------------------------------------------------- orders */

/* Escaped in JSON a byte may become six. */
_Static_assert(6 * (TOOL_ANSWER_MAX + FOREIGN_ID_SIZE) + 1024 <= MODEL_MESSAGE_MAX, "an answer would not fit");

static void put_result(struct conversation *con, const struct tool_run *run, const char *output)
{
	buf_reset(&con->message);
	con->link.current.protocol->tool_result(&con->message, conversation_next_id(con, MODEL_REQUEST_TOOL),
	    link_ids_tell(&con->link, run->call_id), output);
}

/* The ring has room for any one answer, but several at once may fill it faster than the caller loop
 * empties it: then this answer is lost, and not the call. */
void conversation_tell_result(struct conversation *con, const struct dialogue_order *o, int64_t now_us)
{
	struct tool_run *run = toolbox_no(&con->tools.box, o->run);

	conversation_tell_call(con, run);
	put_result(con, run, run->output ? run->output : words_lost);
	if (!model_writer_has_room(&con->call->writer, con->message.len)) {
		stat_add(tools_bad_answer, 1);
		log_warn(con->call->tag, "tool %.60s: its answer does not fit into what is to be sent; bytes=%zu",
		    run->name, con->message.len);
		toolbox_result(&con->tools.box, run, false, words_too_long, now_us);
		put_result(con, run, words_too_long);
	}
	conversation_send(con);
	toolbox_told(&con->tools.box, run);
}

void conversation_tool_late(struct conversation *con, const struct dialogue_order *o, int64_t now_us)
{
	struct tool_run *run = toolbox_no(&con->tools.box, o->run);

	stat_add(tools_timeout, 1);
	log_warn(con->call->tag, "tool %.60s never answered", run->name);
	note_error(con, run, "timeout", words_late, now_us);
}

void conversation_called_off(struct conversation *con, const struct dialogue_order *o, int64_t now_us)
{
	log_info(con->call->tag, "the caller spoke up; the call goes on");
	if (o->run)
		note_error(con, toolbox_no(&con->tools.box, o->run), "cancelled", words_called_off, now_us);
}

void conversation_tools_cancel(struct conversation *con)
{
	if (con->tools.cancel)
		atomic_store(&con->tools.cancel->on, true);
}

void conversation_tools_free(struct conversation *con)
{
	toolbox_free(&con->tools.box);
	tool_cancel_release(con->tools.cancel);
	if (con->tools.declared.data)
		explicit_bzero(con->tools.declared.data, con->tools.declared.cap);
	buf_free(&con->tools.declared);
}
