/* The commands are written straight into the buffer: their shapes are fixed, and a
 * tree would be made only to be printed.
 */
#include "server/model/realtime_say.h"

#include "common/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *realtime_format_type(enum audio_format format)
{
	return format == AUDIO_PCMU ? "audio/pcmu" : format == AUDIO_PCMA ? "audio/pcma" : "audio/pcm";
}

struct json_out realtime_begin(struct buf *out, const char *type, const char *id)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "type", type);
	json_put_text(&j, "event_id", id);
	return j;
}

struct json_out realtime_begin_item(struct buf *out, const char *type, const char *id)
{
	struct json_out j = realtime_begin(out, "conversation.item.create", id);

	json_put_object(&j, "item");
	json_put_text(&j, "type", type);
	return j;
}

/* G.711 has no rate; PCM must have one, and only 24000 is accepted. */
static void put_format(struct json_out *j, enum audio_format format)
{
	json_put_object(j, "format");
	json_put_text(j, "type", realtime_format_type(format));
	if (format == AUDIO_PCM)
		json_put_int(j, "rate", 24000);
	json_put_end(j);
}

/* `protect` switches off both halves: with `interrupt_response` alone a
 * cough would cancel the greeting, and with `create_response` alone a second
 * answer would begin beside it. Turns are still found and transcribed. */
static void put_turn_detection(struct json_out *j, const struct agent *agent, bool protect)
{
	json_put_object(j, "turn_detection");
	if (agent->turn_detection == TURN_SEMANTIC_VAD) {
		json_put_text(j, "type", "semantic_vad");
		json_put_text(j, "eagerness", agent->vad_eagerness);
	} else {
		json_put_text(j, "type", "server_vad");
		json_put_fixed(j, "threshold", agent->vad_threshold, 3);
		json_put_int(j, "prefix_padding_ms", agent->vad_prefix_ms);
		json_put_int(j, "silence_duration_ms", agent->vad_silence_ms);
	}
	json_put_bool(j, "create_response", !protect && !agent_asks(agent));
	json_put_bool(j, "interrupt_response", !protect && agent->interruptible);
	json_put_end(j);
}

/* The other transcription models refuse "languages" and know one "language"
 * at most. */
static bool takes_languages(const char *model)
{
	return !strcmp(model, "gpt-transcribe") || !strcmp(model, "gpt-live-transcribe");
}

/* The others are about sound. */
unsigned realtime_extras_text(const struct agent *agent)
{
	return agent->reasoning_effort[0] ? MODEL_EXTRA_REASONING : 0u;
}

unsigned realtime_extras(const struct agent *agent)
{
	bool languages = agent->transcription_model[0] && !agent->transcription_language[0] &&
			 agent->language_count > 1 && takes_languages(agent->transcription_model);

	return (agent->noise_reduction[0] ? MODEL_EXTRA_NOISE_REDUCTION : 0u) |
	       (languages ? MODEL_EXTRA_LANGUAGES : 0u) | (agent->speed != 1.0 ? MODEL_EXTRA_SPEED : 0u) |
	       realtime_extras_text(agent);
}

/* By openai-realtime, section 9: `param` names the field, or a part of it. */
unsigned realtime_extras_at_fault(const char *param)
{
	static const char *const paths[] = { "audio.input.noise_reduction", "audio.input.transcription.languages",
		"audio.output.speed", "reasoning" };

	if (!param)
		return MODEL_EXTRAS;
	param += strncmp(param, "session.", 8) ? 0 : 8;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (!strncmp(param, paths[i], strlen(paths[i])))
			return 1u << i;
	return 0;
}

/* null switches it off; an absent field would keep the service's default. */
static void put_transcription(struct json_out *j, const struct agent *agent, unsigned extras)
{
	if (!agent->transcription_model[0]) {
		json_put_null(j, "transcription");
		return;
	}
	json_put_object(j, "transcription");
	json_put_text(j, "model", agent->transcription_model);
	if (agent->transcription_language[0]) {
		json_put_text(j, "language", agent->transcription_language);
	} else if (extras & MODEL_EXTRA_LANGUAGES) {
		json_put_array(j, "languages");
		for (size_t i = 0; i < agent->language_count; i++)
			json_put_text(j, NULL, agent->languages[i]);
		json_put_end(j);
	}
	json_put_end(j);
}

/* A custom voice goes by its id, in an object; the service's own voices by
 * their name. */
static void put_voice(struct json_out *j, const char *voice)
{
	if (strncmp(voice, "voice_", 6) != 0) {
		json_put_text(j, "voice", voice);
		return;
	}
	json_put_object(j, "voice");
	json_put_text(j, "id", voice);
	json_put_end(j);
}

static void put_audio(struct json_out *j, const struct model_wish *wish, enum audio_format format, unsigned extras)
{
	const struct agent *agent = wish->agent;

	json_put_object(j, "audio");
	json_put_object(j, "input");
	put_format(j, format);
	if (extras & MODEL_EXTRA_NOISE_REDUCTION) {
		json_put_object(j, "noise_reduction");
		json_put_text(j, "type", agent->noise_reduction);
		json_put_end(j);
	}
	put_transcription(j, agent, extras);
	put_turn_detection(j, agent, wish->protect);
	json_put_end(j);
	json_put_object(j, "output");
	put_format(j, format);
	put_voice(j, wish->voice ? wish->voice : agent->voice);
	if (extras & MODEL_EXTRA_SPEED)
		json_put_fixed(j, "speed", agent->speed, 3);
	json_put_end(j);
	json_put_end(j);
}

