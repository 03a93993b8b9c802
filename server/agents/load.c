#include "server/agents/load.h"

#include "common/log.h"
#include "server/agents/agent_file.h"
#include "server/agents/read_file.h"
#include "server/agents/template.h"
#include "server/config/config_warnings.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One loading. It goes on after a mistake and keeps only the verdict, so that an operator sees all
 * mistakes of all files in one go. */
struct loading {
	const struct config *cfg;
	struct agent_set *set;
	struct buf *problem, *notes;
	int err;
};

static void fail(struct loading *l, int err)
{
	/* A lack of memory explains every other mistake. */
	if (l->err != -ENOMEM)
		l->err = err;
}

/* INSTRUCTIONS and GREETING are templates like an agent's own texts. They are checked here and not
 * in config/, which knows nothing of variables. */
static void check_settings(struct loading *l)
{
	const struct {
		const char *name, *text;
	} texts[] = { { "INSTRUCTIONS", l->cfg->instructions }, { "GREETING", l->cfg->greeting } };
	const char *channel = agent_channel_problem(l->cfg->channel, l->cfg->model_protocol, l->cfg->record);
	const char *fallback;

	if (channel) {
		buf_printf(l->problem, "CHANNEL: %s\n", channel);
		fail(l, -EINVAL);
	}
	if ((fallback = fallback_setting_problem(l->cfg))) {
		buf_printf(l->problem, "FALLBACK: one of its rungs %s\n", fallback);
		fail(l, -EINVAL);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buf why;

		buf_init(&why, 0);
		if (template_check(texts[i].text, &why)) {
			buf_printf(l->problem, "%s: %s\n", texts[i].name, buf_text(&why));
			fail(l, -EINVAL);
		}
		buf_free(&why);
	}
}

/* ------------------------------------------------------------------------ one file */

/* "reception" of "reception.json". False if it cannot name an agent: the name stands in URLs, in
 * log lines and in the database. */
static bool agent_name(const char *file, char name[65])
{
	size_t len = strlen(file) - strlen(".json");

	if (len < 1 || len > 64)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)file[i]) && file[i] != '_' && file[i] != '-')
			return false;
	}
	memcpy(name, file, len);
	name[len] = '\0';
	return true;
}

/* Reads one file into the set. The set owns the entry's memory only if agent_set_add took it. */
static void add_file(struct loading *l, const char *folder, const char *file, const char *path)
{
	struct agent_text in = { .file = path, .folder = folder };
	struct agent_entry entry;
	const char *how;
	char name[65];
	struct buf text;
	int err;

	if (!agent_name(file, name)) {
		buf_printf(l->problem, "%s: must be named by 1 to 64 letters, digits, _ and -, and .json\n", path);
		fail(l, -EINVAL);
		return;
	}
	buf_init(&text, 0);
	how = read_whole_file(path, AGENT_FILE_MAX, &text);
	in.name = name;
	in.text = buf_text(&text);
	in.len = text.len;
	if (how) {
		buf_printf(l->problem, "%s: %s\n", path, how);
		err = -EINVAL;
	} else {
		err = agent_file_read(&entry, l->cfg, &in, l->problem, l->notes);
	}
	if (!err && !agent_set_add(l->set, &entry)) {
		agent_memory_release(entry.memory);
		err = -ENOMEM;
	}
	if (err)
		fail(l, err);
	buf_free(&text);
}

/* ----------------------------------------------------------------- the directory */

/* Hidden files are skipped: editors leave them behind while somebody types. */
static int is_agent_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

/* An empty directory is odd but allowed: a new installation starts so. A directory that cannot be
 * read is a mistake, since the built-in agent would otherwise answer everybody's numbers. Sorted by
 * name, so that mistakes come in the same order each time. */
static void add_directory(struct loading *l, const char *folder)
{
	struct dirent **files = NULL;
	int n = scandir(folder, &files, is_agent_file, alphasort);

	if (n < 0) {
		buf_printf(l->problem, "AGENTS_DIR: %s cannot be read: %s\n", folder, strerror(errno));
		fail(l, -EINVAL);
		return;
	}
	if (n > AGENTS_MAX) {
		buf_printf(l->problem, "AGENTS_DIR: %s holds %d agents, more than %d\n", folder, n, AGENTS_MAX);
		fail(l, -EINVAL);
	}
	if (n == 0)
		buf_printf(l->notes, "AGENTS_DIR: %s holds no agent (NAME.json); the built-in one answers\n", folder);
	for (int i = 0; i < n; i++) {
		struct buf path;

		buf_init(&path, 0);
		buf_printf(&path, "%s/%s", folder, files[i]->d_name);
		if (n <= AGENTS_MAX)
			add_file(l, folder, files[i]->d_name, buf_text(&path));
		buf_free(&path);
		free(files[i]);
	}
	free(files);
}

