#include "server/line/model_writer.h"

#include "common/clock.h"
#include "common/ws_client.h"

enum { US_PER_BYTE = 30 }; /* that a service takes at most to read what it is told */

int model_writer_open(struct model_writer *w)
{
	return ring_open(&w->orders, MODEL_ORDER_BYTES);
}

void model_writer_close(struct model_writer *w)
{
	ring_close(&w->orders);
}

void model_writer_reset(struct model_writer *w)
{
	ring_reset(&w->orders);
	atomic_store_explicit(&w->holder, WRITER_AGENT, memory_order_relaxed);
	atomic_store_explicit(&w->asked_back, false, memory_order_relaxed);
	atomic_store_explicit(&w->failed, 0, memory_order_relaxed);
	w->client = NULL;
	w->session = 0;
}

bool model_writer_has_room(const struct model_writer *w, size_t len)
{
	return ring_has_room(&w->orders, len);
}

bool model_writer_is_held_by(const struct model_writer *w, enum writer_holder holder)
{
	/* Acquire: pairs with the release in model_writer_pass; the new holder sees
	 * the connection as the last one left it. */
	return atomic_load_explicit(&w->holder, memory_order_acquire) == (int)holder;
}

void model_writer_pass(struct model_writer *w, enum writer_holder to, struct bell *bell)
{
	atomic_store_explicit(&w->holder, to, memory_order_release);
	bell_ring(bell);
}

void model_writer_ask_back(struct model_writer *w, struct bell *bell)
{
	if (!atomic_exchange_explicit(&w->asked_back, true, memory_order_relaxed))
		bell_ring(bell);
}

void model_writer_meet(struct model_writer *w, struct ws_client *client, const struct model_protocol *protocol,
    enum audio_format format, uint32_t session)
{
	w->client = client;
	w->protocol = protocol;
	w->format = format;
	w->session = session;
	w->reads_until_us = 0;
	w->ping_unsent = false;
	model_writer_ping_again(w);
}

void model_writer_leave(struct model_writer *w)
{
	struct ring_message order;

	while (ring_next(&w->orders, &order))
		ring_pop(&w->orders);
	w->client = NULL;
}

/* An order whose writing failed is dropped like the others: the session is lost then,
 * and the next one gets the conversation anew. */
int model_writer_carry_out(struct model_writer *w, bool *unsent, int64_t now_us)
{
	struct ring_message order;
	int err = 0;

	while (!err && ring_next(&w->orders, &order)) {
		if (order.type == ORDER_TEXT)
			err = ws_client_send_text(w->client, order.body, order.len);
		else if (order.type == ORDER_PING)
			err = ws_client_send_ping(w->client);
		model_writer_wrote(w, order.len, now_us);
		w->ping_unsent |= order.type == ORDER_PING;
		*unsent = true;
		ring_pop(&w->orders);
	}
	return err;
}

void model_writer_wrote(struct model_writer *w, size_t len, int64_t now_us)
{
	w->reads_until_us = later(w->reads_until_us, now_us) + (int64_t)len * US_PER_BYTE;
}

bool model_writer_flushed(struct model_writer *w, int64_t now_us)
{
	bool ping = w->ping_unsent;

	w->ping_unsent = false;
	if (ping)
		atomic_store_explicit(&w->ping_read_us, later(w->reads_until_us, now_us), memory_order_relaxed);
	return ping;
}

int64_t model_writer_ping_read_us(const struct model_writer *w)
{
	return atomic_load_explicit(&w->ping_read_us, memory_order_relaxed);
}

void model_writer_ping_again(struct model_writer *w)
{
	atomic_store_explicit(&w->ping_read_us, 0, memory_order_relaxed);
}
