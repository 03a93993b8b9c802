/* The table of the Realtime protocol, and the path and the headers of its
 * upgrade. There is no "OpenAI-Beta" header: it would select the retired
 * beta, whose messages differ.
 */
#include "server/model/realtime.h"

#include "server/config/version.h"
#include "server/model/access.h"
#include "server/model/realtime_parse.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"

#include <string.h>

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

static void put_headers(const struct model_access *a, const char *caller, struct buf *out)
{
	const struct config *cfg = a->cfg;
	struct buf person;

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
	buf_init(&person, 0);
	model_access_put_person(cfg, caller, &person);
	put_header(out, "OpenAI-Safety-Identifier", buf_text(&person));
	buf_free(&person);
}

/* All that is the same in both forms. */
/* clang-format off */
#define IN_EITHER_FORM \
	REALTIME_ITEMS, \
	.path = put_path, \
	.headers = put_headers, \
	.compare = realtime_compare, \
	.close_class = realtime_close_class
/* clang-format on */

/* No `text`: answers are configured as audio, with transcripts beside it. */
const struct model_protocol realtime_protocol = {
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
	.text = true,
	.configure = realtime_configure_text,
	.extras = realtime_extras_text,
	.parse = realtime_parse_text,
	IN_EITHER_FORM,
};
