#ifndef VOICE_VOICE_LINES_H
#define VOICE_VOICE_LINES_H
/* Which words of an agent are always the same, and by what a line is known. Pure.
 */
#include "server/agents/agent.h"
#include "server/model/endpoints.h"
#include "server/voice/voice_file.h"

enum { VOICE_LINES_MAX = 1 + PHRASE_COUNT + INSTANTS_MAX };

/* The agent's lines in the order in which they are wanted, borrowed from it. How many; 0: its model speaks
 * no stream. */
size_t voice_lines(const struct agent *p, const char *out[VOICE_LINES_MAX]);

/* False: that agent has no line with such a text. */
bool voice_lines_key(
    struct voice_key *key, const struct model_endpoints *endpoints, const struct agent *p, const char *text);

#endif
