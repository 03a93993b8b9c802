#ifndef PARTS_H
#define PARTS_H
/* The program as a table of its parts (parts.c): their order of opening, and the work of
 * each at drain, at main's tick, and for warnings, /status and /ready.
 *
 * All functions: main's thread.
 */
#include "server/config/config.h"
#include "server/dialer_hooks.h"
#include "server/model/endpoints.h"

struct web;

struct program {
	struct config *cfg;               /* set by main before parts_open */
	struct model_endpoints endpoints; /* of the model */
	struct agents *agents;
	struct work *work;
	struct text_carrier *text; /* carries the text model's answers */
	struct store *store;       /* NULL without DATA_DIR */
	struct fleet *fleet;
	struct model_health *health;
	struct spending *spending;
	struct recorder *recorder; /* NULL without DATA_DIR */
	struct voice *voice;       /* NULL with VOICE_CACHE=off */
	struct dialer *dialer;     /* calls that we place */
	struct dialer_view dialer_view;
	struct delivery *delivery;
	struct calls *calls;
	struct hub *hub;
	struct knowledge *knowledge;
	struct outcomes *outcomes;   /* NULL without a store */
	struct voicemail *voicemail; /* the same */
	struct web *web;
	size_t opened; /* how many parts of the table */
};

/* Opens all parts, in order. 0; or -errno of the first that failed, with a sentence in
 * `problem`; those before it stay open, for parts_close. */
int parts_open(struct program *p, struct buf *problem);

/* Closes the open parts, in the reverse order: a part goes before those it uses. */
void parts_close(struct program *p);

/* Before the end: the parts begin nothing new. In the reverse order, too. */
void parts_drain(struct program *p);

/* About four times a second. Does not wait. */
void parts_tend(struct program *p, int64_t now_us);

/* Appends warnings for a person, at start and after a reload; a line each. */
void parts_warn(struct program *p, struct buf *out);

#endif
