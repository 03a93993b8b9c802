/* Every client event of the published API. */
#include "tools/standin_model/shape_table.h"

#include <stddef.h>

#define FIELDS(...) \
	(const struct field[]) \
	{ \
		__VA_ARGS__, \
		{ \
			NULL, 0, NULL \
		} \
	}
#define CHOICES(...) \
	(const struct choice[]) \
	{ \
		__VA_ARGS__, \
		{ \
			NULL, NULL \
		} \
	}
#define WORDS(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

static const struct shape string = { .kind = STRING }, boolean = { .kind = BOOLEAN };
static const struct shape any_object = { .kind = MAP };
static const struct shape strings = { .kind = ARRAY, .item = &string };
static const struct shape string_map = { .kind = MAP, .item = &string };
static const struct shape number = { .kind = NUMBER };
static const struct shape natural = { .kind = INTEGER, .bounded = true, .low = 0, .high = 1e15 };
static const struct shape fraction = { .kind = NUMBER, .bounded = true, .low = 0, .high = 1 };
static const struct shape id = { .kind = STRING, .bounded = true, .low = 1, .high = 512 };
static const struct shape item_id = { .kind = STRING, .bounded = true, .low = 1, .high = 32 };

/* Session. */

static const struct shape rate = { .kind = INTEGER, .bounded = true, .low = 24000, .high = 24000 };
static const struct shape format_pcm = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "rate", 0, &rate }) };
static const struct shape format_g711 = { OBJECT, .fields = FIELDS({ "type", REQUIRED, &string }) };
static const struct shape format = { TAGGED, .choices = CHOICES({ "audio/pcm", &format_pcm },
						 { "audio/pcmu", &format_g711 }, { "audio/pcma", &format_g711 }) };

static const struct shape noise_type = { STRING, .words = WORDS("near_field", "far_field") };
static const struct shape noise = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &noise_type }, { "strength", 0, &number }) };

static const struct shape delay = { STRING, .words = WORDS("minimal", "low", "medium", "high", "xhigh") };
static const struct shape transcription = { OBJECT,
	.fields = FIELDS({ "model", 0, &string }, { "language", 0, &string }, { "languages", 0, &strings },
	    { "keywords", 0, &strings }, { "prompt", 0, &string }, { "delay", 0, &delay }) };

static const struct shape server_vad = { OBJECT,
	.fields =
	    FIELDS({ "type", REQUIRED, &string }, { "threshold", 0, &fraction }, { "prefix_padding_ms", 0, &natural },
		{ "silence_duration_ms", 0, &natural }, { "create_response", 0, &boolean },
		{ "interrupt_response", 0, &boolean }, { "idle_timeout_ms", NULLABLE, &natural }) };
static const struct shape eagerness = { STRING, .words = WORDS("auto", "low", "medium", "high") };
static const struct shape semantic_vad = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "eagerness", 0, &eagerness },
	    { "create_response", 0, &boolean }, { "interrupt_response", 0, &boolean }) };
static const struct shape turn_detection = { TAGGED,
	.choices = CHOICES({ "server_vad", &server_vad }, { "semantic_vad", &semantic_vad }) };

static const struct shape voice_id = { OBJECT, .fields = FIELDS({ "id", REQUIRED, &id }) };
static const struct shape voice_name = { STRING,
	.words = WORDS("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar") };
static const struct shape voice = { EITHER, .choices = CHOICES({ NULL, &voice_name }, { NULL, &voice_id }) };
static const struct shape speed = { .kind = NUMBER, .bounded = true, .low = 0.25, .high = 1.5 };

static const struct shape audio_input = { OBJECT,
	.fields = FIELDS({ "format", 0, &format }, { "noise_reduction", NULLABLE, &noise },
	    { "transcription", NULLABLE, &transcription }, { "turn_detection", NULLABLE, &turn_detection }) };
