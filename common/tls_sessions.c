#include "common/tls_sessions.h"

#include "common/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct tls_sessions {
	pthread_mutex_t lock; /* everything below */
	bool present;
	char host[TLS_HOST_MAX + 1];
	const struct trust *trust;
	br_ssl_session_parameters parameters;
};

int tls_sessions_open(struct tls_sessions **out)
{
	struct tls_sessions *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

void tls_sessions_close(struct tls_sessions *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	explicit_bzero(s, sizeof *s);
	free(s);
}

bool tls_sessions_recall(
    struct tls_sessions *s, const char *host, const struct trust *trust, br_ssl_session_parameters *out)
{
	bool found;

	pthread_mutex_lock(&s->lock);
	found = s->present && s->trust == trust && !strcmp(s->host, host);
	if (found)
		*out = s->parameters;
	pthread_mutex_unlock(&s->lock);
	return found;
}

void tls_sessions_remember(
    struct tls_sessions *s, const char *host, const struct trust *trust, const br_ssl_session_parameters *agreed)
{
	if (!agreed->session_id_len || strlen(host) > TLS_HOST_MAX)
		return;
	pthread_mutex_lock(&s->lock);
	s->present = true;
	s->trust = trust;
	strcpy(s->host, host);
	s->parameters = *agreed;
	pthread_mutex_unlock(&s->lock);
}

void tls_sessions_forget(struct tls_sessions *s, const br_ssl_session_parameters *offered)
{
	pthread_mutex_lock(&s->lock);
	if (offered->session_id_len &&
	    bytes_equal(s->parameters.master_secret, offered->master_secret, sizeof offered->master_secret))
		s->present = false;
	pthread_mutex_unlock(&s->lock);
}
