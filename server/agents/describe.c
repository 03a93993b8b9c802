/* An agent in a line, for --check. */
#include "server/agents/describe.h"

#include <string.h>

static void put_list(struct buf *out, const char *name, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i ? "," : name, items[i]);
}

/* Names of tools, servers or transfers: each of these structs holds its name first. */
static void put_names(struct buf *out, const char *name, const void *items, size_t size, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i ? "," : name, *(const char *const *)((const char *)items + i * size));
}

static void put_numbers(struct buf *out, const struct agent *p, bool answers_rest)
{
	if (answers_rest)
		buf_puts(out, " numbers=all-others");
	else if (!p->number_count)
		buf_puts(out, " numbers=none");
	put_list(out, " numbers=", p->numbers, p->number_count);
}

/* Those of the agent's own, and how Twilio reads them. */
static void put_phrases(struct buf *out, const struct agent *p)
{
	const char *before = " phrases=";

	for (int i = 0; i < PHRASE_COUNT; i++) {
		if (p->phrases[i]) {
			buf_printf(out, "%s%s", before, phrase_key((enum phrase)i));
			before = ",";
		}
	}
	if (*p->say_voice)
		buf_printf(out, " say_voice=%s", p->say_voice);
	if (*p->say_language)
		buf_printf(out, " say_language=%s", p->say_language);
}

/* The model's; by relay Twilio's, which has one for each provider unless the file names another. */
static void put_voice(struct buf *out, const struct agent *p)
{
	const char *named = p->relay.attributes[RELAY_voice];

	if (!agent_in_text(p))
		buf_printf(out, " voice=%s", p->voice);
	else
		buf_printf(out, " voice=%s/%s", relay_attribute(p, RELAY_ttsProvider), named ? named : "its-own");
}

/* The line is for a person who checks a directory before a deployment: what each file came to with
 * the settings filled in, as key=value. Instructions and schemas are told by size or presence only,
 * secrets not at all; most features appear only if they are on. */
void agent_describe(const struct agent *p, bool answers_rest, struct buf *out)
{
	static const char *const greets[] = { "instruction", "exact", "wait" };
	static const char *const records[] = { "off", "local", "twilio" };
	static const char *const machines[] = { "ignore", "message", "hangup" };

	buf_printf(out, "agent %s:", p->name);
	if (*p->variant)
		buf_printf(out, " variant=%s weight=%g", p->variant, p->weight);
	put_numbers(out, p, answers_rest);
	if (agent_in_text(p))
		buf_puts(out, " channel=relay");
	if (p->model_protocol == MODEL_KIND_TEXT)
		buf_puts(out, " model_protocol=text");
	buf_printf(out, " model=%s", p->openai_model);
	put_voice(out, p);
	for (size_t i = 0; i < p->endpoint_count; i++)
		buf_printf(out, "%s%d", i ? "," : " endpoints=", p->endpoints[i].number);
	put_list(out, " languages=", p->languages, p->language_count);
	buf_printf(out, " instructions=%zu-bytes greeting=%s", strlen(p->instructions), greets[p->greeting_mode]);
	put_names(out, " tools=", p->tools, sizeof *p->tools, p->tool_count);
	put_names(out, " mcp_servers=", p->mcps, sizeof *p->mcps, p->mcp_count);
	put_names(out, " transfers=", p->destinations, sizeof *p->destinations, p->destination_count);
	if (*p->knowledge)
		buf_printf(out, " knowledge=%s", p->knowledge);
	if (*p->outcome_schema)
		buf_puts(out, " outcome=yes");
	if (p->webhook_count)
		buf_printf(out, " webhooks=%zu", p->webhook_count);
	if (p->record != RECORDING_OFF)
		buf_printf(out, " record=%s", records[p->record]);
	if (p->machine != MACHINE_IGNORE)
		buf_printf(out, " machine=%s", machines[p->machine]);
	if (*p->fallback_number)
		buf_printf(out, " fallback=%s", p->fallback_number);
	put_phrases(out, p);
	buf_putc(out, '\n');
}
