/* The way of a tool call: the agent loop makes it with copies of all it
 * needs, submits it, and goes on; a pool thread runs it; `finished` posts the
 * result into the call's mailbox. The call itself may be over by then, which
 * is why nothing here points to it.
 */
#include "server/work/tool_call.h"

#include "common/clock.h"
#include "common/foreign.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/work/fetch.h"
#include "server/work/signing.h"
#include "server/work/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const builtin_names[TOOL_BUILTINS] = { "search_knowledge", "save_record" };

/* The rooms above (knowledge, outcome) register their tools here, since this
 * one may not include them. */
void tool_set_builtin(struct work *work, enum tool_builtin_kind kind, tool_run *run, void *arg)
{
	work->builtins[kind] = (struct tool_builtin){ run, arg };
}

/* ------------------------------------------------------------------- the flag */

struct tool_cancel *tool_cancel_new(void)
{
	struct tool_cancel *cancel = calloc(1, sizeof *cancel);

	if (cancel)
		atomic_init(&cancel->refs, 1);
	return cancel;
}

struct tool_cancel *tool_cancel_retain(struct tool_cancel *cancel)
{
	atomic_fetch_add_explicit(&cancel->refs, 1, memory_order_relaxed);
	return cancel;
}

void tool_cancel_release(struct tool_cancel *cancel)
{
	/* The last one frees it; acquire: after all that the others did with it. */
	if (cancel && atomic_fetch_sub_explicit(&cancel->refs, 1, memory_order_acq_rel) == 1)
		free(cancel);
}

/* ------------------------------------------------------------------ one call */

static void free_call(struct tool_call *call)
{
	char *const texts[] = { call->call_id, call->name, call->arguments, call->facts };

	agent_release(call->agent);
	tool_cancel_release(call->cancel);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	free(call);
}

struct tool_call *tool_call_new(const struct agent *agent, struct tool_cancel *cancel, const char *call_id,
    const char *name, const char *arguments, const char *facts)
{
	struct tool_call *call = calloc(1, sizeof *call);
	size_t unused;

	if (!call)
		return NULL;
	call->agent = agent_retain(agent);
	call->cancel = tool_cancel_retain(cancel);
	call->call_id = strdup(call_id);
	call->name = strdup(name);
	/* The server, and our own tools, are given what can be read. Where none are needed, models send nothing. */
	arguments = arguments[strspn(arguments, " \t\r\n")] ? arguments : "{}";
	call->arguments = foreign_mended(arguments, strlen(arguments), &unused);
	call->facts = strdup(facts);
	if (call->call_id && call->name && call->arguments && call->facts)
		return call;
	tool_call_free(call);
	return NULL;
}

void tool_call_free(struct tool_call *call)
{
	if (call)
		free_call(call);
}

void tool_put_error_member(struct json_out *j, const char *code, const char *message)
{
	json_put_object(j, "error");
	json_put_text(j, "code", code);
	json_put_text(j, "message", message);
	json_put_end(j);
}

void tool_put_error(struct buf *out, const char *code, const char *message)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	tool_put_error_member(&j, code, message);
	json_put_end(&j);
}

const struct agent_tool *tool_of_agent(const struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->tool_count; i++)
		if (!strcmp(agent->tools[i].name, name))
			return &agent->tools[i];
	return NULL;
}

/* A tool is offered only where the agent's file gives it something to do: a
 * folder of knowledge, an outcome to be filled in during the call. */
const struct tool_builtin *tool_builtin_of(const struct work *work, const struct agent *agent, const char *name)
{
	bool offered[TOOL_BUILTINS] = { agent->knowledge[0] != '\0',
		agent->outcome_schema[0] && agent->outcome_fill != OUTCOME_AFTER };

	for (size_t i = 0; work && i < TOOL_BUILTINS; i++)
		if (offered[i] && !strcmp(name, builtin_names[i]))
			return work->builtins[i].run ? &work->builtins[i] : NULL;
	return NULL;
}

