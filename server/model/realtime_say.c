#include "server/model/realtime_say.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *realtime_format_type(enum audio_format format)
{
	return format == AUDIO_PCMU ? "audio/pcmu" : format == AUDIO_PCMA ? "audio/pcma" : "audio/pcm";
}

static void put_head(struct buf *out, const char *type, const char *event_id)
{
	buf_printf(out, "{\"type\":\"%s\",\"event_id\":", type);
	json_put_cstring(out, event_id);
}

static void put_format(struct buf *out, enum audio_format format)
{
	buf_printf(
	    out, "\"format\":{\"type\":\"%s\"%s}", realtime_format_type(format), format == AUDIO_PCM ? ",\"rate\":24000" : "");
}

/* A decimal fraction as JSON wants it, whatever the locale. */
static void put_fraction(struct buf *out, double value)
{
	long thousandths = lround(value * 1000);

	buf_printf(out, "%ld.%03ld", thousandths / 1000, thousandths % 1000);
}

static void put_turn_detection(struct buf *out, const struct agent *agent, bool protect)
{
	const char *create = protect ? "false" : "true";
	const char *interrupt = protect || !agent->interruptible ? "false" : "true";

	buf_puts(out, "\"turn_detection\":{");
	if (agent->turn_detection == TURN_SEMANTIC_VAD) {
		buf_puts(out, "\"type\":\"semantic_vad\",\"eagerness\":");
		json_put_cstring(out, agent->vad_eagerness);
	} else {
		buf_puts(out, "\"type\":\"server_vad\",\"threshold\":");
		put_fraction(out, agent->vad_threshold);
		buf_printf(out, ",\"prefix_padding_ms\":%d,\"silence_duration_ms\":%d", agent->vad_prefix_ms,
		    agent->vad_silence_ms);
	}
	buf_printf(out, ",\"create_response\":%s,\"interrupt_response\":%s}", create, interrupt);
}

/* The others know one language at most. */
static bool takes_languages(const char *model)
{
	return !strcmp(model, "gpt-transcribe") || !strcmp(model, "gpt-live-transcribe");
}

static void put_transcription(struct buf *out, const struct agent *agent, bool plain)
{
	if (!agent->transcription_model[0]) {
		buf_puts(out, "\"transcription\":null,");
		return;
	}
	buf_puts(out, "\"transcription\":{\"model\":");
	json_put_cstring(out, agent->transcription_model);
	if (agent->transcription_language[0]) {
		buf_puts(out, ",\"language\":");
		json_put_cstring(out, agent->transcription_language);
	} else if (agent->language_count > 1 && !plain && takes_languages(agent->transcription_model)) {
		buf_puts(out, ",\"languages\":[");
		for (size_t i = 0; i < agent->language_count; i++) {
			buf_puts(out, i ? "," : "");
			json_put_cstring(out, agent->languages[i]);
		}
		buf_putc(out, ']');
	}
	buf_puts(out, "},");
}

/* A voice of one's own goes by its id, those of the service by their name. */
static void put_voice(struct buf *out, const char *voice)
{
	bool own = !strncmp(voice, "voice_", 6);

	buf_puts(out, own ? ",\"voice\":{\"id\":" : ",\"voice\":");
	json_put_cstring(out, voice);
	if (own)
		buf_putc(out, '}');
}

void realtime_session_update(
    struct buf *out, const char *event_id, const struct agent *agent, const struct realtime_options *options)
{
	put_head(out, "session.update", event_id);
	buf_puts(out, ",\"session\":{\"type\":\"realtime\",\"output_modalities\":[\"audio\"],\"instructions\":");
	json_put_cstring(out, options->instructions);
	buf_puts(out, ",\"audio\":{\"input\":{");
	put_format(out, options->audio_format);
	buf_putc(out, ',');
	if (agent->noise_reduction[0] && !options->plain) {
		buf_puts(out, "\"noise_reduction\":{\"type\":");
		json_put_cstring(out, agent->noise_reduction);
		buf_puts(out, "},");
	}
	put_transcription(out, agent, options->plain);
	put_turn_detection(out, agent, options->protect);
	buf_puts(out, "},\"output\":{");
	put_format(out, options->audio_format);
	put_voice(out, agent->voice);
	if (agent->speed != 1.0 && !options->plain) {
		buf_puts(out, ",\"speed\":");
		put_fraction(out, agent->speed);
	}
	buf_puts(out, "}}");
	if (agent->reasoning_effort[0] && !options->plain) {
		buf_puts(out, ",\"reasoning\":{\"effort\":");
		json_put_cstring(out, agent->reasoning_effort);
		buf_putc(out, '}');
	}
	if (options->tools && options->tools[0]) {
		buf_puts(out, ",\"tools\":");
		buf_puts(out, options->tools);
		buf_puts(out, ",\"tool_choice\":\"auto\"");
	}
	if (agent->max_output_tokens)
		buf_printf(out, ",\"max_output_tokens\":%d}}", agent->max_output_tokens);
	else
		buf_puts(out, ",\"max_output_tokens\":\"inf\"}}");
}

