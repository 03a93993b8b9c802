/* The whole HTTP side, through a real CivetWeb on a free loopback port. The
 * table of calls and the model's health are stood in for by this file. */
#include "common/base64.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/json.h"
#include "server/all_routes.h"
#include "server/line/calls.h"
#include "server/line/calls_shown.h"
#include "server/line/keys/call_keys.h"
#include "server/line/calls_after.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_admit.h"
#include "server/line/mailbox.h"
#include "server/agents/agents.h"
#include "server/agents/read_file.h"
#include "server/stats/stats.h"
#include "server/local_client.h"
#include "server/news/hub.h"
#include "server/phone/gather.h"
#include "server/phone/media_stream.h"
#include "server/phone/relay.h"
#include "server/web/server.h"
#include "tests/peers/loopback.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "not-a-real-auth-token-000000000001"
#define STREAM_TOKEN "0123456789abcdef0123456789abcdef"
#define SID "CA00000000000000000000000000000001"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define VOICE "CallSid=" SID "&From=%2B12025550123&To=%2B12025550100&Direction=inbound&CallStatus=ringing"

/* ------------------------------------------------------- calls, stood in for */

static struct table {
	pthread_mutex_t lock; /* the web's workers write, the tests read */
	enum admission admission;
	enum call_end ended_as;
	const char *reconnects; /* the session that another may follow */
	bool unheard;           /* and its goodbye was not heard to its end */
	bool sorry;             /* the caller has heard that we are sorry */
	struct calls_count count;
	bool token_used, no_line;
	const struct phone_channel *channel; /* of the call that has the token */
	struct agent in_text;                /* whose calls come by the relay's */
	struct web_ready ready;
	char speaker[80]; /* the agent that was named for a phrase */
	char from[64], ended_sid[64], session[64];
	int claims, carried;
	enum call_end ended_why;
	/* By requests: the last one, and whether its call is over; what may go on in text. */
	char visit[400];
	bool over, texts;
	/* Whether a call whose stream was lost waits, and the stream that was asked about. */
	bool goes_on;
	unsigned stream;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

uint32_t calls_lines(const struct config *cfg)
{
	return (uint32_t)cfg->max_calls + 8;
}

enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE])
{
	enum admission admission;

	(void)calls;
	pthread_mutex_lock(&table.lock);
	snprintf(table.from, sizeof table.from, "%s", facts->from);
	admission = table.admission;
	pthread_mutex_unlock(&table.lock);
	strcpy(token, STREAM_TOKEN);
	return admission;
}

bool calls_over(struct calls *calls, const char *call_sid)
{
	(void)calls;
	return !strcmp(call_sid, "CAover");
}

int calls_claim(struct calls *calls, const char *token, const struct phone_channel *channel, struct call_ref *out)
{
	int err = -ENOENT;

	(void)calls;
	pthread_mutex_lock(&table.lock);
	if (!strcmp(token, STREAM_TOKEN) && channel != table.channel) {
		err = -EPROTOTYPE;
	} else if (!strcmp(token, STREAM_TOKEN) && !table.token_used) {
		table.token_used = true;
		table.claims++;
		*out = (struct call_ref){ 7, 9 };
		err = 0;
	}
	pthread_mutex_unlock(&table.lock);
	return err;
}

int calls_claim_unannounced(struct calls *calls, struct call_ref *out)
{
	int err;

	(void)calls;
	pthread_mutex_lock(&table.lock);
	err = table.no_line ? -EBUSY : 0;
	pthread_mutex_unlock(&table.lock);
	*out = (struct call_ref){ 7, 9 };
	return err;
}

void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte = 0;

	(void)calls;
	/* One byte in, one byte out: enough to see that it is the right socket. */
	poll(&p, 1, -1);
	if (channel == table.channel && ref.index == 7 && ref.generation == 9 && recv(fd, &byte, 1, 0) == 1)
		send(fd, &byte, 1, MSG_NOSIGNAL);
	pthread_mutex_lock(&table.lock);
	table.carried++;
	pthread_mutex_unlock(&table.lock);
}

void calls_abandon(struct calls *calls, struct call_ref ref)
{
	(void)calls, (void)ref;
}

int calls_end(struct calls *calls, const char *call_sid, enum call_end why)
{
	(void)calls;
	pthread_mutex_lock(&table.lock);
	snprintf(table.ended_sid, sizeof table.ended_sid, "%s", call_sid);
	table.ended_why = why;
	pthread_mutex_unlock(&table.lock);
	return strcmp(call_sid, SID) ? -ENOENT : 0;
}

enum call_end calls_after_stream(
    struct calls *calls, const char *call_sid, const char *session, enum call_end why, enum call_after *after)
{
	(void)calls, (void)call_sid;
	snprintf(table.session, sizeof table.session, "%s", session);
	table.ended_why = why;
	*after = table.ended_as == CALL_NOT_ENDED ? AFTER_APOLOGY
		 : table.unheard                  ? AFTER_GOODBYE
		 : table.sorry                    ? AFTER_SORRY
						  : call_ending(table.ended_as)->after;
	return table.ended_as;
}

bool calls_go_on(
    struct calls *calls, const char *call_sid, const char *session, unsigned stream, char token[CALL_TOKEN_SIZE])
{
	(void)calls, (void)call_sid;
	snprintf(table.session, sizeof table.session, "%s", session);
	table.stream = stream;
	strcpy(token, STREAM_TOKEN);
	return table.goes_on;
}

/* The second session of a call is the last one. */
enum admission calls_reconnect(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	(void)calls, (void)call_sid;
	strcpy(token, STREAM_TOKEN);
	return strcmp(session, table.reconnects) ? CALL_NO_SID : CALL_ADMITTED;
}

int calls_visit(struct calls *calls, const char *call_sid, struct call_visit *v)
{
	(void)calls;
	snprintf(table.visit, sizeof table.visit, "%s %u \"%s\" %.2f \"%s\"%s %sN%s", call_sid, v->step, v->words,
	    v->confidence, v->keys, v->hung_up ? " hung up" : "", v->next_url, v->next_rest);
	if (!table.over)
		buf_puts(v->out, "<Response>a turn</Response>");
	return table.over ? -ENOENT : 0;
}

enum admission calls_in_text(struct calls *calls, const struct call_facts *facts, const struct agent *agent,
    const char *session, char token[CALL_TOKEN_SIZE])
{
	(void)calls, (void)facts, (void)agent;
	snprintf(table.session, sizeof table.session, "%s", session);
	strcpy(token, STREAM_TOKEN);
	table.over = table.over && !table.texts;
	return table.texts ? CALL_ADMITTED : CALL_NO_SID;
}

void calls_count(struct calls *calls, struct calls_count *out)
{
	(void)calls;
	*out = table.count;
}

void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	(void)calls, (void)each, (void)arg;
}

int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	(void)calls;
	memset(talk, 0, sizeof *talk);
	if (strcmp(call_sid, SID) != 0)
		return -ENOENT;
	*call = (struct call_summary){ .stage = CALL_IS_OVER,
		.kept = strdup("{\"call_sid\":\"" SID "\",\"state\":\"ended\"}") };
	return 0;
}

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	(void)calls;
	*out = (struct call_ref){ 7, 9 };
	return strcmp(call_sid, SID) ? -ENOENT : 0;
}

const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live)
{
	(void)calls, (void)ref;
	*live = false;
	return NULL;
}

int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	(void)calls, (void)ref;
	mail_free(mail);
	return -ENOENT;
}

/* ------------------------------------------------------- the words of the parts */

static bool put_status(void *program, const char *section, struct json_out *j)
{
	if (j && !strcmp(section, "calls"))
		json_put_int(j, "limit", ((struct table *)program)->count.limit);
	return strcmp(section, "store") != 0;
}

static void say_ready(void *program, struct web_ready *out)
{
	*out = ((struct table *)program)->ready;
}

/* ---------------------------------------------------------------- the server */

#define OPERATOR "not-a-real-operator-token"
#define READER "not-a-real-reader-token"
#define SHOWN "Authorization: Bearer " OPERATOR "\r\n"

static struct web *web;
static struct agents *who;
static struct hub *hub;
static struct config cfg;

static const struct config plain_config = {
	.listen = "127.0.0.1",
	.public_url = "",
	.trusted_proxies = { "127.0.0.0/8" },
	.trusted_proxy_count = 1,
	.api_token = OPERATOR,
	.api_read_token = READER,
	.api_jwt_secret = "",
	.max_watchers = 2,
	.twilio_auth_tokens = { TOKEN },
	.twilio_auth_token_count = 1,
	.twilio_validate = true,
	.overflow_number = "",
	.data_dir = "",
	.twilio_account_sid = "",
	.twilio_api_key_sid = "",
	.text_api_key = "",
	.openai_api_key = "",
	.voicemail_model = "",
	.voicemail_api_key = "",
	.outbound_allow = { "+1" },
	.outbound_allow_count = 1,
	.instructions = "",
	.greeting = "",
	.agents_dir = "",
	.max_calls = 1,
};

const struct agent *calls_speaker(struct calls *calls, const struct call_facts *facts)
{
	(void)calls;
	pthread_mutex_lock(&table.lock);
	snprintf(table.speaker, sizeof table.speaker, "%s", facts->agent_name ? facts->agent_name : "");
	pthread_mutex_unlock(&table.lock);
	return agents_for_number(who, "");
}

static char kept_way[1000];

void calls_keep_way(struct calls *calls, const char *token, const char *const way[WAY_PARTS])
{
	(void)calls;
	assert_string_equal(token, STREAM_TOKEN);
	snprintf(kept_way, sizeof kept_way, "%sTOKEN %sN%s %s", way[WAY_STREAM], way[WAY_ACTION], way[WAY_REST],
	    way[WAY_STATUS]);
}

enum keys_answer calls_may_press(struct calls *calls, struct call_ref ref)
{
	(void)calls, (void)ref;
	return KEYS_OK;
}

bool calls_announced(struct calls *calls, const char *token, struct call_announced *out)
{
	(void)calls;
	if (strcmp(token, STREAM_TOKEN) != 0)
		return false;
	agent_from_config(&table.in_text, &cfg);
	*out = (struct call_announced){ table.channel->text ? &table.in_text : NULL, table.channel,
		strdup(table.channel->text ? "Good day & welcome." : "") };
	return true;
}

void call_announced_free(struct call_announced *announced)
{
	free(announced->welcome);
}

bool calls_destination(struct calls *calls, const char *call_sid, char number[FOREIGN_ID_SIZE], int *ring_seconds)
{
	(void)calls;
	snprintf(number, FOREIGN_ID_SIZE, "%s", strcmp(call_sid, "CAfar") ? "+12025550177" : "+442071838750");
	*ring_seconds = 25;
	return !strcmp(call_sid, "CAtransferred") || !strcmp(call_sid, "CAfar");
}

void calls_stay_away(struct calls *calls, const char *call_sid)
{
	(void)calls, (void)call_sid;
}

enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE])
{
	(void)calls, (void)why;
	snprintf(token, CALL_TOKEN_SIZE, "0123456789abcdef0123456789abcdef");
	return strcmp(call_sid, "CAtransferred") ? CALL_NO_SID : CALL_ADMITTED;
}

