#ifndef AGENTS_AGENT_MEMORY_H
#define AGENTS_AGENT_MEMORY_H
/* The memory of one file's agents and of everything they point to: allocated
 * together, counted together, freed together. Only server/agents/ needs it.
 *
 * One thread fills it; then it is constant and any thread may hold a reference.
 * A failed allocation is remembered, so that one question at the end is enough.
 */
#include "server/agents/agent.h"

struct agent_memory;

/* One reference; NULL if there is no memory. */
struct agent_memory *agent_memory_new(void);
void agent_memory_retain(struct agent_memory *f);
void agent_memory_release(struct agent_memory *f); /* fine with NULL */

/* A copy of the bytes and a NUL; "" if there is no memory. */
const char *agent_memory_keep(struct agent_memory *f, const char *text, size_t len);

/* Zeroed; NULL if there is no memory. */
void *agent_memory_alloc(struct agent_memory *f, size_t size);

/* A zeroed agent in this memory; agent_retain on it counts the whole memory.
 * NULL if there is no memory. */
struct agent *agent_memory_new_agent(struct agent_memory *f);
struct agent_memory *agent_memory_of(const struct agent *agent);

/* Remembers a failed allocation made elsewhere. */
void agent_memory_keep_failed(struct agent_memory *f);

bool agent_memory_no_memory(const struct agent_memory *f);

#endif
