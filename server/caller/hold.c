#include "server/caller/hold.h"

#include "audio/g711.h"
#include "common/ws_frame.h"
#include "server/agents/phrases.h"
#include "server/caller/speech.h"
#include "server/phone/channel.h"
#include "server/recording/recording.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <string.h>

enum {
	TONE_SAMPLES = HOLD_TONE_MS * G711_BYTES_PER_MS,
	FADE_SAMPLES = 20 * G711_BYTES_PER_MS, /* at either end, or it would click */
	PERIOD = 20                            /* 400 Hz */
};

/* 30 dB below the loudest sine. */
static const int16_t wave[PERIOD] = { 0, 314, 597, 822, 966, 1016, 966, 822, 597, 314, 0, -314, -597, -822, -966, -1016,
	-966, -822, -597, -314 };

static void make_tone(uint8_t mulaw[TONE_SAMPLES])
{
	for (int i = 0; i < TONE_SAMPLES; i++) {
		int edge = i < TONE_SAMPLES - 1 - i ? i : TONE_SAMPLES - 1 - i;
		int level = edge < FADE_SAMPLES ? edge : FADE_SAMPLES;

		mulaw[i] = mulaw_encode((int16_t)(wave[i % PERIOD] * level / FADE_SAMPLES));
	}
}

/* A message becomes a frame; an error goes to where the caller loop ends the call by it. */
static void put_frame(struct buf *out, struct buf *message)
{
	if (buf_error(message))
		out->err = buf_error(message);
	else
		ws_put_frame(out, WS_TEXT, buf_text(message), message->len, NULL);
	buf_free(message);
}

int64_t hold_due_us(const struct hold *h, struct call *c)
{
	int64_t since = atomic_load_explicit(&c->waits_since_us, memory_order_relaxed);

	if (!since || !c->cfg->hold_after_ms)
		return NEVER_US;
	return later(since + c->cfg->hold_after_ms * US_PER_MS, h->again_us);
}

/* Apart from a word that an answer broke off with. */
void hold_say(struct hold *h, struct call *c, struct speech *speech, struct buf *message, int64_t now_us)
{
	char words[PHRASE_MAX + 2];

	snprintf(words, sizeof words, " %s", phrase_of(c->agent, PHRASE_ONE_MOMENT).text);
	h->again_us = speech_hold(speech, words, message, now_us) + c->cfg->hold_after_ms * US_PER_MS;
	stat_add(audio_hold_words, 1);
}

void hold_sound(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us)
{
	uint8_t tone[TONE_SAMPLES];
	struct buf message;

	buf_init(&message, 0);
	make_tone(tone);
	h->again_us = now_us + HOLD_EVERY_US;
	h->until_us = now_us + HOLD_TONE_MS * US_PER_MS;
	c->channel->put_audio(&c->stream, &message, tone, sizeof tone);
	put_frame(out, &message);
	if (recording)
		recording_tone(recording, tone, sizeof tone, now_us);
	stat_add(audio_hold_tones, 1);
	stat_add(audio_frames_out, 1);
	atomic_fetch_add_explicit(&c->counters.frames_out, 1, memory_order_relaxed);
}

/* The phone has nothing else to play while a tone sounds. */
bool hold_stop(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us)
{
	uint8_t silence[TONE_SAMPLES];
	int64_t left_us = h->until_us - now_us;
	struct buf message;

	h->until_us = 0;
	if (left_us <= 0)
		return false;
	buf_init(&message, 0);
	c->channel->put_clear(&c->stream, &message);
	put_frame(out, &message);
	memset(silence, MULAW_SILENCE, sizeof silence);
	if (recording)
		recording_tone(recording, silence, (size_t)(left_us * G711_BYTES_PER_MS / US_PER_MS), now_us);
	return true;
}
