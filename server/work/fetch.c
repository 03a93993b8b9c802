/* The whole of libcurl's use for foreign hosts. One blocking transfer at a
 * time in each thread; curl's callbacks run on that thread, within
 * curl_easy_perform.
 */
#include "server/work/fetch.h"

#include "common/clock.h"
#include "server/config/version.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A host that does not accept a connection in this time is not merely slow. */
enum { CONNECT_MS = 5000 };

/* Each thread keeps one handle, for the names, TLS sessions and authorities it
 * remembers; connections it must not keep, see set_up. */
static pthread_key_t handles;
static bool ready;

struct transfer {
	const struct fetch_request *request;
	struct fetch_response *response;
	const struct fetch_sink *sink; /* or NULL */
	CURL *handle;
	struct curl_slist *headers; /* owned */
	curl_mime *form;            /* owned; NULL without */
	int64_t piece_us;           /* when the sink was last ready for more */
	bool too_large, cancelled, unwanted, idle;
};

static void forget_handle(void *handle)
{
	curl_easy_cleanup(handle);
}

/* curl_global_init is not safe beside other threads: before they start. */
int fetch_setup(void)
{
	int err;

	if (ready)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	if ((err = pthread_key_create(&handles, forget_handle))) {
		curl_global_cleanup();
		return -err;
	}
	ready = true;
	return 0;
}

void fetch_teardown(void)
{
	if (!ready)
		return;
	curl_easy_cleanup(pthread_getspecific(handles)); /* this thread's; those that ended cleaned up theirs */
	pthread_key_delete(handles);
	curl_global_cleanup();
	ready = false;
}

static CURL *own_handle(void)
{
	CURL *handle = pthread_getspecific(handles);

	if (handle) {
		curl_easy_reset(handle);
	} else {
		handle = curl_easy_init();
		if (handle && pthread_setspecific(handles, handle)) {
			curl_easy_cleanup(handle);
			handle = NULL;
		}
	}
	return handle;
}

/* --------------------------------------------------------------- curl's callbacks */

/* As soon as there is one, also for a response that breaks off later. */
static void read_head(CURL *h, struct fetch_response *out)
{
	struct curl_header *header;
	curl_off_t seconds = 0, length = -1;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	if (!curl_easy_getinfo(h, CURLINFO_CONTENT_TYPE, &type) && type)
		snprintf(out->content_type, sizeof out->content_type, "%s", type);
	if (!curl_easy_getinfo(h, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length))
		out->length = length;
	if (!curl_easy_header(h, "Content-Range", 0, CURLH_HEADER, -1, &header))
		snprintf(out->content_range, sizeof out->content_range, "%s", header->value);
	/* Curl turns a date into seconds, and says 0 for none. */
	if (!curl_easy_header(h, "Retry-After", 0, CURLH_HEADER, -1, &header) &&
	    !curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &seconds))
		out->retry_after_s = seconds > 0 ? seconds : 0;
}

/* Curl calls this when name, connection and TLS are through and the request
 * comes next. From here on nobody can say that nothing reached them. */
