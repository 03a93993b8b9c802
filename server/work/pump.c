#include "server/work/pump.h"

#include "common/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { AT_ONCE = 64 };

static bool watch(struct pump *p, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return !epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) ||
	       (errno == EEXIST && !epoll_ctl(p->epoll, EPOLL_CTL_MOD, fd, &e));
}

/* libcurl tells what it waits for, each time that changes. What cannot be watched has its deadline. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct pump *p = arg;

	(void)easy, (void)unused;
	if (what == CURL_POLL_REMOVE)
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, NULL);
	else
		watch(p, fd, (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0));
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct pump *p = arg;

	(void)multi;
	p->due_us = ms < 0 ? NEVER_US : clock_now_us() + ms * US_PER_MS;
	return 0;
}

int pump_open(struct pump *p)
{
	int err;

	*p = (struct pump){ .bell.fd = -1, .due_us = NEVER_US };
	p->multi = curl_multi_init();
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = !p->multi ? -ENOMEM : p->epoll < 0 ? -errno : bell_open(&p->bell);
	if (!err && !watch(p, p->bell.fd, EPOLLIN))
		err = -errno;
	if (err) {
		pump_close(p);
		return err;
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	return 0;
}

void pump_close(struct pump *p)
{
	curl_multi_cleanup(p->multi);
	if (p->epoll >= 0)
		close(p->epoll);
	bell_close(&p->bell);
}

void pump_ring(struct pump *p)
{
	bell_ring(&p->bell);
}

static void act(struct pump *p, int fd, uint32_t events)
{
	int what = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
	int left;

	if (fd == p->bell.fd)
		bell_clear(&p->bell);
	else
		curl_multi_socket_action(p->multi, fd, what, &left);
}

void pump_turn(struct pump *p, int64_t until_us)
{
	struct epoll_event events[AT_ONCE];
	int wait_ms = clock_poll_ms(clock_now_us(), earlier(p->due_us, until_us));
	int count = epoll_wait(p->epoll, events, AT_ONCE, wait_ms), left;

	for (int i = 0; i < count; i++)
		act(p, events[i].data.fd, events[i].events);
	/* libcurl sets the next time from within. */
	if (clock_now_us() >= p->due_us) {
		p->due_us = NEVER_US;
		curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &left);
	}
}
