#include "audio/wav.h"

#include "audio/g711.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is "RIFF" size "WAVE", then chunks of name (4), size (4) and body,
 * padded to an even length; all numbers little-endian. "fmt " comes before
 * "data". */
enum {
	FORMAT_PCM = 1,
	FORMAT_MULAW = 7,
	FORMAT_EXTENSIBLE = 0xfffe, /* the real format is the first two bytes of a GUID at offset 24 */
	RIFF_BEFORE = 8,            /* bytes of the header that the RIFF size does not count */
};

static const size_t LOAD_MOST = (size_t)1 << 30;

static unsigned get16(const uint8_t *p)
{
	return (unsigned)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value & 0xffff);
	put16(p + 2, value >> 16);
}

struct format {
	unsigned code, channels, rate_hz, bits;
};

static int parse_format(struct format *f, const uint8_t *body, size_t len)
{
	if (len < 16)
		return -EINVAL;
	f->code = get16(body);
	f->channels = get16(body + 2);
	f->rate_hz = get32(body + 4);
	f->bits = get16(body + 14);
	if (f->code == FORMAT_EXTENSIBLE) {
		if (len < 26)
			return -EINVAL;
		f->code = get16(body + 24);
	}
	if (!f->channels || f->rate_hz < 1000 || f->rate_hz > 384000)
		return -EINVAL;
	if (f->channels > 2)
		return -ENOTSUP;
	if ((f->code == FORMAT_PCM && f->bits == 16) || (f->code == FORMAT_MULAW && f->bits == 8))
		return 0;
	return -ENOTSUP;
}

static int take_samples(struct wav *out, const struct format *f, const uint8_t *body, size_t len)
{
	size_t sample_bytes = f->bits / 8;
	size_t frames = len / sample_bytes / f->channels, count = frames * f->channels;
	int16_t *samples = malloc(count ? count * sizeof *samples : 1);

	if (!samples)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		samples[i] = f->code == FORMAT_MULAW ? mulaw_decode(body[i]) : (int16_t)get16(body + 2 * i);
	*out = (struct wav){ f->rate_hz, f->channels, frames, samples };
	return 0;
}

int wav_parse(struct wav *out, const uint8_t *bytes, size_t len)
{
	struct format format = { 0 };
	size_t at = 12;
	int err;

	memset(out, 0, sizeof *out);
	if (len < at || memcmp(bytes, "RIFF", 4) || memcmp(bytes + 8, "WAVE", 4))
		return -EINVAL;
	while (len - at >= 8) {
		const uint8_t *chunk = bytes + at, *body = chunk + 8;
		size_t left = len - at - 8, size = get32(chunk + 4);
		bool data = memcmp(chunk, "data", 4) == 0;

		/* A recorder that was cut short left 0 or a size not reached. */
		if (size > left || (data && !size))
			size = left;
		if (data)
			return format.code ? take_samples(out, &format, body, size) : -EINVAL;
		if (memcmp(chunk, "fmt ", 4) == 0 && (err = parse_format(&format, body, size)))
			return err;
		if (size + (size & 1) >= left)
			break;
		at += 8 + size + (size & 1);
	}
	return -EINVAL;
}

static int read_whole(int fd, uint8_t **bytes, size_t *len)
{
	struct stat st;
	size_t have = 0;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > LOAD_MOST)
		return -EFBIG;
	*bytes = malloc((size_t)st.st_size + 1);
	if (!*bytes)
		return -ENOMEM;
	while (have < (size_t)st.st_size) {
		ssize_t got = read(fd, *bytes + have, (size_t)st.st_size - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = -errno;

			free(*bytes);
			return err;
		}
		if (!got)
			break;
		have += (size_t)got;
	}
	*len = have;
	return 0;
}

int wav_load(struct wav *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	uint8_t *bytes = NULL;
	size_t len = 0;

	memset(out, 0, sizeof *out);
	if (fd < 0)
		return -errno;
	err = read_whole(fd, &bytes, &len);
	close(fd);
	if (err)
		return err;
	err = wav_parse(out, bytes, len);
	free(bytes);
	return err;
}

void wav_free(struct wav *w)
{
	free(w->samples);
	memset(w, 0, sizeof *w);
}

/* What is not PCM says so in a longer "fmt " and tells its length in "fact" too. */
void wav_mulaw_header(uint8_t out[WAV_MULAW_HEADER], unsigned rate_hz, unsigned channels, uint32_t frames)
{
	uint32_t bytes = frames * channels;

	memset(out, 0, WAV_MULAW_HEADER);
	memcpy(out, "RIFF....WAVEfmt ", 16);
	put32(out + 4, WAV_MULAW_HEADER - RIFF_BEFORE + bytes + (bytes & 1));
	put32(out + 16, 18);
	put16(out + 20, FORMAT_MULAW);
	put16(out + 22, channels);
	put32(out + 24, rate_hz);
	put32(out + 28, rate_hz * channels);
	put16(out + 32, channels);
	put16(out + 34, 8);
	memcpy(out + 38, "fact", 4);
	put32(out + 42, 4);
	put32(out + 46, frames);
	memcpy(out + 50, "data", 4);
	put32(out + 54, bytes);
}
