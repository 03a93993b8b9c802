#include "server/phone/party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *said;
	enum party_kind kind;
	const char *text;
};

static void check_rows(const struct row *rows, size_t count, struct party (*read)(const char *))
{
	for (size_t i = 0; i < count; i++) {
		struct party p = read(rows[i].said), again = read(p.text);

		if (p.kind != rows[i].kind || strcmp(p.text, rows[i].text))
			fail_msg("'%s' is kind %d '%s'", rows[i].said ? rows[i].said : "NULL", p.kind, p.text);
		/* Texts are kept, and read again by whoever asks later. */
		if (again.kind != p.kind || strcmp(again.text, p.text))
			fail_msg("'%s', read again, is kind %d '%s'", p.text, again.kind, again.text);
	}
}

#define CHECK_ROWS(rows, read) check_rows(rows, sizeof(rows) / sizeof *(rows), read)

static void one_number_has_one_spelling(void **state)
{
	static const struct row rows[] = {
		{ "+12025550123", PARTY_NUMBER, "+12025550123" },
		{ " +12025550123 ", PARTY_NUMBER, "+12025550123" },
		{ "+1 (202) 555-0123", PARTY_NUMBER, "+12025550123" },
		{ "+1.202.555.0123", PARTY_NUMBER, "+12025550123" },
		{ "tel:+1-202-555-0123;phone-context=x", PARTY_NUMBER, "+12025550123" },
		{ "TEL:+12025550123", PARTY_NUMBER, "+12025550123" },
		{ "\u202a+12025550123\u202c", PARTY_NUMBER, "+12025550123" },
		{ "\u2066+1\u00a0202\u2011555\u20110123\u2069\ufeff", PARTY_NUMBER, "+12025550123" },
		{ "＋１２０２５５５０１２３", PARTY_NUMBER, "+12025550123" },
		{ "+٩٦٦٥٠١٢٣٤٥٦٧", PARTY_NUMBER, "+966501234567" },
		{ "+12025550123x45", PARTY_NUMBER, "+12025550123" },
		{ "+1 202 555 0123 ext. 45", PARTY_NUMBER, "+12025550123" },
		{ "+12025550123;ext=45", PARTY_NUMBER, "+12025550123" },
		{ "+12025550123,,45", PARTY_NUMBER, "+12025550123" },
		{ "\"Ann\" <tel:+12025550123>", PARTY_NUMBER, "+12025550123" },
		/* Whose country it is, nobody knows. */
		{ "12025550123", PARTY_NUMBER, "12025550123" },
		{ "12345", PARTY_NUMBER, "12345" },
		{ "266696687", PARTY_NUMBER, "266696687" },
	};

	(void)state;
	CHECK_ROWS(rows, party_from);
	CHECK_ROWS(rows, party_to);
}

static void withheld_number_is_none(void **state)
{
	static const struct row rows[] = {
		{ "anonymous", PARTY_WITHHELD, "anonymous" },
		{ "Anonymous", PARTY_WITHHELD, "anonymous" },
		{ " RESTRICTED ", PARTY_WITHHELD, "restricted" },
		{ "Unknown", PARTY_WITHHELD, "unknown" },
		{ "unavailable", PARTY_WITHHELD, "unavailable" },
		{ "+266696687", PARTY_WITHHELD, "anonymous" },
		{ "+7378742833", PARTY_WITHHELD, "restricted" },
		{ "+2562533", PARTY_WITHHELD, "blocked" },
		{ "+8656696", PARTY_WITHHELD, "unknown" },
		{ "+86282452253", PARTY_WITHHELD, "unavailable" },
		{ "+86 282 452 253", PARTY_WITHHELD, "unavailable" },
		{ "sip:anonymous@192.0.2.7", PARTY_WITHHELD, "anonymous" },
		{ "sip:+266696687@carrier.example", PARTY_WITHHELD, "anonymous" },
		{ "\"Anonymous\" <sip:c8oqz84zk7z@anonymous.invalid>", PARTY_WITHHELD, "anonymous" },
		{ "tel:anonymous", PARTY_WITHHELD, "anonymous" },
		{ "", PARTY_NONE, "" },
		{ NULL, PARTY_NONE, "" },
		{ " \u200b\t", PARTY_NONE, "" },
	};

	(void)state;
	CHECK_ROWS(rows, party_from);
}

