#ifndef MODEL_REALTIME_SAY_H
#define MODEL_REALTIME_SAY_H
/* The commands of the Realtime API's table, but for those in
 * realtime_tools.h. protocol.h tells what each means. */
#include "common/json_out.h"
#include "server/model/protocol.h"

void realtime_configure(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without);
unsigned realtime_extras(const struct agent *agent);
void realtime_configure_text(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without);
unsigned realtime_extras_text(const struct agent *agent);
/* Of an error's `param`; NULL: it has none. */
unsigned realtime_extras_at_fault(const char *param);
void realtime_compare(struct buf *out, const struct buf *asked, const struct model_event *updated);
void realtime_turns(struct buf *out, const char *id, const struct agent *agent, bool deaf);
void realtime_hear(struct buf *out, const uint8_t *bytes, size_t len);
void realtime_item(struct buf *out, const char *id, enum model_role role, const char *text, const char *after);
void realtime_ask(struct buf *out, const char *id);
void realtime_greet(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
void realtime_say(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
void realtime_aside(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
void realtime_cancel(struct buf *out, const char *id, const char *response_id);
void realtime_heard_until(struct buf *out, const char *id, const char *item_id, int64_t ms);
void realtime_unheard(struct buf *out, const char *id, const char *item_id);

/* What sessions of any form take, by requests too; with realtime_parse.h and realtime_tools.h. */
/* clang-format off */
#define REALTIME_ITEMS \
	.can_cancel = true, \
	.can_aside = true, \
	.item = realtime_item, \
	.ask = realtime_ask, \
	.greet = realtime_greet, \
	.say = realtime_say, \
	.aside = realtime_aside, \
	.cancel = realtime_cancel, \
	.unheard = realtime_unheard, \
	.tool_call = realtime_tool_call, \
	.tool_result = realtime_tool_result, \
	.approve = realtime_approve, \
	.release = realtime_release
/* clang-format on */

/* How each command begins; one json_put_end closes it. An error caused by the command names
 * its `event_id`. */
struct json_out realtime_begin(struct buf *out, const char *type, const char *id);

/* A command that adds an item of this type, open too: two json_put_end. */
struct json_out realtime_begin_item(struct buf *out, const char *type, const char *id);

/* The service's name for a format: "audio/pcmu". */
const char *realtime_format_type(enum audio_format format);

#endif