/* Takes the server's lock once, so that what a test writes before and the
 * workers read after it (and the other way round) is in order. */
static void settle(void)
{
	web_tend(web, clock_now_us());
}

static int open_server(void **state)
{
	struct buf problem;

	(void)state;
	cfg = plain_config;
	buf_init(&problem, 0);
	assert_int_equal(hub_open(&hub), 0);
	assert_int_equal(agents_open(&who, &cfg, &problem), 0);
	assert_int_equal(web_open(&web,
			     &(struct web_parts){ .cfg = &cfg,
				 .routes = all_routes,
				 .agents = who,
				 .hub = hub,
				 .put_status = put_status,
				 .ready = say_ready,
				 .program = &table },
			     &problem),
	    0);
	assert_true(web_port(web) > 0);
	buf_free(&problem);
	return 0;
}

static int close_server(void **state)
{
	(void)state;
	web_close(web);
	agents_close(who);
	hub_close(hub);
	return 0;
}

/* Agents hold the number that was set when they were read. */
static void falls_back_to(const char *number)
{
	struct buf problem;

	cfg.overflow_number = number;
	buf_init(&problem, 0);
	assert_int_equal(agents_reload(who, &problem), 0);
	buf_free(&problem);
}

static int reset(void **state)
{
	(void)state;
	settle();
	cfg = plain_config;
	falls_back_to("");
	pthread_mutex_lock(&table.lock);
	table.admission = CALL_ADMITTED;
	table.ended_as = CALL_NOT_ENDED;
	table.goes_on = false;
	table.count = (struct calls_count){ .limit = 1 };
	table.token_used = table.no_line = false;
	table.channel = &media_stream_channel;
	table.over = table.texts = false;
	table.ready = (struct web_ready){ 0 };
	table.from[0] = table.ended_sid[0] = '\0';
	table.claims = table.carried = 0;
	table.reconnects = "VX00000000000000000000000000000001";
	table.ended_why = CALL_NOT_ENDED;
	pthread_mutex_unlock(&table.lock);
	settle();
	return 0;
}

/* --------------------------------------------------------------- the client */

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)web_port(web)) };
	struct timeval patience = { .tv_sec = 30 }; /* only so that a fault ends the test */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static char heard[256 * 1024];

/* Everything until the server closes. */
static const char *hear(int fd)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, heard + len, sizeof heard - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	heard[len] = '\0';
	close(fd);
	settle();
	return heard;
}

static const char *ask(const char *text)
{
	int fd;

	settle();
	fd = dial();
	loopback_say(fd, text, strlen(text));
	return hear(fd);
}

