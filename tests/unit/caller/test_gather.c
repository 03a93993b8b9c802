/* Turns of a call without a socket. The test is Twilio at one end; at the other a thread takes what the agent loop
 * is told, and says what the test has it say. The clock stands unless it is told to go on. */
#include "common/clock.h"

#include <stdatomic.h>

static _Atomic int64_t stopped_us;

static int64_t stopped_clock(void)
{
	return atomic_load(&stopped_us);
}

#define clock_now_us stopped_clock
#include "server/caller/gather.c"
#undef clock_now_us

#include "server/line/call.h"
#include "server/phone/gather.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>

static struct config cfg;
static struct agent agent;
static struct call *line;
static struct call_visit visit;
static struct buf answer;

/* The agent loop. */
static pthread_t agent_thread;
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static char told[2000];  /* a word for each message, and what it says */
static const char *says; /* before the next request; NULL: nothing */
static bool whole;       /* that is all it says */
static _Atomic int awaits;
static _Atomic bool leave;
static uint32_t item;

/* ------------------------------------------------------------------ the table, stood in for */

void call_end(struct call *c, enum call_end why)
{
	int none = CALL_NOT_ENDED;

	atomic_compare_exchange_strong(&c->end, &none, (int)why);
}

/* ------------------------------------------------------------------------ the agent's side */

static void say(const char *words, bool to_its_end)
{
	struct to_audio head = { .no = to_its_end ? ++item : item + 1 };

	ring_put2(&line->to_caller, TO_AUDIO, &head, sizeof head, words, strlen(words));
	if (to_its_end)
		ring_put(&line->to_caller, TO_ITEM_END, &head.no, sizeof head.no);
}

static void note(const struct ring_message *r)
{
	const struct from_cut *cut = r->body;
	const struct heard *heard = r->body;
	size_t n = strlen(told), room = sizeof told - n;

	switch ((enum from_caller_type)r->type) {
	case FROM_STARTED:
		snprintf(told + n, room, "started ");
		break;
	case FROM_TEXT:
		snprintf(told + n, room, "text(%.*s) ", (int)(r->len - 1), (const char *)r->body + 1);
		break;
	case FROM_DIGIT:
		snprintf(told + n, room, "key(%c) ", *(const char *)r->body);
		break;
	case FROM_HEARD:
		snprintf(told + n, room, "heard(%u %u %d) ", heard->no, heard->heard_ms, heard->confirmed);
		break;
	case FROM_INTERRUPTED:
		snprintf(told + n, room, "interrupted(%u %u) ", cut->items[0].no, cut->items[0].heard_ms);
		atomic_store(&line->stale_to, ring_written(&line->to_caller));
		atomic_fetch_add(&line->cuts_wanted, 1);
		break;
	case FROM_LEFT:
		snprintf(told + n, room, "left ");
		break;
	default:
		break;
	}
}

static void *run_agent(void *arg)
{
	struct pollfd bell = { .fd = line->agent_bell.fd, .events = POLLIN };
	struct ring_message r;

	(void)arg;
	while (!atomic_load(&leave)) {
		poll(&bell, 1, 20);
		bell_clear(&line->agent_bell);
		pthread_mutex_lock(&told_lock);
		while (ring_next(&line->from_caller, &r)) {
			note(&r);
			ring_pop(&line->from_caller);
		}
		if (says)
			say(says, whole);
		says = NULL;
		pthread_mutex_unlock(&told_lock);
		atomic_store(&line->awaits, atomic_load(&awaits));
		atomic_store(&line->taken_to, ring_taken(&line->from_caller));
		bell_ring(&line->caller_bell);
	}
	return NULL;
}

