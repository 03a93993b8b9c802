#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H
/* The one table of what can be asked: it finds the handler, knows what to put
 * into a 405, opens the right door first, and prints the README's list.
 */
#include "server/call/calls.h"
#include "server/web/http.h"

/* What handlers work with. */
struct web_site {
	const struct config *cfg;
	struct calls *calls;
	int64_t started_us;
};

enum route_access {
	ROUTE_OPEN,
	ROUTE_OPERATOR, /* API_TOKEN, or this machine only */
	ROUTE_TWILIO,   /* the handler checks the signature itself: it covers the body */
	ROUTE_STREAM,   /* likewise, and it answers upgrades only: webhooks_admit */
};

/* `arg` is the {part} of the path, or "". */
typedef void route_handler(const struct web_site *site, const struct request *q, const char *arg, struct response *r);

struct route {
	const char *method;
	const char *path; /* a closing {part} stands for one segment, not empty */
	enum route_access access;
	bool takes_form; /* the body is read, and must be a form */
	route_handler *handle;
	const char *help;
};

/* The route that serves the request, whole path compared. NULL: `r` says why
 * not (404, 405). HEAD is served as GET. */
const struct route *route_find(const struct request *q, const char **arg, struct response *r);

/* Whether its body may be read: 0, or the refusal is in `r`. */
int route_check_body(const struct route *route, const struct request *q, struct response *r);

/* Opens the door and runs the handler. Not for ROUTE_STREAM. */
void route_serve(const struct route *route, const struct web_site *site, const struct request *q, const char *arg,
    struct response *r);

/* The table as Markdown, for the README. */
void routes_print_markdown(struct buf *out);

#endif
