#include "common/log_writer.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_BYTES = 256 * 1024 /* some two thousand lines; a power of two */ };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news; /* lines, or the end */
	pthread_cond_t over;
	bool runs, ends;
	uint64_t head, tail; /* bytes ever put and taken */
	char bytes[QUEUE_BYTES];
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER };

static _Atomic unsigned lost;

unsigned log_writer_lost(void)
{
	return atomic_exchange(&lost, 0);
}

void log_writer_lose(unsigned lines)
{
	atomic_fetch_add(&lost, lines);
}

/* --------------------------------------------------------------------------- the queue */

static void copy_in(const char *line, size_t len)
{
	size_t at = queue.head % QUEUE_BYTES, first = len < QUEUE_BYTES - at ? len : QUEUE_BYTES - at;

	memcpy(queue.bytes + at, line, first);
	memcpy(queue.bytes, line + first, len - first);
	queue.head += len;
}

/* The oldest whole lines, as many as one write takes. */
static size_t copy_out(char *out)
{
	uint64_t left = queue.head - queue.tail;
	size_t most = left < LOG_LINE_MAX ? (size_t)left : LOG_LINE_MAX;
	size_t at = queue.tail % QUEUE_BYTES, first = most < QUEUE_BYTES - at ? most : QUEUE_BYTES - at;

	memcpy(out, queue.bytes + at, first);
	memcpy(out + first, queue.bytes, most - first);
	most = (size_t)((char *)memrchr(out, '\n', most) - out) + 1;
	queue.tail += most;
	return most;
}

/* -------------------------------------------------------------------------- the thread */

static unsigned lines_in(const char *text, size_t len)
{
	unsigned lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* It may wait for as long as it likes. */
static void write_out(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = STDERR_FILENO, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	log_writer_lose(lines_in(text, len));
}

static void *writer(void *unused)
{
	char text[LOG_LINE_MAX];

	(void)unused;
	pthread_mutex_lock(&queue.lock);
	while (queue.head != queue.tail || !queue.ends) {
		size_t len;

		if (queue.head == queue.tail) {
			pthread_cond_wait(&queue.news, &queue.lock);
			continue;
		}
		len = copy_out(text);
		pthread_mutex_unlock(&queue.lock);
		write_out(text, len);
		pthread_mutex_lock(&queue.lock);
	}
	queue.runs = false;
	pthread_cond_broadcast(&queue.over);
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

int log_writer_start(void)
{
	pthread_condattr_t monotonic;
	pthread_attr_t detached;
	pthread_t thread;
	int err = 0;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_lock(&queue.lock);
	queue.ends = false;
	if (!queue.runs) {
		pthread_cond_init(&queue.over, &monotonic);
		err = pthread_create(&thread, &detached, writer, NULL);
		queue.runs = !err;
	}
	pthread_mutex_unlock(&queue.lock);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_destroy(&detached);
	return -err;
}

bool log_writer_stop(int within_ms)
{
	int64_t until_us = clock_now_us() + within_ms * US_PER_MS;
	struct timespec until = { .tv_sec = until_us / US_PER_S, .tv_nsec = until_us % US_PER_S * 1000 };
	bool over;

	pthread_mutex_lock(&queue.lock);
	queue.ends = true;
	pthread_cond_signal(&queue.news);
	while (queue.runs && !pthread_cond_timedwait(&queue.over, &queue.lock, &until))
		;
	over = !queue.runs;
	pthread_mutex_unlock(&queue.lock);
	return over;
}

/* ------------------------------------------------------------------------------ a line */

/* A log that nobody reads must not stop who writes it, without a thread either. */
static bool write_now(const char *line, size_t len)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) != 0 && write(STDERR_FILENO, line, len) == (ssize_t)len;
}

bool log_writer_put(const char *line, size_t len)
{
	bool runs, room;

	pthread_mutex_lock(&queue.lock);
	runs = queue.runs;
	room = runs && queue.head - queue.tail + len <= QUEUE_BYTES;
	if (room) {
		copy_in(line, len);
		pthread_cond_signal(&queue.news);
	}
	pthread_mutex_unlock(&queue.lock);
	return runs ? room : write_now(line, len);
}
