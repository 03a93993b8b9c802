#include "server/config/config_url.h"

#include "server/config/networks.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_in(const char *host, const char *tail)
{
	size_t n = strlen(host), m = strlen(tail);

	return n > m && !strcasecmp(host + n - m, tail);
}

/* Hosts that plain http may reach: loopback, RFC 1918 and IPv6 unique local addresses (fc00::/7,
 * RFC 4193), and names that no public DNS serves. It looks at the spelling only and resolves
 * nothing, so that a check at load gives the same answer everywhere. 169.254.0.0/16 is not among
 * them: cloud machines hand out their credentials there. */
static bool inside_own_walls(const char *host)
{
	static const char *const nets[] = { "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16" };

	if (address_in_nets(host, nets, sizeof nets / sizeof *nets) || !strcmp(host, "[::1]") ||
	    !strncasecmp(host, "[fc", 3) || !strncasecmp(host, "[fd", 3))
		return true;
	return (!strchr(host, '.') && isalpha((unsigned char)*host)) || ends_in(host, ".internal") ||
	       ends_in(host, ".local") || ends_in(host, ".localhost");
}

/* "host" or "[address]" of "host:port"; false if it is neither. The brackets stay, because they are
 * what tells an IPv6 address from a name. */
static bool split_host(const char *authority, size_t len, char host[256])
{
	const char *colon = memchr(authority, ':', len);
	size_t n = *authority == '[' ? strcspn(authority, "]") + 1 : colon ? (size_t)(colon - authority) : len;
	size_t digits = n < len ? strspn(authority + n + 1, "0123456789") : 0;
	struct in6_addr unused;
	long port;

	if (!n || n > len || n > 255 || (n < len && (authority[n] != ':' || !digits || n + 1 + digits != len)))
		return false;
	port = n < len ? strtol(authority + n + 1, NULL, 10) : 1;
	memcpy(host, authority, n);
	host[n] = '\0';
	if (port < 1 || port > 65535)
		return false;
	if (*host == '[') {
		host[n - 1] = '\0';
		n = (size_t)inet_pton(AF_INET6, host + 1, &unused);
		host[strlen(host)] = ']';
		return n == 1;
	}
	for (size_t i = 0; host[i]; i++)
		if (!isalnum((unsigned char)host[i]) && !strchr("-._", host[i]))
			return false;
	return true;
}

/* Tools and webhooks carry what callers say, so plain http is for private networks only. The
 * sentences complete "FILE: PLACE: " in the reader's message. */
const char *check_service_url(const char *url)
{
	bool secure = !strncasecmp(url, "https://", 8);
	const char *authority;
	char host[256];
	size_t len;

	if (!secure && strncasecmp(url, "http://", 7) != 0)
		return "must start with https:// (or http:// inside your own walls)";
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}#", *p))
			return "must be a URL without blanks, quotation marks or a #fragment";
	authority = url + (secure ? 8 : 7);
	len = strcspn(authority, "/?");
	if (memchr(authority, '@', len))
		return "must not carry a user name or password; requests are signed instead";
	if (!split_host(authority, len, host))
		return "must look like https://host[:port]/path";
	if (!secure && !inside_own_walls(host))
		return "must start with https://: over http:// what callers say would travel readable by anyone";
	return NULL;
}
