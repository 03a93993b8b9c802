#ifndef CONFIG_CONFIG_WARNINGS_H
#define CONFIG_CONFIG_WARNINGS_H
/* What is to be said of settings that were read without a mistake. */
#include "server/config/config.h"

/* What must be said at start though it is no mistake: a model with an announced
 * end, validation switched off. One sentence a line. */
void config_warnings(const struct config *cfg, struct buf *out);

/* What is missing before real calls can be carried (keys); one sentence that
 * also names `make demo`, or "" if nothing. */
void config_missing(const struct config *cfg, struct buf *out);

#endif
