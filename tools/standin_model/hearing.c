#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMMIT_MIN_MS = 100,
	GAP_MS = 100,
	KEEP_BYTES = 1 << 20, /* of a turn's audio, for retrieve */
	HEARD_TOKEN_MS = 100,
	WORDS_AT_ONCE = 3 /* of a transcript */
};

/* The caller's words come from another model, whenever it is done. */
static void send_transcript(struct session *s, const struct item *item, const char *words, int ms, uint64_t now)
{
	const struct fault_state *delay = &s->faults->f[FAULT_TRANSCRIPT_DELAY];
	uint64_t due = now + (uint64_t)(delay->on ? delay->number : options.transcript_ms) * NS_PER_MS;
	long audio = ms / HEARD_TOKEN_MS + 1, text = (long)strlen(words) / 4 + 1;
	struct text *out, part = { 0 };

	if (s->faults->f[FAULT_NO_TRANSCRIPT].on)
		return;
	if (s->faults->f[FAULT_TRANSCRIPT_FAILS].on) {
		text_printf(event_open(s, "conversation.item.input_audio_transcription.failed"),
		    ",\"item_id\":\"%s\",\"content_index\":0,\"error\":{\"type\":\"transcription_error\",\"code\":"
		    "\"audio_unintelligible\",\"message\":\"The audio could not be transcribed.\"}",
		    item->id);
		event_send_later(s, due);
		return;
	}
	for (const char *p = words; *p;) {
		const char *end = p;

		for (int i = 0; i < WORDS_AT_ONCE && *end; i++)
			end += strcspn(end + (*end == ' '), " ") + (*end == ' ');
		text_clear(&part);
		text_add(&part, p, (size_t)(end - p));
		out = event_open(s, "conversation.item.input_audio_transcription.delta");
		text_printf(out, ",\"item_id\":\"%s\",\"content_index\":0,\"delta\":", item->id);
		text_json(out, part.data);
		event_send_later(s, due);
		p = end;
	}
	text_free(&part);
	out = event_open(s, "conversation.item.input_audio_transcription.completed");
	text_printf(out, ",\"item_id\":\"%s\",\"content_index\":0,\"transcript\":", item->id);
	text_json(out, words);
	text_printf(out,
	    ",\"usage\":{\"type\":\"tokens\",\"total_tokens\":%ld,\"input_tokens\":%ld,\"input_token_details\":"
	    "{\"text_tokens\":0,\"audio_tokens\":%ld},\"output_tokens\":%ld}",
	    audio + text, audio, audio, text);
	event_send_later(s, due);
}

/* The input buffer becomes an item of the conversation. */
static void commit(struct session *s, int start_ms, int end_ms, bool silent, uint64_t now)
{
	struct item *item = items_new(s, ITEM_USER_AUDIO, "completed");
	const char *before = s->item_count ? s->items[s->item_count - 1]->id : NULL;
	const struct script *script = s->service->script;
	char *words = chirp_text(&s->ear, s->ear_from);
	int turn = *words ? script_find_turn(script, words) : -1;
	const struct line *line = script_turn(script, turn < 0 ? s->turns_heard : turn);
	struct text *out;
	cJSON *note = cJSON_CreateObject();

	if (*s->speech_item)
		memcpy(item->id, s->speech_item, ID_SIZE);
	s->speech_item[0] = '\0';
	item->audio = s->turn_audio;
	s->turn_audio = (struct text){ 0 };
	item->format = s->settings.input;
	out = event_open(s, "input_audio_buffer.committed");
	text_field(out, "previous_item_id", before);
	text_printf(out, ",\"item_id\":\"%s\"", item->id);
	event_send(s);
	items_add(s, item, s->item_count);
	items_send(s, "conversation.item.added", item, true);
	items_send(s, "conversation.item.done", item, true);
	s->audio_tokens += (end_ms - start_ms) / HEARD_TOKEN_MS;
	s->buffer_ms = 0;
	s->typed = false;
	if (!silent) {
		item->words = need_copy(*words || script_in_chirps(script) ? words : line->hear);
		s->ear_from = s->ear.count;
		s->owed = line;
		if (s->settings.transcription)
			send_transcript(s, item, item->words, end_ms - start_ms, now);
		s->turns_heard = turn < 0 ? s->turns_heard + 1 : turn + 1;
		session_say(s, "caller (%d to %d ms): %s", start_ms, end_ms, item->words);
	}
	cJSON_AddStringToObject(note, "item_id", item->id);
	cJSON_AddNumberToObject(note, "start_ms", start_ms);
	cJSON_AddNumberToObject(note, "end_ms", end_ms);
	cJSON_AddStringToObject(note, "transcript", item->words ? item->words : "");
	record_add(s->record->turns, note);
	free(words);
}

static void on_started(struct session *s, int at_ms, uint64_t now)
{
	struct answer *active = answers_active(s);

	session_new_id(s, "item", s->speech_item);
	s->speech_start_ms = at_ms;
	text_printf(event_open(s, "input_audio_buffer.speech_started"), ",\"audio_start_ms\":%d,\"item_id\":\"%s\"",
	    at_ms, s->speech_item);
	event_send(s);
	session_say(s, "speech started at %d ms", at_ms);
	if (active && s->settings.interrupt_response && !s->faults->f[FAULT_NO_CANCEL].on)
		answers_cancel(s, active, "turn_detected", now);
	mischief_at(s, AT_SPEECH);
}

