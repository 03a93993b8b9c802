#ifndef CONFIG_CONFIG_PRINT_H
#define CONFIG_CONFIG_PRINT_H
/* The table of settings as people read it, and the values of one process. */
#include "server/config/config.h"

void config_print_help(struct buf *out);                           /* the table, for --help */
void config_print_markdown(struct buf *out);                       /* the table, for SETTINGS.md */
void config_print_env(struct buf *out);                            /* the table, as .env.example */
void config_print(const struct config *cfg, struct buf *out);      /* values, secrets masked */
void config_print_zone(const struct config *cfg, struct buf *out); /* one line: the offset from UTC now in force */
/* One line: what one caller is limited to, of which there was nothing before; nothing without a limit. */
void config_print_callers(const struct config *cfg, struct buf *out);

#endif
