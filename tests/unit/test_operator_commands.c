#include "server/operator_commands.h"

#include "server/config/version.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool reads(struct operator_command *c, const char *line)
{
	static char words[200]; /* what was read borrows from it */
	char *args[20] = { NULL }, *rest = NULL;
	struct buf problem;
	size_t n = 0;
	bool so;

	strcpy(words, line);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		args[n++] = word;
	buf_init(&problem, 0);
	so = operator_command_read(c, args, &problem);
	assert_int_equal(so, problem.len == 0);
	assert_true(so || strchr(buf_text(&problem), '\n') == buf_text(&problem) + problem.len - 1);
	assert_null(strchr(buf_text(&problem), '\x1b'));
	buf_free(&problem);
	return so;
}

static void commands_are_read(void **state)
{
	struct operator_command c;

	(void)state;
	assert_true(
	    operator_command_named("status") && operator_command_named("calls") && operator_command_named("call"));
	assert_false(operator_command_named("--status"));
	assert_true(reads(&c, "status"));
	assert_int_equal(c.what, OPERATOR_STATUS);
	assert_false(c.json);
	assert_true(reads(&c, "calls"));
	assert_int_equal(c.what, OPERATOR_CALLS);
	assert_int_equal(c.last, 20);
	assert_true(reads(&c, "calls --live"));
	assert_int_equal(c.last, 0);
	assert_true(reads(&c, "calls --json --last 10000 --agent desk --ending idle"));
	assert_true(c.json);
	assert_int_equal(c.last, 10000);
	assert_string_equal(c.filters[0], "desk");
	assert_null(c.filters[1]);
	assert_string_equal(c.filters[5], "idle");
	assert_true(reads(&c, "call --json CA1"));
	assert_int_equal(c.what, OPERATOR_CALL);
	assert_string_equal(c.sid, "CA1");
}

static void what_makes_no_sense_is_told(void **state)
{
	static const char *const wrong[] = { "status now", "status --live", "calls CA1", "calls --last",
		"calls --last 0", "calls --last -1", "calls --last 10001", "calls --last 1x",
		"calls --last 99999999999", "calls --limit 5", "calls --agent", "calls -", "call", "call --json",
		"call CA1 CA2", "call --last 1", "call \x1b[2J --\x1b" };
	struct operator_command c;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(reads(&c, wrong[i]));
}

/* ------------------------------------------------------- asking one who answers as he is told */

enum { ASKED_MOST = 4 };

static struct {
	int listener;
	const char *const *bodies; /* one a request; NULL: no more */
	char asked[ASKED_MOST][512];
} peer;

static void *serve(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < ASKED_MOST && peer.bodies[i]; i++) {
		int fd = accept(peer.listener, NULL, NULL);
		char *text = peer.asked[i];
		size_t len = 0;
		ssize_t n;

		if (fd < 0)
			break;
		while (!strstr(text, "\r\n\r\n") && (n = recv(fd, text + len, sizeof peer.asked[i] - 1 - len, 0)) > 0)
			len += (size_t)n;
		text[strcspn(text, "\r")] = '\0';
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(peer.bodies[i]), peer.bodies[i]);
		close(fd);
	}
	return NULL;
}

/* Runs it against such answers: its exit status, and what it printed. */
static int runs(const char *line, const char *const bodies[], char *printed, size_t size)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct config cfg = { .listen = "127.0.0.1",
		.api_token = "0123456789abcdef",
		.api_jwt_secret = "",
		.api_read_token = "",
		.data_dir = "" };
	int status, before = dup(STDOUT_FILENO);
	struct operator_command c;
	socklen_t len = sizeof a;
	FILE *file = tmpfile();
	pthread_t thread;

	memset(&peer, 0, sizeof peer);
	peer.bodies = bodies;
	peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer.listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(peer.listener, ASKED_MOST), 0);
	assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&a, &len), 0);
	cfg.port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	assert_true(reads(&c, line));
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	status = operator_command_run(&cfg, &c);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	shutdown(peer.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(peer.listener);
	rewind(file);
	printed[fread(printed, 1, size - 1, file)] = '\0';
	fclose(file);
	return status;
}

#define THIS "{\"version\":\"" TRUNKLINE_VERSION "\"}"
#define FIRST_PAGE \
	"{\"calls\":[{\"call_sid\":\"CA1\",\"state\":\"live\"},{\"call_sid\":\"CA2\\u001b\",\"state\":\"ended\"}],\"next\":\"e1.CA 2\"}"
