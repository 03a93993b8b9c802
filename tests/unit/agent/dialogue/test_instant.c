/* What a caller says, and which of an agent's instant answers it gets. */
#include "server/agent/dialogue/instant.h"

#include "tests/unit.h"

#include <stddef.h>

ONE_THREAD;

static const char *const hours[] = { "opening hours", "When do you open?" }, *const parking[] = { "PARKING" },
			 *const umlauts[] = { "Öffnungszeiten", "ŁÓDŹ", "ΩΡΕΣ", "ЧАСЫ" }, *const marks[] = { "?!" };
static const struct agent_instant instants[] = { { hours, 2, "Nine to five." }, { marks, 1, "Never." },
	{ parking, 1, "Behind the house." }, { umlauts, 4, "Von neun bis fünf." } };

static void question_is_known_by_its_words_in_a_row(void **state)
{
	static const struct {
		const char *said, *answer;
	} cases[] = { { "opening hours", "Nine to five." }, { "What are your Opening-Hours, please?", "Nine to five." },
		{ "so when  do you OPEN", "Nine to five." }, { "when do you two open", NULL }, { "opening", NULL },
		{ "hours opening", NULL }, { "reopening hours", NULL }, { "Is there parking?", "Behind the house." },
		{ "Your opening hours, and parking?", "Nine to five." } /* the first one */, { "", NULL },
		{ "?!", NULL }, { "Ihre öffnungszeiten?", "Von neun bis fünf." }, { "łódź", "Von neun bis fünf." },
		{ "ωρες", "Von neun bis fünf." }, { "часы", "Von neun bis fünf." }, { "\xc3", NULL },
		{ "a b c d e f g h i j opening hours", "Nine to five." },
		{ "a b c d e f g h i j k opening hours", NULL } /* he has more to ask */ };
	const struct agent agent = { .instants = instants, .instant_count = 4 }, none = { .instant_count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *answer = instant_answer(&agent, cases[i].said);

		if (cases[i].answer)
			assert_string_equal(answer, cases[i].answer);
		else
			assert_null(answer);
		assert_null(instant_answer(&none, cases[i].said));
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(question_is_known_by_its_words_in_a_row),
	{ 0 },
};
