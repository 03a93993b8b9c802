#include "server/agent/replay.h"

#include "server/agent/dialogue/dialogue.h"
#include "server/model/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE_BYTES = 16,  /* what a piece costs besides its text */
	FIRST_WORDS = 160, /* bytes of what is left out that are told … */
	TOOLS_NAMED = 400  /* … and of the names of tools in it */
};

/* ------------------------------------------------------------------------- pieces */

static struct replay_piece *add(struct replay *r, enum replay_kind kind, const char *text, size_t len)
{
	if (r->count == r->room)
		return NULL; /* there is room for all, if anybody counted right */
	r->pieces[r->count] = (struct replay_piece){ .kind = kind, .text = text, .len = len };
	return &r->pieces[r->count++];
}

/* A text of its own; without memory for it the piece is left out. */
static struct replay_piece *add_own(struct replay *r, enum replay_kind kind, const char *text)
{
	char *own = strdup(text);
	struct replay_piece *piece = own ? add(r, kind, own, strlen(own)) : NULL;

	if (piece)
		piece->own = own;
	else
		free(own);
	return piece;
}

static void add_keys(struct replay *r, struct turn *turn)
{
	char text[2 * DIGITS_MAX + 80];
	struct replay_piece *piece;

	words_keys(text, sizeof text, buf_text(&turn->text));
	if ((piece = add_own(r, REPLAY_CALLER, text)))
		piece->turn = turn;
}

static void add_turn(struct replay *r, struct turn *turn)
{
	bool agents = turn->kind == TURN_AGENT;
	struct replay_piece *piece;
	const char *text;
	size_t len;

	if (turn->kind == TURN_KEYS) {
		add_keys(r, turn);
		return;
	}
	text = timeline_said_text(turn, &len);
	if (!len && agents)
		return; /* nobody heard anything */
	if (!len && turn->text_final)
		return;
	piece = len ? add(r, agents ? REPLAY_AGENT : REPLAY_CALLER, text, len)
		    : add(r, REPLAY_NOTE, words_unwritten, strlen(words_unwritten));
	if (piece)
		piece->turn = turn;
}

/* A long one says that it goes on, and is cut. */
static bool put_output(struct buf *text, const struct tool_run *run, size_t most)
{
	const char *output = run->output ? run->output : words_output_left_out;
	size_t len = strlen(output), fits = toolbox_fit(output, most);

	buf_put(text, output, fits);
	if (fits < len)
		words_output_goes_on(text, len - fits);
	return fits < len;
}

/* In words: a session takes no result for a call that was not its own server's. */
static bool put_foreign(struct buf *text, const struct tool_run *run, const char *arguments, size_t most)
{
	words_put_called(text, run->name, run->answered ? arguments : "");
	buf_puts(text, !run->answered ? words_it_is_not_known : run->ok ? words_it_worked : words_it_failed);
	return run->ok && put_output(text, run, most);
}

/* Neither stands in the way of the conversation before it: each has a part of the room, and the larger one if an
 * answer may still rest on it. */
static void add_run(struct replay *r, const struct replay_source *from, struct tool_run *run)
{
	size_t most = from->bytes / (run->no == from->box->count ? 2 : 4);
	const char *arguments = toolbox_arguments(run, most / 2);
	struct replay_piece *call = NULL, *piece;
	struct buf text;
	bool cut;

	buf_init(&text, 0);
	if (run->foreign) {
		cut = put_foreign(&text, run, arguments, most);
	} else {
		call = add(r, REPLAY_CALL, arguments, strlen(arguments));
		cut = put_output(&text, run, most);
	}
	piece = buf_error(&text) ? NULL : add_own(r, call ? REPLAY_RESULT : REPLAY_NOTE, buf_text(&text));
	buf_free(&text);
	if (piece) {
		piece->run = run;
		piece->cut = cut;
	}
	if (piece && call)
		call->run = run;
	else if (call)
		r->count--;
}

/* --------------------------------------------------------------------------- all of it */

/* Of one that runs elsewhere it is known with its session's end what came of it: nothing. */
static bool is_told(const struct replay_source *from, const struct tool_run *run)
{
	bool due = run->told || (run->foreign && !run->answered && !from->settled);

	return due && run->session != from->session && run->left_out_of != from->session;
}

/* What was left out once would come behind what is newer. */
static bool is_to_tell(const struct replay_source *from, const struct turn *turn)
{
	if (turn->session == from->session || turn->left_out_of == from->session)
		return false;
	return turn->kind == TURN_AGENT || turn->text_final || !from->text;
}

/* Of a turn of the caller the words may still come. */
static bool is_settled(const struct replay_source *from, const struct turn *turn)
{
	if (turn->kind == TURN_AGENT)
		return turn->heard_known;
	return turn->kind == TURN_KEYS || turn->text_final || turn->transcript_failed || !from->written;
}

/* How many turns cannot change any more: up to the agent's last one before any that may. */
static size_t settled(const struct replay_source *from)
{
	const struct timeline *t = from->timeline;
	size_t count = 0;

	for (size_t i = 0; i < t->count && is_settled(from, &t->turns[i]); i++)
		if (t->turns[i].kind == TURN_AGENT)
			count = i + 1;
	return count;
}

/* Tools stand before the turns that came after their call. */
static void add_all(struct replay *r, const struct replay_source *from)
{
	size_t turns = from->settled ? settled(from) : from->timeline->count, run = 0;

	for (size_t i = 0; i < turns; i++) {
		struct turn *turn = &from->timeline->turns[i];

		for (; run < from->box->count && from->box->runs[run].at_ms < turn->at_ms; run++)
			if (is_told(from, &from->box->runs[run]))
				add_run(r, from, &from->box->runs[run]);
		if (is_to_tell(from, turn))
			add_turn(r, turn);
	}
	for (; !from->settled && run < from->box->count; run++)
		if (is_told(from, &from->box->runs[run]))
			add_run(r, from, &from->box->runs[run]);
}

