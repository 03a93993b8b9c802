#include "server/agent/timeline.h"

#include "server/line/heard.h"
#include "server/model/words.h"
#include "server/news/journal_json.h"

#include <stdlib.h>
#include <string.h>

enum { PACE_MS = 2000 /* of whole answers: by less no other is judged */ };

void timeline_init(struct timeline *t)
{
	memset(t, 0, sizeof *t);
}

void timeline_free(struct timeline *t)
{
	for (size_t i = 0; i < t->count; i++) {
		buf_free(&t->turns[i].text);
		free(t->turns[i].item_id);
		free(t->turns[i].heard_as);
	}
	free(t->turns);
	timeline_init(t);
}

struct turn *timeline_find(struct timeline *t, const char *item_id)
{
	if (!item_id[0])
		return NULL;
	for (size_t i = t->count; i > 0; i--)
		if (t->turns[i - 1].item_id && !strcmp(t->turns[i - 1].item_id, item_id))
			return &t->turns[i - 1];
	return NULL;
}

/* The model names an item before it has words, and transcripts come late: so the turn is
 * made at the first sign of its item, and later events find it by the id. */
struct turn *timeline_turn(struct timeline *t, enum turn_kind kind, const char *item_id, int64_t at_ms)
{
	struct turn *turn = timeline_find(t, item_id);
	char *id = NULL;

	if (turn)
		return turn;
	if (t->count == t->cap && t->cap < TIMELINE_TURNS) {
		size_t cap = t->cap ? t->cap * 2 : 8;
		struct turn *grown;

		if (cap > TIMELINE_TURNS)
			cap = TIMELINE_TURNS;
		grown = realloc(t->turns, cap * sizeof *grown);
		if (grown) {
			t->turns = grown;
			t->cap = cap;
		}
	}
	if (t->count == t->cap || (item_id[0] && !(id = strdup(item_id)))) {
		t->turns_dropped++;
		return NULL;
	}
	turn = &t->turns[t->count++];
	memset(turn, 0, sizeof *turn);
	turn->kind = kind;
	turn->item_id = id;
	turn->at_ms = at_ms;
	turn->status = "in_progress";
	turn->after_event_ms = turn->after_speech_ms = -1;
	buf_init(&turn->text, TIMELINE_TEXT);
	timeline_settled(t, turn);
	return turn;
}

bool timeline_rename(struct timeline *t, struct turn *turn, const char *item_id)
{
	char *id = strdup(item_id);

	if (!id)
		return false;
	free(turn->item_id);
	turn->item_id = id;
	timeline_settled(t, turn);
	return true;
}

/* As much of a text as there is room for, whole characters only; what is not is counted. */
static size_t fitting(struct timeline *t, const char *text, size_t len)
{
	size_t room = TIMELINE_TEXT - t->text_len;

	if (len <= room)
		return len;
	t->text_dropped += len - room;
	while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

static void clear(struct timeline *t, struct turn *turn)
{
	t->text_len -= turn->text.len;
	buf_reset(&turn->text);
}

static void note_change(struct timeline *t, const struct turn *turn)
{
	size_t no = (size_t)(turn - t->turns);

	t->dirty = true;
	if (t->put > no)
		t->put = no;
}

static void append(struct timeline *t, struct turn *turn, const char *text)
{
	size_t len = fitting(t, text, strlen(text));

	buf_put(&turn->text, text, len);
	if (!buf_error(&turn->text))
		t->text_len += len;
	note_change(t, turn);
	t->forming = turn->text_final ? 0 : (size_t)(turn - t->turns) + 1;
}

/* Deltas are appended, and the whole text replaces them at the end, since deltas may have
 * been lost or corrected. Text over the bound is cut, and counted. */
void timeline_text(struct timeline *t, struct turn *turn, const char *text, bool whole)
{
	if (!turn)
		return;
	if (whole) {
		clear(t, turn);
		turn->text_final = true;
	}
	if (whole && turn->torn && text[0])
		append(t, turn, words_torn);
	append(t, turn, text);
	if (whole)
		timeline_settled(t, turn);
}

void timeline_forming(struct timeline *t, struct turn *turn, const char *text)
{
	if (!turn)
		return;
	clear(t, turn);
	append(t, turn, text);
}

void timeline_settled(struct timeline *t, struct turn *turn)
{
	t->news = turn->news = true;
	note_change(t, turn);
}

int timeline_next_news(struct timeline *t)
{
	for (size_t i = 0; t->news && i < t->count; i++) {
		if (t->turns[i].news) {
			t->turns[i].news = false;
			return (int)i;
		}
	}
	t->news = false;
	return -1;
}

int timeline_next_forming(struct timeline *t)
{
	int no = (int)t->forming - 1;

	t->forming = 0;
	return no;
}

/* Only one response is made at a time, so all of them are of that one. */
const struct turn *timeline_end_silent(struct timeline *t, const char *status)
{
	for (size_t i = 0; i < t->count; i++) {
		struct turn *turn = &t->turns[i];

		if (turn->kind != TURN_AGENT || turn->sound || strcmp(turn->status, "in_progress") != 0)
			continue;
		turn->status = status;
		turn->heard_known = turn->heard_confirmed = true;
		timeline_settled(t, turn);
		return turn;
	}
	return NULL;
}

size_t timeline_untranscribed(const struct timeline *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->turns[i].kind == TURN_CALLER && !t->turns[i].text_final && !t->turns[i].transcript_failed)
			count++;
	return count;
}

