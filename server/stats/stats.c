#include "server/stats/stats.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct stats stats = { .last_connect_ms = -1 };

/* Pairs of class and code come from the model's service, so their number is bounded here and not
 * there. They are few, and errors are rare: a list under a lock will do. */
static struct {
	char error_class[24];
	char code[64];
	uint64_t count;
} errors[STAT_ERRORS_MAX];
static size_t error_count;
static pthread_mutex_t errors_lock = PTHREAD_MUTEX_INITIALIZER;

/* Called for each error event of the model, which is to say rarely. */
void stat_model_error(const char *error_class, const char *code)
{
	size_t i = 0;

	pthread_mutex_lock(&errors_lock);
	while (i < error_count && (strcmp(errors[i].error_class, error_class) || strncmp(errors[i].code, code, 63)))
		i++;
	/* The last place is for all pairs that no longer fit. */
	if (i == STAT_ERRORS_MAX - 1) {
		error_class = code = "other";
	}
	if (i == STAT_ERRORS_MAX)
		i--;
	if (i == error_count) {
		snprintf(errors[i].error_class, sizeof errors[i].error_class, "%s", error_class);
		snprintf(errors[i].code, sizeof errors[i].code, "%s", code);
		error_count++;
	}
	errors[i].count++;
	pthread_mutex_unlock(&errors_lock);
}

void stat_model_errors(void (*each)(void *arg, const char *error_class, const char *code, uint64_t count), void *arg)
{
	pthread_mutex_lock(&errors_lock);
	for (size_t i = 0; i < error_count; i++)
		each(arg, errors[i].error_class, errors[i].code, errors[i].count);
	pthread_mutex_unlock(&errors_lock);
}
