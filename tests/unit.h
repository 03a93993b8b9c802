#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H
/* A unit test: cmocka, and the table that main (unit.c) runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The file's tests in their order. The last row has no name. */
extern const struct CMUnitTest unit_tests[];

/* Says of a test, below its includes, that it starts no thread: TSan, which could see nothing in it, does not run it.
 * Whoever starts one all the same is ended, under any sanitizer (threads.c). */
#define ONE_THREAD const bool unit_one_thread = true

/* The last row, where the whole has a set-up or a teardown. */
#define GROUP(setup, teardown) \
	{ \
		.setup_func = setup, .teardown_func = teardown \
	}

/* A set-up or a teardown that cannot fail. */
#define FIXTURE(name, ...) \
	static int name(void **state) \
	{ \
		(void)state; \
		__VA_ARGS__; \
		return 0; \
	}

/* A text of JSON without backslashes. Blanks in it are what the compiler makes of them. */
#define JSON(...) #__VA_ARGS__

#endif
