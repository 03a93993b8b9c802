#include "server/agents/agent_file.h"

#include "common/json.h"
#include "server/agents/parts.h"
#include "server/agents/reader.h"
#include "server/config/config_check.h"
#include "server/config/config_names.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ texts and files */

static void read_file_name(struct reader *r, const cJSON *value, void *text)
{
	const char *name = reader_text(r, value, 1024);

	if (name)
		*(const char **)text = *name ? reader_file(r, name) : NULL;
	if (name && !*name)
		reader_wrong(r, "must not be empty");
}

/* Instructions stand in the file itself or in a text file beside it. "" is refused rather than
 * taken for "none": the setting holds only where the key is missing. */
static void read_instructions(struct reader *r, const cJSON *value, void *agent)
{
	static const struct key file_keys[] = { { "file", .read = read_file_name, .required = true },
		{ .name = NULL } };
	const char *text = NULL;

	if (cJSON_IsObject(value))
		reader_object(r, value, file_keys, NULL, &text);
	else if (!cJSON_IsString(value))
		reader_wrong(r, "must be a text in quotation marks, or {\"file\": \"name.md\"}");
	else if ((text = reader_text(r, value, READER_TEXT_MAX)) && !*text)
		reader_wrong(r, "must not be empty; left out, the setting INSTRUCTIONS holds");
	if (text && *text)
		reader_template(r, text, &((struct agent *)agent)->instructions);
}

static void read_greeting_text(struct reader *r, const cJSON *value, void *agent)
{
	const char *text = reader_text(r, value, 8192);

	if (text && !*text)
		reader_wrong(r, "must not be empty; \"mode\": \"wait\" lets the caller speak first");
	else
		reader_template(r, text, &((struct agent *)agent)->greeting);
}

static void read_machine_message(struct reader *r, const cJSON *value, void *agent)
{
	reader_template(r, reader_text(r, value, 8192), &((struct agent *)agent)->machine_message);
}

/* Only the folder is opened here, to find a wrong name at load; its text is indexed later. */
static void read_knowledge(struct reader *r, const cJSON *value, void *agent)
{
	const char *name = reader_text(r, value, 1024);
	struct agent *p = agent;
	struct buf path;
	DIR *dir;

	if (!name)
		return;
	if (!*name) {
		p->knowledge = "";
		return;
	}
	buf_init(&path, 0);
	buf_printf(&path, "%s%s%s", *name == '/' ? "" : r->folder, *name == '/' ? "" : "/", name);
	dir = opendir(buf_text(&path));
	if (!dir)
		reader_wrong(r, "names %.200s, which is no directory that can be read: %s", name, strerror(errno));
	else
		p->knowledge = agent_memory_keep(r->memory, buf_text(&path), path.len);
	if (dir)
		closedir(dir);
	buf_free(&path);
}

/* The file names an environment variable, so that agent files can be shared and committed. */
static void read_secret_env(struct reader *r, const cJSON *value, void *agent)
{
	const char *name = reader_name(r, value), *secret = name ? config_env(name) : NULL;

	if (name && (!secret || !*secret || check_token(secret)))
		reader_wrong(r, "names %s, which is not set, or not to one word", name);
	else if (name)
		((struct agent *)agent)->signing_secret = agent_memory_keep(r->memory, secret, strlen(secret));
}

/* ------------------------------------------------------- keys that depend on a type */

static void wants_other_type(struct reader *r, const cJSON *value, const char *const *names, const char *type)
{
	for (; *names; names++)
		if (json_get(value, *names))
			reader_wrong_at(r, *names, "belongs to \"type\": \"%s\"", type);
}

#define AT(field) offsetof(struct agent, field)

static const struct key turn_keys[] = {
	{ "type", AT(turn_detection), .setting = "TURN_DETECTION" },
	{ "threshold", AT(vad_threshold), .setting = "VAD_THRESHOLD" },
	{ "prefix_ms", AT(vad_prefix_ms), .setting = "VAD_PREFIX_MS" },
	{ "silence_ms", AT(vad_silence_ms), .setting = "VAD_SILENCE_MS" },
	{ "eagerness", AT(vad_eagerness), .setting = "VAD_EAGERNESS" },
	{ .name = NULL },
};

