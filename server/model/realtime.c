/* The table of the Realtime protocol, and the path and the headers of its
 * upgrade. There is no "OpenAI-Beta" header: it would select the retired
 * beta, whose messages differ.
 */
#include "server/model/realtime.h"

#include "common/digest.h"
#include "server/config/version.h"
#include "server/model/access.h"
#include "server/model/realtime_parse.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"
#include "server/phone/party.h"

#include <string.h>
#include <strings.h>

/* An agent's file may name any model, and Azure's deployments are named by
 * their owners: percent-encode all but what is plain in a query (RFC 3986
 * §2.3). */
static void put_query_value(struct buf *out, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static void put_path(const struct model_access *a, const char *model, struct buf *out)
{
	buf_puts(out, a->path);
	if (a->names_model)
		return;
	buf_puts(out, strchr(a->path, '?') ? "&model=" : "?model=");
	put_query_value(out, model);
}

/* An empty setting sends no header. */
static void put_header(struct buf *out, const char *name, const char *value)
{
	if (value[0])
		buf_printf(out, "%s: %s\r\n", name, value);
}

/* The same for each call of a number, and of no use to anyone who does not
 * know the number. With it the service can block one abusive caller instead
 * of our whole account. Those who withhold their number send none: with one
 * between them, all would be blocked for what one of them did. */
static void put_caller_hash(struct buf *out, const char *caller)
{
	struct party p = party_from(caller);
	char number[FOREIGN_ID_SIZE];
	const char *name = p.kind == PARTY_NUMBER ? party_number(&p, number) : p.text;
	uint8_t hash[SHA256_BYTES];

	if (p.kind == PARTY_NONE || p.kind == PARTY_WITHHELD)
		return;
	sha256(name, strlen(name), hash);
	buf_puts(out, "OpenAI-Safety-Identifier: caller-");
	for (size_t i = 0; i < 16; i++)
		buf_printf(out, "%02x", hash[i]);
	buf_puts(out, "\r\n");
}

static void put_headers(const struct model_access *a, const char *caller, struct buf *out)
{
	const struct config *cfg = a->cfg;

	if (a->api_key_header)
		put_header(out, "api-key", a->key);
	else
		buf_printf(out, "Authorization: Bearer %s\r\n", a->key);
	buf_puts(out, "User-Agent: trunkline/" TRUNKLINE_VERSION "\r\n");
	/* Of the first key's account: with another's they would be refused. */
	if (!strcmp(a->key, cfg->openai_api_key)) {
		put_header(out, "OpenAI-Organization", cfg->openai_organization);
		put_header(out, "OpenAI-Project", cfg->openai_project);
	}
	if (!strcasecmp(cfg->openai_safety_identifier, "caller"))
		put_caller_hash(out, caller);
	else
		put_header(out, "OpenAI-Safety-Identifier", cfg->openai_safety_identifier);
}

/* All that is the same in both forms. */
/* clang-format off */
#define IN_EITHER_FORM \
	.can_cancel = true, \
	.can_aside = true, \
	.path = put_path, \
	.headers = put_headers, \
	.compare = realtime_compare, \
	.item = realtime_item, \
	.ask = realtime_ask, \
	.greet = realtime_greet, \
	.say = realtime_say, \
	.aside = realtime_aside, \
	.cancel = realtime_cancel, \
	.unheard = realtime_unheard, \
	.tool_call = realtime_tool_call, \
	.tool_result = realtime_tool_result, \
	.approve = realtime_approve, \
	.release = realtime_release, \
	.close_class = realtime_close_class
/* clang-format on */

/* No `text`: answers are configured as audio, with transcripts beside it. */
const struct model_protocol realtime_protocol = {
	.name = "realtime",
	.formats = 1 << AUDIO_PCMU | 1 << AUDIO_PCMA | 1 << AUDIO_PCM,
	.can_truncate = true,
	.audio = true,
	.configure = realtime_configure,
	.extras = realtime_extras,
	.turns = realtime_turns,
	.hear = realtime_hear,
	.heard_until = realtime_heard_until,
	.parse = realtime_parse,
	IN_EITHER_FORM,
};

/* Only audio can be truncated. */
const struct model_protocol realtime_text_protocol = {
	.name = "realtime in text",
	.text = true,
	.configure = realtime_configure_text,
	.extras = realtime_extras_text,
	.parse = realtime_parse_text,
	IN_EITHER_FORM,
};
