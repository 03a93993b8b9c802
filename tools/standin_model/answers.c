#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE_MIN_MS = 37, /* pieces of audio are of any length between these */
	PIECE_MAX_MS = 410,
	LETTERS_PER_PIECE = 12,
	PIECE_GAP_MS = 100 /* between pieces that come after the end */
};

static const struct line no_line = { .say = "" };
static const struct line summary_line = { .say = "The caller asked a few questions and got an answer to each." };

struct answer *answers_active(struct session *s)
{
	struct answer *a = s->answers;

	while (a && (a->over || a->out_of_band))
		a = a->next;
	return a;
}

/* What to say: what we are told to, a greeting as often as that; else the answer to the last turn that has
 * none, else the rest of an answer that breaks off, else to what tools told, else to what was typed, else a greeting, else
 * something polite. */
static const struct line *choose_line(struct session *s, struct answer *a, const cJSON *request)
{
	bool out_of_band = a->out_of_band;
	const cJSON *given = member(request, "instructions");
	const char *words = cJSON_IsString(given) ? script_words_to_say(given->valuestring) : NULL;
	const struct script *script = s->service->script;

	if (out_of_band && a->text_only)
		return &summary_line;
	if (a->text_only && (a->own_line = answer_text_line(s)))
		return a->own_line;
	if (options.load)
		return &load_line;
	/* Who is told to say something says that, and nothing else. */
	if (words && s->faults->f[FAULT_OTHER_WORDS].on)
		return a->own_line = script_new_line("These are other words.");
	if (words)
		return a->own_line = script_new_line(words);
	if (cJSON_IsString(given) && script_is_greeting(given->valuestring))
		return &script->greeting;
	if (!out_of_band && (a->calls_of = items_broken_off(s, &words)))
		return a->own_line = script_new_line(words);
	if (given && (s->spoke || out_of_band))
		return &script->otherwise;
	if (s->owed) {
		const struct line *owed = s->owed;

		s->owed = NULL;
		return owed;
	}
	if (s->then) {
		const struct line *then = s->then;

		s->then = NULL;
		return then;
	}
	if (s->typed && s->settings.text_only) {
		s->typed = false;
		return script_turn_of(script, text_str(&s->typed_words), s->turns_typed++);
	}
	if (s->typed) {
		s->typed = false;
		return &script->typed;
	}
	return s->spoke ? &script->otherwise : &script->greeting;
}

static size_t letters(const struct answer *a)
{
	return strlen(a->line->say);
}

static size_t audio_total(const struct session *s, const struct answer *a)
{
	const struct fault_state *forced = &s->faults->f[FAULT_LONG_ANSWER];
	size_t bytes_per_ms = (size_t)format_bytes_per_ms(a->format);

	if (forced->on)
		return (size_t)forced->number * 1000 * bytes_per_ms;
	return options.load ? (size_t)options.load_answer_ms * bytes_per_ms : a->line->audio_len[a->format];
}

/* Where max_output_tokens cuts the answer off, if it does. */
static void limit(struct answer *a)
{
	size_t words = letters(a) / LETTERS_PER_TOKEN,
	       room = (size_t)a->max_tokens > words ? (size_t)a->max_tokens - words : 0;
	size_t most = a->text_only ? (size_t)a->max_tokens * LETTERS_PER_TOKEN
				   : room * AUDIO_TOKEN_MS * (size_t)format_bytes_per_ms(a->format);

	if (a->max_tokens && a->total > most) {
		a->total = most;
		a->status = INCOMPLETE;
		a->reason = "max_output_tokens";
	}
}

