#include "tools/phone/talker.h"

#include <stdlib.h>
#include <string.h>

#include "tools/phone/clock.h"

enum {
	START_TICKS = 300 / TICK_MS, /* from the first token to agentSpeaking, as was seen */
	DRY_TICKS = 600 / TICK_MS,   /* a pause is longer */
	SOUND_TICKS = 1000 / TICK_MS,
	KEY_TICKS = 200 / TICK_MS,
	PAUSE_TICKS = 500 / TICK_MS,
	LOOPS_FOR_EVER = 1000,
	TELL_BYTES = 24 /* tokensPlayed comes after so much and a word's end */
};

void talker_init(struct talker *t, double characters_a_second)
{
	*t = (struct talker){ .pace = characters_a_second * TICK_MS / 1000 };
}

void talker_close(struct talker *t)
{
	for (size_t i = 0; i < t->cycle_count; i++) {
		text_free(&t->cycles[i].sent);
		free(t->cycles[i].language);
	}
	for (size_t i = 0; i < t->piece_count; i++)
		free(t->pieces[i].text);
	free(t->cycles);
	free(t->pieces);
	*t = (struct talker){ 0 };
}

static struct cycle *current(struct talker *t, const char *language)
{
	if (!t->in_cycle) {
		t->cycles = need_more(t->cycles, (t->cycle_count + 1) * sizeof *t->cycles);
		t->cycles[t->cycle_count++] = (struct cycle){ .language = need_copy(language), .arrived_tick = t->now };
		t->in_cycle = true;
	}
	return &t->cycles[t->cycle_count - 1];
}

static void drop_piece(struct talker *t, size_t i)
{
	free(t->pieces[i].text);
	t->piece_count--;
	memmove(t->pieces + i, t->pieces + i + 1, (t->piece_count - i) * sizeof *t->pieces);
}

/* A message of a later cycle cuts off what may be cut off by that. */
static void preempt(struct talker *t)
{
	for (size_t i = 0; i < t->piece_count;) {
		if (t->pieces[i].preemptible && t->pieces[i].cycle + 1 < t->cycle_count) {
			t->cycles[t->pieces[i].cycle].cut = true;
			drop_piece(t, i);
		} else {
			i++;
		}
	}
}

static struct piece *add_piece(struct talker *t, enum piece_kind kind, const struct manner *m)
{
	struct piece *p;

	preempt(t);
	if (!t->piece_count && !t->speaking)
		t->wait = START_TICKS;
	t->pieces = need_more(t->pieces, (t->piece_count + 1) * sizeof *t->pieces);
	p = &t->pieces[t->piece_count++];
	*p = (struct piece){ .kind = kind,
		.cycle = t->cycle_count - 1,
		.interruptible = m->interruptible,
		.preemptible = m->preemptible };
	return p;
}

void talker_words(struct talker *t, const char *words, bool last, const struct manner *m)
{
	struct cycle *c = current(t, m->language);
	struct piece *p = t->piece_count ? &t->pieces[t->piece_count - 1] : NULL;

	c->tokens++;
	text_puts(&c->sent, words);
	if (*words && p && p->kind == PIECE_WORDS && p->cycle == t->cycle_count - 1 &&
	    p->interruptible == m->interruptible && p->preemptible == m->preemptible)
		p->until = c->sent.len;
	else if (*words)
		add_piece(t, PIECE_WORDS, m)->until = c->sent.len;
	if (last) {
		c->last = true;
		t->in_cycle = false;
	}
}

void talker_greet(struct talker *t, const char *words, const struct manner *m)
{
	talker_words(t, words, true, m);
	t->cycles[t->cycle_count - 1].greeting = true;
}

void talker_sound(struct talker *t, const char *address, long loops, const struct manner *m)
{
	struct piece *p;

	current(t, m->language);
	p = add_piece(t, PIECE_SOUND, m);
	p->text = need_copy(address);
	p->ticks = (uint32_t)(loops ? loops : LOOPS_FOR_EVER) * SOUND_TICKS;
}

void talker_keys(struct talker *t, const char *keys, const struct manner *m)
{
	struct piece *p;

	current(t, m->language);
	p = add_piece(t, PIECE_KEYS, m);
	p->text = need_copy(keys);
	p->ticks = 0;
}

/* Up to where the cycle's text may be spoken now: without the word that may go on. */
static size_t speakable(const struct talker *t, const struct piece *p)
{
	const struct cycle *c = &t->cycles[p->cycle];
	size_t until = p->until;

	if (c->last || p != &t->pieces[t->piece_count - 1])
		return until;
	while (until > c->spoken && c->sent.data[until - 1] != ' ')
		until--;
	return until;
}

/* As many characters as the pace gives; true if there was one. */
static bool speak(struct talker *t, struct piece *p, struct talker_news *news)
{
	struct cycle *c = &t->cycles[p->cycle];
	size_t until = speakable(t, p);
	bool some = c->spoken < until;

	if (some) {
		news->began = !c->begun;
		if (news->began)
			c->begin_tick = t->now;
		c->begun = true;
		t->credit += t->pace;
		c->end_tick = t->now + 1;
	}
	while (c->spoken < until && t->credit >= 1) {
		do
			c->spoken++;
		while (c->spoken < until && ((uint8_t)c->sent.data[c->spoken] & 0xC0) == 0x80);
		t->credit -= 1;
	}
	return some;
}

