/* The recorder, whose disk takes its time when it is told to. */
#include "server/recording/recording_file.h"

#include <pthread.h>

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* held: it makes no file now */

static int slow_file_open(struct recording_file *f, const char *folder, const char *call_sid, int64_t wall_ms)
{
	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return recording_file_open(f, folder, call_sid, wall_ms);
}

#define recording_file_open slow_file_open
#include "server/recording/recorder.c"
#undef recording_file_open

#include "server/news/journal_json.h"

#include "audio/g711.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRAME = 160 };

static const int64_t WALL = 1795255200000; /* 2026-11-21T10:00:00Z */
static const char DAY[] = "2026-11-21";

static struct recorder *recorder;

static void path_of(char *out, size_t size, const char *sid)
{
	snprintf(out, size, "%s/recordings/%s/%s.wav", folder, DAY, sid);
}

/* What a listener has of a file: its header, then pairs of mu-law. */
struct sound {
	size_t frames;
	int16_t *samples; /* owned */
};

static uint32_t number(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void load_path(struct sound *s, const char *path)
{
	static const uint8_t format[] = "WAVEfmt \x12\0\0\0\x07\0\x02\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x08\0\0";
	uint8_t *bytes = malloc(1 << 20);
	FILE *file = fopen(path, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	assert_in_range(len, RECORDING_HEADER, (1 << 20) - 1);
	assert_memory_equal(bytes, "RIFF", 4);
	assert_memory_equal(bytes + 8, format, sizeof format);
	assert_memory_equal(bytes + 50, "data", 4);
	s->frames = number(bytes + 54) / 2;
	assert_int_equal(number(bytes + 46), s->frames);
	/* Cut short, it is what is there. */
	if (s->frames > (len - RECORDING_HEADER) / 2)
		s->frames = (len - RECORDING_HEADER) / 2;
	s->samples = calloc(2 * s->frames + 1, sizeof *s->samples);
	for (size_t i = 0; i < 2 * s->frames; i++)
		s->samples[i] = mulaw_decode(bytes[RECORDING_HEADER + i]);
	free(bytes);
}

static void load(struct sound *s, const char *sid)
{
	char path[160];

	path_of(path, sizeof path, sid);
	load_path(s, path);
}

static void put_recording(const struct recording *r, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct call_recording facts;

	recording_tell(r, &facts);
	journal_put_recording(&j, NULL, &facts);
}

static void until(const struct recording *r, const char *what)
{
	struct buf json;

	buf_init(&json, 0);
	for (int i = 0; i < 2000; i++) {
		buf_reset(&json);
		put_recording(r, &json);
		if (strstr(buf_text(&json), what)) {
			buf_free(&json);
			return;
		}
		usleep(10000);
	}
	fail_msg("never %s, but %s", what, buf_text(&json));
}

/* --------------------------------------------------------------------------- files */

static void a_file_can_be_read_after_every_write(void **state)
{
	struct recording_file f;
	uint8_t audio[2 * FRAME];
	char path[160];
	struct sound w;

	(void)state;
	assert_int_equal(recording_file_open(&f, folder, "CAgrow", WALL), 0);
	assert_string_equal(f.path, "recordings/2026-11-21/CAgrow.wav");
	load(&w, "CAgrow");
	assert_int_equal(w.frames, 0);
	free(w.samples);
	memset(audio, 0x10, sizeof audio);
	for (size_t n = 1; n <= 5; n++) {
		struct stat st;

		assert_int_equal(recording_file_write(&f, audio, FRAME), 0);
		load(&w, "CAgrow");
		assert_int_equal(w.frames, n * FRAME);
		free(w.samples);
		/* The header says it all: no reader has to guess from the size. */
		path_of(path, sizeof path, "CAgrow");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, RECORDING_HEADER + 2 * n * FRAME);
	}
	assert_int_equal(recording_file_close(&f), 0);
}

static void a_recording_is_its_owners_alone(void **state)
{
	static const char *const parts[] = { "recordings", "recordings/2026-11-21", "recordings/2026-11-21/CAown.wav" };
	mode_t before = umask(0);
	struct recording_file f;

	(void)state;
	assert_int_equal(recording_file_open(&f, folder, "CAown", WALL), 0);
	umask(before);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char path[160];
		struct stat st;

		snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
	assert_int_equal(recording_file_close(&f), 0);
}

static void a_call_that_comes_back_is_continued(void **state)
{
	struct recording_file f;
	uint8_t audio[2 * FRAME];
	struct sound w;
	int64_t now = clock_wall_ms();
	char path[RECORDING_PATH_SIZE], whole[200];

	(void)state;
	memset(audio, 0x10, sizeof audio);
	assert_int_equal(recording_file_open(&f, folder, "CAback", now), 0);
	assert_int_equal(recording_file_write(&f, audio, FRAME), 0);
	assert_int_equal(recording_file_close(&f), 0);
	assert_int_equal(recording_file_open(&f, folder, "CAback", now + 3000), 0);
	assert_int_equal(recording_file_write(&f, audio, FRAME), 0);
	assert_int_equal(recording_file_close(&f), 0);
	assert_true(recording_file_find(folder, RECORDING_CALLS, "CAback", path));
	snprintf(whole, sizeof whole, "%s/%s", folder, path);
	load_path(&w, whole);
	/* What was there, about three seconds (the time of a file is some ms coarse), what came. */
	assert_in_range(w.frames, 2 * FRAME + 8 * 1500, 2 * FRAME + 8 * 3020);
	assert_int_not_equal(w.samples[0], 0);
	assert_int_equal(w.samples[2 * FRAME], 0);
	assert_int_equal(w.samples[2 * (w.frames - FRAME) - 1], 0);
	assert_int_not_equal(w.samples[2 * (w.frames - FRAME)], 0);
	free(w.samples);
}

static void a_call_sid_is_not_a_path(void **state)
{
	static const char *const bad[] = { "", "..", "../x", "a/b", "a.b", "a b", "a\n" };
	struct recording_file f;
	char path[RECORDING_PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(recording_file_open(&f, folder, bad[i], WALL), -EINVAL);
		assert_false(recording_file_find(folder, RECORDING_CALLS, bad[i], path));
	}
}

/* No file system has names of 512 bytes. */
static void names_of_every_length_have_a_file_of_their_own(void **state)
{
	static const size_t sizes[] = { 34, 64, 65, 255, 256, 512 };
	char sid[513], path[RECORDING_PATH_SIZE], before[RECORDING_PATH_SIZE] = "";
	struct recording_file f;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (char end = 'a'; end <= 'b'; end++) {
			memset(sid, 'C', sizes[i]);
			sid[sizes[i] - 1] = end;
			sid[sizes[i]] = '\0';
			assert_false(recording_file_find(folder, RECORDING_CALLS, sid, path));
			assert_int_equal(recording_file_open(&f, folder, sid, WALL), 0);
			recording_file_close(&f);
			assert_true(recording_file_find(folder, RECORDING_CALLS, sid, path));
			assert_string_equal(path, f.path);
			assert_string_not_equal(path, before);
			strcpy(before, path);
		}
	}
}

