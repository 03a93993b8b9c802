#include "server/agents/agent.h"

#include "server/agents/agent_memory.h"

#include <string.h>

/* A call holds a reference to its agent, and so do its recording and its pending tools: a reload in
 * mid-call frees nothing under them. The count is kept for the whole file, not for one agent. */
const struct agent *agent_retain(const struct agent *p)
{
	if (p)
		agent_memory_retain(agent_memory_of(p));
	return p;
}

void agent_release(const struct agent *p)
{
	if (p)
		agent_memory_release(agent_memory_of(p));
}

const char *agent_channel_problem(enum call_channel channel, enum model_kind protocol, enum recording_mode record)
{
	if (channel == CHANNEL_STREAM && protocol == MODEL_KIND_TEXT)
		return "is stream, which carries sound, and MODEL_PROTOCOL=text takes none: relay and gather go with it";
	if (channel != CHANNEL_STREAM && record == RECORDING_LOCAL)
		return "is relay or gather, where no sound passes here: \"record\" can be twilio, not local";
	return NULL;
}

const struct agent_endpoint *agent_endpoint(const struct agent *p, int number)
{
	for (size_t i = 0; i < p->endpoint_count; i++)
		if (p->endpoints[i].number == number)
			return &p->endpoints[i];
	return NULL;
}

bool agent_takes_endpoint(const struct agent *p, int number)
{
	return !p->endpoint_count || agent_endpoint(p, number);
}

/* Every agent starts as this one: a file is then read over it, so a key that is left out keeps the
 * setting's value. Nothing is copied, and a pointer that still equals the setting's own tells
 * agent_file.c that the file did not speak of it. */
void agent_from_config(struct agent *p, const struct config *cfg)
{
	static const struct agent nothing;

	*p = nothing;
	p->name = "default";
	p->file = p->variant = "";
	p->knowledge = p->outcome_schema = p->outcome_instructions = "";
	p->machine_message = p->say_voice = p->say_language = "";
	p->weight = 1;
	p->channel = cfg->channel;
	p->model_protocol = cfg->model_protocol;
	p->openai_model = cfg->openai_model;
	p->voice = cfg->voice;
	p->speed = cfg->speed;
	p->instructions = cfg->instructions;
	p->transcription_model = cfg->transcription_model;
	p->transcription_language = cfg->transcription_language;
	p->turn_detection = cfg->turn_detection;
	p->vad_threshold = cfg->vad_threshold;
	p->vad_prefix_ms = cfg->vad_prefix_ms;
	p->vad_silence_ms = cfg->vad_silence_ms;
	p->vad_eagerness = cfg->vad_eagerness;
	p->interruptible = cfg->interruptible;
	p->noise_reduction = cfg->noise_reduction;
	p->reasoning_effort = cfg->reasoning_effort;
	p->max_output_tokens = cfg->max_output_tokens;
	p->greeting_mode = cfg->greeting_mode;
	p->greeting = cfg->greeting;
	p->greeting_protect_ms = cfg->greeting_protect_ms;
	p->signing_secret = cfg->signing_secret;
	p->record = cfg->record;
	p->max_call_seconds = cfg->max_call_seconds;
	p->max_call_cost = cfg->max_call_cost;
	p->idle_seconds = cfg->idle_seconds;
	p->reprompt_seconds = cfg->reprompt_seconds;
	p->hold_music_seconds = cfg->hold_music_seconds;
	p->fallback_number = cfg->overflow_number;
	fallback_from_config(&p->fallback, cfg);
}

/* What needs sound, or the model's own side, is left out. */
static const struct agent *stand_in(struct agent_memory *memory, const struct agent *p, const struct config *cfg)
{
	struct agent *other = agent_memory_new_agent(memory);

	if (!other)
		return NULL;
	*other = *p;
	other->stands_in = true;
	other->channel = CHANNEL_GATHER;
	if (p->model_protocol != MODEL_KIND_TEXT)
		other->openai_model = cfg->text_model;
	other->model_protocol = MODEL_KIND_TEXT;
	other->mcp_count = 0;
	if (p->record == RECORDING_LOCAL)
		other->record = RECORDING_OFF;
	return other;
}

void agent_settle_model(struct agent *p, const struct config *cfg)
{
	if (p->channel == CHANNEL_GATHER)
		p->model_protocol = MODEL_KIND_TEXT;
	if (p->model_protocol == MODEL_KIND_TEXT && p->openai_model == cfg->openai_model)
		p->openai_model = cfg->text_model;
	if (p->channel != CHANNEL_GATHER)
		p->by_gather = stand_in(agent_memory_of(p), p, cfg);
}

void agent_settle_languages(struct agent *p, const struct config *cfg)
{
	struct agent_memory *memory = agent_memory_of(p);
	struct buf text;

	if (p->language_count && p->transcription_language == cfg->transcription_language)
		p->transcription_language = p->language_count == 1 ? p->languages[0] : "";
	if (p->language_count < 2)
		return;
	buf_init(&text, 0);
	buf_printf(&text, "%s\n\nAnswer in the caller's language if it is one of these (ISO 639-1):", p->instructions);
	for (size_t i = 0; i < p->language_count; i++)
		buf_printf(&text, "%s %s", i ? "," : "", p->languages[i]);
	buf_printf(&text, ". Otherwise, and until you know, speak %s.", p->languages[0]);
	if (buf_error(&text))
		agent_memory_keep_failed(memory);
	else
		p->instructions = agent_memory_keep(memory, buf_text(&text), text.len);
	buf_free(&text);
}

/* ------------------------------------------------------------------ in a line */

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
	else if (p->channel == CHANNEL_RELAY)
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
		buf_printf(out, " channel=%s", p->channel == CHANNEL_RELAY ? "relay" : "gather");
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
	for (size_t i = 0; p->fallback.listed && i < p->fallback.count; i++)
		buf_printf(out, "%s%s", i ? "," : " ladder=", rung_name(p->fallback.rungs[i].kind));
	if (*p->fallback_number)
		buf_printf(out, " fallback=%s", p->fallback_number);
	put_phrases(out, p);
	buf_putc(out, '\n');
}
