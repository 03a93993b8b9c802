#include "server/agent/conversation_known.h"

#include "server/agent/dialogue/instant.h"
#include "server/line/calls.h"
#include "server/phone/channel.h"
#include "server/voice/voice.h"

const char *conversation_known_words(const struct conversation *con, enum known_line line)
{
	const struct call *c = con->call;

	switch (line) {
	case KNOWN_GREETING:
		return c->agent->greeting_mode == GREETING_EXACT ? c->context.greeting : NULL;
	case KNOWN_HOLD:
		return phrase_on_stream(c->agent, PHRASE_ONE_MOMENT);
	case KNOWN_SORRY: /* what is tried next follows the stream */
		return phrase_on_stream(c->agent, PHRASE_TROUBLE);
	case KNOWN_IDLE:
		return phrase_on_stream(c->agent, PHRASE_IDLE);
	case KNOWN_TIME_LIMIT:
		return phrase_on_stream(c->agent, PHRASE_TIME_LIMIT);
	case KNOWN_COST_LIMIT:
		return phrase_on_stream(c->agent, PHRASE_COST_LIMIT);
	case KNOWN_STILL_THERE:
		return phrase_on_stream(c->agent, PHRASE_STILL_THERE);
	case KNOWN_INSTANT: /* the last one */
		return con->instant;
	case KNOWN_NONE:
	case KNOWN_COUNT:
		break;
	}
	return NULL;
}

void conversation_known_open(struct conversation *con, bool knows[KNOWN_COUNT])
{
	struct call *c = con->call;

	for (enum known_line line = KNOWN_NONE; line < KNOWN_COUNT; line++) {
		const char *words = c->channel->audio ? conversation_known_words(con, line) : NULL;

		if (words)
			con->known[line] = voice_find(calls_voice(c->calls), c->agent, words);
		knows[line] = con->known[line];
	}
	knows[KNOWN_INSTANT] = c->channel->audio && agent_asks(c->agent) && calls_voice(c->calls);
}

enum known_line conversation_known_answer(struct conversation *con, const char *words)
{
	struct call *c = con->call;
	const char *answer = con->dialogue.rules.knows[KNOWN_INSTANT] ? instant_answer(c->agent, words) : NULL;
	const struct voice_line *line = answer ? voice_find(calls_voice(c->calls), c->agent, answer) : NULL;

	if (!line)
		return KNOWN_NONE;
	voice_release(con->known[KNOWN_INSTANT]);
	con->known[KNOWN_INSTANT] = line;
	con->instant = answer;
	return KNOWN_INSTANT;
}

void conversation_known_close(struct conversation *con)
{
	for (int line = 0; line < KNOWN_COUNT; line++)
		voice_release(con->known[line]);
}
