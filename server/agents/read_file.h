#ifndef AGENTS_READ_FILE_H
#define AGENTS_READ_FILE_H
/* Whole files into memory, if they are files and not too large. Blocks on the
 * disk; never on a pipe. */
#include "common/buf.h"

/* Appends what the file holds. NULL, or what is wrong with it: the end of a
 * sentence, as in "is a directory"; valid until the next call in this thread. */
const char *read_whole_file(const char *path, size_t max, struct buf *out);

#endif