/* The type may come from the setting; a key of the other type would be ignored by the model. */
static void read_turn_detection(struct reader *r, const cJSON *value, void *agent)
{
	static const char *const by_loudness[] = { "threshold", "prefix_ms", "silence_ms", NULL };
	static const char *const by_sense[] = { "eagerness", NULL };
	const struct agent *p = agent;

	reader_object(r, value, turn_keys, NULL, agent);
	if (p->turn_detection == TURN_SEMANTIC_VAD)
		wants_other_type(r, value, by_loudness, "server_vad");
	else
		wants_other_type(r, value, by_sense, "semantic_vad");
}

static void read_outcome_schema(struct reader *r, const cJSON *value, void *agent)
{
	const char *schema = part_schema(r, value);

	if (schema)
		((struct agent *)agent)->outcome_schema = schema;
}

/* ------------------------------------------------------------------- the tables */

static const struct setting prose = { .type = SETTING_TEXT, .fallback = "", .most = 8192, .check = check_prose };
static const struct setting fill = { .type = SETTING_CHOICE, .words = "both|call|after" };
static const struct setting action = { .type = SETTING_CHOICE, .words = "ignore|message|hangup" };
static const struct setting yes = { .type = SETTING_SWITCH };
static const struct setting weight = { .type = SETTING_REAL, .min = 0, .max = 1000000 };

static const struct key greeting_keys[] = {
	{ "mode", AT(greeting_mode), .setting = "GREETING_MODE" },
	{ "text", .read = read_greeting_text },
	{ "protect_ms", AT(greeting_protect_ms), .setting = "GREETING_PROTECT_MS" },
	{ .name = NULL },
};

static const struct key transcription_keys[] = {
	{ "model", AT(transcription_model), .setting = "TRANSCRIPTION_MODEL" },
	{ "language", AT(transcription_language), .setting = "TRANSCRIPTION_LANGUAGE" },
	{ .name = NULL },
};

static const struct key outcome_keys[] = {
	{ "schema", .read = read_outcome_schema },
	{ "instructions", AT(outcome_instructions), .rule = &prose },
	{ "fill", AT(outcome_fill), .rule = &fill },
	{ .name = NULL },
};

static const struct key limit_keys[] = {
	{ "max_call_seconds", AT(max_call_seconds), .setting = "MAX_CALL_SECONDS" },
	{ "idle_seconds", AT(idle_seconds), .setting = "IDLE_SECONDS" },
	{ "reprompt_seconds", AT(reprompt_seconds), .setting = "REPROMPT_SECONDS" },
	{ "hold_music_seconds", AT(hold_music_seconds), .setting = "HOLD_MUSIC_SECONDS" },
	{ "max_call_cost", AT(max_call_cost), .setting = "MAX_CALL_COST" },
	{ .name = NULL },
};

static const struct key machine_keys[] = {
	{ "action", AT(machine), .rule = &action },
	{ "message", .read = read_machine_message },
	{ .name = NULL },
};

/* Keys of the file and of its variants alike, in the order of the guide's table. */
static const struct key agent_keys[] = {
	{ "channel", AT(channel), .setting = "CHANNEL" },
	{ "model_protocol", AT(model_protocol), .setting = "MODEL_PROTOCOL" },
	{ "relay", .read = relay_read },
	{ "model", AT(openai_model), .setting = "OPENAI_MODEL" },
	{ "voice", AT(voice), .setting = "OPENAI_VOICE" },
	{ "endpoints", .read = part_endpoints },
	{ "speed", AT(speed), .setting = "OPENAI_SPEED" },
	{ "languages", .read = part_languages },
	{ "instructions", .read = read_instructions },
	{ "greeting", .keys = greeting_keys },
	{ "interruptible", AT(interruptible), .setting = "INTERRUPTIBLE" },
	{ "turn_detection", .read = read_turn_detection },
	{ "transcription", .keys = transcription_keys },
	{ "noise_reduction", AT(noise_reduction), .setting = "NOISE_REDUCTION" },
	{ "reasoning_effort", AT(reasoning_effort), .setting = "REASONING_EFFORT" },
	{ "max_output_tokens", AT(max_output_tokens), .setting = "MAX_OUTPUT_TOKENS" },
	{ "tools", .read = part_tools },
	{ "mcp_servers", .read = part_mcp_servers },
	{ "knowledge", .read = read_knowledge },
	{ "instant_answers", .read = instants_read },
	{ "transfers", .read = part_transfers },
	{ "send_digits", AT(sends_digits), .rule = &yes },
	{ "outcome", .keys = outcome_keys },
	{ "webhooks", .read = part_webhooks },
	{ "signing_secret_env", .read = read_secret_env },
	{ "record", AT(record), .setting = "RECORD" },
	{ "limits", .keys = limit_keys },
	{ "fallback", .read = fallback_read },
	{ "machine", .keys = machine_keys },
	{ "phrases", .read = phrases_read },
	{ "say_voice", AT(say_voice), .rule = &say_voice_rule },
	{ "say_language", AT(say_language), .rule = &say_language_rule },
	{ .name = NULL },
};

