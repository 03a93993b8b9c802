#ifndef CHECK_H
#define CHECK_H
/* --check: whether a call would work with these settings and agents, in words.
 */
#include "common/buf.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdio.h>

/* All steps run before a mistake ends it, so that one run names them all: the settings,
 * the way to the model, the port, the prices, DATA_DIR, the agents. The model and Twilio
 * are asked only if these are sound, and never `offline`. The mistakes go to stderr, the
 * rest to stdout. Main thread, before any other; it may wait for the network. Returns the
 * exit status. */
int check_all(struct config *cfg, bool offline);

/* Prints lines as a terminal shall have them (readable.h), and flushes, so that those of stdout and stderr
 * stay in their order. */
void print_text(FILE *to, const struct buf *text);

#endif