static void put_turn_detection_update(struct buf *out, const char *event_id, const struct agent *agent, bool protect)
{
	put_head(out, "session.update", event_id);
	buf_puts(out, ",\"session\":{\"type\":\"realtime\",\"audio\":{\"input\":{");
	put_turn_detection(out, agent, protect);
	buf_puts(out, "}}}}");
}

void realtime_turn_detection(struct buf *out, const char *event_id, const struct agent *agent)
{
	put_turn_detection_update(out, event_id, agent, false);
}

void realtime_turn_detection_deaf(struct buf *out, const char *event_id, const struct agent *agent)
{
	put_turn_detection_update(out, event_id, agent, true);
}

void realtime_append(struct buf *out, const uint8_t *bytes, size_t len)
{
	buf_puts(out, "{\"type\":\"input_audio_buffer.append\",\"audio\":");
	json_put_base64(out, bytes, len);
	buf_putc(out, '}');
}

static void put_text_item(struct buf *out, const char *event_id, const char *role, const char *type, const char *text)
{
	put_head(out, "conversation.item.create", event_id);
	buf_printf(
	    out, ",\"item\":{\"type\":\"message\",\"role\":\"%s\",\"content\":[{\"type\":\"%s\",\"text\":", role, type);
	json_put_cstring(out, text);
	buf_puts(out, "}]}}");
}

void realtime_user_text(struct buf *out, const char *event_id, const char *text)
{
	put_text_item(out, event_id, "user", "input_text", text);
}

void realtime_system_text(struct buf *out, const char *event_id, const char *text)
{
	put_text_item(out, event_id, "system", "input_text", text);
}

void realtime_assistant_text(struct buf *out, const char *event_id, const char *text)
{
	put_text_item(out, event_id, "assistant", "output_text", text);
}

void realtime_response_create(struct buf *out, const char *event_id, const char *instructions, bool tools_off)
{
	put_head(out, "response.create", event_id);
	if (instructions) {
		buf_puts(out, ",\"response\":{\"instructions\":");
		json_put_cstring(out, instructions);
		if (tools_off)
			buf_puts(out, ",\"tool_choice\":\"none\"");
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

void realtime_greeting(
    struct buf *out, const char *event_id, const char *instructions, const char *greeting, bool exact)
{
	struct buf words;

	buf_init(&words, 0);
	buf_puts(&words, instructions);
	buf_puts(&words, "\n\n");
	if (exact)
		buf_puts(&words,
		    "The caller has just come on the line. Say exactly the following words and nothing else:\n");
	buf_puts(&words, greeting);
	if (buf_error(&words))
		out->err = buf_error(&words);
	realtime_response_create(out, event_id, buf_text(&words), true);
	buf_free(&words);
}

void realtime_say(struct buf *out, const char *event_id, const char *instructions, const char *text, bool exact)
{
	struct buf words;

	buf_init(&words, 0);
	buf_puts(&words, instructions);
	buf_puts(&words, exact ? "\n\nSay exactly the following words and nothing else:\n" : "\n\n");
	buf_puts(&words, text);
	if (buf_error(&words))
		out->err = buf_error(&words);
	realtime_response_create(out, event_id, buf_text(&words), exact);
	buf_free(&words);
}

void realtime_response_cancel(struct buf *out, const char *event_id, const char *response_id)
{
	put_head(out, "response.cancel", event_id);
	buf_puts(out, ",\"response_id\":");
	json_put_cstring(out, response_id);
	buf_putc(out, '}');
}

void realtime_truncate(struct buf *out, const char *event_id, const char *item_id, int64_t audio_end_ms)
{
	put_head(out, "conversation.item.truncate", event_id);
	buf_puts(out, ",\"item_id\":");
	json_put_cstring(out, item_id);
	buf_printf(out, ",\"content_index\":0,\"audio_end_ms\":%" PRId64 "}", audio_end_ms);
}
