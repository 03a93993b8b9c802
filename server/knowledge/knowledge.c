#include "server/knowledge/knowledge.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/knowledge/knowledge_folder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_EVERY_S = 1 };

struct shelf { /* one folder */
	struct shelf *next;
	char *folder;                  /* owned */
	struct knowledge_index *index; /* retained; NULL if it could not be built */
	uint64_t mark;                 /* of the folder when the index was built */
	int64_t rebuilds;
	bool lost; /* it was logged that the folder cannot be read */
};

static struct {
	pthread_mutex_t lock; /* the list and its pointers; never held while building */
	pthread_cond_t stop_wanted;
	struct shelf *shelves;
	pthread_t thread;
	bool running, stopping;
	/* Only one at a time changes the list: the thread, or who wants folders. */
	pthread_mutex_t builder;
} library = { .lock = PTHREAD_MUTEX_INITIALIZER, .builder = PTHREAD_MUTEX_INITIALIZER };

static void log_lines(const char *folder, const struct buf *lines)
{
	for (const char *p = buf_text(lines); *p;) {
		size_t len = strcspn(p, "\n");

		log_warn("knowledge", "%.*s; folder=%s", (int)len, p, folder);
		p += len + (p[len] == '\n');
	}
}

/* --------------------------------------------------------------------- building */

static void free_shelf(struct shelf *s)
{
	if (!s)
		return;
	index_release(s->index);
	free(s->folder);
	free(s);
}

/* Builder's lock held. Puts a new index in place of the old one. */
static void rebuild(struct shelf *s, uint64_t mark)
{
	struct knowledge_index *fresh = NULL, *old;
	struct buf skipped;
	int err;

	buf_init(&skipped, 64 * 1024);
	err = index_build(&fresh, s->folder, &skipped);
	log_lines(s->folder, &skipped);
	buf_free(&skipped);
	s->mark = mark;
	if (err) {
		log_error("knowledge", "cannot build the index of %s: %s", s->folder, strerror(-err));
		return;
	}
	pthread_mutex_lock(&library.lock);
	old = s->index;
	s->index = fresh;
	s->rebuilds++;
	pthread_mutex_unlock(&library.lock);
	index_release(old);
	log_info("knowledge", "index built; folder=%s files=%zu passages=%zu left_out=%zu kilobytes=%zu ms=%lld",
	    s->folder, index_facts(fresh)->files, index_facts(fresh)->passages, index_facts(fresh)->left_out,
	    index_facts(fresh)->text_bytes / 1024, (long long)index_facts(fresh)->took_ms);
}

/* The same; only if the folder has changed since. The mark is taken before
 * reading: what changes meanwhile is seen the next time. */
static void follow(struct shelf *s)
{
	uint64_t mark;
	int err = folder_mark(s->folder, &mark);

	if (err) {
		if (!s->lost)
			log_warn("knowledge", "%s cannot be read: %s; what was known of it stays", s->folder,
			    strerror(-err));
		s->lost = true;
		return;
	}
	s->lost = false;
	if (mark != s->mark)
		rebuild(s, mark);
}

/* Under lock. */
static struct shelf *find(const char *folder)
{
	for (struct shelf *s = library.shelves; s; s = s->next)
		if (!strcmp(s->folder, folder))
			return s;
	return NULL;
}

/* Builder's lock held: nobody else takes shelves away. */
static void add(const char *folder)
{
	struct shelf *s = calloc(1, sizeof *s);

	if (!s || !(s->folder = strdup(folder))) {
		free_shelf(s);
		return;
	}
	pthread_mutex_lock(&library.lock);
	s->next = library.shelves;
	library.shelves = s;
	pthread_mutex_unlock(&library.lock);
	follow(s);
}

static bool known(const char *folder)
{
	bool yes;

	pthread_mutex_lock(&library.lock);
	yes = find(folder);
	pthread_mutex_unlock(&library.lock);
	return yes;
}

static bool among(const char *folder, const char *const *folders, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(folders[i], folder))
			return true;
	return false;
}

void knowledge_want(const char *const *folders, size_t count)
{
	struct shelf *gone = NULL;

	pthread_mutex_lock(&library.builder);
	for (size_t i = 0; i < count; i++)
		if (*folders[i] && !known(folders[i]))
			add(folders[i]);
	pthread_mutex_lock(&library.lock);
	for (struct shelf **at = &library.shelves; *at;) {
		struct shelf *s = *at;

		if (among(s->folder, folders, count)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		s->next = gone;
		gone = s;
	}
	pthread_mutex_unlock(&library.lock);
	pthread_mutex_unlock(&library.builder);
	while (gone) {
		struct shelf *s = gone;

		gone = s->next;
		free_shelf(s);
	}
}

/* ------------------------------------------------------------------- the thread */

/* False when it is time to stop. */
static bool wait_a_while(void)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_EVERY_S;
	pthread_mutex_lock(&library.lock);
	while (!library.stopping && !pthread_cond_timedwait(&library.stop_wanted, &library.lock, &until))
		;
	stopping = library.stopping;
	pthread_mutex_unlock(&library.lock);
	return !stopping;
}

static void *look_after_folders(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "knowledge");
	while (wait_a_while()) {
		pthread_mutex_lock(&library.builder);
		/* The list changes under the builder's lock only, so it may be walked. */
		for (struct shelf *s = library.shelves; s; s = s->next)
			follow(s);
		pthread_mutex_unlock(&library.builder);
	}
	return NULL;
}

