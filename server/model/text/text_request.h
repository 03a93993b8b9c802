#ifndef TEXT_REQUEST_H
#define TEXT_REQUEST_H
/* The request of one answer: made of the session, the conversation and what was asked, and sent. */
#include "server/model/session.h"
#include "server/model/text/carrier.h"
#include "server/model/text/talk.h"

#include <cjson/cJSON.h>

/* `asked`: response.create's own "response"; NULL: it has none. `delay_ms`: when it is sent. *bytes: the
 * length of the request. NULL: it cannot be begun, and *why is a sentence. */
struct text_stream *text_request_start(const struct model_session *s, const struct talk *talk, const cJSON *asked,
    int delay_ms, struct bell *bell, size_t *bytes, const char **why);

/* The pause before a request is sent again that brought nothing `tries` times: it doubles, and is never
 * the same for all calls. `asked_ms`: how long the service asks to wait; -1: it does not. */
int64_t text_request_pause_ms(int tries, int64_t asked_ms);

#endif
