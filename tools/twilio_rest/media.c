/* The sound of a recording: what the phone of that call wrote, once it is over. Or a message that a caller left, which
 * no call of ours is known for: a file of its name in the folder of the calls' own. */
#include "tools/kit/file.h"
#include "tools/twilio_rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A rule's number for it is made of the digits at the end of its name. */
static bool find_message(const char *sid, char path[512], char to[32])
{
	snprintf(path, 512, "%s/%s.wav", options.work, sid);
	snprintf(to, 32, "+%ld", strtol(sid + 2, NULL, 10));
	return access(path, R_OK) == 0;
}

/* The called number, if the recording is complete and its sound was not deleted. */
static bool find(const char *name, char path[512], char to[32])
{
	char sid[SID_SIZE];
	struct recording *r;
	bool there;

	snprintf(sid, sizeof sid, "%.34s", name);
	pthread_mutex_lock(&lock);
	r = recording_find(sid);
	there = r && !strcmp(r->status, "completed") && call_find(r->call_sid);
	if (there) {
		snprintf(path, 512, "%s/%s.wav", options.work, r->call_sid);
		snprintf(to, 32, "%s", call_find(r->call_sid)->to);
	}
	pthread_mutex_unlock(&lock);
	return there || find_message(sid, path, to);
}

static bool faulty(const char *to, struct answer *a, const struct http_request *q)
{
	if (rule_holds("media-404", to, NULL)) {
		answer_not_found(a, q);
	} else if (rule_holds("media-401", to, NULL)) {
		answer_error(a, 401, 20003, "Authenticate");
	} else if (rule_holds("media-500", to, NULL)) {
		answer_error(a, 500, 20500, "An internal server error has occurred");
	} else if (rule_holds("media-html", to, NULL)) {
		a->type = "text/html";
		text_printf(&a->body, "<html><body>upstream said something</body></html>");
	} else {
		return false;
	}
	return true;
}

/* One range, with both ends. */
static void take_part(const char *range, const char *to, struct answer *a)
{
	static _Thread_local char header[96];
	size_t size = a->body.len, first, last;
	const char *said;

	if (rule_holds("media-size", to, &said))
		size = strtoul(said, NULL, 10);
	if (sscanf(range, "bytes=%zu-%zu", &first, &last) != 2 || last < first) {
		return;
	} else if (first >= size) {
		answer_error(a, 416, 20416, "Range Not Satisfiable");
		snprintf(header, sizeof header, "Content-Range: bytes */%zu\r\n", size);
	} else {
		last = last < size ? last : size - 1;
		a->status = 206;
		memmove(a->body.data, a->body.data + first, last - first + 1);
		a->body.len = last - first + 1;
		snprintf(header, sizeof header, "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, size);
	}
	a->headers = header;
}

void media_serve(const char *name, struct answer *a, const struct http_request *q)
{
	char path[512], to[32], range[64];

	if (strlen(name) != 38 || strcmp(name + 34, ".wav") || !find(name, path, to)) {
		answer_not_found(a, q);
		return;
	}
	if (faulty(to, a, q))
		return;
	if (file_read(path, &a->body)) {
		answer_not_found(a, q);
		return;
	}
	a->type = "audio/x-wav";
	if (rule_holds("media-plain", to, NULL)) {
		a->how = ANSWER_CHUNKS;
		return;
	}
	a->headers = "Accept-Ranges: bytes\r\n";
	if (http_header(text_str(&q->head), "Range", range, sizeof range))
		take_part(range, to, a);
	if (a->body.len > 1024 && rule_holds("media-cut", to, NULL))
		a->how = ANSWER_CUT;
}
