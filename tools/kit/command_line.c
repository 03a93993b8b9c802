#include "tools/kit/command_line.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 28 };

static const struct option_row *find(const struct option_row *rows, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].name && strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

const char *word_of(const char *id, char out[WORD_SIZE])
{
	size_t n = 0;

	for (; id[n] && n < WORD_SIZE - 1; n++)
		out[n] = id[n] == '_' ? '-' : (char)tolower((unsigned char)id[n]);
	out[n] = '\0';
	return out;
}

const char *option_set(const struct option_row *row, void *into, const char *value)
{
	void *field = (char *)into + row->at;
	char *end = NULL;
	double number;

	switch (row->kind) {
	case OPTION_TEXT:
		*(const char **)field = value;
		return NULL;
	case OPTION_FLAG:
		*(bool *)field = true;
		return NULL;
	case OPTION_CALL:
		return row->call(into, row->name, value);
	default:
		break;
	}
	number = strtod(value, &end);
	if (end == value || *end || (row->kind != OPTION_DOUBLE && strspn(value, "+-0123456789") != strlen(value)))
		return "wants a number";
	if (row->least < row->most && !(number >= row->least && number <= row->most))
		return "is out of range (see --help)";
	if (row->kind == OPTION_DOUBLE)
		*(double *)field = number;
	else if (row->kind == OPTION_LONG)
		*(long *)field = (long)number;
	else
		*(int *)field = (int)number;
	return NULL;
}

static void help(const struct option_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct option_row *r = &rows[i];
		const char *line = r->help;
		char name[80];

		if (r->kind == OPTION_WORDS) {
			if (r->help)
				puts(r->help);
			if (r->print)
				r->print();
			continue;
		}
		snprintf(name, sizeof name, "--%s%s%s", r->name, r->value ? " " : "", r->value ? r->value : "");
		for (int column = printf("  %-*s ", HELP_COLUMN - 3, name); *line; column = 0) {
			size_t n = strcspn(line, "\n");

			printf("%*s%.*s", column ? 0 : HELP_COLUMN, "", (int)n, line);
			line += n + (line[n] == '\n');
			if (!*line && r->usual)
				printf(" (%s)", r->usual);
			putchar('\n');
		}
	}
}

static void fill_usual(const struct option_row *rows, size_t count, void *into)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].usual)
			option_set(&rows[i], into, rows[i].usual);
}

static int refuse(const char *program, const char *option, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program, option, why);
	return -1;
}

int command_line_read(
    const char *program, const struct option_row *rows, size_t count, void *into, int argc, char **argv)
{
	int i = 1;

	fill_usual(rows, count, into);
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		const char *option = argv[i], *name = option + 2, *value = NULL, *why;
		size_t len = strcspn(name, "=");
		const struct option_row *row = find(rows, count, name, len);

		if (!*name)
			return i + 1;
		if (strcmp(name, "help") == 0) {
			help(rows, count);
			return 0;
		}
		if (!row)
			return refuse(program, option, "unknown (see --help)");
		if (name[len])
			value = name + len + 1;
		else if (row->kind != OPTION_FLAG && ++i < argc)
			value = argv[i];
		if ((row->kind == OPTION_FLAG) == (value != NULL))
			return refuse(program, option, value ? "takes no value" : "wants a value");
		if ((why = option_set(row, into, value)))
			return refuse(program, option, why);
	}
	return i;
}