static void add_running(struct replay *r, const struct replay_source *from)
{
	char note[FOREIGN_ID_SIZE + 200];

	for (size_t i = 0; i < from->box->count; i++) {
		const struct tool_run *run = &from->box->runs[i];

		if (run->told || run->foreign || run->session == from->session)
			continue;
		words_running(note, sizeof note, run->name);
		add_own(r, REPLAY_NOTE, note);
	}
}

/* ------------------------------------------------------------------------- its bound */

static size_t cost(const struct replay_piece *p)
{
	return p->len + PIECE_BYTES + (p->run ? strlen(p->run->name) : 0);
}

/* The newest piece alone may be too long: then it is told from there on. */
static void shorten(struct replay_piece *p, size_t most)
{
	size_t skip = p->len > most ? p->len - most : 0;

	while (skip < p->len && ((unsigned char)p->text[skip] & 0xc0) == 0x80)
		skip++;
	p->text += skip;
	p->len -= skip;
}

/* The first piece for which there is room. A result stays with its call. */
static size_t first_kept(struct replay *r, size_t bytes)
{
	size_t first = r->count, sum = 0;

	while (first > 1 && sum + cost(&r->pieces[first - 1]) <= bytes)
		sum += cost(&r->pieces[--first]);
	if (first == r->count && first > 1 && !r->pieces[first - 1].run)
		shorten(&r->pieces[--first], bytes);
	if (first < r->count && r->pieces[first].kind == REPLAY_RESULT)
		first++;
	return first;
}

/* The tools among the pieces before `first`, each once for what came of it. */
static void put_tools(struct buf *out, const struct replay *r, size_t first)
{
	char one[2 * FOREIGN_ID_SIZE + 20];

	for (size_t i = 1; i < first && out->len < TOOLS_NAMED; i++) {
		const struct tool_run *run = r->pieces[i].run;

		if (!run || r->pieces[i].kind == REPLAY_RESULT)
			continue;
		snprintf(one, sizeof one, ", %s: %s", run->name,
		    run->ok         ? "ok"
		    : run->answered ? "failed"
				    : "not known");
		if (!strstr(buf_text(out), one))
			buf_puts(out, one);
	}
}

/* No model is asked for this: how much it is, how it began, and what was done. False: there is nothing to be said. */
static bool sum_up(struct replay *r, size_t first, size_t begun)
{
	struct replay_piece *line = &r->pieces[0], *at = &r->pieces[begun];
	size_t len = at->len < FIRST_WORDS ? at->len : FIRST_WORDS;
	struct buf text, tools;

	while (len && len < at->len && ((unsigned char)at->text[len] & 0xc0) == 0x80)
		len--;
	buf_init(&text, 0);
	buf_init(&tools, 0);
	put_tools(&tools, r, first);
	words_put_left_out(&text, r->left_out, at->text, len, tools.len ? buf_text(&tools) + 2 : "");
	line->own = text.len && !buf_error(&text) ? strdup(buf_text(&text)) : NULL;
	line->text = line->own;
	line->len = line->own ? strlen(line->own) : 0;
	buf_free(&tools);
	buf_free(&text);
	return line->own;
}

/* Its line, or nothing, stands in the place that is kept for it in front. */
static void keep_newest(struct replay *r, const struct replay_source *from)
{
	size_t first = first_kept(r, from->bytes), begun = 0;
	bool summed;

	for (size_t i = first; i-- > 1;) {
		if (r->pieces[i].turn)
			r->pieces[i].turn->left_out_of = from->session;
		if (r->pieces[i].run)
			r->pieces[i].run->left_out_of = from->session;
		if (r->pieces[i].kind != REPLAY_CALLER && r->pieces[i].kind != REPLAY_AGENT)
			continue;
		r->left_out++;
		begun = i;
	}
	summed = sum_up(r, first, begun);
	for (size_t i = 1; i < first; i++)
		free(r->pieces[i].own);
	memmove(r->pieces + 1, r->pieces + first, (r->count - first) * sizeof *r->pieces);
	r->count -= first - 1;
	if (!summed)
		memmove(r->pieces, r->pieces + 1, --r->count * sizeof *r->pieces);
}

/* ---------------------------------------------------------------------------- outside */

bool replay_make(struct replay *r, const struct replay_source *from)
{
	size_t said = from->said ? from->said->count : 0;

	/* Two for each run, and its line; the sum, the note behind what was said, the place. */
	memset(r, 0, sizeof *r);
	r->room = said + from->timeline->count + 3 * from->box->count + 3;
	if (!(r->pieces = calloc(r->room, sizeof *r->pieces)))
		return false;
	add(r, REPLAY_NOTE, "", 0);
	for (size_t i = 0; i < said; i++)
		add(r, from->said->turns[i].agents ? REPLAY_AGENT : REPLAY_CALLER, from->said->turns[i].text,
		    strlen(from->said->turns[i].text));
	if (said || from->back[0])
		add(r, REPLAY_NOTE, from->back, strlen(from->back));
	add_all(r, from);
	keep_newest(r, from);
	if (!from->settled)
		add_running(r, from);
	if (from->place[0])
		add(r, REPLAY_NOTE, from->place, strlen(from->place));
	return true;
}

void replay_free(struct replay *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->pieces[i].own);
	free(r->pieces);
	memset(r, 0, sizeof *r);
}
