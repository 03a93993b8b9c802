#ifndef CONFIG_CONFIG_WARNINGS_H
#define CONFIG_CONFIG_WARNINGS_H
/* Warnings about settings that were read without a mistake. */
#include "server/config/config.h"

#include <stdint.h>

/* Appends a sentence a line about settings that are valid but dangerous or of no
 * effect: validation switched off, a recording that has no place. */
void config_warnings(const struct config *cfg, struct buf *out);

/* IDLE_SECONDS ends a silent call before it was asked twice, and heard a goodbye. */
bool config_idle_comes_first(int idle_seconds, int reprompt_seconds);

/* Sentences about models whose end OpenAI has announced, as things stand at `wall_ms`: one a line,
 * and each once. */
struct model_ends {
	int64_t wall_ms;
	struct buf *ended; /* sessions with them are refused by now: a mistake */
	struct buf *ahead; /* the end is still to come */
};

/* Of one agent's sessions at the endpoint of that number: `file` names where the models are from, unless
 * they are the settings' own texts. */
void config_model_ends(const struct config *cfg, int number, const char *file, const char *model,
    const char *transcription, const struct model_ends *to);

/* True, with one sentence, if keys are missing for real calls; it also names `make demo`. */
bool config_missing(const struct config *cfg, struct buf *out);

/* True, with a sentence, if TZ names no zone: no warning but a mistake, with which the server answers
 * calls all the same. */
bool config_wrong_zone(const struct config *cfg, struct buf *out);

#endif
