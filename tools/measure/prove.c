#include "tools/measure/prove.h"

#include "tools/measure/run.h"
#include "tools/measure/table.h"

#include <stdio.h>

enum { CALLS = 20, DELAY_MS = 50, DROP_PERCENT = 1, BURN_US = 200, HOLD_KB = 300 };

enum harm { NONE, DELAY, DROP, NO_CLEAR, BURN, HOLD, HARMS };

static struct subject subjects[HARMS] = {
	[NONE] = { .name = "relay", .relay = true },
	[DELAY] = { .name = "delay", .relay = true, .harm = { "--delay-ms=50" } },
	[DROP] = { .name = "drop", .relay = true, .harm = { "--drop-percent=1" } },
	[NO_CLEAR] = { .name = "no-clear", .relay = true, .harm = { "--no-clear" } },
	[BURN] = { .name = "burn", .relay = true, .harm = { "--burn-us=200" } },
	[HOLD] = { .name = "hold", .relay = true, .harm = { "--hold-kb=300" } },
};

static int failures;

/* `is` within `slack` of `expected`, as far as the machine's own noise allows. */
static void check(const char *what, double is, double expected, double slack)
{
	bool ok = is >= expected - slack && is <= expected + slack;

	printf("  %s  %-58s %8.2f, to be %8.2f +- %g\n", ok ? "ok  " : "FAIL", what, is, expected, slack);
	failures += !ok;
}

static double percent(double part, double rest)
{
	return part + rest > 0 ? part * 100 / (part + rest) : 0;
}

static void judge(const struct figures f[HARMS])
{
	const struct figures *plain = &f[NONE];
	double frames_a_second = 50;

	check("without harm: frames lost", plain->lost + plain->lost_units, 0, 0);
	check("without harm: clears that did not come", plain->interruptions - plain->clears, 0, 1);
	check("delay of 50 ms: caller > model, p50", f[DELAY].up[P50] - plain->up[P50], DELAY_MS, 3);
	check("delay of 50 ms: model > caller, p50", f[DELAY].down[P50] - plain->down[P50], DELAY_MS, 3);
	check("delay of 50 ms: interruption > clear, p50", f[DELAY].clear[P50] - plain->clear[P50], DELAY_MS, 3);
	check("delay of 50 ms: frames lost", f[DELAY].lost + f[DELAY].lost_units, 0, 0);
	check("1 in 100 dropped: caller's frames, per cent", percent(f[DROP].lost, f[DROP].frames), DROP_PERCENT, 0.2);
	/* An answer's messages are few and of all lengths. */
	check("1 in 100 dropped: answers' units, per cent", percent(f[DROP].lost_units, f[DROP].units), DROP_PERCENT,
	    0.9);
	check("no clear: interruptions without one, per cent",
	    percent(f[NO_CLEAR].interruptions - f[NO_CLEAR].clears, f[NO_CLEAR].clears), 100, 0);
	check("no clear: frames lost", f[NO_CLEAR].lost + f[NO_CLEAR].lost_units, 0, 0);
	check("200 us burnt per frame: CPU ms per call and second", f[BURN].cpu - plain->cpu,
	    BURN_US * frames_a_second / 1000, 1.5);
	check("300 KB held per call: KB per call", f[HOLD].rss_kb - plain->rss_kb, HOLD_KB, 30);
}

int prove(const struct settings *s)
{
	struct figures f[HARMS];

	table_explain(s);
	puts("\nA relay that does harm on purpose:\n");
	table_head();
	for (int i = 0; i < HARMS; i++) {
		if (!run_idle(s, &subjects[i]) || !run_calls(s, &subjects[i], CALLS, &f[i]))
			return 1;
		table_row(subjects[i].name, &f[i]);
	}
	putchar('\n');
	judge(f);
	puts(failures ? "\nthe bench does not show what is there" : "\nthe bench shows each at its size");
	return failures > 0;
}