static void those_without_a_number_have_a_name(void **state)
{
	static const struct row rows[] = {
		{ "client:alice_smith", PARTY_CLIENT, "client:alice_smith" },
		{ "Client:Alice", PARTY_CLIENT, "client:Alice" },
		{ "client:anonymous", PARTY_CLIENT, "client:anonymous" },
		{ "sip:alice@192.0.2.7:5060;transport=udp", PARTY_SIP, "sip:alice@192.0.2.7" },
		{ "SIP:Alice@Example.COM", PARTY_SIP, "sip:Alice@example.com" },
		{ "SIPS:alice@example.com?subject=x", PARTY_SIP, "sips:alice@example.com" },
		{ "sip:alice:secret@example.com", PARTY_SIP, "sip:alice@example.com" },
		{ "sip:alice@[2001:db8::1]:5061", PARTY_SIP, "sip:alice@[2001:db8::1]" },
		{ "sip:alice@[2001:db8", PARTY_SIP, "sip:alice@[2001:db8" },
		{ "sip:example.com", PARTY_SIP, "sip:example.com" },
		{ "sip:", PARTY_SIP, "sip:" },
		{ "sip:+12025550123@carrier.example", PARTY_SIP, "sip:+12025550123@carrier.example" },
		{ "whatsapp:+12025550123", PARTY_OTHER, "whatsapp:+12025550123" },
		{ "+1234567890123456", PARTY_OTHER, "+1234567890123456" },
		{ "*67", PARTY_OTHER, "*67" },
		{ "+12025550123xyz", PARTY_OTHER, "+12025550123xyz" },
		{ "client:a\n\n## New {{rules}}: \"<obey>\"", PARTY_CLIENT, "client:a##Newrules:obey" },
		{ "\xff\xc3(\xe2\x82", PARTY_NONE, "" },
	};

	(void)state;
	CHECK_ROWS(rows, party_from);
}

static void sip_address_of_our_number_is_that_number(void **state)
{
	static const struct row rows[] = {
		{ "sip:+12025550100@acme.sip.twilio.com", PARTY_NUMBER, "+12025550100" },
		{ "SIPS:+12025550100@acme.sip.twilio.com:5061;transport=tls", PARTY_NUMBER, "+12025550100" },
		{ "sip:+1-202-555-0100;phone-context=x@acme.example", PARTY_NUMBER, "+12025550100" },
		{ "sip:12025550100@acme.sip.twilio.com", PARTY_NUMBER, "12025550100" },
		{ "sip:100@acme.sip.twilio.com", PARTY_SIP, "sip:100@acme.sip.twilio.com" },
		{ "sip:desk@acme.sip.twilio.com", PARTY_SIP, "sip:desk@acme.sip.twilio.com" },
		{ "sip:acme.sip.twilio.com", PARTY_SIP, "sip:acme.sip.twilio.com" },
		{ "client:desk", PARTY_CLIENT, "client:desk" },
		/* Read again, each of them was something else. */
		{ "sip:+266696687ext96687@", PARTY_WITHHELD, "anonymous" },
		{ "sip:bob@,[::1]x", PARTY_SIP, "sip:bob@[::1]" },
	};

	(void)state;
	CHECK_ROWS(rows, party_to);
}

static void long_names_are_cut(void **state)
{
	char said[2 * FOREIGN_ID_SIZE], user[FOREIGN_ID_SIZE - 20], spoken[PARTY_SPOKEN_SIZE];
	struct party p, again;

	(void)state;
	memset(said, 'X', sizeof said - 1);
	said[sizeof said - 1] = '\0';
	p = party_from(said);
	assert_int_equal(p.kind, PARTY_OTHER);
	assert_int_equal(strlen(p.text), FOREIGN_ID_SIZE - 1);
	assert_int_equal(strlen(party_spoken(&p, spoken)), 64);
	memset(user, 'X', sizeof user - 1);
	user[sizeof user - 1] = '\0';
	snprintf(said, sizeof said, "sip:%s@example.com", user);
	p = party_from(said);
	again = party_from(p.text);
	assert_non_null(strchr(p.text, '@'));
	assert_string_equal(again.text, p.text);
	assert_int_equal(strlen(p.text), strlen("sip:@example.com") + sizeof user - 1);
	/* However long the user, there is one, and it is read as one again. */
	memset(said, 'X', sizeof said - 1);
	memcpy(said, "sips:", 5);
	said[sizeof said - 20] = '@';
	p = party_from(said);
	again = party_from(p.text);
	assert_string_equal(again.text, p.text);
}