static int on_about_to_send(void *arg, char *to_ip, char *from_ip, int to_port, int from_port)
{
	struct transfer *t = arg;

	(void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
	t->response->sent = true;
	return CURL_PREREQFUNC_OK;
}

static size_t to_sink(struct transfer *t, const char *bytes, size_t len)
{
	t->unwanted = !t->sink->piece(t->sink->arg, bytes, len);
	t->piece_us = clock_now_us();
	return t->unwanted ? 0 : len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct transfer *t = arg;
	size_t room = t->request->response_max - t->response->body.len;

	(void)one; /* is 1 */
	if (t->sink && !t->response->status)
		read_head(t->handle, t->response);
	if (t->sink && t->response->status >= 200 && t->response->status < 300)
		return to_sink(t, bytes, len);
	t->too_large = len > room;
	buf_put(&t->response->body, bytes, t->too_large ? room : len);
	return t->too_large || buf_error(&t->response->body) ? 0 : len;
}

static int on_progress(void *arg, curl_off_t to_get, curl_off_t got, curl_off_t to_send, curl_off_t sent)
{
	struct transfer *t = arg;

	(void)to_get, (void)got, (void)to_send, (void)sent;
	t->cancelled = t->request->cancel && atomic_load(t->request->cancel);
	t->idle = t->sink && clock_now_us() - t->piece_us > (int64_t)t->sink->idle_ms * US_PER_MS;
	return t->cancelled || t->idle;
}

/* ----------------------------------------------------------------------- asking */

static bool add_header(struct transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	if (longer)
		t->headers = longer;
	return longer;
}

/* NULL, or the defect in words. */
static const char *collect_headers(struct transfer *t)
{
	const struct fetch_request *request = t->request;

	for (size_t i = 0; i < request->header_count; i++) {
		if (strpbrk(request->headers[i], "\r\n"))
			return "a header has a line break in it";
		if (!add_header(t, request->headers[i]))
			return "out of memory";
	}
	/* Otherwise large bodies wait for a "100 Continue" that few servers send. */
	return add_header(t, "Expect:") ? NULL : "out of memory";
}

static bool add_part(curl_mime *form, const struct fetch_part *part)
{
	curl_mimepart *p = curl_mime_addpart(form);

	if (!p || curl_mime_name(p, part->name))
		return false;
	if (part->value)
		return !curl_mime_data(p, part->value, CURL_ZERO_TERMINATED);
	return !curl_mime_filedata(p, part->file) && !curl_mime_filename(p, part->name_there) &&
	       !curl_mime_type(p, part->type);
}

/* NULL, or the defect in words. */
static const char *collect_form(struct transfer *t)
{
	const struct fetch_request *request = t->request;
	bool whole = !request->part_count || (t->form = curl_mime_init(t->handle));

	for (size_t i = 0; i < request->part_count && whole; i++)
		whole = add_part(t->form, &request->parts[i]);
	return whole ? NULL : "the form cannot be put together, or its file cannot be read";
}

static void limit_protocols(CURL *h)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/* CUSTOMREQUEST last: the options before it would set a method of their own. */
static void set_method(CURL *h, const struct transfer *t)
{
	const struct fetch_request *request = t->request;

	if (!strcmp(request->method, "HEAD")) {
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
		return;
	}
	if (t->form) {
		curl_easy_setopt(h, CURLOPT_MIMEPOST, t->form);
	} else if (request->body || !strcmp(request->method, "POST")) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(request->body ? request->body_len : 0));
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, request->method);
}

/* RSA keys below 2048 bits are believed nowhere in a chain, whatever the system's own configuration
 * says. The level is OpenSSL's; another library behind curl would refuse the name. */
static void set_least_keys(CURL *h)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	if (curl->ssl_version && !strncmp(curl->ssl_version, "OpenSSL/", 8))
		curl_easy_setopt(h, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=2");
}

/* Its own CA file replaces the system's: a test server, or a company's
 * proxy. */
