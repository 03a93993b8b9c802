#include "server/fleet/callers.h"

#include "common/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

enum { ID_BYTES = 16 };

struct caller_row {
	uint8_t id[ID_BYTES]; /* of the salted name's hash */
	uint32_t next;        /* of the same bucket */
	uint32_t up;          /* calls */
	int64_t seen_us;      /* when a call began last */
	int64_t step;         /* the newest one counted in `begun` */
	uint32_t begun[CALLERS_STEPS];
};

/* A call that is up. */
struct caller_call {
	uint32_t row;
	bool put;     /* false: the place was empty */
	bool counted; /* in `begun` … */
	int64_t step; /* … there */
};

int callers_open(struct callers *c, uint32_t room, size_t calls)
{
	memset(c, 0, sizeof *c);
	c->room = room;
	c->rows = calloc(room, sizeof *c->rows);
	c->buckets = malloc(room * sizeof *c->buckets);
	c->calls = (struct shelf){
		.room = calls, .key_size = FOREIGN_ID_SIZE, .item_size = sizeof(struct caller_call), .keep = INT64_MAX
	};
	if (!c->rows || !c->buckets || shelf_open(&c->calls)) {
		callers_close(c);
		return -ENOMEM;
	}
	memset(c->buckets, 0xff, room * sizeof *c->buckets);
	random_bytes(c->salt, sizeof c->salt);
	return 0;
}

void callers_close(struct callers *c)
{
	shelf_close(&c->calls);
	free(c->rows);
	free(c->buckets);
	c->rows = NULL;
	c->buckets = NULL;
}

/* -------------------------------------------------------------------------- one caller */

/* The steps that have passed since are empty. */
static void turn_to(struct caller_row *r, int64_t now_us)
{
	int64_t step = now_us / CALLERS_STEP_US;

	if (step - r->step >= CALLERS_STEPS)
		r->step = step - CALLERS_STEPS;
	while (r->step < step)
		r->begun[++r->step % CALLERS_STEPS] = 0;
}

static uint64_t within_the_hour(const struct caller_row *r)
{
	uint64_t sum = 0;

	for (int i = 0; i < CALLERS_STEPS; i++)
		sum += r->begun[i];
	return sum;
}

/* ----------------------------------------------------------------------------- the table */

static uint32_t *bucket_of(struct callers *c, const uint8_t id[ID_BYTES])
{
	uint32_t hash;

	memcpy(&hash, id, sizeof hash);
	return &c->buckets[hash & (c->room - 1)];
}

static uint32_t find(struct callers *c, const uint8_t id[ID_BYTES])
{
	uint32_t i = *bucket_of(c, id);

	while (i != NONE && memcmp(c->rows[i].id, id, ID_BYTES) != 0)
		i = c->rows[i].next;
	return i;
}

/* Looks at every row, but only when all are taken: thousands have called within the hour. NONE: all
 * have calls up, and nobody makes way. */
static uint32_t least_of_all(struct callers *c, int64_t now_us)
{
	uint32_t least = NONE;
	uint64_t fewest = UINT64_MAX;

	for (uint32_t i = 0; i < c->used; i++) {
		struct caller_row *r = &c->rows[i];
		uint64_t begun;

		if (r->up)
			continue;
		turn_to(r, now_us);
		begun = within_the_hour(r);
		if (least == NONE || begun < fewest || (begun == fewest && r->seen_us < c->rows[least].seen_us)) {
			least = i;
			fewest = begun;
		}
	}
	return least;
}

static void unlink_row(struct callers *c, uint32_t row)
{
	uint32_t *link = bucket_of(c, c->rows[row].id);

	while (*link != row)
		link = &c->rows[*link].next;
	*link = c->rows[row].next;
}

/* The caller's row, an empty one for a new caller; NONE: there is no place. */
static uint32_t row_of(struct callers *c, const char *caller, int64_t now_us)
{
	uint8_t id[SHA256_BYTES];
	uint32_t row, *bucket;

	hmac_sha256(c->salt, sizeof c->salt, caller, strlen(caller), id);
	row = find(c, id);
	if (row != NONE)
		return row;
	if (c->used < c->room) {
		row = c->used++;
	} else {
		row = least_of_all(c, now_us);
		if (row == NONE)
			return NONE;
		unlink_row(c, row);
	}
	bucket = bucket_of(c, id);
	c->rows[row] = (struct caller_row){ .next = *bucket, .step = now_us / CALLERS_STEP_US };
	memcpy(c->rows[row].id, id, ID_BYTES);
	*bucket = row;
	return row;
}

/* ------------------------------------------------------------------------------ the verbs */

/* Room is there for more calls than there are lines. Should it ever be full, the call that makes way
 * is up no longer: its end was never told, and its caller could not call again. */
static void put_up(struct callers *c, const char *call_sid, struct caller_call call, int64_t now_us)
{
	struct caller_call old, *kept = shelf_put(&c->calls, call_sid, now_us, &old);

	if (!kept)
		return;
	*kept = call;
	c->rows[call.row].up++;
	if (old.put)
		c->rows[old.row].up--;
}

int callers_enter(struct callers *c, const struct fleet_arrival *call, int64_t now_us)
{
	struct caller_row *r;
	uint32_t row;

	if (shelf_find(&c->calls, call->call_sid, 0, NULL))
		return 0;
	row = row_of(c, call->caller, now_us);
	if (row == NONE)
		return 0;
	r = &c->rows[row];
	turn_to(r, now_us);
	if (!call->back && call->at_once && r->up >= (uint32_t)call->at_once)
		return -EBUSY;
	if (!call->back && call->an_hour && within_the_hour(r) >= (uint64_t)call->an_hour)
		return -EDQUOT;
	if (!call->back)
		r->begun[r->step % CALLERS_STEPS]++;
	r->seen_us = now_us;
	put_up(c, call->call_sid,
	    (struct caller_call){ .row = row, .put = true, .counted = !call->back, .step = r->step }, now_us);
	return 0;
}

void callers_leave(struct callers *c, const char *call_sid, bool undo)
{
	struct caller_call *call = shelf_find(&c->calls, call_sid, 0, NULL);
	struct caller_row *r;

	if (!call)
		return;
	r = &c->rows[call->row];
	r->up--;
	if (undo && call->counted && r->step - call->step < CALLERS_STEPS)
		r->begun[call->step % CALLERS_STEPS]--;
	shelf_forget(&c->calls, call);
}
