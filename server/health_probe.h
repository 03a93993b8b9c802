#ifndef HEALTH_PROBE_H
#define HEALTH_PROBE_H
/* `trunkline --health`, for a container's HEALTHCHECK: asks the server on this machine
 * whether it is alive. */

/* GET /health at the IPv4 address (0.0.0.0 stands for loopback). 0; -EPROTO: the answer
 * was not 200; or another -errno. Each step of it waits 3 s at most. */
int health_probe(const char *listen, int port);

#endif