int knowledge_open(void)
{
	pthread_condattr_t monotonic;
	int err;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&library.stop_wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	library.stopping = false;
	err = pthread_create(&library.thread, NULL, look_after_folders, NULL);
	library.running = !err;
	return -err;
}

void knowledge_close(void)
{
	if (library.running) {
		pthread_mutex_lock(&library.lock);
		library.stopping = true;
		pthread_cond_signal(&library.stop_wanted);
		pthread_mutex_unlock(&library.lock);
		pthread_join(library.thread, NULL);
		pthread_cond_destroy(&library.stop_wanted);
		library.running = false;
	}
	knowledge_want(NULL, 0);
}

/* -------------------------------------------------------------------- searching */

static struct knowledge_index *current(const char *folder)
{
	struct knowledge_index *index = NULL;
	struct shelf *s;

	pthread_mutex_lock(&library.lock);
	s = find(folder);
	if (s && s->index)
		index = index_retain(s->index);
	pthread_mutex_unlock(&library.lock);
	return index;
}

int knowledge_search(const char *folder, const char *question, knowledge_found *found, void *arg)
{
	struct knowledge_index *index = current(folder);
	int count;

	if (!index) {
		pthread_mutex_lock(&library.builder);
		if (!known(folder))
			add(folder);
		pthread_mutex_unlock(&library.builder);
		index = current(folder);
	}
	if (!index)
		return -ENOENT;
	count = index_search(index, question, found, arg);
	index_release(index);
	return count;
}

static void put_passage(void *arg, const struct knowledge_hit *hit)
{
	struct buf *out = arg;

	if (out->len && out->data[out->len - 1] == '}')
		buf_putc(out, ',');
	buf_puts(out, "{\"file\":");
	json_put_cstring(out, hit->file);
	buf_puts(out, ",\"heading\":");
	json_put_cstring(out, hit->heading);
	buf_puts(out, ",\"text\":");
	json_put_cstring(out, hit->text);
	buf_putc(out, '}');
}

bool knowledge_answer(const char *folder, const char *question, struct buf *out)
{
	struct buf passages;
	int found;

	buf_init(&passages, 0);
	found = knowledge_search(folder, question, put_passage, &passages);
	if (found < 0 || buf_error(&passages)) {
		log_warn("knowledge", "cannot search %s: %s", folder, strerror(found < 0 ? -found : ENOMEM));
		buf_puts(out,
		    "{\"error\":{\"code\":\"unavailable\",\"message\":\"The knowledge base cannot be searched "
		    "right now.\"}}");
	} else {
		buf_printf(out, "{\"found\":%d,\"passages\":[%s]%s}", found, buf_text(&passages),
		    found ? "" : ",\"note\":\"Nothing was found about this. Say that you do not know; do not guess.\"");
	}
	buf_free(&passages);
	return found >= 0;
}

struct listing {
	struct buf *out;
	int count;
};

static void list_hit(void *arg, const struct knowledge_hit *hit)
{
	struct listing *l = arg;

	buf_printf(l->out, "%s%d. %s%s%s (score %.2f)\n", l->count ? "\n" : "", l->count + 1, hit->file,
	    *hit->heading ? ": " : "", hit->heading, hit->score);
	for (const char *p = hit->text; *p;) {
		size_t len = strcspn(p, "\n");

		buf_printf(l->out, "   %.*s\n", (int)len, p);
		p += len + (p[len] == '\n');
	}
	l->count++;
}

bool knowledge_ask(const char *folder, const char *question, struct buf *out)
{
	struct listing l = { out, 0 };
	int found = knowledge_search(folder, question, list_hit, &l);

	if (!found)
		buf_puts(out, "nothing found; the model is told so\n");
	return found >= 0;
}

/* ---------------------------------------------------------------- other questions */

static int count_file(void *arg, const char *path, const char *text, size_t len, bool markdown)
{
	(void)path;
	(void)text;
	(void)len;
	(void)markdown;
	++*(size_t *)arg;
	return 0;
}

int knowledge_check(const char *folder, struct buf *problem, struct buf *warning)
{
	size_t files = 0, left_out;
	struct stat about;
	int err = stat(folder, &about) ? -errno : S_ISDIR(about.st_mode) ? 0 : -ENOTDIR;

	if (!err)
		err = folder_read(folder, count_file, &files, warning, &left_out);
	if (err)
		buf_printf(problem, "the folder %s cannot be read: %s", folder, strerror(-err));
	else if (!files)
		buf_printf(warning, "the folder %s holds no .md or .txt that can be read\n", folder);
	return err;
}

void knowledge_put_status(struct buf *out)
{
	const char *comma = "";

	buf_putc(out, '[');
	pthread_mutex_lock(&library.lock);
	for (struct shelf *s = library.shelves; s; s = s->next) {
		static const struct knowledge_facts none;
		const struct knowledge_facts *f = s->index ? index_facts(s->index) : &none;

		buf_printf(out, "%s{\"folder\":", comma);
		json_put_cstring(out, s->folder);
		buf_printf(out,
		    ",\"ready\":%s,\"files\":%zu,\"left_out\":%zu,\"passages\":%zu,\"text_bytes\":%zu,\"index_bytes\":%zu,"
		    "\"built_ms\":%lld,\"builds\":%lld}",
		    s->index ? "true" : "false", f->files, f->left_out, f->passages, f->text_bytes, f->index_bytes,
		    (long long)f->took_ms, (long long)s->rebuilds);
		comma = ",";
	}
	pthread_mutex_unlock(&library.lock);
	buf_putc(out, ']');
}
