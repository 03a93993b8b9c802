#ifndef MEASURE_CHILD_H
#define MEASURE_CHILD_H
/* A process of ours: on which cores it runs, where its words go, its end. It
 * dies with us, whatever kills us. */
#include "tools/kit/clock.h"

#include <stdbool.h>
#include <sys/types.h>

enum { ARGS_MAX = 48 };

enum cores {
	ANY_CORE,    /* all we may use */
	SERVER_CORE, /* one, for what is measured */
	LOAD_CORES,  /* the others */
};

struct command {
	char *word[ARGS_MAX]; /* owned */
	int count;
};

struct child {
	pid_t pid; /* 0: not running */
	const char *name;
};

/* One word, formatted. */
void command_add(struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* False when there are not two cores to tell apart. */
bool cores_apart(void);
int cores_for_load(void);
/* For this process too. */
void cores_use(enum cores cores);

/* The command's words, "NAME=value" first for the environment; it is empty
 * afterwards. Output goes to `log`. False, and a line on stderr, if it cannot
 * be started. */
bool child_start(struct child *c, const char *name, struct command *cmd, enum cores cores, const char *log);
bool child_alive(struct child *c);
/* Waits up to `seconds`; true if it has ended, *status as waitpid gives it. */
bool child_wait(struct child *c, double seconds, int *status);
/* SIGTERM, patience, SIGKILL. True if it ended by itself with status 0 or by SIGTERM. */
bool child_stop(struct child *c, double seconds);

/* A port on 127.0.0.1 that was free a moment ago. */
int port_free(void);
/* Until somebody listens there; false if the child ended or `seconds` passed. */
bool port_wait(int port, struct child *c, double seconds);

#endif
