#include "server/caller/ledger.h"

#include "audio/g711.h"
#include "tests/unit.h"
#include <stddef.h>
#include <string.h>

ONE_THREAD;

enum { MS = 1000, SECOND = 1000 * MS, BYTES = G711_BYTES_PER_MS };

static const int64_t T0 = 5 * SECOND;

static struct ledger ledger;

static int begin(void **state)
{
	(void)state;
	ledger_init(&ledger, 0, LEDGER_BY_MARKS);
	return 0;
}

static int begin_without_marks(void **state)
{
	(void)state;
	ledger_init(&ledger, 0, LEDGER_BY_CLOCK);
	return 0;
}

/* Sends `ms` of an item and the mark that is due behind it; its number or 0. */
static uint32_t send_ms(uint32_t no, uint32_t ms, int64_t now)
{
	ledger_sent(&ledger, no, (size_t)ms * BYTES, now);
	return ledger_mark(&ledger);
}

/* The same, where one must be due. */
static uint32_t send_marked(uint32_t no, uint32_t ms, int64_t now)
{
	uint32_t mark = send_ms(no, ms, now);

	assert_true(mark);
	return mark;
}

static uint64_t heard_ms(int64_t now)
{
	return ledger_heard(&ledger, now) / BYTES;
}

/* ------------------------------------------------------------------ what was heard */

static void nothing_is_heard_before_anything_is_sent(void **state)
{
	(void)state;
	assert_int_equal(ledger_heard(&ledger, T0), 0);
	assert_int_equal(ledger_lead_us(&ledger, T0), 0);
	assert_false(ledger_playing(&ledger));
	assert_int_equal(ledger_mark(&ledger), 0);
	assert_int_equal(ledger_deadline_us(&ledger), INT64_MAX);
}

static void heard_never_passes_the_next_mark_that_is_out(void **state)
{
	uint32_t first = send_marked(1, 20, T0);
	uint32_t second = send_marked(1, 200, T0);

	(void)state;
	send_ms(1, 200, T0);
	assert_int_equal(heard_ms(T0 + 10 * MS), 10);
	/* The clock alone proves nothing beyond the first mark, however late it is. */
	assert_int_equal(heard_ms(T0 + 20 * MS), 20);
	assert_int_equal(heard_ms(T0 + 10 * SECOND), 20);
	assert_true(ledger_echo(&ledger, 0, first, T0 + 320 * MS));
	assert_int_equal(heard_ms(T0 + 320 * MS), 20);
	assert_int_equal(heard_ms(T0 + 400 * MS), 100);
	assert_int_equal(heard_ms(T0 + 10 * SECOND), 220);
	assert_true(ledger_echo(&ledger, 0, second, T0 + 520 * MS));
	assert_int_equal(heard_ms(T0 + 521 * MS), 221);
}

static void heard_never_passes_what_was_sent(void **state)
{
	uint32_t mark = send_marked(1, 20, T0);

	(void)state;
	assert_int_equal(send_ms(1, 100, T0), 0); /* none due: no mark bounds it */
	assert_true(ledger_echo(&ledger, 0, mark, T0 + 20 * MS));
	assert_int_equal(heard_ms(T0 + SECOND), 120);
}

static void heard_is_rounded_down(void **state)
{
	struct heard heard[4];

	(void)state;
	send_ms(1, 100, T0);
	assert_int_equal(ledger_heard(&ledger, T0 + 124), 0); /* a byte takes 125 us */
	assert_int_equal(ledger_heard(&ledger, T0 + 125), 1);
	assert_int_equal(ledger_cut(&ledger, 1, T0 + 7 * MS + 999, heard, 4), 1);
	assert_int_equal(heard[0].heard_ms, 7);
}

static void clock_that_stands_still_or_runs_back_adds_nothing(void **state)
{
	(void)state;
	send_ms(1, 100, T0);
	assert_int_equal(ledger_heard(&ledger, T0), 0);
	assert_int_equal(ledger_heard(&ledger, T0 - SECOND), 0);
}

/* ------------------------------------------------------------------------------ room */

enum { LEAD = 400 * MS };

/* What there is room for is sent, up to the lead; how many messages it took. */
static int fill(int64_t now)
{
	size_t room;
	int count = 0;

	for (; (room = ledger_room(&ledger, LEAD, now)); count++)
		ledger_sent(&ledger, 1, room, now);
	assert_int_equal(ledger_lead_us(&ledger, now), LEAD);
	return count;
}

