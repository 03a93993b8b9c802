/* The commands are written as text straight into the buffer: their shapes
 * are fixed, and a tree would be made only to be printed. Every foreign text
 * goes through json_put_cstring.
 */
#include "server/model/realtime_say.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *realtime_format_type(enum audio_format format)
{
	return format == AUDIO_PCMU ? "audio/pcmu" : format == AUDIO_PCMA ? "audio/pcma" : "audio/pcm";
}

/* Leaves the object open. An error caused by the command names its
 * `event_id`. */
static void put_head(struct buf *out, const char *type, const char *id)
{
	buf_printf(out, "{\"type\":\"%s\",\"event_id\":", type);
	json_put_cstring(out, id);
}

/* G.711 has no rate; PCM must have one, and only 24000 is accepted. */
static void put_format(struct buf *out, enum audio_format format)
{
	buf_printf(out, "\"format\":{\"type\":\"%s\"%s}", realtime_format_type(format),
	    format == AUDIO_PCM ? ",\"rate\":24000" : "");
}

/* A decimal fraction as JSON wants it, whatever the locale. */
static void put_fraction(struct buf *out, double value)
{
	long thousandths = lround(value * 1000);

	buf_printf(out, "%ld.%03ld", thousandths / 1000, thousandths % 1000);
}

/* `protect` switches off both halves: with `interrupt_response` alone a
 * cough would cancel the greeting, and with `create_response` alone a second
 * answer would begin beside it. Turns are still found and transcribed. */
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

/* The other transcription models refuse "languages" and know one "language"
 * at most. */
static bool takes_languages(const char *model)
{
	return !strcmp(model, "gpt-transcribe") || !strcmp(model, "gpt-live-transcribe");
}

/* null switches it off; an absent field would keep the service's default. */
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

/* A custom voice goes by its id, in an object; the service's own voices by
 * their name. */
static void put_voice(struct buf *out, const char *voice)
{
	bool own = !strncmp(voice, "voice_", 6);

	buf_puts(out, own ? ",\"voice\":{\"id\":" : ",\"voice\":");
	json_put_cstring(out, voice);
	if (own)
		buf_putc(out, '}');
}

/* The first command of a session. An unknown field makes a service refuse
 * the whole message: `plain` leaves out those that some do not know. "type"
 * is required each time. "output_modalities" is never both: a transcript
 * comes with audio. */
void realtime_configure(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, bool plain)
{
	const struct agent *agent = wish->agent;

	put_head(out, "session.update", id);
	buf_puts(out, ",\"session\":{\"type\":\"realtime\",\"output_modalities\":[\"audio\"],\"instructions\":");
	json_put_cstring(out, wish->instructions);
	buf_puts(out, ",\"audio\":{\"input\":{");
	put_format(out, format);
	buf_putc(out, ',');
	if (agent->noise_reduction[0] && !plain) {
		buf_puts(out, "\"noise_reduction\":{\"type\":");
		json_put_cstring(out, agent->noise_reduction);
		buf_puts(out, "},");
	}
	put_transcription(out, agent, plain);
	put_turn_detection(out, agent, wish->protect);
	buf_puts(out, "},\"output\":{");
	put_format(out, format);
	put_voice(out, agent->voice);
	if (agent->speed != 1.0 && !plain) {
		buf_puts(out, ",\"speed\":");
		put_fraction(out, agent->speed);
	}
	buf_puts(out, "}}");
	if (agent->reasoning_effort[0] && !plain) {
		buf_puts(out, ",\"reasoning\":{\"effort\":");
		json_put_cstring(out, agent->reasoning_effort);
		buf_putc(out, '}');
	}
	if (wish->tools && wish->tools[0]) {
		buf_puts(out, ",\"tools\":");
		buf_puts(out, wish->tools);
		buf_puts(out, ",\"tool_choice\":\"auto\"");
	}
	if (agent->max_output_tokens)
		buf_printf(out, ",\"max_output_tokens\":%d}}", agent->max_output_tokens);
	else
		buf_puts(out, ",\"max_output_tokens\":\"inf\"}}");
}

/* A partial update: absent fields keep their value. The voice cannot change
 * once the model has spoken. */
void realtime_turns(struct buf *out, const char *id, const struct agent *agent, bool deaf)
{
	put_head(out, "session.update", id);
	buf_puts(out, ",\"session\":{\"type\":\"realtime\",\"audio\":{\"input\":{");
	put_turn_detection(out, agent, deaf);
	buf_puts(out, "}}}}");
}

/* For every frame of every call. No `event_id`: one refused frame is no
 * loss. */
void realtime_hear(struct buf *out, const uint8_t *bytes, size_t len)
{
	buf_puts(out, "{\"type\":\"input_audio_buffer.append\",\"audio\":");
	json_put_base64(out, bytes, len);
	buf_putc(out, '}');
}

/* The service wants "output_text" from the assistant, "input_text" from all
 * others. */
void realtime_item(struct buf *out, const char *id, enum model_role role, const char *text)
{
	static const char *const roles[] = { "user", "assistant", "system" };

	put_head(out, "conversation.item.create", id);
	buf_printf(out,
	    ",\"item\":{\"type\":\"message\",\"role\":\"%s\",\"content\":[{\"type\":\"%s\",\"text\":", roles[role],
	    role == MODEL_ROLE_AGENT ? "output_text" : "input_text");
	json_put_cstring(out, text);
	buf_puts(out, "}]}}");
}

/* The instructions replace the session's for this response, so those are
 * repeated in front. */
static void create_response(
    struct buf *out, const char *id, const char *instructions, const char *intro, const char *text, bool tools_off)
{
	struct buf words;

	buf_init(&words, 0);
	buf_puts(&words, instructions);
	buf_puts(&words, "\n\n");
	buf_puts(&words, intro);
	buf_puts(&words, text);
	if (buf_error(&words))
		out->err = buf_error(&words);
	put_head(out, "response.create", id);
	buf_puts(out, ",\"response\":{\"instructions\":");
	json_put_cstring(out, buf_text(&words));
	buf_puts(out, tools_off ? ",\"tool_choice\":\"none\"}}" : "}}");
	buf_free(&words);
}

#define EXACTLY "Say exactly the following words and nothing else:\n"

void realtime_ask(struct buf *out, const char *id)
{
	put_head(out, "response.create", id);
	buf_putc(out, '}');
}

/* No tools: a look-up before the first word would be silence on the line. */
void realtime_greet(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	create_response(
	    out, id, instructions, exact ? "The caller has just come on the line. " EXACTLY : "", text, true);
}

void realtime_say(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	create_response(out, id, instructions, exact ? EXACTLY : "", text, exact);
}

/* Without the id the service would cancel whatever is active when this
 * arrives, perhaps the next response. */
void realtime_cancel(struct buf *out, const char *id, const char *response_id)
{
	put_head(out, "response.cancel", id);
	buf_puts(out, ",\"response_id\":");
	json_put_cstring(out, response_id);
	buf_putc(out, '}');
}

/* The service drops the transcript of the item, so that the model does not
 * believe it was heard. `ms` counts from the start of the item. An answer in
 * audio has one part, index 0. */
void realtime_heard_until(struct buf *out, const char *id, const char *item_id, int64_t ms)
{
	put_head(out, "conversation.item.truncate", id);
	buf_puts(out, ",\"item_id\":");
	json_put_cstring(out, item_id);
	buf_printf(out, ",\"content_index\":0,\"audio_end_ms\":%" PRId64 "}", ms);
}