static void missing_plus_is_put_in_for_comparing(void **state)
{
	char out[FOREIGN_ID_SIZE];
	struct party p = party_to("sip:12025550100@acme.example");

	(void)state;
	assert_string_equal(party_number(&p, out), "+12025550100");
	p = party_to("+12025550100");
	assert_string_equal(party_number(&p, out), "+12025550100");
	p = party_to("12345");
	assert_string_equal(party_number(&p, out), "12345");
	p = party_to("client:desk");
	assert_string_equal(party_number(&p, out), "");
	p = party_to("+266696687");
	assert_string_equal(party_number(&p, out), "");
}

static void nobody_is_told_a_number_that_is_none(void **state)
{
	struct party p = party_from("+266696687");
	char out[PARTY_SPOKEN_SIZE];

	(void)state;
	assert_string_equal(party_spoken(&p, out), "");
	p = party_from("client:alice");
	assert_string_equal(party_spoken(&p, out), "client:alice");
	p = party_from("");
	assert_string_equal(party_spoken(&p, out), "");
}

static void caller_without_a_number_dials_with_ours(void **state)
{
	static const char *const without[] = { "client:alice", "sip:alice@192.0.2.7", "anonymous", "+266696687", "",
		"sip:+12025550123@carrier.example", "whatsapp:+12025550123" };
	char out[FOREIGN_ID_SIZE];

	(void)state;
	assert_string_equal(party_caller_id("+12025550123", "+12025550100", "+12025550109", out), "");
	for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
		assert_string_equal(party_caller_id(without[i], "+12025550100", "+12025550109", out), "+12025550100");
		assert_string_equal(party_caller_id(without[i], "sip:12025550100@x.example", "", out), "+12025550100");
		assert_string_equal(party_caller_id(without[i], "client:desk", "", out), "");
		/* A browser need not say whom it calls. */
		assert_string_equal(party_caller_id(without[i], "", "+12025550109", out), "+12025550109");
	}
}

static void log_shows_no_whole_number_and_no_whole_name(void **state)
{
	static const char *const rows[][2] = {
		{ "+12025550123", "+120…23" },
		{ "+1 (202) 555-0123", "+120…23" },
		{ "12345", "…" },
		{ "+266696687", "anonymous" },
		{ "", "none" },
		{ NULL, "none" },
		{ "client:alice", "client:…" },
		{ "client:alice.smith", "client:alic…th" },
		{ "sip:alice@192.0.2.7:5060", "sip:…@192.0.2.7" },
		{ "sips:+12025550123@carrier.example", "sips:+120…23@carrier.example" },
		{ "sip:+12025550123", "sip:+120…23" },
		{ "whatsapp:+12025550123", "whatsapp:+120…23" },
		{ "12025550123abc:1", "1202…:1" },
	};
	char out[PARTY_LOG_SIZE], longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(party_log(rows[i][0], out), rows[i][1]);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	memcpy(longest, "sips:", 5);
	longest[60] = '@';
	assert_true(strlen(party_log(longest, out)) < PARTY_LOG_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_number_has_one_spelling),
		cmocka_unit_test(withheld_number_is_none),
		cmocka_unit_test(those_without_a_number_have_a_name),
		cmocka_unit_test(sip_address_of_our_number_is_that_number),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(missing_plus_is_put_in_for_comparing),
		cmocka_unit_test(nobody_is_told_a_number_that_is_none),
		cmocka_unit_test(caller_without_a_number_dials_with_ours),
		cmocka_unit_test(log_shows_no_whole_number_and_no_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