static void a_full_lead_has_no_room_before_enough_of_it_is_played(void **state)
{
	(void)state;
	fill(T0);
	assert_int_equal(ledger_room_us(&ledger, LEAD), T0 + 100 * MS);
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 100 * MS - 1), 0);
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 100 * MS), 100 * BYTES);
	assert_int_equal(fill(T0 + 100 * MS), 1);
	/* The same again, and after a delay what is missing. */
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 180 * MS), 0);
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 240 * MS), 140 * BYTES);
	assert_int_equal(fill(T0 + 400 * MS), 2);
}

static void a_lead_that_is_not_full_yet_has_room(void **state)
{
	(void)state;
	fill(T0);
	ledger_room(&ledger, LEAD, T0 + 200 * MS);
	send_ms(1, 150, T0 + 200 * MS); /* there was no more */
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 200 * MS), 50 * BYTES);
	assert_int_equal(ledger_room_us(&ledger, LEAD), T0 + 150 * MS);
}

static void the_first_piece_after_a_pause_or_a_cut_is_the_smallest(void **state)
{
	struct heard heard[1];

	(void)state;
	assert_int_equal(ledger_room(&ledger, LEAD, T0), LEDGER_PIECE_FIRST);
	fill(T0);
	ledger_cut(&ledger, 1, T0 + 10 * MS, heard, 1);
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 10 * MS), LEDGER_PIECE_FIRST);
	send_ms(2, 20, T0 + 10 * MS);
	assert_int_equal(ledger_room(&ledger, LEAD, T0 + 10 * MS), LEDGER_PIECE_MAX);
}

static void a_short_lead_keeps_most_of_it(void **state)
{
	(void)state;
	send_ms(1, 100, T0);
	assert_int_equal(ledger_room(&ledger, 100 * MS, T0), 0);
	assert_int_equal(ledger_room(&ledger, 100 * MS, T0 + 24 * MS), 0);
	assert_int_equal(ledger_room(&ledger, 100 * MS, T0 + 25 * MS), 25 * BYTES);
}

/* ----------------------------------------------------------------------------- marks */

static void marks_come_after_the_first_piece_then_every_200_ms_and_at_the_end(void **state)
{
	uint64_t at = 20, marked[16];
	size_t count = 0;

	(void)state;
	if (send_ms(1, 20, T0))
		marked[count++] = at;
	while (at < 640) {
		at += 20;
		if (send_ms(1, 20, T0))
			marked[count++] = at;
	}
	ledger_ended(&ledger, 1);
	if (ledger_mark(&ledger))
		marked[count++] = at;
	assert_int_equal(count, 5);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(marked[i], 20 + 200 * i);
	assert_int_equal(marked[4], 640);
	assert_int_equal(ledger_mark(&ledger), 0); /* once */
}

static void numbers_of_marks_are_never_used_twice(void **state)
{
	struct heard heard[4];
	uint32_t last = 0;

	(void)state;
	for (uint32_t cut = 1; cut < 5; cut++) {
		for (int i = 0; i < 10; i++) {
			uint32_t seq = send_ms(cut, 200, T0);

			assert_true(seq > last);
			last = seq;
		}
		ledger_cut(&ledger, cut, T0, heard, 4);
	}
}

static void echo_of_a_later_mark_proves_the_earlier_ones(void **state)
{
	uint32_t first = send_marked(1, 20, T0);
	uint32_t second = send_marked(1, 200, T0);

	(void)state;
	assert_true(ledger_echo(&ledger, 0, second, T0 + 300 * MS));
	assert_int_equal(heard_ms(T0 + 300 * MS), 220);
	assert_false(ledger_echo(&ledger, 0, first, T0 + 301 * MS));
	assert_int_equal(heard_ms(T0 + 301 * MS), 220);
}

static void echo_that_is_doubled_or_unknown_proves_nothing(void **state)
{
	uint32_t mark;

	(void)state;
	ledger_init(&ledger, 3, LEDGER_BY_MARKS);
	mark = send_ms(1, 20, T0);
	assert_false(ledger_echo(&ledger, 3, mark + 1, T0));
	assert_false(ledger_echo(&ledger, 3, 0, T0));
	assert_true(ledger_echo(&ledger, 3, mark, T0 + 20 * MS));
	send_ms(1, 500, T0 + 20 * MS);
	assert_false(ledger_echo(&ledger, 3, mark, T0 + 400 * MS));
	assert_int_equal(heard_ms(T0 + 30 * MS), 30);
}

