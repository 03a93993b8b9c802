#ifndef AGENT_CONVERSATION_KEYS_H
#define AGENT_CONVERSATION_KEYS_H
/* Keys that the call presses, to get through a machine's menu: the model wants that (send_digits), or an operator
 * does. One group at a time. Agent loop only.
 *
 *   state   | waits for                    | then
 *   --------+------------------------------+---------------------------------------------------------------------
 *   WAITING | what is being said to be     | a phone that can presses them (relay, gather): done. On a stream
 *           | heard; for a minute          | Twilio is asked to (line/keys/call_keys.h): ASKED
 *   ASKED   | Twilio's answer              | PLAYING; refused: told so; none: told so, and UNSURE
 *   PLAYING | the next stream              | done; no end of this one: told so
 *   UNSURE  | the same, told already       | nothing
 *
 * Whoever wanted them is told once what became of it: a tool by its result, an operator by the journal, and then
 * the model by a note. Each answer is a row of KEYS_ANSWERS. */
#include "server/agent/conversation.h"
#include "server/line/mailbox.h"

/* The tool's run; 0: an operator. Without `wait` they are refused while the agent speaks. */
void conversation_press(struct conversation *con, uint32_t run, const char *digits, bool wait, int64_t now_us);

/* Letters: an operator's order; Twilio's answer. */
void conversation_keys_wanted(struct conversation *con, const struct mail *mail, int64_t now_us);
void conversation_keys_answered(struct conversation *con, const struct mail *mail, int64_t now_us);

/* True: the stream is away, or was, for their sake. */
bool conversation_keys_make_room(const struct conversation *con);
/* The next stream is there; after that question, and once the dialogue knows. */
void conversation_keys_back(struct conversation *con);

/* In each turn of the loop, after all events; when it has something to do next. */
void conversation_mind_keys(struct conversation *con, int64_t now_us);
int64_t conversation_keys_us(const struct conversation *con);

/* The call is over. */
void conversation_keys_over(struct conversation *con);

#endif