/* How the first command of a session begins. "type" is required each time. "output_modalities" is
 * never both: a transcript comes with audio. */
static struct json_out begin_session(struct buf *out, const char *id, const struct model_wish *wish, const char *form)
{
	struct json_out j = realtime_begin(out, "session.update", id);

	json_put_object(&j, "session");
	json_put_text(&j, "type", "realtime");
	json_put_array(&j, "output_modalities");
	json_put_text(&j, NULL, form);
	json_put_end(&j);
	json_put_text(&j, "instructions", wish->instructions);
	return j;
}

static void end_session(struct json_out *j, const struct model_wish *wish, unsigned extras)
{
	const struct agent *agent = wish->agent;

	if (extras & MODEL_EXTRA_REASONING) {
		json_put_object(j, "reasoning");
		json_put_text(j, "effort", agent->reasoning_effort);
		json_put_end(j);
	}
	if (wish->tools && wish->tools[0]) {
		json_put_json(j, "tools", wish->tools);
		json_put_text(j, "tool_choice", "auto");
	}
	if (agent->max_output_tokens)
		json_put_int(j, "max_output_tokens", agent->max_output_tokens);
	else
		json_put_text(j, "max_output_tokens", "inf");
	json_put_end(j);
	json_put_end(j);
}

void realtime_configure(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without)
{
	unsigned extras = realtime_extras(wish->agent) & ~without;
	struct json_out j = begin_session(out, id, wish, "audio");

	put_audio(&j, wish, format, extras);
	end_session(&j, wish, extras);
}

/* Without sound there are no turns to be found in it. */
void realtime_configure_text(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without)
{
	struct json_out j = begin_session(out, id, wish, "text");

	(void)format;
	json_put_object(&j, "audio");
	json_put_object(&j, "input");
	json_put_null(&j, "turn_detection");
	json_put_end(&j);
	json_put_end(&j);
	end_session(&j, wish, realtime_extras_text(wish->agent) & ~without);
}

/* ------------------------------------------------------------- asked for, and got */

enum { VALUE_SHOWN = 48 };

/* A short value as it is, for a person; the others are only told to differ. */
static bool short_value(const cJSON *value, char out[VALUE_SHOWN])
{
	return value && !cJSON_IsObject(value) && !cJSON_IsArray(value) &&
	       cJSON_PrintPreallocated((cJSON *)value, out, VALUE_SHOWN, false);
}

/* Services keep numbers in four bytes: 1.1 comes back as 1.10000002. */
static bool same_value(const cJSON *asked, const cJSON *got)
{
	if (cJSON_IsNull(asked))
		return !got || cJSON_IsNull(got);
	if (cJSON_IsNumber(asked) && cJSON_IsNumber(got))
		return fabs(asked->valuedouble - got->valuedouble) < 0.001;
	return cJSON_Compare(asked, got, true);
}

static void put_difference(struct buf *out, const char *path, const cJSON *asked, const cJSON *got)
{
	char wanted[VALUE_SHOWN], is[VALUE_SHOWN];

	buf_printf(out, "%s%s ", out->len ? ", " : "", path);
	if (!got || cJSON_IsNull(got))
		buf_puts(out, "is missing");
	else if (short_value(asked, wanted) && short_value(got, is))
		buf_printf(out, "is %s, not %s", is, wanted);
	else
		buf_puts(out, "is another");
}

/* A tool is known by its name, an MCP server by its label. What the service makes of a schema is
 * its own business, and keys do not come back. */
static void compare_tools(struct buf *out, const cJSON *asked, const cJSON *got)
{
	const cJSON *tool, *each;

	cJSON_ArrayForEach(tool, asked)
	{
		const char *key = json_str(tool, "name") ? "name" : "server_label", *name = json_str(tool, key);
		bool there = false;

		cJSON_ArrayForEach(each, got)
		{
			const char *other = json_str(each, key);

			there |= other && name && !strcmp(other, name);
		}
		if (!there)
			buf_printf(out, "%stool %s is missing", out->len ? ", " : "", name ? name : "");
	}
}

/* Every member that was asked for; what else a session has is the service's own. Shallow: the
 * bodies are ours. */
static void compare(struct buf *out, const char *path, const cJSON *asked, const cJSON *got)
{
	const cJSON *each;
	char below[160];

	cJSON_ArrayForEach(each, asked)
	{
		const cJSON *member = json_get(got, each->string);

		snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "", each->string);
		if (!strcmp(below, "tools"))
			compare_tools(out, each, member);
		else if (cJSON_IsObject(each) && cJSON_IsObject(member))
			compare(out, below, each, member);
		else if (!same_value(
			     cJSON_IsObject(each) && cJSON_IsString(member) ? json_get(each, "id") : each, member))
			put_difference(out, below, each, member);
	}
}