/* Twilio answers a clear with every mark that was out. */
static void echoes_of_an_older_generation_prove_nothing(void **state)
{
	struct heard heard[4];
	uint32_t old[8], fresh;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		old[count++] = send_ms(1, 200, T0);
	ledger_cut(&ledger, 1, T0 + 100 * MS, heard, 4);
	fresh = send_marked(2, 500, T0 + 150 * MS);
	for (size_t i = 0; i < count; i++) {
		assert_false(ledger_echo(&ledger, 0, old[i], T0 + 160 * MS));
		assert_false(ledger_echo(&ledger, 1, old[i], T0 + 160 * MS));
	}
	/* Even if the number were one that is out. */
	assert_false(ledger_echo(&ledger, 0, fresh, T0 + 160 * MS));
	assert_int_equal(ledger_cut(&ledger, 2, T0 + 160 * MS, heard, 4), 1);
	assert_int_equal(heard[0].no, 2);
	assert_int_equal(heard[0].heard_ms, 10);
	assert_false(ledger_echo(&ledger, 2, fresh, T0 + 170 * MS));
}

static void full_list_of_marks_only_makes_them_rarer(void **state)
{
	struct heard heard;
	uint32_t marks[LEDGER_MARKS + 1], sent = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint32_t seq = send_ms(1, 200, T0);

		if (seq)
			marks[sent++] = seq;
		assert_true(sent <= LEDGER_MARKS);
	}
	assert_int_equal(sent, LEDGER_MARKS);
	ledger_ended(&ledger, 1);
	assert_int_equal(ledger_mark(&ledger), 0); /* no room for the one at the end */
	assert_true(ledger_echo(&ledger, 0, marks[LEDGER_MARKS - 1], T0 + SECOND));
	assert_int_equal(ledger.mark_count, 0);
	/* The rest of the item has no mark: it is over by the clock. */
	assert_false(ledger_finished(&ledger, T0 + 20 * SECOND, &heard));
	assert_true(ledger_finished(&ledger, T0 + 60 * SECOND, &heard));
	assert_false(heard.confirmed);
	assert_int_equal(heard.heard_ms, 40000);
	/* And there is room again. */
	assert_true(send_ms(2, 20, T0 + 61 * SECOND));
}

/* ------------------------------------------------------------------- ends of items */

static void item_is_over_when_the_mark_at_its_end_comes_back(void **state)
{
	struct heard heard;
	uint32_t first, end;

	(void)state;
	first = send_ms(7, 100, T0);
	assert_int_equal(send_ms(7, 33, T0), 0);
	assert_true(ledger_playing(&ledger));
	assert_false(ledger_finished(&ledger, T0 + 10 * SECOND, &heard)); /* more may come */
	ledger_ended(&ledger, 7);
	end = ledger_mark(&ledger);
	assert_true(first && end);
	assert_false(ledger_finished(&ledger, T0 + 132 * MS, &heard));
	assert_true(ledger_echo(&ledger, 0, end, T0 + 400 * MS));
	assert_true(ledger_finished(&ledger, T0 + 400 * MS, &heard));
	assert_int_equal(heard.no, 7);
	assert_int_equal(heard.heard_ms, 133);
	assert_true(heard.confirmed);
	assert_false(ledger_finished(&ledger, T0 + 400 * MS, &heard));
	assert_false(ledger_playing(&ledger));
}

static void end_told_after_all_was_played_gets_a_mark_too(void **state)
{
	struct heard heard;
	uint32_t mark, end;

	(void)state;
	mark = send_ms(1, 20, T0);
	assert_true(ledger_echo(&ledger, 0, mark, T0 + 20 * MS));
	ledger_ended(&ledger, 1);
	end = ledger_mark(&ledger);
	assert_true(end);
	assert_true(ledger_finished(&ledger, T0 + 21 * MS, &heard)); /* it is proven already */
	assert_true(heard.confirmed);
	assert_true(ledger_echo(&ledger, 0, end, T0 + 30 * MS));
	assert_int_equal(heard_ms(T0 + SECOND), 20);
}

static void two_items_at_once_end_in_their_order(void **state)
{
	struct heard heard;
	uint32_t last;

	(void)state;
	send_ms(1, 100, T0);
	ledger_ended(&ledger, 1);
	ledger_mark(&ledger);
	send_ms(2, 100, T0);
	ledger_ended(&ledger, 2);
	last = ledger_mark(&ledger);
	assert_true(last);
	assert_true(ledger_echo(&ledger, 0, last, T0 + 200 * MS));
	assert_true(ledger_finished(&ledger, T0 + 200 * MS, &heard));
	assert_int_equal(heard.no, 1);
	assert_true(ledger_finished(&ledger, T0 + 200 * MS, &heard));
	assert_int_equal(heard.no, 2);
	assert_int_equal(heard.heard_ms, 100);
}