static int status_of(const char *answer)
{
	return !strncmp(answer, "HTTP/1.1 ", 9) ? atoi(answer + 9) : -1;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

static const char *get(const char *path)
{
	char text[1024];

	snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n" SHOWN "\r\n", path);
	return ask(text);
}

/* X-Twilio-Signature over the given text. */
static const char *sign(const char *text)
{
	static char out[64];
	uint8_t mac[SHA1_BYTES];

	hmac_sha1(TOKEN, strlen(TOKEN), text, strlen(text), mac);
	out[base64_encode(out, mac, sizeof mac)] = '\0';
	return out;
}

/* A webhook, signed as Twilio would for the given URL and decoded fields. */
static const char *webhook(const char *path, const char *extra, const char *body, const char *signed_text)
{
	char text[4096];

	snprintf(text, sizeof text,
	    "POST %s HTTP/1.1\r\nHost: bridge.example.com\r\n" FORM "%s"
	    "X-Twilio-Signature: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    path, extra, sign(signed_text), strlen(body), body);
	return ask(text);
}

static const char *unsigned_webhook(const char *path, const char *body)
{
	cfg.twilio_validate = false;
	return webhook(path, "", body, "");
}

static const char *upgrade_text(const char *path, const char *extra, const char *signed_text)
{
	static char text[1024];

	snprintf(text, sizeof text,
	    "GET %s HTTP/1.1\r\nHost: bridge.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "X-Forwarded-Proto: https\r\n%sX-Twilio-Signature: %s\r\n\r\n",
	    path, extra, sign(signed_text));
	return text;
}

/* ------------------------------------------------------------- public doors */

static void health_is_open_and_whole(void **state)
{
	(void)state;
	assert_int_equal(status_of(get("/health")), 200);
	assert_string_equal(body_of(heard), "{\"status\":\"ok\"}\n");
	assert_int_equal(status_of(get("/health?x=1")), 200);
	assert_int_equal(status_of(get("/health/x")), 404);
	assert_int_equal(status_of(get("/health/")), 404);
	assert_int_equal(status_of(get("//health")), 404);
	assert_int_equal(status_of(get("/x/../health")), 404);
	assert_int_equal(status_of(get("/Health")), 404);
	assert_int_equal(status_of(get("/")), 404);
}

static void head_has_the_headers_and_no_body(void **state)
{
	(void)state;
	ask("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(status_of(heard), 200);
	assert_non_null(strstr(heard, "Content-Length: 16\r\n"));
	assert_string_equal(body_of(heard), "");
}

static void every_request_is_answered_and_none_that_means_two_things(void **state)
{
	static const char *const twice[] = { "Host: b", "Authorization: Bearer a\r\nAuthorization: Bearer b",
		"X-Twilio-Signature: a\r\nX-Twilio-Signature: b", "Idempotency-Key: a\r\nIdempotency-Key: b",
		"Origin: a\r\nOrigin: b", "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
		snprintf(text, sizeof text, "GET /health HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", twice[i]);
		ask(text);
		assert_int_equal(status_of(heard), 400);
	}
	/* CivetWeb shows us nothing of these. */
	ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(status_of(heard), 400);
	ask("GET http://example.com/health HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(status_of(heard), 400);
	ask("nonsense\r\n\r\n");
	assert_non_null(strstr(heard, "HTTP/1.1 400 "));
	assert_null(strstr(strstr(heard, "HTTP/1.1 ") + 1, "HTTP/1.1 ")); /* once */
}

static void ready_says_why_not_in_one_word(void **state)
{
	static const char *const words[] = { "ready", "full", "cost", "model", "draining" };
	char wanted[80];

	(void)state;
	for (int why = WEB_READY; why <= WEB_DRAINING; why++) {
		table.ready = (struct web_ready){ .why = (enum web_refusal)why };
		assert_int_equal(status_of(get("/ready")), why ? 503 : 200);
		snprintf(wanted, sizeof wanted, "{\"status\":\"%s\"}\n", words[why]);
		assert_string_equal(body_of(heard), wanted);
		table.ready.store_failing = true;
		assert_int_equal(status_of(get("/ready")), why ? 503 : 200);
		snprintf(wanted, sizeof wanted, "{\"status\":\"%s\",\"store\":\"failing\"}\n", words[why]);
		assert_string_equal(body_of(heard), wanted);
	}
}

static void health_is_asked_of_this_machine(void **state)
{
	(void)state;
	assert_int_equal(local_health("127.0.0.1", web_port(web)), 0);
	assert_int_equal(local_health("0.0.0.0", web_port(web)), 0);
	assert_int_equal(local_health("nowhere", web_port(web)), -EINVAL);
}

static void health_fails_where_nobody_listens(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* Bound and not listening: the port is taken, and refuses. */
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(local_health("127.0.0.1", ntohs(a.sin_port)), -ECONNREFUSED);
	close(fd);
}

/* -------------------------------------------------------------- the operator */

static const char *ask_status_with(const char *headers)
{
	char text[512];

	snprintf(text, sizeof text, "GET /status HTTP/1.1\r\n%s\r\n", headers);
	return ask(text);
}

static void only_the_token_opens(void **state)
{
	static const char *const wrong[] = { "Host: localhost\r\n", "Host: 127.0.0.1\r\n", "",
		"Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
		"Authorization: Bearer not-a-real-operator-toke\r\n", "Authorization: Bearer " OPERATOR "s\r\n",
		"Authorization: Basic " OPERATOR "\r\n", "Authorization: " OPERATOR "\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ask_status_with(wrong[i]);
		assert_int_equal(status_of(heard), 401);
		assert_non_null(strstr(heard, "WWW-Authenticate: Bearer"));
	}
	assert_int_equal(status_of(ask_status_with(SHOWN "Via: x\r\nHost: a.example\r\n")), 200);
	assert_int_equal(status_of(ask_status_with("authorization: bearer " OPERATOR "\r\n")), 200);
	assert_int_equal(status_of(ask("GET /status?token=" OPERATOR " HTTP/1.1\r\n\r\n")), 401);
	assert_int_equal(status_of(ask("GET /events HTTP/1.1\r\n\r\n")), 401);
	assert_int_equal(status_of(ask("GET /health HTTP/1.1\r\n\r\n")), 200);
	assert_int_equal(status_of(ask("GET /ready HTTP/1.1\r\n\r\n")), 200);
	cfg.api_token = cfg.api_read_token = "";
	assert_int_equal(status_of(ask_status_with("Host: localhost\r\n")), 401);
}

static const char *role_of(const struct route *route)
{
	static const char *const names[] = { [ROUTE_READ] = "read", [ROUTE_CALL] = "call", [ROUTE_ADMIN] = "admin" };

	return route->access < ROUTE_READ ? NULL : names[route->access];
}

/* The whole table: what only asks is read, and nothing else is. */
static void every_route_of_the_operators_has_its_role(void **state)
{
	const struct route *route;
	size_t found = 0;

	(void)state;
	for (size_t i = 0; (route = route_at(all_routes, i)); i++) {
		const char *role = role_of(route);

		if (!role)
			continue;
		found++;
		assert_int_equal(!strcmp(route->method, "GET"), !strcmp(role, "read"));
		if (!strncmp(route->path, "/calls", 6) && strcmp(route->method, "GET") != 0)
			assert_string_equal(role, "call");
		if (!strncmp(route->path, "/outbox", 7) && strcmp(route->method, "GET") != 0)
			assert_string_equal(role, "admin");
	}
	assert_int_equal(found, 16);
}

static void reader_reads_and_is_told_what_else_needs(void **state)
{
	static const char reader[] = "Authorization: Bearer " READER "\r\n";
	char text[512];

	(void)state;
	assert_int_equal(status_of(ask_status_with(reader)), 200);
	snprintf(text, sizeof text, "DELETE /calls/" SID " HTTP/1.1\r\n%s\r\n", reader);
	assert_int_equal(status_of(ask(text)), 403);
	assert_non_null(strstr(heard, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"call\"\r\n"));
	assert_non_null(strstr(body_of(heard), "the scope call or admin"));
	assert_int_equal(table.ended_why, CALL_NOT_ENDED);
	snprintf(text, sizeof text, "POST /outbox/x/retry HTTP/1.1\r\n%sContent-Length: 0\r\n\r\n", reader);
	assert_int_equal(status_of(ask(text)), 403);
	assert_non_null(strstr(heard, "scope=\"admin\""));
}

static void ten_wrong_tokens_are_enough(void **state)
{
	static const char wrong[] = "Authorization: Bearer not-the-token-%d\r\nX-Forwarded-For: %s\r\n";
	uint64_t before = stat_get(http_refused_guesses);
	char headers[256];

	(void)state;
	for (int i = 0; i < 10; i++) {
		/* One network. */
		snprintf(headers, sizeof headers, wrong, i, i % 2 ? "2001:db8:1:2::1" : "2001:db8:1:2::ffff");
		assert_int_equal(status_of(ask_status_with(headers)), 401);
	}
	snprintf(headers, sizeof headers, wrong, 10, "2001:db8:1:2:3:4:5:6");
	assert_int_equal(status_of(ask_status_with(headers)), 429);
	assert_non_null(strstr(heard, "\r\nRetry-After: "));
	assert_int_equal(stat_get(http_refused_guesses) - before, 1);
	/* Strangers at the same address lock nobody out, and others are not charged. */
	assert_int_equal(status_of(ask_status_with(SHOWN "X-Forwarded-For: 2001:db8:1:2::1\r\n")), 200);
	assert_int_equal(status_of(ask_status_with("X-Forwarded-For: 2001:db8:1:2::1\r\n")), 401);
	snprintf(headers, sizeof headers, wrong, 11, "2001:db8:1:3::1");
	assert_int_equal(status_of(ask_status_with(headers)), 401);
}

/* Through a proxy that lets them write X-Forwarded-For: together they are the proxy. */
static void made_up_names_are_no_clients(void **state)
{
	static const char wrong[] = "Authorization: Bearer not-the-token\r\nX-Forwarded-For: made-up-%d\r\n";
	char headers[256];

	(void)state;
	for (int i = 0; i < 11; i++) {
		snprintf(headers, sizeof headers, wrong, i);
		ask_status_with(headers);
	}
	assert_int_equal(status_of(heard), 429);
}

static void page_of_another_site_does_nothing(void **state)
{
	uint64_t before = stat_get(http_refused_foreign_page);

	(void)state;
	ask("DELETE /calls/" SID " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" SHOWN "Origin: https://evil.example\r\n\r\n");
	assert_int_equal(status_of(heard), 403);
	assert_int_equal(table.ended_why, CALL_NOT_ENDED);
	assert_int_equal(status_of(ask_status_with(SHOWN "Sec-Fetch-Site: same-site\r\n")), 403);
	assert_int_equal(stat_get(http_refused_foreign_page) - before, 2);
	assert_int_equal(
	    status_of(ask_status_with(SHOWN "Host: a.example:81\r\nOrigin: http://a.example:81\r\n")), 200);
	assert_int_equal(status_of(ask("GET /health HTTP/1.1\r\nOrigin: https://evil.example\r\n\r\n")), 200);
}

static void status_has_every_counter_latency_and_ending(void **state)
{
	const char *body = body_of(get("/status"));
	cJSON *all = json_parse(body, strlen(body));
	const cJSON *latency, *ended;
	double n;

	(void)state;
	assert_non_null(all);
	assert_non_null(json_str(all, "version"));
	assert_true(json_num(all, "uptime_seconds", &n));
#define X(section, name, help) assert_true(json_num(json_get(all, #section), #name, &n));
	STAT_COUNTERS(X)
#undef X
	latency = json_get(all, "latency");
#define X(name, help) assert_true(json_num(json_get(latency, #name), "p99_ms", &n));
	STAT_LATENCIES(X)
#undef X
	ended = json_get(json_get(all, "calls"), "ended");
#define X(name, json, text, after, fault) assert_true(json_num(ended, json, &n));
	CALL_ENDS(X)
#undef X
	assert_true(json_num(json_get(all, "calls"), "limit", &n));
	assert_true(cJSON_IsNull(json_get(all, "store"))); /* a part that is not there */
	assert_true(json_num(json_get(all, "process"), "rss_kb", &n) && n > 0);
	assert_true(json_num(json_get(all, "process"), "threads", &n) && n > 1);
	assert_true(json_num(json_get(all, "process"), "open_files", &n) && n > 2);
	cJSON_Delete(all);
}

static void calls_are_listed_told_and_ended(void **state)
{
	(void)state;
	assert_int_equal(status_of(get("/calls")), 200);
	assert_int_equal(status_of(get("/calls/" SID)), 200);
	assert_string_equal(body_of(heard), "{\"call_sid\":\"" SID "\",\"state\":\"ended\"}\n");
	assert_int_equal(status_of(get("/calls/CAnone")), 404);
	assert_non_null(strstr(heard, "\"code\":\"no_such_call\""));
	assert_int_equal(status_of(get("/calls/")), 404);
	assert_int_equal(status_of(get("/calls/" SID "/x")), 404);
	assert_int_equal(status_of(ask("DELETE /calls/" SID " HTTP/1.1\r\n" SHOWN "\r\n")), 200);
	assert_int_equal(table.ended_why, END_OPERATOR_ENDED);
	assert_int_equal(status_of(ask("DELETE /calls/CAnone HTTP/1.1\r\n" SHOWN "\r\n")), 404);
}

#define SAY "/calls/" SID "/say"
#define JSON_BODY "Content-Type: application/json\r\n"

static void json_bodies_are_checked_before_they_reach_a_handler(void **state)
{
	static const struct {
		const char *path, *headers, *body, *said;
		int status;
	} cases[] = {
		{ SAY, JSON_BODY, NULL, "length_required", 411 },
		{ SAY, JSON_BODY "Content-Length: 65537\r\n", NULL, "too_large", 413 },
		{ SAY, FORM, "text=a", "unsupported_media_type", 415 },
		{ SAY, "", "{}", "unsupported_media_type", 415 },
		{ SAY, "Content-Type: application/jsonp\r\n", "{}", "unsupported_media_type", 415 },
		{ SAY, JSON_BODY, "", "malformed_json", 400 },
		{ SAY, JSON_BODY, "{\"text\":\"a\"", "malformed_json", 400 },
		{ SAY, JSON_BODY, "{\"text\":\"a\"}}", "malformed_json", 400 },
		{ SAY, JSON_BODY, "{\"text\":\"\xff\"}", "malformed_json", 400 },
		{ SAY, JSON_BODY, "{\"text\":\"a\",\"text\":\"b\"}", "malformed_json", 400 },
		{ SAY, JSON_BODY, "[]", "invalid_body", 422 },
		{ SAY, JSON_BODY, "\"text\"", "invalid_body", 422 },
		{ SAY, JSON_BODY, "{}", "\"field\":\"text\"", 422 },
		{ SAY, JSON_BODY, "{\"text\":\"a\",\"loud\":true}", "\"field\":\"loud\"", 422 },
		{ SAY "?x=1", JSON_BODY, "{\"text\":\"a\"}", "\"field\":\"x\"", 400 },
		{ "/calls/CAnone/say", JSON_BODY, "{\"text\":\"a\"}", "no_such_call", 404 },
		{ SAY, "Content-Type: application/json; charset=utf-8\r\n", "{\"text\":\"a\"}", "call_over", 409 },
	};
	char text[512], length[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		length[0] = '\0';
		if (cases[i].body)
			snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(cases[i].body));
		snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n" SHOWN "%s%s\r\n%s", cases[i].path, cases[i].headers,
		    length, cases[i].body ? cases[i].body : "");
		ask(text);
		if (status_of(heard) != cases[i].status || !strstr(body_of(heard), cases[i].said) ||
		    !strstr(heard, "Content-Type: application/json"))
			fail_msg("%s %s: %s", cases[i].headers, cases[i].body ? cases[i].body : "", heard);
	}
}

static void body_of_a_stranger_is_not_even_read(void **state)
{
	(void)state;
	/* Announced, and never sent. */
	assert_int_equal(status_of(ask("POST " SAY " HTTP/1.1\r\n" JSON_BODY "Content-Length: 60000\r\n\r\n")), 401);
}

static void queries_have_known_names_once(void **state)
{
	(void)state;
	assert_int_equal(status_of(get("/status?")), 200);
	assert_int_equal(status_of(get("/status?a=1")), 400);
	assert_non_null(strstr(heard, "\"code\":\"invalid_query\""));
	assert_non_null(strstr(heard, "\"field\":\"a\""));
	assert_int_equal(status_of(get("/status?%zz")), 400);
	assert_int_equal(status_of(get("/status?%ff=1")), 400);
	assert_int_equal(status_of(get("/health?a=1&a=%zz")), 200);
}

/* ---------------------------------------------------------------- watchers */

/* Reads until the text has come. */
static void hear_until(int fd, const char *wanted)
{
	size_t len = 0;

	heard[0] = '\0';
	while (!strstr(heard, wanted) && len < sizeof heard - 1) {
		ssize_t n = recv(fd, heard + len, sizeof heard - 1 - len, 0);

		if (n <= 0)
			fail_msg("not a word of %s: %s", wanted, heard);
		len += (size_t)n;
		heard[len] = '\0';
	}
}

static void tell_turn(const char *sid)
{
	const struct call_turn turn = { .who = "caller", .text = "hello" };

	hub_take(hub, &(struct journal_entry){ .kind = JOURNAL_TURN, .type = "turn", .call_sid = sid, .turn = &turn });
}

static int watch(const char *path)
{
	char text[256];
	int fd = dial();

	snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n" SHOWN "\r\n", path);
	loopback_say(fd, text, strlen(text));
	hear_until(fd, "retry: ");
	return fd;
}

static void watcher_gets_a_stream_without_an_end(void **state)
{
	int fd = watch("/events");

	(void)state;
	assert_int_equal(status_of(heard), 200);
	assert_non_null(strstr(heard, "Content-Type: text/event-stream\r\n"));
	assert_null(strstr(heard, "Content-Length"));
	tell_turn("CA1");
	hear_until(fd, "\"text\":\"hello\"}}\n\n");
	/* However long it takes, nobody cuts it off. */
	for (int i = 0; i < 5; i++)
		web_tend(web, clock_now_us() + 100 * US_PER_S);
	tell_turn("CA2");
	hear_until(fd, "CA2");
	assert_int_equal(stat_get(watchers_open), 1);
	close(fd);
}

static void watchers_of_one_call_begin_with_what_there_is(void **state)
{
	int fd = watch("/calls/" SID "/events");

	(void)state;
	if (!strstr(heard, "\n\nevent: snapshot"))
		hear_until(fd, "event: snapshot");
	close(fd);
	assert_int_equal(status_of(get("/calls/CAnone/events")), 404);
	assert_int_equal(status_of(ask("HEAD /calls/" SID "/events HTTP/1.1\r\n" SHOWN "\r\n")), 200);
}

/* Waits for places to be free again. */
static void nobody_watches(void)
{
	for (int i = 0; i < 3000 && stat_get(watchers_open); i++)
		poll(NULL, 0, 10);
	assert_int_equal(stat_get(watchers_open), 0);
}

static void watchers_beyond_the_limit_are_told_so(void **state)
{
	uint64_t before = stat_get(http_refused_watchers);
	int one, two;

	(void)state;
	nobody_watches();
	one = watch("/events");
	two = watch("/events");
	assert_int_equal(status_of(get("/events")), 429);
	assert_non_null(strstr(heard, "\r\nRetry-After: 5\r\n"));
	assert_non_null(strstr(heard, "MAX_WATCHERS"));
	assert_int_equal(stat_get(http_refused_watchers) - before, 1);
	/* A place is free as soon as its client has gone. */
	close(one);
	for (int i = 0; i < 3000 && stat_get(watchers_open) > 1; i++)
		poll(NULL, 0, 10);
	one = watch("/events");
	assert_int_equal(status_of(get("/health")), 200);
	close(one);
	close(two);
	nobody_watches();
}

static void known_address_with_another_method_says_which(void **state)
{
	static const char cors[] = "OPTIONS /calls HTTP/1.1\r\nOrigin: http://a.example\r\n"
				   "Access-Control-Request-Method: GET\r\n\r\n";

	(void)state;
	assert_int_equal(status_of(get("/twilio/voice")), 405);
	assert_non_null(strstr(heard, "\r\nAllow: POST\r\n"));
	assert_int_equal(status_of(ask("POST /calls/x HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")), 405);
	assert_non_null(strstr(heard, "\r\nAllow: GET, HEAD, DELETE\r\n"));
	assert_int_equal(status_of(ask("PUT /health HTTP/1.1\r\n\r\n")), 405);
	assert_non_null(strstr(heard, "\r\nAllow: GET, HEAD\r\n"));
	assert_int_equal(status_of(ask(cors)), 405);
	assert_null(strstr(heard, "Access-Control"));
}

/* -------------------------------------------------------------- a call comes */

#define SIGNED_VOICE \
	"https://bridge.example.com/twilio/voiceCallSid" SID \
	"CallStatusringingDirectioninboundFrom+12025550123To+12025550100"

static void signed_call_gets_a_stream_with_its_token(void **state)
{
	(void)state;
	webhook("/twilio/voice", "X-Forwarded-Proto: https\r\n", VOICE, SIGNED_VOICE);
	assert_int_equal(status_of(heard), 200);
	assert_non_null(strstr(heard, "Content-Type: text/xml"));
	assert_non_null(strstr(heard, "<Stream url=\"wss://bridge.example.com/twilio/stream/" STREAM_TOKEN "\""));
	/* The next stream is opened in the same place, without a question of Twilio's before it. */
	assert_string_equal(kept_way,
	    "wss://bridge.example.com/twilio/stream/TOKEN "
	    "https://bridge.example.com/twilio/connect-action?rung=&number=0&why=stream&said=0&agent=&variant=&stream=N#rc=3&rp=all "
	    "https://bridge.example.com/twilio/stream-status");
	assert_non_null(strstr(heard, "action=\"https://bridge.example.com/twilio/connect-action#rc=3&amp;rp=all\""));
	assert_string_equal(table.from, "+12025550123");
	assert_true(stats.webhook_to_twiml.count > 0);
}

static void call_in_words_gets_a_session_with_its_token_and_the_greeting(void **state)
{
	(void)state;
	table.channel = &relay_channel;
	webhook("/twilio/voice", "X-Forwarded-Proto: https\r\n", VOICE, SIGNED_VOICE);
	assert_int_equal(status_of(heard), 200);
	assert_non_null(
	    strstr(heard, "<Connect action=\"https://bridge.example.com/twilio/connect-action#rc=3&amp;rp=all\""));
	assert_non_null(
	    strstr(heard, "<ConversationRelay url=\"wss://bridge.example.com/twilio/relay/" STREAM_TOKEN "\""));
	assert_non_null(strstr(heard, " welcomeGreeting=\"Good day &amp; welcome.\""));
	assert_non_null(strstr(heard, "<Parameter name=\"caller\" value=\"+12025550123\"/>"));
	assert_null(strstr(heard, "stream-status"));
}

static void unsigned_or_wrongly_signed_call_is_refused(void **state)
{
	uint64_t before = stat_get(http_refused_signature);

	(void)state;
	/* As http, since no proxy said https. */
	assert_int_equal(status_of(webhook("/twilio/voice", "", VOICE, SIGNED_VOICE)), 403);
	assert_int_equal(
	    status_of(webhook("/twilio/voice", "X-Forwarded-Proto: https\r\n", VOICE "&x=1", SIGNED_VOICE)), 403);
	assert_int_equal(status_of(ask("POST /twilio/voice HTTP/1.1\r\nHost: bridge.example.com\r\n" FORM
				       "Content-Length: 0\r\n\r\n")),
	    403);
	assert_string_equal(table.from, "");
	assert_int_equal(stat_get(http_refused_signature) - before, 3);
}

static void every_webhook_and_the_stream_check_the_signature(void **state)
{
	static const char *const paths[] = { "/twilio/voice", "/twilio/connect-action", "/twilio/stream-status",
		"/twilio/call-status", "/twilio/dial-done", "/twilio/gather" };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		assert_int_equal(status_of(webhook(paths[i], "", "CallSid=" SID, "something else")), 403);
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream/" STREAM_TOKEN, "", "something else"))), 403);
	assert_int_equal(status_of(ask(upgrade_text("/twilio/relay/" STREAM_TOKEN, "", "something else"))), 403);
	cfg.stream_unannounced = true;
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream", "", "something else"))), 403);
	assert_int_equal(status_of(ask(upgrade_text("/twilio/relay", "", "something else"))), 403);
	assert_int_equal(table.claims, 0);
}

static void public_url_beats_what_proxies_say(void **state)
{
	(void)state;
	cfg.public_url = "https://phone.example.com/eu";
	webhook("/twilio/voice?agent=1", "X-Forwarded-Proto: http\r\nX-Forwarded-Host: evil.example\r\n",
	    "CallSid=" SID, "https://phone.example.com/eu/twilio/voice?agent=1CallSid" SID);
	assert_int_equal(status_of(heard), 200);
	assert_non_null(strstr(heard, "wss://phone.example.com/eu/twilio/stream/" STREAM_TOKEN));
}

static void only_trusted_proxies_are_believed(void **state)
{
	static const char forwarded[] = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: phone.example.com\r\n";
	static const char told[] = "https://phone.example.com/twilio/voiceCallSid" SID;

	(void)state;
	assert_int_equal(status_of(webhook("/twilio/voice", forwarded, "CallSid=" SID, told)), 200);
	cfg.trusted_proxy_count = 0;
	assert_int_equal(status_of(webhook("/twilio/voice", forwarded, "CallSid=" SID, told)), 403);
}

static void without_validation_anyone_may_call(void **state)
{
	(void)state;
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", VOICE)), 200);
}

/* As it stands in an answer. */
#define DIALLED_FOR(why) \
	"/twilio/ladder?rung=dial&amp;number=0&amp;why=" why \
	"&amp;said=0&amp;agent=default&amp;variant=#rc=3&amp;rp=all\"><Number>+12025550177</Number></Dial>"

static void turned_away(enum admission refusal, const char *words, const char *dialled)
{
	table.admission = refusal;
	falls_back_to("");
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", VOICE)), 200);
	assert_non_null(strstr(heard, "<Response><Say language=\"en-US\">We are sorry, "));
	assert_non_null(strstr(heard, words));
	assert_non_null(strstr(heard, "</Say><Hangup/></Response>"));
	unsigned_webhook(
	    "/twilio/voice", "CallSid=" SID "&From=%2B12025550100&To=%2B12025550123&Direction=outbound-api");
	assert_non_null(strstr(heard, ">We are sorry, we have to end this call here. Goodbye.</Say>"));
	falls_back_to("+12025550177");
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", VOICE)), 200);
	assert_non_null(
	    strstr(heard, "<Response><Dial timeout=\"30\" answerOnBridge=\"true\" method=\"POST\" action=\"http"));
	assert_non_null(strstr(heard, dialled));
}

static void a_fallback_number_that_must_not_be_dialled_is_none(void **state)
{
	uint64_t before = stat_get(calls_not_dialled);

	(void)state;
	table.admission = CALL_FULL;
	falls_back_to("+442071838750");
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", VOICE)), 200);
	assert_non_null(strstr(heard, "all our lines are busy"));
	assert_null(strstr(heard, "<Dial"));
	assert_int_equal(stat_get(calls_not_dialled) - before, 1);
}

static void caller_hears_a_sentence_when_there_is_no_line(void **state)
{
	(void)state;
	turned_away(CALL_FULL, "all our lines are busy", DIALLED_FOR("busy"));
	turned_away(CALL_DRAINING, "we have to interrupt our service", DIALLED_FOR("draining"));
	turned_away(CALL_COST, "we cannot take your call", DIALLED_FOR("day_cost"));
	turned_away(CALL_MODEL, "we have a technical problem", DIALLED_FOR("model"));
	turned_away(CALL_NO_MEMORY, "we have a technical problem", DIALLED_FOR("model"));
}

static void told_and_dialled_nowhere(enum admission refusal, const char *words)
{
	table.admission = refusal;
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", VOICE)), 200);
	assert_non_null(strstr(heard, words));
	assert_non_null(strstr(heard, "</Say><Hangup/></Response>"));
	assert_null(strstr(heard, "<Dial"));
}

/* The fallback number is for callers whom we fail. */
static void caller_who_may_have_no_line_hears_why_and_is_dialled_nowhere(void **state)
{
	uint64_t over = stat_get(calls_refused_over);

	(void)state;
	falls_back_to("+12025550177");
	told_and_dialled_nowhere(CALL_CALLER_BUSY, "the line is busy");
	told_and_dialled_nowhere(CALL_CALLER_OFTEN, "you have called very often");
	told_and_dialled_nowhere(CALL_BLOCKED, "we do not take calls from your number");
	told_and_dialled_nowhere(CALL_NOT_ALLOWED, "for registered callers only");
	told_and_dialled_nowhere(CALL_OVER, "we have a technical problem");
	assert_int_equal(stat_get(calls_refused_over) - over, 1);
	/* Of a call that we placed, no order is looked for. */
	assert_int_equal(
	    status_of(unsigned_webhook("/twilio/voice?out=1", "CallSid=CAover&Direction=outbound-api")), 200);
	assert_non_null(strstr(heard, "</Say><Hangup/></Response>"));
	assert_int_equal(stat_get(calls_refused_over) - over, 2);
}

static void only_allowed_networks_may_ask_as_twilio(void **state)
{
	static const char body[] = "CallSid=" SID;
	static const char *const ours = "http://bridge.example.com/twilio/voiceCallSid" SID;
	uint64_t refused = stat_get(http_refused_network), unsigned_ones = stat_get(http_refused_signature);

	(void)state;
	cfg.allow_networks[0] = "192.0.2.0/24";
	cfg.allow_networks[1] = "2001:db8::/32";
	cfg.allow_network_count = 2;
	assert_int_equal(status_of(webhook("/twilio/voice", "X-Forwarded-For: 192.0.2.9\r\n", body, ours)), 200);
	assert_int_equal(status_of(webhook("/twilio/voice", "X-Forwarded-For: 2001:db8::9\r\n", body, ours)), 200);
	assert_int_equal(status_of(webhook("/twilio/voice", "X-Forwarded-For: 203.0.113.9\r\n", body, ours)), 403);
	/* What the client says of itself stands before what the proxy says. */
	assert_int_equal(
	    status_of(webhook("/twilio/voice", "X-Forwarded-For: 192.0.2.9, 203.0.113.9\r\n", body, ours)), 403);
	assert_int_equal(status_of(webhook("/twilio/voice", "", body, ours)), 403); /* the proxy itself */
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream/" STREAM_TOKEN, "X-Forwarded-For: 203.0.113.9\r\n",
			     "wss://bridge.example.com/twilio/stream/" STREAM_TOKEN))),
	    403);
	assert_int_equal(stat_get(http_refused_network) - refused, 4);
	/* Before the signature, so that a stranger learns nothing of it. */
	assert_int_equal(stat_get(http_refused_signature), unsigned_ones);
	assert_int_equal(status_of(get("/health")), 200);
	assert_int_equal(status_of(get("/status")), 200);
}

