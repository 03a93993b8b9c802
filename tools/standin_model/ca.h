#ifndef STANDIN_CA_H
#define STANDIN_CA_H
/* A test CA and four server certificates, as files in one directory.
 *
 * ca.pem is what a client must trust. good.pem, expired.pem, wrong-name.pem
 * and unknown-root.pem each hold a certificate and its key; the last is signed
 * by a CA that was thrown away. The CA's own key is not kept.
 */
#include <openssl/ssl.h>

enum { CERTIFICATES = 4 };
extern const char *const certificate_names[CERTIFICATES];

int certificate_index(const char *name); /* -1 if there is none */

/* 0, or -1 and a message on stderr. */
int ca_make(const char *dir, const char *names);

/* As ca_make, unless the directory has all the files already. */
int ca_have(const char *dir, const char *names);

/* A server context showing that certificate. NULL and a message on stderr. */
SSL_CTX *ca_context(const char *dir, const char *certificate, int max_version, int resumption);

#endif