/* -------------------------------------------------------------------- failures */

/* The words for the model, and those for the log. */
struct outcome {
	enum tool_failure failure;
	char why[FETCH_ERROR_SIZE]; /* for the log */
};

/* The model repeats these to the caller in its own words. Each says whether
 * the work may have been done: the model must not promise, nor order twice. */
static const struct {
	const char *code, *message;
} failures[] = {
	[TOOL_OK] = { "", "" },
	[TOOL_TIMEOUT] = { "timeout", "The tool did not answer in time. Whether it did its work is not known." },
	[TOOL_UNREACHABLE] = { "unreachable", "The tool cannot be reached at the moment. Nothing was done." },
	[TOOL_LOST] = { "connection_lost",
	    "The connection to the tool broke off. Whether it did its work is not known." },
	[TOOL_STATUS] = { "refused", "The tool reported a failure." },
	[TOOL_BAD_ANSWER] = { "bad_answer", "The tool gave an answer that cannot be read." },
	[TOOL_BUSY] = { "busy", "Too many tools are being used at the moment. Nothing was done." },
	[TOOL_BAD_CALL] = { "bad_arguments",
	    "The arguments were not a JSON object. Nothing was done; call the tool again." },
	[TOOL_OWN] = { "", "" },
	[TOOL_CANCELLED] = { "cancelled", "The call is over." },
};

const char *tool_failure_name(enum tool_failure failure)
{
	static const char *const names[] = { "ok", "timeout", "unreachable", "connection lost", "status", "bad answer",
		"busy", "bad arguments", "its own", "cancelled" };

	return names[failure];
}

/* Gives the result and frees the call: the one end of every way through this
 * file. */
static void finish(struct tool_call *call, enum tool_failure failure, const char *json, const char *why)
{
	int64_t took_ms = (clock_now_us() - call->began_us) / US_PER_MS;
	struct buf error;

	buf_init(&error, 0);
	if (!json) {
		tool_put_error(&error, failures[failure].code, failures[failure].message);
		json = buf_text(&error);
	}
	if (failure == TOOL_OK)
		log_info(call->call_sid, "tool %s answered; took_ms=%" PRId64, call->name, took_ms);
	else if (failure != TOOL_CANCELLED)
		log_warn(call->call_sid, "tool %s failed (%s): %s; took_ms=%" PRId64, call->name,
		    tool_failure_name(failure), why, took_ms);
	call->finished(&call->asker, call->call_id, failure, json);
	buf_free(&error);
	tool_call_free(call);
}

void tool_call_refuse(struct tool_call *call, enum tool_failure failure)
{
	finish(call, failure, NULL, failures[failure].message);
}

/* ---------------------------------------------------------------------- by HTTP */

/* The contract with the owner's server, described in server/GUIDE.md. */
static void put_body(const struct tool_call *call, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "tool", call->name);
	json_put_text(&j, "call_id", call->call_id);
	json_put_json(&j, "arguments", call->arguments);
	json_put_json(&j, "call", call->facts);
	json_put_end(&j);
}

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.", c);
}

/* The same for the same call of the model's, however often it comes, so that
 * a server can refuse a repeat. The model's id may hold anything: all but
 * plain characters are percent-encoded. */
static void put_key(const struct tool_call *call, struct buf *out)
{
	buf_printf(out, "Idempotency-Key: %s-", call->call_sid);
	for (const unsigned char *p = (const unsigned char *)call->call_id; *p; p++)
		buf_printf(out, is_plain(*p) ? "%c" : "%%%02X", *p);
}

static bool is_type(const char *type, size_t len, const char *name)
{
	return len == strlen(name) && !strncasecmp(type, name, len);
}

