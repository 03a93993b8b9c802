#ifndef STANDIN_SHAPE_TABLE_H
#define STANDIN_SHAPE_TABLE_H
/* How a shape is written down. For shapes.c, which checks by it. */
#include <stdbool.h>

enum kind {
	STRING,
	INTEGER,
	NUMBER,
	BOOLEAN,
	OBJECT, /* the fields listed, no others */
	MAP,    /* any keys, values of `item`; any values if there is none */
	ARRAY,
	TAGGED, /* an object; its "type", or another field, picks one of the choices */
	EITHER  /* the first choice whose JSON type fits */
};

enum { REQUIRED = 1, NULLABLE = 2 };

struct shape;

struct field {
	const char *name;
	int flags;
	const struct shape *shape;
};

struct choice {
	const char *tag; /* TAGGED only */
	const struct shape *shape;
};

struct shape {
	enum kind kind;
	const struct field *fields;   /* OBJECT; ends with a NULL name */
	const struct shape *item;     /* ARRAY, MAP */
	const struct choice *choices; /* TAGGED, EITHER; ends with a NULL shape */
	const char *tag;              /* TAGGED: the field that picks, if it is not "type" */
	const char *const *words;     /* STRING: the values allowed; ends with NULL */
	bool bounded;                 /* INTEGER, NUMBER: low to high; STRING, ARRAY, MAP: length */
	double low, high;
};

extern const struct shape client_event; /* any of them, picked by its "type" */

#endif