static int begin(void **state)
{
	(void)state;
	cfg = (struct config){ 0 };
	agent = (struct agent){ .name = "desk",
		.channel = CHANNEL_GATHER,
		.interruptible = true,
		.reprompt_seconds = 10,
		.transcription_language = "es",
		.say_voice = "Polly.Lucia",
		.say_language = "" };
	memset(&stats, 0, sizeof stats);
	atomic_store(&stopped_us, 1000 * (int64_t)US_PER_S);
	line = aligned_alloc(_Alignof(struct call), sizeof *line);
	memset(line, 0, sizeof *line);
	line->cfg = &cfg;
	line->agent = &agent;
	line->channel = &gather_channel;
	told[0] = '\0';
	says = NULL;
	item = 0;
	atomic_store(&awaits, AWAITS_CALLER);
	atomic_store(&leave, false);
	buf_init(&answer, 0);
	return bell_open(&line->caller_bell) || bell_open(&line->agent_bell) ||
	       ring_open(&line->from_caller, FROM_CALLER_BYTES) || ring_open(&line->to_caller, TO_CALLER_BYTES) ||
	       pthread_create(&agent_thread, NULL, run_agent, NULL);
}

static int end(void **state)
{
	(void)state;
	if (line->visits)
		gather_leave(line);
	atomic_store(&leave, true);
	pthread_join(agent_thread, NULL);
	buf_free(&answer);
	bell_close(&line->caller_bell);
	bell_close(&line->agent_bell);
	ring_close(&line->from_caller);
	ring_close(&line->to_caller);
	free(line);
	return 0;
}

/* ------------------------------------------------------------------------- Twilio's side */

static void will_say(const char *words, bool to_its_end)
{
	pthread_mutex_lock(&told_lock);
	says = words;
	whole = to_its_end;
	pthread_mutex_unlock(&told_lock);
}

static void pass(int64_t ms)
{
	atomic_fetch_add(&stopped_us, ms * US_PER_MS);
}

static bool is_ready(void)
{
	bool ready;

	pthread_mutex_lock(&told_lock);
	ready = !says;
	pthread_mutex_unlock(&told_lock);
	return ready && atomic_load(&line->awaits) == atomic_load(&awaits);
}

/* A request; the step is that of the last answer, unless one is named. */
static const char *asks_at(unsigned step, const char *words, const char *keys, double confidence)
{
	until_true(is_ready());
	buf_reset(&answer);
	visit = (struct call_visit){ .step = step,
		.words = words,
		.keys = keys,
		.confidence = confidence,
		.next_url = "/n?step=",
		.next_rest = "#x",
		.out = &answer };
	gather_visit(line, &visit);
	return buf_text(&answer);
}

static unsigned last_step(void)
{
	return line->visits ? ((struct gather *)line->visits)->step : 0;
}

static const char *asks(const char *words)
{
	return asks_at(last_step(), words, "", 0.9);
}

static void was_told(const char *wanted)
{
	pthread_mutex_lock(&told_lock);
	assert_string_equal(told, wanted);
	told[0] = '\0';
	pthread_mutex_unlock(&told_lock);
}

static void answered(const char *part)
{
	if (!strstr(buf_text(&answer), part))
		fail_msg("no \"%s\" in: %s", part, buf_text(&answer));
}

static bool listened(void)
{
	return strstr(buf_text(&answer), "<Gather") != NULL;
}

/* ------------------------------------------------------------------------------- tests */

static void greeting_is_in_the_first_answer_and_the_caller_is_listened_to(void **state)
{
	(void)state;
	will_say("Hola.", true);
	asks("");
	was_told("started ");
	answered("<Say voice=\"Polly.Lucia\">Hola.</Say></Gather>");
	answered("language=\"es-ES\"");
	answered("actionOnEmptyResult=\"true\"");
	answered("bargeIn=\"true\"");
	answered("action=\"/n?step=1#x\"");
	assert_true(atomic_load(&line->started_us) > 0);
	assert_true(visit.until_us > stopped_clock() + 60 * US_PER_S);
}

static void callers_are_heard_in_the_language_that_they_are_spoken_to(void **state)
{
	(void)state;
	agent.transcription_language = "tr";
	will_say("Merhaba.", true);
	asks("");
	answered("language=\"en-US\" method=");
	agent.say_language = "tr-TR";
	will_say("Merhaba.", true);
	asks("");
	answered("language=\"tr-TR\" method=");
}

