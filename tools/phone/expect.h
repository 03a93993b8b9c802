#ifndef PHONE_EXPECT_H
#define PHONE_EXPECT_H
/* --expect: a key of a finished call, a comparison, a value. */
#include <stdbool.h>
#include <stddef.h>

struct call;

/* Can this be understood: KEY, one of >= <= != = > < ~, VALUE (~: contains)? */
bool expect_known(const char *expectation);
/* Does the call fulfil it? If not, a sentence in `why`. */
bool expect_met(const char *expectation, const struct call *c, char *why, size_t why_size);
/* Do the expectations say something about this key? */
bool expect_names(const char *expectation, const char *key);
void expect_help(void);

#endif
