#include "tools/kit/clock.h"
#include "tools/kit/file.h"
#include "tools/kit/server.h"
#include "tools/standin_model/faults.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/script.h"
#include "tools/standin_model/worker.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKERS_MAX = 16 };

static int open_listener(void)
{
	int fd = server_listen("standin-model", options.listen, &options.port, options.listen);
	struct text port = { 0 };

	fcntl(fd, F_SETFL, O_NONBLOCK);
	text_printf(&port, "%d\n", options.port);
	if (options.port_file && file_write(options.port_file, &port)) {
		perror(options.port_file);
		exit(1);
	}
	text_free(&port);
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
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void accept_all(int listener, struct worker **workers, int count, unsigned long *number)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		++*number;
		worker_add(workers[*number % (unsigned long)count], fd, *number, mono_ns());
	}
}

/* True when it is time to go. */
static bool on_signal(int signals, uint64_t started, unsigned long connections)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGUSR1 && options.report)
			report_write(options.report, started, mono_ns());
		else if (info.ssi_signo == SIGUSR2)
			load_stats_reset(), faults_count_from(connections);
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
	struct worker *workers[WORKERS_MAX];
	int signals = open_signals(), listener = open_listener(), count = options.threads;
	unsigned long number = 0;
	uint64_t started = mono_ns();

	count = count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
	for (int i = 0; i < count; i++)
		workers[i] = worker_start(service);
	for (;;) {
		struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

		poll(fds, 2, -1);
		if (fds[0].revents)
			accept_all(listener, workers, count, &number);
		if (fds[1].revents && on_signal(signals, started, number))
			break;
	}
	close(listener);
	if (options.report)
		report_write(options.report, started, mono_ns());
	for (int i = 0; i < count; i++)
		worker_stop(workers[i]);
	close(signals);
}

int main(int argc, char **argv)
{
	struct service service = { 0 };
	struct script script;

	options_parse(argc, argv);
	do_errands();
	file_allow_many();
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
