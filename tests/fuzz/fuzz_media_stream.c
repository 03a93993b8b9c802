/* What comes over Twilio's WebSocket, as the caller loop reads it. */
#include "common/base64.h"
#include "server/phone/media_stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	struct stream_message m;
	struct buf out;

	buf_init(&out, 0);
	stream_put_media(&out, "MZ1", audio, len);
	stream_parse(buf_text(&out), out.len, &m);
	must(m.event == STREAM_MEDIA && m.payload.n == BASE64_SIZE(len));
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_message m;

	stream_parse((const char *)data, size, &m);
	must(m.event >= STREAM_INVALID && m.event <= STREAM_STOP);
	inside(m.stream_sid, data, size);
	inside(m.payload, data, size);
	inside(m.mark, data, size);
	must(memchr(m.call_sid, '\0', sizeof m.call_sid) != NULL);
	must(memchr(m.account_sid, '\0', sizeof m.account_sid) != NULL);
	must((m.event == STREAM_DTMF) == (m.digit != '\0'));
	if (m.event == STREAM_START)
		must(m.call_sid[0] || m.stream_sid.n);
	if (stream_sid_plain(m.stream_sid)) {
		char sid[STREAM_SID_SIZE];
		struct buf out;
		cJSON *tree;

		/* It stands in every message of ours: it must not break one. */
		memcpy(sid, m.stream_sid.p, m.stream_sid.n);
		sid[m.stream_sid.n] = '\0';
		buf_init(&out, 0);
		stream_put_clear(&out, sid);
		tree = json_parse(buf_text(&out), out.len);
		must(tree && !strcmp(json_str(tree, "streamSid"), sid));
		cJSON_Delete(tree);
		buf_free(&out);
	}
	if (m.event == STREAM_MEDIA) {
		uint8_t *audio = malloc(BASE64_DECODED_MAX(m.payload.n));
		ssize_t len = audio ? json_base64(m.payload, audio) : -1;

		if (len >= 0)
			send_back(audio, (size_t)len);
		free(audio);
	}
	return 0;
}
