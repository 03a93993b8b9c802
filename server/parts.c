#include "server/parts.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "server/agent/agent_loop.h"
#include "server/agents/agents.h"
#include "server/all_routes.h"
#include "server/caller/caller_loop.h"
#include "server/caller/caller_stream.h"
#include "server/caller/gather.h"
#include "server/config/api_token.h"
#include "server/config/config.h"
#include "server/delivery/delivery.h"
#include "server/dialer/dialer_show.h"
#include "server/fleet/local.h"
#include "server/knowledge/knowledge.h"
#include "server/knowledge/knowledge_tool.h"
#include "server/line/calls.h"
#include "server/model/health.h"
#include "server/model/text/text_session.h"
#include "server/money/spending.h"
#include "server/news/hub.h"
#include "server/news/journal.h"
#include "server/news/journal_store.h"
#include "server/news/rules.h"
#include "server/outcome/outcomes.h"
#include "server/recording/recorder.h"
#include "server/recording/voicemail.h"
#include "server/stats/stats.h"
#include "server/store/store.h"
#include "server/voice/voice.h"
#include "server/web/server.h"
#include "server/work/text_stream.h"
#include "server/work/tool_list.h"
#include "server/work/work.h"

#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------- functions of the parts */

/* The functions bind a part's own interface to the columns of the table below. The
 * parts know neither the table nor each other's place in it. */

/* A function with one call as its body; of those that are asked something too, with what it is. */
#define PART(function, call) \
	static void function(struct program *p) \
	{ \
		(void)p; \
		call; \
	}
#define PART_ASKED(function, what, call) \
	static void function(struct program *p, what) \
	{ \
		call; \
	}

PART(close_endpoints, model_endpoints_close(&p->endpoints))
PART(close_api_token, api_token_close(p->cfg))
PART(close_agents, agents_close(p->agents))
PART(close_fleet, p->fleet->ops->close(p->fleet))
PART(close_spending, spending_close(p->spending))
PART(close_work, work_close(p->work))
PART(close_text, text_streams_close(p->text))
PART(stop_work, work_stop(p->work))
PART(close_recorder, recorder_close(p->recorder))
PART(drain_voice, voice_drain(p->voice))
PART(close_voice, voice_close(p->voice); p->voice = NULL)
PART(drain_calls, calls_drain(p->calls))
PART(close_calls, calls_close(p->calls))
PART(drain_dialer, dialer_drain(p->dialer))
PART(close_dialer, dialer_close(p->dialer))
PART(drain_web, web_end_streams(p->web))
PART(close_web, web_close(p->web))
PART(close_health, model_health_close(p->health))
PART(close_delivery, journal_remove_sink(rules_sink, p->delivery); delivery_close(p->delivery))
PART(close_hub, journal_remove_sink(hub_take, p->hub); hub_close(p->hub))
PART(close_knowledge, tool_set_builtin(p->work, TOOL_SEARCH_KNOWLEDGE, NULL, NULL); knowledge_free(p->knowledge))
PART(close_outcomes, tool_set_builtin(p->work, TOOL_SAVE_RECORD, NULL, NULL); outcomes_close(p->outcomes))
PART(close_voicemail, voicemail_close(p->voicemail))
PART(stop_probe, model_health_stop(p->health))

#define PART_OPEN(function, call) \
	static int function(struct program *p, struct buf *problem) \
	{ \
		(void)problem; \
		return call; \
	}

PART_OPEN(open_endpoints, model_endpoints_open(&p->endpoints, p->cfg, problem))
PART_OPEN(open_api_token, api_token_open(p->cfg, problem))
PART_OPEN(open_agents, agents_open(&p->agents, p->cfg, problem))
PART_OPEN(open_fleet, fleet_local_open(&p->fleet, p->store, p->cfg->max_calls))
PART_OPEN(open_spending, spending_open(&p->spending, p->cfg, p->fleet, p->store, problem))
PART_OPEN(open_recorder, p->cfg->data_dir[0] ? recorder_open(&p->recorder, p->cfg->data_dir, p->store) : 0)
PART_OPEN(open_voicemail,
    p->store ? voicemail_open(&p->voicemail, p->cfg, p->store, p->agents, p->work->background, p->spending) : 0)
PART_OPEN(open_voice, voice_open(&p->voice, &(struct voice_parts){ p->cfg, &p->endpoints, p->agents, p->spending }))
PART_OPEN(open_work, work_open(&p->work, p->cfg, problem))