static const struct shape audio_output = { OBJECT,
	.fields = FIELDS({ "format", 0, &format }, { "voice", 0, &voice }, { "speed", 0, &speed }) };
static const struct shape audio = { OBJECT,
	.fields = FIELDS({ "input", 0, &audio_input }, { "output", 0, &audio_output }) };

static const struct shape modality = { STRING, .words = WORDS("text", "audio") };
static const struct shape modalities = { ARRAY, .item = &modality, .bounded = true, .low = 1, .high = 1 };

static const struct shape function_tool = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "name", REQUIRED, &id }, { "description", 0, &string },
	    { "parameters", 0, &any_object }) };
static const struct shape tool_filter = { OBJECT,
	.fields = FIELDS({ "tool_names", 0, &strings }, { "read_only", 0, &boolean }) };
static const struct shape allowed_tools = { EITHER, .choices = CHOICES({ NULL, &strings }, { NULL, &tool_filter }) };
static const struct shape approval_word = { STRING, .words = WORDS("always", "never") };
static const struct shape approval_filter = { OBJECT,
	.fields = FIELDS({ "always", 0, &tool_filter }, { "never", 0, &tool_filter }) };
static const struct shape approval = { EITHER,
	.choices = CHOICES({ NULL, &approval_word }, { NULL, &approval_filter }) };
static const struct shape mcp_tool = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "server_label", REQUIRED, &id }, { "server_url", 0, &string },
	    { "connector_id", 0, &string }, { "tunnel_id", 0, &string }, { "authorization", 0, &string },
	    { "headers", NULLABLE, &string_map }, { "allowed_tools", NULLABLE, &allowed_tools },
	    { "require_approval", NULLABLE, &approval }, { "server_description", 0, &string },
	    { "defer_loading", 0, &boolean }, { "allowed_callers", NULLABLE, &strings }) };
static const struct shape tool = { TAGGED, .choices = CHOICES({ "function", &function_tool }, { "mcp", &mcp_tool }) };
static const struct shape tools = { .kind = ARRAY, .item = &tool };

static const struct shape choice_word = { STRING, .words = WORDS("auto", "none", "required") };
static const struct shape choice_function = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "name", REQUIRED, &id }) };
static const struct shape choice_mcp = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "server_label", REQUIRED, &id }, { "name", NULLABLE, &id }) };
static const struct shape choice_object = { TAGGED,
	.choices = CHOICES({ "function", &choice_function }, { "mcp", &choice_mcp }) };
static const struct shape tool_choice = { EITHER,
	.choices = CHOICES({ NULL, &choice_word }, { NULL, &choice_object }) };

static const struct shape effort = { STRING, .words = WORDS("minimal", "low", "medium", "high", "xhigh") };
static const struct shape reasoning = { OBJECT, .fields = FIELDS({ "effort", 0, &effort }) };
static const struct shape token_count = { .kind = INTEGER, .bounded = true, .low = 1, .high = 4096 };
static const struct shape inf = { STRING, .words = WORDS("inf") };
static const struct shape max_tokens = { EITHER, .choices = CHOICES({ NULL, &inf }, { NULL, &token_count }) };

static const struct shape token_limits = { OBJECT, .fields = FIELDS({ "post_instructions", 0, &natural }) };
static const struct shape truncation_word = { STRING, .words = WORDS("auto", "disabled") };
static const struct shape truncation_ratio = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "retention_ratio", REQUIRED, &fraction },
	    { "token_limits", 0, &token_limits }) };
static const struct shape truncation_object = { TAGGED, .choices = CHOICES({ "retention_ratio", &truncation_ratio }) };
static const struct shape truncation = { EITHER,
	.choices = CHOICES({ NULL, &truncation_word }, { NULL, &truncation_object }) };

static const struct shape tracing_word = { STRING, .words = WORDS("auto") };
static const struct shape tracing_object = { OBJECT,
	.fields = FIELDS({ "workflow_name", 0, &string }, { "group_id", 0, &string }, { "metadata", 0, &any_object }) };
