#include "server/config/networks.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address as 16 bytes, IPv4 in its place in IPv6 (RFC 4291 §2.5.5.2): how many of them name
 * the family or the net, and whether it is IPv4. */
struct net {
	uint8_t bytes[16];
	unsigned bits;
	bool ipv4;
};

enum { MAPPED_BITS = 96 };

/* "a.b.c.d" or an IPv6 address; one that holds an IPv4 address is that. */
static bool parse_address(const char *text, size_t len, struct net *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char address[INET6_ADDRSTRLEN];

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	memcpy(out->bytes, mapped, sizeof mapped);
	out->bits = 128;
	if (inet_pton(AF_INET, address, out->bytes + sizeof mapped) != 1 &&
	    inet_pton(AF_INET6, address, out->bytes) != 1)
		return false;
	out->ipv4 = !memcmp(out->bytes, mapped, sizeof mapped);
	return true;
}

/* An address is taken for a net of one. False if it is neither an address nor one with "/" and as
 * many bits as its family has. */
static bool parse_net(const char *text, struct net *out)
{
	size_t len = strcspn(text, "/");
	const char *digits = text + len;
	bool ipv4 = !memchr(text, ':', len);
	unsigned long bits, most = ipv4 ? 32 : 128;

	if (!parse_address(text, len, out))
		return false;
	if (!*digits)
		return true;
	digits++;
	if (!*digits || strlen(digits) > 3 || strspn(digits, "0123456789") != strlen(digits))
		return false;
	bits = strtoul(digits, NULL, 10);
	out->bits = (unsigned)bits + (ipv4 ? MAPPED_BITS : 0);
	if (out->bits < MAPPED_BITS)
		out->ipv4 = false;
	return bits <= most;
}

const char *check_ipv4_net(const char *text)
{
	struct net net;

	return !strchr(text, ':') && parse_net(text, &net)
		   ? NULL
		   : "must be IPv4 addresses or nets such as 10.0.0.0/8, comma-separated";
}

const char *check_net(const char *text)
{
	struct net net;

	return parse_net(text, &net) ? NULL
				     : "must be addresses or nets of IPv4 or IPv6, such as 192.0.2.0/24 or "
				       "2001:db8::/32, comma-separated";
}

/* Some proxies write the port behind the address: 192.0.2.1:443, [2001:db8::1]:443. */
static bool parse_client(const char *text, struct net *out)
{
	const char *colon = strchr(text, ':');

	if (*text == '[')
		return strchr(text, ']') && parse_address(text + 1, strcspn(text + 1, "]"), out);
	if (colon && !strchr(colon + 1, ':'))
		return parse_address(text, (size_t)(colon - text), out);
	return parse_address(text, strlen(text), out);
}

bool is_client_address(const char *text)
{
	struct net net;

	return parse_client(text, &net);
}

static bool in_net(const struct net *a, const char *net_text)
{
	struct net net;
	unsigned whole, rest;

	if (!parse_net(net_text, &net) || a->ipv4 != net.ipv4)
		return false;
	whole = net.bits / 8;
	rest = net.bits % 8;
	return !memcmp(a->bytes, net.bytes, whole) && (!rest || !((a->bytes[whole] ^ net.bytes[whole]) >> (8 - rest)));
}

bool address_in_nets(const char *address, const char *const *nets, size_t count)
{
	struct net a;

	if (!count || !parse_client(address, &a))
		return false;
	for (size_t i = 0; i < count; i++)
		if (in_net(&a, nets[i]))
			return true;
	return false;
}
