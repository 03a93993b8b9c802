#include "common/ws_upgrade.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* RFC 6455 §1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define GOOD \
	"HTTP/1.1 101 Switching Protocols\r\n" \
	"Upgrade: websocket\r\n" \
	"Connection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: " ACCEPT "\r\n"

static struct ws_response judge(const char *text)
{
	struct ws_response r;

	ws_upgrade_judge(text, strlen(text), ACCEPT, &r);
	return r;
}

static void the_key_of_the_rfc_gets_the_answer_of_the_rfc(void **state)
{
	char accept[WS_ACCEPT_SIZE];

	(void)state;
	ws_upgrade_accept(KEY, accept);
	assert_string_equal(accept, ACCEPT);
}

static void keys_are_fresh(void **state)
{
	char one[WS_KEY_SIZE], other[WS_KEY_SIZE];

	(void)state;
	ws_upgrade_key(one);
	ws_upgrade_key(other);
	assert_int_equal(strlen(one), 24);
	assert_string_not_equal(one, other);
}

static void a_request_names_the_port_unless_it_is_the_usual(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	ws_upgrade_request(&b, "x.test", 443, "/a?b=c", "A: 1\r\nB: 2\r\n", KEY);
	assert_string_equal(buf_text(&b),
	    "GET /a?b=c HTTP/1.1\r\nHost: x.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\nA: 1\r\nB: 2\r\n\r\n");
	buf_reset(&b);
	ws_upgrade_request(&b, "x.test", 8443, "/", "", KEY);
	assert_non_null(strstr(buf_text(&b), "\r\nHost: x.test:8443\r\n"));
	buf_free(&b);
}

static void a_good_answer_is_accepted_with_its_length(void **state)
{
	struct ws_response r = judge(GOOD "\r\n\x81\x01x");

	(void)state;
	assert_int_equal(r.verdict, WS_ACCEPTED);
	assert_int_equal(r.header_len, strlen(GOOD) + 2);
}

static void an_answer_in_pieces_is_waited_for(void **state)
{
	static const char good[] = GOOD "\r\n";
	struct ws_response r;

	(void)state;
	for (size_t len = 0; len < sizeof good - 1; len++) {
		ws_upgrade_judge(good, len, ACCEPT, &r);
		assert_int_equal(r.verdict, WS_INCOMPLETE);
	}
	assert_int_equal(judge(good).verdict, WS_ACCEPTED);
}

static void names_and_values_may_be_spelt_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(judge("HTTP/1.1 101\r\nUPGRADE:WebSocket\r\nconnection: keep-alive , UPGRADE\r\n"
			       "SEC-WEBSOCKET-ACCEPT:  " ACCEPT " \t\r\nserver: x\r\n\r\n")
			     .verdict,
	    WS_ACCEPTED);
}

static void what_proves_nothing_is_not_accepted(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: xUpgrade\r\nSec-WebSocket-Accept: " ACCEPT
		"\r\n\r\n",
		/* Base64 is not case-insensitive. */
		"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n",
		GOOD "Sec-WebSocket-Accept: AAAA\r\n\r\n",
		GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		assert_int_equal(judge(answers[i]).verdict, WS_NOT_WEBSOCKET);
}

static void what_is_not_http_is_told_at_once(void **state)
{
	static const char *const answers[] = { "SSH-2.0-OpenSSH_9.2", "<html>", "X", "HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 000 OK\r\n\r\n",
		"HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n continued\r\n\r\n" };
	struct ws_response r;

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		assert_int_equal(judge(answers[i]).verdict, WS_NOT_HTTP);
	ws_upgrade_judge("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25, ACCEPT, &r);
	assert_int_equal(r.verdict, WS_NOT_HTTP);
}

static void a_header_without_end_is_not_waited_for(void **state)
{
	char *text = malloc(WS_RESPONSE_MAX);
	struct ws_response r;

	(void)state;
	memset(text, 'x', WS_RESPONSE_MAX);
	memcpy(text, GOOD, strlen(GOOD));
	ws_upgrade_judge(text, WS_RESPONSE_MAX - 1, ACCEPT, &r);
	assert_int_equal(r.verdict, WS_INCOMPLETE);
	ws_upgrade_judge(text, WS_RESPONSE_MAX, ACCEPT, &r);
	assert_int_equal(r.verdict, WS_NOT_HTTP);
	free(text);
}

struct refusal {
	bool more;
	const char *answer, *body;
};

static void check_refusals(const struct refusal *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct ws_response r = judge(all[i].answer);

		if (r.verdict != WS_REFUSED || r.more != all[i].more || strcmp(r.body, all[i].body))
			fail_msg("%s: verdict %d, body %s%s", all[i].answer, r.verdict, r.body, r.more ? ", more" : "");
	}
}

