#include "tools/kit/file.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

int file_read(const char *path, struct text *out)
{
	FILE *f = fopen(path, "rb");
	char piece[16384];
	size_t n;
	int bad;

	if (!f)
		return -1;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		text_add(out, piece, n);
	bad = ferror(f);
	fclose(f);
	return bad ? -1 : 0;
}

int file_write(const char *path, const struct text *text)
{
	struct text fresh = { 0 };
	struct stat st;
	bool aside = stat(path, &st) || S_ISREG(st.st_mode);
	FILE *f;
	int err = -1;

	text_printf(&fresh, "%s%s", path, aside ? ".new" : "");
	f = fopen(text_str(&fresh), "wb");
	if (f) {
		err = fwrite(text_str(text), 1, text->len, f) == text->len ? 0 : -1;
		err = fclose(f) || err || (aside && rename(text_str(&fresh), path)) ? -1 : 0;
	}
	text_free(&fresh);
	return err;
}

void file_allow_many(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}