/* --------------------------------------------------------------------- one agent */

/* Rules across keys. Called when `p` is complete, before agent_settle_languages grows its instructions. */
static void check_whole(struct reader *r, const struct agent *p)
{
	bool exact_by_file = p->greeting_mode == GREETING_EXACT && r->cfg->greeting_mode != GREETING_EXACT;

	relay_check(r, p);
	fallback_check(r, p);
	if ((p->model_protocol == MODEL_KIND_TEXT || p->channel == CHANNEL_GATHER) && p->mcp_count)
		reader_wrong_at(r, "mcp_servers", "go with \"model_protocol\": \"realtime\" only, and not with gather");
	if (exact_by_file && p->greeting == r->cfg->greeting)
		reader_wrong_at(r, "greeting.text", "must hold the words to say when the mode is exact");
	if (p->machine == MACHINE_MESSAGE && !*p->machine_message && !p->phrases[PHRASE_MACHINE])
		reader_wrong_at(r, "machine.message", "must say what message to leave when the action is message");
	if (!*p->outcome_schema && *p->outcome_instructions)
		reader_wrong_at(r, "outcome.schema", "is missing");
	if ((p->tool_count || p->webhook_count) && !*p->signing_secret)
		reader_wrong_at(r, "signing_secret_env",
		    "is missing, and SIGNING_SECRET is not set: what is sent to tools and webhooks is signed with it");
	if (p->record == RECORDING_LOCAL && !*r->cfg->data_dir)
		reader_wrong_at(r, "record", "is local, but DATA_DIR is not set: there is nowhere to write it");
}

/* ------------------------------------------------------------------------ variants */

static void read_variant_name(struct reader *r, const cJSON *value, void *agent)
{
	const char *name = reader_name(r, value);

	if (name)
		((struct agent *)agent)->variant = name;
}

static void refuse_in_variant(struct reader *r, const cJSON *value, void *agent)
{
	(void)value, (void)agent;
	reader_wrong(r, "belongs to the whole file, not to a variant");
}

static const struct key variant_keys[] = {
	{ "name", .read = read_variant_name, .required = true },
	{ "weight", AT(weight), .rule = &weight },
	{ "numbers", .read = refuse_in_variant },
	{ "variants", .read = refuse_in_variant },
	{ .name = NULL },
};

static void check_variants(struct reader *r, const struct agent_entry *a)
{
	double all = 0;

	for (size_t i = 0; i < a->variant_count; i++) {
		size_t mark = reader_enter_element(r, i);

		all += a->variants[i]->weight;
		for (size_t j = 0; j < i; j++) {
			if (*a->variants[i]->variant && !strcmp(a->variants[i]->variant, a->variants[j]->variant)) {
				reader_wrong_at(r, "name", "is the same as that of [%zu]", j);
				break;
			}
		}
		reader_leave(r, mark);
	}
	if (a->variant_count && all <= 0)
		reader_wrong(r, "must not all have the weight 0");
}

/* Each variant is a full agent: a copy of `base` with its own keys over it. Each is checked whole,
 * because a mistake may lie in what base and variant make together. */
