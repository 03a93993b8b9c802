#include "tools/measure/run.h"

#include "tools/measure/child.h"
#include "tools/kit/file.h"
#include "tools/kit/text.h"
#include "tools/measure/report.h"
#include "tools/measure/sample.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FRAMES_PER_SECOND = 50,
	SPARE_LINES = 4,        /* above the calls, so that nobody is turned away */
	AFTER_ANSWER_MS = 1500, /* the model's pause before its first answer, on top */
	START_S = 10,
	STOP_S = 15,
	REPORT_S = 20,
};

#define HANGUP_NS 50000000ULL
#define PUBLIC_URL "https://bench.example.com"

struct stage {
	const struct settings *s;
	char dir[300]; /* of this run's logs and reports */
	char model_report[340], phone_report[340];
	struct child model, bridge, phone;
	bool text; /* the model is a text API */
	int model_port, bridge_port;
};

/* CPU time so far: of the bridge, of phone and model, of all but ourselves. */
struct edge {
	uint64_t at_ns, bridge_ns, load_ns, busy_ns;
};

struct window {
	struct edge from, to;
	struct sample begin, end;
};

double settings_warmup_s(const struct settings *s)
{
	return (s->answer_ms + AFTER_ANSWER_MS) / 1000.0 + s->every_s + 0.5;
}

static const char *path(const struct stage *st, const char *file)
{
	static char text[2][400];
	static int which;

	which = !which;
	snprintf(text[which], sizeof text[which], "%s/%s", st->dir, file);
	return text[which];
}

static void stage_init(struct stage *st, const struct settings *s, const struct subject *subject, int calls)
{
	*st = (struct stage){ .s = s, .text = subject->text };
	snprintf(st->dir, sizeof st->dir, "%s/%s-%d", s->out, subject->name, calls);
	mkdir(s->out, 0755);
	mkdir(st->dir, 0755);
	snprintf(st->model_report, sizeof st->model_report, "%s/model.json", st->dir);
	snprintf(st->phone_report, sizeof st->phone_report, "%s/phone.json", st->dir);
	unlink(path(st, "model.log"));
	unlink(path(st, "bridge.log"));
	unlink(path(st, "phone.log"));
	unlink(path(st, "window.json"));
	unlink(st->model_report);
	unlink(st->phone_report);
}

static void stage_clear(struct stage *st)
{
	child_stop(&st->phone, STOP_S);
	child_stop(&st->bridge, STOP_S);
	child_stop(&st->model, STOP_S);
}

static enum cores load_cores(const struct settings *s)
{
	return s->apart ? LOAD_CORES : ANY_CORE;
}

static bool write_file(const char *at, const char *content)
{
	struct text text = { 0 };
	bool ok;

	text_puts(&text, content);
	ok = file_write(at, &text) == 0;
	text_free(&text);
	return ok;
}

/* Its certificate is the stand-in model's, which ran before. */
static bool start_text_model(struct stage *st)
{
	static const char script[] =
	    "[{\"then\": [{\"stamp\": true, \"gap_ms\": 40, \"text\": \"is when this answer began, which goes on for a "
	    "while and then, as all of them do, comes to its end.\"}]}]";
	const struct settings *s = st->s;
	struct command c = { 0 };

	if (!write_file(path(st, "text.json"), script))
		return false;
	command_add(&c, "%s/text-model", s->build);
	command_add(&c, "--port=%d", st->model_port);
	command_add(&c, "--cert=%s/ca/good.pem", s->out);
	command_add(&c, "--script=%s", path(st, "text.json"));
	return child_start(&st->model, "text-model", &c, load_cores(s), path(st, "model.log")) &&
	       port_wait(st->model_port, &st->model, START_S);
}

static bool start_model(struct stage *st)
{
	const struct settings *s = st->s;
	struct command c = { 0 };

	st->model_port = port_free();
	if (st->text)
		return start_text_model(st);
	command_add(&c, "%s/standin-model", s->build);
	command_add(&c, "--load");
	command_add(&c, "--port=%d", st->model_port);
	command_add(&c, "--dir=%s/ca", s->out);
	command_add(&c, "--report=%s", st->model_report);
	command_add(&c, "--threads=%d", s->apart ? cores_for_load() : 1);
	command_add(&c, "--load-every=%g", s->every_s);
	command_add(&c, "--load-answer-ms=%d", s->answer_ms);
	command_add(&c, "--load-cut-ms=%d", s->cut_ms);
	command_add(&c, "--load-cut-every=2");
	return child_start(&st->model, "standin-model", &c, load_cores(s), path(st, "model.log")) &&
	       port_wait(st->model_port, &st->model, START_S);
}

