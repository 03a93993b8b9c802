#include "tools/phone/playout.h"

#include <stdlib.h>
#include <string.h>

#include "tools/phone/clock.h"
#include "tools/kit/g711.h"
#include "tools/kit/text.h"

void playout_init(struct playout *p, int late_ticks)
{
	*p = (struct playout){ .late_ticks = late_ticks, .hold = late_ticks };
}

void playout_close(struct playout *p)
{
	for (size_t i = 0; i < p->mark_count; i++)
		free(p->marks[p->mark_first + i].name);
	free(p->marks);
	free(p->ring);
	*p = (struct playout){ 0 };
}

static void copy_out(const struct playout *p, uint64_t from, uint8_t *out, size_t len)
{
	size_t at = (size_t)from & (p->ring_size - 1);
	size_t first = len < p->ring_size - at ? len : p->ring_size - at;

	memcpy(out, p->ring + at, first);
	memcpy(out + first, p->ring, len - first);
}

static void grow(struct playout *p, size_t want)
{
	size_t size = p->ring_size ? p->ring_size : 8192;
	size_t waiting = (size_t)playout_waiting(p);
	struct playout old = *p;
	uint8_t *flat;

	while (size < want)
		size *= 2;
	if (size == p->ring_size)
		return;
	flat = need(waiting);
	if (waiting)
		copy_out(&old, old.taken, flat, waiting);
	free(old.ring);
	p->ring = need(size);
	p->ring_size = size;
	for (size_t i = 0; i < waiting; i++)
		p->ring[(p->taken + i) & (size - 1)] = flat[i];
	free(flat);
}

size_t playout_media(struct playout *p, const uint8_t *bytes, size_t len)
{
	size_t waiting = (size_t)playout_waiting(p);
	size_t fits = PLAYOUT_MAX_BYTES - waiting < len ? PLAYOUT_MAX_BYTES - waiting : len;
	size_t at, first;

	p->refused += len - fits;
	if (!fits)
		return len;
	grow(p, waiting + fits);
	at = (size_t)p->received & (p->ring_size - 1);
	first = fits < p->ring_size - at ? fits : p->ring_size - at;
	memcpy(p->ring + at, bytes, first);
	memcpy(p->ring, bytes + first, fits - first);
	p->received += fits;
	return len - fits;
}

void playout_mark(struct playout *p, const char *name)
{
	if (p->mark_first + p->mark_count == p->mark_cap) {
		if (p->mark_first) {
			memmove(p->marks, p->marks + p->mark_first, p->mark_count * sizeof *p->marks);
			p->mark_first = 0;
		} else {
			p->mark_cap = p->mark_cap ? p->mark_cap * 2 : 8;
			p->marks = need_more(p->marks, p->mark_cap * sizeof *p->marks);
		}
	}
	p->marks[p->mark_first + p->mark_count++] = (struct mark){ .name = need_copy(name), .after = p->received };
}

size_t playout_clear(struct playout *p, size_t *marks)
{
	size_t dropped = (size_t)playout_waiting(p);

	*marks = 0;
	for (size_t i = 0; i < p->mark_count; i++) {
		struct mark *m = &p->marks[p->mark_first + i];

		if (m->after > p->heard && !m->flushed) {
			m->flushed = true;
			++*marks;
		}
	}
	p->dropped += dropped;
	/* What a tick has taken is on its way to the ear and cannot be called back;
	 * nothing waits for it any more, though. */
	p->taken = p->heard = p->received;
	p->hold = p->late_ticks;
	return dropped;
}

size_t playout_tick(struct playout *p, uint8_t out[TICK_BYTES])
{
	size_t len = (size_t)playout_waiting(p);

	p->heard = p->taken;
	if (len > TICK_BYTES)
		len = TICK_BYTES;
	if (len && !p->playing && p->hold > 0) {
		p->hold--;
		len = 0;
	}
	if (len) {
		copy_out(p, p->taken, out, len);
		p->taken += len;
		p->hold = p->late_ticks;
	}
	memset(out + len, MULAW_SILENCE, TICK_BYTES - len);
	p->playing = len > 0;
	return len;
}

bool playout_next_echo(struct playout *p, struct mark *mark)
{
	struct mark *m = p->marks + p->mark_first;

	if (!p->mark_count || (!m->flushed && m->after > p->heard))
		return false;
	*mark = *m;
	p->mark_first++;
	if (!--p->mark_count)
		p->mark_first = 0;
	return true;
}

bool playout_idle(const struct playout *p)
{
	return p->received == p->heard;
}

uint64_t playout_position(const struct playout *p, uint64_t since_tick_ns)
{
	uint64_t played = since_tick_ns * BYTES_PER_MS / NS_PER_MS;
	uint64_t in_air = p->taken - p->heard;

	return p->heard + (played < in_air ? played : in_air);
}