static int open_health(struct program *p, struct buf *problem)
{
	int err = model_health_open(&p->health, p->endpoints.list, p->endpoints.count);

	(void)problem;
	p->endpoints.health = p->health;
	return err;
}

static int open_text(struct program *p, struct buf *problem)
{
	int err = text_streams_open(&p->text, p->cfg->max_calls);

	(void)problem;
	if (!err)
		text_access(&p->endpoints.list[0], p->text);
	return err;
}

PART_OPEN(open_probe, model_health_probe(p->health, p->agents, tool_list_put, p->work))

PART_ASKED(tend_fleet, int64_t now_us, p->fleet->ops->tend(p->fleet, now_us))
PART_ASKED(tend_calls, int64_t now_us, (void)now_us; calls_reap(p->calls))
PART_ASKED(tend_web, int64_t now_us, web_tend(p->web, now_us))

PART_ASKED(status_store, struct json_out *j, store_put_status(p->store, j))
PART_ASKED(status_spending, struct json_out *j, spending_put_status(p->spending, j, clock_wall_ms()))
PART_ASKED(status_agents, struct json_out *j, agents_put_json(p->agents, j))
PART_ASKED(status_work, struct json_out *j, work_put_status(p->work, j))
PART_ASKED(status_delivery, struct json_out *j, delivery_put_status(p->delivery, j))
PART_ASKED(status_knowledge, struct json_out *j, knowledge_put_status(p->knowledge, json_put_value(j, "folders")))
PART_ASKED(status_recorder, struct json_out *j, recorder_put_json(p->recorder, j))
PART_ASKED(status_voice, struct json_out *j, voice_put_status(p->voice, j))
PART_ASKED(status_calls, struct json_out *j, calls_put_status(p->calls, j))
PART_ASKED(status_dialer, struct json_out *j, dialer_put_status(p->dialer, j))
PART_ASKED(status_health, struct json_out *j, model_health_put_status(p->health, j))

PART_ASKED(warn_spending, struct buf *out, spending_warnings(p->spending, out))
PART_ASKED(warn_store, struct buf *out, store_warnings(p->cfg->data_dir, out))
PART_ASKED(warn_agents, struct buf *out, agents_notes(p->agents, out))
PART_ASKED(warn_delivery, struct buf *out, rules_warnings(p->agents, p->store, out))
PART_ASKED(warn_outcomes, struct buf *out, outcomes_warnings(p->cfg, p->agents, out))

static void status_hub(struct program *p, struct json_out *j)
{
	json_put_int(j, "open", stat_get(watchers_open));
	json_put_int(j, "limit", p->cfg->max_watchers);
}

static bool has_store(const struct program *p)
{
	return p->store;
}

static bool has_voice(const struct program *p)
{
	return p->voice;
}

static void ready_store(struct program *p, struct web_ready *r)
{
	struct store_health health;

	store_health(p->store, &health);
	r->store_failing = health.failing;
}

static void refuse(struct web_ready *r, bool so, enum web_refusal why)
{
	if (so && why > r->why)
		r->why = why;
}

static void ready_spending(struct program *p, struct web_ready *r)
{
	struct spending_day day;

	spending_look(p->spending, &day);
	refuse(r, day.full, WEB_COST);
}

static void ready_health(struct program *p, struct web_ready *r)
{
	refuse(r, model_health_blocks(p->health), WEB_MODEL);
}

static void ready_calls(struct program *p, struct web_ready *r)
{
	struct calls_count count;

	calls_count(p->calls, &count);
	refuse(r, count.draining, WEB_DRAINING);
	refuse(r, count.live + count.reserved >= count.limit, WEB_FULL);
}

/* Without DATA_DIR there is no store, and p->store stays NULL. Its sink is the first of
 * the journal: the others may count on a row being queued. */
static int open_store(struct program *p, struct buf *problem)
{
	int err = p->cfg->data_dir[0] ? store_open(&p->store, p->cfg->data_dir, p->cfg->retain_days, problem) : 0;

	if (!err)
		journal_store_open(p->store);
	return err;
}

/* The store's sink goes last: it keeps what other parts tell while they close. */
static void close_store(struct program *p)
{
	journal_remove_sink(journal_store_take, p->store);
	store_close(p->store);
}

static int open_delivery(struct program *p, struct buf *problem)
{
	int err = delivery_open(&p->delivery, p->cfg, p->store, rules_secret, p->agents);

	(void)problem;
	if (!err)
		journal_add_sink(rules_sink, p->delivery);
	return err;
}