#define LAST_PAGE \
	"{\"calls\":[{\"call_sid\":\"CA3\",\"state\":\"ended\"},{\"call_sid\":\"CA4\",\"state\":\"ended\"}],\"next\":\"e2\"}"

static void pages_are_followed_as_far_as_was_asked(void **state)
{
	const char *const pages[] = { THIS, FIRST_PAGE, LAST_PAGE, NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("calls --last 2 --from +1(2) --agent a&b", pages, printed, sizeof printed), 0);
	assert_string_equal(peer.asked[0], "GET /status HTTP/1.1");
	assert_string_equal(peer.asked[1], "GET /calls?limit=50&agent=a%26b&from=%2B1%282%29 HTTP/1.1");
	assert_string_equal(
	    peer.asked[2], "GET /calls?limit=50&agent=a%26b&from=%2B1%282%29&cursor=e1.CA%202 HTTP/1.1");
	assert_int_equal(lines_of(printed), 4); /* with the line of names */
	assert_non_null(strstr(printed, "CA3"));
	assert_null(strstr(printed, "CA4"));
	assert_null(strchr(printed, '\x1b'));
}

static void pages_become_one_object(void **state)
{
	const char *const pages[] = { FIRST_PAGE, LAST_PAGE, NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("calls --last 2 --json", pages, printed, sizeof printed), 0);
	assert_string_equal(printed,
	    "{\"calls\":[{\"call_sid\":\"CA1\",\"state\":\"live\"},{\"call_sid\":\"CA2\\u001b\",\"state\":\"ended\"},"
	    "{\"call_sid\":\"CA3\",\"state\":\"ended\"}]}\n");
}

static void live_ones_alone_need_no_more_pages(void **state)
{
	const char *const pages[] = { THIS, FIRST_PAGE, NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("calls --live", pages, printed, sizeof printed), 0);
	assert_int_equal(lines_of(printed), 2);
	assert_non_null(strstr(printed, "CA1"));
}

static void broken_store_is_told(void **state)
{
	const char *const pages[] = { THIS, "{\"calls\":[],\"next\":null,\"store\":\"failing\"}", NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("calls", pages, printed, sizeof printed), 0);
	assert_non_null(strstr(printed, "\nWhat is kept cannot be read now"));
	assert_int_equal(runs("calls --json", pages + 1, printed, sizeof printed), 0);
	assert_string_equal(printed, "{\"calls\":[],\"store\":\"failing\"}\n");
}

static void another_version_is_not_shown_to_people(void **state)
{
	const char *const other[] = { "{\"version\":\"9.9\"}", NULL }, *const none[] = { "[]", NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("calls", other, printed, sizeof printed), 1);
	assert_int_equal(runs("status", other, printed, sizeof printed), 1);
	assert_int_equal(runs("call CA1", other, printed, sizeof printed), 1);
	assert_string_equal(printed, "");
	assert_int_equal(runs("status --json", other, printed, sizeof printed), 0);
	assert_string_equal(printed, other[0]);
	assert_int_equal(runs("status --json", none, printed, sizeof printed), 1);
}

static void call_is_asked_for_with_its_record(void **state)
{
	const char *const said[] = { THIS,
		"{\"call_sid\":\"CA1\",\"state\":\"ended\",\"record\":{\"id\":\"rec_1\",\"status\":\"valid\"}}",
		"{\"record\":{\"name\":\"Sam\"}}", NULL };
	char printed[4096];

	(void)state;
	assert_int_equal(runs("call ../status?x", said, printed, sizeof printed), 0);
	assert_string_equal(peer.asked[1], "GET /calls/..%2Fstatus%3Fx HTTP/1.1");
	assert_string_equal(peer.asked[2], "GET /records/rec_1 HTTP/1.1");
	assert_non_null(strstr(printed, "record     rec_1, valid\n  name: Sam\n"));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(commands_are_read),
	cmocka_unit_test(what_makes_no_sense_is_told),
	cmocka_unit_test(pages_are_followed_as_far_as_was_asked),
	cmocka_unit_test(pages_become_one_object),
	cmocka_unit_test(live_ones_alone_need_no_more_pages),
	cmocka_unit_test(broken_store_is_told),
	cmocka_unit_test(another_version_is_not_shown_to_people),
	cmocka_unit_test(call_is_asked_for_with_its_record),
	{ 0 },
};
