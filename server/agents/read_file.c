#include "server/agents/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The sentence with an errno in it. One for each thread, so that no lock is needed. */
static _Thread_local char sentence[128];

static const char *with_reason(const char *what, int err)
{
	snprintf(sentence, sizeof sentence, "%s: %s", what, strerror(err));
	return sentence;
}

static const char *wrong_kind(const struct stat *s)
{
	if (S_ISDIR(s->st_mode))
		return "is a directory, not a file";
	return S_ISREG(s->st_mode) ? NULL : "is not a regular file";
}

static const char *read_all(int fd, size_t max, struct buf *out)
{
	size_t before = out->len;
	struct stat s;

	if (fstat(fd, &s))
		return with_reason("cannot be looked at", errno);
	if (wrong_kind(&s))
		return wrong_kind(&s);
	for (;;) {
		char bytes[16 * 1024];
		ssize_t n = read(fd, bytes, sizeof bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return with_reason("cannot be read", errno);
		/* The file may grow while it is read, so the bound is held against the bytes that came. */
		if (out->len - before + (size_t)n > max) {
			snprintf(sentence, sizeof sentence, "is larger than %zu bytes", max);
			return sentence;
		}
		if (n == 0)
			return buf_error(out) ? "is too much for the memory there is" : NULL;
		buf_put(out, bytes, (size_t)n);
	}
}

const char *read_whole_file(const char *path, size_t max, struct buf *out)
{
	const char *how;
	struct stat s;
	int fd;

	/* Looked at before it is opened, because opening alone sets some devices going; looked at
	 * again by read_all, because another file may have taken its place. */
	if (!stat(path, &s) && (how = wrong_kind(&s)))
		return how;
	/* O_NONBLOCK: opening a pipe would wait for its other end. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? "is not there" : with_reason("cannot be opened", errno);
	how = read_all(fd, max, out);
	close(fd);
	return how;
}
