#include "server/knowledge/knowledge.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/knowledge/knowledge_folder.h"
#include "server/work/tool_call.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_EVERY_S = 1 };

struct folder { /* that some agent names */
	struct folder *next;
	char *path;                    /* owned */
	struct knowledge_index *index; /* retained; NULL if it could not be built */
	uint64_t mark;                 /* of the folder when the index was built */
	int64_t rebuilds;
	bool lost; /* it was logged that the folder cannot be read */
};

/* Two locks. `lock` guards pointers for an instant, and searches take nothing else. `builder` is
 * held for a whole build and keeps builders apart; it is always taken first. So a slow disk delays
 * the next build and never a caller. */
struct knowledge {
	pthread_mutex_t lock; /* the list and its pointers; never held while building */
	pthread_cond_t stop_wanted;
	struct folder *folders;
	pthread_t thread;
	bool running, stopping;
	/* Held while the list changes: by the thread, or in knowledge_want. */
	pthread_mutex_t builder;
};

/* One warning a line of `lines`. */
static void log_lines(const char *folder, const struct buf *lines)
{
	for (const char *p = buf_text(lines); *p;) {
		size_t len = strcspn(p, "\n");

		log_warn("knowledge", "%.*s; folder=%s", (int)len, p, folder);
		p += len + (p[len] == '\n');
	}
}

/* --------------------------------------------------------------------- building */

static void free_folder(struct folder *f)
{
	if (!f)
		return;
	index_release(f->index);
	free(f->path);
	free(f);
}

/* Builder's lock held. Puts a new index in place of the old one. If the build fails, the old index
 * stays, and the mark is taken over all the same: the same files would only fail again. */
static void rebuild(struct knowledge *k, struct folder *f, uint64_t mark)
{
	struct knowledge_index *fresh = NULL, *old;
	struct buf skipped;
	int err;

	buf_init(&skipped, 0);
	err = index_build(&fresh, f->path, &skipped);
	log_lines(f->path, &skipped);
	buf_free(&skipped);
	f->mark = mark;
	if (err) {
		log_error("knowledge", "cannot build the index of %s: %s", f->path, strerror(-err));
		return;
	}
	pthread_mutex_lock(&k->lock);
	old = f->index;
	f->index = fresh;
	f->rebuilds++;
	pthread_mutex_unlock(&k->lock);
	index_release(old);
	log_info("knowledge", "index built; folder=%s files=%zu passages=%zu left_out=%zu kilobytes=%zu ms=%lld",
	    f->path, index_facts(fresh)->files, index_facts(fresh)->passages, index_facts(fresh)->left_out,
	    index_facts(fresh)->text_bytes / 1024, (long long)index_facts(fresh)->took_ms);
}

/* Builder's lock held. Rebuilds if the folder has changed. The mark is taken before reading, so
 * that a change during the build is seen the next time. An unreadable folder is logged once, not
 * every second. */
static void follow(struct knowledge *k, struct folder *f)
{
	uint64_t mark;
	int err = folder_mark(f->path, &mark);

	if (err) {
		if (!f->lost)
			log_warn(
			    "knowledge", "%s cannot be read: %s; what was known of it stays", f->path, strerror(-err));
		f->lost = true;
		return;
	}
	f->lost = false;
	if (mark != f->mark)
		rebuild(k, f, mark);
}

/* Under lock. */
static struct folder *find(struct knowledge *k, const char *folder)
{
	for (struct folder *f = k->folders; f; f = f->next)
		if (!strcmp(f->path, folder))
			return f;
	return NULL;
}

/* Builder's lock held: nobody else removes folders. The folder joins the list before its index
 * exists; a search in between waits for the builder. */
static void add(struct knowledge *k, const char *folder)
{
	struct folder *f = calloc(1, sizeof *f);

	if (!f || !(f->path = strdup(folder))) {
		free_folder(f);
		return;
	}
	pthread_mutex_lock(&k->lock);
	f->next = k->folders;
	k->folders = f;
	pthread_mutex_unlock(&k->lock);
	follow(k, f);
}

