#ifndef CONFIG_CONFIG_TABLE_H
#define CONFIG_CONFIG_TABLE_H
/* The table of settings: everything there is to say about each, once.
 *
 * config.c reads the environment by it; config_print.c prints --help, SETTINGS.md
 * and .env.example from it; the reader of agent files (server/agents/) takes rules
 * from it.
 */
#include <stddef.h>

enum setting_type {
	SETTING_TEXT,   /* const char * */
	SETTING_LIST,   /* const char *[], comma-separated; `count` is the place of their number */
	SETTING_INT,    /* int, from min to max */
	SETTING_REAL,   /* double, from min to max */
	SETTING_SWITCH, /* bool: on or off */
	SETTING_CHOICE, /* an enum: the position of the word in `words` */
	SETTING_WORD,   /* const char *: one of `words` */
};

struct setting {
	const char *group; /* the first row of a group names it */
	const char *name;
	enum setting_type type;
	size_t at;            /* offset in struct config */
	size_t count;         /* LIST: offset of its size_t */
	size_t most;          /* LIST: the most entries; TEXT: the most bytes, 0 for 1024 */
	const char *fallback; /* the default, as one would write it; "" for unset */
	const char *words;    /* CHOICE and WORD: "a|b|c" */
	const char *none;     /* TEXT, WORD: the word that means "" ("off"); INT: that means 0 ("inf") */
	double min, max;
	const char *unit;
	/* TEXT: as in config_check.h. LIST: asked for each entry. */
	const char *(*check)(const char *value);
	int secret;
	const char *help;
};

/* In the order of SETTINGS.md; ends with a NULL name. */
extern const struct setting config_table[];

#endif