static int open_hub(struct program *p, struct buf *problem)
{
	int err = hub_open(&p->hub);

	(void)problem;
	if (!err)
		journal_add_sink(hub_take, p->hub);
	return err;
}

/* Without a store save_record is not offered to models. */
static int open_outcomes(struct program *p, struct buf *problem)
{
	int err = 0;

	(void)problem;
	if (p->store && !(err = outcomes_open(&p->outcomes, p->cfg, p->store, p->agents, p->work->background)))
		tool_set_builtin(p->work, TOOL_SAVE_RECORD, outcomes_save, p->outcomes);
	return err;
}

/* Folders are indexed for the agents that name them, limits are theirs, and so are lines: a reload may bring new ones. */
static void follow_agents(void *arg)
{
	struct program *p = arg;

	search_follow_agents(p->knowledge, p->agents);
	spending_follow_agents(p->spending, p->agents);
	voice_follow_agents(p->voice);
}

static int open_knowledge(struct program *p, struct buf *problem)
{
	int err = (p->knowledge = knowledge_new()) ? knowledge_start(p->knowledge) : -ENOMEM;

	(void)problem;
	if (err) {
		knowledge_free(p->knowledge);
		return err;
	}
	follow_agents(p);
	agents_on_change(p->agents, follow_agents, p);
	tool_set_builtin(p->work, TOOL_SEARCH_KNOWLEDGE, search_tool, p->knowledge);
	return 0;
}

static int open_calls(struct program *p, struct buf *problem)
{
	(void)problem;
	/* The calls that a dead process left open are told to have ended, now that all
	 * sinks listen and no new call can come. */
	journal_store_close_open(p->store, p->agents);
	return calls_open(&p->calls, &(struct calls_parts){ .cfg = p->cfg,
					 .endpoints = &p->endpoints,
					 .health = p->health,
					 .agents = p->agents,
					 .work = p->work,
					 .fleet = p->fleet,
					 .recorder = p->recorder,
					 .voice = p->voice,
					 .spending = p->spending,
					 .loops = { caller_loop, agent_loop, gather_visit, caller_leave } });
}

/* The dialer must not know the table of calls; hooks bring it the two things it needs. */
static int open_dialer(struct program *p, struct buf *problem)
{
	struct dialer_hooks hooks;

	(void)problem;
	p->dialer_view = (struct dialer_view){ .calls = p->calls, .agents = p->agents };
	dialer_hooks_of(&p->dialer_view, &hooks);
	return dialer_open(&p->dialer, p->cfg, p->store, p->fleet, p->spending, &hooks);
}

static bool put_status(void *program, const char *section, struct json_out *j);
static void ready(void *program, struct web_ready *out);

static int open_web(struct program *p, struct buf *problem)
{
	return web_open(&p->web,
	    &(struct web_parts){ .cfg = p->cfg,
		.routes = all_routes,
		.agents = p->agents,
		.calls = p->calls,
		.hub = p->hub,
		.store = p->store,
		.recorder = p->recorder,
		.voicemail = p->voicemail,
		.dialer = p->dialer,
		.delivery = p->delivery,
		.knowledge = p->knowledge,
		.health = p->health,
		.work = p->work,
		.program = p,
		.put_status = put_status,
		.ready = ready },
	    problem);
}

/* The parts are opened in this order, and drained and closed in the reverse. A part may
 * use those above it, and goes before they do. The takers of the journal stand above all
 * tellers, which are the jobs, the recorder, calls, dialer and web. */
