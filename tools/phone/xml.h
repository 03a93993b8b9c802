#ifndef PHONE_XML_H
#define PHONE_XML_H
/* A small, strict XML reader for TwiML: what an XML 1.0 parser would refuse is
 * refused here (undefined entities, unescaped & or <, doubled attributes, tags
 * that do not match, text outside the root, bytes that are no UTF-8). Document
 * types are refused too; processing instructions and comments are skipped.
 */
#include <stddef.h>

struct xml_attr {
	char *name, *value;
	struct xml_attr *next;
};

struct xml {
	char *name;
	char *text; /* all character data directly inside, joined; never NULL */
	struct xml_attr *attrs;
	struct xml *children, *next;
};

/* The root, owned by the caller, or NULL with a sentence in `why`. */
struct xml *xml_read(const char *data, size_t len, char *why, size_t why_size);
void xml_free(struct xml *x);

/* An attribute's value, borrowed, or NULL. */
const char *xml_attr(const struct xml *x, const char *name);

#endif
