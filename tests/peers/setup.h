#ifndef TESTS_SETUP_H
#define TESTS_SETUP_H
/* What many tests begin and end with. They fail the test when they cannot. */
#include "common/clock.h"
#include "server/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOLDER_SIZE = 64 };

/* A config_lookup in an array of names and values that ends with a NULL. */
const char *pairs_lookup(void *pairs, const char *name);
/* The settings of such an array; NULL: all of them unset. */
void pairs_load(struct config *cfg, const char *const *pairs);

/* A folder of this test's own, and without it again; its name begins with the
 * test's. Removing answers 0, as a teardown does. */
void folder_make(char folder[FOLDER_SIZE], const char *test);
int folder_remove(const char *folder);
void folder_put(const char *folder, const char *name, const void *bytes, size_t len);

/* Set-up and teardown of a group that asks others by HTTP. */
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
