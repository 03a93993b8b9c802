/* What an operator may send: "say?query", then the JSON body from the next line on;
 * or "transfer" or "digits", or "call" to place one. One call is live; the table of calls and
 * the queue of those to be placed are stood in for by this file. Whatever comes,
 * the answer is JSON, and what is handed on has the form others rely on. */
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/model/health.h"
#include "server/line/keys/call_keys.h"
#include "server/line/mailbox.h"
#include "server/web/api/steer.h"
#include "server/web/validate.h"
#include "server/dialer/dialer_place.h"
#include "server/web/api/place.h"
#include "server/line/calls_shown.h"
#include "server/line/call_context.h"
#include "server/line/calls.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const numbers[] = { "+12025550100" };
static const struct agent_destination destinations[] = { { .name = "workshop", .number = "+12025550177" } };
static const struct agent agent = {
	.name = "reception", .numbers = numbers, .number_count = 1, .destinations = destinations, .destination_count = 1
};
static int handed_on;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_number(const char *text)
{
	return text && text[0] == '+' && strlen(text) > 7 && strspn(text + 1, "0123456789") == strlen(text) - 1;
}

/* ------------------------------------------------------------ stood in for */

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	(void)calls, (void)call_sid;
	*out = (struct call_ref){ 0, 1 };
	return 0;
}

const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live)
{
	(void)calls, (void)ref;
	*live = true;
	return &agent;
}

int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	(void)calls, (void)call_sid, (void)call, (void)talk;
	return -ENOENT;
}

void calls_count(struct calls *calls, struct calls_count *out)
{
	(void)calls;
	*out = (struct calls_count){ .limit = 1 };
}

int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	(void)calls, (void)ref;
	if (mail->type == MAIL_SAY)
		must(*mail->text && strlen(mail->text) <= 4096 && utf8_valid(mail->text, strlen(mail->text)));
	else if (mail->type == MAIL_DIGITS)
		must(*mail->text && strlen(mail->text) <= CALL_KEYS_MAX &&
		     strspn(mail->text, "0123456789*#w") == strlen(mail->text));
	else
		must(mail->type == MAIL_TRANSFER && (!strcmp(mail->name, "workshop") || is_number(mail->name)));
	handed_on++;
	mail_free(mail);
	return 0;
}

enum keys_answer calls_may_press(struct calls *calls, struct call_ref ref)
{
	(void)calls, (void)ref;
	return KEYS_OK;
}

bool model_health_refuses(struct model_health *health, const struct agent *one, char why[MODEL_FAILURE_SIZE])
{
	(void)health;
	must(one == &agent);
	why[0] = '\0';
	return false;
}

const struct agent *agents_by_name(struct agents *agents, const char *name)
{
	(void)agents;
	return strcmp(name, agent.name) ? NULL : &agent;
}

const char *agent_channel_problem(enum call_channel channel, enum model_kind protocol, enum recording_mode record)
{
	(void)channel, (void)protocol, (void)record;
	return NULL;
}

bool agents_may_dial(struct agents *agents, const char *number, const char *tag, const char *way)
{
	(void)agents, (void)number, (void)tag, (void)way;
	return true;
}

void agents_put_dialling(struct agents *agents, struct buf *out)
{
	(void)agents, (void)out;
}

const struct agent *agents_only(struct agents *agents, const char *from)
{
	(void)agents;
	return from && is_number(from) && from[1] == '1' ? &agent : NULL;
}

size_t agents_name_all(struct agents *agents, struct buf *out)
{
	(void)agents;
	buf_puts(out, "a, b");
	return 2;
}

size_t agents_number_all(struct agents *agents, struct buf *out)
{
	(void)agents;
	buf_puts(out, "+12025550100");
	return 1;
}

int call_context_make(struct call_context *b, struct agents *agents, const struct call_facts *facts)
{
	(void)agents;
	must(facts->agent == &agent && is_number(facts->to));
	*b = (struct call_context){ 0 };
	return 0;
}

void call_context_free(struct call_context *b)
{
	(void)b;
}

void agent_release(const struct agent *p)
{
	(void)p;
}

void dialer_place(struct dialer *o, const struct dialer_ask *ask, struct dialer_reply *out)
{
	const cJSON *metadata = json_get(ask->request, "metadata"), *each;

	(void)o;
	must(is_number(json_str(ask->request, "to")) && is_number(json_str(ask->request, "from")));
	must(!strcmp(json_str(ask->request, "agent"), agent.name));
	must(cJSON_IsObject(metadata) && strlen(ask->hash) == 64);
	cJSON_ArrayForEach(each, metadata) must(!cJSON_IsObject(each) && !cJSON_IsArray(each));
	*out = (struct dialer_reply){ .verdict = DIALER_PLACED, .id = "out1" };
	buf_init(&out->json, 0);
	buf_puts(&out->json, "{\"status\":\"queued\"}");
	handed_on++;
}

void dialer_reply_free(struct dialer_reply *answer)
{
	buf_free(&answer->json);
}

/* ------------------------------------------------------------------ the API */

static void check_answer(const struct response *r)
{
	cJSON *answer = json_parse(buf_text(&r->body), r->body.len);
	bool good = r->status == 201 || r->status == 202;

	must(!buf_error(&r->body) && !buf_error(&r->headers));
	must(good || r->status == 400 || r->status == 422);
	must(good == !!json_str(answer, "status") && good != !!json_str(json_get(answer, "error"), "code"));
	must(handed_on == good);
	cJSON_Delete(answer);
}

static route_handler *handler_of(const char *name)
{
	return !strcmp(name, "say")      ? control_say
	       : !strcmp(name, "call")   ? place_call
	       : !strcmp(name, "digits") ? control_digits
					 : control_transfer;
}

/* `text` is "handler?query\nbody". */
static void serve(char *text, size_t size)
{
	static const struct config cfg = { .public_url = "https://phone.example.com",
		.twilio_account_sid = "AC1",
		.twilio_api_key_sid = "",
		.twilio_auth_token_count = 1 };
	const struct web_parts parts = { .cfg = &cfg, .dialer = (struct dialer *)&handed_on };
	struct request q = { .method = "POST", .path = "", .peer = "127.0.0.1", .client = "127.0.0.1", .body = "" };
	char *line = text, *query;
	struct form params;
	struct response r;
	cJSON *json = NULL;

	text = memchr(line, '\n', size);
	if (!text)
		return;
	*text++ = '\0';
	query = strchr(line, '?');
	if (query)
		*query++ = '\0';
	response_init(&r);
	handed_on = 0;
	if (validate_query(query ? query : "", "a limit", &params, &r) &&
	    validate_json(text, size - (size_t)(text - line), &json, &r)) {
		q.params = &params;
		q.json = json;
		handler_of(line)(&parts, &q, "CA1", &r);
	}
	check_answer(&r);
	cJSON_Delete(json);
	form_free(&params);
	response_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR); /* not a line for each order */
	serve(text, size);
	free(text);
	return 0;
}
