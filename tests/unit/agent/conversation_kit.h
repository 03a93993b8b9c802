#ifndef TESTS_CONVERSATION_KIT_H
#define TESTS_CONVERSATION_KIT_H
/* A call whose session talks, and whose caller loop has the writer: what is sent goes into
 * the ring. Nobody empties it. */
#include "server/agent/conversation.h"
#include "server/agent/conversation_tools.h"
#include "server/model/realtime.h"
#include "server/work/tool_call.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct call *call;
static struct conversation *con;

static inline int conversation_kit_begin(void **state)
{
	(void)state;
	call = calloc(1, sizeof *call);
	con = calloc(1, sizeof *con);
	assert_int_equal(model_writer_open(&call->writer), 0);
	call->caller_bell.fd = call->agent_bell.fd = -1;
	con->call = call;
	con->link = (struct link){
		.call = call, .current = { .protocol = &realtime_protocol, .no = 1 }, .state = LINK_TALKING
	};
	con->tools.cancel = tool_cancel_new();
	timeline_init(&con->timeline);
	buf_init(&con->message, 0);
	return 0;
}

static inline int conversation_kit_end(void **state)
{
	(void)state;
	conversation_tools_free(con);
	mailbox_empty(&call->mail);
	dialogue_free(&con->dialogue);
	timeline_free(&con->timeline);
	buf_free(&con->message);
	model_writer_close(&call->writer);
	free(con);
	free(call);
	return 0;
}

/* All messages in the ring, a line each. */
static inline const char *sent_all(void)
{
	static char all[16 * 1024];
	struct ring_message m;
	size_t len = 0;

	all[0] = '\0';
	while (ring_next(&call->writer.orders, &m)) {
		if (m.type == ORDER_TEXT)
			len +=
			    (size_t)snprintf(all + len, sizeof all - len, "%.*s\n", (int)m.len, (const char *)m.body);
		ring_pop(&call->writer.orders);
	}
	return all;
}

/* They come in this order. */
static inline void expect_in_order(const char *const *pieces)
{
	const char *all = sent_all(), *at = all;

	for (; *pieces; pieces++) {
		const char *found = strstr(at, *pieces);

		if (!found)
			fail_msg("\"%s\" is not sent, or not there:\n%s", *pieces, all);
		at = found + strlen(*pieces);
	}
}

#define EXPECT_SENT(...) expect_in_order((const char *const[]){ __VA_ARGS__, NULL })

#endif
