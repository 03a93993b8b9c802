#ifndef KNOWLEDGE_KNOWLEDGE_FOLDER_H
#define KNOWLEDGE_KNOWLEDGE_FOLDER_H
/* A folder of .md, .markdown and .txt, as files: reads them, and tells by names,
 * sizes and times whether anything has changed.
 *
 * Hidden names (.x) are not looked at; files behind symbolic links are read. What is
 * too large, unreadable, not UTF-8, no text by its name or a folder behind a link is
 * skipped, with a line that says so. Blocks on the disk.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FOLDER_DEPTH = 8,
	FOLDER_FILES = 2000,
	FOLDER_ENTRIES = 20000,      /* looked at in one folder and all below */
	FOLDER_FILE_MAX = 1 << 20,   /* bytes */
	FOLDER_TOTAL_MAX = 16 << 20, /* bytes */
	FOLDER_PATH_MAX = 512
};

/* `path` is relative to the folder, with slashes. Not 0 stops. */
typedef int folder_text(void *arg, const char *path, const char *text, size_t len, bool markdown);

/* A number that changes when the folder does. 0, or -errno: it cannot be read. */
int folder_mark(const char *folder, uint64_t *mark);

/* Gives each text, in the order of names. `skipped` gets a line for each file
 * left out, *left_out their number. 0, the value with which `take` stopped it, or
 * -errno: the folder itself cannot be read. */
int folder_read(const char *folder, folder_text *take, void *arg, struct buf *skipped, size_t *left_out);

#endif
