#include "server/caller/speech.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "server/line/call.h"

#include <string.h>

enum { BYTE = SPOKEN_MS_PER_BYTE * G711_BYTES_PER_MS /* the ledger's length of a byte of text */ };

void speech_init(
    struct speech *s, const struct phone_channel *channel, struct phone_stream *stream, struct ledger *ledger)
{
	memset(s, 0, sizeof *s);
	s->channel = channel;
	s->stream = stream;
	s->ledger = ledger;
	s->quiet_us = NEVER_US;
	spoken_init(&s->spoken);
}

void speech_close(struct speech *s)
{
	spoken_free(&s->spoken);
}

/* --------------------------------------------------------------------- to the phone */

/* `greeted`: the phone speaks it by itself, and has it already; but one that asks is given it like all else. */
static void send_text(struct speech *s, const struct ring_message *r, struct buf *out, bool greeted, int64_t now)
{
	struct to_audio head;
	const char *text = (const char *)r->body + sizeof head;
	size_t len = r->len - sizeof head;

	memcpy(&head, r->body, sizeof head);
	ledger_sent(s->ledger, head.no, len * BYTE, now);
	spoken_sent(&s->spoken, text, len);
	s->sent_us = now;
	if (greeted && !s->channel->requests)
		return;
	s->speaking = head.no;
	s->channel->put_text(s->stream, out, text, len, false);
}

/* Only what was sent has an end: neither a greeting, nor what was cut. */
static void send_end(struct speech *s, const struct ring_message *r, struct buf *out)
{
	uint32_t no;

	memcpy(&no, r->body, sizeof no);
	ledger_ended(s->ledger, no);
	if (no == s->speaking)
		speech_finish(s, out);
}

void speech_finish(struct speech *s, struct buf *out)
{
	if (s->speaking)
		s->channel->put_text(s->stream, out, "", 0, true);
	s->speaking = 0;
}

/* No item of the dialogue's has this number, so nobody asks how much was heard of it. */
enum { HOLD_ITEM = 0 };

int64_t speech_hold(struct speech *s, const char *words, struct buf *out, int64_t now_us)
{
	size_t len = strlen(words);

	ledger_sent(s->ledger, HOLD_ITEM, len * BYTE, now_us);
	ledger_ended(s->ledger, HOLD_ITEM);
	spoken_sent(&s->spoken, words, len);
	s->sent_us = now_us;
	s->speaking = 0;
	s->channel->put_text(s->stream, out, words, len, true);
	return now_us + ledger_lead_us(s->ledger, now_us);
}

bool speech_held_last(const struct speech *s)
{
	const struct ledger *l = s->ledger;

	return l->item_count && l->items[l->item_count - 1].no == HOLD_ITEM;
}

/* A tag, a URL or keys; with none of these is it longer than that. */
static const char *string(const struct ring_message *r, char out[4096])
{
	size_t len = r->len < 4095 ? r->len : 4095;

	memcpy(out, r->body, len);
	out[len] = '\0';
	return out;
}

void speech_send(struct speech *s, const struct ring_message *r, struct buf *out, int64_t now_us)
{
	const struct phone_channel *channel = s->channel;
	char text[4096];

	switch ((enum to_caller_type)r->type) {
	case TO_AUDIO:
		send_text(s, r, out, false, now_us);
		return;
	case TO_GREETED:
		send_text(s, r, out, true, now_us);
		return;
	case TO_ITEM_END:
		send_end(s, r, out);
		return;
	case TO_LANGUAGE:
		if (channel->put_language)
			channel->put_language(s->stream, out, string(r, text));
		return;
	case TO_PLAY:
		if (channel->put_play)
			channel->put_play(s->stream, out, string(r, text));
		return;
	case TO_KEYS:
		if (channel->put_keys)
			channel->put_keys(s->stream, out, string(r, text));
		return;
	}
}

