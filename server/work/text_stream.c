/* A stream is shared by its owner, who reads the ring, and the thread, which writes it. Each has one
 * of its two references. The owner asks by flags, and puts the stream into the inbox so that the
 * thread looks at them; libcurl's handles are the thread's alone. */
#include "server/work/text_stream.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/ring.h"
#include "server/config/version.h"
#include "server/work/fetch.h"
#include "server/work/pump.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_BYTES = 256 * 1024, /* a piece of curl's, 16 KiB, is less than a quarter of it */
	PIECE = 1,
	DRAIN_MAX = 64 * 1024, /* behind the end of an answer: more is not worth a connection */
	TICK_US = 250 * 1000   /* by which a deadline may be late */
};

struct text_stream {
	struct streams *in;
	struct text_stream *next_in_inbox, *next; /* next: the thread's list */
	bool in_inbox;                            /* under the lock */
	_Atomic int references;
	pthread_mutex_t bell_lock; /* the owner's bell may go once `left` is set under it */
	struct bell *bell;
	struct ring ring;
	_Atomic bool paused;        /* the ring was full; cleared by the owner, who makes room */
	_Atomic bool left, aborted; /* by the owner */
	_Atomic int status;
	_Atomic bool over; /* set last: what follows is constant then */
	enum text_over how;
	int64_t retry_after_ms;
	char words[160];

	/* The thread's. */
	CURL *handle;
	struct curl_slist *headers;
	char *body;
	char error[CURL_ERROR_SIZE];
	int delay_ms, first_ms, silent_ms;
	int64_t started_us, heard_us; /* heard: last byte, or the end of a pause; 0: none yet */
	size_t drained;
	bool taken, waiting, holding; /* waiting: for started_us */
};

struct streams {
	struct text_carrier carrier; /* first: one is the other */
	pthread_t thread;
	struct pump pump;
	pthread_mutex_t lock; /* guards the inbox; held for a few lines */
	struct text_stream *inbox;
	_Atomic bool stopping;
	/* The thread's. */
	struct text_stream *all;
	int64_t mind_us; /* when deadlines are looked at next */
};

/* --------------------------------------------------------------------- a stream's life */

static void release(struct text_stream *s)
{
	if (atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) > 1)
		return;
	curl_easy_cleanup(s->handle);
	curl_slist_free_all(s->headers);
	free(s->body);
	pthread_mutex_destroy(&s->bell_lock);
	ring_close(&s->ring);
	free(s);
}

static void call_thread(struct text_stream *s)
{
	struct streams *in = s->in;

	pthread_mutex_lock(&in->lock);
	if (!s->in_inbox) {
		s->in_inbox = true;
		atomic_fetch_add(&s->references, 1);
		s->next_in_inbox = in->inbox;
		in->inbox = s;
	}
	pthread_mutex_unlock(&in->lock);
	pump_ring(&in->pump);
}

/* --------------------------------------------------------------------- curl's callbacks */

static void ring_owner(struct text_stream *s)
{
	pthread_mutex_lock(&s->bell_lock);
	if (!atomic_load(&s->left))
		bell_ring(s->bell);
	pthread_mutex_unlock(&s->bell_lock);
}

/* False: the owner has gone and the rest is not worth its connection. */
static bool drain(struct text_stream *s, size_t len)
{
	s->drained += len;
	return !atomic_load(&s->aborted) && s->drained < DRAIN_MAX;
}

/* The flag is set before the second look: the owner clears it after it made room, and one of the two
 * sees the other. */
static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct text_stream *s = arg;
	long status = 0;

	(void)one; /* is 1 */
	s->heard_us = clock_now_us();
	if (atomic_load(&s->left))
		return drain(s, len) ? len : 0;
	if (!atomic_load_explicit(&s->status, memory_order_relaxed)) {
		curl_easy_getinfo(s->handle, CURLINFO_RESPONSE_CODE, &status);
		atomic_store_explicit(&s->status, (int)status, memory_order_relaxed);
	}
	if (!ring_put(&s->ring, PIECE, bytes, len)) {
		atomic_store(&s->paused, true);
		if (!ring_put(&s->ring, PIECE, bytes, len)) {
			s->holding = true;
			ring_owner(s);
			return CURL_WRITEFUNC_PAUSE;
		}
		atomic_store(&s->paused, false);
	}
	ring_owner(s);
	return len;
}

/* ------------------------------------------------------------------------ the thread */

static void set_up(struct text_stream *s, const struct text_call *call)
{
	CURL *h = s->handle;

	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_URL, call->url);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "trunkline/" TRUNKLINE_VERSION);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body->len);
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, s->body);
	fetch_verify(h, call->ca_file);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms);
	curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)CURL_MAX_WRITE_SIZE);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(h, CURLOPT_PRIVATE, s);
}