static void server_command(const struct stage *st, struct command *c, const struct subject *subject, int calls)
{
	if (subject->words) {
		command_add(c, "CHANNEL=relay");
		command_add(c, "GREETING_MODE=wait");
	}
	if (subject->text) {
		command_add(c, "MODEL_PROTOCOL=text");
		command_add(c, "TEXT_API_URL=https://localhost:%d/v1/responses", st->model_port);
		command_add(c, "HTTPS_CA_FILE=%s/ca/ca.pem", st->s->out);
	}
	command_add(c, "OPENAI_REALTIME_URL=wss://localhost:%d/v1/realtime", st->model_port);
	command_add(c, "OPENAI_CA_FILE=%s/ca/ca.pem", st->s->out);
	command_add(c, "OPENAI_API_KEY=sk-bench");
	command_add(c, "VOICE_CACHE=off");
	command_add(c, "FALLBACK=none");
	command_add(c, "TWILIO_AUTH_TOKEN=bench");
	command_add(c, "PUBLIC_URL=" PUBLIC_URL);
	command_add(c, "LISTEN=127.0.0.1");
	command_add(c, "PORT=%d", st->bridge_port);
	command_add(c, "MAX_CALLS=%d", calls);
	command_add(c, "REPROMPT_SECONDS=0");
	command_add(c, "%s/trunkline", st->s->build);
}

static void relay_command(const struct stage *st, struct command *c, const struct subject *subject)
{
	command_add(c, "%s/relay", st->s->build);
	command_add(c, "--port=%d", st->bridge_port);
	command_add(c, "--model=localhost:%d", st->model_port);
	command_add(c, "--ca=%s/ca/ca.pem", st->s->out);
	for (int i = 0; i < HARMS_MAX && subject->harm[i]; i++)
		command_add(c, "%s", subject->harm[i]);
}

static bool start_bridge(struct stage *st, const struct subject *subject, int calls)
{
	struct command c = { 0 };

	st->bridge_port = port_free();
	if (subject->relay)
		relay_command(st, &c, subject);
	else
		server_command(st, &c, subject, calls);
	return child_start(
		   &st->bridge, subject->name, &c, st->s->apart ? SERVER_CORE : ANY_CORE, path(st, "bridge.log")) &&
	       port_wait(st->bridge_port, &st->bridge, START_S);
}

/* Who speaks by words says some, hears the answer, and says some again. */
static bool write_words(const struct stage *st)
{
	return write_file(
	    path(st, "words.script"), "silence 1500\nprompt \"Tell me something.\" 300\nwait-last\nrepeat\n");
}

static bool start_phone(struct stage *st, const struct subject *subject, int calls, double seconds)
{
	struct command c = { 0 };

	if (subject->words && !write_words(st))
		return false;

	command_add(&c, "%s/phone", st->s->build);
	command_add(&c, "--server=127.0.0.1:%d", st->bridge_port);
	command_add(&c, "--public-url=" PUBLIC_URL);
	command_add(&c, "--token=bench");
	command_add(&c, "--stamps");
	command_add(&c, "--calls=%d", calls);
	command_add(&c, "--ramp=%g", st->s->ramp);
	command_add(&c, "--settle=%g", settings_warmup_s(st->s));
	command_add(&c, "--seconds=%g", seconds);
	command_add(&c, "--threads=%d", st->s->apart && cores_for_load() > 1 && calls > 1 ? 2 : 1);
	command_add(&c, "--report=%s", st->phone_report);
	if (subject->words) {
		command_add(&c, "--script=%s", path(st, "words.script"));
		command_add(&c, "--pace=200");
	}
	return child_start(&st->phone, "phone", &c, load_cores(st->s), path(st, "phone.log"));
}

static void edge_take(struct edge *e, const struct stage *st)
{
	e->at_ns = mono_ns();
	e->bridge_ns = sample_cpu_ns(st->bridge.pid);
	e->load_ns = sample_cpu_ns(st->phone.pid) + sample_cpu_ns(st->model.pid);
	e->busy_ns = sample_busy_ns() - sample_cpu_ns(getpid());
}

