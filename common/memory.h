#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H
/* Memory that is unavailable is noticed, whoever asked for it.
 *
 * The linker leads each malloc, calloc, realloc, aligned_alloc, strdup and strndup of our objects here (WRAP in the
 * Makefile), and cJSON asks here, too. They do as they always do. But a refusal is counted for the
 * thread, so that the loop of a call can end it in the same turn: no place between has to pass the
 * refusal up, and none can take it for an answer, as for a message that is no JSON.
 */
#include <stdbool.h>
#include <stddef.h>

/* Requests of this thread that were refused since it asked last. */
unsigned memory_missed(void);

/* For tests: asked at each request, and true refuses it. NULL: nothing is refused but by the system. Set
 * before other threads begin. */
extern bool (*memory_refuse)(size_t size);

#endif
