#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H
/* The facts about calls that the instances of one installation share: Twilio's
 * next request about a call may reach another instance than the last one did.
 *
 * A table of functions with a body behind it. local.h is the body of an instance
 * that is alone: memory, and the store for facts that survive a restart. A body
 * over a network keeps the same promises:
 *
 *   - A function without a result never waits, and may be called with locks held:
 *     a body queues the order. Later calls of the same instance see its effect.
 *   - A function that returns an int may wait (its body says how long at most):
 *     not with a lock held, and not in a call's loops once it talks. It returns 0
 *     or one of its answers below; or -EAGAIN (not now), -ETIMEDOUT or -EIO when
 *     the fleet cannot be asked. The caller then goes on with its own knowledge.
 *   - Values are copied; nothing points into the body.
 *
 * Any thread. `now_us` is clock_now_us(), `wall_ms` clock_wall_ms(): time is given.
 */
#include "common/clock.h"
#include "common/foreign.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FLEET_DAYS = 7,
	FLEET_TOKEN_US = 15 * US_PER_S,     /* an announced call waits so long for its stream */
	FLEET_TRANSFER_US = 600 * US_PER_S, /* a telephone rings for no longer than that */
	FLEET_KEY_S = 24 * 3600             /* an Idempotency-Key stands for its first order so long */
};

/* Of texts, with their NUL. */
/* Of a conversation, what is told to the model that goes on with it. */
enum { FLEET_SAID_TURNS = 60, FLEET_SAID_BYTES = 24 * 1024 };

enum { FLEET_TOKEN_SIZE = 33, FLEET_ORDER_SIZE = 40, FLEET_NAME_SIZE = 80 };
enum { FLEET_HASH_SIZE = 72, FLEET_KEY_SIZE = 256 };

struct fleet_ending {
	enum call_end end;
	enum call_after after; /* what the caller hears then */
	bool asked;            /* Twilio has asked what comes next, or will not ask */
	/* Who had the call: the words that follow are this agent's. */
	char agent[FLEET_NAME_SIZE], variant[FLEET_NAME_SIZE];
	int times; /* how often a call of that name has ended, as far as known */
	/* Filled in by ending_get: */
	int64_t age_us; /* since its newest ending */
};

/* A conversation, for the model that goes on with it. A body over a network writes it down
 * in its own way. */
struct fleet_turn {
	bool agents; /* the agent's; else the caller's */
	char *text;  /* owned */
};

struct fleet_said {
	size_t count;
	struct fleet_turn turns[]; /* oldest first */
};

/* With room for so many turns. NULL: no memory. */
struct fleet_said *fleet_said_new(size_t turns);
/* Adds a copy of the text; the room is there. False: no memory, and it is left out. */
bool fleet_said_add(struct fleet_said *said, bool agents, const char *text, size_t len);
struct fleet_said *fleet_said_copy(const struct fleet_said *said); /* NULL: no memory */
void fleet_said_free(struct fleet_said *said);                     /* fine with NULL */

/* A call on its way to a person, and its luggage for coming back if nobody answers. */
struct fleet_transfer {
	char call_sid[FOREIGN_ID_SIZE];
	char name[FLEET_NAME_SIZE], number[FOREIGN_ID_SIZE]; /* of the person */
	int ring_seconds;
	char from[FOREIGN_ID_SIZE], to[FOREIGN_ID_SIZE], direction[24];
	char record[8];                                /* as in struct call_facts */
	char *contact_name, *business_name, *metadata; /* owned, as in struct call_context */
	struct fleet_said *said;                       /* owned: what was said before; NULL: it cannot be told */
	bool anew;                                     /* of a session that broke off: it may be opened once more */
	int64_t turns; /* of a call that was interrupted: numbers up to here were given to its turns */
	/* The agent it comes back to: by name, and held as it was when the call left,
	 * which only a body in this process can keep (NULL else). */
	char agent[FLEET_NAME_SIZE], variant[FLEET_NAME_SIZE];
	const void *held;
	void (*release)(const void *held);
};

/* Frees all it owns and leaves it zeroed. Fine with a zeroed one. */
void fleet_transfer_free(struct fleet_transfer *t);

struct fleet_key {                    /* the order a key stands for */
	char order[FLEET_ORDER_SIZE]; /* the order's id */
	char hash[FLEET_HASH_SIZE];   /* of its body */
};

