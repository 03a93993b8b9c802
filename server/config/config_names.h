#ifndef CONFIG_CONFIG_NAMES_H
#define CONFIG_CONFIG_NAMES_H
/* Names in the environment that were meant as settings and are none.
 *
 * A misspelt setting is not an error, since the environment holds much that is for others; but
 * whoever wrote MAX_CALS wonders why nothing comes of it. Values are never shown.
 */
#include "common/buf.h"

#include <stdbool.h>

/* getenv, for names that agents' files give: these are not unknown any more. Main's thread only. */
const char *config_env(const char *name);

/* What older programs of this kind call a setting, read through `lookup` in its place: the value
 * that the setting gets, borrowed or constant; NULL: none of its other names is set. */
const char *config_alias(const char *setting, const char *(*lookup)(void *arg, const char *name), void *arg);

/* A sentence a line for each name in `environment` (as environ) that resembles a setting, or that
 * similar programs use. CONFIG_NAMES_OF_FILE there lists, with blanks between, the names that came
 * from .env: what is written down there is for this program, so with `all` every one of them is
 * told that nobody has a use for; ask so only after the agents were read. */
#define CONFIG_NAMES_OF_FILE "TRUNKLINE_ENV_NAMES"
void config_names(char *const *environment, bool all, struct buf *out);

#endif