/* Whoever does not say is taken at their word. */
static bool says_json(const char *content_type)
{
	size_t len = strcspn(content_type, "; ");

	return !len || is_type(content_type, len, "application/json") || is_type(content_type, len, "text/json") ||
	       (len > 17 && !strncasecmp(content_type, "application/", 12) &&
		   !strncasecmp(content_type + len - 5, "+json", 5));
}

/* NULL, or what is wrong with the body, which is mended for the model. */
static const char *not_json(struct fetch_response *answer)
{
	const char *wrong = NULL;
	char *mended;
	cJSON *tree;
	size_t len;

	if (!says_json(answer->content_type))
		return "its type is not application/json";
	mended = foreign_mended(answer->body.data, answer->body.len, &len);
	tree = mended ? json_parse(mended, len) : NULL;
	buf_reset(&answer->body);
	if (tree)
		buf_put(&answer->body, mended, len);
	else
		wrong = "not JSON";
	if (buf_error(&answer->body))
		wrong = "too large once mended";
	cJSON_Delete(tree);
	free(mended);
	return wrong;
}

/* 4xx: what the tool has against the call (`no such day`) is the one thing that helps the model to
 * mend it or to tell the caller. What has no JSON, or does not fit, is left to our own words. A 5xx
 * holds stack traces rather than reasons. */
static void put_refusal(struct fetch_response *answer, struct buf *out)
{
	struct json_out j = json_out_to(out);

	if (answer->status < 400 || answer->status > 499 || answer->failure != FETCH_OK || !answer->body.len ||
	    not_json(answer))
		return;
	json_put_object(&j, NULL);
	tool_put_error_member(&j, failures[TOOL_STATUS].code, "The tool refused; its own words are in \"answer\".");
	json_put_int(&j, "status", answer->status);
	json_put_compact(json_put_value(&j, "answer"), answer->body.data, answer->body.len);
	json_put_end(&j);
	if (buf_error(out))
		buf_reset(out);
}

/* Puts what the model is given into `out`; nothing: our own words for the failure. 2xx without a
 * body counts as done. */
static enum tool_failure judge(struct fetch_response *answer, struct buf *out, char *why, size_t size)
{
	const char *wrong;

	snprintf(why, size, "%s", answer->error);
	switch (answer->failure) {
	case FETCH_OK:
	case FETCH_TOO_LARGE:
	case FETCH_GARBLED:
		break;
	case FETCH_NOT_SENT:
		return TOOL_UNREACHABLE;
	case FETCH_UNKNOWN:
		return TOOL_LOST;
	case FETCH_TIMEOUT:
		return TOOL_TIMEOUT;
	case FETCH_CANCELLED:
		return TOOL_CANCELLED;
	}
	if (answer->status < 200 || answer->status > 299) {
		snprintf(why, size, "status %d", answer->status);
		put_refusal(answer, out);
		return TOOL_STATUS;
	}
	if (answer->failure != FETCH_OK)
		return TOOL_BAD_ANSWER;
	if (!answer->body.len) {
		buf_puts(out, "{\"ok\":true}");
		return TOOL_OK;
	}
	wrong = not_json(answer);
	if (wrong) {
		snprintf(
		    why, size, "%s (%.80s)", wrong, answer->content_type[0] ? answer->content_type : "no type is told");
		return TOOL_BAD_ANSWER;
	}
	/* Mending may have made it longer than it came. */
	json_put_compact(out, answer->body.data, answer->body.len);
	if (!buf_error(out))
		return TOOL_OK;
	snprintf(why, size, "too large");
	return TOOL_BAD_ANSWER;
}

/* Once, without a retry: the caller is waiting, and the tool may have side
 * effects. */
