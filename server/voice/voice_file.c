#include "server/voice/voice_file.h"

#include <stdio.h>
#include <string.h>

static const char magic[8] = { 'T', 'L', 'V', 'O', 'I', 'C', 'E', '1' };

static bool put_field(struct voice_key *key, const char *field)
{
	size_t size = strlen(field) + 1;

	if (size > sizeof key->bytes - key->len)
		return false;
	memcpy(key->bytes + key->len, field, size);
	key->len += size;
	return true;
}

bool voice_key_make(
    struct voice_key *key, const char *protocol, const char *model, const char *voice, double speed, const char *text)
{
	char pace[32];

	snprintf(pace, sizeof pace, "%.3f", speed);
	key->len = 0;
	if (!put_field(key, protocol) || !put_field(key, model) || !put_field(key, voice) || !put_field(key, pace) ||
	    !put_field(key, text))
		return false;
	sha256(key->bytes, key->len, key->hash);
	return true;
}

const char *voice_file_word(enum voice_file_state state)
{
	static const char *const words[] = {
		[VOICE_FILE_GOOD] = "good",
		[VOICE_FILE_FOREIGN] = "not a line of this version",
		[VOICE_FILE_CUT] = "cut short",
		[VOICE_FILE_SPOILED] = "spoiled",
		[VOICE_FILE_OTHERS] = "another line's",
	};

	return words[state];
}

static void put_count(struct buf *out, size_t count)
{
	for (int shift = 0; shift < 32; shift += 8)
		buf_putc(out, (char)(count >> shift & 0xff));
}

static size_t count_at(const uint8_t *bytes)
{
	return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
}

void voice_file_put(struct buf *out, const struct voice_key *key, const uint8_t *ulaw, size_t len)
{
	uint8_t sum[SHA256_BYTES];
	size_t begin = out->len;

	buf_put(out, magic, sizeof magic);
	put_count(out, key->len);
	put_count(out, len);
	buf_put(out, key->bytes, key->len);
	buf_put(out, ulaw, len);
	if (buf_error(out))
		return;
	sha256(out->data + begin, out->len - begin, sum);
	buf_put(out, sum, sizeof sum);
}

/* The lengths are compared with what is there before they are used. */
enum voice_file_state voice_file_read(
    const uint8_t *bytes, size_t len, const struct voice_key *key, const uint8_t **ulaw, size_t *count)
{
	size_t of_key, of_sound, before_sum;
	uint8_t sum[SHA256_BYTES];

	if (len < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
		return VOICE_FILE_FOREIGN;
	if (len < VOICE_FILE_HEADER)
		return VOICE_FILE_CUT;
	of_key = count_at(bytes + sizeof magic);
	of_sound = count_at(bytes + sizeof magic + 4);
	if (of_key > VOICE_KEY_MAX || !of_sound || of_sound > VOICE_LINE_MAX)
		return VOICE_FILE_FOREIGN;
	before_sum = VOICE_FILE_HEADER + of_key + of_sound;
	if (len != before_sum + sizeof sum)
		return VOICE_FILE_CUT;
	sha256(bytes, before_sum, sum);
	if (memcmp(bytes + before_sum, sum, sizeof sum) != 0)
		return VOICE_FILE_SPOILED;
	if (of_key != key->len || memcmp(bytes + VOICE_FILE_HEADER, key->bytes, of_key) != 0)
		return VOICE_FILE_OTHERS;
	*ulaw = bytes + VOICE_FILE_HEADER + of_key;
	*count = of_sound;
	return VOICE_FILE_GOOD;
}