static void without_echoes_an_item_counts_as_played_two_seconds_after_it_should_be(void **state)
{
	struct heard heard;
	int64_t due = T0 + 500 * MS + LEDGER_UNCONFIRMED_US;
	uint32_t mark, end;

	(void)state;
	mark = send_ms(1, 500, T0);
	ledger_ended(&ledger, 1);
	end = ledger_mark(&ledger);
	assert_int_equal(ledger_deadline_us(&ledger), due);
	assert_false(ledger_finished(&ledger, due - 1, &heard));
	assert_true(ledger_finished(&ledger, due, &heard));
	assert_int_equal(heard.heard_ms, 500);
	assert_false(heard.confirmed);
	assert_int_equal(ledger_deadline_us(&ledger), INT64_MAX);
	/* Echoes that come after all change nothing. */
	assert_false(ledger_echo(&ledger, 0, mark, due + 1));
	assert_false(ledger_echo(&ledger, 0, end, due + 1));
	send_ms(2, 20, due + SECOND);
	assert_int_equal(heard_ms(due + SECOND + 5 * MS), 505);
}

static void without_marks_an_item_is_over_when_it_should_be_and_never_confirmed(void **state)
{
	struct heard heard;
	(void)state;
	assert_int_equal(send_ms(1, 100, T0), 0);
	assert_int_equal(send_ms(1, 300, T0), 0);
	ledger_ended(&ledger, 1);
	assert_int_equal(ledger_mark(&ledger), 0);
	assert_int_equal(send_ms(2, 50, T0), 0);
	assert_int_equal(heard_ms(T0 + 399 * MS), 399);
	assert_int_equal(ledger_deadline_us(&ledger), T0 + 400 * MS);
	assert_false(ledger_finished(&ledger, T0 + 400 * MS - 1, &heard));
	/* Asked late, what is behind it has been playing all the same. */
	assert_true(ledger_finished(&ledger, T0 + 410 * MS, &heard));
	assert_int_equal(heard.no, 1);
	assert_int_equal(heard.heard_ms, 400);
	assert_false(heard.confirmed);
	assert_int_equal(heard_ms(T0 + 430 * MS), 430);
	assert_int_equal(heard_ms(T0 + 10 * SECOND), 450);
}

static void without_marks_what_a_pause_proves_is_not_confirmed_either(void **state)
{
	struct heard heard[2];
	(void)state;
	send_ms(1, 100, T0);
	ledger_ended(&ledger, 1);
	send_ms(2, 100, T0 + 5 * SECOND);
	assert_true(ledger_finished(&ledger, T0 + 5 * SECOND, &heard[0]));
	assert_int_equal(heard[0].heard_ms, 100);
	assert_false(heard[0].confirmed);
	assert_int_equal(heard_ms(T0 + 5 * SECOND + 30 * MS), 130);
	assert_int_equal(ledger_cut(&ledger, 1, T0 + 5 * SECOND + 30 * MS, heard, 2), 1);
	assert_int_equal(heard[0].no, 2);
	assert_int_equal(heard[0].heard_ms, 30);
	assert_false(heard[0].confirmed);
}

static void deadline_is_met_by_an_answer(void **state)
{
	struct heard heard;

	(void)state;
	for (uint32_t no = 1; no <= 5; no++) {
		send_ms(no, 123, T0);
		ledger_ended(&ledger, no);
		ledger_mark(&ledger);
	}
	/* Asked at its deadline, it never names the same one again. */
	for (uint32_t no = 1; no <= 5; no++) {
		int64_t due = ledger_deadline_us(&ledger);

		assert_false(ledger_finished(&ledger, due - 1, &heard));
		assert_true(ledger_finished(&ledger, due, &heard));
		assert_int_equal(heard.no, no);
		assert_true(ledger_deadline_us(&ledger) > due);
	}
}

static void more_items_than_are_kept_lose_the_oldest_only(void **state)
{
	struct heard heard[LEDGER_ITEMS + 8];

	(void)state;
	for (uint32_t no = 1; no <= LEDGER_ITEMS + 5; no++)
		send_ms(no, 10, T0);
	assert_int_equal(ledger_cut(&ledger, 1, T0, heard, LEDGER_ITEMS + 8), LEDGER_ITEMS);
	assert_int_equal(heard[0].no, 6);
	assert_int_equal(heard[LEDGER_ITEMS - 1].no, LEDGER_ITEMS + 5);
}

/* ------------------------------------------------------------------------------ cuts */

