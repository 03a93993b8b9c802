#ifndef VOICE_VOICE_FILE_H
#define VOICE_VOICE_FILE_H
/* A line on the disk, and what it is known by. Pure.
 *
 *   8 bytes    "TLVOICE1", the last of which is the version
 *   4, 4       bytes of the key and of the sound, little-endian
 *   the key    the fields that it is made of, a NUL behind each
 *   the sound  mu-law at 8 kHz
 *   32         SHA-256 of all before
 *
 * The whole key is in it, so that a file under another line's name is found out.
 */
#include "common/buf.h"
#include "common/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VOICE_KEY_MAX = 2048,        /* bytes; a longer text is not kept */
	VOICE_LINE_MAX = 8000 * 120, /* bytes of sound: two minutes */
	VOICE_FILE_HEADER = 16,
	VOICE_FILE_MAX = VOICE_FILE_HEADER + VOICE_KEY_MAX + VOICE_LINE_MAX + SHA256_BYTES
};

struct voice_key {
	uint8_t hash[SHA256_BYTES];
	size_t len;
	char bytes[VOICE_KEY_MAX];
};

/* False: they are too long. */
bool voice_key_make(
    struct voice_key *key, const char *protocol, const char *model, const char *voice, double speed, const char *text);

enum voice_file_state {
	VOICE_FILE_GOOD,
	VOICE_FILE_FOREIGN, /* no such file, or of another version */
	VOICE_FILE_CUT,     /* its length is not what it says */
	VOICE_FILE_SPOILED, /* its checksum is another */
	VOICE_FILE_OTHERS   /* another line, or in another voice */
};

const char *voice_file_word(enum voice_file_state state); /* for the log */

/* Appends the whole file. */
void voice_file_put(struct buf *out, const struct voice_key *key, const uint8_t *ulaw, size_t len);

/* The sound in it, borrowed from `bytes`, if it is that line's. */
enum voice_file_state voice_file_read(
    const uint8_t *bytes, size_t len, const struct voice_key *key, const uint8_t **ulaw, size_t *count);

#endif
