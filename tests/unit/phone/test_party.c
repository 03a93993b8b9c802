#include "server/phone/party.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

/* Whose text it is: the same may be another party in From than in To. */
enum { CALLER = 1, CALLED = 2, EITHER = CALLER | CALLED };

static const struct {
	int whose;
	const char *said;
	enum party_kind kind;
	const char *text;
} texts[] = {
	/* One number has one spelling. */
	{ EITHER, "+12025550123", PARTY_NUMBER, "+12025550123" },
	{ EITHER, " +12025550123 ", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+1 (202) 555-0123", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+1.202.555.0123", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "tel:+1-202-555-0123;phone-context=x", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "TEL:+12025550123", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "\u202a+12025550123\u202c", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "\u2066+1\u00a0202\u2011555\u20110123\u2069\ufeff", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "＋１２０２５５５０１２３", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+٩٦٦٥٠١٢٣٤٥٦٧", PARTY_NUMBER, "+966501234567" },
	{ EITHER, "+12025550123x45", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+1 202 555 0123 ext. 45", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+12025550123;ext=45", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "+12025550123,,45", PARTY_NUMBER, "+12025550123" },
	{ EITHER, "\"Ann\" <tel:+12025550123>", PARTY_NUMBER, "+12025550123" },
	/* Whose country it is, nobody knows. */
	{ EITHER, "12025550123", PARTY_NUMBER, "12025550123" },
	{ EITHER, "12345", PARTY_NUMBER, "12345" },
	{ EITHER, "266696687", PARTY_NUMBER, "266696687" },
	/* A withheld number is none. */
	{ CALLER, "anonymous", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "Anonymous", PARTY_WITHHELD, "anonymous" },
	{ CALLER, " RESTRICTED ", PARTY_WITHHELD, "restricted" },
	{ CALLER, "Unknown", PARTY_WITHHELD, "unknown" },
	{ CALLER, "unavailable", PARTY_WITHHELD, "unavailable" },
	{ CALLER, "+266696687", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "+7378742833", PARTY_WITHHELD, "restricted" },
	{ CALLER, "+2562533", PARTY_WITHHELD, "blocked" },
	{ CALLER, "+8656696", PARTY_WITHHELD, "unknown" },
	{ CALLER, "+86282452253", PARTY_WITHHELD, "unavailable" },
	{ CALLER, "+86 282 452 253", PARTY_WITHHELD, "unavailable" },
	{ CALLER, "sip:anonymous@192.0.2.7", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "sip:+266696687@carrier.example", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "\"Anonymous\" <sip:c8oqz84zk7z@anonymous.invalid>", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "tel:anonymous", PARTY_WITHHELD, "anonymous" },
	{ CALLER, "", PARTY_NONE, "" },
	{ CALLER, NULL, PARTY_NONE, "" },
	{ CALLER, " \u200b\t", PARTY_NONE, "" },
	/* Those without a number have a name. */
	{ CALLER, "client:alice_smith", PARTY_CLIENT, "client:alice_smith" },
	{ CALLER, "Client:Alice", PARTY_CLIENT, "client:Alice" },
	{ CALLER, "client:anonymous", PARTY_CLIENT, "client:anonymous" },
	{ CALLER, "sip:alice@192.0.2.7:5060;transport=udp", PARTY_SIP, "sip:alice@192.0.2.7" },
	{ CALLER, "SIP:Alice@Example.COM", PARTY_SIP, "sip:Alice@example.com" },
	{ CALLER, "SIPS:alice@example.com?subject=x", PARTY_SIP, "sips:alice@example.com" },
	{ CALLER, "sip:alice:secret@example.com", PARTY_SIP, "sip:alice@example.com" },
	{ CALLER, "sip:alice@[2001:db8::1]:5061", PARTY_SIP, "sip:alice@[2001:db8::1]" },
	{ CALLER, "sip:alice@[2001:db8", PARTY_SIP, "sip:alice@[2001:db8" },
	{ CALLER, "sip:example.com", PARTY_SIP, "sip:example.com" },
	{ CALLER, "sip:", PARTY_SIP, "sip:" },
	{ CALLER, "sip:+12025550123@carrier.example", PARTY_SIP, "sip:+12025550123@carrier.example" },
	{ CALLER, "whatsapp:+12025550123", PARTY_OTHER, "whatsapp:+12025550123" },
	{ CALLER, "+1234567890123456", PARTY_OTHER, "+1234567890123456" },
	{ CALLER, "*67", PARTY_OTHER, "*67" },
	{ CALLER, "+12025550123xyz", PARTY_OTHER, "+12025550123xyz" },
	{ CALLER, "client:a\n\n## New {{rules}}: \"<obey>\"", PARTY_CLIENT, "client:a##Newrules:obey" },
	{ CALLER, "\xff\xc3(\xe2\x82", PARTY_NONE, "" },
	/* A SIP address of our number is that number. */
	{ CALLED, "sip:+12025550100@acme.sip.twilio.com", PARTY_NUMBER, "+12025550100" },
	{ CALLED, "SIPS:+12025550100@acme.sip.twilio.com:5061;transport=tls", PARTY_NUMBER, "+12025550100" },
	{ CALLED, "sip:+1-202-555-0100;phone-context=x@acme.example", PARTY_NUMBER, "+12025550100" },
	{ CALLED, "sip:12025550100@acme.sip.twilio.com", PARTY_NUMBER, "12025550100" },
	{ CALLED, "sip:100@acme.sip.twilio.com", PARTY_SIP, "sip:100@acme.sip.twilio.com" },
	{ CALLED, "sip:desk@acme.sip.twilio.com", PARTY_SIP, "sip:desk@acme.sip.twilio.com" },
	{ CALLED, "sip:acme.sip.twilio.com", PARTY_SIP, "sip:acme.sip.twilio.com" },
	{ CALLED, "client:desk", PARTY_CLIENT, "client:desk" },
	/* Read again, each of them was something else. */
	{ CALLED, "sip:+266696687ext96687@", PARTY_WITHHELD, "anonymous" },
	{ CALLED, "sip:bob@,[::1]x", PARTY_SIP, "sip:bob@[::1]" },
};

static void each_text_names_one_party(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (int whose = CALLER; whose <= CALLED; whose++) {
			struct party (*read)(const char *) = whose == CALLER ? party_from : party_to;
			struct party p = read(texts[i].said), again = read(p.text);

			if (!(texts[i].whose & whose))
				continue;
			if (p.kind != texts[i].kind || strcmp(p.text, texts[i].text))
				fail_msg(
				    "'%s' is kind %d '%s'", texts[i].said ? texts[i].said : "NULL", p.kind, p.text);
			/* Texts are kept, and read again by whoever asks later. */
			if (again.kind != p.kind || strcmp(again.text, p.text))
				fail_msg("'%s', read again, is kind %d '%s'", p.text, again.kind, again.text);
		}
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

static const char *number_of(const char *called)
{
	static char out[FOREIGN_ID_SIZE];
	struct party p = party_to(called);

	return party_number(&p, out);
}

static void missing_plus_is_put_in_for_comparing(void **state)
{
	(void)state;
	assert_string_equal(number_of("sip:12025550100@acme.example"), "+12025550100");
	assert_string_equal(number_of("+12025550100"), "+12025550100");
	assert_string_equal(number_of("12345"), "12345");
	assert_string_equal(number_of("client:desk"), "");
	assert_string_equal(number_of("+266696687"), "");
}

static void nobody_is_told_a_number_that_is_none(void **state)
{
	struct party nobody = party_from("+266696687"), client = party_from("client:alice"), none = party_from("");
	char out[PARTY_SPOKEN_SIZE];

	(void)state;
	assert_string_equal(party_spoken(&nobody, out), "");
	assert_string_equal(party_spoken(&client, out), "client:alice");
	assert_string_equal(party_spoken(&none, out), "");
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

static void counts_as(const char *from, const char *name)
{
	struct party p = party_from(from);
	char out[FOREIGN_ID_SIZE];

	assert_string_equal(party_caller(&p, out), name);
}

static void calls_are_counted_by_one_name_for_each_caller(void **state)
{
	(void)state;
	counts_as("+12025550123", "+12025550123");
	counts_as("12025550123", "+12025550123");
	counts_as("tel:+1(202)555-0123;ext=9", "+12025550123");
	counts_as("12345", "12345");
	counts_as("Anonymous", "withheld");
	counts_as("+266696687", "withheld");
	counts_as("sip:anonymous@10.0.0.1:5060", "withheld");
	counts_as("Restricted", "withheld");
	counts_as("", "withheld");
	counts_as(NULL, "withheld");
	counts_as("SIP:bob@Example.com:5060", "sip:bob@example.com");
	counts_as("client:alice", "client:alice");
	counts_as("whatsapp:+12025550123", "whatsapp:+12025550123");
}

static bool is_listed(const char *entry, const char *from)
{
	struct party p = party_from(from);

	assert_false(party_listed(&p, NULL, 0));
	return party_listed(&p, &entry, 1);
}

static void lists_name_callers_by_beginning_and_by_name(void **state)
{
	static const struct {
		const char *entry, *listed[4], *others[4]; /* up to one that is NULL */
	} rows[] = {
		{ "+49170", { "+491701234567" }, { "+4917", "sip:+491701234567@x", "whatsapp:+491701234567" } },
		{ "+49170*", { "491701234567", "+49 (170) 1234567" }, { NULL } },
		{ "+12025550123", { "+12025550123" }, { NULL } },
		{ "+1*", { NULL }, { "12345" } },     /* a short code has no country */
		{ "+2", { NULL }, { "+266696687" } }, /* nobody's number */
		{ "withheld", { "+266696687", "" }, { "client:withheld", "+12025550123" } },
		{ "WITHHELD", { "Restricted" }, { NULL } },
		{ "sip:bob@example.com", { "sip:bob@EXAMPLE.com:5060;transport=tcp" }, { "sip:bob@example.com.evil" } },
		{ "sip:bob@*", { "sip:bob@anywhere" }, { NULL } },
		{ "client:al", { NULL }, { "client:alice" } },
		{ "client:al*", { "client:alice" }, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (const char *const *from = rows[i].listed; *from; from++)
			assert_true(is_listed(rows[i].entry, *from));
		for (const char *const *from = rows[i].others; *from; from++)
			assert_false(is_listed(rows[i].entry, *from));
	}
	assert_true(is_listed("withheld", NULL));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(each_text_names_one_party),
	cmocka_unit_test(long_names_are_cut),
	cmocka_unit_test(missing_plus_is_put_in_for_comparing),
	cmocka_unit_test(nobody_is_told_a_number_that_is_none),
	cmocka_unit_test(caller_without_a_number_dials_with_ours),
	cmocka_unit_test(calls_are_counted_by_one_name_for_each_caller),
	cmocka_unit_test(lists_name_callers_by_beginning_and_by_name),
	cmocka_unit_test(log_shows_no_whole_number_and_no_whole_name),
	{ 0 },
};