static void ask_server(struct tool_call *call, const struct agent_tool *tool, const struct config *cfg)
{
	int64_t now = clock_now_us();
	struct buf body, key, signature, json;
	struct fetch_request request = { .method = "POST",
		.url = tool->url,
		.headers = { "Content-Type: application/json", "Accept: application/json" },
		.header_count = 2,
		.timeout_ms = (int)((call->deadline_us - now) / US_PER_MS),
		.response_max = TOOL_ANSWER_MAX,
		.decoded = true,
		.ca_file = cfg->https_ca_file,
		.cancel = &call->cancel->on };
	struct fetch_response answer;
	enum tool_failure failure;
	char why[FETCH_ERROR_SIZE];

	buf_init(&body, 0);
	buf_init(&key, 0);
	buf_init(&signature, 0);
	buf_init(&json, TOOL_ANSWER_MAX);
	put_body(call, &body);
	put_key(call, &key);
	request.headers[request.header_count++] = buf_text(&key);
	if (call->agent->signing_secret[0]) {
		signing_put_header(
		    &signature, call->agent->signing_secret, clock_wall_ms() / 1000, buf_text(&body), body.len);
		request.headers[request.header_count++] = buf_text(&signature);
	}
	request.body = buf_text(&body);
	request.body_len = body.len;
	if (buf_error(&body) || buf_error(&key) || buf_error(&signature)) {
		finish(call, TOOL_BUSY, NULL, "out of memory");
	} else {
		fetch(&request, &answer);
		failure = judge(&answer, &json, why, sizeof why);
		finish(call, failure, json.len && !buf_error(&json) ? buf_text(&json) : NULL, why);
		fetch_response_free(&answer);
	}
	buf_free(&body);
	buf_free(&key);
	buf_free(&signature);
	buf_free(&json);
}

/* ---------------------------------------------------------------------- the job */

static void do_own(struct tool_call *call, const struct tool_builtin *builtin)
{
	struct buf out;
	bool ok;

	buf_init(&out, TOOL_ANSWER_MAX);
	ok = builtin->run(builtin->arg, call, &out);
	if (buf_error(&out))
		finish(call, TOOL_BAD_ANSWER, NULL, "its answer is too large");
	else
		finish(call, ok ? TOOL_OK : TOOL_OWN, buf_text(&out), "it says so");
	buf_free(&out);
}

static bool is_object(const char *text)
{
	cJSON *tree = json_parse(text, strlen(text));
	bool object = cJSON_IsObject(tree);

	cJSON_Delete(tree);
	return object;
}

/* On a pool thread. A call whose turn comes after its deadline is not begun:
 * the work would be done, and nobody would wait for its result. */
static void run(struct job *job)
{
	struct tool_call *call = (struct tool_call *)job;
	const struct agent_tool *tool = tool_of_agent(call->agent, call->name);
	const struct tool_builtin *builtin = tool_builtin_of(call->work, call->agent, call->name);

	if (atomic_load(&call->cancel->on))
		tool_call_refuse(call, TOOL_CANCELLED);
	else if (clock_now_us() >= call->deadline_us)
		finish(call, TOOL_BUSY, NULL, "its turn came too late");
	else if (!is_object(call->arguments))
		tool_call_refuse(call, TOOL_BAD_CALL);
	else if (tool)
		ask_server(call, tool, call->work->cfg);
	else if (builtin)
		do_own(call, builtin);
	else
		tool_call_refuse(call, TOOL_BAD_CALL);
}

static void drop(struct job *job)
{
	tool_call_refuse((struct tool_call *)job, TOOL_CANCELLED);
}

/* Without room in the queue the result comes from within: the agent loop
 * then finds it in its own mailbox. */
void tool_call_submit(struct tool_call *call, struct work *work, int timeout_ms)
{
	call->job = (struct job){ .run = run, .drop = drop };
	call->work = work;
	call->began_us = clock_now_us();
	call->deadline_us = call->began_us + (int64_t)timeout_ms * US_PER_MS;
	if (strlen(call->arguments) > TOOL_ARGUMENTS_MAX)
		tool_call_refuse(call, TOOL_BAD_CALL);
	else if (!jobs_submit(work->tools, &call->job))
		tool_call_refuse(call, TOOL_BUSY);
}