static void the_newest_of_several_days_is_found(void **state)
{
	struct recording_file f;
	char path[RECORDING_PATH_SIZE];

	(void)state;
	for (int day = 0; day < 3; day++) {
		assert_int_equal(
		    recording_file_open(&f, folder, "CAdays", WALL + (day + 1) % 3 * INT64_C(86400000)), 0);
		recording_file_close(&f);
	}
	assert_true(recording_file_find(folder, RECORDING_CALLS, "CAdays", path));
	assert_string_equal(path, "recordings/2026-11-23/CAdays.wav");
	assert_false(recording_file_find(folder, RECORDING_CALLS, "CAother", path));
	assert_false(recording_file_find("/nowhere", RECORDING_CALLS, "CAdays", path));
}

/* ------------------------------------------------------------------------ recorder */

static void talk(struct recording *r, int64_t start, int frames)
{
	uint8_t audio[FRAME];

	for (int n = 0; n < frames; n++) {
		memset(audio, 0x20, sizeof audio);
		recording_caller(r, true, (uint64_t)n * 20, audio, FRAME, start + n * 20000);
		memset(audio, 0x90, sizeof audio);
		recording_sent(r, (uint64_t)n * FRAME, audio, FRAME, n == 0, start + n * 20000);
		recording_echo(r, (uint64_t)(n + 1) * FRAME, start + n * 20000 + 20000);
	}
}

static struct recording *begin(const char *dir, const char *call_sid, int64_t start)
{
	struct recording *r;

	assert_int_equal(recorder_open(&recorder, dir, NULL), 0);
	r = recording_begin(recorder, call_sid, NULL, WALL, start);
	assert_non_null(r);
	return r;
}

static void what_is_told_is_in_the_file(void **state)
{
	int64_t start = clock_now_us() - 2000000;
	struct recording *r;
	struct sound w;

	(void)state;
	r = begin(folder, "CAwhole", start);
	talk(r, start, 50);
	recording_end(r, start + 1000000);
	until(r, "\"state\":\"completed\",\"seconds\":1.000,\"bytes\":16058,");
	load(&w, "CAwhole");
	assert_int_equal(w.frames, 8000);
	for (size_t i = 0; i < w.frames; i++) {
		assert_true(w.samples[2 * i] < -1000);
		assert_true(w.samples[2 * i + 1] > 1000);
	}
	free(w.samples);
	recording_release(r);
	recorder_close(recorder);
}

