#include "server/config/api_token.h"

#include "common/digest.h"
#include "common/log.h"
#include "server/config/config_check.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MADE_BYTES = 32, FOR_OTHERS = 077 };

/* ------------------------------------------------------------------ the file */

static int path_of(const struct config *cfg, char path[PATH_MAX], struct buf *problem)
{
	if (snprintf(path, PATH_MAX, "%s/%s", cfg->data_dir, API_TOKEN_FILE) < PATH_MAX)
		return 0;
	buf_puts(problem, "DATA_DIR: the path is too long\n");
	return -ENAMETOOLONG;
}

/* The text without the white space around it. Its length, or negative errno; -EBADMSG: it is no text,
 * or too long. */
static ssize_t read_text(int fd, char token[API_TOKEN_SIZE])
{
	ssize_t len = 0, got, from = 0;

	while ((got = read(fd, token + len, (size_t)(API_TOKEN_SIZE - 1 - len))) > 0)
		len += got;
	if (got < 0)
		return -errno;
	while (len && isspace((unsigned char)token[len - 1]))
		len--;
	while (from < len && isspace((unsigned char)token[from]))
		from++;
	memmove(token, token + from, (size_t)(len - from));
	token[len - from] = '\0';
	return len == API_TOKEN_SIZE - 1 || (ssize_t)strlen(token) != len - from ? -EBADMSG : len - from;
}

/* Opens it for reading and looks at what it is: 0, *fd and *st; or -errno with a line, but for
 * -ENOENT. A link or a pipe is no file of ours. */
static int open_file(const char *path, int *fd, struct stat *st, struct buf *problem)
{
	int err = 0;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (*fd < 0 || fstat(*fd, st))
		err = -errno;
	else if (!S_ISREG(st->st_mode))
		err = -EINVAL;
	if (!err)
		return 0;
	buf_printf(problem, "%s cannot be read: %s; mend that, or set API_TOKEN\n", path,
	    err == -EINVAL || err == -ELOOP ? "it is no plain file" : strerror(-err));
	if (*fd >= 0)
		close(*fd);
	return err;
}

/* What another user has put there is that user's token. */
static int check_owner(const char *path, const struct stat *is, struct buf *problem)
{
	if (is->st_uid == geteuid())
		return 0;
	buf_printf(problem, "%s belongs to another user (%u); remove the file, and the next start makes a new one\n",
	    path, (unsigned)is->st_uid);
	return -EPERM;
}

/* One of ours that many could read is no reason to leave the phones unanswered. */
static int make_ours_alone(int fd, const char *path, const struct stat *is, struct buf *problem)
{
	unsigned mode = is->st_mode & 07777;
	struct stat st;
	int err;

	if (!(mode & FOR_OTHERS))
		return 0;
	err = fchmod(fd, 0600) || fstat(fd, &st) ? -errno : st.st_mode & FOR_OTHERS ? -EPERM : 0;
	if (err)
		buf_printf(problem,
		    "%s is open to others (mode %04o) and cannot be closed to them: %s; set API_TOKEN instead\n", path,
		    mode, strerror(-err));
	else
		log_warn("setup",
		    "%s was open to others (mode %04o) and is closed to them now: if they are strangers, remove it and start "
		    "again, which makes a new token",
		    path, mode);
	return err;
}

/* For what it is read: a client takes it from whomever it belongs to. */
enum reading { BY_A_CLIENT, TO_CHECK, TO_START };

/* 0 with the token, "" if the file is empty; or -errno with a line, but for -ENOENT. A start makes
 * it ours alone. */
static int read_file(const char *path, char token[API_TOKEN_SIZE], enum reading why, struct buf *problem)
{
	struct stat st;
	int fd, err = open_file(path, &fd, &st, problem);
	ssize_t len;

	if (err)
		return err;
	if (why != BY_A_CLIENT)
		err = check_owner(path, &st, problem);
	if (why == TO_START && !err)
		err = make_ours_alone(fd, path, &st, problem);
	len = err ? 0 : read_text(fd, token);
	close(fd);
	if (err || len == 0)
		return err;
	if (len > 0 && !check_api_token(token))
		return 0;
	buf_printf(problem, "%s: the token in it %s; remove the file, and the next start makes a new one\n", path,
	    len < 0 ? "cannot be read" : "must be at least 16 characters of visible ASCII");
	return len < 0 ? (int)len : -EINVAL;
}

