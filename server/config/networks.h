#ifndef CONFIG_NETWORKS_H
#define CONFIG_NETWORKS_H
/* Networks as settings name them: addresses, or nets such as 10.0.0.0/8. Pure. */
#include <stdbool.h>
#include <stddef.h>

/* As in config_check.h. */
const char *check_ipv4_net(const char *text); /* address or address/bits */
const char *check_net(const char *text);      /* the same, of IPv4 or IPv6 */

/* An address as a proxy tells it, perhaps with a port behind it. */
bool is_client_address(const char *text);

/* True if the address lies in one of the nets, both IPv4 or both IPv6; an IPv4 address within
 * IPv6 (::ffff:192.0.2.1) is IPv4. A port behind the address does not matter. False for what is no
 * address. */
bool address_in_nets(const char *address, const char *const *nets, size_t count);

#endif