#define LADDER_DIAL "/twilio/ladder?rung=dial&number=0&why=model&said=0&agent=desk&variant="

/* Nobody is left to try: not the agent, as after a transfer, and not the number once more. */
static void who_is_not_taken_by_the_fallback_number_hears_so(void **state)
{
	static const char *const taken[] = { "completed", "answered" };
	static const char *const not_taken[] = { "busy", "no-answer", "failed", "canceled", "" };
	uint64_t before = stat_get(calls_fallbacks_unanswered);
	char form[200];

	(void)state;
	falls_back_to("+12025550177");
	for (size_t i = 0; i < sizeof not_taken / sizeof *not_taken; i++) {
		/* A caller whom no stream has answered is still ringing. */
		snprintf(form, sizeof form, "CallSid=CAtransferred&CallStatus=ringing&DialCallStatus=%s", not_taken[i]);
		assert_int_equal(status_of(unsigned_webhook(LADDER_DIAL, form)), 200);
		assert_non_null(strstr(heard, "nobody can take your call"));
		assert_string_equal(table.speaker, "desk");
	}
	assert_int_equal(stat_get(calls_fallbacks_unanswered) - before, 5);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		snprintf(form, sizeof form, "CallSid=" SID "&CallStatus=in-progress&DialCallStatus=%s", taken[i]);
		unsigned_webhook(LADDER_DIAL, form);
		assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	}
	unsigned_webhook(LADDER_DIAL, "CallSid=" SID "&DialCallStatus=busy&Direction=outbound-api");
	assert_non_null(strstr(heard, "we have to end this call here"));
	/* The address is signed with its query. */
	cfg.twilio_validate = true;
	assert_int_equal(
	    status_of(webhook(LADDER_DIAL, "", "CallSid=" SID, "https://bridge.example.com/twilio/ladderCallSid" SID)),
	    403);
}

