/* Linked into a server of its own (build/FLAVOR/starved), it refuses memory that was asked for by our own
 * code (common/memory.h), also under sanitizers, which LD_PRELOAD (meddle.c) cannot.
 *
 * STARVE names a file of 64 bytes that is looked at all the time:
 *
 *     one-in N SEED       one request in every N, which of them is drawn by the seed
 *     places MS N SEED    the first request of each place, but one in so many milliseconds; of the places
 *                         one in N, drawn by the seed. A place is the innermost calls of a stack
 *
 * Anything else is an ordinary world. What is refused is told to stderr, with the stack.
 */
#include "common/memory.h"

#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	ORDER_BYTES = 64,
	OWN_FRAMES = 3,  /* of the stack: these functions, and the wrapper */
	SITE_FRAMES = 6, /* that tell one place from another */
	SHOWN_FRAMES = 16,
	SITES_MAX = 8192
};

static const char *order = "";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seen[SITES_MAX];
static size_t seen_count;
static int64_t served_ms;
static _Thread_local bool busy;

static uint64_t mixed(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void tell(size_t size)
{
	void *stack[SHOWN_FRAMES];
	char line[80];
	int len = snprintf(line, sizeof line, "refused: %zu bytes; order=%.40s\n", size, order);

	if (write(STDERR_FILENO, line, (size_t)len) > 0)
		backtrace_symbols_fd(stack + OWN_FRAMES, backtrace(stack, SHOWN_FRAMES) - OWN_FRAMES, STDERR_FILENO);
}

static bool drawn(uint64_t one_in, uint64_t seed)
{
	static _Atomic uint64_t count;
	uint64_t nth = count++;

	return one_in && nth % one_in == mixed(seed ^ mixed(nth / one_in)) % one_in;
}

/* Where our code lies differs from run to run; how far apart its parts are does not. */
static uint64_t place(void)
{
	void *stack[OWN_FRAMES + SITE_FRAMES];
	int depth = backtrace(stack, OWN_FRAMES + SITE_FRAMES);
	uint64_t sum = 0;

	for (int i = OWN_FRAMES; i < depth; i++)
		sum = mixed(sum ^ (uint64_t)((uintptr_t)stack[i] - (uintptr_t)place));
	return sum;
}

static bool is_new(uint64_t at)
{
	for (size_t i = 0; i < seen_count; i++)
		if (seen[i] == at)
			return false;
	if (seen_count < SITES_MAX)
		seen[seen_count++] = at;
	return true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool new_place(int64_t pause_ms, uint64_t one_in, uint64_t seed)
{
	int64_t now = now_ms();
	bool taken = false;
	uint64_t at;

	pthread_mutex_lock(&lock);
	if (now >= served_ms + pause_ms) {
		at = place();
		taken = one_in && mixed(at ^ seed) % one_in == 0 && is_new(at);
		served_ms = taken ? now : served_ms;
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

static bool refuse(size_t size)
{
	unsigned long long a = 0, b = 0, c = 0;
	bool refused = false;

	if (busy || !*order)
		return false;
	busy = true; /* what follows may want memory, too */
	if (sscanf(order, "one-in %llu %llu", &a, &b) == 2)
		refused = drawn(a, b);
	else if (sscanf(order, "places %llu %llu %llu", &a, &b, &c) == 3)
		refused = new_place((int64_t)a, b, c);
	if (refused)
		tell(size);
	busy = false;
	return refused;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("STARVE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *stack[1], *seen_order = fd >= 0 ? mmap(NULL, ORDER_BYTES, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (seen_order != MAP_FAILED)
		order = seen_order;
	if (fd >= 0)
		close(fd);
	backtrace(stack, 1); /* for the first time it wants memory of its own */
	memory_refuse = refuse;
}