static void a_refusal_is_complete_when_its_body_is(void **state)
{
	static const struct refusal all[] = {
		{ true, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nsl", "sl" },
		{ false, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nslow", "slow" },
		{ false, "HTTP/1.0 503 Busy\r\nContent-Length: 0\r\n\r\n", "" },
	};

	(void)state;
	check_refusals(all, sizeof all / sizeof *all);
	assert_int_equal(judge(all[0].answer).status, 429);
	/* Nobody says how long it is. */
	assert_true(judge("HTTP/1.1 500 Oh\r\n\r\nx").more);
	assert_true(judge("HTTP/1.1 500 Oh\r\nContent-Length: 99999999999999999999\r\n\r\nx").more);
}

static void of_a_chunked_refusal_the_first_chunk_is_enough(void **state)
{
#define CHUNKED "HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"
	static const struct refusal all[] = {
		{ true, CHUNKED, "" },
		{ true, CHUNKED "0A;ext=1\r\n01234", "01234" },
		{ false, CHUNKED "0A;ext=1\r\n0123456789\r\n0\r\n\r\n", "0123456789" },
	};

	(void)state;
	check_refusals(all, sizeof all / sizeof *all);
	/* Not hexadecimal at all: nothing to show, nothing to wait for. */
	assert_string_equal(judge(CHUNKED "\r\n   zz\r\n").body, "");
}

static void of_a_long_refusal_one_printable_line_is_kept(void **state)
{
	char text[WS_BODY_SIZE + 200];
	struct ws_response r;
	size_t head;

	(void)state;
	head = (size_t)snprintf(text, sizeof text, "HTTP/1.1 500 Oh\r\n\r\n");
	memset(text + head, 'x', WS_BODY_SIZE + 100);
	text[head + WS_BODY_SIZE + 100] = '\0';
	memcpy(text + head, "a\r\nb\tc\x1b[2J", 10);
	/* A character on the edge: either whole or not at all. */
	memcpy(text + head + WS_BODY_SIZE - 2, "\xc3\xbc", 2);
	r = judge(text);
	assert_false(r.more);
	assert_int_equal(strlen(r.body), WS_BODY_SIZE - 2);
	assert_int_equal(strncmp(r.body, "a  b c [2Jxxx", 13), 0);
	assert_string_equal(judge("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n\xff!").body, "?!");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_key_of_the_rfc_gets_the_answer_of_the_rfc),
	cmocka_unit_test(keys_are_fresh),
	cmocka_unit_test(a_request_names_the_port_unless_it_is_the_usual),
	cmocka_unit_test(a_good_answer_is_accepted_with_its_length),
	cmocka_unit_test(an_answer_in_pieces_is_waited_for),
	cmocka_unit_test(names_and_values_may_be_spelt_in_any_case),
	cmocka_unit_test(what_proves_nothing_is_not_accepted),
	cmocka_unit_test(what_is_not_http_is_told_at_once),
	cmocka_unit_test(a_header_without_end_is_not_waited_for),
	cmocka_unit_test(a_refusal_is_complete_when_its_body_is),
	cmocka_unit_test(of_a_chunked_refusal_the_first_chunk_is_enough),
	cmocka_unit_test(of_a_long_refusal_one_printable_line_is_kept),
	{ 0 },
};
