#ifndef COMMON_TLS_SESSIONS_H
#define COMMON_TLS_SESSIONS_H
/* The last TLS session with one host, for common/tls.c only; its users know
 * the half that tls.h declares.
 *
 * A resumed session keeps the verdict on the certificate, so one is handed out
 * only for the host and the authorities it was made with. Any thread.
 */
#include "common/tls.h"

#include <bearssl.h>

enum { TLS_HOST_MAX = 255 }; /* what BearSSL holds, and more than DNS allows */

bool tls_sessions_recall(
    struct tls_sessions *s, const char *host, const struct trust *trust, br_ssl_session_parameters *out);

/* A server that gave no session id wants none resumed; that is ignored. */
void tls_sessions_remember(
    struct tls_sessions *s, const char *host, const struct trust *trust, const br_ssl_session_parameters *agreed);

/* One whose offer ended in failure is not offered again. */
void tls_sessions_forget(struct tls_sessions *s, const br_ssl_session_parameters *offered);

#endif
