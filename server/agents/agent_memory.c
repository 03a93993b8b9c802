#include "server/agents/agent_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* One piece of memory, in a list that the last release walks. A list and not one arena: agents are
 * few, small and read once, and pointers into a piece must never move. */
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

/* The struct around every agent. Callers hold a plain `const struct agent *`, and the way from it
 * to its count needs no lock and no table. */
struct member {
	struct agent agent; /* first: an agent's address is its member's */
	struct agent_memory *memory;
};

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
	/* Release and acquire: the freeing thread sees all that other holders did before. */
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

/* The failure is remembered in the memory itself: the readers keep on without a check after each
 * text, and agent_file_read asks once before it hands the agent out. */
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

struct agent_memory *agent_memory_of(const struct agent *agent)
{
	return ((const struct member *)agent)->memory;
}
