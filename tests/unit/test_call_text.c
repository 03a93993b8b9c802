#include "server/call_text.h"
#include "tests/peers/setup.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ONE_THREAD;

static void assert_row(const char *json, const char *wanted)
{
	cJSON *call = json_of(json);

	call_text_row(call, &written);
	assert_written(wanted);
	cJSON_Delete(call);
}

static void assert_whole(const char *call_json, const char *record_json, const char *wanted)
{
	cJSON *call = json_of(call_json), *record = record_json ? json_of(record_json) : NULL;

	call_text_whole(call, record, &written);
	assert_written(wanted);
	cJSON_Delete(call);
	cJSON_Delete(record);
}

static int live_in_utc(void **state)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	return written_begin(state);
}

static void table_has_a_line_a_call(void **state)
{
	(void)state;
	call_text_head(&written);
	assert_written("BEGAN               FROM             TO               AGENT            LASTED     COST "
		       "CALL                               ENDED\n");
	assert_row(
	    "{\"call_sid\":\"CA14d7359b4ce7b1f820c94cdc3570a7a8\",\"state\":\"ended\",\"from\":\"+12025550123\","
	    "\"to\":\"+12025550100\",\"agent\":\"desk\",\"reserved_at\":\"2026-11-20T10:15:29Z\","
	    "\"started_at\":\"2026-11-20T10:15:30Z\",\"seconds\":72.9,\"cost\":{\"usd\":0.0338},"
	    "\"ending\":{\"reason\":\"model_lost\",\"text\":\"connection to the model was lost\",\"fault\":true}}",
	    "2026-11-20 10:15:30 +12025550123     +12025550100     desk               1:12  $0.0338 "
	    "CA14d7359b4ce7b1f820c94cdc3570a7a8 connection to the model was lost (a fault)\n");
}

static void call_being_placed_is_named_by_its_order(void **state)
{
	(void)state;
	assert_row(
	    "{\"call_sid\":null,\"state\":\"queued\",\"from\":\"\",\"to\":\"sip:somebody.else@phone.example.com\","
	    "\"agent\":null,\"reserved_at\":\"2026-11-20T10:15:29Z\",\"seconds\":0,\"ending\":null,"
	    "\"outbound\":{\"id\":\"out_1\",\"status\":\"queued\"}}",
	    "2026-11-20 10:15:29 -                sip:somebody.el… -                  0:00        - "
	    "out_1                              queued\n");
}

static void nobody_steers_the_terminal_by_a_name(void **state)
{
	(void)state;
	assert_row("{\"call_sid\":\"CA\\u001b[1m\",\"state\":\"li\\u009bve\",\"from\":\"\\u202e321\",\"to\":\"a\\nb\","
		   "\"agent\":\"x\\u0007\",\"seconds\":0}",
	    "-                   \xef\xbf\xbd"
	    "321             a b              x\xef\xbf\xbd"
	    "                 0:00        - CA\xef\xbf\xbd[1m                             li\xef\xbf\xbdve\n");
}

/* Nothing is missed where little is known. */
static void call_of_which_nothing_is_known(void **state)
{
	(void)state;
	assert_whole(
	    "{}", NULL, "call       -\nfrom       - to -\nagent      -\nbegan      -, lasts 0:00\nstate      \n\n");
}

