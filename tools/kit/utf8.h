#ifndef KIT_UTF8_H
#define KIT_UTF8_H
/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include <stdbool.h>
#include <stddef.h>

bool utf8_ok(const void *bytes, size_t len);

#endif
