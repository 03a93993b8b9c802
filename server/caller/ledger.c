#include "server/caller/ledger.h"

#include "audio/g711.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>

void ledger_init(struct ledger *l, uint32_t generation, enum ledger_proof proof)
{
	memset(l, 0, sizeof *l);
	l->generation = generation;
	l->proof = proof;
	l->next_seq = 1;
	l->first_mark_due = true;
}

static int64_t bytes_us(uint64_t bytes)
{
	return (int64_t)(bytes * 1000 / G711_BYTES_PER_MS);
}

static struct ledger_item *newest(struct ledger *l)
{
	return l->item_count ? &l->items[l->item_count - 1] : NULL;
}

static void drop_oldest_item(struct ledger *l)
{
	l->item_count--;
	memmove(l->items, l->items + 1, l->item_count * sizeof l->items[0]);
}

static void drop_marks(struct ledger *l, size_t count)
{
	l->mark_count -= count;
	memmove(l->marks, l->marks + count, l->mark_count * sizeof l->marks[0]);
}

bool ledger_sent(struct ledger *l, uint32_t no, size_t bytes, int64_t now_us)
{
	struct ledger_item *item = newest(l);
	bool begun = item && item->no == no;
	bool dry = l->far_end_us <= now_us;

	if (!begun) {
		/* More items on their way than we keep: the oldest is long played. */
		if (l->item_count == LEDGER_ITEMS)
			drop_oldest_item(l);
		l->items[l->item_count++] = (struct ledger_item){ .no = no, .begin = l->sent, .end = l->sent };
		item = newest(l);
	}
	if (dry) {
		/* The phone starts to play this now; an anchor left where it was
		 * would make the lead grow by the length of the pause. */
		l->far_end_us = now_us;
		l->first_mark_due = true;
		/* With no mark out the clock's word is all there will be for what
		 * went before; left unproven, the pause would count as time in
		 * which the new audio was heard. An account may still come, and
		 * until then that is not counted as heard. */
		if (l->proof == LEDGER_BY_ACCOUNT)
			l->paused_at = l->paused_at > l->proven ? l->paused_at : l->sent;
		else if (!l->mark_count)
			l->proven = l->sent;
	}
	if (l->proven == l->sent) /* it begins now, or behind what was let play */
		l->proven_us = l->far_end_us > now_us ? l->far_end_us : now_us;
	l->sent += bytes;
	item->end = l->sent;
	l->far_end_us += bytes_us(bytes);
	return begun && dry;
}

void ledger_ended(struct ledger *l, uint32_t no)
{
	for (size_t i = 0; i < l->item_count; i++)
		if (l->items[i].no == no)
			l->items[i].ended = true;
}

/* Three reasons for a mark: the first piece after a pause, to learn when the phone
 * began; every 200 ms, to learn where it is; the end of an item, to learn that it
 * was heard whole. With no room in the list it is left out, and the clock may then
 * be believed for longer. */
uint32_t ledger_mark(struct ledger *l)
{
	struct ledger_item *item = newest(l);
	bool end_due = item && item->ended && !item->marked;

	if (l->proof != LEDGER_BY_MARKS || !item ||
	    (!end_due && !l->first_mark_due && l->sent - l->last_mark_at < LEDGER_MARK_EVERY))
		return 0;
	if (end_due)
		item->marked = true;
	if (l->mark_count == LEDGER_MARKS)
		return 0;
	l->first_mark_due = false;
	l->last_mark_at = l->sent;
	l->marks[l->mark_count].seq = l->next_seq;
	l->marks[l->mark_count].at = l->sent;
	l->mark_count++;
	return l->next_seq++;
}

void ledger_name(const struct ledger *l, uint32_t seq, char name[LEDGER_NAME_SIZE])
{
	snprintf(name, LEDGER_NAME_SIZE, "g%u.%u", l->generation, seq);
}

bool ledger_named(const struct span *name, uint32_t *generation, uint32_t *seq)
{
	char text[LEDGER_NAME_SIZE];
	int end = 0;

	if (name->n >= sizeof text)
		return false;
	memcpy(text, name->p, name->n);
	text[name->n] = '\0';
	return sscanf(text, "g%9u.%9u%n", generation, seq, &end) == 2 && text[end] == '\0';
}

/* Echoes come in the order of their marks: an echo proves the marks before it, too.
 * The phone's queue ends where the phone is, and not where we thought it was. */
bool ledger_echo(struct ledger *l, uint32_t generation, uint32_t seq, int64_t now_us)
{
	size_t i = 0;

	if (generation != l->generation)
		return false;
	while (i < l->mark_count && l->marks[i].seq != seq)
		i++;
	if (i == l->mark_count)
		return false;
	l->proven = l->marks[i].at;
	l->proven_us = now_us;
	l->far_end_us = now_us + bytes_us(l->sent - l->proven);
	drop_marks(l, i + 1);
	return true;
}

bool ledger_proved(struct ledger *l, uint64_t position, int64_t now_us)
{
	if (position > l->sent)
		position = l->sent;
	if (position <= l->proven)
		return false;
	l->proven = position;
	l->proven_us = now_us;
	l->far_end_us = now_us + bytes_us(l->sent - l->proven);
	return true;
}

int64_t ledger_lead_us(const struct ledger *l, int64_t now_us)
{
	return l->far_end_us > now_us ? l->far_end_us - now_us : 0;
}

