/* What comes over ConversationRelay's WebSocket, as the caller loop reads it. */
#include "server/phone/relay.h"
#include "tests/fuzz/fuzz.h"

static void must(bool promise)
{
	if (!promise)
		abort();
}

/* Words made of it are UTF-8 without NUL, and come back from Twilio as they went there. */
static void read_text(struct span text, const uint8_t *data, size_t size)
{
	struct phone_stream s = { .id = "VX1" };
	struct buf words, sent;
	cJSON *tree;

	if (!text.p)
		return;
	must((const uint8_t *)text.p >= data && (const uint8_t *)text.p + text.n <= data + size);
	buf_init(&words, 0);
	buf_init(&sent, 0);
	foreign_put_text(&words, text);
	must(utf8_valid(buf_text(&words), words.len) && strlen(buf_text(&words)) == words.len);
	relay_channel.put_text(&s, &sent, buf_text(&words), words.len, true);
	tree = json_parse(buf_text(&sent), sent.len);
	must(tree && !strcmp(json_str(tree, "token"), buf_text(&words)));
	cJSON_Delete(tree);
	buf_free(&sent);
	buf_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct phone_stream s = { .id = "" };
	struct phone_event e;

	relay_channel.parse(&s, (const char *)data, size, &e);
	read_text(e.text, data, size);
	must(e.type >= PHONE_INVALID && e.type <= PHONE_STOPPED);
	must(e.type != PHONE_AUDIO && e.type != PHONE_MARK && e.type != PHONE_STOPPED);
	must((e.type == PHONE_KEY) == (e.key != '\0'));
	must(e.type == PHONE_INTERRUPTED || !e.spoken_ms);
	must(memchr(e.call_sid, '\0', sizeof e.call_sid) && memchr(e.caller, '\0', sizeof e.caller) &&
	     memchr(e.called, '\0', sizeof e.called));
	/* Only a start that will do gives it a name, and that is plain. */
	must((s.id[0] != '\0') == (e.type == PHONE_STARTED && !e.unusable));
	must(!s.id[0] || foreign_id_is_plain(s.id, strlen(s.id)));
	return 0;
}
