#ifndef PARTS_H
#define PARTS_H
/* The program as a table of its parts, in parts.c: which there are, in which order
 * they are opened, and what each does when the program drains, looks after its
 * house, or says what is odd about its settings.
 *
 * All functions: main's thread.
 */
#include "server/config/config.h"
#include "server/dialer_hooks.h"
#include "server/model/access.h"

struct web;

struct program {
	struct config *cfg; /* set by main, before all else */
	struct model_access access;
	struct agents *agents;
	struct work *work;
	struct store *store; /* NULL without DATA_DIR */
	struct fleet *fleet;
	struct recorder *recorder; /* NULL without DATA_DIR */
	struct dialer *dialer;     /* calls we place */
	struct dialer_view dialer_view;
	struct delivery *delivery;
	struct calls *calls;
	struct hub *hub;
	struct knowledge *knowledge;
	struct outcomes *outcomes; /* NULL without a store */
	struct web *web;
	size_t opened; /* of the table */
};

/* All of them, in order. 0; or -errno of one that could not be opened, with a
 * sentence in `problem`, and those before it are open. */
int parts_open(struct program *p, struct buf *problem);

/* Those that are open, in the reverse order: a part is gone before what it uses. */
void parts_close(struct program *p);

/* The end is near: nothing new is begun. In the reverse order, too. */
void parts_drain(struct program *p);

/* About four times a second. Does not wait. */
void parts_tend(struct program *p, int64_t now_us);

/* Appends what a person should know at start, and after a reload; a line each. */
void parts_warn(struct program *p, struct buf *out);

#endif
