#ifndef PHONE_FAULTS_H
#define PHONE_FAULTS_H
/* Ways to be a bad Twilio, by name: `--fault NAME[=VALUE][@AT_MS]`. */
#include "tools/kit/command_line.h"

#include <stdbool.h>

#define FAULTS(X) \
	/* id (its word is made of it: no-token)  value  at_ms  what it does */ \
	X(BAD_SIGNATURE, 0, 0, "webhooks carry a wrong signature") \
	X(NO_SIGNATURE, 0, 0, "webhooks carry none") \
	X(SLOW_BODY, 1000, 0, "VALUE ms between any two bytes of the voice webhook's body") \
	X(SHORT_BODY, 0, 0, "Content-Length promises more than comes") \
	X(BIG_BODY, 2000000, 0, "the voice webhook has a field of VALUE bytes") \
	X(BAD_FORM, 0, 0, "the voice webhook's form has %zz, a NUL and bytes that are no UTF-8") \
	X(HUGE_HEADERS, 100000, 0, "one header of VALUE bytes") \
	X(MANY_HEADERS, 200, 0, "VALUE headers") \
	X(TWO_LENGTHS, 0, 0, "two Content-Length headers that differ") \
	X(LENGTH_AND_CHUNKS, 0, 0, "Content-Length with Transfer-Encoding: chunked") \
	X(GARBAGE_HTTP, 0, 0, "the voice webhook is no HTTP") \
	X(UPGRADE_BAD_SIGNATURE, 0, 0, "the upgrade carries a wrong signature") \
	X(UPGRADE_NO_SIGNATURE, 0, 0, "the upgrade carries none") \
	X(UPGRADE_HTTPS, 0, 0, "the upgrade signs the https form of the url, as was seen (legal)") \
	X(UPGRADE_SLASH, 0, 0, "the upgrade signs the url with a / after it, as was seen (legal)") \
	X(NO_TOKEN, 0, 0, "the stream's path lacks its last part") \
	X(WRONG_TOKEN, 0, 0, "the last part of the stream's path is another") \
	X(USED_TOKEN, 0, 0, "the stream's path has been used a moment before") \
	X(LATE_UPGRADE, 16000, 0, "the stream opens VALUE ms after the TwiML") \
	X(LONG_KEY, 200, 0, "Sec-WebSocket-Key of VALUE characters") \
	X(HALF_UPGRADE, 0, 0, "half the upgrade request, then nothing") \
	X(NO_STREAM, 0, 0, "the stream is never opened; the caller hung up") \
	X(MEDIA_FIRST, 25, 0, "VALUE media messages before start, or prompts before setup") \
	X(NO_START, 0, 0, "connected and start never come, nor setup") \
	X(START_TWICE, 0, 1000, "start or setup comes again") \
	X(UNKNOWN_STREAM, 0, 1000, "media, dtmf, mark and stop of another streamSid, or another setup") \
	X(LATE, 1000, 2000, "frames are held back for VALUE ms, then come in a burst") \
	X(GAP, 1000, 2000, "frames of VALUE ms are lost; timestamps go on") \
	X(WITHHOLD, 0, 2000, "no frame comes any more; the socket stays open") \
	X(DOUBLED, 0, 0, "every frame comes twice") \
	X(HUGE, 1000000, 1000, "a media message of VALUE bytes of payload, or a prompt as long") \
	X(GIANT, 100000000, 1000, "a frame whose length says VALUE") \
	X(MALFORMED, 0, 1000, "messages that are no JSON") \
	X(DEEP, 100000, 1000, "JSON nested VALUE deep") \
	X(WRONG_TYPES, 0, 1000, "numbers, lists and null where strings belong, and missing fields") \
	X(NUL_BYTES, 0, 1000, "NUL bytes, raw and as \\u0000") \
	X(BAD_UTF8, 0, 1000, "a text message that is no UTF-8") \
	X(BAD_BASE64, 0, 1000, "payloads that are no base64, and an empty one") \
	X(BINARY, 0, 1000, "a binary message") \
	X(UNMASKED, 0, 1000, "an unmasked frame") \
	X(FRAGMENTED, 0, 0, "every message in three fragments with a ping between (legal)") \
	X(RESERVED_BITS, 0, 1000, "a frame with a reserved bit set") \
	X(BAD_OPCODE, 0, 1000, "a frame with an opcode nobody defined") \
	X(LONG_PING, 0, 1000, "a ping of 126 bytes") \
	X(SPLIT, 1, 0, "every write is cut into pieces of up to VALUE bytes (legal)") \
	X(HALF_FRAME, 0, 2000, "half a frame, then nothing") \
	X(SECOND_STREAM, 0, 1000, "another stream with the same token while the first lives") \
	X(AFTER_STOP, 10, 0, "VALUE media messages after stop") \
	X(NO_CLOSE, 0, 0, "after stop nothing: no close frame, the socket stays") \
	X(CUT, 0, 2000, "the socket is cut with a reset (cut=0) or a FIN (cut=1)") \
	X(NEVER_READ, 0, 0, "what the server sends is never read") \
	X(SLOW_READ, 2000, 0, "VALUE bytes are read in a second") \
	X(PLAY_LATE, 300, 0, "every answer begins to play VALUE ms late") \
	X(NO_ECHO, 0, 0, "marks are not echoed") \
	X(ECHO_TWICE, 0, 0, "marks are echoed twice") \
	X(ECHO_UNKNOWN, 0, 1000, "marks are echoed that were never sent") \
	X(STATUS_COMPLETED, 0, 2000, "a status callback says that the call is completed") \
	X(STATUS_STOPPED, 0, 2000, "a stream callback says that the stream has stopped") \
	X(BAD_DTMF, 0, 1000, "dtmf messages with no digit, a letter, a word and a number") \
	X(NO_PONG, 0, 0, "pings are not answered") \
	X(TONES_CUT, 0, 0, "the caller hangs up while keys of <Play> are heard") \
	X(BAD_SETUP, 1, 0, "relay: setup lacks something or has it wrong, in way VALUE of 1 to 13") \
	X(SESSION_ERROR, 64101, 2000, "relay: the session fails with code VALUE (64102, 39001: at once)") \
	X(TAKES_NONE, 10, 0, "relay: the server's first VALUE messages are taken for malformed") \
	X(INTERRUPTS, 50, 2000, "relay: VALUE interrupts at once") \
	X(HALF_EMOJI, 0, 1000, "relay: prompts with half an emoji each") \
	X(ODD_PROMPTS, 0, 1000, "relay: prompts of nothing, blanks, right to left, in no language") \
	X(HEARD_LOWER, 0, 0, "relay: what was heard is told in lower case (legal)") \
	X(HEARD_BARE, 0, 0, "relay: ... and without punctuation (legal)") \
	X(HEARD_UNKNOWN, 0, 0, "relay: ... and was never sent") \
	X(DURATION_TEXT, 0, 0, "relay: an interruption's time is a text, as it was once (legal)") \
	X(PLAYED_UNKNOWN, 0, 1000, "relay: words are told as played that were never sent")

enum fault_id {
#define X(id, value, at_ms, help) FAULT_##id,
	FAULTS(X)
#undef X
	    FAULT_COUNT
};

struct fault {
	bool on;
	long value, at_ms;
};

/* Turns on the fault that `spec` names. 0, or -1 if there is no such fault. */
int fault_set(struct fault faults[FAULT_COUNT], const char *spec);
void faults_help(void);
const char *fault_name(enum fault_id id, char out[WORD_SIZE]);

#endif
