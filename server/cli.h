#ifndef CLI_H
#define CLI_H
/* The command line: what trunkline does when it is started with an option, and
 * the settings with which it does it.
 */
#include "server/config/config.h"

/* Does what the arguments say. Without any it checks that the keys are set, and
 * calls `serve` with the settings. The exit status. */
int cli_run(int argc, char **argv, int (*serve)(struct config *cfg));

#endif
