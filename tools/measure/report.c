#include "tools/measure/report.h"

#include "tools/kit/file.h"
#include "tools/measure/child.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
	const char *path;
	cJSON *json;
	bool missing;
};

bool file_wait(const char *path, double seconds)
{
	uint64_t until = mono_ns() + (uint64_t)(seconds * 1e9);

	while (access(path, R_OK)) {
		if (mono_ns() >= until)
			return false;
		sleep_until_ns(mono_ns() + 5000000);
	}
	return true;
}

static bool open_report(struct reader *r, const char *path)
{
	struct text text = { 0 };

	*r = (struct reader){ .path = path, .json = file_read(path, &text) ? NULL : cJSON_Parse(text_str(&text)) };
	text_free(&text);
	if (!r->json)
		fprintf(stderr, "bench: %s is no report\n", path);
	return r->json;
}

static bool close_report(struct reader *r)
{
	cJSON_Delete(r->json);
	return !r->missing;
}

/* By a path such as "load.uplink.p50_us". */
static double number(struct reader *r, const char *where)
{
	char copy[100], *rest = copy, *name;
	const cJSON *at = r->json;

	snprintf(copy, sizeof copy, "%s", where);
	while (at && (name = strsep(&rest, ".")))
		at = cJSON_GetObjectItemCaseSensitive(at, name);
	if (!cJSON_IsNumber(at)) {
		fprintf(stderr, "bench: %s has no %s\n", r->path, where);
		r->missing = true;
		return 0;
	}
	return at->valuedouble;
}

static void ranks(struct reader *r, const char *name, double ms[RANKS])
{
	static const char *const which[RANKS] = { "p50_us", "p99_us", "max_us" };
	char where[100];

	for (int i = 0; i < RANKS; i++) {
		snprintf(where, sizeof where, "load.%s.%s", name, which[i]);
		ms[i] = number(r, where) / 1000;
	}
}

bool report_model(struct figures *f, const char *path)
{
	struct reader r;

	if (!open_report(&r, path))
		return false;
	ranks(&r, "uplink", f->up);
	ranks(&r, "interruption_to_clear", f->clear);
	f->clears = number(&r, "load.interruption_to_clear.count");
	f->interruptions = number(&r, "load.interruptions");
	f->cut_p90 = number(&r, "load.truncation_error.p90_us") / 1000;
	f->cuts = number(&r, "load.truncation_error.count");
	f->frames = number(&r, "load.frames");
	f->lost = number(&r, "load.lost");
	f->swapped = number(&r, "load.duplicated") + number(&r, "load.reordered");
	f->model_late = number(&r, "load.own_timers_late_max_us") / 1000;
	if (number(&r, "violation_count") > 0)
		fprintf(stderr, "bench: %s tells of messages that OpenAI would refuse\n", path);
	return close_report(&r);
}

/* What the phones saw of their calls. */
static bool open_phones(struct reader *r, struct figures *f, const char *path)
{
	if (!open_report(r, path))
		return false;
	f->failed = number(r, "load.failed");
	/* Up to the end, where it was the caller who hung up. */
	f->live = number(r, "load.ends.caller");
	ranks(r, "answer_first", f->down);
	ranks(r, "send_late", f->late);
	return true;
}

bool report_words(struct figures *f, const char *path)
{
	struct reader r;

	if (!open_phones(&r, f, path))
		return false;
	f->words = number(&r, "load.answer_first.count");
	return close_report(&r);
}

bool report_phone(struct figures *f, const char *path)
{
	struct reader r;

	if (!open_phones(&r, f, path))
		return false;
	f->units = number(&r, "load.units_received");
	f->lost_units = number(&r, "load.units_lost");
	f->bad_units =
	    number(&r, "load.units_doubled") + number(&r, "load.units_reordered") + number(&r, "load.units_stale");
	/* What the kernel did not take because nobody read it never was on the way. */
	f->lost += number(&r, "load.overflow_frames");
	return close_report(&r);
}
