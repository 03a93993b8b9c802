#ifndef MONEY_PRICES_H
#define MONEY_PRICES_H
/* Prices in USD: a dated table, built in or from PRICES_FILE. A model's price is
 * that of the longest name in the table that begins its own, so that a dated
 * snapshot costs as much as its family. What the table does not tell counts as the
 * dearest that it does. Constant once loaded.
 *
 *   { "date": "2026-10-03",
 *     "models": { "gpt-realtime-2": { "text_in": 4, "text_cached": 0.4, … } },
 *     "twilio": { "stream_minute": 0.0044, … } }
 */
#include "common/buf.h"
#include "common/foreign.h"

#include <stdbool.h>
#include <stddef.h>

enum { PRICES_MODELS_MAX = 128 };

/* Name in the file; USD per million tokens, or per what the name says. */
#define MODEL_PRICES(X) \
	X(text_in) \
	X(text_cached) X(text_out) X(audio_in) X(audio_cached) X(audio_out) X(image_in) X(image_cached) X(minute)
#define TWILIO_PRICES(X) X(stream_minute) X(inbound_minute) X(dialer_minute) X(recording_minute) X(machine_detection)

enum model_price_kind {
#define X(name) PRICE_##name,
	MODEL_PRICES(X)
#undef X
	    PRICE_KINDS
};

struct model_price {
	char name[FOREIGN_ID_SIZE];
	unsigned told; /* a bit for each model_price_kind in the table; others are 0 here */
#define X(name) double name;
	MODEL_PRICES(X)
#undef X
};

struct twilio_price {
#define X(name) double name;
	TWILIO_PRICES(X)
#undef X
};

struct prices {
	char date[11]; /* YYYY-MM-DD: the day they were published */
	struct model_price models[PRICES_MODELS_MAX];
	size_t count;
	struct twilio_price twilio;
};

const struct prices *prices_builtin(void);

/* From JSON. 0, or -EINVAL with a sentence naming the place. Unknown names are
 * mistakes, since an unread price would be missing in every sum. */
int prices_parse(struct prices *out, const char *text, size_t len, struct buf *problem);

/* The same from a file, "" being the built-in table; also -errno of reading. */
int prices_load(struct prices *out, const char *path, struct buf *problem);

/* NULL: the model has no price. */
const struct model_price *prices_find(const struct prices *p, const char *model);

/* All prices of that model. One that the table does not tell (see `told`) is that of
 * the dearest model; a cached token costs no more than the model's own uncached one. */
void prices_of_model(const struct prices *p, const char *model, struct model_price *out);

#endif
