/* Whom we may dial: lists as OUTBOUND_ALLOW has them, numbers of our own, and numbers that somebody
 * would like to see dialled. */
#include "server/config/dialling.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

static void entries_are_prefixes_or_any(void **state)
{
	static const char *const sound[] = { "+1", "+49", "+4179", "-+49900", "+123456789012345", "any", "ANY" };
	static const char *const wrong[] = { "", "+", "-", "-+", "49", "0049", "+0", "+049", "+49 900", "+1(900)",
		"+49x", "+1234567890123456", "--+49", "+-49", "++49", "anybody", "-any", "*", "＋４９", "+４９", "+٤٩",
		"+49;+1", "sip:a@b" };

	(void)state;
	for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
		if (check_dialling(sound[i]))
			fail_msg("%s %s", sound[i], check_dialling(sound[i]));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (!check_dialling(wrong[i]))
			fail_msg("%s is taken", wrong[i]);
}

enum { LIST_MAX = 4 };

static const struct {
	const char *list[LIST_MAX]; /* as in OUTBOUND_ALLOW */
	const char *own[LIST_MAX];  /* numbers of ours, which count if the list names nobody */
	const char *dialled, *not ;
} cases[] = {
	/* Prefixes, of which the longest decides, in any order. */
	{ { "+49" }, { 0 }, "+493012345678 +4915112345678", "+4812345678 +12025550123 +4" },
	{ { "+4179" }, { 0 }, "+41791234567", "+41781234567 +41441234567 +4179" },
	{ { "+49", "-+49900" }, { 0 }, "+493012345678 +499112345678", "+49900123456 +499001" },
	{ { "-+49900", "+49", "+4990055" }, { 0 }, "+49900551234 +493012345678", "+49900561234" },
	{ { "+4990055", "-+49900", "+49" }, { 0 }, "+49900551234 +493012345678", "+49900561234" },
	{ { "+49", "-+49" }, { 0 }, "", "+493012345678" },
	{ { "any" }, { 0 }, "+19005550123 +18765550123 +88213123456 +97912345678", "" },
	{ { "any", "-+979" }, { 0 }, "+19005550123", "+97912345678" },
	/* A list that only leaves out is about our own countries. */
	{ { "-+49900" }, { "+493012345678" }, "+49891234567", "+49900123456 +12025550123" },
	/* +1: premium numbers, personal ones, countries overseas, ways abroad. */
	{ { "+1" }, { 0 },
	    "+12025550123 +18005550123 +14165550123 +17875550123 +19395550123 +13405550123 +16715550123 +16705550123 "
	    "+19075550123 +15205550123 +15595550123",
	    "+19005550123 +19765550123 +12029765550 +15005550123 +15335550123 +15885550123 +17005550123 +17105550123 "
	    "+16005550123 +18765550123 +16585550123 +12425550123 +12465550123 +12645550123 +12685550123 +12845550123 "
	    "+13455550123 +14415550123 +14735550123 +16495550123 +16645550123 +16845550123 +17215550123 +17585550123 "
	    "+17675550123 +17845550123 +18095550123 +18295550123 +18495550123 +18685550123 +18695550123 +10114930123456 "
	    "+11234567890" },
	/* … and what is no number there, or a service. */
	{ { "+1" }, { 0 }, "+12125551213 +12025550123",
	    "+1202555 +120255501234 +19115550123 +14115550123 +12020550123 +12021550123 +12029110123 +12025551212" },
	{ { "+1", "+12025551212" }, { 0 }, "+12025551212", "+12125551212" },
	{ { "+1", "+1876" }, { 0 }, "+18765550123 +12025550123", "+18685550123" },
	{ { "+1", "+1202976" }, { 0 }, "+12029765550", "+12039765550" },
	{ { "+1212" }, { 0 }, "+12125550123", "+12125 +12025550123 +12129765550" },
	/* Without a list: the codes of our numbers, of one, two and three digits. */
	{ { 0 }, { "+12025550100" }, "+14155550123", "+442071838750 +19005550123 +18765550123" },
	{ { 0 }, { "+442071838750" }, "+441632960123", "+12025550123 +35312345678" },
	{ { 0 }, { "+35312345678" }, "+35387123456", "+35412345678 +493012345678" },
	{ { 0 }, { "+74951234567" }, "+79161234567", "+12025550123" },
	{ { 0 }, { "+493012345678", "+12025550100" }, "+4915112345678 +12125550123", "+33123456789" },
	{ { 0 }, { "+18765550100" }, "+18765550123 +12025550123", "+18685550123 +19005550123" },
	{ { 0 }, { "+19005550100" }, "+12025550123", "+19005550123" },
	{ { 0 }, { 0 }, "", "+12025550123 +493012345678" },
	{ { 0 }, { "me", "", "sip:a@b", "12025550100" }, "", "+12025550123" },
	{ { "+49" }, { "+12025550100" }, "+493012345678", "+12025550123" },
	/* What is no number in E.164 form is nobody's, whatever it would be for a telephone. */
	{ { "+1", "+49", "+4179" }, { 0 }, "",
	    "+ 49 0049301234567 00112025550123 0012025550123 12025550123 +012025550123 +1(202)5550123 +1-202-555-0123 "
	    "+1202555012345678 +12025550123;ext=900 +12025550123,900 tel:+12025550123 +1202555０123 ＋12025550123 "
	    "client:alice whatsapp:+12025550123 911 112 sip sipsip:x" },
	{ { "any" }, { 0 }, "", "+ 0012025550123 12025550123 +0123456789 911 client:alice" },
	/* An address is no number. */
	{ { "+1" }, { 0 }, "sip:office@pbx.example.com SIPS:office@pbx.example.com sip:+19005550123@pbx.example.com",
	    "" },
	{ { 0 }, { 0 }, "sip:office@pbx.example.com", "" },
};

