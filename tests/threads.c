/* Who starts a thread? Linked into every unit test, in place of what starts one (--wrap in the Makefile). A test that
 * says ONE_THREAD (unit.h) is not run under TSan, which would see nothing there: so it must be true. */
#include "tests/unit.h"

#include <civetweb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const bool unit_one_thread __attribute__((weak));
static _Atomic bool started; /* any thread may start another */

static void starts_one(void)
{
	started = true;
	if (&unit_one_thread) {
		fputs("a thread is started in a test that says ONE_THREAD\n", stderr);
		abort();
	}
}

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
/* Weak: the tests of the tools do without CivetWeb. */
__attribute__((weak)) struct mg_context *__real_mg_start2(struct mg_init_data *, struct mg_error_data *);
struct mg_context *__wrap_mg_start2(struct mg_init_data *, struct mg_error_data *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	starts_one();
	return __real_pthread_create(thread, attr, run, arg);
}

struct mg_context *__wrap_mg_start2(struct mg_init_data *init, struct mg_error_data *error)
{
	starts_one();
	return __real_mg_start2(init, error);
}

#ifdef __SANITIZE_THREAD__
__attribute__((destructor)) static void started_none(void)
{
	if (!started) {
		fputs("this test starts no thread: let it say ONE_THREAD (tests/unit.h)\n", stderr);
		_exit(1);
	}
}
#endif
