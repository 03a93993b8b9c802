#ifndef VOICE_VOICE_DIR_H
#define VOICE_VOICE_DIR_H
/* DATA_DIR/voice: a file for each line, named by the hash of its key. Blocks on the disk: for the
 * cache's own thread.
 *
 * What is wrong with a file is told in the log and counted, and the file is gone: its line will be
 * made again. The directory keeps so many files and bytes; those not used for the longest time go.
 */
#include "server/voice/voice_file.h"

struct voice_dir {
	char path[1024]; /* "": nothing is kept on the disk */
	size_t files_max;
	int64_t bytes_max;
};

enum { VOICE_FILES_MAX = 4096, VOICE_DIR_MB = 512 };

/* Makes the directory below `data_dir` ("": none). Without it, nothing is kept, and the log says so. */
void voice_dir_open(struct voice_dir *d, const char *data_dir);

/* The file of that line into an empty `file`, and in it its sound. False: there is none that is good. */
bool voice_dir_load(
    const struct voice_dir *d, const struct voice_key *key, struct buf *file, const uint8_t **ulaw, size_t *len);

/* Whole on the disk, or not there at all. 0 or -errno, of which the log has been told. */
int voice_dir_save(const struct voice_dir *d, const struct voice_key *key, const uint8_t *ulaw, size_t len);

/* The line is being used: its file counts as new. */
void voice_dir_touch(const struct voice_dir *d, const struct voice_key *key);

/* Brings the directory within its bounds; what a killed process left unfinished goes, too. */
void voice_dir_tidy(const struct voice_dir *d);

#endif
