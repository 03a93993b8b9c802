#include "server/config/config.h"

#include "common/json.h"
#include "server/config/config_check.h"
#include "server/config/config_names.h"
#include "server/config/config_table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT_MOST = 1024,          /* bytes of a setting without a bound of its own */
	INSTRUCTIONS_MOST = 65536, /* bytes of INSTRUCTIONS_FILE */
	SHOWN_MOST = 60,           /* bytes of a wrong value repeated in the complaint */
};

/* One string of the config's, in a list that config_free walks. They are kept until the end of the
 * process, even those that a later row replaces: there are few, and nobody has to know their owner. */
struct config_storage {
	struct config_storage *next;
	char text[];
};

/* The state of one run of config_load. */
struct loading {
	struct config *cfg;
	config_lookup *lookup;
	void *arg;
	struct buf *errors;
	int complaints;
	bool no_memory;
};

static const char *keep(struct loading *l, const char *text, size_t len)
{
	struct config_storage *s = malloc(sizeof *s + len + 1);

	if (!s) {
		l->no_memory = true;
		return "";
	}
	memcpy(s->text, text, len);
	s->text[len] = '\0';
	s->next = l->cfg->storage;
	l->cfg->storage = s;
	return s->text;
}

/* The value without the blanks around it, as a .env written on Windows ends its lines in \r. "" if
 * unset: an empty setting counts as unset, because `NAME=` in a .env is how people clear one. */
static const char *look_up(struct loading *l, const char *name)
{
	const char *value = l->lookup(l->arg, name);
	size_t len;

	if (!value || !*value)
		value = config_alias(name, l->lookup, l->arg);
	if (!value)
		return "";
	while (isspace((unsigned char)*value))
		value++;
	len = strlen(value);
	while (len && isspace((unsigned char)value[len - 1]))
		len--;
	return keep(l, value, len);
}

/* The start of a wrong value, in quotation marks and fit for a terminal: no control characters, and
 * no broken UTF-8. A cut never falls within a character. */
static void put_shown(struct buf *out, const char *value)
{
	size_t len = strlen(value), most = len;
	bool text = utf8_valid(value, len);

	if (len > SHOWN_MOST) {
		most = SHOWN_MOST;
		while (text && most && ((unsigned char)value[most] & 0xC0) == 0x80)
			most--; /* not within a character */
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < most; i++) {
		unsigned char c = (unsigned char)value[i];

		buf_putc(out, iscntrl(c) || (c >= 0x80 && !text) ? '?' : (char)c);
	}
	buf_puts(out, most < len ? "…\"" : "\"");
}

/* One sentence a mistake: "PORT is "80x": it must be a whole number from 0 to 65535." A secret is
 * told by its length only, since these sentences reach logs and bug reports. */
static void complain(struct loading *l, const struct setting *s, const char *value, const char *how)
{
	l->complaints++;
	buf_printf(l->errors, "%s is ", s->name);
	if (s->secret)
		buf_printf(l->errors, "set (%zu characters, not shown)", strlen(value));
	else
		put_shown(l->errors, value);
	buf_printf(l->errors, ": it %s", how);
	/* A .env that `make run` reads may have both; docker passes them on. */
	if (strstr(value, " #"))
		buf_puts(l->errors, "; a comment behind a value is taken for part of it here");
	else if (!s->secret && (*value == '"' || *value == '\'') && value[1] && strchr(value, '\0')[-1] == *value)
		buf_puts(l->errors, "; quotation marks around a value are taken for part of it here");
	buf_puts(l->errors, ".\n");
}

/* The position of the value among "a|b|c", which is also its number in the enum; -1 if it is none.
 * Case makes no difference; *word is the word as the table has it. */
static int word_at(const char *words, const char *value, struct span *word)
{
	size_t len = strlen(value);

	for (int at = 0; *words; at++) {
		size_t n = strcspn(words, "|");

		*word = (struct span){ words, n };
		if (n == len && strncasecmp(words, value, n) == 0)
			return at;
		words += n + (words[n] == '|');
	}
	return -1;
}

/* Other programs' words for ours. */
static const char *our_word(const char *value)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = { { "true", "on" }, { "yes", "on" }, { "1", "on" }, { "false", "off" }, { "no", "off" },
		{ "0", "off" }, { "none", "off" }, { "warning", "warn" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(words[i].theirs, value) == 0)
			return words[i].ours;
	return value;
}

/* The word for "nothing" of a row that has one. */
static bool means_none(const struct setting *s, const char *value)
{
	return s->none && (strcasecmp(value, s->none) == 0 || strcmp(our_word(value), s->none) == 0);
}

static void *field(struct loading *l, size_t at)
{
	return (char *)l->cfg + at;
}

/* --------------------------------------------------------------------- by type */

/* One function for each type: it stores the value into the struct and answers true, or complains and
 * stores nothing. The table's own defaults go through them too, and a wrong one shows in any test. */

