#ifndef WEB_FIELDS_H
#define WEB_FIELDS_H
/* The fields of a JSON body, taken one by one by the handler that knows them.
 * The first one that will not do is answered with a 422 that names it. Every
 * later call then gives the fallback, so a handler asks for all of them and looks
 * once:
 *
 *	struct fields f = fields_of(q, r);
 *	const char *text = fields_text(&f, "text", 1, 4096);
 *	const char *mode = fields_choice(&f, "mode", "instruction|exact", "instruction");
 *
 *	if (!fields_done(&f))
 *		return;
 */
#include "server/web/http.h"

enum { FIELDS_MAX = 32 };

struct fields {
	const cJSON *object; /* borrowed from the request */
	struct response *r;
	const char *asked[FIELDS_MAX]; /* literals */
	size_t count;
	bool failed;
};

struct fields fields_of(const struct request *q, struct response *r);

/* Borrowed from the body. `least` 0: may be left out (or null), which gives
 * NULL. Lengths are in bytes. */
const char *fields_text(struct fields *f, const char *name, size_t least, size_t most);

/* One of the words, a|b|c; `fallback` if it is left out, NULL if it must not be. */
const char *fields_choice(struct fields *f, const char *name, const char *words, const char *fallback);

/* false if it is left out. */
bool fields_flag(struct fields *f, const char *name);

/* An object, or NULL if it was left out. */
const cJSON *fields_object(struct fields *f, const char *name);

/* The handler's own complaint about a field; nothing if there was one already. */
void fields_refuse(struct fields *f, const char *name, const char *sentence);

/* True if all was well, and nothing is in the body that was not asked for. */
bool fields_done(struct fields *f);

#endif
