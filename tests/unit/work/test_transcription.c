#include "server/work/transcription.h"

#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char wav[] = "RIFF\1\1\1\1WAVEfmt a few words";

static struct config cfg;
static struct http_peer *far;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for what the peer's thread sees: */
static int status;
static char request[4096];
static char url[64], file[96];

static int answer(void *arg, const char *text)
{
	int with;

	(void)arg;
	pthread_mutex_lock(&lock);
	snprintf(request, sizeof request, "%s", text);
	with = status;
	pthread_mutex_unlock(&lock);
	return with;
}

static int open_all(void **state)
{
	folder_begin(state);
	folder_put("message.wav", wav, sizeof wav - 1);
	snprintf(file, sizeof file, "%s/message.wav", folder);
	pairs_load(&cfg, (const char *const[]){ "OPENAI_API_KEY", "a-key", NULL });
	http_begin(state);
	far = http_peer_start(answer, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/audio/transcriptions", http_peer_port(far));
	cfg.voicemail_api_url = url;
	return 0;
}

static int close_all(void **state)
{
	http_peer_stop(far);
	http_end(state);
	cfg.voicemail_api_url = "";
	config_free(&cfg);
	return folder_end(state);
}

static void answers_are_told_from_what_is_none(void **state)
{
	static const struct {
		const char *body, *text;
		enum text_outcome outcome;
	} cases[] = {
		{ "{\"text\":\"Call me.\",\"usage\":{\"type\":\"duration\",\"seconds\":2}}", "Call me.", TEXT_OK },
		{ "{\"text\":\"\"}", "", TEXT_OK },
		{ "{\"text\":\"a\\ud83d\"}", "a\xef\xbf\xbd", TEXT_OK },
		{ "{\"text\":7}", NULL, TEXT_NONSENSE },
		{ "{}", NULL, TEXT_NONSENSE },
		{ "\"words\"", NULL, TEXT_NONSENSE },
		{ "<html>", NULL, TEXT_NONSENSE },
		{ "", NULL, TEXT_NONSENSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text_answer out = { .problem = "before" };
		struct model_usage used = { 0 };

		transcription_read(cases[i].body, strlen(cases[i].body), &out, &used);
		assert_int_equal(used.n[USAGE_MS], strstr(cases[i].body, "seconds") ? 2000 : 0);
		if (out.outcome != cases[i].outcome || !out.text != !cases[i].text)
			fail_msg("%s: %d, %s", cases[i].body, out.outcome, out.problem);
		if (out.text)
			assert_string_equal(out.text, cases[i].text);
		assert_int_equal(!*out.problem, out.outcome == TEXT_OK);
		text_answer_free(&out);
	}
}

static enum text_outcome asked(int with, const char *says, const char *language, struct text_answer *out)
{
	struct model_usage used;
	int64_t retry_after_s;

	pthread_mutex_lock(&lock);
	status = with;
	pthread_mutex_unlock(&lock);
	http_peer_say(far, says);
	transcription_ask(&cfg, file, language, NULL, out, &used, &retry_after_s);
	/* What the peer has written is ours from here on. */
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	assert_int_equal(retry_after_s, -1);
	return out->outcome;
}

static void the_file_is_sent_in_a_form(void **state)
{
	char type[200];
	struct text_answer out;

	(void)state;
	assert_int_equal(asked(200, "{\"text\":\"Hello.\"}", "de", &out), TEXT_OK);
	assert_string_equal(out.text, "Hello.");
	text_answer_free(&out);
	assert_ptr_equal(strstr(request, "POST /v1/audio/transcriptions HTTP/1.1\r\n"), request);
	assert_ptr_equal(
	    strstr(http_peer_header(request, "Content-Type", type, sizeof type), "multipart/form-data; boundary="),
	    type);
	assert_string_equal(http_peer_header(request, "Authorization", type, sizeof type), "Bearer a-key");
	assert_non_null(strstr(request, "name=\"model\"\r\n\r\ngpt-transcribe\r\n"));
	assert_non_null(strstr(request, "name=\"response_format\"\r\n\r\njson\r\n"));
	assert_non_null(
	    strstr(request, "name=\"file\"; filename=\"message.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF"));
	assert_non_null(strstr(request, "a few words\r\n"));
	assert_non_null(strstr(request, "name=\"language\"\r\n\r\nde\r\n"));
	cfg.voicemail_api_key = "another";
	assert_int_equal(asked(200, "{\"text\":\"\"}", "", &out), TEXT_OK);
	text_answer_free(&out);
	assert_string_equal(http_peer_header(request, "Authorization", type, sizeof type), "Bearer another");
	assert_null(strstr(request, "language"));
	cfg.voicemail_api_key = "";
}

static void it_is_said_whether_another_try_makes_sense(void **state)
{
	struct text_answer out;

	(void)state;
	assert_int_equal(asked(429, "{}", "", &out), TEXT_UNAVAILABLE);
	assert_int_equal(asked(503, "<html>", "", &out), TEXT_UNAVAILABLE);
	assert_int_equal(asked(0, "", "", &out), TEXT_UNAVAILABLE);
	assert_int_equal(asked(400, "{\"error\":{\"code\":\"invalid_file\"}}", "", &out), TEXT_NOT_ALLOWED);
	assert_non_null(strstr(out.problem, "invalid_file"));
	assert_int_equal(asked(401, "{\"error\":{\"message\":\"a-key is wrong\"}}", "", &out), TEXT_NOT_ALLOWED);
	assert_non_null(strstr(out.problem, "look at VOICEMAIL_API_KEY"));
	assert_null(strstr(out.problem, "a-key"));
	assert_int_equal(asked(404, "", "", &out), TEXT_NOT_ALLOWED);
	assert_non_null(strstr(out.problem, "VOICEMAIL_API_URL"));
	assert_int_equal(asked(429, "{\"error\":{\"code\":\"insufficient_quota\"}}", "", &out), TEXT_NOT_ALLOWED);
}

static void it_is_wanted_if_there_is_a_model_and_a_key(void **state)
{
	struct config other = cfg;

	(void)state;
	assert_true(transcription_wanted(&other));
	other.openai_api_key = "";
	assert_false(transcription_wanted(&other));
	other.voicemail_api_key = "k";
	assert_true(transcription_wanted(&other));
	other.voicemail_model = "";
	assert_false(transcription_wanted(&other));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(answers_are_told_from_what_is_none),
	cmocka_unit_test(the_file_is_sent_in_a_form),
	cmocka_unit_test(it_is_said_whether_another_try_makes_sense),
	cmocka_unit_test(it_is_wanted_if_there_is_a_model_and_a_key),
	GROUP(open_all, close_all),
};
