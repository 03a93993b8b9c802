/* Three sources, in this order: calls the dialer still has to place, the
 * table of lines, the store. A call may be in two of them: it is kept when
 * it ends, and stays in memory for a while. Memory is read first and wins.
 *
 * Memory holds some hundred calls, so all of them are taken and sorted. The
 * store is asked for one page only, already filtered and sorted by its
 * index.
 */
#include "server/web/api/call_list.h"

#include "server/dialer/dialer_show.h"
#include "server/line/calls.h"
#include "server/line/calls_shown.h"
#include "server/news/journal_json.h"
#include "server/phone/party.h"
#include "server/store/store_calls.h"
#include "server/web/api/list_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the question */

struct asked {
	struct call_filter filter;
	int limit;
	bool begun;      /* there is a cursor: */
	bool after_live; /* the last page ended in the live ones, at … */
	struct call_mark after;
};

/* A party in a query, spelled as calls are kept. An unescaped plus has become a blank,
 * which does no harm. What names nobody is left as it is, and finds nothing. */
static const char *party_param(
    const struct request *q, const char *name, struct party (*read)(const char *), struct party *room)
{
	const char *text = request_param(q, name);

	if (!text)
		return NULL;
	*room = read(text);
	return room->kind == PARTY_NONE ? text : room->text;
}

/* A misspelt ending must not look like "no such calls". */
static bool known_ending(const char *name)
{
	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		if (!strcmp(call_ending((enum call_end)end)->json, name))
			return true;
	return false;
}

/* "l1795169730123.CA…" for a page that ended among the live ones; with e,
 * among those that ended. The time is that of the reservation in ms. The
 * client gives it back as it came. */
static bool read_cursor(const struct request *q, struct asked *a, struct response *r)
{
	const char *text = request_param(q, "cursor"), *digits;
	size_t len;

	if (!text)
		return true;
	digits = text + (*text == 'l' || *text == 'e');
	len = strspn(digits, "0123456789");
	if (digits == text || !len || len > 15 || digits[len] != '.' ||
	    strlen(digits + len + 1) >= sizeof a->after.call_sid)
		return list_refuse(r, "cursor", "must be the `next` of an earlier page");
	a->begun = true;
	a->after_live = *text == 'l';
	a->after.reserved_ms = strtoll(digits, NULL, 10);
	snprintf(a->after.call_sid, sizeof a->after.call_sid, "%s", digits + len + 1);
	return true;
}

struct parties {
	struct party from, to;
};

/* All of the query, or the first defect in `r`. `room` holds what the filter borrows. */
static bool read_asked(const struct request *q, struct asked *a, struct parties *room, struct response *r)
{
	*a = (struct asked){ .filter = { .agent = request_param(q, "agent"),
				 .from = party_param(q, "from", party_from, &room->from),
				 .to = party_param(q, "to", party_to, &room->to),
				 .ending = request_param(q, "ending"),
				 .direction = request_param(q, "direction"),
				 .since_ms = INT64_MIN,
				 .until_ms = INT64_MAX } };
	if (!list_time(q, "since", &a->filter.since_ms, r) || !list_time(q, "until", &a->filter.until_ms, r) ||
	    !list_limit(q, &a->limit, r) || !read_cursor(q, a, r))
		return false;
	if (a->filter.since_ms >= a->filter.until_ms)
		return list_refuse(r, "until", "must be later than since");
	if (a->filter.ending && !known_ending(a->filter.ending))
		return list_refuse(r, "ending", "must be one of the endings in API.md, such as caller_hung_up");
	if (a->filter.direction && strcmp(a->filter.direction, "inbound") && strcmp(a->filter.direction, "outbound"))
		return list_refuse(r, "direction", "must be inbound or outbound");
	return true;
}

/* ----------------------------------------------------------------- the calls found */

struct item {
	struct call_mark mark;
	bool live, wanted;
	size_t order; /* of its arrival: of two with one name the first counts */
	char *json;   /* owned */
};

struct items {
	struct item *list; /* owned */
	size_t count, cap, most;
	const struct call_filter *filter;
	const struct items *memory; /* for the store's calls: those not to be taken again */
	bool failed;
};

static void items_free(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		free(items->list[i].json);
	free(items->list);
}

/* Takes the text. A list that cannot grow is marked as failed: half a page would
 * look like a whole one. */
static struct item *add(struct items *items, char *json)
{
	struct item *item;

	if (json && items->count == items->cap) {
		size_t cap = items->cap ? items->cap * 2 : 64;
		struct item *grown = realloc(items->list, cap * sizeof *grown);

		if (grown) {
			items->list = grown;
			items->cap = cap;
		}
	}
	if (!json || items->count == items->cap) {
		items->failed = true;
		free(json);
		return NULL;
	}
	item = &items->list[items->count];
	*item = (struct item){ .order = items->count, .json = json };
	items->count++;
	return item;
}

/* The call as it stands in the list, without its timeline; one that is only ordered
 * yet says that it has none. NULL without memory. */
