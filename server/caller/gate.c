#include "server/caller/gate.h"

#include "audio/g711.h"

/* What is quiet takes back what was loud before, so that clicks do not add up. */
static bool opens(struct gate *g, bool loud, int ms)
{
	g->quiet_ms = 0;
	g->loud_ms = loud ? g->loud_ms + ms : g->loud_ms > ms ? g->loud_ms - ms : 0;
	return g->loud_ms >= GATE_SPEECH_MS;
}

static bool closes(struct gate *g, bool loud, int ms)
{
	g->loud_ms = 0;
	g->quiet_ms = loud ? 0 : g->quiet_ms + ms;
	return g->quiet_ms >= GATE_PAUSE_MS;
}

bool gate_hear(struct gate *g, const uint8_t *mulaw, size_t len)
{
	bool loud = len && mulaw_level(mulaw, len) >= GATE_LOUD, changes;
	int ms = (int)(len / G711_BYTES_PER_MS);

	changes = g->open ? closes(g, loud, ms) : opens(g, loud, ms);
	g->open ^= changes;
	return changes;
}

void gate_tell(struct call *c, bool speaks)
{
	if (ring_used(&c->from_caller) <= FROM_CALLER_BYTES / 4)
		ring_put(&c->from_caller, FROM_VOICE, &speaks, sizeof speaks);
	bell_ring(&c->agent_bell);
}

/* A session that takes over begins anew, and so does this after it. */
void gate_frame(struct gate *g, struct call *c, const uint8_t *mulaw, size_t len)
{
	if (model_writer_is_held_by(&c->writer, WRITER_CALLER))
		*g = (struct gate){ 0 };
	else if (gate_hear(g, mulaw, len))
		gate_tell(c, g->open);
}
