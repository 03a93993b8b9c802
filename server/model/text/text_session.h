#ifndef TEXT_SESSION_H
#define TEXT_SESSION_H
/* A session with a text API, as the Realtime service would keep one in text: the conversation is
 * here, and every answer is a request with all of it. It takes the Realtime protocol's commands.
 *
 * It is ready at once, since nothing is opened before the first answer. An answer has an id of ours
 * from its request on, so that it can be cancelled at any time; that aborts the transfer. A request
 * that brings nothing is sent again as long as a caller would wait (SLOW_ANSWER_MAX_MS), and only then
 * the answer has failed. */
#include "server/model/session.h"
#include "server/model/text/carrier.h"

/* In text, and by requests: asked for each answer. MCP servers are not offered to it. */
extern const struct model_protocol text_protocol;

/* From now on agents with the model protocol `text` get such sessions. `carrier` is borrowed for as
 * long as there are sessions. */
void text_access(struct model_access *access, struct text_carrier *carrier);

#endif