static void read_request(struct session *s, struct answer *a, const cJSON *request)
{
	const cJSON *modality = cJSON_GetArrayItem(member(request, "output_modalities"), 0);
	const cJSON *format = member(member(member(request, "audio"), "output"), "format"),
		    *max = member(request, "max_output_tokens");
	const cJSON *metadata = member(request, "metadata"), *conversation = member(request, "conversation");
	const cJSON *choice = member(request, "tool_choice");

	a->out_of_band = conversation && strcmp(conversation->valuestring, "none") == 0;
	a->text_only = modality ? strcmp(modality->valuestring, "text") == 0 : s->settings.text_only;
	a->format = format ? config_format(format) : s->settings.output;
	a->max_tokens = !max ? s->settings.max_tokens : cJSON_IsNumber(max) ? max->valueint : 0;
	a->no_tools = cJSON_IsString(choice) && strcmp(choice->valuestring, "none") == 0;
	a->metadata = cJSON_IsObject(metadata) ? cJSON_PrintUnformatted(metadata) : NULL;
}

struct answer *answers_start(struct session *s, const cJSON *request, uint64_t now)
{
	const struct fault_state *delay = &s->faults->f[FAULT_FIRST_DELTA_DELAY];
	struct answer *a, **at = &s->answers;

	if (s->faults->f[FAULT_SILENT].on)
		return NULL;
	a = need(sizeof *a);
	session_new_id(s, "resp", a->id);
	read_request(s, a, request);
	a->line = choose_line(s, a, request);
	a->text_only = a->text_only || a->line == &summary_line;
	a->total = a->text_only ? letters(a) : audio_total(s, a);
	limit(a);
	a->turn = ++s->load.answers;
	a->next_ns =
	    now + (uint64_t)(delay->on && !a->out_of_band ? delay->number : options.first_delta_ms) * NS_PER_MS;
	while (*at)
		at = &(*at)->next;
	*at = a;
	answer_send_created(s, a);
	return a;
}

static void begin(struct session *s, struct answer *a)
{
	a->begun = true;
	s->spoke |= !a->out_of_band;
	a->item = items_new(s, a->text_only ? ITEM_ANSWER_TEXT : ITEM_ANSWER_AUDIO, "in_progress");
	a->item->format = a->format;
	a->first_audio_ms = s->vad.heard_ms;
	if (!a->out_of_band)
		items_add(s, a->item, s->item_count);
	answer_send_begun(s, a);
	session_say(s, "answer %s: %s", a->id, a->line->say);
}

/* Words up to the share of the answer that has been sent, whole words only. */
static void send_words(struct session *s, struct answer *a, size_t sent)
{
	static const char padding[] = "z9A9dJucSf1Jq0";
	size_t all = letters(a), upto = a->total ? all * sent / a->total : all;
	struct text *out, part = { 0 };

	if (a->status == INCOMPLETE && upto == all)
		upto = all * 2 / 3;
	while (upto < all && a->line->say[upto] != ' ')
		upto++;
	if (upto <= a->words_sent)
		return;
	if (a->text_only && !a->words_sent)
		answer_stamp_text(a);
	text_add(&part, a->line->say + a->words_sent, upto - a->words_sent);
	out = answer_open_part(
	    s, a, a->text_only ? "response.output_text.delta" : "response.output_audio_transcript.delta");
	text_field(out, "delta", part.data);
	if (!a->text_only)
		text_printf(out, ",\"obfuscation\":\"%s\"", padding + session_random(s, 8));
	event_send(s);
	text_free(&part);
	a->words_sent = upto;
}

static void fill_audio(struct session *s, struct answer *a, uint8_t *out, size_t len)
{
	const uint8_t *audio = a->line->audio[a->format];
	size_t all = a->line->audio_len[a->format];

	if (options.load) {
		load_speak(s, a, out, len);
		return;
	}
	if (s->faults->f[FAULT_HUSH].on)
		all = 0;
	/* An answer that is longer than its recording says it again. */
	for (size_t i = 0; i < len; i++)
		out[i] = all ? audio[(a->sent + i) % all] : a->format == FORMAT_PCMA ? 0xd5 : 0xff;
}