static void a_tone_while_the_caller_waits_is_in_the_file(void **state)
{
	int64_t start = clock_now_us() - 2000000;
	struct recording *r;
	uint8_t tone[FRAME];
	struct sound w;

	(void)state;
	memset(tone, 0xa0, sizeof tone);
	r = begin(folder, "CAtone", start);
	recording_tone(r, tone, sizeof tone, start + 500000);
	recording_end(r, start + 1000000);
	until(r, "\"state\":\"completed\",\"seconds\":1.000,\"bytes\":16058,");
	load(&w, "CAtone");
	for (size_t i = 0; i < w.frames; i++)
		assert_true(w.samples[2 * i + 1] == 0 || (i >= 4000 && i < 4000 + FRAME));
	assert_true(w.samples[2 * 4000 + 1] > 1000);
	free(w.samples);
	recording_release(r);
	recorder_close(recorder);
}

static void closing_finishes_what_is_being_written(void **state)
{
	int64_t start = clock_now_us();
	struct recording *r[3];
	struct sound w;

	(void)state;
	assert_int_equal(recorder_open(&recorder, folder, NULL), 0);
	for (int i = 0; i < 3; i++) {
		char sid[24];

		snprintf(sid, sizeof sid, "CAclose%d", i);
		r[i] = recording_begin(recorder, sid, NULL, WALL, start);
		talk(r[i], start, 25);
		recording_end(r[i], start + 500000);
		recording_release(r[i]);
	}
	recorder_close(recorder);
	for (int i = 0; i < 3; i++) {
		char sid[24];

		snprintf(sid, sizeof sid, "CAclose%d", i);
		load(&w, sid);
		assert_int_equal(w.frames, 4000);
		free(w.samples);
	}
	assert_null(recording_begin(NULL, "CAlate", NULL, WALL, start));
}

static void a_full_disk_ends_the_recording_and_says_so(void **state)
{
	struct rlimit old, small = { .rlim_cur = 6000, .rlim_max = RLIM_INFINITY };
	uint64_t failed = stat_get(recording_failed);
	int64_t start = clock_now_us() - 10000000;
	struct recording *r;
	struct json_out j;
	struct buf json;
	struct sound w;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	r = begin(folder, "CAfull", start);
	until(r, "\"state\":\"recording\"");
	setrlimit(RLIMIT_FSIZE, &small);
	talk(r, start, 200);
	until(r, "\"state\":\"failed\"");
	setrlimit(RLIMIT_FSIZE, &old);
	/* The loop goes on telling, and nobody minds. */
	talk(r, start, 200);
	recording_end(r, start + 4000000);
	assert_int_equal(stat_get(recording_failed), failed + 1);
	buf_init(&json, 0);
	j = json_out_to(&json);
	json_put_object(&j, NULL);
	recorder_put_json(recorder, &j);
	json_put_end(&j);
	assert_non_null(strstr(buf_text(&json), "CAfull.wav: File too large"));
	buf_free(&json);
	recorder_close(recorder);
	load(&w, "CAfull");
	free(w.samples);
	recording_release(r);
}

static void a_directory_that_cannot_be_made_is_no_end(void **state)
{
	char path[100];
	struct recording *r;
	FILE *file;

	(void)state;
	snprintf(path, sizeof path, "%s/file", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	r = begin(path, "CAnodir", clock_now_us());
	talk(r, clock_now_us(), 10);
	until(r, "\"state\":\"failed\"");
	recording_end(r, clock_now_us());
	recorder_close(recorder);
	recording_release(r);
}

static void what_the_writer_is_too_slow_for_is_counted(void **state)
{
	int64_t start = clock_now_us() - 200000000;
	struct recording *r;
	struct buf json;

	(void)state;
	pthread_mutex_lock(&disk);
	r = begin(folder, "CAslow", start);
	talk(r, start, 9000); /* three minutes: the ring holds half of one */
	recording_end(r, start + 180000000);
	pthread_mutex_unlock(&disk);
	recorder_close(recorder);
	buf_init(&json, 0);
	put_recording(r, &json);
	assert_non_null(strstr(buf_text(&json), "\"state\":\"completed\""));
	assert_null(strstr(buf_text(&json), "\"lost_ms\":0,"));
	buf_free(&json);
	recording_release(r);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_file_can_be_read_after_every_write),
	cmocka_unit_test(a_recording_is_its_owners_alone),
	cmocka_unit_test(a_call_that_comes_back_is_continued),
	cmocka_unit_test(a_call_sid_is_not_a_path),
	cmocka_unit_test(names_of_every_length_have_a_file_of_their_own),
	cmocka_unit_test(the_newest_of_several_days_is_found),
	cmocka_unit_test(what_is_told_is_in_the_file),
	cmocka_unit_test(a_tone_while_the_caller_waits_is_in_the_file),
	cmocka_unit_test(closing_finishes_what_is_being_written),
	cmocka_unit_test(a_full_disk_ends_the_recording_and_says_so),
	cmocka_unit_test(a_directory_that_cannot_be_made_is_no_end),
	cmocka_unit_test(what_the_writer_is_too_slow_for_is_counted),
	GROUP(folder_begin, folder_end),
};