static void cut_tells_of_the_item_in_hand_and_of_those_behind(void **state)
{
	struct heard heard[LEDGER_ITEMS];
	uint32_t end;

	(void)state;
	send_ms(1, 200, T0);
	ledger_ended(&ledger, 1);
	end = ledger_mark(&ledger);
	send_ms(2, 200, T0);
	send_ms(3, 200, T0);
	assert_true(ledger_echo(&ledger, 0, end, T0 + 250 * MS));
	assert_int_equal(ledger_cut(&ledger, 1, T0 + 300 * MS, heard, LEDGER_ITEMS), 3);
	assert_int_equal(heard[0].no, 1);
	assert_int_equal(heard[0].heard_ms, 200);
	assert_int_equal(heard[1].no, 2);
	assert_int_equal(heard[1].heard_ms, 50);
	assert_int_equal(heard[2].no, 3);
	assert_int_equal(heard[2].heard_ms, 0);
	assert_false(ledger_playing(&ledger));
	assert_int_equal(ledger_lead_us(&ledger, T0 + 300 * MS), 0);
	assert_int_equal(ledger_cut(&ledger, 2, T0 + 301 * MS, heard, LEDGER_ITEMS), 0);
}

static void cut_says_no_more_than_there_is_room_for(void **state)
{
	struct heard heard[3];

	(void)state;
	for (uint32_t no = 1; no <= 5; no++)
		send_ms(no, 10, T0);
	memset(heard, 0, sizeof heard);
	assert_int_equal(ledger_cut(&ledger, 1, T0, heard, 2), 2);
	assert_int_equal(heard[2].no, 0);
	assert_false(ledger_playing(&ledger));
}

static void what_follows_a_cut_is_heard_from_its_own_beginning(void **state)
{
	struct heard heard[4];

	(void)state;
	send_ms(1, 5000, T0);
	ledger_cut(&ledger, 1, T0 + 100 * MS, heard, 4);
	assert_true(send_ms(2, 100, T0 + 3 * SECOND)); /* with a mark of its own */
	assert_int_equal(ledger_lead_us(&ledger, T0 + 3 * SECOND), 100 * MS);
	assert_int_equal(ledger_cut(&ledger, 2, T0 + 3 * SECOND + 40 * MS, heard, 4), 1);
	assert_int_equal(heard[0].heard_ms, 40);
}

/* ------------------------------------------------------------------- the far end */

static void lead_is_what_is_sent_and_not_yet_due(void **state)
{
	(void)state;
	send_ms(1, 400, T0);
	assert_int_equal(ledger_lead_us(&ledger, T0), 400 * MS);
	assert_int_equal(ledger_lead_us(&ledger, T0 + 150 * MS), 250 * MS);
	send_ms(1, 100, T0 + 150 * MS);
	assert_int_equal(ledger_lead_us(&ledger, T0 + 150 * MS), 350 * MS);
	assert_int_equal(ledger_lead_us(&ledger, T0 + 501 * MS), 0);
}

static void lead_does_not_grow_by_the_length_of_a_pause(void **state)
{
	(void)state;
	send_ms(1, 100, T0);
	for (int i = 1; i < 50; i++) {
		int64_t now = T0 + i * SECOND;

		assert_true(ledger_sent(&ledger, 1, 100 * BYTES, now)); /* a gap was heard */
		assert_int_equal(ledger_lead_us(&ledger, now), 100 * MS);
	}
}

static void gap_is_one_only_in_the_middle_of_an_item(void **state)
{
	(void)state;
	assert_false(ledger_sent(&ledger, 1, 20 * BYTES, T0));
	assert_false(ledger_sent(&ledger, 1, 20 * BYTES, T0 + 19 * MS));
	assert_true(ledger_sent(&ledger, 1, 20 * BYTES, T0 + 40 * MS));
	assert_false(ledger_sent(&ledger, 2, 20 * BYTES, T0 + 5 * SECOND));
}

static void echo_moves_the_far_end_to_where_the_phone_is(void **state)
{
	uint32_t mark = send_ms(1, 20, T0);

	(void)state;
	send_ms(1, 380, T0);
	/* The phone began 300 ms late: 380 ms are still in its queue. */
	assert_true(ledger_echo(&ledger, 0, mark, T0 + 320 * MS));
	assert_int_equal(ledger_lead_us(&ledger, T0 + 320 * MS), 380 * MS);
}

static void after_a_pause_new_audio_is_not_heard_before_it_is_played(void **state)
{
	struct heard heard[4];
	uint32_t mark = send_ms(1, 20, T0);

	(void)state;
	assert_int_equal(send_ms(1, 100, T0), 0);
	assert_true(ledger_echo(&ledger, 0, mark, T0 + 20 * MS));
	/* No mark stood behind the last 100 ms; five seconds of silence follow. */
	assert_true(send_ms(1, 20, T0 + 5 * SECOND));
	assert_int_equal(heard_ms(T0 + 5 * SECOND), 120);
	assert_int_equal(ledger_cut(&ledger, 1, T0 + 5 * SECOND + 3 * MS, heard, 4), 1);
	assert_int_equal(heard[0].heard_ms, 123);
}

