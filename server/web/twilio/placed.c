/* A call we place is announced to Twilio with addresses of ours that end in
 * ?out=ID. So each webhook of it leads to its order, even before Twilio has
 * told us the CallSid.
 */
#include "server/web/twilio/placed.h"

#include "common/json.h"
#include "common/log.h"
#include "server/dialer/dialer_news.h"
#include "server/line/mailbox.h"
#include "server/web/http.h"
#include "server/line/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *placed_id(const struct request *q)
{
	const char *id = request_param(q, "out");

	return id && strlen(id) < OUT_ID_SIZE ? id : "";
}

/* The table of calls takes texts; the order is a tree. The metadata is
 * printed once here, for the agent, and is freed when the webhook has been
 * answered. */
int placed_facts(const struct web_parts *parts, const char *id, struct call_facts *facts, struct placed_text *text)
{
	const cJSON *metadata;
	int err;

	memset(text, 0, sizeof *text);
	if (!parts->dialer)
		return -ENOENT;
	err = dialer_answered(parts->dialer, id, facts->call_sid, &text->request);
	if (err)
		return err;
	metadata = json_get(text->request, "metadata");
	text->metadata = metadata ? cJSON_PrintUnformatted(metadata) : NULL;
	facts->agent_name = json_str(text->request, "agent");
	facts->contact_name = json_str(text->request, "contact_name");
	facts->business_name = json_str(text->request, "business_name");
	facts->greeting = json_str(text->request, "greeting");
	facts->record = json_str(text->request, "record");
	facts->metadata = text->metadata;
	facts->detected = out_detects(text->request);
	return 0;
}

void placed_text_free(struct placed_text *text)
{
	cJSON_Delete(text->request);
	free(text->metadata);
	memset(text, 0, sizeof *text);
}

/* "machine_end_beep" and the other machine_… words, and fax machines.
 * "unknown" may be a person. */
static bool is_machine(const char *answered_by)
{
	return !strncmp(answered_by, "machine_", 8) || !strcmp(answered_by, "fax");
}

/* May come before the stream or after it. The letter goes to the call's
 * mailbox, and the agent loop acts on it. */
void placed_found(const struct web_parts *parts, const char *call_sid, const cJSON *request, const char *answered_by)
{
	const char *action = json_str(request, "machine");
	struct call_ref ref;

	log_info(call_sid, "answered by %.24s", answered_by);
	if (!is_machine(answered_by) || !action || !strcmp(action, "ignore"))
		return;
	/* Nobody can hear a message on a fax. */
	if (!strcmp(answered_by, "fax"))
		action = "hangup";
	if (calls_find(parts->calls, call_sid, &ref) ||
	    calls_post(parts->calls, ref, mail_new(MAIL_MACHINE, answered_by, action)))
		log_info(call_sid, "it is not up: nothing is done about the machine");
}
