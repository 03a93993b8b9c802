#ifndef KIT_COMMAND_LINE_H
#define KIT_COMMAND_LINE_H
/* Options by one table: what they are called, where their value goes, and what
 * --help says of them. --NAME VALUE and --NAME=VALUE are the same; --help is
 * always there.
 */
#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_TEXT,   /* const char *, borrowed */
	OPTION_INT,    /* int */
	OPTION_LONG,   /* long */
	OPTION_DOUBLE, /* double */
	OPTION_FLAG,   /* bool, set to true; takes no value */
	OPTION_CALL,   /* `call` does it */
	OPTION_WORDS   /* no option but words of the help, then what `print` prints */
};

struct option_row {
	const char *name;
	const char *value; /* what the help calls it */
	const char *usual; /* value without it, shown in the help; NULL: none */
	const char *help;  /* further lines are set below the first */
	enum option_kind kind;
	size_t at;          /* of the field in the struct that is filled in */
	double least, most; /* of a number; equal: any */
	/* NULL, or what is wrong with the value. */
	const char *(*call)(void *into, const char *name, const char *value);
	void (*print)(void);
};

/* Of a row whose value is a function's business. */
#define BY(function) OPTION_CALL, .call = function

/* Fills in `into`, with what is usual first. Returns the index of the first word that is no option (argc
 * if there is none; "--" before it is passed over), 0 after --help, -1 and a
 * line on stderr if something is wrong. */
int command_line_read(
    const char *program, const struct option_row *rows, size_t count, void *into, int argc, char **argv);

enum { WORD_SIZE = 32 };

/* The word of a command line for a name of the source: "no-token" for "NO_TOKEN". */
const char *word_of(const char *id, char out[WORD_SIZE]);

/* One value by its row: NULL, or what is wrong with it. */
const char *option_set(const struct option_row *row, void *into, const char *value);

#endif