/* --------------------------------------------------------------- against a phone */

/* A phone as it really is: it plays what it has, in order, at its own time. */
struct phone {
	uint64_t queued, played; /* us of audio since the call began */
	int64_t now;
	int64_t start_delay; /* us before it begins to play after being dry */
	int64_t starts_at;
	int64_t echo_delay; /* us for an echo to reach us */
	struct {
		uint32_t generation, seq;
		uint64_t at;
		int64_t arrives; /* 0: not played yet */
	} marks[512];
	size_t count;
};

static void phone_gets_audio(struct phone *p, uint32_t bytes)
{
	if (p->queued == p->played)
		p->starts_at = p->now + p->start_delay;
	p->queued += (uint64_t)bytes * 1000 / BYTES;
}

static void phone_gets_mark(struct phone *p, uint32_t generation, uint32_t seq)
{
	assert_true(p->count < 512);
	p->marks[p->count].generation = generation;
	p->marks[p->count].seq = seq;
	p->marks[p->count].at = p->queued;
	p->marks[p->count++].arrives = 0;
}

static void phone_is_cleared(struct phone *p)
{
	p->queued = p->played;
	for (size_t i = 0; i < p->count; i++)
		if (p->marks[i].at > p->played)
			p->marks[i].at = p->played;
}

/* One millisecond on; echoes that arrive go into the ledger. */
static void phone_plays(struct phone *p)
{
	size_t kept = 0;

	p->now += MS;
	if (p->played < p->queued && p->now > p->starts_at)
		p->played += p->queued - p->played < MS ? p->queued - p->played : MS;
	for (size_t i = 0; i < p->count; i++) {
		if (!p->marks[i].arrives && p->marks[i].at <= p->played)
			p->marks[i].arrives = p->now + p->echo_delay;
		if (p->marks[i].arrives && p->marks[i].arrives <= p->now) {
			ledger_echo(&ledger, p->marks[i].generation, p->marks[i].seq, p->now);
			continue;
		}
		p->marks[kept++] = p->marks[i];
	}
	p->count = kept;
}

static uint32_t roll(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

/* Answers of any length, pauses in mid-answer, interruptions. `early_ms`: by how
 * much heard may ever run ahead of the phone's truth. Returns the most that it
 * was behind. */
static int64_t worst_with_phone(struct phone *p, uint32_t seed, int64_t early_ms)
{
	struct heard heard[LEDGER_ITEMS];
	int64_t behind = 0;
	uint32_t no = 1, left_ms = 0, generation = 0;
	int64_t quiet_until = 0;
	uint64_t item_began_us = 0, dropped_us = 0;

	ledger_init(&ledger, 0, LEDGER_BY_MARKS);
	p->now = T0;
	for (int step = 0; step < 60000; step++) {
		phone_plays(p);
		if (!left_ms && !roll(&seed, 300)) {
			left_ms = 40 + roll(&seed, 4000);
			no++;
			item_began_us = p->queued;
		}
		if (left_ms && !roll(&seed, 700))
			quiet_until = p->now + (int64_t)roll(&seed, 1500) * MS;
		while (left_ms && p->now >= quiet_until && ledger_lead_us(&ledger, p->now) < 400 * MS) {
			uint32_t piece = ledger_lead_us(&ledger, p->now) ? 100 : 20, seq;

			if (piece > left_ms)
				piece = left_ms;
			ledger_sent(&ledger, no, (size_t)piece * BYTES, p->now);
			phone_gets_audio(p, piece * BYTES);
			left_ms -= piece;
			if (!left_ms)
				ledger_ended(&ledger, no);
			seq = ledger_mark(&ledger);
			if (seq)
				phone_gets_mark(p, generation, seq);
		}
		while (ledger_finished(&ledger, p->now, heard))
			assert_true(heard->confirmed);
		/* Positions of the ledger are the phone's plus what clears threw away. */
		int64_t truth = (int64_t)(p->played + dropped_us);
		int64_t said = (int64_t)ledger_heard(&ledger, p->now) * MS / BYTES;

		if (said > truth + early_ms * MS)
			fail_msg("%lld us early at step %d", (long long)(said - truth), step);
		if (truth - said > behind)
			behind = truth - said;
		if (!roll(&seed, 2500)) {
			size_t count = ledger_cut(&ledger, ++generation, p->now, heard, LEDGER_ITEMS);

			for (size_t i = 0; i < count && left_ms; i++)
				if (heard[i].no == no && p->played > item_began_us)
					assert_true((int64_t)heard[i].heard_ms * MS <=
						    (int64_t)(p->played - item_began_us) + early_ms * MS);
			dropped_us += p->queued - p->played;
			phone_is_cleared(p);
			left_ms = 0;
		}
	}
	return behind / MS;
}

static void heard_follows_a_prompt_phone_to_the_millisecond(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 12; seed++) {
		struct phone p = { 0 };

		assert_true(worst_with_phone(&p, seed, 1) <= 2);
	}
}

