#ifndef WEBHOOK_SINK_CONDUCT_H
#define WEBHOOK_SINK_CONDUCT_H
/* How a request is to be answered: well, or badly in some way.
 *
 * Words and values, from the command line (--status 500) for all requests, and
 * from the query of an address (/hook?status=500&first=2) for those to it, so
 * that one sink can be many receivers at once.
 */
#include "tools/kit/command_line.h"

enum { CONDUCT_TEXT = 256 };

enum conduct_way {
	CONDUCT_ANSWER,
	CONDUCT_CLOSE,  /* hang up without a word, once it was read */
	CONDUCT_UNREAD, /* hang up before it was read */
	CONDUCT_CUT,    /* hang up in the middle of the answer */
	CONDUCT_NEVER,  /* say nothing until the client gives up */
	CONDUCT_DRIP,   /* a byte every half second */
	CONDUCT_GARBAGE /* something that is no HTTP */
};

struct conduct {
	int first;            /* the rest holds for so many requests of an address, then all is well; 0: for all */
	int status;           /* 200 */
	int slow_ms;          /* before the answer */
	long huge;            /* bytes of the body, in place of another; 0: none */
	int retry_after;      /* seconds; -1: none */
	enum conduct_way way; /* fail=close|unread|cut|never|drip|garbage */
	int html;             /* 1: an HTML page */
	int echo;             /* 1: the request's body is the answer's */
	char redirect[CONDUCT_TEXT]; /* 302 to there */
	char answer[CONDUCT_TEXT];   /* a file whose text is the answer, in the directory --answers */
	char type[CONDUCT_TEXT];     /* Content-Type, in place of what fits the body */
};

/* The words, as options; they fill in a struct conduct. */
enum { CONDUCT_WORDS = 11 };
extern const struct option_row conduct_words[CONDUCT_WORDS];

/* Those of a query; what is no such word is somebody else's. */
void conduct_set_query(struct conduct *c, const char *query);

/* Counts the requests of each address, and forgives when `first` are over. */
void conduct_forgive(struct conduct *c, const char *path, const char *query);

/* For the records. */
const char *conduct_way_name(enum conduct_way way);

#endif
