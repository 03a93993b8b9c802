#include "tests/peers/silent_channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void parse_start(struct phone_stream *s, const char *words, struct phone_event *out)
{
	char id[FOREIGN_ID_SIZE] = "";

	if (sscanf(words, "%63s %39s %63s %63s", id, out->call_sid, out->caller, out->called) < 2)
		return;
	out->type = PHONE_STARTED;
	if (!strcmp(out->caller, "nobody"))
		out->unusable = "from nobody";
	else if (!s->id[0])
		memcpy(s->id, id, sizeof id);
}

static void parse_audio(const char *words, struct phone_event *out)
{
	const char *quote = strchr(words, '"');

	if (sscanf(words, "%" SCNu64 " ", &out->timestamp_ms) != 1 || !quote)
		return;
	out->has_timestamp = true;
	out->audio = (struct span){ quote + 1, strcspn(quote + 1, "\"") };
	out->type = PHONE_AUDIO;
}

/* The words behind `verb` in a NUL-terminated message, or NULL. */
static const char *after(const char *text, const char *verb)
{
	size_t len = strlen(verb);

	if (strncmp(text, verb, len) != 0 || (text[len] && text[len] != ' '))
		return NULL;
	return text + len + (text[len] == ' ');
}

static void parse(struct phone_stream *s, const char *text, size_t len, struct phone_event *out)
{
	const char *words;

	memset(out, 0, sizeof *out);
	if (text[len])
		return;
	if ((words = after(text, "start"))) {
		parse_start(s, words, out);
	} else if ((words = after(text, "audio"))) {
		parse_audio(words, out);
	} else if ((words = after(text, "text")) || (words = after(text, "part"))) {
		out->text = (struct span){ words, strlen(words) };
		out->last = *text == 't';
		out->type = PHONE_TEXT;
	} else if ((words = after(text, "voice"))) {
		out->on = !strcmp(words, "on");
		out->type = PHONE_VOICE;
	} else if ((words = after(text, "played"))) {
		out->text = (struct span){ words, strlen(words) };
		out->type = PHONE_PLAYED;
	} else if ((words = after(text, "spanish"))) {
		out->text = (struct span){ words, strlen(words) };
		out->language = (struct span){ "es-ES", 5 };
		out->last = true;
		out->type = PHONE_TEXT;
	} else if (after(text, "quiet")) {
		out->on = true;
		out->type = PHONE_PLAYED;
	} else if ((words = after(text, "complaint"))) {
		out->text = (struct span){ words, strlen(words) };
		out->type = PHONE_COMPLAINT;
	} else if ((words = after(text, "key"))) {
		out->key = *words;
		out->type = *words ? PHONE_KEY : PHONE_INVALID;
	} else if ((words = after(text, "mark"))) {
		out->mark = (struct span){ words, strlen(words) };
		out->type = PHONE_MARK;
	} else if ((words = after(text, "interrupted"))) {
		out->text = (struct span){ words, strlen(words) };
		out->spoken_ms = -1;
		out->type = PHONE_INTERRUPTED;
	} else if (after(text, "stop")) {
		out->type = PHONE_STOPPED;
	} else {
		out->type = after(text, "hello") ? PHONE_NOTHING : PHONE_UNKNOWN;
	}
}

static void put_audio(const struct phone_stream *s, struct buf *out, const uint8_t *mulaw, size_t len)
{
	buf_printf(out, "audio %s %zu %d", s->id, len, len ? mulaw[0] : -1);
}

static void put_text(const struct phone_stream *s, struct buf *out, const char *text, size_t len, bool last)
{
	buf_printf(out, "text %s %.*s%s", s->id, (int)len, text, last ? "." : "");
}

static void put_mark(const struct phone_stream *s, struct buf *out, const char *name)
{
	buf_printf(out, "mark %s %s", s->id, name);
}

static void put_clear(const struct phone_stream *s, struct buf *out)
{
	buf_printf(out, "clear %s", s->id);
}

static void put_language(struct phone_stream *s, struct buf *out, const char *tag)
{
	buf_printf(out, "language %s %s", s->id, tag);
}

static void put_play(const struct phone_stream *s, struct buf *out, const char *url)
{
	buf_printf(out, "play %s %s", s->id, url);
}

static void put_keys(const struct phone_stream *s, struct buf *out, const char *keys)
{
	buf_printf(out, "keys %s %s", s->id, keys);
}

static void put_end(const struct phone_stream *s, struct buf *out, const char *handoff)
{
	buf_printf(out, "end %s %s", s->id, handoff);
}

#define SILENT_WORDS \
	.text = true, .parse = parse, .put_text = put_text, .put_language = put_language, .put_play = put_play, \
	.put_keys = put_keys, .put_end = put_end
#define SILENT_CHANNEL SILENT_WORDS, .audio = true, .put_audio = put_audio, .put_mark = put_mark, .put_clear = put_clear

const struct phone_channel silent_channel = { .marks = true, SILENT_CHANNEL };
const struct phone_channel silent_channel_without_marks = { SILENT_CHANNEL };
const struct phone_channel silent_channel_of_text = { .closes = true, SILENT_WORDS };