static const struct part {
	const char *name;
	int (*open)(struct program *p, struct buf *problem); /* 0; or -errno, and nothing of it is left */
	void (*close)(struct program *p);
	void (*drain)(struct program *p);                 /* before the end: begins nothing new */
	void (*tend)(struct program *p, int64_t now_us);  /* four times a second; does not wait */
	void (*warn)(struct program *p, struct buf *out); /* at start and after a reload: a line each */
	/* Its own members of its section in /status (web/api/status.c has their order), and its
	 * word against more calls. Any thread; the web, which asks, stands below. */
	const char *section;
	void (*status)(struct program *p, struct json_out *j);
	bool (*there)(const struct program *p); /* NULL: always */
	void (*ready)(struct program *p, struct web_ready *r);
} parts[] = {
	/* The base of everything else. */
	{ "ways to the model", .open = open_endpoints, .close = close_endpoints },
	{ "model's health", .open = open_health, .close = close_health, .section = "model", .status = status_health,
	    .ready = ready_health },
	{ "store", .open = open_store, .close = close_store, .warn = warn_store, .section = "store",
	    .status = status_store, .there = has_store, .ready = ready_store },
	/* In DATA_DIR, which is the store's alone by now. */
	{ "api token", .open = open_api_token, .close = close_api_token },
	{ "fleet", .open = open_fleet, .close = close_fleet, .tend = tend_fleet },
	{ "spending", .open = open_spending, .close = close_spending, .section = "cost", .status = status_spending,
	    .warn = warn_spending, .ready = ready_spending },
	{ "agents", .open = open_agents, .close = close_agents, .warn = warn_agents, .section = "agents",
	    .status = status_agents },
	/* Slow things. `work` sets up HTTP for the webhooks, signed with the agents' secrets. */
	{ "work", .open = open_work, .close = close_work, .section = "work", .status = status_work },
	{ "text model", .open = open_text, .close = close_text },
	{ "delivery", .open = open_delivery, .close = close_delivery, .warn = warn_delivery, .section = "outbox",
	    .status = status_delivery },
	{ "hub", .open = open_hub, .close = close_hub, .section = "watchers", .status = status_hub },
	/* It takes ends of calls and tells of records: after the store, webhooks and the hub, which take both. */
	{ "outcomes", .open = open_outcomes, .close = close_outcomes, .warn = warn_outcomes },
	{ "messages", .open = open_voicemail, .close = close_voicemail },
	/* Nothing to open. Records and messages of an earlier process are seen to from here on, and one of the next
	 * parts may not start: the pools stop before the records are gone. Else they stop below. */
	{ "jobs of a start", .close = stop_work },
	{ "knowledge", .open = open_knowledge, .close = close_knowledge, .section = "knowledge",
	    .status = status_knowledge },
	/* Calls, and what they use: the recorder, and the lines that are kept. */
	{ "voice cache", .open = open_voice, .close = close_voice, .drain = drain_voice, .section = "voice",
	    .status = status_voice, .there = has_voice },
	{ "recorder", .open = open_recorder, .close = close_recorder, .section = "recording",
	    .status = status_recorder },
	{ "calls", .open = open_calls, .close = close_calls, .drain = drain_calls, .tend = tend_calls,
	    .section = "calls", .status = status_calls, .ready = ready_calls },
	/* Nothing to open. At the end the pools stop while the calls and records still
	 * exist whose jobs they run. */
	{ "jobs", .close = stop_work },
	/* The sources of calls. */
	{ "dialer", .open = open_dialer, .close = close_dialer, .drain = drain_dialer, .section = "outbound",
	    .status = status_dialer },
	{ "web", .open = open_web, .close = close_web, .drain = drain_web, .tend = tend_web },
	{ "model's probe", .open = open_probe, .close = stop_probe },
};

enum { PARTS = sizeof parts / sizeof *parts };

/* Both look at all parts, whatever `opened` is: the web asks on its own threads, perhaps
 * before the last part is open, and none below the web has a word here. */
static bool put_status(void *program, const char *section, struct json_out *j)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (!parts[i].section || strcmp(parts[i].section, section) != 0)
			continue;
		if (parts[i].there && !parts[i].there(program))
			return false;
		if (j)
			parts[i].status(program, j);
	}
	return true;
}

static void ready(void *program, struct web_ready *out)
{
	for (size_t i = 0; i < PARTS; i++)
		if (parts[i].ready)
			parts[i].ready(program, out);
}

int parts_open(struct program *p, struct buf *problem)
{
	int err = 0;

	for (p->opened = 0; p->opened < PARTS; p->opened++) {
		const struct part *part = &parts[p->opened];

		err = part->open ? part->open(p, problem) : 0;
		if (err && !problem->len)
			buf_printf(problem, "cannot start: %s: %s\n", part->name, strerror(-err));
		if (err)
			break;
	}
	return err;
}

void parts_close(struct program *p)
{
	while (p->opened)
		parts[--p->opened].close(p);
}

void parts_drain(struct program *p)
{
	for (size_t i = p->opened; i--;)
		if (parts[i].drain)
			parts[i].drain(p);
}

void parts_tend(struct program *p, int64_t now_us)
{
	for (size_t i = 0; i < p->opened; i++)
		if (parts[i].tend)
			parts[i].tend(p, now_us);
}

void parts_warn(struct program *p, struct buf *out)
{
	for (size_t i = 0; i < p->opened; i++)
		if (parts[i].warn)
			parts[i].warn(p, out);
}