/* ------------------------------------------------------------------- from the phone */

/* What follows the last word of an item and is not heard belongs to it. */
static uint64_t whole(const struct speech *s, uint64_t end)
{
	const struct ledger *l = s->ledger;

	for (size_t i = 0; i < l->item_count; i++)
		if (end * BYTE > l->items[i].begin && end * BYTE <= l->items[i].end &&
		    spoken_silent(&s->spoken, end, l->items[i].end / BYTE))
			return l->items[i].end / BYTE;
	return end;
}

static bool from_an_item(const struct speech *s, const char *text, size_t len, uint64_t *end)
{
	const struct ledger *l = s->ledger;

	for (size_t i = 0; i < l->item_count; i++)
		if (spoken_from(&s->spoken, l->items[i].begin / BYTE, text, len, end))
			return true;
	return false;
}

static bool from_proven(const struct speech *s, const char *text, size_t len, uint64_t *end)
{
	return spoken_from(&s->spoken, s->ledger->proven / BYTE, text, len, end);
}

/* Whether each account goes on where the last one ended, or begins anew with the answer, is not known:
 * the first is tried first. Words that it did not tell as they were sent, a number perhaps, are passed
 * over. */
bool speech_played(struct speech *s, const char *text, size_t len, int64_t now_us)
{
	uint64_t end;

	if (!from_proven(s, text, len, &end) && !from_an_item(s, text, len, &end) &&
	    !spoken_behind(&s->spoken, s->ledger->proven / BYTE, text, len, &end))
		return false;
	ledger_proved(s->ledger, whole(s, end) * BYTE, now_us);
	return true;
}

/* Text that was sent just now cannot be spoken yet: it will be, and silence comes again. */
void speech_quiet(struct speech *s, int64_t now_us)
{
	if (now_us < s->sent_us + SPEECH_BEGIN_US)
		return;
	s->quiet_at = s->ledger->sent;
	s->quiet_us = now_us + SPEECH_QUIET_US;
}

void speech_run(struct speech *s, int64_t now_us)
{
	if (now_us < s->quiet_us)
		return;
	ledger_proved(s->ledger, s->quiet_at, now_us);
	s->quiet_us = NEVER_US;
}

int64_t speech_deadline_us(const struct speech *s)
{
	return s->quiet_us;
}

/* By the clock, and no further than the phone has had time for. */
static uint64_t estimate(const struct speech *s, int64_t spoken_ms, int64_t now)
{
	const struct ledger *l = s->ledger;
	uint64_t heard = ledger_heard(l, now), most;

	if (spoken_ms < 0 || !l->item_count)
		return heard;
	most = l->items[0].begin + (uint64_t)spoken_ms * G711_BYTES_PER_MS;
	return heard < most ? heard : most;
}

/* The account is of all that was spoken without a pause: it begins with an answer, or is the rest of one.
 * One of no words says that nothing was heard but what is proven. */
bool speech_interrupted(
    struct speech *s, const char *text, size_t len, int64_t spoken_ms, int64_t now_us, uint64_t *position)
{
	struct ledger *l = s->ledger;
	uint64_t begin = l->item_count ? l->items[0].begin : l->sent, end;

	s->speaking = 0;
	s->quiet_us = NEVER_US;
	if (text && spoken_nothing(text, len)) {
		*position = l->proven > begin ? l->proven : begin;
		return true;
	}
	if (text && (from_an_item(s, text, len, &end) || from_proven(s, text, len, &end) ||
			spoken_behind(&s->spoken, begin / BYTE, text, len, &end))) {
		*position = whole(s, end) * BYTE;
		return true;
	}
	*position = estimate(s, spoken_ms, now_us);
	return !l->item_count;
}

size_t speech_unfinished(const struct speech *s)
{
	const struct ledger *l = s->ledger;

	return l->item_count ? (size_t)((l->sent - l->items[0].begin) / BYTE) : 0;
}
