#ifndef CONFIG_CONFIG_URL_H
#define CONFIG_CONFIG_URL_H
/* The addresses that requests about callers may go to. */

/* NULL if it will do: https, or http within a private network (loopback, private
 * addresses, names without a dot or in .internal, .local, .localhost). Else the
 * end of a sentence: "must start with …". */
const char *check_service_url(const char *url);

#endif