static void read_variants(struct reader *r, const cJSON *list, const struct agent *base, struct agent_entry *a)
{
	size_t n = reader_array(r, list, AGENT_VARIANTS_MAX);
	const cJSON *value = n ? list->child : NULL;

	if (cJSON_IsArray(list) && !list->child)
		reader_wrong(r, "must have one element at least; leave it out if there are none");
	for (size_t i = 0; i < n; i++, value = value->next) {
		struct agent *p = agent_memory_new_agent(r->memory);
		size_t mark = reader_enter_element(r, i);

		if (p) {
			*p = *base;
			reader_object(r, value, variant_keys, agent_keys, p);
			relay_check_keys(r, value, p);
			check_whole(r, p);
			agent_settle_languages(p, r->cfg);
			agent_settle_model(p, r->cfg);
			a->variants[a->variant_count++] = p;
		}
		reader_leave(r, mark);
	}
	check_variants(r, a);
}

/* ------------------------------------------------------------------------ the file */

static void read_later(struct reader *r, const cJSON *value, void *agent)
{
	(void)r, (void)value, (void)agent;
}

static const struct key file_keys[] = {
	{ "numbers", .read = part_numbers },
	{ "variants", .read = read_later }, /* after all other keys: variants copy them */
	{ .name = NULL },
};

/* The whole file, in an order that matters: settings, then the file's keys over them, then variants
 * over those. Numbers left out altogether mean "all that no other agent names"; [] means none. */
static void read_tree(struct reader *r, const cJSON *tree, const char *name, struct agent_entry *a)
{
	const cJSON *variants = json_get(tree, "variants");
	struct agent *base = agent_memory_new_agent(r->memory);
	size_t mark;

	if (!base)
		return;
	agent_from_config(base, r->cfg);
	base->name = a->name = agent_memory_keep(r->memory, name, strlen(name));
	base->file = agent_memory_keep(r->memory, r->file, strlen(r->file));
	base->variant = "";
	a->answers_rest = !json_get(tree, "numbers");
	reader_object(r, tree, file_keys, agent_keys, base);
	if (!cJSON_IsObject(tree))
		return;
	if (variants) {
		mark = reader_enter(r, "variants");
		read_variants(r, variants, base, a);
		reader_leave(r, mark);
		return;
	}
	relay_check_keys(r, tree, base);
	check_whole(r, base);
	agent_settle_languages(base, r->cfg);
	agent_settle_model(base, r->cfg);
	a->variants[0] = base;
	a->variant_count = 1;
}

/* Windows editors save UTF-16; the JSON parser would only say "line 1, column 1". */
static const char *other_encoding(const struct agent_text *in)
{
	if (in->len >= 2 && (!memcmp(in->text, "\xFF\xFE", 2) || !memcmp(in->text, "\xFE\xFF", 2)))
		return "is UTF-16; save it as UTF-8";
	if (in->len >= 2 && (!in->text[0] || !in->text[1]))
		return "is UTF-16 or binary; save it as UTF-8";
	return NULL;
}

static cJSON *parse(struct reader *r, const struct agent_text *in)
{
	const char *how = other_encoding(in);
	size_t bom = in->len >= 3 && !memcmp(in->text, "\xEF\xBB\xBF", 3) ? 3 : 0;
	struct json_fault fault = { 0 };
	cJSON *tree = NULL;

	if (how) {
		reader_wrong(r, "%s", how);
		return NULL;
	}
	tree = json_parse_telling(in->text + bom, in->len - bom, &fault);
	if (!tree)
		reader_wrong(r, "line %zu, column %zu: %s", fault.line, fault.column, fault.sentence);
	return tree;
}

int agent_file_read(struct agent_entry *out, const struct config *cfg, const struct agent_text *in, struct buf *problem,
    struct buf *notes)
{
	struct reader r = { .cfg = cfg,
		.memory = agent_memory_new(),
		.file = in->file,
		.folder = in->folder,
		.problem = problem,
		.notes = notes };
	cJSON *tree;
	int err = 0;

	memset(out, 0, sizeof *out);
	if (!r.memory)
		return -ENOMEM;
	out->memory = r.memory;
	tree = parse(&r, in);
	if (tree)
		read_tree(&r, tree, in->name, out);
	cJSON_Delete(tree);
	if (r.mistakes > READER_MISTAKES_MAX)
		buf_printf(problem, "%s: and there is more\n", in->file);
	if (r.mistakes)
		err = -EINVAL;
	else if (agent_memory_no_memory(r.memory))
		err = -ENOMEM;
	if (err) {
		agent_memory_release(r.memory);
		memset(out, 0, sizeof *out);
	}
	return err;
}
