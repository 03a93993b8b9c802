#ifndef TESTS_SETUP_H
#define TESTS_SETUP_H
/* What many tests begin and end with. They fail the test when they cannot. */
#include "common/clock.h"
#include "common/json.h"
#include "common/json_out.h"
#include "server/config/config.h"
#include "tests/unit.h"

#include <unistd.h>

/* A config_lookup in an array of names and values that ends with a NULL. */
const char *pairs_lookup(void *pairs, const char *name);
/* The settings of such an array; NULL: all of them unset. */
void pairs_load(struct config *cfg, const char *const *pairs);

/* Set-up and teardown of a test with a folder of its own, under build/tmp. */
extern char folder[64];
int folder_begin(void **state);
int folder_end(void **state);
void folder_put(const char *name, const void *bytes, size_t len);

/* Of a test that writes into a buffer, or two: what is noted beside it. */
extern struct buf written, noted;
int written_begin(void **state);
int written_end(void **state);
void assert_written(const char *wanted); /* since the last time */

int lines_of(const char *text);
cJSON *json_of(const char *text);

/* What is put into an object, as a tree; the caller deletes it. One at a time. */
struct json_out *tree_begin(void);
cJSON *tree_end(void);

/* Of a group that asks others by HTTP. */
int http_begin(void **state);
int http_end(void **state);

/* Fails after a minute; on any machine it takes less. */
#define until_true(condition) \
	do { \
		int64_t give_up = clock_now_us() + 60 * US_PER_S; \
		while (!(condition)) { \
			if (clock_now_us() > give_up) \
				fail_msg("never came true: %s", #condition); \
			usleep(2000); \
		} \
	} while (0)

#endif
