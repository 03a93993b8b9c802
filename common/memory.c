#include "common/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool (*memory_refuse)(size_t size);

static _Thread_local unsigned missed;

unsigned memory_missed(void)
{
	unsigned count = missed;

	missed = 0;
	return count;
}

/* The linker's names: what is called malloc elsewhere is __wrap_malloc, and __real_malloc is the system's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);

static bool refused(size_t size)
{
	if (!memory_refuse || !memory_refuse(size))
		return false;
	errno = ENOMEM;
	return true;
}

static void *noted(void *memory)
{
	missed += !memory;
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return noted(refused(size) ? NULL : __real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return noted(refused(count * size) ? NULL : __real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	return noted(refused(size) ? NULL : __real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return noted(refused(size) ? NULL : __real_aligned_alloc(alignment, size));
}

char *__wrap_strndup(const char *text, size_t most)
{
	size_t len = strnlen(text, most);
	char *copy = __wrap_malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

__attribute__((constructor)) static void lead_here(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = __wrap_malloc, .free_fn = free });
}