static size_t length(const char *const *list)
{
	size_t n = 0;

	while (n < LIST_MAX && list[n])
		n++;
	return n;
}

static void ask(const struct dialling *d, size_t row, const char *numbers, bool expected)
{
	char text[1024], *rest = text, *number;

	assert_true(strlen(numbers) < sizeof text);
	strcpy(text, numbers);
	while ((number = strtok_r(rest, " ", &rest)))
		if (dialling_allows(d, number) != expected)
			fail_msg("row %zu: %s is %sdialled", row, number, expected ? "not " : "");
}

static void the_longest_prefix_decides(void **state)
{
	struct dialling d;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool named = dialling_from(&d, cases[i].list, length(cases[i].list));

		for (size_t k = 0; !named && k < length(cases[i].own); k++)
			dialling_add_own(&d, cases[i].own[k]);
		ask(&d, i, cases[i].dialled, true);
		ask(&d, i, cases[i].not, false);
		assert_false(dialling_allows(&d, ""));
		assert_false(dialling_allows(&d, "+1 900 555 0123"));
		assert_false(dialling_allows(&d, "+12025550123 "));
		assert_false(dialling_allows(&d, " +12025550123"));
		assert_false(dialling_allows(&d, "+12025550123\n"));
	}
}

static void more_rules_than_room_let_nobody_in(void **state)
{
	struct dialling d;
	char number[24];

	(void)state;
	dialling_from(&d, NULL, 0);
	for (int i = 210; i < 1000; i++) {
		snprintf(number, sizeof number, "+%d1234567", i);
		dialling_add_own(&d, number);
		dialling_add_own(&d, number);
	}
	assert_true(d.count <= DIALLING_RULES_MAX);
	assert_true(dialling_allows(&d, "+2107654321"));
}

static void says(const struct dialling *d, const char *expected)
{
	struct buf text;

	buf_init(&text, 0);
	dialling_put(d, &text);
	assert_string_equal(buf_text(&text), expected);
	buf_free(&text);
}

static void it_can_be_said(void **state)
{
	static const char *const list[] = { "+49", "-+49900", "+44" };
	struct dialling d;
	char number[24];

	(void)state;
	dialling_from(&d, list, 3);
	says(&d, "+49, +44 but not +49900");
	dialling_from(&d, NULL, 0);
	says(&d, "none");
	dialling_add_own(&d, "+12025550100");
	dialling_add_own(&d, "+12125550100");
	says(&d, "+1 (without its premium numbers and the countries overseas)");
	dialling_from(&d, (const char *const[]){ "any", "-+979" }, 2);
	says(&d, "any but not +979");
	dialling_from(&d, NULL, 0);
	for (int i = 350; i < 360; i++) {
		snprintf(number, sizeof number, "+%d1234567", i);
		dialling_add_own(&d, number);
	}
	for (int i = 420; i < 430; i++) {
		snprintf(number, sizeof number, "+%d1234567", i);
		dialling_add_own(&d, number);
	}
	says(&d, "+350, +351, +352, +353, +354, +355, +356, +357, +358, +359, +420, +421 and 8 more");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(entries_are_prefixes_or_any),
	cmocka_unit_test(the_longest_prefix_decides),
	cmocka_unit_test(more_rules_than_room_let_nobody_in),
	cmocka_unit_test(it_can_be_said),
	{ 0 },
};