/* -------------------------------------------------------- numbers across all agents */

/* One agent's claim to one number; `at` is its place in the file's list, for the message. */
struct claim {
	const char *number;
	const struct agent_entry *entry;
	size_t at;
};

static int by_number(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->number, y->number);

	return order ? order : strcmp(x->entry->name, y->entry->name);
}

/* A number leads to one agent. Claims are sorted, so that two to one number stand side by side; the
 * agent later by name is the one told off. Within a file doubles were refused before. */
static void check_numbers(struct loading *l)
{
	struct claim *claims;
	size_t n = 0;

	for (size_t i = 0; i < l->set->count; i++)
		n += l->set->list[i].variants[0]->number_count;
	claims = calloc(n + 1, sizeof *claims);
	if (!claims) {
		fail(l, -ENOMEM);
		return;
	}
	n = 0;
	for (size_t i = 0; i < l->set->count; i++) {
		const struct agent_entry *a = &l->set->list[i];

		for (size_t j = 0; j < a->variants[0]->number_count; j++)
			claims[n++] = (struct claim){ a->variants[0]->numbers[j], a, j };
	}
	qsort(claims, n, sizeof *claims, by_number);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(claims[i].number, claims[i - 1].number) != 0)
			continue;
		buf_printf(l->problem, "%s: numbers[%zu]: is answered by %s already\n",
		    claims[i].entry->variants[0]->file, claims[i].at, claims[i - 1].entry->name);
		fail(l, -EINVAL);
	}
	free(claims);
}

/* Only one agent can answer the numbers that nobody names. */
static void check_rest(struct loading *l)
{
	const struct agent_entry *first = NULL;

	for (size_t i = 0; i < l->set->count; i++) {
		const struct agent_entry *a = &l->set->list[i];

		if (!a->answers_rest)
			continue;
		if (first) {
			buf_printf(l->problem,
			    "%s: numbers: is missing, as it is in %s; only one agent can answer all numbers that no "
			    "other names. An agent that only makes calls has \"numbers\": []\n",
			    a->variants[0]->file, first->name);
			fail(l, -EINVAL);
		} else {
			first = a;
		}
	}
}

/* Whom we may dial. Without a word of OUTBOUND_ALLOW it depends on the numbers, and so may change
 * with each loading. */
static void set_dialling(struct loading *l)
{
	struct dialling *d = &l->set->dialling;

	if (dialling_from(d, l->cfg->outbound_allow, l->cfg->outbound_allow_count))
		return;
	for (size_t i = 0; i < l->set->count; i++) {
		const struct agent *p = l->set->list[i].variants[0];

		for (size_t j = 0; j < p->number_count; j++)
			dialling_add_own(d, p->numbers[j]);
	}
	if (!*l->cfg->twilio_account_sid || l->cfg->outbound_allow_count)
		return;
	buf_puts(l->notes,
	    "OUTBOUND_ALLOW is not set: where every number was dialled, now only those of the agents' own "
	    "countries are: ");
	dialling_put(d, l->notes);
	buf_puts(l->notes, "\n");
}

/* Of a listed dial: a number that nobody may dial is a rung that always fails. */
static void check_rung_numbers(struct loading *l, const struct agent *p)
{
	const struct agent_rung *rung = p->fallback.listed ? fallback_rung(&p->fallback, RUNG_DIAL) : NULL;

	for (size_t i = 0; rung && i < rung->number_count; i++) {
		char shown[16];

		if (!*rung->numbers[i] || dialling_allows(&l->set->dialling, rung->numbers[i]))
			continue;
		buf_printf(l->problem, "%s: fallback[%td].dial[%zu]: is %s, which OUTBOUND_ALLOW leaves out: ", p->file,
		    rung - p->fallback.rungs, i, log_number(rung->numbers[i], shown));
		dialling_put(&l->set->dialling, l->problem);
		buf_puts(l->problem, " may be dialled\n");
		fail(l, -EINVAL);
	}
}