/* The query of the address that comes next in the answer, as Twilio would send it. */
static const char *next_rung(void)
{
	static char path[400];
	const char *at = strstr(heard, "/twilio/ladder?");
	size_t n = 0;

	assert_non_null(at);
	while (*at != '#' && *at != '"' && n < sizeof path - 1) {
		path[n++] = *at;
		at += strncmp(at, "&amp;", 5) ? 1 : 5;
	}
	path[n] = '\0';
	return path;
}

static void takes_voicemail(void)
{
	cfg.data_dir = "/var/lib/trunkline";
	cfg.twilio_account_sid = "AC0";
	cfg.voicemail_model = "whisper"; /* without a key for it: Twilio writes down */
}

/* Each rung that fails leads to the next, and the same question has the same answer. */
static void caller_goes_down_the_ladder_and_hears_one_apology(void **state)
{
	uint64_t unkept = stat_get(voicemail_unkept);
	static const char unanswered[] = "CallSid=" SID "&CallStatus=in-progress&DialCallStatus=no-answer";
	static const char *const news[] = {
#define NEWS_OF(what) "/twilio/" what "?voicemail=1&amp;agent=default&amp;variant=&amp;from=&amp;to=#rc=3&amp;rp=all\""
		"recordingStatusCallback=\"http://bridge.example.com" NEWS_OF("recording-status"),
		"transcribeCallback=\"http://bridge.example.com" NEWS_OF("transcription"),
	};
	char path[400], first[2000];

	(void)state;
	falls_back_to("+12025550177");
	takes_voicemail();
	table.ended_as = END_MODEL_LOST;
	for (int twice = 0; twice < 2; twice++) {
		unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&CallStatus=in-progress");
		assert_non_null(strstr(heard, "<Say language=\"en-US\">Please hold the line."));
		assert_non_null(strstr(heard, DIALLED_FOR("model")));
		assert_null(strstr(heard, "sorry"));
	}
	strcpy(path, next_rung());
	for (int twice = 0; twice < 2; twice++) {
		unsigned_webhook(path, unanswered);
		assert_non_null(strstr(heard, "nobody can take your call at the moment."));
		assert_non_null(strstr(heard, "Please leave a message after the tone"));
		assert_non_null(strstr(heard, "<Record playBeep=\"true\" maxLength=\"120\""));
		assert_non_null(
		    strstr(heard, "rung=voicemail&amp;number=0&amp;why=model&amp;said=1&amp;agent=default"));
		for (size_t i = 0; i < sizeof news / sizeof *news; i++)
			assert_non_null(strstr(heard, news[i]));
		assert_true(!twice || !strcmp(first, strstr(heard, "<Response>")));
		snprintf(first, sizeof first, "%s", strstr(heard, "<Response>"));
	}
	strcpy(path, next_rung());
	unsigned_webhook(path, "CallSid=" SID "&CallStatus=in-progress");
	assert_non_null(strstr(heard, "Please call again later. Thank you. Goodbye.</Say><Hangup/></Response>"));
	assert_null(strstr(heard, "sorry"));
	unsigned_webhook(path, "CallSid=" SID "&RecordingUrl=https%3a%2f%2fa.example%2fRE1&RecordingDuration=0");
	assert_non_null(strstr(heard, "Please call again later."));
	unsigned_webhook(path, "CallSid=" SID "&RecordingUrl=https%3a%2f%2fa.example%2fRE1&RecordingDuration=4");
	assert_non_null(strstr(heard, "your message was recorded"));
	/* It is seen to by this word of it, with no other. */
	assert_int_equal(stat_get(voicemail_unkept) - unkept, 1);
	/* The person took it. */
	unsigned_webhook(LADDER_DIAL, "CallSid=" SID "&CallStatus=in-progress&DialCallStatus=completed");
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	assert_int_equal(status_of(unsigned_webhook("/twilio/ladder?rung=moon", "CallSid=" SID)), 400);
	assert_int_equal(status_of(unsigned_webhook("/twilio/ladder", "CallSid=" SID)), 400);
}

static void whom_we_called_leaves_no_message(void **state)
{
	(void)state;
	takes_voicemail();
	table.ended_as = END_MODEL_LOST;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&Direction=outbound-api");
	assert_non_null(strstr(heard, "we have to end this call here"));
	assert_null(strstr(heard, "<Record"));
}

/* The same line, as often as the table says; where the call stands on the ladder does not change. */
static void stream_that_was_lost_is_followed_by_the_next_one(void **state)
{
	(void)state;
	table.goes_on = true;
	table.ended_as = END_STREAM_LOST;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&CallStatus=in-progress");
	assert_non_null(strstr(heard, "/twilio/stream/" STREAM_TOKEN));
	assert_non_null(strstr(heard, "/twilio/connect-action?rung=&amp;number=0&amp;why=model&amp;said=0&amp;"
				      "agent=&amp;variant=&amp;stream=1#rc=3&amp;rp=all\""));
	assert_int_equal(table.stream, 0);
	unsigned_webhook("/twilio/connect-action?rung=&number=0&why=model&said=0&agent=&variant=&stream=1",
	    "CallSid=" SID "&CallStatus=in-progress");
	assert_int_equal(table.stream, 1);
	assert_string_equal(table.session, "stream");
	assert_non_null(strstr(heard, "stream=2#rc"));
	unsigned_webhook("/twilio/connect-action?rung=reconnect&number=0&why=stream&said=0&agent=default&variant=",
	    "CallSid=" SID "&CallStatus=in-progress");
	assert_string_equal(table.session, "again");
	assert_non_null(strstr(heard, "?rung=reconnect&amp;number=0&amp;why=stream&amp;said=0&amp;"
				      "agent=default&amp;variant=&amp;stream=1#rc"));
	/* The caller is gone. */
	assert_int_equal(table.ended_why, CALL_NOT_ENDED);
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&CallStatus=completed");
	assert_null(strstr(heard, "<Stream"));
	assert_int_equal(table.ended_why, END_CALLER_HUNG_UP);
	/* A new line counts its streams from the first. */
	table.goes_on = false;
	table.reconnects = "stream";
	unsigned_webhook("/twilio/connect-action?rung=&number=0&why=model&said=0&agent=&variant=&stream=1",
	    "CallSid=" SID "&CallStatus=in-progress");
	assert_non_null(strstr(heard, "rung=reconnect"));
	assert_null(strstr(heard, "stream=1"));
}

/* It is a call's own that went before: the address of the next one says so. */
static void stream_is_opened_anew_once(void **state)
{
	char path[400];
	const char *at;

	(void)state;
	table.ended_as = END_STREAM_LOST;
	table.reconnects = "stream";
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_non_null(strstr(heard, "/twilio/stream/" STREAM_TOKEN));
	at = strstr(heard, "/twilio/connect-action?rung=reconnect&amp;number=0&amp;why=stream&amp;said=0");
	assert_non_null(at);
	assert_string_equal(table.session, "stream");
	snprintf(path, sizeof path,
	    "/twilio/connect-action?rung=reconnect&number=0&why=stream&said=0&agent=default&variant=");
	unsigned_webhook(path, "CallSid=" SID);
	assert_non_null(strstr(heard, "we have a technical problem"));
	assert_string_equal(table.session, "again");
	/* It is over as it was meant to be. */
	table.ended_as = END_AGENT_ENDED;
	unsigned_webhook(path, "CallSid=" SID);
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
}

#define NEXT "://bridge.example.com/twilio/gather?step=N#rc=3&rp=all"

static void call_by_requests_has_a_turn_at_each(void **state)
{
	(void)state;
	table.channel = &gather_channel;
	webhook("/twilio/voice", "X-Forwarded-Proto: https\r\n", VOICE, SIGNED_VOICE);
	assert_non_null(strstr(heard, "Content-Type: text/xml"));
	assert_non_null(strstr(heard, "a turn"));
	assert_string_equal(table.visit, SID " 0 \"\" -1.00 \"\" https" NEXT);
	unsigned_webhook(
	    "/twilio/gather?step=3", "CallSid=" SID "&CallStatus=in-progress&SpeechResult=At+nine.&Confidence=0.25");
	assert_string_equal(table.visit, SID " 3 \"At nine.\" 0.25 \"\" http" NEXT);
	unsigned_webhook("/twilio/gather?step=4", "CallSid=" SID "&Digits=12&Confidence=high");
	assert_string_equal(table.visit, SID " 4 \"\" -1.00 \"12\" http" NEXT);
	table.over = true;
	table.ended_as = END_CALLER_HUNG_UP;
	unsigned_webhook("/twilio/gather?step=5", "CallSid=" SID "&CallStatus=completed");
	assert_non_null(strstr(table.visit, " hung up "));
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	table.ended_as = END_IDLE;
	unsigned_webhook("/twilio/gather?step=5", "CallSid=" SID);
	assert_non_null(strstr(heard, "We cannot hear anybody"));
	assert_int_equal(status_of(unsigned_webhook("/twilio/gather?step=5", "CallSid=")), 400);
}

