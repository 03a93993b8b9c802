#include "tools/relay/relay.h"

#include "common/clock.h"
#include "tools/kit/command_line.h"
#include "tools/kit/file.h"
#include "tools/kit/text.h"
#include "tools/relay/faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READY_MAX = 256, BACKLOG = 1024, DIAL_CHECK_MS = 100 };

struct options {
	const char *model, *ca, *key;
	int port;
	struct faults faults;
};

#define TO(kind, field) OPTION_##kind, .at = offsetof(struct options, field)

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS,
	    .help = "relay: the least that can stand between a phone and the model, to compare with.\n" },
	{ "port", "PORT", "0", "where the phone calls, on 127.0.0.1; 0: any, which is printed", TO(INT, port) },
	{ "model", "HOST:PORT", NULL, "where the model is, by name", TO(TEXT, model) },
	{ "ca", "FILE", NULL, "the authorities to trust, as PEM", TO(TEXT, ca) },
	{ "key", "KEY", "sk-none", "for the model", TO(TEXT, key) },
	{ .kind = OPTION_WORDS, .help = "\nHarm on purpose, to see that the bench shows it:" },
	{ "delay-ms", "MS", NULL, "every message later, both ways", TO(LONG, faults.delay_ms) },
	{ "drop-percent", "P", NULL, "of the audio messages, both ways", TO(LONG, faults.drop_percent) },
	{ "no-clear", NULL, NULL, "interruptions are not passed on", TO(FLAG, faults.no_clear) },
	{ "burn-us", "US", NULL, "of CPU for every frame of the caller", TO(LONG, faults.burn_us) },
	{ "hold-kb", "KB", NULL, "of memory for every call", TO(LONG, faults.hold_kb) },
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(err));
	exit(1);
}

static int open_listener(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		fail("listen", errno);
	printf("listening 127.0.0.1:%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void open_model(struct relay *r, const char *target, const char *ca)
{
	const char *colon = target ? strrchr(target, ':') : NULL;
	int err;

	if (!colon || !ca) {
		fputs("relay: --model HOST:PORT and --ca FILE are needed\n", stderr);
		exit(2);
	}
	r->model_host = need_copy_n(target, (size_t)(colon - target));
	r->model_port = atoi(colon + 1);
	if ((err = trust_open(&r->trust, ca)) < 0)
		fail(ca, -err);
	if ((err = bell_open(&r->bell)) < 0 || (err = resolver_open(&r->resolver, NULL)) < 0 ||
	    (err = tls_sessions_open(&r->sessions)) < 0)
		fail("start", -err);
}

static void accept_all(struct relay *r, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		call_open(r, fd);
	}
}

static int sleep_ms(const struct relay *r, int64_t now_us, int64_t due_us)
{
	int ms = clock_poll_ms(now_us, due_us);

	if (r->dialling && (ms < 0 || ms > DIAL_CHECK_MS))
		ms = DIAL_CHECK_MS;
	return ms;
}

static void run(struct relay *r, int listener)
{
	struct epoll_event ready[READY_MAX];
	struct epoll_event accepting = { .events = EPOLLIN, .data.ptr = NULL };
	struct epoll_event ringing = { .events = EPOLLIN, .data.ptr = &r->bell };
	int64_t due_us = NEVER_US, dial_us = 0;

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, listener, &accepting) ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->bell.fd, &ringing))
		fail("epoll", errno);
	for (;;) {
		int n = epoll_wait(r->epoll, ready, READY_MAX, sleep_ms(r, clock_now_us(), due_us));
		int64_t now = clock_now_us();

		for (int i = 0; i < n; i++) {
			if (!ready[i].data.ptr)
				accept_all(r, listener);
			else if (ready[i].data.ptr == &r->bell)
				bell_clear(&r->bell), dial_us = 0;
			else
				call_ready(ready[i].data.ptr, ready[i].events, now);
		}
		/* Name look-up rings for all at once, and deadlines pass. */
		if (r->dialling && now >= dial_us) {
			calls_dial(r, now);
			dial_us = now + DIAL_CHECK_MS * US_PER_MS;
		}
		due_us = faults_run(call_send, now);
		calls_sweep(r);
	}
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct relay relay = { 0 };
	int next = command_line_read("relay", rows, sizeof rows / sizeof rows[0], &options, argc, argv);

	if (next <= 0)
		return next ? 2 : 0;
	faults = options.faults;
	relay.key = options.key;
	signal(SIGPIPE, SIG_IGN);
	file_allow_many();
	open_model(&relay, options.model, options.ca);
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	run(&relay, open_listener(options.port));
}