static char *text_of(const struct call_summary *call)
{
	struct json_out j;
	struct buf out;

	buf_init(&out, 0);
	j = json_out_to(&out);
	json_put_object(&j, NULL);
	journal_put_call(&j, call, NULL, call->order != NULL);
	json_put_end(&j);
	if (buf_error(&out))
		buf_free(&out);
	return out.data;
}

/* Calls that are not wanted are taken too, because they hide their row in
 * the store. */
static void add_from_memory(void *arg, const struct call_summary *call)
{
	struct items *items = arg;
	struct item *item = add(items, text_of(call));

	if (!item)
		return;
	item->live = call->stage != CALL_IS_OVER;
	item->wanted = call_filter_matches(items->filter, call);
	item->mark.reserved_ms = call->reserved_ms;
	snprintf(item->mark.call_sid, sizeof item->mark.call_sid, "%s", call->call_sid);
}

static int by_name(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	int order = strcmp(a->mark.call_sid, b->mark.call_sid);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* The order of the list: live ones first, then newest first
 * (call_mark_order). */
static int by_place(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	return a->live != b->live ? b->live - a->live : call_mark_order(&a->mark, &b->mark);
}

/* Sorts by name. Of a call that is there twice only the first to arrive
 * stays wanted. */
static void drop_doubles(struct items *items)
{
	if (items->count)
		qsort(items->list, items->count, sizeof *items->list, by_name);
	for (size_t i = 1; i < items->count; i++)
		if (items->list[i].mark.call_sid[0] &&
		    !strcmp(items->list[i].mark.call_sid, items->list[i - 1].mark.call_sid))
			items->list[i].wanted = false;
}

static int by_name_alone(const void *x, const void *y)
{
	return strcmp(((const struct item *)x)->mark.call_sid, ((const struct item *)y)->mark.call_sid);
}

/* One row, newest first. False ends the reading: a page and one more are
 * enough to know whether there is a next. */
static bool add_from_store(void *arg, const struct call_mark *mark, const char *json)
{
	struct items *items = arg;
	struct item key = { .mark = *mark }, *item;

	if (items->memory->count && bsearch(&key, items->memory->list, items->memory->count, sizeof key, by_name_alone))
		return true;
	item = add(items, strdup(json));
	if (item) {
		item->mark = *mark;
		item->wanted = true;
	}
	return item && items->count < items->most;
}

/* -------------------------------------------------------------------- the page */

/* True for calls that belong behind the last page. */
static bool behind(const struct asked *a, const struct item *item)
{
	const struct item last = { .mark = a->after, .live = a->after_live };

	return !a->begun || by_place(item, &last) > 0;
}

/* The next of both lists, each in order; NULL at their end. */
static const struct item *next(const struct items *x, size_t *i, const struct items *y, size_t *k)
{
	const struct item *a = *i < x->count ? &x->list[*i] : NULL, *b = *k < y->count ? &y->list[*k] : NULL;

	if (!a || (b && by_place(b, a) < 0)) {
		*k += b != NULL;
		return b;
	}
	*i += 1;
	return a;
}

static void put_page(
    const struct asked *a, const struct items *memory, const struct items *stored, bool unread, struct buf *out)
{
	struct json_out j = json_out_to(out);
	const struct item *item, *last = NULL;
	size_t i = 0, k = 0;
	int count = 0;

	json_put_object(&j, NULL);
	json_put_array(&j, "calls");
	while ((item = next(memory, &i, stored, &k))) {
		if (!item->wanted || !behind(a, item))
			continue;
		if (count++ == a->limit)
			break;
		json_put_json(&j, NULL, item->json);
		last = item;
	}
	json_put_end(&j);
	if (count > a->limit)
		json_put_format(&j, "next", "%c%" PRId64 ".%s", last->live ? 'l' : 'e', last->mark.reserved_ms,
		    last->mark.call_sid);
	else
		json_put_null(&j, "next");
	/* Without a disk the live calls can still be shown; the reader must see
	 * that this is not all. */
	if (unread)
		json_put_text(&j, "store", "failing");
	json_put_end(&j);
	buf_putc(out, '\n');
}

/* A cursor within the live part asks the store from its beginning, since the
 * ended ones all come behind it. */
void call_list_get(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct parties room;
	struct asked a;
	struct items memory = { 0 }, stored = { .memory = &memory };
	bool unread = false;

	(void)arg;
	if (!read_asked(q, &a, &room, r))
		return;
	memory.filter = &a.filter;
	stored.most = (size_t)a.limit + 1;
	if (parts->dialer)
		dialer_each(parts->dialer, add_from_memory, &memory);
	calls_each(parts->calls, add_from_memory, &memory);
	drop_doubles(&memory);
	if (parts->store)
		unread = store_calls(
		    parts->store, &a.filter, a.begun && !a.after_live ? &a.after : NULL, add_from_store, &stored);
	if (memory.count)
		qsort(memory.list, memory.count, sizeof *memory.list, by_place);
	put_page(&a, &memory, &stored, unread, &r->body);
	if (memory.failed || stored.failed)
		response_error(r, 500, "no_memory", "out of memory");
	items_free(&memory);
	items_free(&stored);
}
