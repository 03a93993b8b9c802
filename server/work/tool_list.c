#include "server/work/tool_list.h"

#include "common/json.h"
#include "server/work/tool_call.h"

#include <errno.h>
#include <string.h>

static void put_function(
    struct buf *out, const char *name, const char *description, const char *parameters, const char *comma)
{
	buf_printf(out, "%s{\"type\":\"function\",\"name\":", comma);
	json_put_cstring(out, name);
	buf_puts(out, ",\"description\":");
	json_put_cstring(out, description);
	buf_puts(out, ",\"parameters\":");
	buf_puts(out, parameters[0] ? parameters : "{\"type\":\"object\",\"properties\":{}}");
	buf_putc(out, '}');
}

static void put_end_call(struct buf *out)
{
	put_function(out, "end_call",
	    "Hangs up. Say goodbye in the same breath, before you call it: the caller hears you to the end. Use it when "
	    "the caller has said goodbye or clearly wants nothing more.",
	    "{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\",\"description\":\"Why, in a few "
	    "words.\"}},\"additionalProperties\":false}",
	    "");
}

static void put_transfer_call(struct buf *out, const struct agent *p)
{
	struct buf parameters, about;

	buf_init(&parameters, 0);
	buf_init(&about, 0);
	buf_puts(&about,
	    "Connects the caller to a person. Tell the caller so before you call it. If nobody answers, the caller comes "
	    "back to you.");
	buf_puts(&parameters, "{\"type\":\"object\",\"properties\":{\"destination\":{\"type\":\"string\",\"enum\":[");
	for (size_t i = 0; i < p->destination_count; i++) {
		const struct agent_destination *d = &p->destinations[i];

		buf_puts(&parameters, i ? "," : "");
		json_put_cstring(&parameters, d->name);
		if (d->description[0])
			buf_printf(&about, " %s: %s", d->name, d->description);
	}
	buf_puts(&parameters, "]}},\"required\":[\"destination\"],\"additionalProperties\":false}");
	if (buf_error(&parameters) || buf_error(&about))
		out->err = -ENOMEM;
	put_function(out, "transfer_call", buf_text(&about), buf_text(&parameters), ",");
	buf_free(&parameters);
	buf_free(&about);
}

static void put_save_record(struct buf *out, const struct agent *p)
{
	struct buf about;

	buf_init(&about, 0);
	buf_puts(&about,
	    "Writes down what came of this call. Call it once you know what is asked for here, and again when something "
	    "changes.");
	if (*p->outcome_instructions)
		buf_printf(&about, " %s", p->outcome_instructions);
	if (buf_error(&about))
		out->err = -ENOMEM;
	put_function(out, "save_record", buf_text(&about), p->outcome_schema, ",");
	buf_free(&about);
}

void tool_list_put(struct buf *out, const struct agent *p)
{
	buf_putc(out, '[');
	put_end_call(out);
	if (p->destination_count)
		put_transfer_call(out, p);
	if (tool_builtin_of(p, "search_knowledge"))
		put_function(out, "search_knowledge",
		    "Looks something up in what this business has written down. Use it before you say that you do not know.",
		    "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\",\"description\":\"A few words to "
		    "look for.\"}},\"required\":[\"query\"],\"additionalProperties\":false}",
		    ",");
	if (tool_builtin_of(p, "save_record"))
		put_save_record(out, p);
	for (size_t i = 0; i < p->tool_count; i++)
		put_function(out, p->tools[i].name, p->tools[i].description, p->tools[i].parameters, ",");
	for (size_t i = 0; i < p->mcp_count; i++)
		buf_printf(out, ",%s", p->mcps[i].json);
	buf_putc(out, ']');
}

const struct agent_destination *tool_list_destination(const struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->destination_count; i++)
		if (!strcmp(agent->destinations[i].name, name))
			return &agent->destinations[i];
	return NULL;
}