static void send_audio(struct session *s, struct answer *a, size_t len, uint64_t due_ns)
{
	uint8_t *piece = need(len + 1);
	struct text *out = answer_open_part(s, a, "response.output_audio.delta");

	fill_audio(s, a, piece, len);
	text_puts(out, ",\"delta\":\"");
	text_base64(out, piece, len);
	text_puts(out, "\"");
	if (due_ns)
		event_send_later(s, due_ns);
	else
		event_send(s);
	free(piece);
	a->sent += len;
	a->item->audio_bytes += len;
	s->voice_fixed = true;
}

static size_t piece_bytes(struct session *s, const struct answer *a)
{
	unsigned samples =
	    (PIECE_MIN_MS + session_random(s, PIECE_MAX_MS - PIECE_MIN_MS)) * (unsigned)format_rate(a->format) / 1000 +
	    session_random(s, 7);

	return (size_t)samples * (a->format == FORMAT_PCM24 ? 2 : 1);
}

static void count_delta(struct session *s, struct answer *a)
{
	if (++a->deltas != 2)
		return;
	mischief_at(s, AT_ANSWER);
	if (s->faults->f[FAULT_HALT].on)
		a->next_ns = UINT64_MAX;
}

static void send_piece(struct session *s, struct answer *a)
{
	size_t left = a->total > a->sent ? a->total - a->sent : 0, len, ahead = 0;

	if (a->text_only) {
		len = left < LETTERS_PER_PIECE ? left : LETTERS_PER_PIECE;
		a->sent = s->faults->f[FAULT_ONE_DELTA].on ? a->total : a->sent + len;
		send_words(s, a, a->sent);
		/* A word is not divided, however long it is. */
		a->sent = a->words_sent > a->sent ? a->words_sent : a->sent;
		a->next_ns += (uint64_t)((double)len / options.text_speed * 1e9);
		if (a->deltas == 0 && s->faults->f[FAULT_HALF_EMOJI].on)
			answer_send_halves(s, a);
		count_delta(s, a);
		return;
	}
	len = s->faults->f[FAULT_ONE_DELTA].on ? left : piece_bytes(s, a);
	len = len < left || a->ending ? len : left;
	if (s->faults->f[FAULT_WORDS_AHEAD].on)
		ahead = (size_t)s->faults->f[FAULT_WORDS_AHEAD].number * (size_t)format_bytes_per_ms(a->format);
	if (!a->ending)
		send_words(s, a, ahead < left - len ? a->sent + len + ahead : a->total);
	send_audio(s, a, len, 0);
	a->next_ns += (uint64_t)((double)len / format_bytes_per_ms(a->format) / options.speed * 1e6);
	count_delta(s, a);
}

/* The end. */

static void note_answer(struct session *s, const struct answer *a)
{
	cJSON *note;

	s->record->statuses[a->status]++;
	if (options.load)
		return;
	note = cJSON_CreateObject();
	cJSON_AddStringToObject(note, "response_id", a->id);
	cJSON_AddStringToObject(note, "item_id", a->item ? a->item->id : "");
	cJSON_AddStringToObject(note, "status", status_names[a->status]);
	cJSON_AddStringToObject(note, "reason", a->reason ? a->reason : "");
	cJSON_AddNumberToObject(note, "produced_ms", a->item && !a->text_only ? items_audio_ms(a->item) : 0);
	cJSON_AddStringToObject(note, "said", a->item && a->item->words ? a->item->words : "");
	record_add(s->record->responses, note);
	session_say(s, "answer %s %s %s", a->id, status_names[a->status], a->reason ? a->reason : "");
}

static void finish(struct session *s, struct answer *a, uint64_t now)
{
	const struct fault_state *late = &s->faults->f[FAULT_LATE_AFTER_DONE];

	if (a->line->cancelled && a->status == COMPLETED)
		a->reason = "turn_detected";
	answer_send_end(s, a);
	a->over = true;
	note_answer(s, a);
	if (a->begun && !a->text_only) {
		s->idle_from_ms = a->first_audio_ms + items_audio_ms(a->item);
		s->idle_armed = true;
	}
	for (long i = 0; late->on && a->status == CANCELLED && a->begun && !a->text_only && i < late->number; i++)
		send_audio(s, a, piece_bytes(s, a), now + (uint64_t)(i + 1) * PIECE_GAP_MS * NS_PER_MS);
	if (a->call_count)
		mischief_at(s, AT_TOOL);
	mischief_at(s, AT_DONE);
}

