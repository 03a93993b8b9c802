#include "server/operator_commands.h"

#include "common/json.h"
#include "common/json_out.h"
#include "server/call_text.h"
#include "server/config/api_token.h"
#include "server/config/version.h"
#include "server/local_client.h"
#include "server/readable.h"
#include "server/status_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_DEFAULT = 20, LAST_MOST = 10000, PAGE_LEAST = 50, PAGE_MOST = 200, WAIT_MS = 15000, MESSAGE_MAX = 400 };

/* ---------------------------------------------------------------------- the arguments */

/* Of `calls`: each is a parameter of GET /calls of the same name. */
static const char *const filters[OPERATOR_FILTERS] = { "agent", "from", "to", "since", "until", "ending" };

static const char *const names[] = {
	[OPERATOR_STATUS] = "status", [OPERATOR_CALLS] = "calls", [OPERATOR_CALL] = "call"
};

static int index_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(word, list[i]))
			return (int)i;
	return -1;
}

bool operator_command_named(const char *word)
{
	return index_of(word, names, sizeof names / sizeof *names) >= 0;
}

static bool complain(struct buf *problem, const char *what, const char *word)
{
	buf_printf(problem, "trunkline: %s", what);
	readable_start(problem, word, 80);
	buf_puts(problem, "; trunkline --help names what there is\n");
	return false;
}

static bool read_last(struct operator_command *c, const char *text, struct buf *problem)
{
	size_t len = strspn(text, "0123456789");

	c->last = len && len <= 5 && !text[len] ? atoi(text) : 0;
	return (c->last >= 1 && c->last <= LAST_MOST) ||
	       complain(problem, "--last takes a number from 1 to 10000, not ", text);
}

/* An option of `calls`; those with a value have it in the argument after them. */
static bool read_option(struct operator_command *c, char ***args, struct buf *problem)
{
	const char *option = **args, *value;
	int filter = index_of(option + strlen("--"), filters, OPERATOR_FILTERS);
	bool last = !strcmp(option, "--last");

	if (!strcmp(option, "--live")) {
		c->last = 0;
		return true;
	}
	if (filter < 0 && !last)
		return complain(problem, "calls has no option ", option);
	value = *++*args;
	if (!value)
		return complain(problem, "a value is missing after ", option);
	if (last)
		return read_last(c, value, problem);
	c->filters[filter] = value;
	return true;
}

bool operator_command_read(struct operator_command *c, char **args, struct buf *problem)
{
	*c = (struct operator_command){ .what = (unsigned)index_of(*args, names, sizeof names / sizeof *names),
		.last = LAST_DEFAULT };
	for (args++; *args; args++) {
		if (!strcmp(*args, "--json"))
			c->json = true;
		else if (c->what == OPERATOR_CALLS && !strncmp(*args, "--", 2)) {
			if (!read_option(c, &args, problem))
				return false;
		} else if (c->what == OPERATOR_CALL && !c->sid && **args && **args != '-')
			c->sid = *args;
		else
			return complain(problem, "what is meant by ", *args);
	}
	if (c->what == OPERATOR_CALL && !c->sid)
		return complain(problem, "call takes a CallSid, as `trunkline calls` shows it", "");
	return true;
}

void operator_command_help(struct buf *out)
{
	buf_puts(out, "  trunkline status     how the server on this machine is doing\n"
		      "  trunkline calls [--live] [--last N] [--agent NAME] [--from NUMBER] [--to NUMBER]\n"
		      "                  [--since TIME] [--until TIME] [--ending REASON]\n"
		      "                       its calls: the live ones, and the last N (20) of those that are over\n"
		      "  trunkline call SID   one call, with what was said\n"
		      "                       these three with --json: as JSON, for programs\n");
}

/* -------------------------------------------------------------------------- asking */

struct asking {
	struct local_server server;
	struct buf problem; /* one line */
};

static void put_place(const struct asking *a, struct buf *out)
{
	buf_printf(out, strchr(a->server.listen, ':') ? "[%s]:%d" : "%s:%d", a->server.listen, a->server.port);
}

/* What kept it from answering. */
static void tell_failure(struct asking *a, int err)
{
	bool no_answer = err == -EPROTO || err == -E2BIG;

	buf_puts(&a->problem, no_answer ? "what listens on " : "no server answers at ");
	put_place(a, &a->problem);
	if (no_answer)
		buf_puts(&a->problem, " does not answer as this version of Trunkline does\n");
	else if (!a->server.port)
		buf_puts(&a->problem, ": the port that PORT=0 has the system choose stands in the server's log\n");
	else
		buf_printf(&a->problem, " (LISTEN, PORT): %s\n",
		    err == -ETIMEDOUT ? "it took longer than 15 s" : strerror(-err));
}

