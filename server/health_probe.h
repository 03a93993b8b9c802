#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H
/* `trunkline --health`, for a container's HEALTHCHECK: asks the server on this
 * machine whether it is alive. */

/* GET /health at the address (0.0.0.0 stands for loopback) within 3 s: 0, or
 * -errno; -EPROTO if the answer was not 200. */
int health_probe(const char *listen, int port);

#endif
