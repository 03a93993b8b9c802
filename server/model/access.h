#ifndef MODEL_ACCESS_H
#define MODEL_ACCESS_H
/* One endpoint: the address of the model and the form of its credentials. Worked out once,
 * at start, from the configuration; read by any thread after. The list of them: endpoints.h.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/model/protocol.h"

#include <stdbool.h>
#include <stddef.h>

struct resolver;
struct trust;
struct tls_sessions;
struct bell;
struct model_session;
struct text_carrier;

typedef int model_open_fn(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us);

struct model_access {
	const struct config *cfg;
	int number;                                            /* from 1, as in the names of its settings */
	const struct model_protocol *protocol, *text_protocol; /* for callers on channels of audio, and of text */
	enum audio_format format;                              /* of the sessions */
	char host[256];
	int port;
	char path[1024];               /* with query, but without the model unless the URL names one */
	bool names_model;              /* the URL names the model, for all agents */
	bool api_key_header;           /* key in "api-key: …" (Azure); else in "Authorization: Bearer …" */
	const char *key;               /* never NULL; never log */
	const char *model, *voice;     /* for all agents that do not name theirs for this endpoint; "": the agent's */
	struct resolver *resolver;     /* owned by the first endpoint */
	struct trust *trust;           /* likewise, but with a CA file of its own */
	struct tls_sessions *sessions; /* owned */

	/* The text API, for agents with that model protocol; set by text_access (text/text_session.h). */
	const struct model_protocol *requests_protocol;
	model_open_fn *text_open;
	struct text_carrier *carrier; /* borrowed */
};

/* What a session with that wish speaks. */
static inline const struct model_protocol *model_access_protocol(
    const struct model_access *a, const struct model_wish *wish)
{
	if (wish->agent->model_protocol == MODEL_KIND_TEXT && a->requests_protocol)
		return a->requests_protocol;
	return wish->text ? a->text_protocol : a->protocol;
}

/* A guess, for OPENAI_AUTH=auto. */
bool model_host_is_azures(const char *host, size_t len);

/* What this agent's sessions have here: its file's word for this endpoint, the endpoint's own, or
 * else the agent's. The model is passed on only if the URL names none. */
const char *model_access_model(const struct model_access *a, const struct agent *agent);
const char *model_access_voice(const struct model_access *a, const struct agent *agent);

/* The model there is of that agent's file, or of no endpoint: what is wrong with it need not be so for others. */
bool model_access_has_agents_model(const struct model_access *a, const struct agent *agent);

/* 0, or negative with a sentence in `error`. The first endpoint opens what the others (with it as
 * `first`) share; it is closed last. */
int model_access_open(
    struct model_access *a, const struct config *cfg, int number, const struct model_access *first, struct buf *error);
void model_access_close(struct model_access *a);

/* Only takes the URL apart: the first half of model_access_open, without files. */
int model_access_parse(struct model_access *a, const struct config *cfg, int number, struct buf *error);

/* Appends the settings to look at after a refusal by this HTTP status (0: none) or error code of the
 * service ("": none), as the end of a sentence: "; look at …". Nothing if no setting is to blame. */
void model_access_put_blame(
    struct buf *out, const struct model_access *a, enum model_kind kind, int http_status, const char *code);

/* Appends what a refusal's body says, on one line and cut: the message of the service's error, or
 * the body as it is. Nothing if a key is quoted in it. */
void model_access_put_words(struct buf *out, const struct model_access *a, const char *body);

/* Appends by what the service is to tell the end user from others: OPENAI_SAFETY_IDENTIFIER, and `caller`
 * as in model_wish. Nothing if it is off, or nobody is known. */
void model_access_put_person(const struct config *cfg, const char *caller, struct buf *out);

/* What failed, in `text`, with both of these. */
void model_access_explain(const struct model_access *a, enum model_kind kind, const char *text, const char *code,
    int http_status, const char *body, char *out, size_t size);

#endif
