#ifndef TESTS_CONVERSATION_KIT_H
#define TESTS_CONVERSATION_KIT_H
/* A call whose session talks, and whose caller loop has the writer: what is sent goes into
 * the ring. Nobody empties it. */
#include "server/agent/conversation.h"
#include "server/agent/conversation_tools.h"
#include "server/model/realtime.h"
#include "tests/unit.h"

#include <stdlib.h>

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
	con->link = (struct link){ .call = call, .protocol = &realtime_protocol, .state = LINK_TALKING, .no = 1 };
	timeline_init(&con->timeline);
	buf_init(&con->message, 0);
	return 0;
}

static inline int conversation_kit_end(void **state)
{
	(void)state;
	conversation_tools_free(con);
	timeline_free(&con->timeline);
	buf_free(&con->message);
	model_writer_close(&call->writer);
	free(con);
	free(call);
	return 0;
}

#endif
