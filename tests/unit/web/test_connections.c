/* Whose each connection is, from its first moment, and who is waited for at its end. The connections
 * are stood in for: CivetWeb's are what it says of them. */
#include "server/config/config.h"
#include "server/web/sockets.h"

#include <civetweb.h>
#include <stdlib.h>
#include <string.h>

/* As in CivetWeb, what is known of a connection lies at one distance from all of them. */
struct mg_connection {
	char before[24];
	struct mg_request_info info;
};

static int lingered, no_socket;

static const struct mg_request_info *stood_in_info(const struct mg_connection *conn)
{
	return &conn->info;
}

static bool stood_in_between(int fd, const struct socket_ends *ends)
{
	(void)ends;
	return !no_socket && fd == 7;
}

static void stood_in_linger(int fd, int ms, size_t bytes)
{
	(void)ms, (void)bytes;
	lingered += fd == 7;
}

#define mg_get_request_info(conn) stood_in_info(conn)
#define socket_is_between stood_in_between
#define socket_linger stood_in_linger
#include "server/web/connections.c"
#include "tests/unit.h"
#undef mg_get_request_info
#undef socket_is_between
#undef socket_linger

#include <stdint.h>

ONE_THREAD;

enum { WORKERS = 64 };

static struct config cfg = { .listen = "127.0.0.1", .trusted_proxies = { "10.0.0.0/8" }, .trusted_proxy_count = 1 };
static struct connections *cs;
static struct mg_connection conns[WORKERS];
static struct connection *taken[WORKERS];

static struct connection *come(size_t i, const char *peer)
{
	memset(&conns[i], 0, sizeof conns[i]);
	snprintf(conns[i].info.remote_addr, sizeof conns[i].info.remote_addr, "%s", peer);
	conns[i].info.remote_port = 1000 + (int)i;
	return taken[i] = connections_take(cs, &conns[i]);
}

static const struct inflight *entry_of(const struct connection *c)
{
	return &cs->inflight[c - cs->list];
}

static size_t cut_off_now(size_t n)
{
	size_t cut = 0;

	for (size_t i = 0; i < n; i++)
		cut += entry_of(taken[i])->cut;
	return cut;
}

/* After one connection, from which all that is said of the others is learned. */
static int open_them(void **state)
{
	(void)state;
	lingered = 0;
	no_socket = 1;
	if (connections_open(&cs, &cfg, WORKERS))
		return -1;
	connections_give_back(cs, come(0, ""));
	return 0;
}

static int close_them(void **state)
{
	(void)state;
	connections_close(cs);
	return 0;
}

static void a_stranger_is_known_by_his_address_before_he_says_a_word(void **state)
{
	const struct connection *c = come(0, "203.0.113.9");

	(void)state;
	assert_string_equal(c->client, "203.0.113.9");
	assert_int_not_equal(entry_of(c)->client, 0);
	assert_int_equal(entry_of(c)->client, inflight_client("203.0.113.9"));
	assert_int_equal(entry_of(come(1, "203.0.113.9"))->client, entry_of(c)->client);
	assert_int_not_equal(entry_of(come(2, "203.0.113.8"))->client, entry_of(c)->client);
}

static void a_trusted_proxy_is_nobody_until_it_says_for_whom(void **state)
{
	struct connection *c = come(0, "10.1.2.3");

	(void)state;
	assert_int_equal(entry_of(c)->client, 0);
	connections_of_client(cs, c, "203.0.113.9");
	assert_int_equal(entry_of(c)->client, inflight_client("203.0.113.9"));
	assert_string_equal(c->client, "203.0.113.9");
}

/* Who has not said a word yet can be shed only by his peer's address. */
static void one_strangers_half_open_ones_are_shed_and_a_proxys_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < INFLIGHT_HALF_OPEN_MAX + 3; i++)
		come(i, "10.1.2.3");
	connections_tend(cs, clock_now_us());
	assert_int_equal(cut_off_now(INFLIGHT_HALF_OPEN_MAX + 3), 0);
	for (size_t i = 0; i < INFLIGHT_HALF_OPEN_MAX + 3; i++)
		connections_give_back(cs, taken[i]);
	for (size_t i = 0; i < INFLIGHT_HALF_OPEN_MAX + 3; i++)
		come(i, "203.0.113.9");
	connections_tend(cs, clock_now_us());
	assert_int_equal(cut_off_now(INFLIGHT_HALF_OPEN_MAX + 3), 3);
}

/* Behind a proxy: who has a network of 64 bits may choose among its addresses, and is one client. */
static void a_network_of_64_bits_is_one_client_and_its_neighbour_another(void **state)
{
	char address[64];

	(void)state;
	for (size_t i = 0; i < INFLIGHT_HALF_OPEN_MAX + 2; i++) {
		snprintf(address, sizeof address, "2001:db8:0:%zx::1", i);
		connections_of_client(cs, come(i, "10.1.2.3"), address);
	}
	connections_tend(cs, clock_now_us());
	assert_int_equal(cut_off_now(INFLIGHT_HALF_OPEN_MAX + 2), 0);
	for (size_t i = 0; i < INFLIGHT_HALF_OPEN_MAX + 2; i++) {
		snprintf(address, sizeof address, i % 2 ? "2001:db8::%zx" : "[2001:db8::%zx]:4711", i + 1);
		connections_of_client(cs, taken[i], address);
	}
	connections_tend(cs, clock_now_us());
	assert_int_equal(cut_off_now(INFLIGHT_HALF_OPEN_MAX + 2), 2);
}

static void nobody_is_lingered_for_while_workers_are_short(void **state)
{
	struct connection *c;
	size_t i;

	(void)state;
	no_socket = 0;
	c = come(0, "203.0.113.9");
	assert_int_equal(c->fd, 7);
	connections_linger(cs, c);
	assert_int_equal(lingered, 1);
	for (i = 1; i < WORKERS - INFLIGHT_SPARE; i++)
		connections_stage(cs, come(i, "203.0.113.8"), INFLIGHT_LIMITED);
	connections_linger(cs, c);
	assert_int_equal(lingered, 2); /* as many are free as are to be */
	connections_stage(cs, come(i, "203.0.113.8"), INFLIGHT_LIMITED);
	connections_linger(cs, c);
	assert_int_equal(lingered, 2);
	connections_give_back(cs, taken[i]);
	connections_linger(cs, c);
	assert_int_equal(lingered, 3);
	connections_linger(cs, NULL);
	assert_int_equal(lingered, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_them, close_them)

const struct CMUnitTest unit_tests[] = {
	TEST(a_stranger_is_known_by_his_address_before_he_says_a_word),
	TEST(a_trusted_proxy_is_nobody_until_it_says_for_whom),
	TEST(one_strangers_half_open_ones_are_shed_and_a_proxys_are_not),
	TEST(a_network_of_64_bits_is_one_client_and_its_neighbour_another),
	TEST(nobody_is_lingered_for_while_workers_are_short),
	{ 0 },
};
