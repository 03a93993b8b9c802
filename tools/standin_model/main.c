#include "tools/standin_model/loop.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024, LOOPS_MAX = 16 };

static void fail(const char *what)
{
	fprintf(stderr, "standin-model: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(options.port)) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	FILE *f;

	if (inet_pton(AF_INET, options.listen, &at.sin_addr) != 1) {
		errno = EINVAL;
		fail(options.listen);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		fail("listen");
	printf("listening %s:%d\n", options.listen, ntohs(at.sin_port));
	fflush(stdout);
	if (options.port_file) {
		f = fopen(options.port_file, "w");
		if (!f)
			fail(options.port_file);
		fprintf(f, "%d\n", ntohs(at.sin_port));
		fclose(f);
	}
	return fd;
}

/* Blocked before any thread starts, so that only the descriptor sees them. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void accept_all(int listener, struct loop **loops, int count, unsigned long *number)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		++*number;
		loop_add(loops[*number % (unsigned long)count], fd, *number, clock_ns());
	}
}

/* True when it is time to go. */
static bool on_signal(int signals, uint64_t started)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGUSR1 && options.report)
			report_write(options.report, started, clock_ns());
		else if (info.ssi_signo == SIGUSR2)
			load_stats_reset();
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop = true;
	}
	return stop;
}

static void open_contexts(struct service *service)
{
	int version = strcmp(options.tls_max, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;

	if (certificate_index(options.certificate) < 0) {
		fprintf(stderr, "standin-model: --certificate: good, expired, wrong-name or unknown-root\n");
		exit(2);
	}
	if (ca_have(options.dir, options.names))
		exit(1);
	for (int i = 0; i < CERTIFICATES; i++)
		if (!(service->contexts[i] =
			    ca_context(options.dir, certificate_names[i], version, !options.no_resumption)))
			exit(1);
}

static void allow_many_files(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* What does not need a server. */
static void do_errands(void)
{
	struct script script;

	if (options.make_ca)
		exit(ca_make(options.make_ca, options.names) ? 1 : 0);
	if (!options.lines && !options.make_caller)
		return;
	script_load(&script, options.script, options.voice_dir, options.make_caller != NULL);
	if (options.lines)
		script_print_lines(&script);
	if (options.make_caller &&
	    script_make_caller(&script, options.voice_dir, options.make_caller, (int)options.first_delta_ms))
		exit(1);
	script_free(&script);
	exit(0);
}

static void serve(struct service *service)
{
	struct loop *loops[LOOPS_MAX];
	int signals = open_signals(), listener = open_listener(), count = atoi(options.threads);
	unsigned long number = 0;
	uint64_t started = clock_ns();

	count = count < 1 ? 1 : count > LOOPS_MAX ? LOOPS_MAX : count;
	for (int i = 0; i < count; i++)
		loops[i] = loop_start(service);
	for (;;) {
		struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

		poll(fds, 2, -1);
		if (fds[0].revents)
			accept_all(listener, loops, count, &number);
		if (fds[1].revents && on_signal(signals, started))
			break;
	}
	close(listener);
	if (options.report)
		report_write(options.report, started, clock_ns());
	for (int i = 0; i < count; i++)
		loop_stop(loops[i]);
	close(signals);
}

int main(int argc, char **argv)
{
	struct service service = { 0 };
	struct script script;

	options_parse(argc, argv);
	do_errands();
	allow_many_files();
	if (options.record)
		mkdir(options.record, 0755);
	script_load(&script, options.script, options.voice_dir, true);
	service.script = &script;
	open_contexts(&service);
	serve(&service);
	for (int i = 0; i < CERTIFICATES; i++)
		SSL_CTX_free(service.contexts[i]);
	script_free(&script);
	report_free();
	return 0;
}