/* The CPU clocks are read at the window's edges. The rest waits until nothing
 * is measured any more: reading about some thousand threads, or writing the
 * model's report, takes the load's core for a while. */
static bool watch_window(struct stage *st, struct window *w, double begin_s, double seconds)
{
	sleep_until_ns(mono_ns() + (uint64_t)(begin_s * 1e9));
	if (!child_alive(&st->phone) || !sample_take(&w->begin, st->bridge.pid))
		return false;
	edge_take(&w->from, st);
	if (!st->text)
		kill(st->model.pid, SIGUSR2);
	sleep_until_ns(w->from.at_ns + (uint64_t)(seconds * 1e9));
	edge_take(&w->to, st);
	/* By then the first caller is about to hang up, and the phone measures
	 * no longer either. */
	sleep_until_ns(w->to.at_ns + HANGUP_NS);
	if (st->text)
		return child_alive(&st->phone) && sample_take(&w->end, st->bridge.pid);
	kill(st->model.pid, SIGUSR1);
	if (!file_wait(st->model_report, REPORT_S))
		return false;
	/* At its end the model writes another, of a load that is over. */
	if (rename(st->model_report, path(st, "window.json")))
		return false;
	return child_alive(&st->phone) && sample_take(&w->end, st->bridge.pid);
}

static void read_window(struct figures *f, const struct window *w, const struct subject *subject)
{
	double seconds = (double)(w->to.at_ns - w->from.at_ns) / 1e9;
	double sampled = (double)(w->end.at_ns - w->begin.at_ns) / 1e9;
	double cpu_ms = (double)(w->to.bridge_ns - w->from.bridge_ns) / 1e6;

	f->cpu = cpu_ms / (f->live * seconds);
	f->core = cpu_ms / 10 / seconds;
	f->wakeups = (double)(w->end.wakeups - w->begin.wakeups) / (f->live * sampled * FRAMES_PER_SECOND);
	f->rss_kb = (w->end.rss_kb - subject->idle_rss_kb) / f->live;
	f->pss_kb = (w->end.pss_kb - subject->idle_pss_kb) / f->live;
	f->threads = w->end.threads;
	f->load_core = (double)(w->to.load_ns - w->from.load_ns) / 1e7 / seconds;
	f->others = (double)(w->to.busy_ns - w->from.busy_ns) / 1e7 / seconds - f->core - f->load_core;
	f->others = f->others > 0 ? f->others : 0;
}

bool run_calls(const struct settings *s, const struct subject *subject, int calls, struct figures *out)
{
	double warmup = calls / s->ramp + settings_warmup_s(s);
	struct window w = { 0 };
	struct stage st;
	int status;
	bool ok;

	*out = (struct figures){ .calls = calls };
	stage_init(&st, s, subject, calls);
	/* With several it waits for the ramp; one alone counts from its beginning. */
	ok = start_model(&st) && start_bridge(&st, subject, calls + SPARE_LINES) &&
	     start_phone(&st, subject, calls, settings_warmup_s(s) + s->seconds + (calls == 1)) &&
	     watch_window(&st, &w, warmup, s->seconds);
	if (ok)
		ok = child_wait(&st.phone, STOP_S + calls / s->ramp, &status);
	stage_clear(&st);
	if (subject->words)
		ok = ok && report_words(out, st.phone_report) && out->live > 0;
	else
		ok = ok && report_model(out, path(&st, "window.json")) && report_phone(out, st.phone_report) &&
		     out->live > 0;
	if (!ok)
		fprintf(stderr, "bench: %s with %d calls came to nothing; see %s\n", subject->name, calls, st.dir);
	else
		read_window(out, &w, subject);
	out->taken = ok;
	return ok;
}

bool run_idle(const struct settings *s, struct subject *subject)
{
	struct sample sample;
	struct stage st;
	bool ok;

	stage_init(&st, s, subject, 0);
	ok = start_model(&st) && start_bridge(&st, subject, 1);
	if (ok) {
		/* Its first look at the model is part of being idle. */
		sleep_until_ns(mono_ns() + NS_PER_S);
		ok = sample_take(&sample, st.bridge.pid);
	}
	stage_clear(&st);
	if (ok) {
		subject->idle_rss_kb = sample.rss_kb;
		subject->idle_pss_kb = sample.pss_kb;
	}
	return ok;
}
