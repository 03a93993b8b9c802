#include "tools/measure/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_NS = 10000000 };

void command_add(struct command *c, const char *format, ...)
{
	va_list args;

	if (c->count == ARGS_MAX)
		abort();
	va_start(args, format);
	if (vasprintf(&c->word[c->count++], format, args) < 0)
		abort();
	va_end(args);
}

static void command_clear(struct command *c)
{
	while (c->count)
		free(c->word[--c->count]);
}

/* Before anybody is confined: what we may use at all. */
static const cpu_set_t *all_cores(void)
{
	static cpu_set_t all;
	static bool known;

	if (!known) {
		sched_getaffinity(0, sizeof all, &all);
		known = true;
	}
	return &all;
}

bool cores_apart(void)
{
	return CPU_COUNT(all_cores()) > 1;
}

int cores_for_load(void)
{
	return cores_apart() ? CPU_COUNT(all_cores()) - 1 : 1;
}

/* The server gets the second: interrupts like the first. */
void cores_use(enum cores cores)
{
	cpu_set_t set = *all_cores(), server;
	int seen = 0;

	if (cores == ANY_CORE || !cores_apart())
		return;
	CPU_ZERO(&server);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && ++seen == 2)
			CPU_SET(i, &server);
	if (cores == SERVER_CORE)
		set = server;
	else
		CPU_XOR(&set, &set, &server);
	if (sched_setaffinity(0, sizeof set, &set))
		perror("bench: sched_setaffinity");
}

static void become(const struct command *cmd, enum cores cores, const char *log)
{
	char *argv[ARGS_MAX + 1];
	int at = 0, n = 0, fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cores_use(cores);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(127);
	for (; at < cmd->count && strchr(cmd->word[at], '=') && cmd->word[at][0] != '-'; at++)
		putenv(cmd->word[at]);
	while (at < cmd->count)
		argv[n++] = cmd->word[at++];
	argv[n] = NULL;
	execv(argv[0], argv);
	fprintf(stderr, "bench: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

bool child_start(struct child *c, const char *name, struct command *cmd, enum cores cores, const char *log)
{
	c->name = name;
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0)
		become(cmd, cores, log);
	command_clear(cmd);
	if (c->pid < 0) {
		c->pid = 0;
		fprintf(stderr, "bench: %s: %s\n", name, strerror(errno));
		return false;
	}
	return true;
}

bool child_wait(struct child *c, double seconds, int *status)
{
	uint64_t until = mono_ns() + (uint64_t)(seconds * 1e9);

	*status = 0;
	if (!c->pid)
		return true;
	while (waitpid(c->pid, status, WNOHANG) == 0) {
		if (mono_ns() >= until)
			return false;
		sleep_until_ns(mono_ns() + PATIENCE_NS);
	}
	c->pid = 0;
	return true;
}

bool child_alive(struct child *c)
{
	int status;

	return !child_wait(c, 0, &status);
}

bool child_stop(struct child *c, double seconds)
{
	int status;

	if (!c->pid)
		return false;
	kill(c->pid, SIGTERM);
	if (child_wait(c, seconds, &status))
		return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
		       (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	kill(c->pid, SIGKILL);
	child_wait(c, seconds, &status);
	return false;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
}

int port_free(void)
{
	struct sockaddr_in at = loopback(0);
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&at, sizeof at) || getsockname(fd, (struct sockaddr *)&at, &size)) {
		perror("bench: port");
		exit(1);
	}
	close(fd);
	return ntohs(at.sin_port);
}

bool port_wait(int port, struct child *c, double seconds)
{
	struct sockaddr_in at = loopback(port);
	uint64_t until = mono_ns() + (uint64_t)(seconds * 1e9);

	while (child_alive(c) && mono_ns() < until) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool there = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;

		close(fd);
		if (there)
			return true;
		sleep_until_ns(mono_ns() + PATIENCE_NS);
	}
	fprintf(stderr, "bench: %s does not listen on port %d\n", c->name, port);
	return false;
}