static void dialogue_can_be_read(void **state)
{
	(void)state;
	assert_whole(
	    "{\"call_sid\":\"CA1\",\"state\":\"ended\",\"direction\":\"inbound\",\"from\":\"+12025550123\","
	    "\"to\":\"+12025550100\",\"agent\":\"desk\",\"variant\":\"b\",\"started_at\":\"2026-11-20T10:15:30Z\","
	    "\"seconds\":75,\"interruptions\":1,\"ending\":{\"text\":\"caller hung up\",\"fault\":false},"
	    "\"cost\":{\"usd\":1.5,\"unpriced\":true,\"parts\":{\"model\":1.25,\"transcription\":0.05,\"twilio\":0.2}},"
	    "\"recording\":{\"mode\":\"local\",\"state\":\"completed\",\"seconds\":75.1,\"bytes\":1200000,\"error\":null},"
	    "\"voicemail\":{\"seconds\":5,\"transcript\":\"Call me.\",\"problem\":null},"
	    "\"metadata\":{\"order\":7},"
	    "\"turns\":["
	    "{\"who\":\"agent\",\"at_ms\":200,\"text\":\"Hello.\",\"interrupted\":false,\"heard_text\":\"Hello.\"},"
	    "{\"who\":\"caller\",\"at_ms\":4000,\"text\":\"A table\\u001b[2J,\\nplease.\"},"
	    "{\"who\":\"agent\",\"at_ms\":6000,\"text\":\"We have Monday, or Tuesday.\",\"interrupted\":true,"
	    "\"heard_text\":\"We have Monday,\"},"
	    "{\"who\":\"agent\",\"at_ms\":7000,\"text\":\"Hm.\",\"interrupted\":true,\"heard_text\":null},"
	    "{\"who\":\"agent\",\"at_ms\":8000,\"text\":\"Good morning.\",\"interrupted\":false,"
	    "\"heard_text\":\"Good\"},"
	    "{\"who\":\"agent\",\"at_ms\":9000,\"text\":\"Are you there?\",\"interrupted\":false,\"heard_text\":\"\"},"
	    "{\"who\":\"agent\",\"at_ms\":9000,\"text\":\"Yes?\",\"interrupted\":false,\"heard_text\":null},"
	    "{\"who\":\"keys\",\"at_ms\":61000,\"text\":\"12#\"},"
	    "{\"who\":\"caller\",\"at_ms\":62000,\"text\":null,\"transcript_failed\":true},"
	    "{\"who\":\"agent\",\"at_ms\":63000,\"text\":null,\"status\":\"failed\"}],"
	    "\"tools\":[{\"name\":\"look\",\"arguments\":\"{\\\"a\\\":1}\",\"at_ms\":5000,\"ok\":true,\"took_ms\":20},"
	    "{\"name\":\"save\",\"arguments\":\"{}\",\"at_ms\":64000,\"ok\":false,\"took_ms\":1,\"answer\":\"no\"},"
	    "{\"name\":\"late\",\"arguments\":\"{}\",\"at_ms\":65000,\"ok\":null,\"took_ms\":null}],"
	    "\"turns_dropped\":2,\"record\":{\"id\":\"rec_1\",\"status\":\"invalid\"}}",
	    "{\"record\":{\"name\":\"Sam\\u202e\",\"guests\":2},\"problems\":[{\"path\":\"/phone\",\"sentence\":\"is missing\"}]}",
	    "call       CA1\n"
	    "from       +12025550123 to +12025550100, inbound\n"
	    "agent      desk/b\n"
	    "began      2026-11-20 10:15:30, lasted 1:15, 1 interruption\n"
	    "ended      caller hung up\n"
	    "metadata   {\"order\":7}\n"
	    "cost       $1.50, an estimate: model $1.25, transcription $0.0500, Twilio $0.2000; what has no price counts as the dearest\n"
	    "recording  local, completed, 1:15, 1.2 MB; GET /calls/CA1/recording\n"
	    "message    0:05: Call me.; GET /calls/CA1/voicemail\n"
	    "record     rec_1, invalid\n"
	    "  name: Sam\xef\xbf\xbd\n"
	    "  guests: 2\n"
	    "  wrong: /phone is missing\n"
	    "\n"
	    "    0:00  agent   Hello.\n"
	    "    0:04  caller  A table\xef\xbf\xbd[2J, please.\n"
	    "    0:05  tool    look {\"a\":1}: answered after 20 ms\n"
	    "    0:06  agent   We have Monday, [interrupted; about what was not heard: or Tuesday.]\n"
	    "    0:07  agent   [interrupted] Hm.\n"
	    "    0:08  agent   Good [about what was not heard: morning.]\n"
	    "    0:09  agent   [not heard] Are you there?\n"
	    "    0:09  agent   Yes?\n"
	    "    1:01  keys    12#\n"
	    "    1:02  caller  [could not be transcribed]\n"
	    "    1:03  agent   [no transcript] [failed]\n"
	    "    1:04  tool    save {}: failed after 1 ms: no\n"
	    "    1:05  tool    late {}: no answer\n"
	    "       …  [2 turns were not kept]\n");
}