/* A call that comes in, to be counted with the others of its caller. */
struct fleet_arrival {
	const char *caller; /* who counts as one caller, in one spelling; see phone/party.h */
	const char *call_sid;
	int at_once, an_hour; /* the most that are let in; 0: no limit */
	bool back;            /* let in before: neither refused nor counted for the hour */
};

struct fleet;

struct fleet_ops {
	/* Announced calls: a token lets one stream in, once, within FLEET_TOKEN_US. */
	void (*announce)(struct fleet *f, const char *token, const char *call_sid, int64_t now_us);
	void (*withdraw)(struct fleet *f, const char *token);
	/* Spends the token and tells its call. -ENOENT: unknown, used, too late, withdrawn. */
	int (*claim)(struct fleet *f, const char *token, char call_sid[FOREIGN_ID_SIZE], int64_t now_us);

	/* Endings: Twilio asks what comes next after the call has left its line, and
	 * after a mass outage for hundreds at once. A call without a name (NULL or "")
	 * is not kept. */
	void (*ending_put)(struct fleet *f, const char *call_sid, const struct fleet_ending *ending, int64_t now_us);
	/* The newest one. `asking`: Twilio asks now. -ENOENT: none is known (any more). */
	int (*ending_get)(struct fleet *f, const char *call_sid, bool asking, struct fleet_ending *out, int64_t now_us);
	/* The number of this instance's endings of the last `since_us` that Twilio may still ask for. */
	int (*endings_unasked)(struct fleet *f, int64_t since_us, int64_t now_us);

	/* The same for a call that may have ended long ago, also before a restart: only `end`, `after`,
	 * `agent`, `variant` and `age_us` are filled in then, and `times` is 0. -ENOENT: it is not
	 * known to be over. */
	int (*ending_ever)(
	    struct fleet *f, const char *call_sid, struct fleet_ending *out, int64_t now_us, int64_t wall_ms);

	/* Callers. A call is counted once, however often it is told, until it leaves. 0;
	 * -EBUSY: the caller has `at_once` up; -EDQUOT: has begun `an_hour` within the hour. */
	int (*caller_enter)(struct fleet *f, const struct fleet_arrival *call, int64_t now_us);
	/* The call is over, or was not let in (`undo`: it does not count for the hour either).
	 * Nothing happens for one that is not counted. */
	void (*caller_leave)(struct fleet *f, const char *call_sid, bool undo);

	/* Transfers. Takes over what `t` owns; replaces an earlier one of that call. */
	void (*transfer_put)(struct fleet *f, struct fleet_transfer *t, int64_t now_us);
	/* What was said, as it is known by now, if that call's transfer was not handed out yet. Takes over `said`. */
	void (*transfer_said)(struct fleet *f, const char *call_sid, struct fleet_said *said, int64_t now_us);
	/* The number to dial; the transfer stays. -ENOENT: not known (any more). */
	int (*transfer_number)(
	    struct fleet *f, const char *call_sid, char number[FOREIGN_ID_SIZE], int *ring_seconds, int64_t now_us);
	/* Hands the transfer out, once; caller frees. -ENOENT: not known (any more). */
	int (*transfer_take)(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us);

	/* A call that this process knows nothing of, and that another one did not end: what the store has
	 * of it, for the caller to free. It stays. -ENOENT: there is no such call. */
	int (*interrupted)(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us);

	/* Idempotency keys. 0: it was free and is `mine` now; -EEXIST: it stands for
	 * `*holder`. -EAGAIN also while somebody else is taking it. */
	int (*key_take)(
	    struct fleet *f, const char *key, const struct fleet_key *mine, struct fleet_key *holder, int64_t wall_ms);
	/* The order was not placed: frees the key, if it is still that order's. */
	void (*key_drop)(struct fleet *f, const char *key, const char *order);

	/* The cost of calls, by day (as clock_day counts them). A day before the newest one is
	 * booked on the newest. */
	void (*day_add)(struct fleet *f, int64_t day, double usd);
	/* The sums of `today` and the days before it, in this order, as far as other
	 * instances have told theirs. */
	void (*day_sums)(struct fleet *f, int64_t today, double usd[FLEET_DAYS]);

	/* Main's tick: writes new facts down, now and then. */
	void (*tend)(struct fleet *f, int64_t now_us);
	/* Writes new facts down and closes. No call may be live any more. Fine with NULL. */
	void (*close)(struct fleet *f);
};

/* A body begins with it. */
struct fleet {
	const struct fleet_ops *ops;
};

#endif