static void note_at(struct loading *l, const struct agent *p, const char *key, const char *sentence)
{
	buf_printf(l->notes, "%s: %s%s%s: %s\n", p->file, p->variant, *p->variant ? ": " : "", key, sentence);
}

/* No mistakes, but not what somebody had in mind. What the settings have alone is told of there (config_warnings.h). */
static void note_vain(struct loading *l, const struct agent *p)
{
	bool own = p->idle_seconds != l->cfg->idle_seconds || p->reprompt_seconds != l->cfg->reprompt_seconds;

	if (own && config_idle_comes_first(p->idle_seconds, p->reprompt_seconds))
		note_at(l, p, "limits.idle_seconds",
		    "is hardly more than reprompt_seconds: silent calls end before the caller is asked and has heard a "
		    "goodbye");
	if (!p->instant_count || p->channel != CHANNEL_STREAM)
		return;
	if (!*p->transcription_model)
		note_at(l, p, "instant_answers",
		    "have no effect without transcription.model (TRANSCRIPTION_MODEL): nobody writes down what was asked");
	else if (!l->cfg->voice_cache)
		note_at(l, p, "instant_answers",
		    "have no effect with VOICE_CACHE=off: on a stream their sound is made in advance");
}

static void check_variants(struct loading *l)
{
	for (size_t i = 0; i < l->set->count; i++)
		for (size_t v = 0; v < l->set->list[i].variant_count; v++) {
			check_rung_numbers(l, l->set->list[i].variants[v]);
			note_vain(l, l->set->list[i].variants[v]);
		}
}

static bool uses_relay(const struct agent_entry *a)
{
	for (size_t i = 0; i < a->variant_count; i++)
		if (a->variants[i]->channel == CHANNEL_RELAY)
			return true;
	return false;
}

static void note_price(struct loading *l)
{
	bool relay = uses_relay(&l->set->builtin);

	for (size_t i = 0; i < l->set->count; i++)
		relay |= uses_relay(&l->set->list[i]);
	if (relay && l->cfg->relay_minute_price <= 0)
		buf_puts(l->notes,
		    "RELAY_MINUTE_PRICE is not set: what calls by ConversationRelay cost is told without "
		    "Twilio's minutes of it.\n");
}

static bool goes_by_gather(const struct loading *l, const struct agent *p)
{
	const struct agent_rung *text = fallback_rung(&p->fallback, RUNG_TEXT);

	return p->channel == CHANNEL_GATHER || (text && !rung_lacks(p, text, l->cfg));
}

/* Gather hears one language, and has to be told which. */
static void note_language(struct loading *l, const struct agent_entry *a)
{
	for (size_t i = 0; i < a->variant_count; i++) {
		const struct agent *p = a->variants[i];

		if (!goes_by_gather(l, p) || *p->say_language || *agent_language_tag(p, ""))
			continue;
		buf_printf(l->notes,
		    "%s: by gather callers are heard as if they spoke English: say_language must be Twilio's name for "
		    "its first language, as in tr-TR.\n",
		    p->file);
		return;
	}
}

/* The whole way from directory to set. The checks across agents run even after mistakes in single
 * files: they look only at agents that were read without one. */
int agents_load(struct agent_set **out, const struct config *cfg, struct buf *problem, struct buf *notes)
{
	struct loading l = { .cfg = cfg, .set = agent_set_new(cfg), .problem = problem, .notes = notes };

	if (!l.set)
		fail(&l, -ENOMEM);
	if (!l.err)
		check_settings(&l);
	if (l.set && *cfg->agents_dir) {
		add_directory(&l, cfg->agents_dir);
		agent_set_sort(l.set);
		check_numbers(&l);
		check_rest(&l);
	}
	if (l.set) {
		set_dialling(&l);
		check_variants(&l);
		note_price(&l);
		for (size_t i = 0; i < l.set->count; i++)
			note_language(&l, &l.set->list[i]);
	}
	if (l.err == -ENOMEM || buf_error(problem)) {
		buf_puts(problem, "out of memory\n");
		l.err = -ENOMEM;
	}
	if (l.err) {
		agent_set_release(l.set);
		return l.err;
	}
	*out = l.set;
	return 0;
}
