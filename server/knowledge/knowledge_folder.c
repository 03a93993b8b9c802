#include "server/knowledge/knowledge_folder.h"

#include "common/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* One walk through the folder. Two visitors share it: `glance` mixes a mark, `read_one` gives
 * texts. */
struct walk {
	const char *folder;
	int (*visit)(struct walk *w, const char *path, const struct stat *about);
	size_t files, entries, bytes, left_out;
	uint64_t mark;
	folder_text *take;
	void *arg;
	struct buf *skipped;
	bool full;     /* it was said that no more is read */
	size_t others; /* files that are no text */
	char first_other[FOLDER_PATH_MAX];
};

enum text_kind { NO_TEXT, PLAIN, MARKDOWN };

static enum text_kind kind_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (!dot)
		return NO_TEXT;
	if (!strcasecmp(dot, ".md") || !strcasecmp(dot, ".markdown"))
		return MARKDOWN;
	return strcasecmp(dot, ".txt") ? NO_TEXT : PLAIN;
}

static void skip(struct walk *w, const char *path, const char *why)
{
	w->left_out++;
	if (w->skipped)
		buf_printf(w->skipped, "%s is left out: %s\n", path, why);
}

/* The bound is told once, at the first name beyond it. */
static void skip_rest(struct walk *w, const char *path, const char *why)
{
	if (!w->full)
		skip(w, path, why);
	w->full = true;
}

/* ---------------------------------------------------------------------- walking */

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int walk_into(struct walk *w, const char *below, int depth);

/* Pictures and the like may lie beside the texts by the hundred: one line tells of them all. */
static void skip_other(struct walk *w, const char *path)
{
	w->left_out++;
	if (!w->others++)
		snprintf(w->first_other, sizeof w->first_other, "%s", path);
}

/* Decides by lstat, so that a link to a folder is never followed: links can make a circle, and lead
 * out of the folder. */
static int visit_entry(struct walk *w, const char *path, int depth)
{
	char whole[2 * FOLDER_PATH_MAX];
	struct stat about;
	bool is_link;

	if (snprintf(whole, sizeof whole, "%s/%s", w->folder, path) >= (int)sizeof whole) {
		skip(w, path, "its path from the root is longer than 1023 bytes");
		return 0;
	}
	if (lstat(whole, &about))
		return 0; /* gone since it was listed */
	is_link = S_ISLNK(about.st_mode);
	if (S_ISDIR(about.st_mode))
		return walk_into(w, path, depth + 1);
	if (is_link && stat(whole, &about))
		skip(w, path, "it is a link to nothing");
	else if (S_ISDIR(about.st_mode))
		skip(w, path, "it is a link to a folder");
	else if (kind_of(path) == NO_TEXT)
		skip_other(w, path);
	else if (!S_ISREG(about.st_mode))
		skip(w, path, "it is no file");
	else
		return w->visit(w, path, &about);
	return 0;
}

/* Depth first, sorted by name: the same folder gives the same marks and passages everywhere. Only
 * the folder itself may fail; anything below is skipped with its reason. */
static int walk_into(struct walk *w, const char *below, int depth)
{
	char whole[2 * FOLDER_PATH_MAX], path[FOLDER_PATH_MAX];
	struct dirent **names;
	int count, err = 0;

	if (depth > FOLDER_DEPTH) {
		skip(w, below, "folders nest deeper than 8");
		return 0;
	}
	if (snprintf(whole, sizeof whole, "%s%s%s", w->folder, *below ? "/" : "", below) >= (int)sizeof whole)
		return -ENAMETOOLONG; /* the folder itself: what is below was measured by visit_entry */
	count = scandir(whole, &names, visible, alphasort);
	if (count < 0) {
		if (!*below)
			return -errno;
		skip(w, below, strerror(errno));
		return 0;
	}
	for (int i = 0; i < count; i++) {
		if (!err && ++w->entries > FOLDER_ENTRIES)
			skip_rest(w, below, "the folder holds more than 20000 names; what follows is not read");
		else if (!err && snprintf(path, sizeof path, "%s%s%s", below, *below ? "/" : "", names[i]->d_name) >=
				     (int)sizeof path)
			skip(w, path, "its path is longer than 511 bytes");
		else if (!err)
			err = visit_entry(w, path, depth);
		free(names[i]);
	}
	free(names);
	return err;
}

/* --------------------------------------------------------------------- glancing */

/* The mark is a hash over all that changes when a file is written, replaced or renamed: size, inode
 * and both times. No text is read for it. */

static void mix(struct walk *w, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	/* FNV-1a */
	for (size_t i = 0; i < len; i++)
		w->mark = (w->mark ^ p[i]) * 1099511628211u;
}

static int glance(struct walk *w, const char *path, const struct stat *about)
{
	mix(w, path, strlen(path) + 1);
	mix(w, &about->st_size, sizeof about->st_size);
	mix(w, &about->st_ino, sizeof about->st_ino);
	mix(w, &about->st_mtim, sizeof about->st_mtim);
	mix(w, &about->st_ctim, sizeof about->st_ctim);
	return 0;
}

int folder_mark(const char *folder, uint64_t *mark)
{
	struct walk w = { .folder = folder, .visit = glance, .mark = 14695981039346656037u };
	int err = walk_into(&w, "", 1);

	*mark = w.mark;
	return err;
}

/* ---------------------------------------------------------------------- reading */

/* The file with a NUL behind it, at most `size` bytes; caller frees. NULL: `why` tells. A file that
 * grows meanwhile is cut at the size that was looked up: the next mark differs, and it is read again. */
static char *read_file(const char *path, size_t size, size_t *len, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : malloc(size + 1);
	ssize_t got = 0;

	*len = 0;
	*why = fd < 0 ? strerror(errno) : text ? NULL : "out of memory";
	while (text && *len < size && (got = read(fd, text + *len, size - *len)) > 0)
		*len += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (text && got < 0) {
		*why = strerror(errno);
		free(text);
		return NULL;
	}
	if (text)
		text[*len] = '\0';
	return text;
}

static int read_one(struct walk *w, const char *path, const struct stat *about)
{
	char whole[2 * FOLDER_PATH_MAX];
	const char *why;
	size_t len;
	char *text;
	int err = 0;

	if (about->st_size > FOLDER_FILE_MAX) {
		skip(w, path, "it is larger than 1 MB");
		return 0;
	}
	if (w->files >= FOLDER_FILES || w->bytes + (size_t)about->st_size > FOLDER_TOTAL_MAX) {
		skip_rest(w, path, "the folder holds more than 2000 files or 16 MB; what follows is not read");
		return 0;
	}
	snprintf(whole, sizeof whole, "%s/%s", w->folder, path);
	text = read_file(whole, (size_t)about->st_size, &len, &why);
	if (!text) {
		skip(w, path, why);
	} else if (!utf8_valid(text, len) || memchr(text, '\0', len)) {
		skip(w, path, "it is not UTF-8 text");
	} else {
		w->files++;
		w->bytes += len;
		err = w->take(w->arg, path, text, len, kind_of(path) == MARKDOWN);
	}
	free(text);
	return err;
}

int folder_read(const char *folder, folder_text *take, void *arg, struct buf *skipped, size_t *left_out)
{
	struct walk w = { .folder = folder, .visit = read_one, .take = take, .arg = arg, .skipped = skipped };
	int err = walk_into(&w, "", 1);

	if (w.others && skipped)
		buf_printf(
		    skipped, "%s%s: no .md or .txt, and left out\n", w.first_other, w.others > 1 ? " and others" : "");
	*left_out = w.left_out;
	return err;
}
