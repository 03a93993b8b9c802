/* What becomes of a call: it rings, is answered or not, and ends. */
#include "tools/twilio_rest/rest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ARGS_MAX = 64, STEP_MS = 20 };

/* --- the phone's socket --- */

static bool phone_address(const char *sid, struct sockaddr_un *out)
{
	out->sun_family = AF_UNIX;
	return (size_t)snprintf(out->sun_path, sizeof out->sun_path, "%s/%s.sock", options.work, sid) <
	       sizeof out->sun_path;
}

bool phone_listens(const char *sid)
{
	struct sockaddr_un address;

	return phone_address(sid, &address) && !access(address.sun_path, F_OK);
}

bool phone_order(const struct call *c, const char *order)
{
	struct sockaddr_un address;
	struct timeval limit = { .tv_sec = 5 };
	char answer[8] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool fine = fd >= 0 && phone_address(c->sid, &address);

	if (fine)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	fine = fine && !connect(fd, (struct sockaddr *)&address, sizeof address) &&
	       send(fd, order, strlen(order), MSG_NOSIGNAL) == (ssize_t)strlen(order) && !shutdown(fd, SHUT_WR) &&
	       recv(fd, answer, sizeof answer - 1, 0) > 0 && !strncmp(answer, "ok", 2);
	if (fd >= 0)
		close(fd);
	return fine;
}

/* --- the phone --- */

struct command {
	char *arg[ARGS_MAX]; /* owned */
	int count;
};

static void add(struct command *cmd, const char *option, const char *value)
{
	if (cmd->count + 3 > ARGS_MAX)
		abort();
	cmd->arg[cmd->count++] = need_copy(option);
	if (value)
		cmd->arg[cmd->count++] = need_copy(value);
}

static void phone_command(const struct call *c, struct command *cmd)
{
	char path[512], server[128];
	const char *script;
	bool own_script;

	server_address(server, sizeof server);
	add(cmd, options.phone, NULL);
	add(cmd, "--server", server);
	add(cmd, "--public-url", options.public_url);
	add(cmd, "--token", options.token);
	add(cmd, "--account", options.account);
	add(cmd, "--outbound", NULL);
	add(cmd, "--call-sid", c->sid);
	add(cmd, "--from", c->from);
	add(cmd, "--to", c->to);
	if (c->url)
		add(cmd, "--voice-url", c->url);
	if (c->answered_by && !c->async_detection)
		add(cmd, "--answered-by", c->answered_by);
	add(cmd, "--control", options.work);
	snprintf(path, sizeof path, "%s/%s.json", options.work, c->sid);
	add(cmd, "--report", path);
	snprintf(path, sizeof path, "%s/%s.wav", options.work, c->sid);
	add(cmd, "--out", path);
	own_script = rule_holds("script", c->to, &script);
	if (own_script)
		add(cmd, "--script", script);
	for (int i = 0; i < options.phone_args; i++) {
		/* Two scripts would be one after the other. */
		if (own_script && !strcmp(options.phone_arg[i], "--script"))
			i++;
		else
			add(cmd, options.phone_arg[i], NULL);
	}
}

/* Under the lock. */
static bool phone_start(struct call *c)
{
	struct command cmd = { 0 };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	char path[512];
	int err;

	phone_command(c, &cmd);
	snprintf(path, sizeof path, "%s/%s.out", options.work, c->sid);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	err = posix_spawn(&c->phone, options.phone, &files, &attr, cmd.arg, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	for (int i = 0; i < cmd.count; i++)
		free(cmd.arg[i]);
	if (err) {
		c->phone = 0;
		report_complaint("the phone cannot be started: %s", strerror(err));
	}
	return !err;
}

/* --- a life --- */

/* Under the lock, which it leaves. False: the call was canceled meanwhile. */
static bool wait_ms(struct call *c, long ms)
{
	for (int64_t until = now_ms() + ms; now_ms() < until && !c->cancel;) {
		pthread_mutex_unlock(&lock);
		sleep_ms(STEP_MS);
		pthread_mutex_lock(&lock);
	}
	return !c->cancel;
}

static void tell(struct call *c, const char *status)
{
	pthread_mutex_unlock(&lock);
	callback_call_status(c, status);
	pthread_mutex_lock(&lock);
}

static const char *detection(const struct call *c, long *after_ms)
{
	static const char *const words[] = { "human", "machine_start", "machine_end_beep", "machine_end_silence",
		"machine_end_other", "fax", "unknown" };
	const char *value;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (rule_holds(words[i], c->to, &value)) {
			*after_ms = strtol(value, NULL, 10);
			return words[i];
		}
	}
	*after_ms = 500;
	return "human";
}

