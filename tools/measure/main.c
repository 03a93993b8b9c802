/* The bench: many calls at once through the server and, in the same run,
 * through a bare relay. tools/bench starts it. */
#include "tools/measure/child.h"
#include "tools/measure/prove.h"
#include "tools/measure/run.h"
#include "tools/measure/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 5000, WORDS_CALLS = 200, QUICK_WORDS_CALLS = 5, LOAD_LATE_MS = 20, BROKEN_P99_MS = 100 };

static const char help[] =
    "Calls at once through the server, and through a bare relay to compare with; then 200 by\n"
    "ConversationRelay, in words: from the model's first token to the phone's, of the realtime model\n"
    "(words) and of a text API (text).\n"
    "\n"
    "  tools/bench           the table\n"
    "  tools/bench --quick   a few calls, to see that there is a table; nothing depends on a time\n"
    "  tools/bench --prove   relays that do harm of a known size: does the table show it?\n"
    "\n"
    "  BENCH_CALLS=\"1 10 50\"   how many at once, one after the other (1 10 50 100 200 400 700 1000;\n"
    "                          the default list ends where the server breaks)\n"
    "  BENCH_SECONDS=10        the measured window\n"
    "  BENCH_RAMP=50           new calls a second\n"
    "  BENCH_CORES=1           cores for the server alone, 1; or 2: nothing is pinned\n"
    "\n"
    "Other settings of the server are taken from the environment.\n";

static struct subject server = { .name = "trunkline" }, relay = { .name = "relay", .relay = true },
		      words = { .name = "words", .words = true },
		      texts = { .name = "text", .words = true, .text = true };

static double from_environment(const char *name, double otherwise, double least)
{
	const char *text = getenv(name);
	char *end;
	double value;

	if (!text || !*text)
		return otherwise;
	value = strtod(text, &end);
	if (*end || !(value >= least)) {
		fprintf(stderr, "bench: %s must be a number from %g\n", name, least);
		exit(2);
	}
	return value;
}

static void read_sizes(struct settings *s, const char *text)
{
	char *end;

	for (s->count = 0; *(text += strspn(text, " ,")); text = end) {
		long n = strtol(text, &end, 10);

		if (end == text || n < 1 || n > CALLS_MAX || s->count == SIZES_MAX) {
			fprintf(
			    stderr, "bench: BENCH_CALLS must be numbers up to %d, %d at most\n", CALLS_MAX, SIZES_MAX);
			exit(2);
		}
		s->sizes[s->count++] = (int)n;
	}
}

static void read_settings(struct settings *s, bool quick)
{
	const char *sizes = getenv("BENCH_CALLS");

	*s = (struct settings){
		.seconds = from_environment("BENCH_SECONDS", quick ? 4 : 10, 1),
		.ramp = from_environment("BENCH_RAMP", 50, 1),
		.every_s = quick ? 2 : 4,
		.answer_ms = quick ? 1000 : 2000,
		.cut_ms = quick ? 400 : 800,
		.apart = from_environment("BENCH_CORES", 1, 1) < 2 && cores_apart(),
		.build = getenv("BENCH_BUILD") ? getenv("BENCH_BUILD") : "build/release",
		.out = "build/bench",
	};
	read_sizes(s, sizes && *sizes ? sizes : quick ? "5" : "1 10 50 100 200 400 700 1000");
	if (!s->count) {
		fprintf(stderr, "bench: BENCH_CALLS names no number\n");
		exit(2);
	}
	if (s->apart)
		cores_use(LOAD_CORES);
}

/* Words when no larger size is worth trying; NULL when it is. */
static const char *broken(const struct figures *f)
{
	if (!f->taken)
		return "the run came to nothing";
	if (f->late[P99] > LOAD_LATE_MS)
		return "the load itself could not keep time: this says nothing about what stands between";
	if (f->live < f->calls || f->failed)
		return "calls failed";
	if (f->lost || f->lost_units)
		return "audio was lost";
	if (f->up[P99] > BROKEN_P99_MS || f->down[P99] > BROKEN_P99_MS)
		return "audio came more than 100 ms late";
	return NULL;
}

static bool complete(const struct figures *f)
{
	return f->taken && !f->failed && f->live >= f->calls && f->frames > 0 && f->units > 0 && f->interruptions > 0 &&
	       f->clears > 0 && !f->lost && !f->lost_units;
}

/* How many sizes both got through. */
static int measure(const struct settings *s, struct figures *servers, struct figures *relays, bool *all_complete)
{
	bool stop_early = !getenv("BENCH_CALLS");
	int i;

	*all_complete = true;
	for (i = 0; i < s->count; i++) {
		const char *why;

		run_calls(s, &server, s->sizes[i], &servers[i]);
		table_row(server.name, &servers[i]);
		run_calls(s, &relay, s->sizes[i], &relays[i]);
		table_row(relay.name, &relays[i]);
		table_ratio(&servers[i], &relays[i]);
		*all_complete = *all_complete && complete(&servers[i]) && complete(&relays[i]);
		if ((why = broken(&servers[i])))
			printf("%d calls through the server: %s (its core %.0f %%, the load's %.0f %%)\n", s->sizes[i],
			    why, servers[i].core, servers[i].load_core);
		if ((why = broken(&relays[i])))
			printf("%d calls through the relay: %s (its core %.0f %%, the load's %.0f %%)\n", s->sizes[i],
			    why, relays[i].core, relays[i].load_core);
		if (stop_early && broken(&servers[i]))
			return i + 1;
	}
	return i;
}

/* Both rows in words; true if each is there. */
static bool measure_words(const struct settings *s, int calls, struct figures in_words[2])
{
	const struct subject *subjects[] = { &words, &texts };
	bool all_complete = true;

	for (int i = 0; i < 2; i++) {
		run_calls(s, subjects[i], calls, &in_words[i]);
		table_words(subjects[i]->name, &in_words[i]);
		all_complete = all_complete && in_words[i].taken && !in_words[i].failed && in_words[i].words > 0;
	}
	return all_complete;
}

static void tell_aims(
    const struct figures *servers, const struct figures *relays, int count, const struct figures in_words[2])
{
	int missed = 0;

	puts("Aims of the design that were missed:");
	for (int i = 0; i < count; i++)
		missed += table_aims(&servers[i], &relays[i]);
	missed += table_words_aims(words.name, &in_words[0]) + table_words_aims(texts.name, &in_words[1]);
	if (!missed)
		puts("  none");
}

int main(int argc, char **argv)
{
	struct figures servers[SIZES_MAX], relays[SIZES_MAX], in_words[2];
	bool quick = argc == 2 && !strcmp(argv[1], "--quick"), proving = argc == 2 && !strcmp(argv[1], "--prove");
	bool all_complete;
	struct settings s;
	int count;

	if (argc > 1 && !quick && !proving) {
		bool asked = argc == 2 && !strcmp(argv[1], "--help");

		fputs(help, asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	read_settings(&s, quick || proving);
	if (proving)
		return prove(&s);
	table_explain(&s);
	putchar('\n');
	if (!run_idle(&s, &server) || !run_idle(&s, &relay))
		return 1;
	table_head();
	count = measure(&s, servers, relays, &all_complete);
	all_complete = measure_words(&s, quick ? QUICK_WORDS_CALLS : WORDS_CALLS, in_words) && all_complete;
	if (quick) {
		puts(all_complete ? "the table is complete" : "the table is not complete");
		return !all_complete;
	}
	tell_aims(servers, relays, count, in_words);
	return !servers[0].taken || !relays[0].taken;
}
