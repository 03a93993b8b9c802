#ifndef CONFIG_API_TOKEN_H
#define CONFIG_API_TOKEN_H
/* The operator's token: API_TOKEN, or one that is made.
 *
 * Without API_TOKEN and API_JWT_SECRET the first start makes one and keeps it in
 * DATA_DIR/api-token, with mode 0600, for the starts to come; without DATA_DIR it
 * holds for one run. Of a file that is there:
 *
 *   - others may read it: it is closed to them, with a warning; an error if that fails;
 *   - it is empty: a new one is made, with a warning;
 *   - it cannot be read, is another user's, or holds what API_TOKEN would refuse: an
 *     error. Somebody meant something by it;
 *   - it cannot be written (a full disk): the token holds for this run, with a warning.
 */
#include "server/config/config.h"

#define API_TOKEN_FILE "api-token"

/* Fills in cfg->api_token if it has to be made or read. At start, before threads that
 * ask for it, while DATA_DIR is there and nobody else's. 0, or -errno with a line in `problem`;
 * warnings are logged. */
int api_token_open(struct config *cfg, struct buf *problem);

/* Forgets a token that was made or read. */
void api_token_close(struct config *cfg);

/* After api_token_open: a line that tells where the token is, with a command that uses it; nothing
 * if it was configured. */
void api_token_print(const struct config *cfg, int port, struct buf *out);

/* The token that a server with these settings takes, for clients on its own machine; makes and
 * mends nothing. 0, and `token` gets it; -ENOENT: there is none (yet), or other -errno, each with a
 * line in `problem`. With API_JWT_SECRET only, it is API_READ_TOKEN. */
int api_token_read(const struct config *cfg, char token[API_TOKEN_SIZE], struct buf *problem);

/* Whether api_token_open would find what it can use; makes and mends nothing. 0; -ENOENT: it makes a
 * token; or other -errno, each with a line in `problem`. */
int api_token_check(const struct config *cfg, struct buf *problem);

#endif
