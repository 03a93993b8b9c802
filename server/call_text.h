#ifndef CALL_TEXT_H
#define CALL_TEXT_H
/* Calls for a person: the table that `trunkline calls` prints, and the one call, with what was
 * said, of `trunkline call`. From the API's JSON. Pure. */
#include "common/buf.h"
#include "common/json.h"

/* The line of names above the rows. */
void call_text_head(struct buf *out);

/* A line of the table, of a call as GET /calls lists it. */
void call_text_row(const cJSON *call, struct buf *out);

/* Facts and timeline of a call as GET /calls/{CallSid} shows it; `record`: its record as in
 * GET /records/{id}, or NULL. */
void call_text_whole(const cJSON *call, const cJSON *record, struct buf *out);

/* True if it is over: not being placed, not live, not ending. */
bool call_text_is_over(const cJSON *call);

#endif
