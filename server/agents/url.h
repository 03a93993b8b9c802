#ifndef AGENTS_URL_H
#define AGENTS_URL_H
/* Where requests about callers may go. */

/* https, or http inside one's own walls: loopback, private addresses, names
 * without a dot or in .internal, .local, .localhost. NULL, or how it must be. */
const char *agent_url_check(const char *url);

#endif