/* An answer that is none of those asked for. */
static void tell_refusal(struct asking *a, int status, const cJSON *answer)
{
	const cJSON *error = json_get(answer, "error");
	const char *message = json_str(error, "message"), *field = json_str(error, "field");

	if (!message) {
		tell_failure(a, -EPROTO);
		return;
	}
	if (status == 401)
		buf_puts(&a->problem,
		    "the server does not take the token of these settings (API_TOKEN, DATA_DIR/api-token): ");
	else if (status != 404)
		buf_puts(&a->problem, "the server refuses: ");
	if (field) {
		readable_start(&a->problem, field, MESSAGE_MAX);
		buf_putc(&a->problem, ' ');
	}
	readable_start(&a->problem, message, MESSAGE_MAX);
	buf_putc(&a->problem, '\n');
}

/* The answer, to be freed, and its text in `body`; NULL: the problem is told. `also`: another status
 * than 200 that is an answer, too. */
static cJSON *get(struct asking *a, const char *path, int also, struct buf *body)
{
	int status = local_get(&a->server, path, body);
	cJSON *answer = NULL;

	if (status > 0)
		answer = json_parse(buf_text(body), body->len);
	if (status < 0 || !cJSON_IsObject(answer)) {
		tell_failure(a, status < 0 ? status : -EPROTO);
	} else if (status == 200 || status == also) {
		return answer;
	} else {
		tell_refusal(a, status, answer);
	}
	cJSON_Delete(answer);
	return NULL;
}

/* For answers of which the text is not needed. */
static cJSON *get_tree(struct asking *a, const char *path, int also)
{
	struct buf body;
	cJSON *answer;

	buf_init(&body, LOCAL_ANSWER_MAX);
	answer = get(a, path, also, &body);
	buf_free(&body);
	return answer;
}

/* What another version means by its JSON is not known here. */
static bool same_version(struct asking *a, const cJSON *status)
{
	const char *version = json_str(status, "version");

	if (version && !strcmp(version, TRUNKLINE_VERSION))
		return true;
	buf_puts(&a->problem, "the server is Trunkline ");
	readable_start(&a->problem, version ? version : "of an unknown version", 40);
	buf_puts(&a->problem, " and this is " TRUNKLINE_VERSION ": use its own program, or --json\n");
	return false;
}

/* Before something is shown to a person. */
static bool is_understood(struct asking *a)
{
	cJSON *status = get_tree(a, "/status", 0);
	bool so = status && same_version(a, status);

	cJSON_Delete(status);
	return so;
}

