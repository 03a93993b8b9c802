#include "tools/kit/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/kit/file.h"

cJSON *report_hist(const struct hist *h)
{
	static const struct {
		const char *name;
		double share;
	} ranks[] = { { "p50_us", 0.5 }, { "p90_us", 0.9 }, { "p99_us", 0.99 }, { "p999_us", 0.999 } };
	cJSON *j = cJSON_CreateObject(), *cells;

	cJSON_AddNumberToObject(j, "count", (double)h->n);
	cJSON_AddNumberToObject(j, "mean_us", h->n ? (double)h->sum_ns / (double)h->n / 1000 : 0);
	for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++)
		cJSON_AddNumberToObject(j, ranks[i].name, (double)hist_at(h, ranks[i].share) / 1000);
	cJSON_AddNumberToObject(j, "max_us", (double)h->max_ns / 1000);
	cells = cJSON_AddArrayToObject(j, "histogram");
	for (size_t i = 0; i < HIST_CELLS; i++) {
		const double pair[2] = { (double)hist_edge(i) / 1000, h->cell[i] };

		if (h->cell[i])
			cJSON_AddItemToArray(cells, cJSON_CreateDoubleArray(pair, 2));
	}
	return j;
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes are read as counts");

double report_number(const void *from, const struct report_field *field)
{
	const void *at = (const char *)from + field->at;

	switch (field->kind) {
	case REPORT_BOOL:
		return *(const bool *)at;
	case REPORT_INT:
		return *(const int *)at;
	case REPORT_COUNT:
		return (double)*(const uint64_t *)at;
	case REPORT_NUMBER:
		return *(const double *)at;
	default:
		return 0;
	}
}

void report_fields(cJSON *to, const void *from, const struct report_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fields[i].kind == REPORT_BOOL)
			cJSON_AddBoolToObject(to, fields[i].name, report_number(from, &fields[i]) != 0);
		else if (fields[i].kind == REPORT_TEXT)
			cJSON_AddStringToObject(to, fields[i].name, (const char *)from + fields[i].at);
		else
			cJSON_AddNumberToObject(to, fields[i].name, report_number(from, &fields[i]));
	}
}

void report_usage(cJSON *to)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	cJSON_AddNumberToObject(to, "cpu_s",
	    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	cJSON_AddNumberToObject(to, "max_rss_kb", (double)used.ru_maxrss);
	cJSON_AddNumberToObject(to, "context_switches", (double)(used.ru_nvcsw + used.ru_nivcsw));
}

int report_save(const char *program, const char *path, cJSON *tree)
{
	char *printed = cJSON_Print(tree);
	struct text text = { 0 };
	int err;

	text_printf(&text, "%s\n", printed);
	err = file_write(path, &text);
	if (err)
		fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
	text_free(&text);
	free(printed);
	cJSON_Delete(tree);
	return err;
}
