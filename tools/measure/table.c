#include "tools/measure/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 16, GROUP_GAP = 2 };

#define AT(field) offsetof(struct figures, field)
#define AT_RANK(field, rank) (offsetof(struct figures, field) + (rank) * sizeof(double))

static const struct column {
	const char *group; /* NULL: that of the column before */
	const char *title;
	size_t at;
	int width, decimals;
	bool ratio;
} columns[] = {
	{ "caller > model, ms", "p50", AT_RANK(up, P50), 6, 3, true },
	{ NULL, "p99", AT_RANK(up, P99), 7, 3, true },
	{ NULL, "max", AT_RANK(up, MAX), 8, 2, false },
	{ "model > caller, ms", "p50", AT_RANK(down, P50), 6, 3, true },
	{ NULL, "p99", AT_RANK(down, P99), 7, 3, true },
	{ NULL, "max", AT_RANK(down, MAX), 8, 2, false },
	{ "interruption > clear, ms", "p50", AT_RANK(clear, P50), 6, 3, true },
	{ NULL, "p99", AT_RANK(clear, P99), 7, 3, true },
	{ NULL, "max", AT_RANK(clear, MAX), 8, 2, false },
	{ NULL, "none", 0, 5, 0, false }, /* computed */
	{ "cut,", "p90", AT(cut_p90), 5, 1, false },
	{ "lost", "in", AT(lost), 5, 0, false },
	{ NULL, "out", AT(lost_units), 5, 0, false },
	{ "CPU", "ms", AT(cpu), 6, 3, true },
	{ NULL, "core%", AT(core), 5, 1, false },
	{ "wakes", "/frm", AT(wakeups), 5, 2, true },
	{ "KB/call", "RSS", AT(rss_kb), 5, 0, true },
	{ NULL, "PSS", AT(pss_kb), 5, 0, true },
	{ "thr", "n", AT(threads), 4, 0, false },
	{ "load late, ms", "p99", AT_RANK(late, P99), 7, 3, false },
	{ NULL, "max", AT_RANK(late, MAX), 7, 1, false },
	{ NULL, "core%", AT(load_core), 5, 0, false },
	{ "others", "core%", AT(others), 6, 0, false },
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static double value(const struct figures *f, size_t at)
{
	double v;

	memcpy(&v, (const char *)f + at, sizeof v);
	return v;
}

static int gap(int i)
{
	return columns[i].group ? GROUP_GAP : 1;
}

void table_explain(const struct settings *s)
{
	printf(
	    "Every call: a frame of the caller each 20 ms; every %g s an answer of %d ms, faster than it plays; every\n"
	    "second answer is interrupted %d ms after its first audio. %g s are measured, after %g new calls a second\n"
	    "and %g s more. %s\n\n",
	    s->every_s, s->answer_ms, s->cut_ms, s->seconds, s->ramp, settings_warmup_s(s),
	    s->apart ? "What stands between has one core to itself, the load the rest."
		     : "Nothing is pinned to a core.");
	puts(
	    "  caller > model   a caller's frame, from just before the phone's send until the model has decrypted it\n"
	    "  model > caller   an answer's first audio, from just before the model encrypts it until the phone has read it;\n"
	    "                   both are whole ways, kernel, TLS and the load's own share included: the relay, which does\n"
	    "                   nothing but re-frame, tells what is left for anybody to save\n"
	    "  interruption > clear   from speech_started written to clear read; none: told, but no clear came\n"
	    "  cut              told to the model as heard against really played, ms (the relay tells nothing)\n"
	    "  lost             caller's frames, and units of 20 ms of answers\n"
	    "  CPU              ms for each second of a call, all threads, user and system; core%: of one core\n"
	    "  wakes            times a thread slept and was woken, for each frame of a caller\n"
	    "  KB/call          above the same program with one line and no call; the kernel's share is not in it\n"
	    "  load late        the phone's sending against its own clock, and what phone and model took of their cores;\n"
	    "                   a delay below the load's own lateness says little\n"
	    "  others           what else ran on this machine meanwhile: the more, the less all this is worth\n");
}

static void group_titles(void)
{
	int width = NAME_WIDTH, written = NAME_WIDTH;

	printf("%*s", NAME_WIDTH, "");
	for (int i = 0; i < COLUMNS; i++) {
		if (columns[i].group) {
			int pad = width + GROUP_GAP - written;

			pad = pad < 1 ? 1 : pad;
			written += pad + printf("%*s%s", pad, "", columns[i].group) - pad;
		}
		width += gap(i) + columns[i].width;
	}
	putchar('\n');
}

void table_head(void)
{
	group_titles();
	printf("%*s", NAME_WIDTH, "calls  through");
	for (int i = 0; i < COLUMNS; i++)
		printf("%*s%*s", gap(i), "", columns[i].width, columns[i].title);
	putchar('\n');
	fflush(stdout);
}

static void cell(const struct figures *f, int i)
{
	const struct column *c = &columns[i];
	double missing = f->interruptions - f->clears;

	if (!strcmp(c->title, "none"))
		printf("%*s%*.0f", gap(i), "", c->width, missing > 0 ? missing : 0);
	else if ((c->at == AT(cut_p90) && !f->cuts) || (c->at == AT(pss_kb) && value(f, c->at) <= 0) ||
		 (c->at >= AT(clear) && c->at < AT(clears) && !f->clears))
		printf("%*s%*s", gap(i), "", c->width, "-");
	else
		printf("%*s%*.*f", gap(i), "", c->width, c->decimals, value(f, c->at));
}

void table_row(const char *name, const struct figures *f)
{
	printf("%5.0f  %-*s", f->calls, NAME_WIDTH - 7, name);
	if (!f->taken) {
		puts("  came to nothing");
		return;
	}
	for (int i = 0; i < COLUMNS; i++)
		cell(f, i);
	if (f->failed || f->live < f->calls)
		printf("  %.0f of %.0f calls up, %.0f failed", f->live, f->calls, f->failed);
	if (f->swapped || f->bad_units)
		printf("  out of order or doubled: %.0f in, %.0f out", f->swapped, f->bad_units);
	putchar('\n');
	fflush(stdout);
}

void table_words(const char *name, const struct figures *f)
{
	printf("%5.0f  %-*s", f->calls, NAME_WIDTH - 7, name);
	if (f->taken)
		printf(
		    "  model > caller, first token, ms: p50 %.3f  p99 %.3f  max %.2f  (%.0f answers, %.0f calls failed; "
		    "its core %.0f %%, the load's %.0f %%, others %.0f %%)\n",
		    f->down[P50], f->down[P99], f->down[MAX], f->words, f->failed, f->core, f->load_core, f->others);
	else
		puts("  came to nothing");
	fflush(stdout);
}

void table_ratio(const struct figures *f, const struct figures *base)
{
	if (!f->taken || !base->taken)
		return;
	printf("%*s", NAME_WIDTH, "ratio    ");
	for (int i = 0; i < COLUMNS; i++) {
		double of = value(base, columns[i].at);

		if (columns[i].ratio && of > 0)
			printf("%*s%*.2f", gap(i), "", columns[i].width, value(f, columns[i].at) / of);
		else
			printf("%*s%*s", gap(i), "", columns[i].width, "");
	}
	puts("\n");
	fflush(stdout);
}

static int aim(const struct figures *f, bool met, const char *what, double is, double below)
{
	if (!met)
		printf("  %4.0f calls: %s is %.3g, the aim %.3g\n", f->calls, what, is, below);
	return !met;
}

int table_words_aims(const char *name, const struct figures *f)
{
	char what[60];

	snprintf(what, sizeof what, "a first token (%s) p99, ms,", name);
	return f->taken ? aim(f, f->down[P99] <= 1, what, f->down[P99], 1) : 1;
}

/* The numbers of the design; those against the relay are its sense. */
int table_aims(const struct figures *f, const struct figures *relay)
{
	int missed = 0;

	if (!f->taken)
		return 1;
	missed += aim(f, f->lost + f->lost_units + f->swapped + f->bad_units < 1, "audio lost or out of order",
	    f->lost + f->lost_units + f->swapped + f->bad_units, 0);
	missed += aim(f, f->up[P50] < 0.15, "caller > model p50, ms,", f->up[P50], 0.15);
	missed += aim(f, f->up[P99] < 1, "caller > model p99, ms,", f->up[P99], 1);
	missed += aim(f, f->down[P50] < 0.15, "model > caller p50, ms,", f->down[P50], 0.15);
	missed += aim(f, f->down[P99] < 1, "model > caller p99, ms,", f->down[P99], 1);
	missed += aim(f, f->clear[P99] < 2, "interruption > clear p99, ms,", f->clear[P99], 2);
	missed += aim(f, !f->cuts || f->cut_p90 < 20, "cut p90, ms,", f->cut_p90, 20);
	/* One, and some for what the model says and for marks that come back. */
	missed += aim(f, f->wakeups < 1.2, "wake-ups per frame", f->wakeups, 1);
	missed += aim(f, f->rss_kb < 150 || f->calls < 50, "KB per call", f->rss_kb, 150);
	if (!relay->taken)
		return missed;
	missed +=
	    aim(f, f->up[P99] <= 2 * relay->up[P99], "caller > model p99 in relays", f->up[P99] / relay->up[P99], 2);
	missed += aim(f, f->down[P99] <= 2 * relay->down[P99], "model > caller p99 in relays",
	    f->down[P99] / relay->down[P99], 2);
	missed += aim(f, f->cpu <= 1.3 * relay->cpu, "CPU in relays", f->cpu / relay->cpu, 1.3);
	return missed;
}