/* The address keeps the rung; when that has failed, the next one follows. */
static void lost_model_leads_to_a_conversation_by_requests(void **state)
{
	static const char at[] = "/twilio/gather?rung=text&number=0&why=model&said=0&agent=default&variant=&step=";
	char path[200];

	(void)state;
	cfg.text_api_key = "a-key";
	table.channel = &gather_channel;
	table.texts = true;
	table.ended_as = END_MODEL_LOST;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_non_null(strstr(heard, "a turn"));
	assert_string_equal(table.session, "stream");
	assert_non_null(strstr(table.visit, at));
	/* Of a process that died: what was said to it is said to the next. */
	snprintf(path, sizeof path, "%s7", at);
	table.over = true;
	unsigned_webhook(path, "CallSid=" SID "&SpeechResult=Hello");
	assert_non_null(strstr(heard, "a turn"));
	assert_string_equal(table.session, "text");
	assert_non_null(strstr(table.visit, SID " 0 \"Hello\" "));
	assert_non_null(strstr(table.visit, at));
	/* It ended by a fault of its own. */
	table.over = true;
	table.texts = false;
	table.ended_as = END_MODEL_FAILED;
	unsigned_webhook(path, "CallSid=" SID);
	assert_non_null(strstr(heard, "we have a technical problem"));
}

static void call_without_a_usable_sid_is_refused(void **state)
{
	char body[600];

	(void)state;
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", "From=1")), 400);
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", "CallSid=")), 400);
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", "CallSid=CA%0d%0a1")), 400);
	snprintf(body, sizeof body, "CallSid=%0513d", 1);
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", body)), 400);
	snprintf(body, sizeof body, "CallSid=%0512d", 1);
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", body)), 200);
}

/* --------------------------------------------------------- after the stream */

static void what_follows_the_stream_depends_on_how_it_ended(void **state)
{
	static const struct {
		enum call_end end;
		const char *twiml;
	} cases[] = {
		{ END_CALLER_HUNG_UP, "<Response><Hangup/></Response>" },
		{ END_TIME_LIMIT, "\">The time for this call is over. Thank you. Goodbye.</Say><Hangup/></Response>" },
		{ END_COST_LIMIT,
		    "\">I am sorry, we have to end our call here. Thank you. Goodbye.</Say><Hangup/></Response>" },
		{ END_IDLE,
		    "\">We cannot hear anybody, so we are ending this call. Goodbye.</Say><Hangup/></Response>" },
		{ END_MODEL_LOST, "<Response><Say language=\"en-US\">We are sorry, we have a technical problem." },
		{ END_DRAINED, "<Response><Say language=\"en-US\">We are sorry, we have to interrupt our service" },
		{ CALL_NOT_ENDED, "<Response><Say language=\"en-US\">We are sorry, we have a technical problem." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		table.ended_as = cases[i].end;
		assert_int_equal(status_of(unsigned_webhook("/twilio/connect-action", "CallSid=" SID)), 200);
		assert_non_null(strstr(heard, cases[i].twiml));
	}
	table.ended_as = END_AGENT_ENDED;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	table.unheard = true;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_non_null(strstr(heard, "we have to end our call here. Thank you. Goodbye.</Say><Hangup/></Response>"));
	table.ended_as = CALL_NOT_ENDED;
	table.unheard = false;
	/* The agent has said that we are sorry: no rung says it again. */
	table.sorry = true;
	table.ended_as = END_MODEL_LOST;
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_null(strstr(heard, "sorry"));
	assert_non_null(strstr(heard, "call again"));
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&Direction=outbound-api");
	assert_non_null(strstr(heard, ">We have to end this call here. Thank you. Goodbye.</Say><Hangup/>"));
	table.sorry = false;
	table.ended_as = CALL_NOT_ENDED;
	falls_back_to("+12025550177");
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID);
	assert_non_null(strstr(heard, DIALLED_FOR("stream")));
}

/* The forms of the fixtures, and what is added to them. */
static const char *after_session(const char *fixture, const char *more)
{
	char path[120];
	struct buf text, form;
	cJSON *tree;

	snprintf(path, sizeof path, "tests/fixtures/conversationrelay-action-%s.json", fixture);
	buf_init(&text, 0);
	buf_init(&form, 0);
	assert_null(read_whole_file(path, 4096, &text));
	tree = json_parse(text.data, text.len);
	assert_non_null(tree);
	for (const cJSON *field = tree->child; field; field = field->next) {
		buf_printf(&form, "%s%s=", form.len ? "&" : "", field->string);
		for (const char *p = field->valuestring; *p; p++)
			buf_printf(&form, "%%%02x", (unsigned char)*p);
	}
	buf_puts(&form, more);
	assert_int_equal(status_of(unsigned_webhook("/twilio/connect-action", buf_text(&form))), 200);
	cJSON_Delete(tree);
	buf_free(&text);
	buf_free(&form);
	return heard;
}

#define HANGS_UP "<Response><Hangup/></Response>"
#define APOLOGISES "<Response><Say language=\"en-US\">We are sorry, we have a technical problem."
#define OPENS_ANEW "://bridge.example.com/twilio/relay/" STREAM_TOKEN "\""

static void session_that_broke_off_is_opened_anew(void **state)
{
	uint64_t lost = stat_get(relay_lost);

	(void)state;
	table.channel = &relay_channel;
	table.ended_as = END_STREAM_LOST;
	assert_non_null(strstr(after_session("failed-socket-lost", ""), OPENS_ANEW));
	assert_string_equal(table.session, "VX00000000000000000000000000000001");
	assert_int_equal(table.ended_why, END_STREAM_LOST);
	assert_non_null(strstr(after_session("failed-socket-lost", ""), OPENS_ANEW));
	table.ended_as = END_NEVER_STREAMED;
	assert_non_null(strstr(after_session("failed-connect", ""), OPENS_ANEW));
	assert_int_equal(stat_get(relay_lost) - lost, 3);
	/* Not without its name, nor the one after it. */
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID "&SessionStatus=failed&ErrorCode=64105");
	assert_non_null(strstr(heard, APOLOGISES));
	unsigned_webhook(
	    "/twilio/connect-action", "CallSid=" SID "&SessionStatus=failed&ErrorCode=64105&SessionId=VX2");
	assert_non_null(strstr(heard, APOLOGISES));
	/* What we ended ourselves is over, however Twilio lost the socket. */
	table.ended_as = END_AGENT_ENDED;
	assert_non_null(strstr(after_session("failed-socket-lost", ""), HANGS_UP));
	table.ended_as = END_MODEL_LOST;
	assert_non_null(strstr(after_session("failed-socket-lost", ""), APOLOGISES));
}

static void what_follows_a_session_depends_on_its_code_and_on_how_the_call_ended(void **state)
{
	uint64_t refused = stat_get(relay_refused), time_over = stat_get(relay_time_over),
		 failed = stat_get(relay_failed);

	(void)state;
	table.ended_as = END_AGENT_ENDED;
	assert_non_null(strstr(after_session("ended", ""), HANGS_UP));
	table.ended_as = END_IDLE;
	assert_non_null(strstr(after_session("ended", ""), "We cannot hear anybody"));
	table.ended_as = CALL_NOT_ENDED;
	assert_non_null(strstr(after_session("ended", ""), APOLOGISES));
	table.ended_as = END_CALLER_HUNG_UP;
	assert_non_null(strstr(after_session("completed", ""), HANGS_UP));
	assert_int_equal(table.ended_why, END_CALLER_HUNG_UP);
	/* Twilio had closed the socket in the way it does when somebody hangs up. */
	for (int i = 0; i < 5; i++) {
		static const char *const codes[] = { "64101", "64109", "64111", "64112", "64999" };
		char form[120];

		snprintf(
		    form, sizeof form, "CallSid=" SID "&SessionStatus=failed&ErrorCode=%s&SessionId=VX1", codes[i]);
		assert_int_equal(status_of(unsigned_webhook("/twilio/connect-action", form)), 200);
		assert_non_null(strstr(heard, APOLOGISES));
	}
	unsigned_webhook(
	    "/twilio/connect-action", "CallSid=" SID "&SessionStatus=failed&ErrorCode=64104&SessionId=VX1");
	assert_non_null(strstr(heard, "The time for this call is over."));
	assert_int_equal(table.ended_why, END_TIME_LIMIT);
	assert_int_equal(stat_get(relay_refused) - refused, 4);
	assert_int_equal(stat_get(relay_time_over) - time_over, 1);
	assert_int_equal(stat_get(relay_failed) - failed, 1);
}

static void after_the_transfer(const char *asked, const char *words)
{
	table.ended_as = END_TRANSFERRED;
	assert_int_equal(status_of(unsigned_webhook("/twilio/connect-action", asked)), 200);
	assert_non_null(strstr(heard, words));
}

static void who_was_transferred_to_where_must_not_be_dialled_goes_on_to_the_next(void **state)
{
	(void)state;
	after_the_transfer("CallSid=CAfar", "nobody can take your call");
	assert_null(strstr(heard, "<Dial"));
	falls_back_to("+12025550177");
	unsigned_webhook("/twilio/connect-action", "CallSid=CAfar");
	assert_non_null(strstr(heard, DIALLED_FOR("unanswered")));
}

static void who_was_transferred_is_dialled_for_and_comes_back_if_nobody_answers(void **state)
{
	(void)state;
	after_the_transfer("CallSid=CAtransferred", "<Dial timeout=\"25\" answerOnBridge=\"true\"");
	assert_non_null(strstr(heard, "/twilio/dial-done#rc=3&amp;rp=all\""));
	assert_non_null(strstr(heard, "<Number>+12025550177</Number>"));
	unsigned_webhook("/twilio/connect-action", "CallSid=" SID); /* to whom is not known any more */
	assert_non_null(strstr(heard, "<Say language=\"en-US\">We are sorry"));
	unsigned_webhook("/twilio/dial-done", "CallSid=CAtransferred&DialCallStatus=completed");
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	unsigned_webhook("/twilio/dial-done", "CallSid=CAtransferred&DialCallStatus=no-answer");
	assert_non_null(strstr(heard, "<Connect action="));
	unsigned_webhook("/twilio/dial-done", "CallSid=CAtransferred&DialCallStatus=busy&CallStatus=in-progress");
	assert_non_null(strstr(heard, "<Connect action="));
	/* The caller did not wait for the end of the ringing: there is nobody to come back. */
	unsigned_webhook("/twilio/dial-done", "CallSid=CAtransferred&DialCallStatus=no-answer&CallStatus=completed");
	assert_non_null(strstr(heard, "<Response><Hangup/></Response>"));
	unsigned_webhook("/twilio/dial-done", "CallSid=" SID "&DialCallStatus=busy");
	assert_non_null(strstr(heard, "nobody can take your call"));
	assert_int_equal(status_of(unsigned_webhook("/twilio/dial-done", "DialCallStatus=busy")), 400);
}