static bool store_text(struct loading *l, const struct setting *s, const char *value)
{
	size_t len = strlen(value), most = s->most ? s->most : TEXT_MOST;
	const char *how = NULL;
	char longest[48];

	if (means_none(s, value))
		value = "";
	else if (len > most) {
		snprintf(longest, sizeof longest, "must be at most %zu bytes long", most);
		how = longest;
	} else if (len && s->check) {
		how = s->check(value);
	}
	if (how) {
		complain(l, s, value, how);
		return false;
	}
	*(const char **)field(l, s->at) = keep(l, value, strlen(value));
	return true;
}

/* Empty entries are skipped, so a comma at the end does no harm. Every entry passes the row's
 * check. */
static bool store_list(struct loading *l, const struct setting *s, const char *value)
{
	const char **list = field(l, s->at), *rest = value;
	size_t *count = field(l, s->count);
	char too_many[48];

	snprintf(too_many, sizeof too_many, "has more entries than the %zu it may have", s->most);
	for (*count = 0; *rest;) {
		size_t len = strcspn(rest, ","), from = 0, to = len;
		const char *entry, *how;

		while (from < to && isspace((unsigned char)rest[from]))
			from++;
		while (to > from && isspace((unsigned char)rest[to - 1]))
			to--;
		entry = keep(l, rest + from, to - from);
		rest += len + (rest[len] == ',');
		if (!*entry)
			continue;
		how = *count == s->most ? too_many : s->check(entry);
		if (how) {
			complain(l, s, s->secret || *count == s->most ? value : entry, how);
			return false;
		}
		list[(*count)++] = entry;
	}
	return true;
}

/* The characters are checked before strtod is believed, which would also take "1e3", "0x10" and
 * "nan". */
static bool store_number(struct loading *l, const struct setting *s, const char *value)
{
	bool whole = s->type == SETTING_INT;
	size_t digits = strspn(value, whole ? "0123456789" : "0123456789.");
	char how[96], *end;
	double number = strtod(value, &end);

	if (means_none(s, value)) {
		*(int *)field(l, s->at) = 0;
		return true;
	}
	if (digits != strlen(value) || *end || end == value || number < s->min || number > s->max) {
		snprintf(how, sizeof how, "must be a %snumber from %.10g to %.10g%s%s%s%s", whole ? "whole " : "",
		    s->min, s->max, s->unit ? " " : "", s->unit ? s->unit : "", s->none ? ", or " : "",
		    s->none ? s->none : "");
		complain(l, s, value, how);
		return false;
	}
	if (whole)
		*(int *)field(l, s->at) = (int)number;
	else
		*(double *)field(l, s->at) = number;
	return true;
}

static bool store_word(struct loading *l, const struct setting *s, const char *value)
{
	const char *words = s->type == SETTING_SWITCH ? "off|on" : s->words;
	bool none = means_none(s, value);
	struct span word;
	int at = word_at(words, value, &word);
	char how[160], list[128];

	if (at < 0)
		at = word_at(words, our_word(value), &word);
	/* An unset WORD is "" and leaves the choice to the model. */
	if (at < 0 && !none && !(s->type == SETTING_WORD && !*value)) {
		snprintf(list, sizeof list, "%s%s%s", s->none ? s->none : "", s->none ? "|" : "", words);
		for (char *bar = list; (bar = strchr(bar, '|'));)
			*bar = '/';
		snprintf(how, sizeof how, "must be one of %s", list);
		complain(l, s, value, how);
		return false;
	}
	if (s->type == SETTING_SWITCH)
		*(bool *)field(l, s->at) = at == 1;
	else if (s->type == SETTING_CHOICE)
		memcpy(field(l, s->at), &at, sizeof at);
	else
		*(const char **)field(l, s->at) = at < 0 ? "" : keep(l, word.p, word.n);
	return true;
}

/* NAME=NAME=value: a line pasted where only its value belongs. */
static bool begins_with_its_name(const struct setting *s, const char *value)
{
	size_t n = strlen(s->name);

	return strncmp(value, s->name, n) == 0 && value[n] == '=';
}

static bool store(struct loading *l, const struct setting *s, const char *value)
{
	if (begins_with_its_name(s, value)) {
		complain(l, s, value, "begins with its own name once more; only what stands behind that belongs there");
		return false;
	}
	switch (s->type) {
	case SETTING_TEXT:
		return store_text(l, s, value);
	case SETTING_LIST:
		return store_list(l, s, value);
	case SETTING_INT:
	case SETTING_REAL:
		return store_number(l, s, value);
	default:
		return store_word(l, s, value);
	}
}

/* The name is a literal of this file, so the walk always ends on a row. */
static const struct setting *row(const char *name)
{
	const struct setting *s = config_table;

	while (strcmp(s->name, name) != 0)
		s++;
	return s;
}