void realtime_compare(struct buf *out, const struct buf *asked, const struct model_event *updated)
{
	cJSON *message = json_parse(buf_text(asked), asked->len);

	compare(out, "", json_get(message, "session"), json_get(updated->kept, "session"));
	cJSON_Delete(message);
}

/* A partial update: absent fields keep their value. The voice cannot change
 * once the model has spoken. */
void realtime_turns(struct buf *out, const char *id, const struct agent *agent, bool deaf)
{
	struct json_out j = realtime_begin(out, "session.update", id);

	json_put_object(&j, "session");
	json_put_text(&j, "type", "realtime");
	json_put_object(&j, "audio");
	json_put_object(&j, "input");
	put_turn_detection(&j, agent, deaf);
	json_put_end(&j);
	json_put_end(&j);
	json_put_end(&j);
	json_put_end(&j);
}

/* For every frame of every call, fifty a second: hence the one text that is fixed,
 * where a writer would go through its keys each time. No `event_id`: one refused
 * frame is no loss. */
void realtime_hear(struct buf *out, const uint8_t *bytes, size_t len)
{
	buf_puts(out, "{\"type\":\"input_audio_buffer.append\",\"audio\":");
	json_put_base64(out, bytes, len);
	buf_putc(out, '}');
}

/* The service wants "output_text" from the assistant, "input_text" from all
 * others. */
void realtime_item(struct buf *out, const char *id, enum model_role role, const char *text, const char *after)
{
	static const char *const roles[] = { "user", "assistant", "system" };
	struct json_out j = realtime_begin_item(out, "message", id);

	json_put_text(&j, "id", id);
	json_put_text(&j, "role", roles[role]);
	json_put_array(&j, "content");
	json_put_object(&j, NULL);
	json_put_text(&j, "type", role == MODEL_ROLE_AGENT ? "output_text" : "input_text");
	json_put_text(&j, "text", text);
	json_put_end(&j);
	json_put_end(&j);
	json_put_end(&j);
	if (after[0])
		json_put_text(&j, "previous_item_id", after);
	json_put_end(&j);
}

/* The instructions replace the session's for this response, so those are
 * repeated in front. */
static void create_response(struct buf *out, const char *id, const char *instructions, const char *intro,
    const char *text, bool aside, bool tools_off)
{
	struct json_out j;
	struct buf words;

	buf_init(&words, 0);
	buf_puts(&words, instructions);
	buf_puts(&words, "\n\n");
	buf_puts(&words, intro);
	buf_puts(&words, text);
	if (buf_error(&words))
		out->err = buf_error(&words);
	j = realtime_begin(out, "response.create", id);
	json_put_object(&j, "response");
	if (aside) {
		json_put_text(&j, "conversation", "none");
		json_put_object(&j, "metadata");
		json_put_text(&j, "purpose", "filler");
		json_put_end(&j);
	}
	json_put_text(&j, "instructions", buf_text(&words));
	if (tools_off)
		json_put_text(&j, "tool_choice", "none");
	json_put_end(&j);
	json_put_end(&j);
	buf_free(&words);
}

#define EXACTLY "Say exactly the following words and nothing else:\n"

void realtime_ask(struct buf *out, const char *id)
{
	struct json_out j = realtime_begin(out, "response.create", id);

	json_put_end(&j);
}

/* No tools: a look-up before the first word would be silence on the line. */
void realtime_greet(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	create_response(
	    out, id, instructions, exact ? "The caller has just come on the line. " EXACTLY : "", text, false, true);
}

void realtime_say(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	create_response(out, id, instructions, exact ? EXACTLY : "", text, false, exact);
}

/* Such a response may run beside the normal one, and does not enter the
 * history. The service repeats the metadata with its beginning and end. */
void realtime_aside(struct buf *out, const char *id, const char *instructions, const char *text, bool exact)
{
	create_response(out, id, instructions, exact ? EXACTLY : "", text, true, true);
}

/* Without the id the service would cancel whatever is active when this
 * arrives, perhaps the next response. */
void realtime_cancel(struct buf *out, const char *id, const char *response_id)
{
	struct json_out j = realtime_begin(out, "response.cancel", id);

	json_put_text(&j, "response_id", response_id);
	json_put_end(&j);
}

/* The service drops the transcript of the item, so that the model does not
 * believe it was heard. `ms` counts from the start of the item. An answer in
 * audio has one part, index 0. */
void realtime_heard_until(struct buf *out, const char *id, const char *item_id, int64_t ms)
{
	struct json_out j = realtime_begin(out, "conversation.item.truncate", id);

	json_put_text(&j, "item_id", item_id);
	json_put_int(&j, "content_index", 0);
	json_put_int(&j, "audio_end_ms", ms);
	json_put_end(&j);
}

/* An item in text cannot be truncated. */
void realtime_unheard(struct buf *out, const char *id, const char *item_id)
{
	struct json_out j = realtime_begin(out, "conversation.item.delete", id);

	json_put_text(&j, "item_id", item_id);
	json_put_end(&j);
}
