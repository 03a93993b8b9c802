/* The descriptions are read by the model only; they decide when it uses a
 * tool. They are part of the product's behaviour: a change of words is a
 * change of what callers hear.
 */
#include "server/work/tool_list.h"

#include "common/json.h"
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

/* Their argument is one of a list, or keys (`of` is NULL). */
static const struct {
	const char *name, *about, *argument;
} phone_tools[] = {
	[TOOL_PHONE_LANGUAGE] = { "switch_language",
	    "Switches the language in which the caller is understood and you are spoken. Call it as soon as the caller "
	    "speaks another language, or asks for one; then go on in that language.",
	    "language" },
	[TOOL_PHONE_PLAY] = { "play", "Plays a sound to the caller, behind what you have said.", "sound" },
	[TOOL_PHONE_KEYS] = { "send_digits",
	    "Presses keys of the telephone, to get through a menu of a machine on the line, once what you have said is "
	    "heard. w is a pause of half a second. Its result says whether they were pressed.",
	    "digits" },
};

/* The n-th of a list; NULL: there are no more. The language of the call's beginning comes last, unless it
 * is listed: it may be gone back to. */
static const char *choice(const struct agent *p, enum tool_phone what, size_t n)
{
	const struct relay *relay = &p->relay;

	if (what == TOOL_PHONE_PLAY)
		return n < relay->play_count ? relay->plays[n] : NULL;
	if (what != TOOL_PHONE_LANGUAGE || !relay->language_count || n > relay->language_count)
		return NULL;
	if (n < relay->language_count)
		return relay->languages[n].code;
	for (size_t i = 0; i < relay->language_count; i++)
		if (!strcmp(relay->languages[i].code, relay_attribute(p, RELAY_language)))
			return NULL;
	return relay_attribute(p, RELAY_language);
}

enum tool_phone tool_list_phone(const struct agent *agent, const char *name)
{
	enum tool_phone what = TOOL_PHONE_LANGUAGE;

	while (what <= TOOL_PHONE_KEYS && strcmp(phone_tools[what].name, name) != 0)
		what++;
	if (what > TOOL_PHONE_KEYS || tool_of_agent(agent, name))
		return TOOL_PHONE_NONE;
	if (what == TOOL_PHONE_KEYS)
		return agent->sends_digits ? what : TOOL_PHONE_NONE;
	return agent->channel == CHANNEL_RELAY && choice(agent, what, 0) ? what : TOOL_PHONE_NONE;
}

const char *tool_list_phone_wish(const struct agent *agent, enum tool_phone what, const cJSON *arguments)
{
	const char *wish = json_str(arguments, phone_tools[what].argument), *one;

	if (wish && what == TOOL_PHONE_KEYS)
		return wish; /* call_keys.h judges them */
	for (size_t i = 0; wish && (one = choice(agent, what, i)); i++)
		if (!strcmp(one, wish))
			return one;
	return NULL;
}

static void put_phone_tool(struct json_out *j, const struct agent *p, enum tool_phone what)
{
	struct json_out schema;
	struct buf parameters;
	const char *one;

	buf_init(&parameters, 0);
	schema = json_out_to(&parameters);
	json_put_object(&schema, NULL);
	json_put_text(&schema, "type", "object");
	json_put_object(&schema, "properties");
	json_put_object(&schema, phone_tools[what].argument);
	json_put_text(&schema, "type", "string");
	if (what == TOOL_PHONE_KEYS)
		json_put_text(&schema, "pattern", "^[0-9*#w]{1,64}$");
	else
		json_put_array(&schema, "enum");
	for (size_t i = 0; (one = choice(p, what, i)); i++)
		json_put_text(&schema, NULL, one);
	if (what != TOOL_PHONE_KEYS)
		json_put_end(&schema);
	json_put_end(&schema);
	json_put_end(&schema);
	json_put_array(&schema, "required");
	json_put_text(&schema, NULL, phone_tools[what].argument);
	json_put_end(&schema);
	json_put_bool(&schema, "additionalProperties", false);
	json_put_end(&schema);
	if (buf_error(&parameters))
		j->out->err = -ENOMEM;
	put_function(j, phone_tools[what].name, phone_tools[what].about, buf_text(&parameters));
	buf_free(&parameters);
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
	for (enum tool_phone what = TOOL_PHONE_LANGUAGE; what <= TOOL_PHONE_KEYS; what++)
		if (tool_list_phone(p, phone_tools[what].name))
			put_phone_tool(&j, p, what);
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
