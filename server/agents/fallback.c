#include "server/agents/fallback.h"

#include "common/json.h"
#include "server/agents/agent.h"
#include "server/agents/reader.h"
#include "server/config/config_check.h"

#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = 16 };

static const char *const names[RUNG_KINDS] = {
	[RUNG_NONE] = "",
	[RUNG_RECONNECT] = "reconnect",
	[RUNG_TEXT] = "text",
	[RUNG_DIAL] = "dial",
	[RUNG_VOICEMAIL] = "voicemail",
};

static const struct agent_rung blank = { .ring_seconds = 30, .max_seconds = 120 };

const char *rung_name(enum rung_kind kind)
{
	return names[kind];
}

enum rung_kind rung_named(const char *name)
{
	for (int kind = RUNG_NONE + 1; kind < RUNG_KINDS; kind++)
		if (!strcmp(names[kind], name))
			return (enum rung_kind)kind;
	return RUNG_NONE;
}

static struct agent_rung *add(struct agent_fallback *f, enum rung_kind kind)
{
	struct agent_rung *rung = &f->rungs[f->count++];

	*rung = blank;
	rung->kind = kind;
	return rung;
}

/* `none` is no rung's name. */
void fallback_from_config(struct agent_fallback *f, const struct config *cfg)
{
	*f = (struct agent_fallback){ .count = 0 };
	for (int kind = RUNG_NONE + 1; !cfg->fallback_count && kind < RUNG_KINDS; kind++)
		add(f, (enum rung_kind)kind);
	for (size_t i = 0; i < cfg->fallback_count && f->count < RUNGS_MAX; i++) {
		enum rung_kind kind = rung_named(cfg->fallback[i]);

		if (kind != RUNG_NONE && !fallback_rung(f, kind))
			add(f, kind);
	}
}

const struct agent_rung *fallback_rung(const struct agent_fallback *f, enum rung_kind kind)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->rungs[i].kind == kind)
			return &f->rungs[i];
	return NULL;
}

const struct agent_rung *fallback_after(const struct agent_fallback *f, enum rung_kind kind)
{
	const struct agent_rung *rung = kind == RUNG_NONE ? f->rungs : fallback_rung(f, kind);

	if (rung && kind != RUNG_NONE)
		rung++;
	return rung && rung < f->rungs + f->count ? rung : NULL;
}

const char *rung_number(const struct agent *p, const struct agent_rung *rung, size_t at)
{
	if (rung->number_count)
		return at < rung->number_count ? rung->numbers[at] : NULL;
	return at || !*p->fallback_number ? NULL : p->fallback_number;
}

/* A conversation in text leaves nothing for a stream or session to go on with.
 * The message itself is Twilio's to keep until we have fetched it, which takes our credentials. */
const char *rung_lacks(const struct agent *p, const struct agent_rung *rung, const struct config *cfg)
{
	const struct agent_rung *text = fallback_rung(&p->fallback, RUNG_TEXT);

	switch (rung->kind) {
	case RUNG_RECONNECT:
		return text && text < rung ? "comes too late behind text" : NULL;
	case RUNG_TEXT:
		if (p->channel == CHANNEL_GATHER)
			return "is what \"channel\": \"gather\" is already";
		return *cfg->text_api_key || *cfg->openai_api_key ? NULL : "needs TEXT_API_KEY or OPENAI_API_KEY";
	case RUNG_DIAL:
		return rung_number(p, rung, 0) ? NULL : "needs numbers, or OVERFLOW_NUMBER";
	case RUNG_VOICEMAIL:
		if (!*cfg->data_dir)
			return "needs DATA_DIR, where messages are kept";
		if (!*cfg->twilio_account_sid || (!cfg->twilio_auth_token_count && !*cfg->twilio_api_key_sid))
			return "needs TWILIO_ACCOUNT_SID and a key, with which messages are fetched";
		return NULL;
	case RUNG_NONE:
	case RUNG_KINDS:
		break;
	}
	return NULL;
}

const char *fallback_setting_problem(const struct config *cfg)
{
	const char *lacks = NULL;
	struct agent p = { .fallback_number = cfg->overflow_number };

	fallback_from_config(&p.fallback, cfg);
	for (size_t i = 0; cfg->fallback_count && i < p.fallback.count && !lacks; i++)
		if (p.fallback.rungs[i].kind != RUNG_DIAL) /* the files have numbers, too */
			lacks = rung_lacks(&p, &p.fallback.rungs[i], cfg);
	return lacks;
}

/* ------------------------------------------------------------------------ in files */