static bool known(struct knowledge *k, const char *folder)
{
	bool yes;

	pthread_mutex_lock(&k->lock);
	yes = find(k, folder);
	pthread_mutex_unlock(&k->lock);
	return yes;
}

static bool among(const char *folder, const char *const *folders, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(folders[i], folder))
			return true;
	return false;
}

/* At start, and by main after each reload of agents. New folders are built before unwanted ones go,
 * so that a folder that stays can be searched at every moment. Searches under way hold their own
 * reference. */
void knowledge_want(struct knowledge *k, const char *const *folders, size_t count)
{
	struct folder *gone = NULL;

	pthread_mutex_lock(&k->builder);
	for (size_t i = 0; i < count; i++)
		if (*folders[i] && !known(k, folders[i]))
			add(k, folders[i]);
	pthread_mutex_lock(&k->lock);
	for (struct folder **at = &k->folders; *at;) {
		struct folder *f = *at;

		if (among(f->path, folders, count)) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		f->next = gone;
		gone = f;
	}
	pthread_mutex_unlock(&k->lock);
	pthread_mutex_unlock(&k->builder);
	while (gone) {
		struct folder *f = gone;

		gone = f->next;
		free_folder(f);
	}
}

/* ------------------------------------------------------------------- the thread */

/* False when it is time to stop. */
static bool wait_a_while(struct knowledge *k)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_EVERY_S;
	pthread_mutex_lock(&k->lock);
	while (!k->stopping && !pthread_cond_timedwait(&k->stop_wanted, &k->lock, &until))
		;
	stopping = k->stopping;
	pthread_mutex_unlock(&k->lock);
	return !stopping;
}

/* The thread's loop. It looks by itself instead of asking the kernel for news (inotify): network
 * and container file systems may tell of nothing, and a look at a few thousand names is cheap. */
static void *look_after_folders(void *arg)
{
	struct knowledge *k = arg;

	pthread_setname_np(pthread_self(), "knowledge");
	while (wait_a_while(k)) {
		pthread_mutex_lock(&k->builder);
		/* The list changes under the builder's lock only, so it may be walked. */
		for (struct folder *f = k->folders; f; f = f->next)
			follow(k, f);
		pthread_mutex_unlock(&k->builder);
	}
	return NULL;
}

struct knowledge *knowledge_new(void)
{
	struct knowledge *k = calloc(1, sizeof *k);
	pthread_condattr_t monotonic;

	if (!k)
		return NULL;
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->builder, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&k->stop_wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return k;
}

int knowledge_start(struct knowledge *k)
{
	int err = pthread_create(&k->thread, NULL, look_after_folders, k);

	k->running = !err;
	return -err;
}

