#ifndef TESTS_SILENT_CHANNEL_H
#define TESTS_SILENT_CHANNEL_H
/* A channel nobody ever telephoned over: its messages are words with blanks
 * between them, so that a test can write and read them as they are.
 *
 * From the phone:  hello | start ID CALLSID [CALLER CALLED] | audio MS "BASE64" |
 *                  text WORDS… | part WORDS… | voice on|off | key K | mark NAME |
 *                  played WORDS… | quiet | interrupted WORDS… | complaint WORDS… | stop
 * To the phone:    audio ID BYTES FIRST | text ID WORDS…[.] | mark ID NAME | clear ID |
 *                  language ID TAG | play ID URL | keys ID KEYS | end ID HANDOFF
 *
 * A part is a turn so far; the full stop is an answer's end. FIRST is the value of the first byte. A start from "nobody" is unusable.
 */
#include "server/phone/channel.h"

extern const struct phone_channel silent_channel;
extern const struct phone_channel silent_channel_without_marks;
extern const struct phone_channel silent_channel_of_text; /* without audio */

#endif
