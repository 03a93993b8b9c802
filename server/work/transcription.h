#ifndef WORK_TRANSCRIPTION_H
#define WORK_TRANSCRIPTION_H
/* A file of speech as text: one request to a transcription API, OpenAI's or one that is spoken to in
 * the same way (POST /v1/audio/transcriptions). */
#include "server/model/protocol.h"
#include "server/work/text_model.h"

/* False: VOICEMAIL_MODEL is off, or there is no key. */
bool transcription_wanted(const struct config *cfg);

/* It is not off, and there is no key: then Twilio is asked for it, with the recording. */
bool transcription_by_twilio(const struct config *cfg);

/* The meaning of an answer's body; its text may be "": nobody spoke. `used` (zeroed) stays as it is, where
 * nothing is said of that. Pure. */
void transcription_read(const char *body, size_t len, struct text_answer *out, struct model_usage *used);

/* Asks, once: TEXT_UNAVAILABLE may pass. `file`: a path of a WAV; `language`: ISO-639-1, "" to have it
 * guessed; *retry_after_s: -1 without one; `used` as above. Blocks, for two minutes at most: for background jobs.
 * `cancel` as for fetch. text_answer_free ends it. */
void transcription_ask(const struct config *cfg, const char *file, const char *language, const _Atomic bool *cancel,
    struct text_answer *out, struct model_usage *used, int64_t *retry_after_s);

#endif