/* A short lead has less to give. */
static int64_t melt_us(int64_t lead_us)
{
	return lead_us / 4 < LEDGER_MELT_US ? lead_us / 4 : LEDGER_MELT_US;
}

size_t ledger_room(struct ledger *l, int64_t lead_us, int64_t now_us)
{
	int64_t missing_us = lead_us - ledger_lead_us(l, now_us);
	size_t size;

	l->ahead = missing_us < (l->ahead ? melt_us(lead_us) : 1);
	if (l->ahead)
		return 0;
	size = (size_t)(missing_us * G711_BYTES_PER_MS / 1000);
	if (missing_us == lead_us || size < LEDGER_PIECE_FIRST)
		return LEDGER_PIECE_FIRST;
	return size < LEDGER_PIECE_MAX ? size : LEDGER_PIECE_MAX;
}

int64_t ledger_room_us(const struct ledger *l, int64_t lead_us)
{
	return l->far_end_us - lead_us + (l->ahead ? melt_us(lead_us) : 0);
}

/* Up to the next mark that is out, time counts as playing; beyond it only the echo
 * does. A phone that plays late is so never ahead of itself in our book. */
uint64_t ledger_heard(const struct ledger *l, int64_t now_us)
{
	uint64_t limit = l->mark_count ? l->marks[0].at : l->paused_at > l->proven ? l->paused_at : l->sent;
	int64_t passed_us = now_us - l->proven_us;
	uint64_t heard;

	if (l->proven >= limit || passed_us <= 0)
		return l->proven;
	heard = l->proven + (uint64_t)passed_us * G711_BYTES_PER_MS / 1000;
	return heard < limit ? heard : limit;
}

/* Of this item, when all before `heard` was. */
static uint32_t heard_of(const struct ledger_item *item, uint64_t heard)
{
	if (heard <= item->begin)
		return 0;
	if (heard > item->end)
		heard = item->end;
	return (uint32_t)((heard - item->begin) / G711_BYTES_PER_MS);
}

/* When the item counts as played though no mark says so: a while after the phone
 * should have played it to its end, if there is a mark to wait for. */
static int64_t item_given_up_us(const struct ledger *l, const struct ledger_item *item)
{
	return l->far_end_us - bytes_us(l->sent - item->end) +
	       (l->proof != LEDGER_BY_CLOCK ? LEDGER_UNCONFIRMED_US : 0);
}

bool ledger_finished(struct ledger *l, int64_t now_us, struct heard *out)
{
	struct ledger_item *item = &l->items[0];

	if (!l->item_count || !item->ended)
		return false;
	out->no = item->no;
	out->heard_ms = heard_of(item, item->end);
	out->confirmed = l->proof != LEDGER_BY_CLOCK && l->proven >= item->end;
	if (l->proven < item->end) {
		int64_t given_up_us = item_given_up_us(l, item);
		size_t past = 0;

		if (now_us < given_up_us)
			return false;
		/* It must be over by now, whatever the marks say. Without any it was
		 * over at that moment, and what is behind it plays since then. */
		while (past < l->mark_count && l->marks[past].at <= item->end)
			past++;
		drop_marks(l, past);
		l->proven = item->end;
		l->proven_us = l->proof != LEDGER_BY_CLOCK ? now_us : given_up_us;
	}
	drop_oldest_item(l);
	return true;
}

int64_t ledger_deadline_us(const struct ledger *l)
{
	if (!l->item_count || !l->items[0].ended)
		return INT64_MAX;
	return item_given_up_us(l, &l->items[0]);
}

/* The phone may still say that it has played all. */
static bool unproven(const struct ledger *l)
{
	return l->mark_count || (l->proof == LEDGER_BY_ACCOUNT && l->proven < l->sent);
}

int64_t ledger_dry_us(const struct ledger *l)
{
	if (!l->item_count || l->items[l->item_count - 1].ended)
		return INT64_MAX;
	return l->far_end_us + (unproven(l) ? LEDGER_UNCONFIRMED_US : 0);
}

bool ledger_playing(const struct ledger *l)
{
	return l->item_count > 0;
}

/* What was heard of each item, when all before `heard` was; then all of them and the marks are forgotten. */
static size_t forget(
    struct ledger *l, uint32_t generation, uint64_t heard, bool confirmed, struct heard *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < l->item_count && count < max; i++, count++) {
		out[count].no = l->items[i].no;
		out[count].heard_ms = heard_of(&l->items[i], heard);
		out[count].confirmed = confirmed;
	}
	l->generation = generation;
	l->item_count = l->mark_count = 0;
	l->proven = l->last_mark_at = l->sent;
	l->first_mark_due = true;
	return count;
}

/* All that was sent counts as done with: the next audio begins at `sent`, on a phone that
 * plays nothing. */
size_t ledger_cut(struct ledger *l, uint32_t generation, int64_t now_us, struct heard *out, size_t max)
{
	size_t count = forget(l, generation, ledger_heard(l, now_us), l->proof == LEDGER_BY_MARKS, out, max);

	l->proven_us = l->far_end_us = now_us;
	return count;
}

size_t ledger_cut_at(
    struct ledger *l, uint32_t generation, uint64_t position, int64_t now_us, struct heard *out, size_t max)
{
	size_t count = forget(l, generation, position, true, out, max);

	l->proven_us = l->far_end_us = now_us;
	return count;
}

size_t ledger_let_play(struct ledger *l, uint32_t generation, struct heard *out, size_t max)
{
	size_t count = forget(l, generation, l->sent, false, out, max);

	l->proven_us = l->far_end_us;
	return count;
}