/* True at the start of a character of a script that writes no spaces between
 * words: Chinese, Japanese, Thai, Lao (UTF-8 lead bytes e3 to ef; e0 b8 to e0 bb). */
static bool unspaced(const char *text)
{
	unsigned char lead = (unsigned char)text[0], next = lead ? (unsigned char)text[1] : 0;

	return (lead >= 0xe3 && lead <= 0xef) || (lead == 0xe0 && next >= 0xb8 && next <= 0xbb);
}

size_t timeline_heard_bytes(const char *text, uint32_t heard_ms, uint32_t generated_ms)
{
	size_t len = strlen(text), heard;

	if (!generated_ms)
		return 0; /* text without audio was not heard */
	if (heard_ms >= generated_ms)
		return len;
	heard = (size_t)((uint64_t)len * heard_ms / generated_ms);
	/* A word that was half heard does not count. */
	while (heard > 0 && text[heard] != ' ' && !unspaced(text + heard))
		heard--;
	return heard;
}

void timeline_broke_off(const struct timeline *t, struct turn *turn)
{
	uint64_t ms = 0, bytes = 0;

	for (const struct turn *whole = t->turns; whole < t->turns + t->count; whole++) {
		if (!whole->sound || whole->by_bytes || !whole->text_final || strcmp(whole->status, "completed") != 0)
			continue;
		ms += whole->generated_ms;
		bytes += whole->text.len;
	}
	if (ms >= PACE_MS && bytes && !turn->by_bytes)
		turn->whole_ms = (uint32_t)(turn->text.len * ms / bytes);
}

/* How long all of its text is. */
static uint32_t text_ms(const struct turn *turn)
{
	return turn->whole_ms > turn->generated_ms ? turn->whole_ms : turn->generated_ms;
}

const char *timeline_heard(const struct turn *turn, size_t *len)
{
	const char *text = turn->heard_as ? turn->heard_as : buf_text(&turn->text);
	size_t heard = turn->heard_ms / SPOKEN_MS_PER_BYTE;

	*len = strlen(text);
	if (turn->heard_as || (turn->by_bytes && turn->heard_confirmed && heard >= *len))
		return text;
	if (turn->by_bytes && turn->heard_confirmed)
		for (*len = heard; *len && ((unsigned char)text[*len] & 0xc0) == 0x80;)
			--*len;
	else
		*len = timeline_heard_bytes(text, turn->heard_ms, text_ms(turn));
	return text;
}

void timeline_heard_as(struct timeline *t, struct turn *turn, const char *words, size_t len)
{
	len = fitting(t, words, len);
	free(turn->heard_as);
	turn->heard_as = strndup(words, len);
	if (turn->heard_as)
		t->text_len += len;
}

