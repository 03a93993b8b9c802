#ifndef AGENTS_PARTS_H
#define AGENTS_PARTS_H
/* The lists of an agent's file: numbers, languages, endpoints, tools, servers of tools,
 * transfers, webhooks. Each function reads the value at r->path into a struct
 * agent and replaces the list it had. Only server/agents/ needs them.
 */
#include "server/agents/reader.h"

void part_numbers(struct reader *r, const cJSON *value, void *agent);
void part_languages(struct reader *r, const cJSON *value, void *agent);
void part_endpoints(struct reader *r, const cJSON *value, void *agent);
void part_tools(struct reader *r, const cJSON *value, void *agent);
void part_mcp_servers(struct reader *r, const cJSON *value, void *agent);
void part_transfers(struct reader *r, const cJSON *value, void *agent);
void part_webhooks(struct reader *r, const cJSON *value, void *agent);

/* A list of different strings, each passing `check`, in *out and *count. */
void part_strings(struct reader *r, const cJSON *list, size_t max, const char *(*check)(const char *),
    const char *const **out, size_t *count);

/* A list of structs of `size` bytes, each read by the table `keys` over a copy of `blank`, which
 * holds the defaults. */
void *part_list(struct reader *r, const cJSON *list, size_t max, const struct key *keys, size_t size, const void *blank,
    size_t *count);

/* A JSON Schema of an object, as text; NULL after telling its mistakes. */
const char *part_schema(struct reader *r, const cJSON *value);

#endif
