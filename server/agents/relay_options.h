#ifndef AGENTS_RELAY_OPTIONS_H
#define AGENTS_RELAY_OPTIONS_H
/* ConversationRelay, as an agent's file asks for it: `relay` holds the attributes of
 * Twilio's TwiML under Twilio's own names, its languages, and the sounds it may play.
 *
 * What we rely on is always written; the rest only if the file names it. Twilio finds a
 * wrong value only when a caller is there, so all are checked at load. Source: Twilio's
 * documentation of <ConversationRelay> (2026-11).
 */
#include <stdbool.h>
#include <stddef.h>

/* Attributes of <ConversationRelay>, in the order in which they are written. */
#define RELAY_ATTRIBUTES(X) \
	X(welcomeGreeting) \
	X(welcomeGreetingInterruptible) \
	X(language) \
	X(ttsLanguage) \
	X(ttsProvider) \
	X(voice) \
	X(transcriptionLanguage) \
	X(transcriptionProvider) \
	X(speechModel) \
	X(interruptible) \
	X(interruptSensitivity) \
	X(dtmfDetection) \
	X(reportInputDuringAgentSpeech) \
	X(preemptible) \
	X(hints) \
	X(debug) \
	X(elevenlabsTextNormalization) \
	X(intelligenceService) /* of 2026 */ \
	X(events) \
	X(partialPrompts) \
	X(speechTimeout) \
	X(eotThreshold) \
	X(ignoreBackchannel) \
	X(deepgramSmartFormat) \
	X(profanityFilter) \
	X(backgroundNoiseReduction) \
	X(turnDetection) \
	X(conversationConfiguration) \
	X(conversationId)

enum relay_attribute {
#define X(name) RELAY_##name,
	RELAY_ATTRIBUTES(X)
#undef X
	    RELAY_ATTRIBUTE_COUNT
};

struct relay_language { /* a <Language>; "" is left out */
	const char *code, *tts_provider, *voice, *transcription_provider, *speech_model;
};

struct relay {
	const char *attributes[RELAY_ATTRIBUTE_COUNT]; /* as written; NULL: left out */
	const struct relay_language *languages;        /* it may switch to; none: to no other */
	size_t language_count;
	const char *const *plays; /* https addresses of sounds */
	size_t play_count;
};

struct agent;
struct cJSON;
struct reader;

extern const char *const relay_attribute_names[RELAY_ATTRIBUTE_COUNT];

/* For agent_file.c: reads `relay` into a struct agent. */
void relay_read(struct reader *r, const struct cJSON *value, void *agent);

/* Tells what the values come to together, once the agent is complete. */
void relay_check(struct reader *r, const struct agent *p);

/* Tells which of its keys have no effect by its channel, or say one thing twice. */
void relay_check_keys(struct reader *r, const struct cJSON *keys, const struct agent *p);

/* The value to be written: the file's, or of those that are always written ours; NULL: it is
 * left out. Not for welcomeGreeting, which is the call's. */
const char *relay_attribute(const struct agent *p, enum relay_attribute which);

#endif