/* NULL as the text says that it is not known yet; "" is a text without words. */
void timeline_tell(const struct turn *turn, struct call_turn *out)
{
	static const char *const who[] = { "caller", "keys", "agent" };
	bool unknown = turn->kind == TURN_CALLER && !turn->text_final && !turn->text.len;

	*out = (struct call_turn){ .who = who[turn->kind],
		.item_id = turn->item_id,
		.text = unknown ? NULL : buf_text(&turn->text),
		.at_ms = turn->at_ms,
		.transcript_failed = turn->transcript_failed };
	if (turn->kind != TURN_AGENT)
		return;
	out->spoken = true;
	out->status = turn->status;
	out->generated_ms = turn->generated_ms;
	out->heard_ms = turn->heard_ms;
	out->heard_text = timeline_heard(turn, &out->heard_len);
	out->heard_exact = turn->by_bytes && turn->heard_confirmed && !turn->heard_as;
	out->heard_known = turn->heard_known;
	out->heard_confirmed = turn->heard_confirmed;
	out->interrupted = turn->interrupted;
	out->after_event_ms = turn->after_event_ms;
	out->after_speech_ms = turn->after_speech_ms;
}

/* The number of the first turn that is shown. */
static size_t first_shown(const struct timeline *t)
{
	size_t first = t->count, text = 0;

	while (first > 0 && t->count - first < TIMELINE_SHOWN_TURNS) {
		text += t->turns[first - 1].text.len;
		if (text > TIMELINE_SHOWN_TEXT)
			break;
		first--;
	}
	return first;
}

size_t timeline_put_json(struct timeline *t, struct buf *out)
{
	size_t first = first_shown(t);
	struct call_turn turn;
	struct json_out j;

	if (t->put <= first || t->put_first != first || t->put_len != out->len) {
		buf_reset(out);
		t->put = t->put_first = first;
	} else {
		out->len = t->turns[t->put - 1].put_to;
	}
	for (; t->put < t->count; t->put++) {
		buf_putc(out, t->put > first ? ',' : '[');
		j = json_out_to(out);
		timeline_tell(&t->turns[t->put], &turn);
		journal_put_turn(&j, NULL, &turn);
		t->turns[t->put].put_to = out->len;
	}
	buf_puts(out, t->count > first ? "]" : "[]");
	t->put_len = buf_error(out) ? 0 : out->len;
	t->dirty = false;
	return first;
}

const char *timeline_said_text(const struct turn *turn, size_t *len)
{
	if (turn->kind == TURN_AGENT && turn->heard_known)
		return timeline_heard(turn, len);
	*len = turn->whole_ms ? timeline_heard_bytes(buf_text(&turn->text), turn->generated_ms, text_ms(turn))
			      : turn->text.len;
	return buf_text(&turn->text);
}

static size_t said_bytes(const struct turn *turn)
{
	size_t len;

	timeline_said_text(turn, &len);
	return len;
}

struct fleet_said *timeline_said(const struct timeline *t, size_t turns, size_t bytes)
{
	size_t first = t->count, sum = 0, before = t->before ? t->before->count : 0, from = before;
	struct fleet_said *out;

	while (first && turns && sum + said_bytes(&t->turns[first - 1]) <= bytes) {
		size_t len = said_bytes(&t->turns[--first]);

		sum += len;
		turns -= len > 0;
	}
	for (; !first && from && turns && sum + strlen(t->before->turns[from - 1].text) <= bytes; turns--)
		sum += strlen(t->before->turns[--from].text);
	out = fleet_said_new(before - from + t->count - first);
	for (size_t i = from; out && i < before; i++)
		fleet_said_add(
		    out, t->before->turns[i].agents, t->before->turns[i].text, strlen(t->before->turns[i].text));
	for (size_t i = first; out && i < t->count; i++) {
		size_t len;
		const char *text = timeline_said_text(&t->turns[i], &len);

		if (len)
			fleet_said_add(out, t->turns[i].kind == TURN_AGENT, text, len);
	}
	return out;
}
