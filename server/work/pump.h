#ifndef WORK_PUMP_H
#define WORK_PUMP_H
/* Many of libcurl's transfers on one thread. Each turn looks at the sockets where something happens and
 * at no others, so that one more transfer does not slow down all the rest.
 *
 * One thread; pump_ring is for any. */
#include "common/bell.h"

#include <curl/curl.h>
#include <stdint.h>

struct pump {
	CURLM *multi; /* add to it and take from it; what is over: curl_multi_info_read */
	struct bell bell;
	int epoll;
	int64_t due_us; /* when libcurl wants to be called in any case */
};

/* 0 or -errno. It must stay where it is until it is closed. */
int pump_open(struct pump *p);
void pump_close(struct pump *p); /* no transfer is left in it */

/* Ends the turn that waits now, or the next one. */
void pump_ring(struct pump *p);
/* Waits until something happens, at most until then, and lets libcurl see to it. */
void pump_turn(struct pump *p, int64_t until_us);

#endif