/* Reads at most `most` bytes and puts a NUL behind them. How many, or negative errno. */
static ssize_t read_file(const char *path, char *text, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (len < most && got > 0) {
		got = read(fd, text + len, most - len);
		if (got > 0)
			len += (size_t)got;
	}
	close(fd);
	if (got < 0)
		return -EIO;
	text[len] = '\0';
	return (ssize_t)len;
}

/* The file's text replaces the default of INSTRUCTIONS. Both set at once is a mistake and not a
 * matter of precedence: a person who changed one of them would wonder why nothing happens. One byte
 * over the bound is read, to tell a file that is too long. An embedded NUL counts as "not plain
 * text". */
static void load_instructions_file(struct loading *l)
{
	const struct setting *s = row("INSTRUCTIONS_FILE");
	const char *path = l->cfg->instructions_file, *text, *how = NULL;
	char *whole;
	ssize_t len;

	if (!*path)
		return;
	if (*look_up(l, "INSTRUCTIONS")) {
		complain(l, s, path, "cannot be used together with INSTRUCTIONS; unset one of the two");
		return;
	}
	whole = malloc(INSTRUCTIONS_MOST + 2);
	if (!whole) {
		l->no_memory = true;
		return;
	}
	len = read_file(path, whole, INSTRUCTIONS_MOST + 1);
	if (len < 0)
		how = "names a file that cannot be read";
	else if (len > INSTRUCTIONS_MOST)
		how = "names a file of more than 65536 bytes";
	else if (strlen(whole) != (size_t)len || check_prose(whole))
		how = "names a file that is not plain UTF-8 text";
	if (how) {
		complain(l, s, path, how);
		free(whole);
		return;
	}
	text = strncmp(whole, "\xEF\xBB\xBF", 3) == 0 ? whole + 3 : whole; /* a byte order mark says nothing */
	len = (ssize_t)strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len)
		l->cfg->instructions = keep(l, text, (size_t)len);
	else
		complain(l, s, path, "names a file without any text");
	free(whole);
}

/* Rules across rows, once all rows are stored. */
static void load_what_depends(struct loading *l)
{
	const struct setting *slow = row("SLOW_ANSWER_MAX_MS");
	bool is_set = *look_up(l, slow->name);
	struct config *cfg = l->cfg;
	size_t len = strlen(cfg->public_url);

	while (len && cfg->public_url[len - 1] == '/')
		len--;
	cfg->public_url = keep(l, cfg->public_url, len);
	load_instructions_file(l);
	if (*cfg->api_read_token && !strcmp(cfg->api_read_token, cfg->api_token))
		complain(l, row("API_READ_TOKEN"), cfg->api_read_token, "must be another one than API_TOKEN");
	if (cfg->greeting_mode == GREETING_EXACT && !*look_up(l, "GREETING"))
		complain(l, row("GREETING"), "", "must hold the words to say when GREETING_MODE is exact");
	if (cfg->slow_answer_max_ms < cfg->silence_max_ms)
		complain(l, slow, is_set ? look_up(l, slow->name) : slow->fallback,
		    is_set ? "must not be less than SILENCE_MAX_MS"
			   : "must not be less than SILENCE_MAX_MS (this is its default, as it is not set)");
}

static const char *from_environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* The whole of it, at start and for --check. Every row is stored twice at most: the value from
 * outside, and if that is missing or wrong, the default. So after a mistake the struct is complete
 * all the same, and the rows behind can be checked too; but the program does not start with it. */
int config_load(struct config *cfg, config_lookup *lookup, void *arg, struct buf *errors)
{
	struct loading l = { .cfg = cfg, .lookup = lookup ? lookup : from_environment, .arg = arg, .errors = errors };

	memset(cfg, 0, sizeof *cfg);
	for (const struct setting *s = config_table; s->name; s++) {
		const char *value = look_up(&l, s->name);

		/* After a mistake go on with the default, to find the others too. */
		if (!*value || !store(&l, s, value))
			store(&l, s, s->fallback);
	}
	load_what_depends(&l);
	if (l.no_memory)
		return -ENOMEM;
	return l.complaints ? -EINVAL : 0;
}

void config_free(struct config *cfg)
{
	struct config_storage *s = cfg->storage;

	while (s) {
		struct config_storage *next = s->next;

		explicit_bzero(s->text, strlen(s->text)); /* keys are among them */
		free(s);
		s = next;
	}
	memset(cfg, 0, sizeof *cfg);
}

/* Trimmed: with the carriage return of a file from Windows no zone would be known. Empty is unset, as
 * for every setting; to the C library it would be UTC. What names no zone would be UTC to it as well,
 * but under the name that was meant. */
void config_set_time_zone(const struct config *cfg)
{
	if (!*cfg->time_zone)
		unsetenv("TZ");
	else
		setenv("TZ", check_time_zone(cfg->time_zone) ? "UTC0" : cfg->time_zone, 1);
	tzset();
}