/* There minutes may lack a price, and what ends a call is answered by nothing. */
static void a_relay_is_told_and_its_end_lacks_no_answer(void **state)
{
	(void)state;
	assert_whole(
	    "{\"call_sid\":\"CA1\",\"state\":\"ended\",\"channel\":\"relay\",\"direction\":\"inbound\",\"from\":\"+12025550123\","
	    "\"to\":\"+12025550100\",\"agent\":\"desk\",\"seconds\":5,\"ending\":{\"text\":\"the agent said goodbye\"},"
	    "\"cost\":{\"usd\":1.5,\"unpriced\":true,\"parts\":{\"model\":1.5}},\"turns\":[],"
	    "\"tools\":[{\"name\":\"end_call\",\"arguments\":\"{}\",\"at_ms\":5000,\"ok\":null,\"took_ms\":null}]}",
	    NULL,
	    "call       CA1\nfrom       +12025550123 to +12025550100, inbound, by ConversationRelay\nagent      desk\n"
	    "began      -, lasted 0:05\nended      the agent said goodbye\n"
	    "cost       $1.50, an estimate: model $1.50, transcription $0.00, Twilio $0.00; a model without a price counts as "
	    "the dearest, a minute without as nothing\n"
	    "\n    0:05  tool    end_call {}\n");
}

static void tools_of_a_call_that_came_back_stand_in_its_last_stream(void **state)
{
	(void)state;
	assert_whole(
	    "{\"call_sid\":\"CA1\",\"state\":\"live\",\"first_turn\":512,\"seconds\":9,\"turns\":["
	    "{\"who\":\"agent\",\"at_ms\":200,\"text\":\"One.\"},{\"who\":\"caller\",\"at_ms\":9000,\"text\":\"Two.\"},"
	    "{\"who\":\"agent\",\"at_ms\":300,\"text\":\"Three.\"},{\"who\":\"agent\",\"at_ms\":8000,\"text\":\"Four.\"}],"
	    "\"tools\":[{\"name\":\"t\",\"arguments\":\"{}\",\"at_ms\":5000,\"ok\":true}],\"turns_before\":3}",
	    NULL,
	    "call       CA1\nfrom       - to -\nagent      -\nbegan      -, lasts 0:09; the caller came back\n"
	    "state      live\n\n"
	    "       …  [3 older turns are shown once the call is over]\n"
	    "    0:00  agent   One.\n"
	    "    0:09  caller  Two.\n"
	    "    0:00  agent   Three.\n"
	    "    0:05  tool    t {}: answered\n"
	    "    0:08  agent   Four.\n");
}

static void order_that_failed_says_why(void **state)
{
	(void)state;
	assert_whole(
	    "{\"call_sid\":null,\"state\":\"ended\",\"direction\":\"outbound\",\"from\":\"+12025550100\","
	    "\"to\":\"+12025550123\",\"agent\":\"desk\",\"reserved_at\":\"2026-11-20T10:15:29Z\",\"seconds\":0,"
	    "\"ending\":{\"text\":\"the call could not be placed\",\"fault\":true},\"outbound\":{\"id\":\"out_1\","
	    "\"status\":\"failed\",\"metadata\":{},\"error\":{\"message\":\"Twilio says no\"}},\"turns\":[]}",
	    NULL,
	    "call       out_1\nfrom       +12025550100 to +12025550123, outbound\nagent      desk\n"
	    "began      2026-11-20 10:15:29, lasted 0:00\nended      the call could not be placed (a fault)\n"
	    "placed     failed: Twilio says no\n\n");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(table_has_a_line_a_call),
	cmocka_unit_test(call_being_placed_is_named_by_its_order),
	cmocka_unit_test(nobody_steers_the_terminal_by_a_name),
	cmocka_unit_test(call_of_which_nothing_is_known),
	cmocka_unit_test(dialogue_can_be_read),
	cmocka_unit_test(a_relay_is_told_and_its_end_lacks_no_answer),
	cmocka_unit_test(tools_of_a_call_that_came_back_stand_in_its_last_stream),
	cmocka_unit_test(order_that_failed_says_why),
	GROUP(live_in_utc, written_end),
};