static void news_are_taken_and_final_ones_end_the_call(void **state)
{
	(void)state;
	assert_int_equal(status_of(unsigned_webhook(
			     "/twilio/stream-status", "CallSid=" SID "&StreamEvent=stream-error&StreamError=x%0ay")),
	    204);
	assert_int_equal(status_of(unsigned_webhook("/twilio/call-status", "CallSid=" SID "&CallStatus=ringing")), 204);
	assert_string_equal(table.ended_sid, "");
	assert_int_equal(
	    status_of(unsigned_webhook("/twilio/call-status", "CallSid=" SID "&CallStatus=completed")), 204);
	assert_string_equal(table.ended_sid, SID);
	assert_int_equal(table.ended_why, END_CALLER_HUNG_UP);
}

/* --------------------------------------------------------------- the stream */

#define SIGNED_STREAM "wss://bridge.example.com/twilio/stream/" STREAM_TOKEN

static void is_carried(const char *text)
{
	char head[1024] = "", byte;
	size_t len = 0;
	int fd;

	fd = dial();
	loopback_say(fd, text, strlen(text));
	while (!strstr(head, "\r\n\r\n") && len < sizeof head - 1 && recv(fd, head + len, 1, 0) == 1)
		head[++len] = '\0';
	assert_int_equal(status_of(head), 101);
	assert_non_null(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	loopback_say(fd, "!", 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, '!');
	assert_string_equal(hear(fd), "");
	assert_int_equal(table.carried, 1);
}

static void announced_stream_is_carried_over_its_own_socket(void **state)
{
	(void)state;
	is_carried(upgrade_text("/twilio/stream/" STREAM_TOKEN, "", SIGNED_STREAM));
}

static void announced_session_is_carried_likewise(void **state)
{
	(void)state;
	table.channel = &relay_channel;
	is_carried(
	    upgrade_text("/twilio/relay/" STREAM_TOKEN, "", "wss://bridge.example.com/twilio/relay/" STREAM_TOKEN));
}

static void token_of_another_channel_is_refused_and_stays_good(void **state)
{
	uint64_t before = stat_get(http_refused_token);

	(void)state;
	ask(upgrade_text("/twilio/relay/" STREAM_TOKEN, "", "wss://bridge.example.com/twilio/relay/" STREAM_TOKEN));
	assert_int_equal(status_of(heard), 403);
	assert_non_null(strstr(heard, "announced for another path"));
	assert_int_equal(stat_get(http_refused_token) - before, 1);
	is_carried(upgrade_text("/twilio/stream/" STREAM_TOKEN, "", SIGNED_STREAM));
}

static void token_works_once(void **state)
{
	uint64_t before = stat_get(http_refused_token);

	(void)state;
	table.token_used = true;
	ask(upgrade_text("/twilio/stream/" STREAM_TOKEN, "", SIGNED_STREAM));
	assert_int_equal(status_of(heard), 403);
	assert_true(strlen(body_of(heard)) > 10);
	assert_int_equal(stat_get(http_refused_token) - before, 1);
}

static void broken_handshake_does_not_spend_the_token(void **state)
{
	char text[1024];

	(void)state;
	cfg.twilio_validate = false;
	assert_int_equal(status_of(get("/twilio/stream/" STREAM_TOKEN)), 426);
	snprintf(text, sizeof text,
	    "GET /twilio/stream/" STREAM_TOKEN " HTTP/1.1\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %0200d\r\n\r\n",
	    0);
	assert_int_equal(status_of(ask(text)), 400);
	assert_int_equal(status_of(ask("GET /twilio/stream/" STREAM_TOKEN " HTTP/1.1\r\nUpgrade: websocket\r\n"
				       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n")),
	    400);
	assert_int_equal(status_of(ask("GET /twilio/stream/" STREAM_TOKEN " HTTP/1.1\r\nUpgrade: websocket\r\n"
				       "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
				       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")),
	    426);
	assert_non_null(strstr(heard, "Sec-WebSocket-Version: 13\r\n"));
	assert_int_equal(table.claims, 0);
}

static void upgrade_elsewhere_gets_a_whole_answer(void **state)
{
	(void)state;
	assert_int_equal(status_of(ask(upgrade_text("/nowhere", "", ""))), 404);
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream/a/b", "", ""))), 404);
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream/", "", ""))), 404);
	assert_int_equal(status_of(ask(upgrade_text("/health", "", ""))), 200);
}

static void unannounced_stream_needs_the_setting_and_a_line(void **state)
{
	const char *signed_text = "wss://bridge.example.com/twilio/stream";

	(void)state;
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream", "", signed_text))), 403);
	cfg.stream_unannounced = true;
	table.no_line = true;
	assert_int_equal(status_of(ask(upgrade_text("/twilio/stream", "", signed_text))), 503);
	signed_text = "wss://bridge.example.com/twilio/relay";
	assert_int_equal(status_of(ask(upgrade_text("/twilio/relay", "", signed_text))), 503);
	cfg.stream_unannounced = false;
	assert_int_equal(status_of(ask(upgrade_text("/twilio/relay", "", signed_text))), 403);
}

static void subprotocol_of_one_is_not_answered_to_another(void **state)
{
	const char *text = upgrade_text("/twilio/stream", "Sec-WebSocket-Protocol: evil\r\n", "");

	(void)state;
	cfg.twilio_validate = false;
	cfg.stream_unannounced = true;
	/* Often enough to meet the same worker again. */
	for (int i = 0; i < 120; i++) {
		int fd;

		if (i == 60)
			text = upgrade_text("/twilio/stream", "", "");
		settle();
		fd = dial();
		loopback_say(fd, text, strlen(text));
		shutdown(fd, SHUT_WR);
		assert_int_equal(status_of(hear(fd)), 101);
		assert_null(strstr(heard, "Sec-WebSocket-Protocol"));
	}
}

/* -------------------------------------------------------------- bad requests */

static void bodies_are_checked_before_they_are_read(void **state)
{
	static const struct {
		const char *headers;
		int status;
	} cases[] = {
		{ FORM, 411 },
		{ FORM "Content-Length: 65537\r\n", 413 },
		{ FORM "Content-Length: 99999999999999999999\r\n", 413 },
		{ FORM "Content-Length: 1e3\r\n", 400 },
		{ FORM "Content-Length: -1\r\n", 411 },
		{ FORM "Content-Length: 4\r\nContent-Length: 5\r\n", 400 },
		{ FORM "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400 },
		{ FORM "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400 },
		{ FORM "Transfer-Encoding: gzip\r\n", 400 },
		{ FORM "Transfer-Encoding: identity\r\n", 400 },
		{ FORM "Content-Length: 4\r\nExpect: the unexpected\r\n", 417 },
		{ "Content-Type: application/json\r\nContent-Length: 2\r\n", 415 },
		{ "Content-Length: 2\r\n", 415 },
		{ FORM "Host: a\r\nHost: b\r\nContent-Length: 4\r\n", 400 },
	};
	char text[512];

	(void)state;
	cfg.twilio_validate = false;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, "POST /twilio/voice HTTP/1.1\r\n%s\r\na=b&", cases[i].headers);
		ask(text);
		if (status_of(heard) != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, status_of(heard));
	}
}

static void refusal_reaches_a_client_that_is_still_sending(void **state)
{
	static char body[1 << 20];
	int fd;

	(void)state;
	fd = dial();
	loopback_say(fd, "POST /twilio/voice HTTP/1.1\r\n" FORM "Content-Length: 200000\r\n\r\n",
	    strlen("POST /twilio/voice HTTP/1.1\r\n" FORM "Content-Length: 200000\r\n\r\n"));
	memset(body, 'a', sizeof body);
	loopback_say(fd, body, 200000);
	assert_int_equal(status_of(hear(fd)), 413);
}

static void chunked_forms_are_taken_up_to_the_limit(void **state)
{
	static char text[80000];
	size_t len;

	(void)state;
	cfg.twilio_validate = false;
	assert_int_equal(status_of(ask("POST /twilio/connect-action HTTP/1.1\r\nHost: a\r\n" FORM
				       "Transfer-Encoding: chunked\r\n\r\n8\r\nCallSid=\r\n3\r\nCA1\r\n0\r\n\r\n")),
	    200);
	len = (size_t)sprintf(text,
	    "POST /twilio/connect-action HTTP/1.1\r\n" FORM "Transfer-Encoding: chunked\r\n\r\n11170\r\n"); /* 70000 */
	memset(text + len, 'a', 70000);
	strcpy(text + len + 70000, "\r\n0\r\n\r\n");
	assert_int_equal(status_of(ask(text)), 413);
	assert_int_equal(status_of(ask("POST /twilio/connect-action HTTP/1.1\r\n" FORM
				       "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")),
	    408);
}

static void body_may_be_announced_first(void **state)
{
	(void)state;
	cfg.twilio_validate = false;
	ask("POST /twilio/connect-action HTTP/1.1\r\nHost: a\r\n" FORM
	    "Expect: 100-continue\r\nContent-Length: 9\r\n\r\nCallSid=a");
	assert_int_equal(status_of(heard), 100);
	assert_int_equal(status_of(body_of(heard)), 200);
}

static void malformed_forms_are_refused(void **state)
{
	static char body[1000];

	(void)state;
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", "CallSid=%")), 400);
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", "CallSid=%00")), 400);
	for (int i = 0; i < 200; i++)
		strcat(body, "a=1&");
	assert_int_equal(status_of(unsigned_webhook("/twilio/voice", body)), 413);
}

static void malformed_requests_get_a_whole_answer(void **state)
{
	static const char *const texts[] = { "nonsense\r\n\r\n", "GET\r\n\r\n", "GET /health\r\n\r\n",
		"GET /health HTTP/1.1\r\nno colon\r\n\r\n", "GET /health FTP/1.1\r\n\r\n", "\x01\r\n\r\n",
		"BREW /health HTTP/1.1\r\n\r\n", "GET http:/x HTTP/1.1\r\n\r\n", "GET health HTTP/1.1\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (status_of(ask(texts[i])) != 400)
			fail_msg("%s: %s", texts[i], heard);
		assert_non_null(strstr(heard, "{\"error\":{\"code\":"));
	}
	assert_int_equal(status_of(ask("GET /health HTTP/2.0\r\n\r\n")), 505);
}

static void too_many_and_too_large_headers_are_refused(void **state)
{
	static char text[40000];

	(void)state;
	strcpy(text, "GET /health HTTP/1.1\r\n");
	for (int i = 0; i < 64; i++)
		strcat(text, "a: b\r\n");
	strcat(text, "\r\n");
	assert_int_equal(status_of(ask(text)), 431);
	strcpy(text, "GET /health HTTP/1.1\r\n");
	for (int i = 0; i < 63; i++)
		strcat(text, "a: b\r\n");
	strcat(text, "\r\n");
	assert_int_equal(status_of(ask(text)), 200);
	snprintf(text, sizeof text, "GET /health HTTP/1.1\r\na: %030000d\r\n\r\n", 0);
	assert_int_equal(status_of(ask(text)), 400); /* CivetWeb's word for it */
}

static void port_that_is_taken_is_said_so(void **state)
{
	struct config same = plain_config;
	struct web *other = NULL;
	struct buf problem;

	(void)state;
	same.port = web_port(web);
	buf_init(&problem, 0);
	assert_int_equal(
	    web_open(&other, &(struct web_parts){ .cfg = &same, .routes = all_routes }, &problem), -EADDRINUSE);
	assert_non_null(strstr(buf_text(&problem), "Address already in use"));
	assert_null(other);
	buf_free(&problem);
}

/* ----------------------------------------------------------- slow strangers */

/* Lets the server's clock run ahead until the connection gets its answer. */
static const char *hear_after(int fd, int64_t later_us)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < 1000 && poll(&p, 1, 20) == 0; i++)
		web_tend(web, clock_now_us() + later_us);
	return hear(fd);
}

enum { CROWD = 120 };

#define SIGNED "X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
#define OWING "POST /twilio/voice HTTP/1.1\r\n" FORM "Content-Length: 100\r\n"

static int dial_and_say(const char *text)
{
	int fd = dial();

	loopback_say(fd, text, strlen(text));
	return fd;
}

static void slow_body_is_cut_off(void **state)
{
	uint64_t before = stat_get(http_refused_busy);
	int fd = dial_and_say(OWING SIGNED "\r\nCallSid=CA1");

	(void)state;
	assert_int_equal(status_of(hear_after(fd, 11 * US_PER_S)), 408);
	assert_true(stat_get(http_refused_busy) > before);
}

static void slow_headers_are_cut_off(void **state)
{
	int fd = dial_and_say("GET /health HTTP/1.1\r\n");

	(void)state;
	assert_int_equal(status_of(hear_after(fd, 11 * US_PER_S)), 400);
}

static void silence_is_cut_off(void **state)
{
	uint64_t before = stat_get(http_refused_busy);
	int fd = dial();

	(void)state;
	assert_string_equal(hear_after(fd, 11 * US_PER_S), "");
	assert_true(stat_get(http_refused_busy) > before);
}

static void body_without_a_signature_is_not_waited_for(void **state)
{
	uint64_t before = stat_get(http_refused_busy);

	(void)state;
	assert_int_equal(status_of(hear(dial_and_say(OWING "\r\n"))), 403);
	assert_int_equal(stat_get(http_refused_busy), before);
}

/* A crowd larger than the pool holds its connections open and says `text`; nobody's clock
 * runs. Then somebody else asks. Returns how many of the crowd were cut off for that. */
static uint64_t knock_beside_a_crowd(const char *text)
{
	uint64_t before = stat_get(http_refused_busy);
	int crowd[CROWD];

	for (int i = 0; i < CROWD; i++)
		crowd[i] = dial_and_say(text);
	assert_int_equal(status_of(ask("GET /health HTTP/1.1\r\n\r\n")), 200);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
	return stat_get(http_refused_busy) - before;
}

/* Those who do not fit in have to go, and by nobody's clock. */
static void crowd_of_silent_strangers_does_not_keep_others_out(void **state)
{
	uint64_t too_many = (uint64_t)(CROWD - web_workers(&cfg));

	(void)state;
	assert_true(knock_beside_a_crowd("") >= too_many);
	assert_true(knock_beside_a_crowd("POST /twilio/voice HTTP/1.1\r\nHost") >= too_many);
}

static void crowd_of_bodies_that_never_come_does_not_keep_others_out(void **state)
{
	uint64_t too_many = (uint64_t)(CROWD - web_workers(&cfg));

	(void)state;
	assert_true(knock_beside_a_crowd(OWING SIGNED "\r\n") >= too_many);
	assert_true(knock_beside_a_crowd(OWING SIGNED "X-Forwarded-For: 203.0.113.9, 2001:db8::1\r\n\r\n") >= too_many);
}

/* From one port of one address, to that address of ours. */
static int dial_between(int from_port, const char *to, int to_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)from_port) };
	struct timeval patience = { .tv_sec = 30 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	a.sin_port = htons((uint16_t)to_port);
	assert_int_equal(inet_pton(AF_INET, to, &a.sin_addr), 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

/* Opens a stream on it; the table's one token is good again. */
static void open_stream(int fd)
{
	const char *text = upgrade_text("/twilio/stream/" STREAM_TOKEN, "", "");
	char end[5] = "", answer[13] = "";

	pthread_mutex_lock(&table.lock);
	table.token_used = false;
	pthread_mutex_unlock(&table.lock);
	loopback_say(fd, text, strlen(text));
	assert_int_equal(recv(fd, answer, sizeof answer - 1, MSG_WAITALL), sizeof answer - 1);
	assert_string_equal(answer, "HTTP/1.1 101");
	while (strcmp(end, "\r\n\r\n") != 0) {
		memmove(end, end + 1, 3);
		assert_int_equal(recv(fd, end + 3, 1, 0), 1);
	}
}

static void echo(int fd, char said)
{
	char byte = 0;

	loopback_say(fd, &said, 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, said);
	close(fd);
}

/* Another server beside the one of all tests. */
static struct web *web_beside(const struct config *other_cfg)
{
	struct web *other = NULL;
	struct buf problem;

	buf_init(&problem, 0);
	assert_int_equal(web_open(&other, &(struct web_parts){ .cfg = other_cfg, .routes = all_routes }, &problem), 0);
	buf_free(&problem);
	return other;
}

/* What listens on all addresses cannot tell whose socket is whose. */
static void stream_that_may_be_carried_on_the_wrong_socket_is_refused(void **state)
{
	const char *upgrade;
	struct config any = plain_config;
	struct web *other;
	int first, second;

	(void)state;
	any.listen = "0.0.0.0";
	any.twilio_validate = false;
	other = web_beside(&any);
	first = dial_between(0, "127.0.0.1", web_port(other));
	open_stream(first);
	second = dial_between(port_of(first), "127.0.0.2", web_port(other));
	upgrade = upgrade_text("/twilio/stream/" STREAM_TOKEN, "", "");
	loopback_say(second, upgrade, strlen(upgrade));
	assert_int_equal(status_of(hear(second)), 503);
	echo(first, 'y');
	web_close(other);
}

/* The same peer and port at another server's address: told apart by our end. */
static void one_port_of_a_peer_may_come_to_two_addresses_of_ours(void **state)
{
	struct config one = plain_config;
	struct web *other;
	int first, second;

	(void)state;
	one.listen = "127.0.0.2";
	one.port = web_port(web);
	one.twilio_validate = false;
	cfg.twilio_validate = false;
	other = web_beside(&one);
	first = dial_between(0, "127.0.0.1", web_port(web));
	open_stream(first);
	second = dial_between(port_of(first), "127.0.0.2", web_port(other));
	open_stream(second);
	echo(second, 'x');
	echo(first, 'y');
	web_close(other);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

const struct CMUnitTest unit_tests[] = {
	TEST(health_is_open_and_whole),
	TEST(head_has_the_headers_and_no_body),
	TEST(every_request_is_answered_and_none_that_means_two_things),
	TEST(ready_says_why_not_in_one_word),
	TEST(health_is_asked_of_this_machine),
	TEST(health_fails_where_nobody_listens),
	TEST(only_the_token_opens),
	TEST(every_route_of_the_operators_has_its_role),
	TEST(reader_reads_and_is_told_what_else_needs),
	TEST(ten_wrong_tokens_are_enough),
	TEST(made_up_names_are_no_clients),
	TEST(page_of_another_site_does_nothing),
	TEST(status_has_every_counter_latency_and_ending),
	TEST(calls_are_listed_told_and_ended),
	TEST(json_bodies_are_checked_before_they_reach_a_handler),
	TEST(body_of_a_stranger_is_not_even_read),
	TEST(queries_have_known_names_once),
	TEST(watcher_gets_a_stream_without_an_end),
	TEST(watchers_of_one_call_begin_with_what_there_is),
	TEST(watchers_beyond_the_limit_are_told_so),
	TEST(known_address_with_another_method_says_which),
	TEST(signed_call_gets_a_stream_with_its_token),
	TEST(call_in_words_gets_a_session_with_its_token_and_the_greeting),
	TEST(unsigned_or_wrongly_signed_call_is_refused),
	TEST(every_webhook_and_the_stream_check_the_signature),
	TEST(public_url_beats_what_proxies_say),
	TEST(only_trusted_proxies_are_believed),
	TEST(without_validation_anyone_may_call),
	TEST(caller_hears_a_sentence_when_there_is_no_line),
	TEST(a_fallback_number_that_must_not_be_dialled_is_none),
	TEST(caller_who_may_have_no_line_hears_why_and_is_dialled_nowhere),
	TEST(only_allowed_networks_may_ask_as_twilio),
	TEST(caller_goes_down_the_ladder_and_hears_one_apology),
	TEST(whom_we_called_leaves_no_message),
	TEST(stream_is_opened_anew_once),
	TEST(stream_that_was_lost_is_followed_by_the_next_one),
	TEST(call_by_requests_has_a_turn_at_each),
	TEST(lost_model_leads_to_a_conversation_by_requests),
	TEST(who_is_not_taken_by_the_fallback_number_hears_so),
	TEST(call_without_a_usable_sid_is_refused),
	TEST(what_follows_the_stream_depends_on_how_it_ended),
	TEST(session_that_broke_off_is_opened_anew),
	TEST(what_follows_a_session_depends_on_its_code_and_on_how_the_call_ended),
	TEST(who_was_transferred_to_where_must_not_be_dialled_goes_on_to_the_next),
	TEST(who_was_transferred_is_dialled_for_and_comes_back_if_nobody_answers),
	TEST(news_are_taken_and_final_ones_end_the_call),
	TEST(announced_stream_is_carried_over_its_own_socket),
	TEST(announced_session_is_carried_likewise),
	TEST(token_of_another_channel_is_refused_and_stays_good),
	TEST(token_works_once),
	TEST(broken_handshake_does_not_spend_the_token),
	TEST(upgrade_elsewhere_gets_a_whole_answer),
	TEST(unannounced_stream_needs_the_setting_and_a_line),
	TEST(subprotocol_of_one_is_not_answered_to_another),
	TEST(bodies_are_checked_before_they_are_read),
	TEST(refusal_reaches_a_client_that_is_still_sending),
	TEST(chunked_forms_are_taken_up_to_the_limit),
	TEST(body_may_be_announced_first),
	TEST(malformed_forms_are_refused),
	TEST(malformed_requests_get_a_whole_answer),
	TEST(too_many_and_too_large_headers_are_refused),
	TEST(port_that_is_taken_is_said_so),
	TEST(slow_body_is_cut_off),
	TEST(slow_headers_are_cut_off),
	TEST(silence_is_cut_off),
	TEST(body_without_a_signature_is_not_waited_for),
	TEST(crowd_of_silent_strangers_does_not_keep_others_out),
	TEST(crowd_of_bodies_that_never_come_does_not_keep_others_out),
	TEST(stream_that_may_be_carried_on_the_wrong_socket_is_refused),
	TEST(one_port_of_a_peer_may_come_to_two_addresses_of_ours),
	GROUP(open_server, close_server),
};
