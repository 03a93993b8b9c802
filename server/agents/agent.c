#include "server/agents/agent.h"

#include "server/agents/agent_memory.h"

/* The names as agent files and webhook bodies spell them; their order is that of the bits. */
const char *const webhook_event_names[WEBHOOK_EVENTS] = { "call.started", "call.ended", "call.failed",
	"record.created" };

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
	if (channel == CHANNEL_GATHER)
		return "is gather, which is not built yet: stream and relay are";
	if (channel == CHANNEL_STREAM && protocol == MODEL_KIND_TEXT)
		return "is stream, which carries sound, and MODEL_PROTOCOL=text takes none: relay goes with it";
	if (channel == CHANNEL_RELAY && record == RECORDING_LOCAL)
		return "is relay, where no sound passes here: \"record\" can be twilio, not local";
	return NULL;
}

bool agent_takes_endpoint(const struct agent *p, int number)
{
	for (size_t i = 0; i < p->endpoint_count; i++)
		if (p->endpoints[i].number == number)
			return true;
	return !p->endpoint_count;
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
	p->fallback_number = cfg->overflow_number;
}

void agent_settle_model(struct agent *p, const struct config *cfg)
{
	if (p->model_protocol == MODEL_KIND_TEXT && p->openai_model == cfg->openai_model)
		p->openai_model = cfg->text_model;
}