static void same_request_has_the_same_answer_and_is_one_turn(void **state)
{
	char first[2000];

	(void)state;
	asks("");
	will_say("A las nueve.", true);
	snprintf(first, sizeof first, "%s", asks("¿A qué hora?"));
	was_told("started text(¿A qué hora?) ");
	assert_string_equal(asks_at(1, "¿A qué hora?", "", 0.9), first);
	assert_string_equal(asks_at(0, "", "", -1), first);
	was_told("");
	assert_int_equal(stat_get(gather_repeated), 2);
}

static void what_was_said_was_heard_when_the_next_request_says_nothing(void **state)
{
	(void)state;
	will_say("Hola.", true);
	asks("");
	pass(9000);
	asks("");
	was_told("started heard(1 320 1) ");
	answered("no he oído nada");
}

static void quick_caller_has_heard_what_time_there_was_for(void **state)
{
	static const char *const words = "0123456789012345678901234567890123456789"; /* 2560 ms */

	(void)state;
	will_say(words, true);
	asks("");
	pass(1000 + 10 * SPOKEN_MS_PER_BYTE + 3 * SPOKEN_MS_PER_BYTE);
	asks("0123456789");
	was_told("started interrupted(1 192) text(0123456789) ");
	assert_int_equal(atomic_load(&line->cuts_wanted), 1);
}

/* Voices differ, and our estimate of them lacks a little. */
static void nearly_all_is_all(void **state)
{
	(void)state;
	will_say("01234567890123456789", true); /* 1280 ms */
	asks("");
	pass(1000 + 2 * SPOKEN_MS_PER_BYTE + 1100);
	asks("no");
	was_told("started heard(1 1280 1) text(no) ");
}

static void agent_that_is_not_interruptible_was_heard(void **state)
{
	(void)state;
	agent.interruptible = false;
	will_say("01234567890123456789", true);
	asks("");
	answered("bargeIn=\"false\"");
	pass(1500);
	asks("no");
	was_told("started heard(1 1280 1) text(no) ");
}

static void answer_that_is_not_there_is_waited_for_in_pauses(void **state)
{
	(void)state;
	asks("");
	atomic_store(&awaits, AWAITS_MODEL);
	asks("Hola");
	answered("<Response><Pause length=\"1\"/><Redirect method=\"POST\">/n?step=2#x</Redirect>");
	pass(1000);
	asks("");
	answered("Un momento, por favor.</Say><Pause");
	pass(1000);
	asks("");
	assert_null(strstr(buf_text(&answer), "<Say"));
	atomic_store(&awaits, AWAITS_CALLER);
	will_say("Sí.", true);
	pass(1000);
	asks("");
	answered("Sí.</Say></Gather>");
	assert_int_equal(stat_get(gather_held), 1);
}

static void after_ten_seconds_of_waiting_the_call_is_over(void **state)
{
	(void)state;
	atomic_store(&awaits, AWAITS_MODEL);
	asks("");
	pass(9999);
	asks("");
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
	pass(1);
	assert_string_equal(asks(""), "");
	assert_int_equal(call_ended(line), END_MODEL_FAILED);
}

/* As long as the tool may take; then the model has its own time. */
static void tool_that_runs_is_waited_for_with_a_phrase_now_and_then(void **state)
{
	(void)state;
	atomic_store(&awaits, AWAITS_TOOL);
	for (int round = 1; round <= 30; round++, pass(1300)) {
		asks("");
		assert_int_equal(strstr(buf_text(&answer), "Un momento") != NULL, round % 4 == 2);
		answered("<Pause");
	}
	assert_int_equal(stat_get(gather_held), 8);
	atomic_store(&awaits, AWAITS_MODEL);
	pass(8000);
	asks("");
	answered("<Pause");
	pass(2000);
	assert_string_equal(asks(""), "");
	assert_int_equal(call_ended(line), END_MODEL_FAILED);
}

