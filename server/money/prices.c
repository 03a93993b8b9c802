#include "server/money/prices.h"

#include "common/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024 };
static const double MOST = 1e6; /* USD; a price above this is a slip of the pen */

/* A name in the file and its place in the struct; both tables are made from the lists in prices.h. */
struct price_field {
	const char *name;
	size_t at;
};

static const struct price_field model_fields[] = {
#define X(name) { #name, offsetof(struct model_price, name) },
	MODEL_PRICES(X)
#undef X
};

static const struct price_field twilio_fields[] = {
#define X(name) { #name, offsetof(struct twilio_price, name) },
	TWILIO_PRICES(X)
#undef X
};

/* Of the models that talk; of the rest each says its own. */
enum {
	TOLD_MINUTE = 1 << PRICE_minute,
	TOLD_TOKENS = TOLD_MINUTE - 1, /* the kinds before it */
	TOLD_TEXT_AND_AUDIO_IN = 1 << PRICE_text_in | 1 << PRICE_audio_in | 1 << PRICE_text_out
};

/* As published on 2026-07-29 and 2026-10-03, Twilio's for the US in 2026-07. The price of a minute
 * of an incoming call depends on the number: none is assumed. */
static const struct prices builtin = {
	.date = "2026-10-03",
	.models = {
	    { .name = "gpt-realtime-2", .told = TOLD_TOKENS, .text_in = 4, .text_cached = 0.4, .text_out = 24, .audio_in = 32,
	        .audio_cached = 0.4, .audio_out = 64, .image_in = 5, .image_cached = 0.5 },
	    { .name = "gpt-realtime-1.5", .told = TOLD_TOKENS, .text_in = 4, .text_cached = 0.4, .text_out = 16, .audio_in = 32,
	        .audio_cached = 0.4, .audio_out = 64, .image_in = 5, .image_cached = 0.5 },
	    { .name = "gpt-realtime-2.1-mini", .told = TOLD_TOKENS, .text_in = 0.6, .text_cached = 0.06, .text_out = 2.4, .audio_in = 10,
	        .audio_cached = 0.3, .audio_out = 20, .image_in = 0.8, .image_cached = 0.08 },
	    { .name = "gpt-realtime-mini", .told = TOLD_TOKENS, .text_in = 0.6, .text_cached = 0.06, .text_out = 2.4, .audio_in = 10,
	        .audio_cached = 0.3, .audio_out = 20, .image_in = 0.8, .image_cached = 0.08 },
	    { .name = "gpt-realtime-whisper", .told = TOLD_MINUTE, .minute = 0.017 },
	    { .name = "gpt-live-transcribe", .told = TOLD_MINUTE, .minute = 0.017 },
	    { .name = "gpt-4o-mini-transcribe", .told = TOLD_TEXT_AND_AUDIO_IN, .text_in = 1.25, .audio_in = 1.25, .text_out = 5 },
	    { .name = "gpt-transcribe", .told = TOLD_MINUTE, .minute = 0.006 },
	},
	.count = 8,
	.twilio = { .stream_minute = 0.0044, .dialer_minute = 0.014, .recording_minute = 0.0025,
	    .machine_detection = 0.0075 },
};

const struct prices *prices_builtin(void)
{
	return &builtin;
}

enum {
	MODEL_FIELDS = sizeof model_fields / sizeof *model_fields,
	TWILIO_FIELDS = sizeof twilio_fields / sizeof *twilio_fields
};

/* Reads one object of prices; `fields` says where in `into` each goes. Prices left out are 0, and
 * have no bit in `told`. */
static int take_prices(const cJSON *object, const struct price_field *fields, size_t count, void *into, unsigned *told,
    const char *place, struct buf *problem)
{
	const cJSON *entry;

	if (!cJSON_IsObject(object)) {
		buf_printf(problem, "%s must be an object of prices", place);
		return -EINVAL;
	}
	cJSON_ArrayForEach(entry, object)
	{
		size_t i = 0;

		while (i < count && strcmp(fields[i].name, entry->string))
			i++;
		if (i == count) {
			buf_printf(problem, "%s.%.64s is no price that is known here", place, entry->string);
			return -EINVAL;
		}
		if (!cJSON_IsNumber(entry) || !(entry->valuedouble >= 0 && entry->valuedouble <= MOST)) {
			buf_printf(problem, "%s.%s must be a number of USD, 0 or more", place, entry->string);
			return -EINVAL;
		}
		memcpy((char *)into + fields[i].at, &entry->valuedouble, sizeof(double));
		*told |= 1U << i;
	}
	return 0;
}

/* The file replaces the built-in table and does not add to it: a person should see every price that
 * counts in one place. */
static int take_models(struct prices *out, const cJSON *models, struct buf *problem)
{
	const cJSON *entry;

	if (!cJSON_IsObject(models)) {
		buf_puts(problem, "models must be an object: the names of models, and an object of prices for each");
		return -EINVAL;
	}
	cJSON_ArrayForEach(entry, models)
	{
		struct model_price *price = &out->models[out->count];
		char place[FOREIGN_ID_SIZE + 16];
		int err;

		if (!entry->string[0] || strlen(entry->string) >= FOREIGN_ID_SIZE) {
			buf_printf(problem, "models: a name of %zu characters is none", strlen(entry->string));
			return -EINVAL;
		}
		if (out->count == PRICES_MODELS_MAX) {
			buf_printf(problem, "models: more than %d", PRICES_MODELS_MAX);
			return -EINVAL;
		}
		snprintf(price->name, sizeof price->name, "%s", entry->string);
		snprintf(place, sizeof place, "models.%s", entry->string);
		err = take_prices(entry, model_fields, MODEL_FIELDS, price, &price->told, place, problem);
		if (err)
			return err;
		out->count++;
	}
	return 0;
}

