#ifndef COMMON_TRUST_ANCHORS_H
#define COMMON_TRUST_ANCHORS_H
/* The same authorities as BearSSL wants them: for common/tls.c only. */
#include "common/trust.h"

#include <bearssl.h>

/* trust_count of them, for as long as `t` lives. */
const br_x509_trust_anchor *trust_anchors(const struct trust *t);

#endif