static void on_stopped(struct session *s, int at_ms, uint64_t now)
{
	text_printf(event_open(s, "input_audio_buffer.speech_stopped"), ",\"audio_end_ms\":%d,\"item_id\":\"%s\"",
	    at_ms, s->speech_item);
	event_send(s);
	commit(s, s->speech_start_ms, at_ms, false, now);
	s->idle_from_ms = s->vad.heard_ms;
	if (!s->settings.create_response)
		return;
	if (answers_active(s))
		s->record->unanswered_turns++;
	else
		answers_start(s, NULL, now);
}

/* Nobody spoke for so long after the last answer must have been heard. */
static void check_idle(struct session *s, uint64_t now)
{
	struct text *out;

	if (!s->settings.idle_timeout_ms || !s->idle_armed || s->vad.speaking || answers_active(s) ||
	    s->vad.heard_ms - s->idle_from_ms < s->settings.idle_timeout_ms)
		return;
	session_new_id(s, "item", s->speech_item);
	out = event_open(s, "input_audio_buffer.timeout_triggered");
	text_printf(out, ",\"audio_start_ms\":%d,\"audio_end_ms\":%d,\"item_id\":\"%s\"", (int)s->idle_from_ms,
	    (int)s->vad.heard_ms, s->speech_item);
	event_send(s);
	s->idle_armed = false;
	commit(s, (int)s->idle_from_ms, (int)s->vad.heard_ms, true, now);
	answers_start(s, NULL, now);
}

static void detect(struct session *s, const int16_t *samples, size_t count, uint64_t now)
{
	while (count) {
		enum vad_event event;
		int at_ms = 0;
		size_t used = vad_listen(&s->vad, &s->settings.vad, samples, count, &event, &at_ms);

		samples += used;
		count -= used;
		if (event == VAD_STARTED)
			on_started(s, at_ms, now);
		else if (event == VAD_STOPPED)
			on_stopped(s, at_ms, now);
	}
	check_idle(s, now);
}

/* In words, if they are chirps. */
static void understand(struct session *s, const int16_t *samples, size_t count)
{
	int every = format_rate(s->settings.input) / CHIRP_HZ;
	int16_t thinned[4096];
	size_t n = 0;

	if (every == 1) {
		chirp_hear(&s->ear, samples, count);
		return;
	}
	for (size_t i = 0; i < count && n < sizeof thinned / sizeof thinned[0]; i += (size_t)every)
		thinned[n++] = samples[i];
	chirp_hear(&s->ear, thinned, n);
}

static void keep_record(struct session *s, const int16_t *samples, size_t count)
{
	struct sound more = {
		.samples = (int16_t *)samples, .count = count, .rate_hz = format_rate(s->settings.input)
	};

	if (!options.record)
		return;
	if (s->recorded.rate_hz && s->recorded.rate_hz != more.rate_hz)
		hearing_save(s);
	s->recorded.rate_hz = more.rate_hz;
	sound_append(&s->recorded, &more);
}

void hearing_append(struct session *s, const uint8_t *audio, size_t len, uint64_t now)
{
	struct record *r = s->record;
	double gap_ms = s->last_append_ns ? (double)(now - s->last_append_ns) / 1e6 : 0;
	double ms = (double)len / format_bytes_per_ms(s->settings.input);
	int16_t fixed[4096], *samples = len <= 4096 ? fixed : need(len * 2);
	size_t count;

	r->gaps += gap_ms >= GAP_MS;
	r->longest_gap_ms = gap_ms > r->longest_gap_ms ? gap_ms : r->longest_gap_ms;
	s->last_append_ns = now;
	r->audio_bytes += len;
	r->audio_ms += ms;
	s->buffer_ms += ms;
	if (!s->updated && s->settings.input == FORMAT_PCM24 && !s->record->events[EVENT_SESSION_UPDATE])
		record_violation(r, "audio before the session was configured");
	if (options.load) {
		load_hear(s, audio, len, now);
	} else {
		if (s->turn_audio.len + len <= KEEP_BYTES)
			text_add(&s->turn_audio, audio, len);
		count = format_decode(s->settings.input, audio, len, samples);
		keep_record(s, samples, count);
		understand(s, samples, count);
		if (s->settings.turn_detection)
			detect(s, samples, count, now);
		else
			s->vad.heard_ms += ms;
	}
	if (samples != fixed)
		free(samples);
}

void hearing_commit(struct session *s, const char *event_id, uint64_t now)
{
	char message[200];

	if (s->buffer_ms < COMMIT_MIN_MS) {
		snprintf(message, sizeof message,
		    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer "
		    "only has %.2fms of audio.",
		    s->buffer_ms);
		session_send_error(
		    s, &(struct session_error){
			   .code = "input_audio_buffer_commit_empty", .message = message, .event_id = event_id });
		return;
	}
	vad_forget(&s->vad);
	commit(s, (int)(s->vad.heard_ms - s->buffer_ms), (int)s->vad.heard_ms, false, now);
}

void hearing_clear(struct session *s)
{
	s->buffer_ms = 0;
	s->speech_item[0] = '\0';
	text_clear(&s->turn_audio);
	vad_forget(&s->vad);
	event_open(s, "input_audio_buffer.cleared");
	event_send(s);
}

void hearing_save(struct session *s)
{
	char path[1024];

	if (!options.record || !s->recorded.count)
		return;
	snprintf(path, sizeof path, "%s/session-%lu.wav", options.record, s->record->number);
	if (sound_save(
		path, s->recorded.rate_hz, 1, (const int16_t *const[]){ s->recorded.samples }, s->recorded.count))
		fprintf(stderr, "standin-model: %s: cannot be written\n", path);
	s->recorded.count = 0;
}