static const struct shape tracing = { EITHER, .choices = CHOICES({ NULL, &tracing_word }, { NULL, &tracing_object }) };
static const struct shape prompt = { OBJECT, .fields = FIELDS({ "id", REQUIRED, &id }, { "version", NULLABLE, &string },
						 { "variables", NULLABLE, &any_object }) };
static const struct shape include_word = { STRING, .words = WORDS("item.input_audio_transcription.logprobs") };
static const struct shape include = { .kind = ARRAY, .item = &include_word };

static const struct shape realtime_session = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "model", 0, &string },
	    { "output_modalities", 0, &modalities }, { "instructions", 0, &string }, { "audio", 0, &audio },
	    { "tools", 0, &tools }, { "tool_choice", 0, &tool_choice }, { "parallel_tool_calls", 0, &boolean },
	    { "reasoning", 0, &reasoning }, { "max_output_tokens", 0, &max_tokens }, { "truncation", 0, &truncation },
	    { "tracing", NULLABLE, &tracing }, { "prompt", NULLABLE, &prompt }, { "include", 0, &include }) };
static const struct shape listening_audio = { OBJECT, .fields = FIELDS({ "input", 0, &audio_input }) };
static const struct shape transcription_session = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "audio", 0, &listening_audio }, { "include", 0, &include }) };
static const struct shape session = { TAGGED,
	.choices = CHOICES({ "realtime", &realtime_session }, { "transcription", &transcription_session }) };

/* Items. */

static const struct shape object_word = { STRING, .words = WORDS("realtime.item") };
static const struct shape status = { STRING, .words = WORDS("completed", "incomplete", "in_progress") };
static const struct shape detail = { STRING, .words = WORDS("auto", "low", "high") };
static const struct shape input_text = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "text", REQUIRED, &string }) };
static const struct shape input_audio = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "audio", REQUIRED, &string }, { "transcript", 0, &string }) };
static const struct shape input_image = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "image_url", REQUIRED, &string }, { "detail", 0, &detail }) };
static const struct shape user_part = { TAGGED, .choices = CHOICES({ "input_text", &input_text },
						    { "input_audio", &input_audio }, { "input_image", &input_image }) };
static const struct shape system_part = { TAGGED, .choices = CHOICES({ "input_text", &input_text }) };
static const struct shape assistant_part = { TAGGED, .choices = CHOICES({ "output_text", &input_text }) };
static const struct shape user_content = { .kind = ARRAY, .item = &user_part };
static const struct shape system_content = { .kind = ARRAY, .item = &system_part };
static const struct shape assistant_content = { .kind = ARRAY, .item = &assistant_part };

#define ITEM_FIELDS \
	{ "type", REQUIRED, &string }, { "id", 0, &item_id }, { "object", 0, &object_word }, \
	{ \
		"status", 0, &status \
	}

static const struct shape user_message = { OBJECT,
	.fields = FIELDS(ITEM_FIELDS, { "role", REQUIRED, &string }, { "content", REQUIRED, &user_content }) };
static const struct shape system_message = { OBJECT,
	.fields = FIELDS(ITEM_FIELDS, { "role", REQUIRED, &string }, { "content", REQUIRED, &system_content }) };
static const struct shape assistant_message = { OBJECT,
	.fields = FIELDS(ITEM_FIELDS, { "role", REQUIRED, &string }, { "content", REQUIRED, &assistant_content }) };
static const struct shape function_call = { OBJECT,
	.fields =
	    FIELDS(ITEM_FIELDS, { "call_id", 0, &id }, { "name", REQUIRED, &id }, { "arguments", REQUIRED, &string }) };
static const struct shape function_output = { OBJECT,
	.fields = FIELDS(ITEM_FIELDS, { "call_id", REQUIRED, &id }, { "output", REQUIRED, &string }) };
