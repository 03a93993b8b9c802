#ifndef TEXT_REQUEST_H
#define TEXT_REQUEST_H
/* The request of one answer: made of the session, the conversation and what was asked, and sent. */
#include "server/model/session.h"
#include "server/model/text/carrier.h"
#include "server/model/text/talk.h"

#include <cjson/cJSON.h>

/* `asked`: response.create's own "response"; NULL: it has none. *bytes: the length of the request. NULL: it
 * cannot be begun, and *why is a sentence. */
struct text_stream *text_request_start(const struct model_session *s, const struct talk *talk, const cJSON *asked,
    struct bell *bell, size_t *bytes, const char **why);

#endif
