#include "server/agents/agent.h"

#include "server/agents/agent_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* One piece of memory, in a list that the last release walks. */
struct piece {
	struct piece *next;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct agent_memory {
	_Atomic int refs;
	bool no_memory;
	struct piece *pieces;
};

/* What a struct agent really is. */
struct member {
	struct agent agent; /* first: an agent's address is its member's */
	struct agent_memory *memory;
};

/* -------------------------------------------------------------------------- family */

struct agent_memory *agent_memory_new(void)
{
	struct agent_memory *f = calloc(1, sizeof *f);

	if (f)
		atomic_init(&f->refs, 1);
	return f;
}

void agent_memory_retain(struct agent_memory *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

void agent_memory_release(struct agent_memory *f)
{
	/* Release and acquire: whoever frees it sees what all others did before. */
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	while (f->pieces) {
		struct piece *next = f->pieces->next;

		explicit_bzero(f->pieces->bytes, f->pieces->size); /* secrets are among them */
		free(f->pieces);
		f->pieces = next;
	}
	free(f);
}

void *agent_memory_alloc(struct agent_memory *f, size_t size)
{
	struct piece *p = calloc(1, sizeof *p + size);

	if (!p) {
		f->no_memory = true;
		return NULL;
	}
	p->size = size;
	p->next = f->pieces;
	f->pieces = p;
	return p->bytes;
}

const char *agent_memory_keep(struct agent_memory *f, const char *text, size_t len)
{
	char *copy = agent_memory_alloc(f, len + 1);

	if (!copy)
		return "";
	memcpy(copy, text, len);
	return copy;
}

struct agent *agent_memory_new_agent(struct agent_memory *f)
{
	struct member *m = agent_memory_alloc(f, sizeof *m);

	if (!m)
		return NULL;
	m->memory = f;
	return &m->agent;
}

void agent_memory_keep_failed(struct agent_memory *f)
{
	f->no_memory = true;
}

bool agent_memory_no_memory(const struct agent_memory *f)
{
	return f->no_memory;
}

/* ------------------------------------------------------------------------- agent */

const struct agent *agent_retain(const struct agent *p)
{
	if (p)
		agent_memory_retain(((const struct member *)p)->memory);
	return p;
}

void agent_release(const struct agent *p)
{
	if (p)
		agent_memory_release(((const struct member *)p)->memory);
}

void agent_from_config(struct agent *p, const struct config *cfg)
{
	static const struct agent nothing;

	*p = nothing;
	p->name = "default";
	p->file = p->variant = "";
	p->weight = 1;
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
	p->knowledge = p->outcome_schema = p->outcome_instructions = "";
	p->signing_secret = cfg->signing_secret;
	p->record = cfg->record;
	p->max_call_seconds = cfg->max_call_seconds;
	p->max_call_cost = cfg->max_call_cost;
	p->idle_seconds = cfg->idle_seconds;
	p->fallback_number = cfg->overflow_number;
	p->machine_message = "";
}