void fetch_verify(void *handle, const char *ca_file)
{
	CURL *h = handle;

	limit_protocols(h);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	set_least_keys(h);
	if (ca_file && *ca_file) {
		curl_easy_setopt(h, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
}

static void set_limits(CURL *h, const struct fetch_request *request)
{
	long timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : 1;

	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
	/* Past the deadline, a name server that is still being asked is left to itself. */
	curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	/* On a connection it had kept, curl sends a request again when the far
	 * end turns out to have closed it, a POST too. */
	curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

/* All options anew for each request: own_handle has reset the handle. */
static void set_up(CURL *h, struct transfer *t, char *words)
{
	const struct fetch_request *request = t->request;

	set_limits(h, request);
	fetch_verify(h, request->ca_file);
	curl_easy_setopt(h, CURLOPT_URL, request->url);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "trunkline/" TRUNKLINE_VERSION);
	set_method(h, t);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, t->headers);
	/* Some servers compress unasked. Not "", all that curl knows: this much is enough. */
	if (request->decoded)
		curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	if (request->user) {
		curl_easy_setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(h, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(h, CURLOPT_PASSWORD, request->password ? request->password : "");
	}
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, on_about_to_send);
	curl_easy_setopt(h, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, t);
}

/* ---------------------------------------------------------------------- the result */

/* In order of certainty: our own reasons to stop come before curl's, and
 * "not sent" before "timeout", since a caller may repeat what was not sent. */
static enum fetch_failure judge(const struct transfer *t, CURLcode code)
{
	if (code == CURLE_OK)
		return FETCH_OK;
	if (t->cancelled || t->unwanted)
		return FETCH_CANCELLED;
	if (t->too_large)
		return FETCH_TOO_LARGE;
	if (code == CURLE_BAD_CONTENT_ENCODING)
		return FETCH_GARBLED;
	if (!t->response->sent)
		return FETCH_NOT_SENT;
	return t->idle || code == CURLE_OPERATION_TIMEDOUT ? FETCH_TIMEOUT : FETCH_UNKNOWN;
}

static void explain(struct transfer *t, CURLcode code, const char *words)
{
	char *out = t->response->error;

	switch (t->response->failure) {
	case FETCH_OK:
		return;
	case FETCH_CANCELLED:
		snprintf(out, FETCH_ERROR_SIZE, "given up, because %s",
		    t->unwanted ? "nobody wants the rest" : "the server is shutting down");
		return;
	case FETCH_TOO_LARGE:
		snprintf(out, FETCH_ERROR_SIZE, "the answer is larger than %zu bytes", t->request->response_max);
		return;
	case FETCH_TIMEOUT:
		if (t->idle)
			snprintf(out, FETCH_ERROR_SIZE, "nothing came for %d ms", t->sink->idle_ms);
		else
			snprintf(out, FETCH_ERROR_SIZE, "no whole answer within %d ms", t->request->timeout_ms);
		return;
	case FETCH_GARBLED:
	case FETCH_NOT_SENT:
	case FETCH_UNKNOWN:
		break;
	}
	/* Curl's own words say more, but a few quote a URL, which may hold a
	 * password: the proxy's, for one. */
	if (!*words || strchr(words, '@') || strstr(words, "://") || code == CURLE_URL_MALFORMAT)
		words = curl_easy_strerror(code);
	snprintf(out, FETCH_ERROR_SIZE, "%.*s", FETCH_ERROR_SIZE - 1, words);
}

static void fail(struct fetch_response *out, const char *why)
{
	out->failure = FETCH_NOT_SENT;
	snprintf(out->error, sizeof out->error, "%s", why);
}

static void perform(CURL *h, struct transfer *t)
{
	char words[CURL_ERROR_SIZE] = "";
	CURLcode code;

	set_up(h, t, words);
	t->piece_us = clock_now_us();
	code = curl_easy_perform(h);
	t->response->failure = judge(t, code);
	explain(t, code, words);
	/* A status from before that would be the proxy's. */
	if (t->response->sent)
		read_head(h, t->response);
}

/* `took_ms` includes the look-up and the handshake: it is what the waiting
 * caller felt. */
void fetch_stream(const struct fetch_request *request, const struct fetch_sink *sink, struct fetch_response *out)
{
	struct transfer t = { .request = request, .response = out, .sink = sink };
	int64_t began_us = clock_now_us();
	const char *wrong;
	CURL *h;

	assert(ready && request->header_count <= FETCH_HEADERS_MAX);
	memset(out, 0, sizeof *out);
	out->retry_after_s = out->length = -1;
	buf_init(&out->body, request->response_max + 1);
	h = t.handle = own_handle();
	wrong = h ? collect_headers(&t) : "out of memory";
	if (!wrong)
		wrong = collect_form(&t);
	if (wrong)
		fail(out, wrong);
	else
		perform(h, &t);
	/* The texts it borrowed are about to go. */
	if (h)
		curl_easy_reset(h);
	curl_slist_free_all(t.headers);
	curl_mime_free(t.form);
	out->took_ms = (clock_now_us() - began_us) / US_PER_MS;
}

void fetch(const struct fetch_request *request, struct fetch_response *out)
{
	fetch_stream(request, NULL, out);
}

void fetch_response_free(struct fetch_response *response)
{
	buf_free(&response->body);
}

const char *fetch_failure_name(enum fetch_failure failure)
{
	static const char *const names[] = { "ok", "not_sent", "unknown", "timeout", "too_large", "garbled",
		"cancelled" };

	return names[failure];
}