static void read_number(struct reader *r, const cJSON *value, const char **out)
{
	const char *text = reader_text(r, value, 60), *how = text ? check_destination(text) : NULL;

	if (how)
		reader_wrong(r, "%s", how);
	else if (text)
		*out = agent_memory_keep(r->memory, text, strlen(text));
}

static void read_numbers(struct reader *r, const cJSON *list, void *into)
{
	struct agent_rung *rung = into;
	size_t n = reader_array(r, list, NUMBERS_MAX);
	const char **kept = n ? agent_memory_alloc(r->memory, n * sizeof *kept) : NULL;
	const cJSON *value = n ? list->child : NULL;

	rung->kind = rung->kind == RUNG_NONE ? RUNG_DIAL : RUNG_KINDS;
	if (cJSON_IsArray(list) && !list->child)
		reader_wrong(r, "must name one number at least; \"dial\" alone means the fallback number");
	for (size_t i = 0; kept && i < n; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);

		kept[i] = "";
		read_number(r, value, &kept[i]);
		reader_leave(r, mark);
	}
	rung->numbers = kept;
	rung->number_count = kept ? n : 0;
}

static const struct setting ring_seconds = { .type = SETTING_INT, .min = 5, .max = 600, .unit = "s" };
static const struct setting max_seconds = { .type = SETTING_INT, .min = 5, .max = 600, .unit = "s" };

static const struct key voicemail_keys[] = {
	{ "max_seconds", offsetof(struct agent_rung, max_seconds), .rule = &max_seconds },
	{ .name = NULL },
};

static void read_voicemail(struct reader *r, const cJSON *value, void *into)
{
	struct agent_rung *rung = into;

	rung->kind = rung->kind == RUNG_NONE ? RUNG_VOICEMAIL : RUNG_KINDS;
	reader_object(r, value, voicemail_keys, NULL, rung);
}

static const struct key rung_keys[] = {
	{ "dial", .read = read_numbers },
	{ "ring_seconds", offsetof(struct agent_rung, ring_seconds), .rule = &ring_seconds },
	{ "voicemail", .read = read_voicemail },
	{ .name = NULL },
};

/* A word, or an object with more to say of it. */
static void read_rung(struct reader *r, const cJSON *value, struct agent_fallback *f)
{
	struct agent_rung rung = blank;

	if (cJSON_IsString(value)) {
		if ((rung.kind = rung_named(value->valuestring)) == RUNG_NONE)
			reader_wrong_word(r, "reconnect|text|dial|voicemail");
	} else if (cJSON_IsObject(value)) {
		reader_object(r, value, rung_keys, NULL, &rung);
		if (rung.kind == RUNG_NONE || rung.kind == RUNG_KINDS)
			reader_wrong(r, "must have one of the keys dial and voicemail");
		if (rung.kind == RUNG_VOICEMAIL && json_get(value, "ring_seconds"))
			reader_wrong_at(r, "ring_seconds", "belongs to dial");
	} else {
		reader_wrong(r, "must be a word in quotation marks, or {\"dial\": …} or {\"voicemail\": …}");
	}
	if (rung.kind == RUNG_NONE || rung.kind == RUNG_KINDS)
		return;
	if (fallback_rung(f, rung.kind))
		reader_wrong(r, "is there twice");
	else
		*add(f, rung.kind) = rung;
}

static const struct key number_keys[] = {
	{ "number", offsetof(struct agent, fallback_number), .setting = "OVERFLOW_NUMBER" },
	{ .name = NULL },
};

/* Before there were rungs, an object named the one number. */
void fallback_read(struct reader *r, const cJSON *value, void *agent)
{
	struct agent *p = agent;
	size_t n;

	if (cJSON_IsObject(value)) {
		reader_object(r, value, number_keys, NULL, p);
		return;
	}
	n = reader_array(r, value, RUNGS_MAX);
	if (!cJSON_IsArray(value))
		return;
	p->fallback = (struct agent_fallback){ .listed = true };
	value = value->child;
	for (size_t i = 0; i < n; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);

		read_rung(r, value, &p->fallback);
		reader_leave(r, mark);
	}
}

void fallback_check(struct reader *r, const struct agent *p)
{
	char place[32];

	for (size_t i = 0; p->fallback.listed && i < p->fallback.count; i++) {
		const char *lacks = rung_lacks(p, &p->fallback.rungs[i], r->cfg);

		snprintf(place, sizeof place, "fallback[%zu]", i);
		if (lacks)
			reader_wrong_at(r, place, "is %s, which %s", rung_name(p->fallback.rungs[i].kind), lacks);
	}
}
