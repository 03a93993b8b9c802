#ifndef LINE_CALL_SUMMARY_H
#define LINE_CALL_SUMMARY_H
/* A call on its line, as others are told of it. */
#include "server/line/call.h"
#include "server/store/store_calls.h"

/* Under the table's lock. To be freed. */
void call_summarize(struct call *c, struct call_summary *out);

#endif