/* A filler before a tool's answer, say. */
static void words_before_more_are_given_and_then_it_asks_at_once(void **state)
{
	(void)state;
	atomic_store(&awaits, AWAITS_MODEL);
	will_say("Un segundo.", true);
	asks("");
	assert_false(listened());
	assert_null(strstr(buf_text(&answer), "<Pause"));
	answered("Un segundo.</Say><Redirect");
	pass(800);
	atomic_store(&awaits, AWAITS_CALLER);
	will_say("Listo.", true);
	asks("");
	was_told("started heard(1 704 1) ");
	answered("<Say voice=\"Polly.Lucia\">Listo.</Say></Gather>");
}

/* What has come of a long answer is given as far as a sentence goes. */
static void long_answer_is_given_by_the_sentence_once_it_was_waited_for(void **state)
{
	(void)state;
	atomic_store(&awaits, AWAITS_MODEL);
	will_say("Uno. Dos y", false);
	asks("");
	assert_null(strstr(buf_text(&answer), "<Say"));
	pass(1000);
	asks("");
	answered(">Uno. </Say><Redirect");
	atomic_store(&awaits, AWAITS_CALLER);
	will_say(" tres.", true);
	asks("");
	answered(">Dos y tres.</Say></Gather>");
}

static void caller_who_says_nothing_is_asked_twice_and_then_it_is_over(void **state)
{
	(void)state;
	asks("");
	assert_true(listened());
	asks("");
	answered("no he oído nada");
	asks("");
	answered("no he oído nada");
	assert_string_equal(asks(""), "");
	assert_int_equal(call_ended(line), END_IDLE);
	assert_int_equal(stat_get(gather_nothing), 3);
}

static void caller_who_says_nothing_is_asked_after_the_time_that_is_set(void **state)
{
	(void)state;
	agent.reprompt_seconds = 3;
	asks("");
	answered(" timeout=\"3\"");
	asks("");
	answered("no he oído nada");
	agent.reprompt_seconds = 21;
	for (int i = 0; i < 2; i++) {
		assert_null(strstr(asks(""), "no he oído nada"));
		assert_true(listened());
		answered(" timeout=\"7\"");
	}
	asks("");
	answered("no he oído nada");
	agent.reprompt_seconds = 0;
	for (int i = 0; i < 9; i++)
		assert_null(strstr(asks(""), "no he oído nada"));
	assert_true(listened());
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
}

static void whoever_speaks_in_between_is_asked_anew(void **state)
{
	(void)state;
	asks("");
	asks("");
	asks("");
	asks("Hola");
	asks("");
	asks("");
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
}

static void what_was_not_understood_is_asked_for_twice_and_then_taken(void **state)
{
	(void)state;
	asks("");
	was_told("started ");
	for (int i = 0; i < 2; i++) {
		asks_at(last_step(), "mmh", "", 0.29);
		answered("no le he entendido");
		was_told("");
	}
	asks_at(last_step(), "mmh", "", 0.29);
	was_told("text(mmh) ");
	asks_at(last_step(), "mmh", "", 0.3);
	was_told("text(mmh) ");
	asks_at(last_step(), "mmh", "", -1);
	was_told("text(mmh) ");
	assert_int_equal(stat_get(gather_unclear), 2);
}

static void keys_are_a_group(void **state)
{
	(void)state;
	asks("");
	asks_at(last_step(), "", "4x2*", -1);
	was_told("started key(4) key(2) key(*) key(#) ");
}

/* Behind the words before them. They are no words, so the caller has heard neither more nor less for them; and an
 * interruption of the words leaves them. */
static void keys_to_press_are_in_the_next_answer(void **state)
{
	(void)state;
	asks("");
	will_say("Un momento.", true);
	asks("Pulsa uno.");
	ring_put(&line->to_caller, TO_KEYS, "1w2#", 4);
	pass(20 * 1000);
	was_told("started text(Pulsa uno.) ");
	asks("");
	was_told("heard(1 704 1) ");
	answered("<Response><Play digits=\"1w2#\"/><Gather ");
	will_say("Una respuesta larga, larga, larga, larga, larga, larga.", true);
	asks("Sigue.");
	ring_put(&line->to_caller, TO_KEYS, "3", 1);
	pass(2500);
	asks("Oye");
	answered("<Play digits=\"3\"/>");
}

