/* The descriptions are read by the model only; they decide when it uses a
 * tool. They are part of the product's behaviour: a change of words is a
 * change of what callers hear.
 */
#include "server/work/tool_list.h"

#include "common/json_out.h"
#include "server/work/tool_call.h"

#include <errno.h>
#include <string.h>

/* A tool without parameters still needs a schema: an empty object. */
static void put_function(struct json_out *j, const char *name, const char *description, const char *parameters)
{
	json_put_object(j, NULL);
	json_put_text(j, "type", "function");
	json_put_text(j, "name", name);
	json_put_text(j, "description", description);
	json_put_json(j, "parameters", parameters[0] ? parameters : "{\"type\":\"object\",\"properties\":{}}");
	json_put_end(j);
}

static void put_end_call(struct json_out *j)
{
	put_function(j, "end_call",
	    "Hangs up. Say goodbye in the same breath, before you call it: the caller hears you to the end. Use it when "
	    "the caller has said goodbye or clearly wants nothing more.",
	    "{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\",\"description\":\"Why, in a few "
	    "words.\"}},\"additionalProperties\":false}");
}

/* The destinations are an enum: the model cannot invent a number. Their
 * descriptions tell it whom to choose. */
static void put_transfer_call(struct json_out *j, const struct agent *p)
{
	struct buf parameters, about;
	struct json_out schema;

	buf_init(&parameters, 0);
	buf_init(&about, 0);
	buf_puts(&about,
	    "Connects the caller to a person. Tell the caller so before you call it. If nobody answers, the caller comes "
	    "back to you.");
	schema = json_out_to(&parameters);
	json_put_object(&schema, NULL);
	json_put_text(&schema, "type", "object");
	json_put_object(&schema, "properties");
	json_put_object(&schema, "destination");
	json_put_text(&schema, "type", "string");
	json_put_array(&schema, "enum");
	for (size_t i = 0; i < p->destination_count; i++) {
		const struct agent_destination *d = &p->destinations[i];

		json_put_text(&schema, NULL, d->name);
		if (d->description[0])
			buf_printf(&about, " %s: %s", d->name, d->description);
	}
	json_put_end(&schema);
	json_put_end(&schema);
	json_put_end(&schema);
	json_put_json(&schema, "required", "[\"destination\"]");
	json_put_bool(&schema, "additionalProperties", false);
	json_put_end(&schema);
	if (buf_error(&parameters) || buf_error(&about))
		j->out->err = -ENOMEM;
	put_function(j, "transfer_call", buf_text(&about), buf_text(&parameters));
	buf_free(&parameters);
	buf_free(&about);
}

/* The agent's own schema is the tool's parameters. */
static void put_save_record(struct json_out *j, const struct agent *p)
{
	struct buf about;

	buf_init(&about, 0);
	buf_puts(&about,
	    "Writes down what came of this call. Call it once you know what is asked for here, and again when something "
	    "changes.");
	if (*p->outcome_instructions)
		buf_printf(&about, " %s", p->outcome_instructions);
	if (buf_error(&about))
		j->out->err = -ENOMEM;
	put_function(j, "save_record", buf_text(&about), p->outcome_schema);
	buf_free(&about);
}

/* By openai-realtime, "MCP tool". In a telephone call there is nobody to approve. */
static void put_mcp(struct json_out *j, const struct agent_mcp *mcp)
{
	json_put_object(j, NULL);
	json_put_text(j, "type", "mcp");
	json_put_text(j, "server_label", mcp->label);
	json_put_text(j, "server_url", mcp->url);
	json_put_text(j, "require_approval", "never");
	if (mcp->allows_some) {
		json_put_array(j, "allowed_tools");
		for (size_t i = 0; i < mcp->allowed_count; i++)
			json_put_text(j, NULL, mcp->allowed[i]);
		json_put_end(j);
	}
	if (*mcp->authorization)
		json_put_text(j, "authorization", mcp->authorization);
	json_put_end(j);
}

void tool_list_put(struct buf *out, const struct work *work, const struct agent *p)
{
	struct json_out j = json_out_to(out);

	json_put_array(&j, NULL);
	put_end_call(&j);
	if (p->destination_count)
		put_transfer_call(&j, p);
	if (tool_builtin_of(work, p, "search_knowledge"))
		put_function(&j, "search_knowledge",
		    "Looks something up in what this business has written down. Use it before you say that you do not know.",
		    "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\",\"description\":\"A few words to "
		    "look for.\"}},\"required\":[\"query\"],\"additionalProperties\":false}");
	if (tool_builtin_of(work, p, "save_record"))
		put_save_record(&j, p);
	for (size_t i = 0; i < p->tool_count; i++)
		put_function(&j, p->tools[i].name, p->tools[i].description, p->tools[i].parameters);
	for (size_t i = 0; i < p->mcp_count; i++)
		put_mcp(&j, &p->mcps[i]);
	json_put_end(&j);
}

const struct agent_destination *tool_list_destination(const struct agent *agent, const char *name)
{
	const struct agent_destination *d = agent->destinations, *end = d + agent->destination_count;

	while (d < end && strcmp(d->name, name))
		d++;
	return d < end ? d : NULL;
}