/* After all calls and jobs: the thread is joined, then every folder goes. */
void knowledge_free(struct knowledge *k)
{
	if (!k)
		return;
	if (k->running) {
		pthread_mutex_lock(&k->lock);
		k->stopping = true;
		pthread_cond_signal(&k->stop_wanted);
		pthread_mutex_unlock(&k->lock);
		pthread_join(k->thread, NULL);
	}
	knowledge_want(k, NULL, 0);
	pthread_cond_destroy(&k->stop_wanted);
	pthread_mutex_destroy(&k->builder);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* -------------------------------------------------------------------- searching */

/* The index in use, retained: the thread may replace it while it is searched. */
static struct knowledge_index *current(struct knowledge *k, const char *folder)
{
	struct knowledge_index *index = NULL;
	struct folder *f;

	pthread_mutex_lock(&k->lock);
	f = find(k, folder);
	if (f && f->index)
		index = index_retain(f->index);
	pthread_mutex_unlock(&k->lock);
	return index;
}

/* A job's thread, while the caller waits and the agent loop goes on. An agent loaded a moment ago
 * may name a folder that is not indexed yet; then this search builds it, and others wait for the
 * builder. */
int knowledge_search(struct knowledge *k, const char *folder, const char *question, knowledge_found *found, void *arg)
{
	struct knowledge_index *index = current(k, folder);
	int count;

	if (!index) {
		pthread_mutex_lock(&k->builder);
		if (!known(k, folder))
			add(k, folder);
		pthread_mutex_unlock(&k->builder);
		index = current(k, folder);
	}
	if (!index)
		return -ENOENT;
	count = index_search(index, question, found, arg);
	index_release(index);
	return count;
}

static void put_passage(void *arg, const struct knowledge_hit *hit)
{
	struct json_out *j = arg;

	json_put_object(j, NULL);
	json_put_text(j, "file", hit->file);
	json_put_text(j, "heading", hit->heading);
	json_put_text(j, "text", hit->text);
	json_put_end(j);
}

/* The model speaks of nothing but these passages, so an empty result carries a note against
 * guessing. A failure is answered as an error the model can put into words, never as silence. */
bool knowledge_answer(struct knowledge *k, const char *folder, const char *question, struct buf *out)
{
	struct buf passages;
	struct json_out j;
	int found;

	buf_init(&passages, 0);
	j = json_out_to(&passages);
	json_put_array(&j, NULL);
	found = knowledge_search(k, folder, question, put_passage, &j);
	json_put_end(&j);
	if (found < 0 || buf_error(&passages)) {
		log_warn("knowledge", "cannot search %s: %s", folder, strerror(found < 0 ? -found : ENOMEM));
		tool_put_error(out, "unavailable", "The knowledge base cannot be searched right now.");
	} else {
		j = json_out_to(out);
		json_put_object(&j, NULL);
		json_put_int(&j, "found", found);
		json_put_json(&j, "passages", buf_text(&passages));
		if (!found)
			json_put_text(
			    &j, "note", "Nothing was found about this. Say that you do not know; do not guess.");
		json_put_end(&j);
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

bool knowledge_ask(struct knowledge *k, const char *folder, const char *question, struct buf *out)
{
	struct listing l = { out, 0 };
	int found = knowledge_search(k, folder, question, list_hit, &l);

	if (!found)
		buf_puts(out, "nothing found; the model is told so\n");
	return found >= 0;
}

/* ---------------------------------------------------------------- other questions */

/* Builds the very index that searches would use, and throws it away. */
int knowledge_check(const char *folder, struct buf *problem, struct buf *warning)
{
	struct knowledge_index *index = NULL;
	struct stat about;
	int err = stat(folder, &about) ? -errno : S_ISDIR(about.st_mode) ? 0 : -ENOTDIR;

	if (!err)
		err = index_build(&index, folder, warning);
	if (err)
		buf_printf(problem, "the folder %s cannot be read: %s", folder, strerror(-err));
	else if (!index_facts(index)->files)
		buf_printf(warning, "the folder %s holds no .md or .txt that can be read\n", folder);
	index_release(index);
	return err;
}

void knowledge_put_status(struct knowledge *k, struct buf *out)
{
	static const struct knowledge_facts none;
	struct json_out j = json_out_to(out);

	json_put_array(&j, NULL);
	if (k)
		pthread_mutex_lock(&k->lock);
	for (const struct folder *f = k ? k->folders : NULL; f; f = f->next) {
		const struct knowledge_facts *facts = f->index ? index_facts(f->index) : &none;

		json_put_object(&j, NULL);
		json_put_text(&j, "folder", f->path);
		json_put_bool(&j, "ready", f->index);
		json_put_uint(&j, "files", facts->files);
		json_put_uint(&j, "left_out", facts->left_out);
		json_put_uint(&j, "passages", facts->passages);
		json_put_uint(&j, "text_bytes", facts->text_bytes);
		json_put_uint(&j, "index_bytes", facts->index_bytes);
		json_put_int(&j, "built_ms", facts->took_ms);
		json_put_int(&j, "builds", f->rebuilds);
		json_put_end(&j);
	}
	if (k)
		pthread_mutex_unlock(&k->lock);
	json_put_end(&j);
}
