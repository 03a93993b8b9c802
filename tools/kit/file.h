#ifndef KIT_FILE_H
#define KIT_FILE_H
/* Whole files, and how many may be open. */
#include "tools/kit/text.h"

/* Appends all of it. 0, or -1 with errno set. */
int file_read(const char *path, struct text *out);

/* The file in one step: whoever reads it meanwhile sees the old one or the new
 * one. What is no plain file, as /dev/stdout, is written to. 0, or -1 with errno set. */
int file_write(const char *path, const struct text *text);

/* As many open files as this process may have. */
void file_allow_many(void);

#endif