static void heard_follows_a_phone_that_plays_late(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 12; seed++) {
		struct phone p = { .start_delay = 300 * MS };

		/* Early by the first piece at most, until its mark is back. */
		assert_true(worst_with_phone(&p, seed, 21) <= 2);
	}
}

static void heard_is_late_by_the_way_of_an_echo_and_never_early(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed < 12; seed++) {
		struct phone p = { .echo_delay = 80 * MS };

		assert_true(worst_with_phone(&p, seed, 1) <= 82);
	}
}

static void phone_that_never_echoes_is_believed_no_further_than_its_first_mark(void **state)
{
	struct heard heard[4];

	(void)state;
	send_ms(1, 20, T0);
	for (int i = 1; i < 20; i++)
		send_ms(1, 20, T0 + i * 20 * MS);
	assert_int_equal(ledger_cut(&ledger, 1, T0 + 400 * MS, heard, 4), 1);
	assert_int_equal(heard[0].heard_ms, 20);
}

/* ------------------------------------------------------------------- by account */

static int begin_by_account(void **state)
{
	(void)state;
	ledger_init(&ledger, 0, LEDGER_BY_ACCOUNT);
	return 0;
}

enum { SPOKEN = 8000 /* bytes of a second */ };

static void what_the_phone_tells_is_heard_and_time_goes_on_from_there(void **state)
{
	(void)state;
	ledger_sent(&ledger, 1, 4 * SPOKEN, 0);
	assert_int_equal(ledger_mark(&ledger), 0);
	assert_int_equal(ledger_heard(&ledger, SECOND), SPOKEN);
	assert_true(ledger_proved(&ledger, 3 * SPOKEN, SECOND)); /* it speaks faster */
	assert_int_equal(ledger_heard(&ledger, SECOND), 3 * SPOKEN);
	assert_int_equal(ledger_heard(&ledger, SECOND + SECOND / 2), 7 * SPOKEN / 2);
	assert_int_equal(ledger_lead_us(&ledger, SECOND), SECOND);
	/* No news, and nothing that was never sent. */
	assert_false(ledger_proved(&ledger, 2 * SPOKEN, 2 * SECOND));
	assert_true(ledger_proved(&ledger, 9 * SPOKEN, 2 * SECOND));
	assert_int_equal(ledger_heard(&ledger, 9 * (int64_t)SECOND), 4 * SPOKEN);
	assert_false(ledger_proved(&ledger, 9 * SPOKEN, 2 * SECOND));
}

/* A phone that speaks slowly is not done with the first part when the second comes. */
static void beyond_a_pause_nothing_is_heard_before_an_account(void **state)
{
	(void)state;
	ledger_sent(&ledger, 1, SPOKEN, 0);
	ledger_sent(&ledger, 1, 4 * SPOKEN, 3 * SECOND);
	assert_int_equal(ledger_heard(&ledger, 4 * SECOND), SPOKEN);
	ledger_sent(&ledger, 1, SPOKEN, 20 * SECOND); /* and a second pause changes nothing in that */
	assert_int_equal(ledger_heard(&ledger, 21 * SECOND), SPOKEN);
	ledger_proved(&ledger, 2 * SPOKEN, 21 * SECOND);
	assert_int_equal(ledger_heard(&ledger, 22 * SECOND), 3 * SPOKEN);
}

static void a_known_cut_is_the_place_that_was_named(void **state)
{
	struct heard cut[2];

	(void)state;
	ledger_sent(&ledger, 1, 2 * SPOKEN, 0);
	ledger_sent(&ledger, 2, 2 * SPOKEN, 0);
	assert_int_equal(ledger_cut_at(&ledger, 1, 3 * SPOKEN, 4 * SECOND, cut, 2), 2);
	assert_int_equal(cut[0].heard_ms, 2000);
	assert_int_equal(cut[1].heard_ms, 1000);
	assert_true(cut[0].confirmed && cut[1].confirmed);
	assert_false(ledger_playing(&ledger));
	assert_int_equal(ledger_lead_us(&ledger, 4 * SECOND), 0);
}

