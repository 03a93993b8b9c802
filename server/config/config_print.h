#ifndef CONFIG_CONFIG_PRINT_H
#define CONFIG_CONFIG_PRINT_H
/* The table of settings as people read it, and the values of one process. */
#include "server/config/config.h"

void config_print_help(struct buf *out);                           /* the table, for --help */
void config_print_markdown(struct buf *out);                       /* the table, for SETTINGS.md */
void config_print_env(struct buf *out);                            /* the table, as .env.example */
void config_print(const struct config *cfg, struct buf *out);      /* values, secrets masked */
void config_print_zone(const struct config *cfg, struct buf *out); /* one line: the offset from UTC now in force */
/* A line each: what one caller is limited to, and orders of calls, where there was no limit before. */
void config_print_bounds(const struct config *cfg, struct buf *out);

#endif