/* By its shape only: the date is told to people, nothing is calculated with it. */
static bool is_date(const char *text)
{
	static const char pattern[] = "dddd-dd-dd";

	if (!text || strlen(text) != sizeof pattern - 1)
		return false;
	for (size_t i = 0; pattern[i]; i++)
		if (pattern[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
			return false;
	return true;
}

/* The keys of the file are checked before its content, so that a misspelt "models" is told as such.
 * An error leaves `out` half filled, and the caller throws it away. */
static int take(struct prices *out, const cJSON *root, struct buf *problem)
{
	static const char *const known[] = { "date", "models", "twilio" };
	const char *date = json_str(root, "date");
	const cJSON *twilio = json_get(root, "twilio"), *entry;
	unsigned told = 0; /* what is left out of Twilio's part is free */
	int err;

	if (!cJSON_IsObject(root)) {
		buf_puts(problem, "must be a JSON object with date, models and twilio");
		return -EINVAL;
	}
	cJSON_ArrayForEach(entry, root)
	{
		size_t i = 0;

		while (i < 3 && strcmp(known[i], entry->string))
			i++;
		if (i == 3) {
			buf_printf(
			    problem, "%.64s is not known here; there are date, models and twilio", entry->string);
			return -EINVAL;
		}
	}
	if (!is_date(date)) {
		buf_puts(problem, "date must be the day the prices are of, as in 2026-10-03");
		return -EINVAL;
	}
	snprintf(out->date, sizeof out->date, "%s", date);
	err = take_models(out, json_get(root, "models"), problem);
	if (!err && twilio)
		err = take_prices(twilio, twilio_fields, TWILIO_FIELDS, &out->twilio, &told, "twilio", problem);
	return err;
}

int prices_parse(struct prices *out, const char *text, size_t len, struct buf *problem)
{
	cJSON *root = json_parse(text, len);
	int err;

	memset(out, 0, sizeof *out);
	if (!root) {
		buf_puts(problem, "is not JSON");
		return -EINVAL;
	}
	err = take(out, root, problem);
	cJSON_Delete(root);
	return err;
}

/* At start, so a mistake stops the program with a sentence. One byte more than allowed is read, to
 * tell a file that is too large from one that just fits. */
int prices_load(struct prices *out, const char *path, struct buf *problem)
{
	struct buf why;
	FILE *file;
	char *text;
	size_t len;
	int err;

	*out = builtin;
	if (!path[0])
		return 0;
	file = fopen(path, "re");
	if (!file) {
		err = -errno;
		buf_printf(problem, "PRICES_FILE: %s: %s\n", path, strerror(errno));
		return err;
	}
	text = malloc(FILE_MAX + 1);
	len = text ? fread(text, 1, FILE_MAX + 1, file) : 0;
	fclose(file);
	buf_init(&why, 0);
	if (len > FILE_MAX) {
		buf_printf(&why, "is larger than %d KB", FILE_MAX / 1024);
		err = -EINVAL;
	} else {
		err = text ? prices_parse(out, text, len, &why) : -ENOMEM;
	}
	if (err)
		buf_printf(problem, "PRICES_FILE: %s: %s\n", path, err == -ENOMEM ? "out of memory" : buf_text(&why));
	buf_free(&why);
	free(text);
	return err;
}

/* The longest name that begins the model's and ends at a word's end. Of two equal names the first
 * wins. */
const struct model_price *prices_find(const struct prices *p, const char *model)
{
	const struct model_price *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < p->count; i++) {
		size_t len = strlen(p->models[i].name);

		/* gpt-realtime-2025-08-28 is no gpt-realtime-2. */
		if (len > longest && !strncmp(p->models[i].name, model, len) && !isalnum((unsigned char)model[len])) {
			best = &p->models[i];
			longest = len;
		}
	}
	return best;
}

static double price_of(const struct model_price *price, size_t kind)
{
	double usd;

	memcpy(&usd, (const char *)price + model_fields[kind].at, sizeof usd);
	return usd;
}

static void set_price(struct model_price *price, size_t kind, double usd)
{
	memcpy((char *)price + model_fields[kind].at, &usd, sizeof usd);
}

/* Over all models that the table tells this of. -1: it does so of none. */
static double dearest(const struct prices *p, size_t kind)
{
	double most = -1;

	for (size_t i = 0; i < p->count; i++)
		if (p->models[i].told & 1U << kind && price_of(&p->models[i], kind) > most)
			most = price_of(&p->models[i], kind);
	return most;
}

/* A table of one's own may tell nothing of a kind; the built-in one tells of all. */
void prices_of_model(const struct prices *p, const char *model, struct model_price *out)
{
	static const struct {
		enum model_price_kind cached, whole;
	} pairs[] = { { PRICE_text_cached, PRICE_text_in }, { PRICE_audio_cached, PRICE_audio_in },
		{ PRICE_image_cached, PRICE_image_in } };
	const struct model_price *found = prices_find(p, model);

	*out = found ? *found : (struct model_price){ .told = 0 };
	for (size_t kind = 0; kind < PRICE_KINDS; kind++) {
		double most = out->told & 1U << kind ? 0 : dearest(p, kind);

		if (!(out->told & 1U << kind))
			set_price(out, kind, most < 0 ? dearest(&builtin, kind) : most);
	}
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (!(out->told & 1U << pairs[i].cached) && out->told & 1U << pairs[i].whole)
			set_price(out, pairs[i].cached, price_of(out, pairs[i].whole));
}
