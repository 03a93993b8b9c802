/* A message's sound on its way from Twilio into a file; breaks and ranges: e2e/voicemail.sh. */
#include "server/recording/voicemail_fetch.h"

#include "tests/peers/http_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t WALL = 1795255200000; /* 2026-11-21T10:00:00Z */

static struct config cfg;
static struct http_peer *far;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for what the peer's thread sees: */
static int status;
static char last[400];
static char api[64];

static int answer(void *arg, const char *text)
{
	int with;

	(void)arg;
	pthread_mutex_lock(&lock);
	snprintf(last, sizeof last, "%s", text);
	with = status;
	pthread_mutex_unlock(&lock);
	return with;
}

/* What it was asked last. */
static const char *asked(void)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return last;
}

static int open_all(void **state)
{
	folder_begin(state);
	pairs_load(&cfg, (const char *const[]){ "TWILIO_ACCOUNT_SID", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			     "TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef", NULL });
	http_begin(state);
	far = http_peer_start(answer, NULL);
	snprintf(api, sizeof api, "http://127.0.0.1:%d", http_peer_port(far));
	cfg.twilio_api_url = api;
	cfg.data_dir = folder;
	return 0;
}

static int close_all(void **state)
{
	http_peer_stop(far);
	http_end(state);
	cfg.twilio_api_url = cfg.data_dir = "";
	config_free(&cfg);
	return folder_end(state);
}

/* `url` NULL: the one that Twilio would tell. */
static enum voicemail_step fetched(
    int with, const char *type, const char *body, const char *url, struct voicemail_why *why)
{
	struct message_row row = { .id = "RE1", .call_sid = "CA1", .at_ms = WALL, .seconds = 4, .url = (char *)url };
	char theirs[128], path[RECORDING_PATH_SIZE], whole[256], part[300];
	enum voicemail_step step;
	struct stat st;

	pthread_mutex_lock(&lock);
	status = with;
	*last = '\0';
	pthread_mutex_unlock(&lock);
	http_peer_say_as(far, type, body);
	snprintf(theirs, sizeof theirs, "%s/2010-04-01/Accounts/AC1/Recordings/RE1", api);
	if (!url)
		row.url = theirs;
	*why = (struct voicemail_why){ .retry_after_s = -1 };
	step = voicemail_fetch(&cfg, NULL, &row, path, why);
	snprintf(whole, sizeof whole, "%s/voicemail/2026-11-21/RE1.wav", folder);
	snprintf(part, sizeof part, "%s.part", whole);
	/* Whole or not at all. */
	assert_int_equal(!stat(whole, &st), step == VOICEMAIL_DONE);
	assert_int_not_equal(stat(part, &st), 0);
	if (step == VOICEMAIL_DONE) {
		assert_string_equal(path, "voicemail/2026-11-21/RE1.wav");
		assert_int_equal(stat(whole, &st), 0);
		assert_int_equal(st.st_size, strlen(body));
		assert_int_equal(st.st_mode & 0777, 0600);
		remove(whole);
	}
	return step;
}

static void a_message_becomes_a_file(void **state)
{
	struct voicemail_why why;
	char header[200];

	(void)state;
	assert_int_equal(fetched(200, "audio/x-wav", "RIFF....WAVE and so on", NULL, &why), VOICEMAIL_DONE);
	assert_ptr_equal(strstr(asked(), "GET /2010-04-01/Accounts/AC1/Recordings/RE1.wav HTTP/1.1\r\n"), last);
	assert_ptr_equal(strstr(http_peer_header(last, "Authorization", header, sizeof header), "Basic "), header);
}

static void what_may_pass_is_told_from_what_does_not(void **state)
{
	struct voicemail_why why;
	char *large = malloc(VOICEMAIL_MAX + 2);

	(void)state;
	assert_int_equal(fetched(404, "application/json", "{\"code\":20404}", NULL, &why), VOICEMAIL_LATER);
	assert_int_equal(
	    fetched(401, "application/json", "{\"code\":20003,\"message\":\"no\"}", NULL, &why), VOICEMAIL_LATER);
	assert_true(*why.text);
	assert_int_equal(fetched(500, "text/html", "<html>", NULL, &why), VOICEMAIL_LATER);
	assert_int_equal(fetched(200, "text/html", "<html>", NULL, &why), VOICEMAIL_LATER);
	assert_non_null(strstr(why.text, "no sound"));
	assert_int_equal(fetched(200, "audio/x-wav", "<html>no sound</html>", NULL, &why), VOICEMAIL_LATER);
	assert_non_null(strstr(why.text, "no sound"));
	assert_int_equal(fetched(200, "audio/x-wav", "", NULL, &why), VOICEMAIL_LATER);
	assert_int_equal(fetched(200, "audio/x-wav", "RIFF....", NULL, &why), VOICEMAIL_LATER);
	assert_int_equal(fetched(0, "", "", NULL, &why), VOICEMAIL_LATER);
	memset(large, 'x', VOICEMAIL_MAX + 1);
	large[VOICEMAIL_MAX + 1] = '\0';
	assert_int_equal(fetched(200, "audio/x-wav", large, NULL, &why), VOICEMAIL_NEVER);
	assert_non_null(strstr(why.text, "larger"));
	free(large);
}

static void nobody_else_is_asked(void **state)
{
	struct voicemail_why why;

	(void)state;
	assert_int_equal(
	    fetched(200, "audio/x-wav", "RIFF....WAVE and so on", "http://127.0.0.1:1/x", &why), VOICEMAIL_NEVER);
	assert_non_null(strstr(why.text, "TWILIO_API_URL"));
	assert_string_equal(asked(), "");
	cfg.twilio_account_sid = "";
	assert_int_equal(fetched(200, "audio/x-wav", "RIFF....WAVE and so on", NULL, &why), VOICEMAIL_NEVER);
	assert_non_null(strstr(why.text, "TWILIO_ACCOUNT_SID"));
	assert_string_equal(asked(), "");
	cfg.twilio_account_sid = "AC1";
}

static void a_disk_in_the_way_may_be_mended(void **state)
{
	struct voicemail_why why;

	(void)state;
	cfg.data_dir = "/dev/null/nowhere";
	assert_int_equal(fetched(200, "audio/x-wav", "RIFF....WAVE and so on", NULL, &why), VOICEMAIL_LATER);
	assert_non_null(strstr(why.text, "cannot be written"));
	cfg.data_dir = folder;
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_message_becomes_a_file),
	cmocka_unit_test(what_may_pass_is_told_from_what_does_not),
	cmocka_unit_test(nobody_else_is_asked),
	cmocka_unit_test(a_disk_in_the_way_may_be_mended),
	GROUP(open_all, close_all),
};