static bool press(struct piece *p, struct talker_news *news)
{
	if (p->ticks) {
		p->ticks--;
		return true;
	}
	news->key = *p->text;
	p->ticks = *p->text == 'w' || *p->text == 'W' ? PAUSE_TICKS : KEY_TICKS;
	memmove(p->text, p->text + 1, strlen(p->text));
	return true;
}

static bool is_over(const struct talker *t, const struct piece *p)
{
	switch (p->kind) {
	case PIECE_WORDS:
		return t->cycles[p->cycle].spoken >= p->until;
	case PIECE_KEYS:
		return !p->ticks && !*p->text;
	default:
		return !p->ticks;
	}
}

/* What was spoken and not told, when it is worth a message: `all` tells the rest. */
static void account(struct talker *t, bool all, struct talker_news *news)
{
	while (t->told_cycle < t->cycle_count) {
		const struct cycle *c = &t->cycles[t->told_cycle];
		size_t until = c->spoken;
		bool over = c->cut || (c->last && c->spoken == c->sent.len);

		while (!over && !all && until > t->told && c->sent.data[until - 1] != ' ')
			until--;
		if (until > t->told && (over || all || until - t->told >= TELL_BYTES)) {
			news->played = c->sent.data + t->told;
			news->played_len = until - t->told;
			t->told = until;
			return;
		}
		if (!over || t->told_cycle + 1 == t->cycle_count)
			return;
		t->told_cycle++;
		t->told = 0;
	}
}

bool talker_tick(struct talker *t, uint32_t tick, struct talker_news *news)
{
	bool sounds = false;

	*news = (struct talker_news){ 0 };
	t->now = tick;
	if (t->piece_count && !t->speaking && t->wait) {
		t->wait--;
		return false;
	}
	if (t->piece_count) {
		struct piece *p = &t->pieces[0];

		if (p->kind == PIECE_WORDS)
			sounds = speak(t, p, news);
		else if (p->kind == PIECE_KEYS)
			sounds = press(p, news);
		else if (p->ticks)
			sounds = p->ticks-- > 0;
		if (is_over(t, p))
			drop_piece(t, 0);
	}
	news->on = sounds && !t->speaking;
	t->dry = sounds ? 0 : t->dry + 1;
	if (sounds)
		t->speaking = true;
	else
		t->credit = 0;
	news->off = t->speaking && !sounds && (t->dry >= DRY_TICKS || (!t->piece_count && !t->in_cycle));
	if (news->off)
		t->speaking = false;
	account(t, news->off, news);
	return sounds;
}

/* Bytes spoken of a cycle, without a word that is not over and the blank before it. */
static size_t whole_words(const struct cycle *c)
{
	size_t n = c->spoken;

	while (n && n < c->sent.len && c->sent.data[n] != ' ' && c->sent.data[n - 1] != ' ')
		n--;
	while (n && c->sent.data[n - 1] == ' ')
		n--;
	return n;
}

void talker_tell(struct talker *t, struct talker_news *news)
{
	const struct cycle *c = t->piece_count ? &t->cycles[t->pieces[0].cycle] : NULL;
	size_t until = c ? whole_words(c) : 0;

	*news = (struct talker_news){ 0 };
	if (!c || t->told_cycle != t->pieces[0].cycle || until <= t->told)
		return;
	news->played = c->sent.data + t->told;
	news->played_len = until - t->told;
	t->told = until;
}

bool talker_can_be_cut(const struct talker *t, int input)
{
	return t->piece_count && (t->speaking || !t->wait) && (t->pieces[0].interruptible & input);
}

void talker_cut(struct talker *t, struct text *heard, uint32_t *ms)
{
	struct cycle *c = t->piece_count ? &t->cycles[t->pieces[0].cycle] : NULL;

	*ms = c && c->begun ? (t->now - c->begin_tick) * TICK_MS : 0;
	if (c)
		text_add(heard, text_str(&c->sent), whole_words(c));
	if (c && t->told_cycle == t->pieces[0].cycle)
		t->told = c->spoken;
	while (t->piece_count) {
		t->cycles[t->pieces[t->piece_count - 1].cycle].cut = true;
		drop_piece(t, t->piece_count - 1);
	}
	if (t->in_cycle)
		t->cycles[t->cycle_count - 1].cut = true;
	t->in_cycle = false;
}

bool talker_has_spoken(const struct talker *t, const char *words, uint32_t since)
{
	for (size_t i = 0; i < t->cycle_count; i++) {
		const struct cycle *c = &t->cycles[i];

		if (c->arrived_tick >= since && c->spoken && memmem(c->sent.data, c->spoken, words, strlen(words)))
			return true;
	}
	return false;
}

bool talker_has_finished(const struct talker *t, uint32_t since)
{
	for (size_t i = 0; i < t->cycle_count; i++)
		if (t->cycles[i].arrived_tick >= since && t->cycles[i].last)
			return true;
	return false;
}
