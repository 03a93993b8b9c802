/* What comes over Twilio's WebSocket, as the caller loop reads it. */
#include "common/base64.h"
#include "server/phone/media_stream.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void must(bool promise)
{
	if (!promise)
		abort();
}

static void inside(struct span s, const uint8_t *data, size_t size)
{
	if (s.n)
		must((const uint8_t *)s.p >= data && (const uint8_t *)s.p + s.n <= data + size);
}

/* What we send for this audio, Twilio reads as it was. */
static void send_back(const uint8_t *audio, size_t len)
{
	struct phone_stream s = { .id = "MZ1" };
	struct phone_event e;
	struct buf out;

	buf_init(&out, 0);
	media_stream_channel.put_audio(&s, &out, audio, len);
	media_stream_channel.parse(&s, buf_text(&out), out.len, &e);
	must(e.type == PHONE_AUDIO && e.audio.n == BASE64_SIZE(len));
	buf_free(&out);
}

/* It stands in every message of ours: it must not break one. */
static void speak_as(const struct phone_stream *s)
{
	struct buf out;
	cJSON *tree;

	buf_init(&out, 0);
	media_stream_channel.put_clear(s, &out);
	tree = json_parse(buf_text(&out), out.len);
	must(tree && !strcmp(json_str(tree, "streamSid"), s->id));
	cJSON_Delete(tree);
	buf_free(&out);
}

static void check(const struct phone_event *e, const uint8_t *data, size_t size)
{
	inside(e->audio, data, size);
	inside(e->mark, data, size);
	must(memchr(e->call_sid, '\0', sizeof e->call_sid) != NULL);
	must((e->type == PHONE_KEY) == (e->key != '\0'));
	must(e->type >= PHONE_INVALID && e->type <= PHONE_STOPPED);
	must(e->type != PHONE_TEXT && e->type != PHONE_INTERRUPTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phone_stream fresh = { .id = "" }, s = { .id = "" };
	const char *text = (const char *)data;
	struct phone_event e;
	struct span sid;

	/* By a stream that has no name: only a start can give it one, and a stop ends it. */
	media_stream_channel.parse(&fresh, text, size, &e);
	check(&e, data, size);
	must(e.type <= PHONE_STARTED || e.type == PHONE_STOPPED);
	must(!fresh.id[0] || (e.type == PHONE_STARTED && !e.unusable));
	if (fresh.id[0])
		speak_as(&fresh);
	/* And by the very one it is addressed to. */
	if (json_scan(text, size, "streamSid", &sid) && sid.n < sizeof s.id)
		memcpy(s.id, sid.p, sid.n);
	media_stream_channel.parse(&s, text, size, &e);
	check(&e, data, size);
	if (e.type == PHONE_AUDIO) {
		uint8_t *audio = malloc(BASE64_DECODED_MAX(e.audio.n));
		ssize_t len = audio ? json_base64(e.audio, audio) : -1;

		if (len >= 0)
			send_back(audio, (size_t)len);
		free(audio);
	}
	return 0;
}
