#ifndef COMMON_TRUST_H
#define COMMON_TRUST_H
/* The certificate authorities we believe, read once at start and only read
 * from then on: any number of threads may share them. */
#include <stddef.h>

struct trust;

/* Reads a PEM bundle. 0; -ENOENT and the like; -EINVAL when not one
 * certificate in it could be used. Certificates that cannot be decoded are
 * skipped. */
int trust_open(struct trust **out, const char *pem_file);

/* The same from memory. */
int trust_from_pem(struct trust **out, const char *pem, size_t len);

void trust_close(struct trust *t); /* fine with NULL */
size_t trust_count(const struct trust *t);

#endif
