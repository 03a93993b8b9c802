#ifndef AGENTS_READ_FILE_H
#define AGENTS_READ_FILE_H
/* Whole files into memory, if they are files and not too large. Blocks on the
 * disk; never on a pipe. */
#include "common/buf.h"

/* Appends the file's bytes. NULL, or the fault as the end of a sentence ("is a
 * directory"), valid until the next call in this thread. */
const char *read_whole_file(const char *path, size_t max, struct buf *out);

#endif