static void put_encoded(struct buf *out, const char *text)
{
	for (; *text; text++)
		if (strchr("-._~", *text) || (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
		    (*text >= 'a' && *text <= 'z'))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}

/* ------------------------------------------------------------------- the three commands */

static void put_list_path(const struct operator_command *c, const char *cursor, struct buf *path)
{
	int limit = c->last < PAGE_LEAST ? PAGE_LEAST : c->last > PAGE_MOST ? PAGE_MOST : c->last;

	buf_printf(path, "/calls?limit=%d", limit);
	for (size_t i = 0; i < OPERATOR_FILTERS; i++)
		if (c->filters[i]) {
			buf_printf(path, "&%s=", filters[i]);
			put_encoded(path, c->filters[i]);
		}
	if (*cursor) {
		buf_puts(path, "&cursor=");
		put_encoded(path, cursor);
	}
}

struct listing {
	const struct operator_command *command;
	struct json_out json; /* of `out`; with --json only */
	struct buf out;       /* what is to be printed next */
	int over;             /* how many of those that are over were put */
	bool failing;         /* the store does: not all calls are known */
};

/* Live ones come first, so after the last one wanted of the others nothing more is. False: that was reached. */
static bool put_page(struct listing *l, const cJSON *page)
{
	const cJSON *call;

	cJSON_ArrayForEach(call, json_get(page, "calls"))
	{
		if (call_text_is_over(call) && l->over++ == l->command->last)
			return false;
		if (l->command->json)
			json_put_tree(&l->json, NULL, call);
		else
			call_text_row(call, &l->out);
	}
	return true;
}

static bool print(struct asking *a, const struct buf *text)
{
	if (!buf_error(text) && fwrite(buf_text(text), 1, text->len, stdout) == text->len && !fflush(stdout))
		return true;
	buf_printf(
	    &a->problem, "the answer cannot be printed: %s\n", strerror(buf_error(text) ? -buf_error(text) : errno));
	return false;
}

/* JSON is made harmless on its way out. */
static bool print_part(struct asking *a, struct listing *l)
{
	struct buf text;
	bool so;

	buf_init(&text, 0);
	if (l->command->json)
		readable_json(&text, buf_text(&l->out), l->out.len);
	so = print(a, l->command->json ? &text : &l->out);
	buf_free(&text);
	buf_reset(&l->out);
	return so;
}

/* One page, which is printed; `cursor` is where it begins ("": the first), and gets where the next
 * one does. False: there is none, or a problem. */
static bool list_page(struct asking *a, struct listing *l, struct buf *cursor)
{
	struct buf path;
	const char *next;
	cJSON *page;
	bool more;

	buf_init(&path, 0);
	put_list_path(l->command, buf_text(cursor), &path);
	page = get_tree(a, buf_text(&path), 0);
	buf_free(&path);
	next = json_str(page, "next");
	l->failing |= json_str(page, "store") != NULL;
	more = page && put_page(l, page) && next;
	buf_reset(cursor);
	buf_puts(cursor, more ? next : "");
	cJSON_Delete(page);
	return page && print_part(a, l) && more;
}

/* A page at a time, so that a long list needs no more memory than a short one. */
static bool show_calls(struct asking *a, const struct operator_command *c)
{
	struct listing l = { .command = c };
	struct buf cursor;

	if (!c->json && !is_understood(a))
		return false;
	buf_init(&l.out, 0);
	buf_init(&cursor, 0);
	l.json = json_out_to(&l.out);
	if (c->json) {
		json_put_object(&l.json, NULL);
		json_put_array(&l.json, "calls");
	} else {
		call_text_head(&l.out);
	}
	while (list_page(a, &l, &cursor))
		;
	if (c->json) {
		json_put_end(&l.json);
		if (l.failing)
			json_put_text(&l.json, "store", "failing");
		json_put_end(&l.json);
		buf_putc(&l.out, '\n');
	} else if (l.failing) {
		buf_puts(&l.out, "What is kept cannot be read now: these are the calls in memory.\n");
	}
	if (!a->problem.len)
		print_part(a, &l);
	buf_free(&cursor);
	buf_free(&l.out);
	return !a->problem.len;
}

/* The record of a call, if it has one that can be had; what is known of it stands in the call, too. */
static cJSON *get_record(const struct asking *a, const cJSON *call)
{
	struct asking aside = { .server = a->server };
	const char *id = json_str(json_get(call, "record"), "id");
	cJSON *record = NULL;
	struct buf path;

	if (!id)
		return NULL;
	buf_init(&path, 0);
	buf_init(&aside.problem, 0);
	buf_puts(&path, "/records/");
	put_encoded(&path, id);
	record = get_tree(&aside, buf_text(&path), 0);
	buf_free(&aside.problem);
	buf_free(&path);
	return record;
}

static bool show_call(struct asking *a, const struct operator_command *c)
{
	cJSON *call, *record = NULL;
	struct buf path, body, text;

	if (!c->json && !is_understood(a))
		return false;
	buf_init(&path, 0);
	buf_init(&body, LOCAL_ANSWER_MAX);
	buf_init(&text, 2 * LOCAL_ANSWER_MAX);
	buf_puts(&path, "/calls/");
	put_encoded(&path, c->sid);
	call = get(a, buf_text(&path), 0, &body);
	if (call && c->json) {
		readable_json(&text, buf_text(&body), body.len);
	} else if (call) {
		record = get_record(a, call);
		call_text_whole(call, record, &text);
	}
	if (call)
		print(a, &text);
	cJSON_Delete(record);
	cJSON_Delete(call);
	buf_free(&text);
	buf_free(&body);
	buf_free(&path);
	return !a->problem.len;
}

static bool show_status(struct asking *a, const struct operator_command *c)
{
	struct buf body, text;
	cJSON *status, *ready = NULL;

	buf_init(&body, LOCAL_ANSWER_MAX);
	buf_init(&text, 2 * LOCAL_ANSWER_MAX);
	status = get(a, "/status", 0, &body);
	if (status && c->json)
		readable_json(&text, buf_text(&body), body.len);
	else if (status && same_version(a, status) && (ready = get_tree(a, "/ready", 503)))
		status_text(status, ready, &text);
	if (!a->problem.len)
		print(a, &text);
	cJSON_Delete(status);
	cJSON_Delete(ready);
	buf_free(&text);
	buf_free(&body);
	return !a->problem.len;
}

int operator_command_run(const struct config *cfg, const struct operator_command *command)
{
	static bool (*const shows[])(struct asking * a, const struct operator_command *c) = {
		[OPERATOR_STATUS] = show_status, [OPERATOR_CALLS] = show_calls, [OPERATOR_CALL] = show_call
	};
	char token[API_TOKEN_SIZE] = "";
	struct asking a = { .server = {
				.listen = cfg->listen, .port = cfg->port, .token = token, .wait_ms = WAIT_MS } };
	bool so;

	buf_init(&a.problem, 0);
	so = !api_token_read(cfg, token, &a.problem) && shows[command->what](&a, command);
	explicit_bzero(token, sizeof token);
	fputs(buf_text(&a.problem), stderr);
	buf_free(&a.problem);
	return so ? EXIT_SUCCESS : EXIT_FAILURE;
}