static void unlink_stream(struct streams *in, struct text_stream *s)
{
	struct text_stream **at = &in->all;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

/* Curl's own words may quote a URL, which may hold a password: the proxy's, for one. */
static const char *harmless_words(const struct text_stream *s, CURLcode code)
{
	bool quotes = strchr(s->error, '@') || strstr(s->error, "://");

	return *s->error && !quotes ? s->error : curl_easy_strerror(code);
}

/* The thread's reference goes last. */
static void finish(struct streams *in, struct text_stream *s, enum text_over how, const char *words)
{
	if (atomic_load_explicit(&s->over, memory_order_relaxed))
		return;
	curl_multi_remove_handle(in->pump.multi, s->handle);
	unlink_stream(in, s);
	s->how = how;
	snprintf(s->words, sizeof s->words, "%s", words);
	atomic_store_explicit(&s->over, true, memory_order_release);
	ring_owner(s);
	release(s);
}

static void finished(struct streams *in, struct text_stream *s, CURLcode code)
{
	curl_off_t sent = 0, after = 0;
	long status = 0;

	curl_easy_getinfo(s->handle, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(s->handle, CURLINFO_SIZE_UPLOAD_T, &sent);
	curl_easy_getinfo(s->handle, CURLINFO_RETRY_AFTER, &after);
	s->retry_after_ms = after > 0 && after < INT32_MAX ? after * 1000 : -1;
	atomic_store_explicit(&s->status, (int)status, memory_order_relaxed);
	if (code == CURLE_OK)
		finish(in, s, TEXT_OVER_WHOLE, "");
	else
		finish(in, s, sent || status ? TEXT_OVER_BROKEN : TEXT_OVER_CONNECT, harmless_words(s, code));
}

static void take(struct streams *in, struct text_stream *s)
{
	s->taken = s->waiting = true;
	s->started_us = clock_now_us() + s->delay_ms * US_PER_MS;
	s->next = in->all;
	in->all = s;
	in->mind_us = earlier(in->mind_us, s->started_us);
}

static void serve(struct streams *in, struct text_stream *s)
{
	if (!s->taken)
		take(in, s);
	if (atomic_load_explicit(&s->over, memory_order_relaxed))
		return;
	if (atomic_load(&s->aborted)) {
		finish(in, s, TEXT_OVER_BROKEN, "given up");
	} else if (s->holding && (!atomic_load(&s->paused) || atomic_load(&s->left))) {
		s->holding = false;
		s->heard_us = clock_now_us();
		curl_easy_pause(s->handle, CURLPAUSE_CONT); /* may call on_body */
	}
}

static void serve_inbox(struct streams *in)
{
	struct text_stream *s;

	pthread_mutex_lock(&in->lock);
	while ((s = in->inbox)) {
		in->inbox = s->next_in_inbox;
		s->in_inbox = false;
		pthread_mutex_unlock(&in->lock);
		serve(in, s);
		release(s); /* the inbox's own reference */
		pthread_mutex_lock(&in->lock);
	}
	pthread_mutex_unlock(&in->lock);
}

/* Those to be begun, and the deadlines: now and then, not at each turn, as there may be hundreds. */
static void mind_times(struct streams *in)
{
	int64_t now = clock_now_us();
	struct text_stream *s, *next;

	if (now < in->mind_us)
		return;
	in->mind_us = now + TICK_US;
	for (s = in->all; s; s = next) {
		next = s->next;
		if (s->waiting && now < s->started_us) {
			in->mind_us = earlier(in->mind_us, s->started_us);
		} else if (s->waiting) {
			s->waiting = false;
			if (curl_multi_add_handle(in->pump.multi, s->handle))
				finish(in, s, TEXT_OVER_CONNECT, "libcurl takes no more transfers");
		} else if (!s->heard_us && now >= s->started_us + s->first_ms * US_PER_MS) {
			finish(in, s, TEXT_OVER_TIMEOUT, "the text API began no answer in time");
		} else if (s->heard_us && !s->holding && now >= s->heard_us + s->silent_ms * US_PER_MS) {
			finish(in, s, TEXT_OVER_TIMEOUT, "the text API fell silent in the middle of an answer");
		}
	}
}

static void take_finished(struct streams *in)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(in->pump.multi, &left))) {
		CURLcode code = message->data.result;
		struct text_stream *s;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
		finished(in, s, code);
	}
}

