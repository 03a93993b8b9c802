#ifndef MODEL_ACCESS_H
#define MODEL_ACCESS_H
/* Where the model is and how to be let in: worked out once, at start, from the
 * configuration; read by any thread after. */
#include "common/buf.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct resolver;
struct trust;
struct tls_sessions;

struct model_access {
	const struct config *cfg;
	char host[256];
	int port;
	char path[1024];               /* with query, but without the model unless the URL names one */
	bool names_model;              /* the URL does, for all agents */
	bool api_key_header;           /* api-key: …, as Azure wants it; else Authorization: Bearer */
	struct resolver *resolver;     /* owned */
	struct trust *trust;           /* owned */
	struct tls_sessions *sessions; /* owned */
};

/* 0, or negative with a sentence in `error`. */
int model_access_open(struct model_access *a, const struct config *cfg, struct buf *error);
void model_access_close(struct model_access *a);

/* Takes the URL apart; part of the above, without files. */
int model_access_parse(struct model_access *a, const struct config *cfg, struct buf *error);

/* Appends the path to ask for, with model= unless the URL names one itself. */
void model_access_path(const struct model_access *a, const char *model, struct buf *out);

/* Appends the request's header lines. `caller` is the caller's number, for the
 * safety identifier; may be "". Contains the key: never log it. */
void model_access_headers(const struct model_access *a, const char *caller, struct buf *out);

#endif
