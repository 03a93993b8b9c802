#ifndef COMMON_TRUST_H
#define COMMON_TRUST_H
/* The certificate authorities we believe, read once at start and only read
 * from then on: any number of threads may share them. */
#include <stddef.h>

struct trust;

enum { TRUST_RSA_BYTES = 256 }; /* an RSA key below 2048 bits is believed nowhere in a chain */

/* Reads a PEM bundle. 0; -ENOENT and the like; -EINVAL when not one
 * certificate in it could be used; -EKEYREJECTED when only those with too
 * short an RSA key could. Certificates that cannot be decoded are skipped,
 * and so are these. */
int trust_open(struct trust **out, const char *pem_file);

/* The same from memory. */
int trust_from_pem(struct trust **out, const char *pem, size_t len);

void trust_close(struct trust *t); /* fine with NULL */
size_t trust_count(const struct trust *t);
size_t trust_skipped_short(const struct trust *t); /* for their RSA key */

#endif
