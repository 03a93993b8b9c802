#ifndef CONFIG_CONFIG_WARNINGS_H
#define CONFIG_CONFIG_WARNINGS_H
/* Warnings about settings that were read without a mistake. */
#include "server/config/config.h"

/* Appends a sentence a line about settings that are valid but dangerous or of no
 * effect: a model with an announced end, validation switched off. */
void config_warnings(const struct config *cfg, struct buf *out);

/* True, with one sentence, if keys are missing for real calls; it also names `make demo`. */
bool config_missing(const struct config *cfg, struct buf *out);

/* True, with a sentence, if TZ names no zone: no warning but a mistake, with which the server answers
 * calls all the same. */
bool config_wrong_zone(const struct config *cfg, struct buf *out);

#endif