static void words_that_are_no_text_cost_a_character(void **state)
{
	(void)state;
	asks("");
	asks("a\xff\xc3z");
	was_told("started text(a\xef\xbf\xbd\xef\xbf\xbdz) ");
}

static void words_without_end_are_cut(void **state)
{
	char *long_words = calloc(1, 60000);

	(void)state;
	memset(long_words, 'a', 59999);
	asks("");
	asks(long_words);
	assert_int_equal(stat_get(gather_words_cut), 1);
	free(long_words);
}

static void answer_of_many_words_comes_in_several(void **state)
{
	static char words[20000];

	(void)state;
	for (size_t i = 0; i < sizeof words - 1; i++)
		words[i] = "12345 789 "[i % 10];
	will_say(words, true);
	asks("");
	assert_false(listened());
	for (const char *at = buf_text(&answer); (at = strstr(at, "<Say")); at++) {
		const char *text = strchr(at, '>') + 1;

		assert_in_range(strstr(text, "</Say>") - text, 1, TWIML_SAY_MAX);
	}
	asks("");
	assert_false(listened());
	was_told("started ");
	asks("");
	assert_true(listened());
	asks("");
	was_told("heard(1 1279936 1) ");
}

static void caller_who_hung_up_is_gone(void **state)
{
	(void)state;
	asks("");
	visit = (struct call_visit){ .step = 1, .words = "", .keys = "", .hung_up = true, .out = &answer };
	buf_reset(&answer);
	gather_visit(line, &visit);
	assert_int_equal(call_ended(line), END_CALLER_HUNG_UP);
	assert_string_equal(buf_text(&answer), "");
}

static void whoever_leaves_says_what_was_heard(void **state)
{
	(void)state;
	will_say("Hola.", true);
	asks("");
	call_end(line, END_OPERATOR_ENDED);
	assert_string_equal(asks("Hola"), "");
	gather_leave(line);
	assert_null(line->visits);
	assert_string_equal(asks("Hola"), "");
	assert_null(line->visits);
	until_true(!ring_used(&line->from_caller));
	was_told("started left ");
}

#define TURN(test) cmocka_unit_test_setup_teardown(test, begin, end)

const struct CMUnitTest unit_tests[] = {
	TURN(greeting_is_in_the_first_answer_and_the_caller_is_listened_to),
	TURN(callers_are_heard_in_the_language_that_they_are_spoken_to),
	TURN(same_request_has_the_same_answer_and_is_one_turn),
	TURN(what_was_said_was_heard_when_the_next_request_says_nothing),
	TURN(quick_caller_has_heard_what_time_there_was_for),
	TURN(nearly_all_is_all),
	TURN(agent_that_is_not_interruptible_was_heard),
	TURN(answer_that_is_not_there_is_waited_for_in_pauses),
	TURN(after_ten_seconds_of_waiting_the_call_is_over),
	TURN(tool_that_runs_is_waited_for_with_a_phrase_now_and_then),
	TURN(words_before_more_are_given_and_then_it_asks_at_once),
	TURN(long_answer_is_given_by_the_sentence_once_it_was_waited_for),
	TURN(caller_who_says_nothing_is_asked_twice_and_then_it_is_over),
	TURN(caller_who_says_nothing_is_asked_after_the_time_that_is_set),
	TURN(whoever_speaks_in_between_is_asked_anew),
	TURN(what_was_not_understood_is_asked_for_twice_and_then_taken),
	TURN(keys_are_a_group),
	TURN(keys_to_press_are_in_the_next_answer),
	TURN(words_that_are_no_text_cost_a_character),
	TURN(words_without_end_are_cut),
	TURN(answer_of_many_words_comes_in_several),
	TURN(caller_who_hung_up_is_gone),
	TURN(whoever_leaves_says_what_was_heard),
	{ 0 },
};
