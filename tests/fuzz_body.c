/* What an operator may send to steer a call: "say?query", then the JSON body from
 * the next line on; or "transfer". One call is live; the table of calls is stood in
 * for by this file. Whatever comes, the answer is JSON, and what is posted to the
 * call has the form its loop relies on. */
#include "common/log.h"
#include "server/agents/profile.h"
#include "server/call/mail.h"
#include "server/store/store_calls.h"
#include "server/web/control.h"
#include "server/web/intake.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct profile_destination destinations[] = { { .name = "workshop", .number = "+12025550177" } };
static const struct profile profile = { .name = "reception", .destinations = destinations, .destination_count = 1 };
static int posted;

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	(void)calls, (void)call_sid;
	*out = (struct call_ref){ 0, 1 };
	return 0;
}

const struct profile *calls_profile(struct calls *calls, struct call_ref ref, bool *live)
{
	(void)calls, (void)ref;
	*live = true;
	return &profile;
}

void profile_release(const struct profile *p)
{
	(void)p;
}

int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	(void)calls, (void)ref;
	if (mail->type == MAIL_SAY &&
	    (!*mail->text || strlen(mail->text) > 4096 || !utf8_valid(mail->text, strlen(mail->text))))
		abort();
	if (mail->type == MAIL_TRANSFER && strcmp(mail->name, "workshop") != 0 &&
	    (mail->name[0] != '+' || strspn(mail->name + 1, "0123456789") != strlen(mail->name) - 1))
		abort();
	posted++;
	mail_free(mail);
	return 0;
}

int calls_one_json(struct calls *calls, const char *call_sid, struct buf *out)
{
	(void)calls, (void)call_sid, (void)out;
	return -ENOENT;
}

static void check_answer(const struct response *r)
{
	cJSON *answer = json_parse(buf_text(&r->body), r->body.len);
	bool good = r->status == 202;

	if (buf_error(&r->body) || (!good && r->status != 400 && r->status != 422))
		abort();
	if (good != !!json_str(answer, "status") || good == !!json_str(json_get(answer, "error"), "code"))
		abort();
	if (posted != good)
		abort();
	cJSON_Delete(answer);
}

/* `text` is "handler?query\nbody". */
static void serve(char *text, size_t size)
{
	static const struct web_site site = { 0 };
	struct request q = { .method = "POST", .path = "", .peer = "127.0.0.1", .body = "" };
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
	posted = 0;
	if (intake_query(query ? query : "", "a limit", &params, &r) &&
	    intake_json(text, size - (size_t)(text - line), &json, &r)) {
		q.params = &params;
		q.json = json;
		(strcmp(line, "say") ? control_transfer : control_say)(&site, &q, "CA1", &r);
	}
	check_answer(&r);
	cJSON_Delete(json);
	form_free(&params);
	response_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR); /* not a line for each order */
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	serve(text, size);
	free(text);
	return 0;
}
