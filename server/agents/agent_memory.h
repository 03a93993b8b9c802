#ifndef AGENTS_AGENT_MEMORY_H
#define AGENTS_AGENT_MEMORY_H
/* The profiles that come from one file, and everything they point to: made
 * together, counted together, freed together. Only server/agents/ needs it.
 *
 * While it is made it belongs to one thread. Memory that cannot be had is
 * remembered, so that one question at the end is enough.
 */
#include "server/agents/agent.h"

struct family;

/* One reference; NULL if there is no memory. */
struct family *family_new(void);
void family_retain(struct family *f);
void family_release(struct family *f); /* fine with NULL */

/* A copy of the bytes and a NUL; "" if there is no memory. */
const char *family_keep(struct family *f, const char *text, size_t len);

/* Zeroed; NULL if there is no memory. */
void *family_alloc(struct family *f, size_t size);

/* A zeroed profile of this family, which profile_retain then holds; NULL if
 * there is no memory. */
struct profile *family_profile(struct family *f);

/* Remembers that there was none for something else. */
void family_keep_failed(struct family *f);

bool family_no_memory(const struct family *f);

#endif
