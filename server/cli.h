#ifndef CLI_H
#define CLI_H
/* The command line: the options of trunkline, and the settings for them.
 */
#include "server/config/config.h"

/* Carries out the option in the arguments. Without one it checks that the keys are set,
 * and calls `serve` with the settings. Returns the exit status: 2 for wrong usage. */
int cli_run(int argc, char **argv, int (*serve)(struct config *cfg));

#endif