void answers_cancel(struct session *s, struct answer *a, const char *reason, uint64_t now)
{
	const struct fault_state *late = &s->faults->f[FAULT_LATE_DELTAS];

	if (a->ending || a->over)
		return;
	a->status = CANCELLED;
	a->reason = reason;
	a->ending = true;
	a->late_deltas = late->on && a->begun ? late->number : 0;
	if (!a->late_deltas)
		finish(s, a, now);
}

static bool cut_short(struct answer *a, const char *why)
{
	if (strcmp(why, "content_filter") != 0 && strcmp(why, "max_tokens") != 0)
		return false;
	a->status = INCOMPLETE;
	a->reason = why[0] == 'c' ? "content_filter" : "max_output_tokens";
	return true;
}

/* No sound, ordered for this answer. */
static void check_sound(struct session *s, struct answer *a)
{
	const char *how = s->faults->f[FAULT_NO_AUDIO].what;

	if (a->ending || !fault_again(s->faults, FAULT_NO_AUDIO))
		return;
	a->total = 0;
	if (strcmp(how, "text") == 0) {
		a->text_only = true;
		a->total = letters(a);
	} else if (cut_short(a, how) || strcmp(how, "nothing") == 0) {
		a->line = &no_line;
	}
}

/* A failure ordered for this answer, before it begins. */
static void check_failure(struct session *s, struct answer *a)
{
	const struct fault_state *fail = &s->faults->f[FAULT_FAIL];

	if (a->ending || !fault_again(s->faults, FAULT_FAIL))
		return;
	if (cut_short(a, fail->what)) {
		a->total /= 2;
		return;
	}
	a->status = FAILED;
	a->reason = fail->what;
	a->ending = true;
	/* Nobody heard it: whoever asks again is told. */
	if (!a->out_of_band && !a->own_line && a->line != &s->service->script->greeting)
		s->owed = a->line;
}

static void tick(struct session *s, struct answer *a, uint64_t now)
{
	if (!a->begun && now >= a->next_ns) {
		if (s->faults->f[FAULT_STUCK].on) {
			a->next_ns = UINT64_MAX;
			return;
		}
		check_failure(s, a);
		check_sound(s, a);
		if (!letters(a))
			a->total = 0;
		if (!a->ending && letters(a))
			begin(s, a);
		if (a->begun && !a->total)
			send_words(s, a, 0);
	}
	while (!a->over && now >= a->next_ns) {
		if (a->ending ? a->late_deltas > 0 : a->sent < a->total) {
			a->late_deltas -= a->ending;
			send_piece(s, a);
		} else {
			finish(s, a, now);
		}
	}
}

static void free_one(struct answer *a)
{
	if (a->out_of_band && a->item)
		items_free_one(a->item);
	script_free_line(a->own_line);
	free(a->metadata);
	free(a);
}

void answers_tick(struct session *s, uint64_t now)
{
	for (struct answer *a = s->answers; a; a = a->next)
		if (!a->over)
			tick(s, a, now);
	for (struct answer **at = &s->answers; *at;) {
		struct answer *a = *at;

		if (a->over) {
			*at = a->next;
			free_one(a);
		} else {
			at = &a->next;
		}
	}
}

uint64_t answers_wake_ns(const struct session *s)
{
	uint64_t wake = UINT64_MAX;

	for (const struct answer *a = s->answers; a; a = a->next)
		if (a->next_ns < wake || a->over)
			wake = a->over ? 0 : a->next_ns;
	return wake;
}

void answers_free(struct session *s)
{
	while (s->answers) {
		struct answer *a = s->answers;

		s->answers = a->next;
		free_one(a);
	}
}