/* Beside it first and then in its place, so that a crash leaves no half of one. */
static int write_file(const char *path, const char *token)
{
	char fresh[PATH_MAX + 8];
	int fd, err = 0;

	snprintf(fresh, sizeof fresh, "%s.new", path);
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s\n", token) < 0 || fchmod(fd, 0600) || fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

/* ------------------------------------------------------------- at the start */

/* True if it is kept. A full disk keeps no phone from being answered. */
static bool make(const char *path, char token[API_TOKEN_SIZE])
{
	int err;

	random_hex(token, MADE_BYTES);
	err = write_file(path, token);
	if (err)
		log_warn("setup", "%s cannot be written (%s): the token made now holds for this run only", path,
		    strerror(-err));
	return !err;
}

int api_token_open(struct config *cfg, struct buf *problem)
{
	char path[PATH_MAX], *token = cfg->made_api_token;
	int err;

	if (*cfg->api_token || *cfg->api_jwt_secret)
		return 0;
	token[0] = '\0';
	if (!*cfg->data_dir) {
		random_hex(token, MADE_BYTES);
	} else {
		err = path_of(cfg, path, problem);
		err = err ? err : read_file(path, token, TO_START, problem);
		if (err && err != -ENOENT)
			return err;
		if (!err && !*token)
			log_warn("setup", "%s was empty: a new token is made", path);
		cfg->api_token_kept = *token || make(path, token);
	}
	cfg->api_token = token;
	return 0;
}

void api_token_close(struct config *cfg)
{
	if (cfg->api_token == cfg->made_api_token)
		cfg->api_token = "";
	explicit_bzero(cfg->made_api_token, sizeof cfg->made_api_token);
}

/* As a word of a shell's. */
static void put_word(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";

	if (strspn(text, plain) == strlen(text)) {
		buf_puts(out, text);
		return;
	}
	buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\'");
		buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

/* The same for a server on this machine, in a container and behind a tunnel: only the way to the
 * file differs. */
void api_token_print(const struct config *cfg, int port, struct buf *out)
{
	char path[PATH_MAX];

	if (cfg->api_token != cfg->made_api_token)
		return;
	buf_puts(out, "API: every request needs the token, those from this machine too (before, they needed none). ");
	if (!cfg->api_token_kept)
		buf_printf(out,
		    "It holds for this run, as neither API_TOKEN nor DATA_DIR keeps one: curl -H \"Authorization: Bearer %s\" ",
		    cfg->api_token);
	else if (!path_of(cfg, path, out)) {
		buf_puts(out, "It is kept in ");
		put_word(out, path);
		/* Elsewhere than in an image it may be relative. */
		if (*path == '/') {
			buf_puts(out, " (in a container: docker exec CONTAINER cat ");
			put_word(out, path);
			buf_putc(out, ')');
		}
		buf_puts(out, ": curl -H \"Authorization: Bearer $(cat ");
		put_word(out, path);
		buf_puts(out, ")\" ");
	}
	if (*cfg->public_url)
		buf_puts(out, cfg->public_url);
	else
		buf_printf(out, "http://%s:%d", !strcmp(cfg->listen, "0.0.0.0") ? "127.0.0.1" : cfg->listen, port);
	buf_puts(out, "/status\n");
}

/* ----------------------------------------------------------------- for clients */

static int take(char token[API_TOKEN_SIZE], const char *from)
{
	return snprintf(token, API_TOKEN_SIZE, "%s", from) < API_TOKEN_SIZE ? 0 : -ENAMETOOLONG;
}

static int read_token(const struct config *cfg, char token[API_TOKEN_SIZE], enum reading why, struct buf *problem)
{
	char path[PATH_MAX];
	int err;

	token[0] = '\0';
	if (*cfg->api_token)
		return take(token, cfg->api_token);
	if (*cfg->api_jwt_secret && *cfg->api_read_token)
		return take(token, cfg->api_read_token);
	if (*cfg->api_jwt_secret) {
		buf_puts(problem,
		    "there is no token of this machine's: API_JWT_SECRET is set, and neither API_TOKEN nor API_READ_TOKEN\n");
		return -ENOENT;
	}
	if (!*cfg->data_dir) {
		buf_puts(problem,
		    "there is no token: set API_TOKEN as the server has it, or DATA_DIR to where it keeps one\n");
		return -ENOENT;
	}
	err = path_of(cfg, path, problem);
	err = err ? err : read_file(path, token, why, problem);
	err = err || *token ? err : -ENOENT;
	if (err == -ENOENT)
		buf_printf(problem, "%s has no token: the first start of the server makes it\n", path);
	return err;
}

int api_token_read(const struct config *cfg, char token[API_TOKEN_SIZE], struct buf *problem)
{
	return read_token(cfg, token, BY_A_CLIENT, problem);
}

int api_token_check(const struct config *cfg, struct buf *problem)
{
	char token[API_TOKEN_SIZE];
	int err = *cfg->api_token || *cfg->api_jwt_secret ? 0 : read_token(cfg, token, TO_CHECK, problem);

	explicit_bzero(token, sizeof token);
	return err;
}