static void tell_detection(struct call *c, long after_ms)
{
	struct form f = { 0 };
	char number[24];

	if (!c->amd_url)
		return;
	form_add(&f, "AccountSid", options.account);
	form_add(&f, "CallSid", c->sid);
	form_add(&f, "AnsweredBy", c->answered_by);
	snprintf(number, sizeof number, "%ld", after_ms);
	form_add(&f, "MachineDetectionDuration", number);
	pthread_mutex_unlock(&lock);
	callback_send(c->amd_url, &f, "amd", c->sid);
	pthread_mutex_lock(&lock);
	form_free(&f);
}

static void finish_recordings(struct call *c)
{
	struct recording *r;

	for (size_t i = 0; (r = recording_at(i)); i++)
		if (!strcmp(r->call_sid, c->sid) && !strcmp(r->status, "in-progress"))
			recording_tell(r, "completed");
}

static void talk(struct call *c)
{
	const char *found = NULL;
	long after_ms = 0;
	int64_t answered = now_ms();
	bool detecting = *c->detection;
	int status = 0;

	if (detecting)
		found = detection(c, &after_ms);
	if (detecting && !c->async_detection) {
		wait_ms(c, after_ms);
		c->answered_by = found;
		detecting = false;
	}
	if (c->record) {
		struct recording *r = recording_new(c, "OutboundAPI");

		r->url = c->recording_url ? need_copy(c->recording_url) : NULL;
		r->told[1] = true;
	}
	if (!phone_start(c))
		return;
	while (waitpid(c->phone, &status, WNOHANG) == 0) {
		if (detecting && now_ms() - answered >= after_ms) {
			detecting = false;
			c->answered_by = found;
			tell_detection(c, after_ms);
		}
		pthread_mutex_unlock(&lock);
		sleep_ms(STEP_MS);
		pthread_mutex_lock(&lock);
	}
	c->phone_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	c->phone = 0;
}

static enum status outcome(const struct call *c)
{
	return rule_holds("busy", c->to, NULL)        ? BUSY
	       : rule_holds("no-answer", c->to, NULL) ? NO_ANSWER
	       : rule_holds("failed", c->to, NULL)    ? FAILED
						      : IN_PROGRESS;
}

static void *live(void *arg)
{
	struct call *c = arg;
	const char *ring = NULL;
	enum status end = COMPLETED;
	bool shuffled = rule_holds("shuffled", c->to, NULL);
	static const char *const early[] = { "in-progress", "ringing", "initiated" };
	int told = 0;

	pthread_mutex_lock(&lock);
	wait_ms(c, STEP_MS);
	if (c->cancel) { /* still in the queue: nobody hears of it */
		c->status = CANCELED;
		goto over;
	}
	/* Sequence numbers say what the order would have been. */
	if (shuffled)
		c->sequence = 3;
	else
		tell(c, "initiated");
	c->status = RINGING;
	if (!shuffled)
		tell(c, "ringing");
	told = 2;
	rule_holds("ring", c->to, &ring);
	if (!wait_ms(c, ring ? strtol(ring, NULL, 10) : options.ring_ms)) {
		end = CANCELED;
	} else if ((end = outcome(c)) == IN_PROGRESS) {
		c->status = IN_PROGRESS;
		c->started = time(NULL);
		if (!shuffled)
			tell(c, "in-progress");
		told = 3;
		talk(c);
		end = COMPLETED;
	}
	c->status = end;
	c->ended = time(NULL);
	finish_recordings(c);
	tell(c, status_name(end));
	for (int i = 3 - told; shuffled && i < 3; i++) {
		c->sequence = 2 - i;
		tell(c, early[i]);
	}
over:
	c->ended = time(NULL);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

void life_begin(struct call *c)
{
	if (pthread_create(&c->thread, NULL, live, c))
		abort();
}

void life_end_all(void)
{
	struct call *c;

	for (size_t i = 0; (c = call_at(i)); i++) {
		pthread_mutex_lock(&lock);
		c->cancel = true;
		if (c->phone)
			kill(c->phone, SIGTERM);
		pthread_mutex_unlock(&lock);
		if (!c->adopted)
			pthread_join(c->thread, NULL);
	}
}