static void what_is_let_play_is_heard_whole_and_the_next_waits_behind_it(void **state)
{
	struct heard cut[2];

	(void)state;
	ledger_sent(&ledger, 1, 4 * SPOKEN, 0);
	assert_int_equal(ledger_let_play(&ledger, 1, cut, 2), 1);
	assert_int_equal(cut[0].heard_ms, 4000);
	assert_false(cut[0].confirmed);
	ledger_sent(&ledger, 2, SPOKEN, SECOND);
	assert_int_equal(ledger_heard(&ledger, 4 * SECOND), 4 * SPOKEN);
	assert_int_equal(ledger_heard(&ledger, 4 * SECOND + SECOND / 2), 9 * SPOKEN / 2);
	assert_int_equal(ledger_lead_us(&ledger, 4 * SECOND), SECOND);
}

static void without_an_account_a_pause_in_an_item_is_told_two_seconds_late(void **state)
{
	(void)state;
	ledger_sent(&ledger, 1, SPOKEN, 0);
	assert_int_equal(ledger_dry_us(&ledger), SECOND + LEDGER_UNCONFIRMED_US);
	ledger_proved(&ledger, SPOKEN, SECOND / 2);
	assert_int_equal(ledger_dry_us(&ledger), SECOND / 2);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

const struct CMUnitTest unit_tests[] = {
	TEST(nothing_is_heard_before_anything_is_sent),
	TEST(heard_never_passes_the_next_mark_that_is_out),
	TEST(heard_never_passes_what_was_sent),
	TEST(heard_is_rounded_down),
	TEST(clock_that_stands_still_or_runs_back_adds_nothing),
	TEST(a_full_lead_has_no_room_before_enough_of_it_is_played),
	TEST(a_lead_that_is_not_full_yet_has_room),
	TEST(the_first_piece_after_a_pause_or_a_cut_is_the_smallest),
	TEST(a_short_lead_keeps_most_of_it),
	TEST(marks_come_after_the_first_piece_then_every_200_ms_and_at_the_end),
	TEST(numbers_of_marks_are_never_used_twice),
	TEST(echo_of_a_later_mark_proves_the_earlier_ones),
	TEST(echo_that_is_doubled_or_unknown_proves_nothing),
	TEST(echoes_of_an_older_generation_prove_nothing),
	TEST(full_list_of_marks_only_makes_them_rarer),
	TEST(item_is_over_when_the_mark_at_its_end_comes_back),
	TEST(end_told_after_all_was_played_gets_a_mark_too),
	TEST(two_items_at_once_end_in_their_order),
	TEST(without_echoes_an_item_counts_as_played_two_seconds_after_it_should_be),
	cmocka_unit_test_setup(
	    without_marks_an_item_is_over_when_it_should_be_and_never_confirmed, begin_without_marks),
	cmocka_unit_test_setup(without_marks_what_a_pause_proves_is_not_confirmed_either, begin_without_marks),
	TEST(deadline_is_met_by_an_answer),
	TEST(more_items_than_are_kept_lose_the_oldest_only),
	TEST(cut_tells_of_the_item_in_hand_and_of_those_behind),
	TEST(cut_says_no_more_than_there_is_room_for),
	TEST(what_follows_a_cut_is_heard_from_its_own_beginning),
	TEST(lead_is_what_is_sent_and_not_yet_due),
	TEST(lead_does_not_grow_by_the_length_of_a_pause),
	TEST(gap_is_one_only_in_the_middle_of_an_item),
	TEST(echo_moves_the_far_end_to_where_the_phone_is),
	TEST(after_a_pause_new_audio_is_not_heard_before_it_is_played),
	TEST(heard_follows_a_prompt_phone_to_the_millisecond),
	TEST(heard_follows_a_phone_that_plays_late),
	TEST(heard_is_late_by_the_way_of_an_echo_and_never_early),
	TEST(phone_that_never_echoes_is_believed_no_further_than_its_first_mark),
#define TEST_BY_ACCOUNT(name) cmocka_unit_test_setup(name, begin_by_account)
	TEST_BY_ACCOUNT(what_the_phone_tells_is_heard_and_time_goes_on_from_there),
	TEST_BY_ACCOUNT(beyond_a_pause_nothing_is_heard_before_an_account),
	TEST_BY_ACCOUNT(a_known_cut_is_the_place_that_was_named),
	TEST_BY_ACCOUNT(what_is_let_play_is_heard_whole_and_the_next_waits_behind_it),
	TEST_BY_ACCOUNT(without_an_account_a_pause_in_an_item_is_told_two_seconds_late),
	{ 0 },
};