static const struct shape approval_response = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "id", REQUIRED, &item_id },
	    { "approval_request_id", REQUIRED, &id }, { "approve", REQUIRED, &boolean },
	    { "reason", NULLABLE, &string }) };
static const struct shape item_reference = { OBJECT,
	.fields = FIELDS({ "type", REQUIRED, &string }, { "id", REQUIRED, &item_id }) };

/* A message's content depends on its role. */
static const struct shape message = { TAGGED,
	.choices =
	    CHOICES({ "user", &user_message }, { "system", &system_message }, { "assistant", &assistant_message }),
	.tag = "role" };

static const struct shape item = { TAGGED,
	.choices = CHOICES({ "message", &message }, { "function_call", &function_call },
	    { "function_call_output", &function_output }, { "mcp_approval_response", &approval_response }) };
static const struct shape input_item = { TAGGED,
	.choices = CHOICES({ "message", &message }, { "function_call", &function_call },
	    { "function_call_output", &function_output }, { "mcp_approval_response", &approval_response },
	    { "item_reference", &item_reference }) };
static const struct shape input_items = { .kind = ARRAY, .item = &input_item };

/* Responses. */

static const struct shape response_output = { OBJECT,
	.fields = FIELDS({ "format", 0, &format }, { "voice", 0, &voice }) };
static const struct shape response_audio = { OBJECT, .fields = FIELDS({ "output", 0, &response_output }) };
static const struct shape conversation = { STRING, .words = WORDS("auto", "none") };
static const struct shape metadata_value = { .kind = STRING, .bounded = true, .low = 0, .high = 512 };
static const struct shape metadata = { .kind = MAP, .item = &metadata_value, .bounded = true, .low = 0, .high = 16 };
static const struct shape response = { OBJECT,
	.fields = FIELDS({ "instructions", 0, &string }, { "output_modalities", 0, &modalities },
	    { "audio", 0, &response_audio }, { "tools", 0, &tools }, { "tool_choice", 0, &tool_choice },
	    { "parallel_tool_calls", 0, &boolean }, { "reasoning", 0, &reasoning },
	    { "max_output_tokens", 0, &max_tokens }, { "metadata", NULLABLE, &metadata },
	    { "prompt", NULLABLE, &prompt }, { "conversation", 0, &conversation }, { "input", 0, &input_items }) };

/* Events. */

#define EVENT_FIELDS \
	{ "type", REQUIRED, &string }, \
	{ \
		"event_id", 0, &id \
	}
#define EVENT(name, ...) static const struct shape name = { OBJECT, .fields = FIELDS(EVENT_FIELDS, __VA_ARGS__) }

static const struct shape bare = { OBJECT, .fields = FIELDS(EVENT_FIELDS) };
EVENT(session_update, { "session", REQUIRED, &session });
EVENT(buffer_append, { "audio", REQUIRED, &string });
EVENT(item_create, { "previous_item_id", 0, &id }, { "item", REQUIRED, &item });
EVENT(item_truncate, { "item_id", REQUIRED, &id }, { "content_index", REQUIRED, &natural },
    { "audio_end_ms", REQUIRED, &natural });
EVENT(item_named, { "item_id", REQUIRED, &id });
EVENT(response_create, { "response", 0, &response });
EVENT(response_cancel, { "response_id", 0, &id });

const struct shape client_event = { TAGGED,
	.choices = CHOICES({ "session.update", &session_update }, { "input_audio_buffer.append", &buffer_append },
	    { "input_audio_buffer.commit", &bare }, { "input_audio_buffer.clear", &bare },
	    { "output_audio_buffer.clear", &bare }, { "conversation.item.create", &item_create },
	    { "conversation.item.truncate", &item_truncate }, { "conversation.item.delete", &item_named },
	    { "conversation.item.retrieve", &item_named }, { "response.create", &response_create },
	    { "response.cancel", &response_cancel }) };