static void *run(void *arg)
{
	struct streams *in = arg;

	pthread_setname_np(pthread_self(), "text model");
	while (!atomic_load(&in->stopping)) {
		serve_inbox(in);
		mind_times(in);
		pump_turn(&in->pump, in->all ? in->mind_us : NEVER_US);
		take_finished(in);
	}
	while (in->all)
		finish(in, in->all, TEXT_OVER_BROKEN, "the server is shutting down");
	return NULL;
}

/* -------------------------------------------------------------------- for its owner */

static bool add_header(struct text_stream *s, const char *line)
{
	struct curl_slist *longer = strpbrk(line, "\r\n") ? NULL : curl_slist_append(s->headers, line);

	if (longer)
		s->headers = longer;
	return longer;
}

static struct text_stream *start(struct text_carrier *carrier, const struct text_call *call, struct bell *bell)
{
	struct text_stream *s = aligned_alloc(_Alignof(struct text_stream), sizeof *s);
	bool sound = true;

	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->bell_lock, NULL);
	s->in = (struct streams *)carrier;
	s->bell = bell;
	s->delay_ms = call->delay_ms;
	s->first_ms = call->first_ms;
	s->retry_after_ms = -1;
	s->silent_ms = call->silent_ms;
	s->handle = curl_easy_init();
	s->body = malloc(call->body->len + 1);
	atomic_store(&s->references, 1);
	/* Otherwise large bodies wait for a "100 Continue" that few servers send. */
	sound = s->handle && s->body && !ring_open(&s->ring, RING_BYTES) && add_header(s, "Expect:");
	for (size_t i = 0; sound && i < call->header_count; i++)
		sound = add_header(s, call->headers[i]);
	if (!sound) {
		release(s);
		return NULL;
	}
	memcpy(s->body, buf_text(call->body), call->body->len + 1);
	set_up(s, call);
	atomic_store(&s->references, 2);
	call_thread(s);
	return s;
}

static void taken(struct text_stream *s)
{
	ring_pop(&s->ring);
	/* Half of it free, so that a full ring is not filled by the piece. */
	if (ring_used(&s->ring) < RING_BYTES / 2 && atomic_load(&s->paused) && atomic_exchange(&s->paused, false))
		call_thread(s);
}

static int next_piece(struct text_stream *s, const char **bytes, size_t *len)
{
	bool over = atomic_load_explicit(&s->over, memory_order_acquire);
	struct ring_message m;

	if (!ring_next(&s->ring, &m))
		return over ? -1 : 0;
	*bytes = m.body;
	*len = m.len;
	return 1;
}

static int status(const struct text_stream *s)
{
	return atomic_load(&s->status);
}

static enum text_over over(const struct text_stream *s, const char **words)
{
	*words = s->words;
	return s->how;
}

static int64_t retry_after_ms(const struct text_stream *s)
{
	return s->retry_after_ms;
}

static void leave(struct text_stream *s, bool drain_it)
{
	if (!drain_it)
		atomic_store(&s->aborted, true);
	pthread_mutex_lock(&s->bell_lock);
	atomic_store(&s->left, true);
	pthread_mutex_unlock(&s->bell_lock);
	if (!atomic_load_explicit(&s->over, memory_order_acquire))
		call_thread(s);
	release(s);
}

/* ----------------------------------------------------------------------------- life */

int text_streams_open(struct text_carrier **out, int calls)
{
	struct streams *in = calloc(1, sizeof *in);
	int err;

	if (!in)
		return -ENOMEM;
	in->carrier = (struct text_carrier){ start, next_piece, taken, status, over, retry_after_ms, leave };
	pthread_mutex_init(&in->lock, NULL);
	err = pump_open(&in->pump);
	if (!err) {
		curl_multi_setopt(in->pump.multi, CURLMOPT_MAXCONNECTS, (long)calls);
		err = -pthread_create(&in->thread, NULL, run, in);
		if (err)
			pump_close(&in->pump);
	}
	if (err) {
		pthread_mutex_destroy(&in->lock);
		free(in);
		return err;
	}
	*out = &in->carrier;
	return 0;
}

void text_streams_close(struct text_carrier *carrier)
{
	struct streams *in = (struct streams *)carrier;

	if (!in)
		return;
	atomic_store(&in->stopping, true);
	pump_ring(&in->pump);
	pthread_join(in->thread, NULL);
	while (in->inbox) {
		struct text_stream *s = in->inbox;

		in->inbox = s->next_in_inbox;
		if (!s->taken)
			release(s); /* the thread's */
		release(s);
	}
	pump_close(&in->pump);
	pthread_mutex_destroy(&in->lock);
	free(in);
}
