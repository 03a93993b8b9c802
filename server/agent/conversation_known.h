#ifndef AGENT_CONVERSATION_KNOWN_H
#define AGENT_CONVERSATION_KNOWN_H
/* Lines that have their sound before the call: they are played without a session, and it is told of them. Agent loop
 * only. On a channel of text there are none: the phone speaks by itself. */
#include "server/agent/conversation.h"

/* Takes the lines that there are, and says which, for the dialogue. */
void conversation_known_open(struct conversation *con, bool knows[KNOWN_COUNT]);
void conversation_known_close(struct conversation *con);

/* The words of a line, borrowed from the call; NULL: it has none. */
const char *conversation_known_words(const struct conversation *con, enum known_line line);

/* An answer of the agent's to these words of the caller's: takes its sound, in place of the last one's. INSTANT, or NONE
 * without answer or sound. */
enum known_line conversation_known_answer(struct conversation *con, const char *words);

#endif
