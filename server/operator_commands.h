#ifndef OPERATOR_COMMANDS_H
#define OPERATOR_COMMANDS_H
/* `trunkline status`, `calls` and `call SID`: the operator's questions to the server that runs on
 * this machine with the same settings. It is asked over HTTP, with the operator's token. */
#include "common/buf.h"
#include "server/config/config.h"

enum { OPERATOR_FILTERS = 6 };

struct operator_command {
	enum { OPERATOR_STATUS, OPERATOR_CALLS, OPERATOR_CALL } what;
	bool json;                             /* as the API says it */
	int last;                              /* of calls that are over, so many at most */
	const char *sid;                       /* borrowed from the arguments, as are: */
	const char *filters[OPERATOR_FILTERS]; /* NULL: not asked for */
};

/* True if the word is the name of one. */
bool operator_command_named(const char *word);

/* Reads the arguments, from its name to a NULL. False: they make no sense, and `problem` gets a line. */
bool operator_command_read(struct operator_command *command, char **args, struct buf *problem);

/* Asks, and prints to stdout; what hinders it, in one line, to stderr. Returns the exit status. */
int operator_command_run(const struct config *cfg, const struct operator_command *command);

/* The lines of --help. */
void operator_command_help(struct buf *out);

#endif
