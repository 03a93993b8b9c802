#include "common/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What stands before each body. Messages start at multiples of 8 and never wrap:
 * one that would is preceded by a SKIP that fills the rest of the lap, so the
 * reader can be handed a plain pointer. */
struct head_of_message {
	uint32_t len;
	uint8_t type;
	uint8_t unused[3];
};

enum {
	SKIP = 0,               /* type of a filler message */
	KEEP_BYTES = 16 * 1024, /* it begins anew after this much, and gives back no less */
};

static size_t padded(size_t len)
{
	return sizeof(struct head_of_message) + ((len + 7) & ~(size_t)7);
}

static uint8_t *place(const struct ring *r, uint64_t position)
{
	return r->data + ((position - r->origin) & (r->cap - 1));
}

int ring_open(struct ring *r, size_t cap)
{
	size_t rounded = (size_t)sysconf(_SC_PAGESIZE);
	void *data;

	while (rounded < cap)
		rounded *= 2;
	data = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	memset(r, 0, sizeof *r);
	r->data = data;
	r->cap = rounded;
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->data)
		munmap(r->data, r->cap);
	memset(r, 0, sizeof *r);
}

/* What was touched from an offset on. A whole page at least is kept or goes. */
static void give_back(const struct ring *r, size_t from, uint64_t head)
{
	uint64_t used = head - r->origin > KEEP_BYTES ? head - r->origin : KEEP_BYTES;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), to = used < r->cap ? (size_t)used : r->cap;

	from = (from + page - 1) & ~(page - 1);
	if (to > from)
		madvise(r->data + from, to - from, MADV_DONTNEED);
}

void ring_reset(struct ring *r)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	give_back(r, 0, head);
	r->origin = head;
	atomic_store_explicit(&r->tail, head, memory_order_relaxed);
	atomic_store_explicit(&r->sleeping, 0, memory_order_relaxed);
}

/* When the reader has caught up, nobody looks at the memory, nor at the origin: its last look came
 * before the tail that told us so, and the next comes after a new head. So a ring that empties now and
 * then keeps little more than KEEP_BYTES whatever its size, and they are the same ones. */
static void begin_anew(struct ring *r, uint64_t head)
{
	if (head - r->origin < KEEP_BYTES)
		return;
	give_back(r, KEEP_BYTES, head);
	r->origin = head;
}

bool ring_put2(struct ring *r, uint8_t type, const void *a, size_t a_len, const void *b, size_t b_len)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	/* Pairs with the release in ring_pop: what the reader is done with may
	 * be overwritten. */
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t len = a_len + b_len, need = padded(len);
	size_t at, to_lap;
	struct head_of_message h = { .len = (uint32_t)len, .type = type };

	if (need > r->cap / 4)
		return false;
	if (head == tail)
		begin_anew(r, head);
	at = (head - r->origin) & (r->cap - 1);
	to_lap = r->cap - at;
	if (to_lap < need) {
		struct head_of_message skip = { .len = (uint32_t)(to_lap - sizeof skip), .type = SKIP };

		if (head + to_lap + need - tail > r->cap)
			return false;
		memcpy(r->data + at, &skip, sizeof skip);
		head += to_lap;
		at = 0;
	}
	if (head + need - tail > r->cap)
		return false;
	memcpy(r->data + at, &h, sizeof h);
	if (a_len)
		memcpy(r->data + at + sizeof h, a, a_len);
	if (b_len)
		memcpy(r->data + at + sizeof h + a_len, b, b_len);

	/* The bytes before the count that announces them: pairs with the
	 * acquire of head in ring_next. */
	atomic_store_explicit(&r->head, head + need, memory_order_release);
	return true;
}

bool ring_put(struct ring *r, uint8_t type, const void *body, size_t len)
{
	return ring_put2(r, type, body, len, NULL, 0);
}

/* What is skipped at the end of the lap is less than the message itself. */
bool ring_has_room(const struct ring *r, size_t len)
{
	size_t need = padded(len);

	return need <= r->cap / 4 && ring_used(r) + 2 * need <= r->cap;
}

uint64_t ring_written(const struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_relaxed);
}

size_t ring_used(const struct ring *r)
{
	/* The tail first: read the other way round, the tail could be newer than
	 * the head and the difference wrap. */
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return (size_t)(atomic_load_explicit(&r->head, memory_order_acquire) - tail);
}

bool ring_next(struct ring *r, struct ring_message *out)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	for (;;) {
		struct head_of_message h;

		/* Pairs with the release in ring_put2. */
		if (atomic_load_explicit(&r->head, memory_order_acquire) == tail)
			return false;
		memcpy(&h, place(r, tail), sizeof h);
		if (h.type != SKIP) {
			out->type = h.type;
			out->len = h.len;
			out->body = place(r, tail) + sizeof h;
			out->at = tail;
			return true;
		}
		tail += sizeof h + h.len;
		atomic_store_explicit(&r->tail, tail, memory_order_release);
	}
}

uint64_t ring_taken(const struct ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

void ring_pop(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	struct head_of_message h;

	memcpy(&h, place(r, tail), sizeof h);
	/* Pairs with the acquire of tail in ring_put2. */
	atomic_store_explicit(&r->tail, tail + padded(h.len), memory_order_release);
}

/* Writer: put, then look whether the reader sleeps. Reader: say that it
 * sleeps, then look for messages. With plain stores and loads each could miss
 * the other, and the message would lie until the next one. Both sides therefore
 * change the same word by exchanges only: one of the two comes second, and sees
 * what the first one did before. */
bool ring_sleep(struct ring *r)
{
	/* acq_rel: pairs with the exchange in ring_wanted. */
	atomic_exchange_explicit(&r->sleeping, 1, memory_order_acq_rel);
	if (atomic_load_explicit(&r->head, memory_order_acquire) ==
	    atomic_load_explicit(&r->tail, memory_order_relaxed))
		return true;
	/* An exchange too: a plain store could land behind a ring_wanted that we
	 * have not seen, and hide the message before it from our next sleep. */
	atomic_exchange_explicit(&r->sleeping, 0, memory_order_acq_rel);
	return false;
}

bool ring_wanted(struct ring *r)
{
	/* acq_rel: pairs with the exchanges in ring_sleep. */
	return atomic_exchange_explicit(&r->sleeping, 0, memory_order_acq_rel) != 0;
}
