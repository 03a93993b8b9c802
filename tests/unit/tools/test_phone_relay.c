/* The simulated phone's ConversationRelay: its parts, and the whole against a tiny
 * server of this test's own, which answers what it hears by a list. */
#include "tools/kit/file.h"
#include "tools/kit/form.h"
#include "tools/kit/text.h"
#include "tools/kit/ws.h"
#include "tools/phone/relay_message.h"
#include "tools/phone/run.h"
#include "tools/phone/talker.h"
#include "tools/phone/twiml.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TOKEN "a-token-of-this-test"
#define PUBLIC "https://bridge.example.com"

/* ------------------------------------------------------------------------ TwiML */

#define RELAY(attributes, inside) \
	"<Response><Connect action=\"https://b.example/done\"><ConversationRelay url=\"wss://b.example/r/1\" " attributes \
	">" inside "</ConversationRelay></Connect></Response>"

/* What Twilio would say to a document; "" if nothing. */
static const char *said_to(const char *document)
{
	static char all[1000];
	char why[300] = "";
	struct twiml t;

	if (twiml_read(&t, document, strlen(document), why, sizeof why) != 0)
		snprintf(all, sizeof all, "%s", why);
	else
		snprintf(all, sizeof all, "%s", text_str(&t.notes));
	twiml_free(&t);
	return all;
}

static void attributes_are_held_against_the_tables(void **state)
{
	static const struct {
		const char *document, *says;
	} rows[] = {
		{ RELAY("", ""), "" },
		{ RELAY("welcomeGreeting=\"Hi &amp; welcome\" welcomeGreetingInterruptible=\"none\" language=\"en-US\" "
			"ttsProvider=\"ElevenLabs\" transcriptionProvider=\"Deepgram\" speechModel=\"nova-3-general\" "
			"interruptible=\"any\" interruptSensitivity=\"high\" dtmfDetection=\"true\" "
			"reportInputDuringAgentSpeech=\"none\" hints=\"A,B\" debug=\"speaker-events tokens-played\"",
		      "<Language code=\"es-ES\" ttsProvider=\"Google\" voice=\"es-ES-Chirp3-HD-Aoede\" "
		      "transcriptionProvider=\"Google\"/><Parameter name=\"agent\" value=\"x\"/>"),
		    "" },
		{ RELAY("interruptByDtmf=\"true\"", ""), "12200 attribute interruptByDtmf" },
		{ RELAY("speechtimeout=\"700\"", ""), "12200 attribute speechtimeout" },
		{ RELAY("speechTimeout=\"599\"", ""), "64101 speechTimeout" },
		{ RELAY("speechTimeout=\"600\"", ""), "" },
		{ RELAY("speechTimeout=\"5001\"", ""), "64101 speechTimeout" },
		{ RELAY("eotThreshold=\"0.7\"", ""), "64101 eotThreshold is for Deepgram's flux" },
		{ RELAY("eotThreshold=\"0.7\" speechModel=\"flux\"", ""), "" },
		{ RELAY("eotThreshold=\"0.95\" speechModel=\"flux\"", ""), "64101 eotThreshold=" },
		{ RELAY("interruptible=\"yes\"", ""), "64101 interruptible" },
		{ RELAY("ttsProvider=\"elevenlabs\"", ""), "64101 ttsProvider" },
		{ RELAY("voice=\"alice\"", ""), "64101 voice" },
		{ RELAY("language=\"English please\"", ""), "64101 language" },
		{ RELAY("language=\"multi\"", ""), "" },
		{ RELAY("language=\"multi\" ttsProvider=\"Google\"", ""), "64101 multi needs ElevenLabs" },
		{ RELAY("language=\"multi\" transcriptionProvider=\"Google\"", ""), "64101 multi needs Deepgram" },
		{ RELAY("debug=\"everything\"", ""), "64101 debug" },
		{ RELAY("", "<Language ttsProvider=\"Google\"/>"), "64101 a <Language> has no code" },
		{ RELAY("", "<Language code=\"de-DE\" color=\"red\"/>"), "12200 attribute color" },
		{ RELAY("", "<Language code=\"de-DE\"/><Language code=\"de-DE\"/>"), "is there twice" },
		{ RELAY("", "<Stream url=\"wss://b.example\"/>"), "12200 <ConversationRelay> does not take <Stream>" },
		{ "<Response><Connect action=\"https://b/\"><ConversationRelay url=\"https://b/\"/></Connect></Response>",
		    "64102" },
		{ "<Response><Connect><ConversationRelay url=\"wss://b/x\"/></Connect></Response>", "has no action" },
		{ "<Response><Connect action=\"https://b/\"><ConversationRelay url=\"wss://b/x?a=1\"/></Connect></Response>",
		    "64101 url" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *says = said_to(rows[i].document);

		if (*rows[i].says ? !strstr(says, rows[i].says) : *says)
			fail_msg("%s\nsays: %s", rows[i].document, says);
	}
}

/* --------------------------------------------------------------------- messages */

static void messages_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "{\"type\":\"text\",\"token\":\"We open at nine \",\"last\":false}", true },
		{ "{\"type\":\"text\",\"token\":\"\",\"last\":true}", true },
		{ "{\"type\":\"text\",\"token\":\"a\",\"lang\":\"es-ES\",\"interruptible\":false,\"preemptible\":true}",
		    true },
		{ "{\"type\":\"play\",\"source\":\"https://b/a.mp3\",\"loop\":0}", true },
		{ "{\"type\":\"sendDigits\",\"digits\":\"1w2#\"}", true },
		{ "{\"type\":\"language\",\"ttsLanguage\":\"es-ES\"}", true },
		{ "{\"type\":\"end\",\"handoffData\":\"{\\\"a\\\":1}\"}", true },
		{ "{\"type\":\"end\"}", true },
		{ "{\"type\":\"end\",\"handoffData\":{\"a\":1}}", false },
		{ "{\"type\":\"text\"}", false },
		{ "{\"type\":\"text\",\"token\":null}", false },
		{ "{\"type\":\"text\",\"token\":7}", false },
		{ "{\"type\":\"text\",\"token\":\"a\",\"last\":\"true\"}", false },
		{ "{\"type\":\"text\",\"token\":\"a\",\"token\":\"b\"}", false },
		{ "{\"type\":\"text\",\"token\":\"a\",\"speed\":2}", false },
		{ "{\"type\":\"text\",\"token\":\"\\ud83d\"}", false },
		{ "{\"type\":\"text\",\"token\":\"a\"} ", false },
		{ "{\"type\":\"play\",\"source\":\"a.mp3\"}", false },
		{ "{\"type\":\"play\",\"source\":\"https://b/a.mp3\",\"loop\":1.5}", false },
		{ "{\"type\":\"sendDigits\",\"digits\":\"\"}", false },
		{ "{\"type\":\"sendDigits\",\"digits\":\"1a\"}", false },
		{ "{\"type\":\"language\"}", false },
		{ "{\"type\":\"mark\",\"name\":\"a\"}", false },
		{ "{\"event\":\"clear\"}", false },
		{ "[]", false },
		{ "", false },
	};
	struct relay_message m;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int err = relay_message_read(&m, rows[i].text, strlen(rows[i].text), &why);

		if ((err == 0) != rows[i].good)
			fail_msg("%s: %s", rows[i].text, why ? why : "taken");
		relay_message_free(&m);
	}
}

/* ---------------------------------------------------------------------- speaking */

static const struct manner plain = { "en-US", INPUT_ANY, false };

/* Ticks until nothing more is spoken; how many sounded, and what was told as played. */
static unsigned run_dry(struct talker *t, uint32_t *tick, struct text *played)
{
	struct talker_news news;
	unsigned sounded = 0, silent = 0;

	while (silent < 100) {
		bool sounds = talker_tick(t, (*tick)++, &news);

		sounded += sounds;
		silent = sounds ? 0 : silent + 1;
		if (news.played && played)
			text_add(played, news.played, news.played_len);
	}
	return sounded;
}

static void words_take_their_time(void **state)
{
	struct talker t;
	uint32_t tick = 0;
	struct text played = { 0 };

	(void)state;
	talker_init(&t, 50); /* one a tick */
	talker_words(&t, "twelve lette", false, &plain);
	talker_words(&t, "rs and more", true, &plain);
	assert_int_equal(run_dry(&t, &tick, &played), 23);
	assert_int_equal(t.cycle_count, 1);
	assert_int_equal(t.cycles[0].spoken, 23);
	assert_int_equal(t.cycles[0].begin_tick, 15);
	assert_string_equal(text_str(&played), "twelve letters and more");
	text_free(&played);
	talker_close(&t);
}

static void the_last_word_waits_for_its_end(void **state)
{
	struct talker t;
	uint32_t tick = 0;

	(void)state;
	talker_init(&t, 50);
	talker_words(&t, "we op", false, &plain);
	run_dry(&t, &tick, NULL);
	assert_int_equal(t.cycles[0].spoken, 3);
	talker_words(&t, "", true, &plain);
	run_dry(&t, &tick, NULL);
	assert_int_equal(t.cycles[0].spoken, 5);
	assert_int_equal(t.cycle_count, 1);
	talker_close(&t);
}

static void a_cut_tells_whole_words_and_drops_the_rest(void **state)
{
	struct talker t;
	struct talker_news news;
	struct text heard = { 0 };
	uint32_t ms;

	(void)state;
	talker_init(&t, 50);
	talker_words(&t, "we open at nine", true, &plain);
	talker_words(&t, "and close at five", false, &plain);
	for (uint32_t tick = 0; tick < 15 + 9; tick++)
		talker_tick(&t, tick, &news);
	assert_true(talker_can_be_cut(&t, INPUT_SPEECH));
	talker_cut(&t, &heard, &ms);
	assert_string_equal(text_str(&heard), "we open");
	assert_true(t.cycles[0].cut && t.cycles[1].cut && !t.in_cycle);
	assert_false(talker_can_be_cut(&t, INPUT_SPEECH));
	text_free(&heard);
	talker_close(&t);
}

static void who_may_not_cut_does_not(void **state)
{
	struct talker t;
	struct talker_news news;

	(void)state;
	talker_init(&t, 50);
	talker_words(&t, "we open at nine", true, &(struct manner){ "en-US", INPUT_DTMF, false });
	for (uint32_t tick = 0; tick < 20; tick++)
		talker_tick(&t, tick, &news);
	assert_false(talker_can_be_cut(&t, INPUT_SPEECH));
	assert_true(talker_can_be_cut(&t, INPUT_DTMF));
	talker_close(&t);
}

static void a_later_message_cuts_what_lets_it(void **state)
{
	struct talker t;
	uint32_t tick = 0;

	(void)state;
	talker_init(&t, 50);
	talker_words(&t, "one moment please", true, &(struct manner){ "en-US", INPUT_ANY, true });
	talker_words(&t, "here it is", true, &plain);
	run_dry(&t, &tick, NULL);
	assert_int_equal(t.cycles[0].spoken, 0);
	assert_true(t.cycles[0].cut);
	assert_int_equal(t.cycles[1].spoken, 10);
	talker_close(&t);
}

static void keys_and_sounds_wait_for_the_words_before_them(void **state)
{
	struct talker t;
	struct talker_news news;
	char keys[10] = "";
	uint32_t first = 0;

	(void)state;
	talker_init(&t, 50);
	talker_words(&t, "hello", true, &plain);
	talker_keys(&t, "1w2#", &plain);
	for (uint32_t tick = 0; tick < 200; tick++) {
		talker_tick(&t, tick, &news);
		if (news.key) {
			keys[strlen(keys)] = news.key;
			first = first ? first : tick;
		}
	}
	assert_string_equal(keys, "1w2#");
	assert_int_equal(first, 15 + 5);
	talker_close(&t);
}

/* ------------------------------------------------------------ a call as a whole */

struct row {
	const char *hears;  /* part of a message; each row serves once, in order */
	const char *say[4]; /* messages, "close" or "cut" */
};

static struct {
	int listener, port;
	pthread_t thread;
	const struct row *rows;
	size_t at;
	const char *twiml, *after;
	struct text heard, asked; /* all messages; all forms of the action */
	_Atomic int sockets, bad_signatures;
	pthread_mutex_t lock;
} server;

static bool get(int fd, void *out, size_t len)
{
	return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

static void put(int fd, int first, const void *payload, size_t len)
{
	struct text frame = { 0 };

	ws_write(&frame, first, payload, len, NULL);
	if (send(fd, frame.data, frame.len, MSG_NOSIGNAL) < 0)
		print_message("the phone has gone\n");
	text_free(&frame);
}

static bool say(int fd, const char *what)
{
	if (strcmp(what, "cut") == 0)
		return false;
	if (strcmp(what, "close") == 0)
		put(fd, WS_FIN | WS_CLOSE, "\x03\xE8", 2);
	else
		put(fd, WS_FIN | WS_TEXT, what, strlen(what));
	return true;
}

/* False when the socket is to be cut. */
static bool answer_message(int fd, const char *message)
{
	const struct row *row;
	bool go_on = true;

	pthread_mutex_lock(&server.lock);
	text_printf(&server.heard, "%s\n", message);
	row = &server.rows[server.at];
	server.at += row->hears && strstr(message, row->hears) != NULL;
	if (row != &server.rows[server.at])
		for (size_t i = 0; go_on && i < 4 && row->say[i]; i++)
			go_on = say(fd, row->say[i]);
	pthread_mutex_unlock(&server.lock);
	return go_on;
}

static void talk(int fd)
{
	struct text in = { 0 };
	struct ws_frame f;
	uint8_t bytes[4096];
	bool go_on = true;

	while (go_on) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);

		if (n <= 0)
			break;
		text_add(&in, bytes, (size_t)n);
		while (go_on && in.len && (n = ws_read((uint8_t *)in.data, in.len, 1 << 20, &f)) > 0) {
			char *message = need_copy_n((char *)f.payload, f.len);

			if (f.opcode == WS_CLOSE)
				put(fd, WS_FIN | WS_CLOSE, f.payload, f.len >= 2 ? 2 : 0);
			else if (f.opcode == WS_PING)
				put(fd, WS_FIN | WS_PONG, f.payload, f.len);
			else
				go_on = answer_message(fd, message);
			go_on = go_on && f.opcode != WS_CLOSE;
			free(message);
			text_drop(&in, (size_t)n);
		}
	}
	text_free(&in);
}

static const char *header(const char *head, const char *name, char out[200])
{
	const char *at = strcasestr(head, name);

	snprintf(out, 200, "%.*s", at ? (int)strcspn(at + strlen(name), "\r") : 0, at ? at + strlen(name) : "");
	return out;
}

static void check_signature(const char *head, const char *url, const struct form *f)
{
	char expected[SIGNATURE_MAX], found[200];

	sign(expected, TOKEN, url, f);
	server.bad_signatures += strcmp(header(head, "X-Twilio-Signature: ", found), expected) != 0;
}

static void upgrade(int fd, const char *head)
{
	char key[200], accept[WS_ACCEPT_MAX];
	struct text t = { 0 };

	check_signature(head, "wss://bridge.example.com/relay/1", NULL);
	server.sockets++;
	ws_accept(accept, header(head, "Sec-WebSocket-Key: ", key));
	text_printf(&t,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	send(fd, t.data, t.len, MSG_NOSIGNAL);
	text_free(&t);
	talk(fd);
}

static void answer_form(int fd, const char *head, const char *path)
{
	size_t want;
	char length[200], *body;
	struct text url = { 0 }, t = { 0 };
	struct form f = { 0 };
	const char *twiml = "<Response/>";

	want = strtoul(header(head, "Content-Length: ", length), NULL, 10);
	body = need(want + 1);
	get(fd, body, want);
	form_read(&f, body, want);
	text_printf(&url, PUBLIC "%s", path);
	check_signature(head, text_str(&url), &f);
	pthread_mutex_lock(&server.lock);
	if (strcmp(path, "/twilio/voice") == 0)
		twiml = server.twiml;
	if (strcmp(path, "/done") == 0) {
		for (size_t i = 0; i < f.count; i++)
			text_printf(&server.asked, "%s=%s;", f.field[i].name, f.field[i].value);
		text_puts(&server.asked, "\n");
		twiml = server.after ? server.after : twiml;
		server.after = NULL;
	}
	pthread_mutex_unlock(&server.lock);
	text_printf(
	    &t, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n%s", strlen(twiml), twiml);
	send(fd, t.data, t.len, MSG_NOSIGNAL);
	text_free(&t);
	text_free(&url);
	form_free(&f);
	free(body);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct text head = { 0 };
	char c, path[200] = "";

	while (!strstr(text_str(&head), "\r\n\r\n") && get(fd, &c, 1))
		text_add(&head, &c, 1);
	sscanf(text_str(&head), "%*s %199s", path);
	if (strncmp(text_str(&head), "GET", 3) == 0)
		upgrade(fd, text_str(&head));
	else if (head.len)
		answer_form(fd, text_str(&head), path);
	close(fd);
	text_free(&head);
	return NULL;
}

static void *accept_all(void *arg)
{
	pthread_t threads[64];
	size_t count = 0;
	int fd;

	(void)arg;
	while (count < 64 && (fd = accept(server.listener, NULL, NULL)) >= 0)
		pthread_create(&threads[count++], NULL, serve, (void *)(intptr_t)fd);
	while (count)
		pthread_join(threads[--count], NULL);
	return NULL;
}

#define TWIML(attributes) \
	"<Response><Connect action=\"https://bridge.example.com/done\">" \
	"<ConversationRelay url=\"wss://bridge.example.com/relay/1\" " attributes \
	"><Language code=\"es-ES\"/><Parameter name=\"agent\" value=\"x\"/></ConversationRelay></Connect></Response>"

static void open_server(const char *twiml, const char *after, const struct row *rows)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;

	memset(&server, 0, sizeof server);
	pthread_mutex_init(&server.lock, NULL);
	server.twiml = twiml;
	server.after = after;
	server.rows = rows;
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&at, sizeof at), 0);
	listen(server.listener, 16);
	getsockname(server.listener, (struct sockaddr *)&at, &size);
	server.port = ntohs(at.sin_port);
	pthread_create(&server.thread, NULL, accept_all, NULL);
}

static void close_server(void)
{
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	text_free(&server.heard);
	text_free(&server.asked);
}

static char script_path[64];

/* One call with a script; its exit status. */
static int call(const char *script, const char *const *more)
{
	char address[40];
	const char *argv[40] = { "phone", "--server", address, "--public-url", PUBLIC, "--token", TOKEN, "--script",
		script_path, "--pace", "100", "--limit", "60" };
	int argc = 13;
	struct text t = { 0 };

	snprintf(address, sizeof address, "127.0.0.1:%d", server.port);
	snprintf(script_path, sizeof script_path, "build/tmp/relay-%d.script", (int)getpid());
	text_puts(&t, script);
	file_write(script_path, &t);
	text_free(&t);
	while (*more)
		argv[argc++] = *more++;
	return phone_run(argc, (char **)argv);
}

#define CALL(script, ...) call(script, (const char *const[]){ __VA_ARGS__, NULL })
#define TEXT(words, last) "{\"type\":\"text\",\"token\":\"" words "\",\"last\":" last "}"

static void assert_heard(const char *part)
{
	if (!strstr(text_str(&server.heard), part))
		fail_msg("no %s in\n%s", part, text_str(&server.heard));
}

static void assert_asked(const char *part)
{
	if (!strstr(text_str(&server.asked), part))
		fail_msg("no %s in\n%s", part, text_str(&server.asked));
}

static void a_conversation_goes_to_and_fro(void **state)
{
	static const struct row rows[] = {
		{ "\"last\":true", { TEXT("At nine ", "false"), TEXT("o'clock.", "false"), TEXT("", "true") } },
		{ "tokensPlayed\",\"value\":\"At nine", { NULL } }, { "\"digit\":\"1\"", { TEXT("One.", "true") } },
		{ 0 }
	};

	(void)state;
	open_server(TWIML("welcomeGreeting=\"Good day.\" dtmfDetection=\"true\" partialPrompts=\"true\" "
			  "debug=\"speaker-events tokens-played\""),
	    NULL, rows);
	assert_int_equal(
	    CALL("wait-agent-done 100\nprompt \"When do you open, please?\" 700\nwait-spoken \"o'clock.\"\n"
		 "wait-agent-done 100\ndtmf 1\nwait-last\nwait-agent-done 100\n",
		"--expect", "answers=3", "--expect", "prompts=1", "--expect", "partials>=1", "--expect", "warnings=0",
		"--expect", "unfinished=0", "--expect", "spoken~At nine o'clock.", "--expect", "end=caller"),
	    0);
	assert_heard("{\"type\":\"setup\",\"sessionId\":\"VX");
	assert_heard("\"callStatus\":\"RINGING\",\"customParameters\":{\"agent\":\"x\"}}");
	assert_heard(
	    "{\"type\":\"prompt\",\"voicePrompt\":\"When do you open, please?\",\"lang\":\"en-US\",\"last\":true}");
	assert_heard("\"last\":false}");
	assert_heard("{\"type\":\"info\",\"name\":\"agentSpeaking\",\"value\":\"on\"}");
	assert_heard("{\"type\":\"info\",\"name\":\"tokensPlayed\",\"value\":\"Good day.\"}");
	assert_heard("{\"type\":\"info\",\"name\":\"clientSpeaking\",\"value\":\"off\"}");
	assert_asked("CallStatus=completed;SessionId=VX");
	assert_asked("SessionStatus=completed");
	assert_int_equal(server.bad_signatures, 0);
	close_server();
}

#define LONG "We open at nine in the morning and close at five in the afternoon, on every day of the week."

static void an_interruption_tells_what_was_heard(void **state)
{
	static const struct row rows[] = { { "\"prompt\"", { TEXT(LONG, "true") } }, { "\"interrupt\"", { NULL } },
		{ "\"prompt\"", { TEXT("Sorry.", "true") } }, { 0 } };

	(void)state;
	open_server(TWIML("debug=\"tokens-played\""), NULL, rows);
	assert_int_equal(
	    CALL("prompt \"When?\"\nwait-spoken \"in the\"\nprompt \"Stop.\"\nwait-spoken \"Sorry.\"\n", "--fault",
		"heard-lower", "--expect", "clears=1", "--expect", "stale=0", "--expect", "cut_answers=1"),
	    0);
	assert_heard("{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":\"we open at nine in the");
	close_server();
}

static void tokens_of_a_cut_answer_are_found(void **state)
{
	static const struct row rows[] = { { "\"prompt\"", { TEXT(LONG, "false") } }, { "\"interrupt\"", { NULL } },
		{ "\"error\"", { TEXT(" And so on.", "true") } }, { 0 } };

	(void)state;
	open_server(TWIML(""), NULL, rows);
	assert_int_equal(
	    CALL("prompt \"When?\"\nwait-spoken \"in the\"\nnoise\nsilence 500\nerror \"now\"\nsilence 500\n",
		"--expect", "stale=1", "--expect", "warnings=1"),
	    0);
	close_server();
}

static void an_end_is_told_to_the_action(void **state)
{
	static const struct row rows[] = { { "\"prompt\"", { "{\"type\":\"end\",\"handoffData\":\"{\\\"a\\\":1}\"}" } },
		{ 0 } };

	(void)state;
	open_server(TWIML(""), "<Response><Say>Bye.</Say><Hangup/></Response>", rows);
	assert_int_equal(CALL("prompt \"Bye.\"\nwait-end\n", "--expect", "end=server", "--expect", "say=Bye.",
			     "--expect", "handoff~{\"a\":1}", "--expect", "warnings=0"),
	    0);
	assert_asked("CallStatus=in-progress;SessionId=VX");
	assert_asked("SessionStatus=ended;SessionDuration=0;HandoffData={\"a\":1};");
	close_server();
}

static void a_lost_socket_leads_to_another_session(void **state)
{
	static const struct row rows[] = { { "\"prompt\"", { "cut" } }, { "IN_PROGRESS", { TEXT("Again.", "true") } },
		{ 0 } };

	(void)state;
	open_server(TWIML("welcomeGreeting=\"Hi.\""), TWIML(""), rows);
	assert_int_equal(CALL("wait-agent-done 100\nprompt \"Are you there?\"\nwait-spoken \"Again.\"\n", "--expect",
			     "sessions=2", "--expect", "streams=2", "--expect", "warnings=1", "--expect", "end=caller"),
	    0);
	assert_asked("SessionStatus=failed;SessionDuration=0;ErrorCode=64105;ErrorMessage=Websocket ended;");
	assert_int_equal(server.bad_signatures, 0);
	close_server();
}

static void a_close_without_an_end_is_told(void **state)
{
	static const struct row rows[] = { { "\"prompt\"", { "close" } }, { 0 } };

	(void)state;
	open_server(TWIML(""), "<Response/>", rows);
	assert_int_equal(CALL("prompt \"Bye.\"\nwait-end\n", "--expect", "end=server", "--expect", "warnings=1"), 0);
	assert_asked("SessionStatus=failed");
	close_server();
}

static void a_cut_socket_leads_to_another_session(void **state)
{
	static const struct row rows[] = { { "IN_PROGRESS", { TEXT("Again.", "true") } }, { 0 } };

	(void)state;
	open_server(TWIML("welcomeGreeting=\"Hi.\""), TWIML(""), rows);
	assert_int_equal(CALL("wait-agent-done 100\ncut\nwait-spoken \"Again.\"\n", "--expect", "sessions=2",
			     "--expect", "warnings=0", "--expect", "end=caller"),
	    0);
	assert_asked("ErrorCode=64105;");
	close_server();
}

static void ten_bad_messages_end_it(void **state)
{
#define BAD "{\"type\":\"end\",\"handoffData\":{}}"
	static const struct row rows[] = { { "\"setup\"", { BAD, BAD, BAD, BAD } }, { "64107", { BAD, BAD, BAD } },
		{ "64107", { BAD, BAD, BAD } }, { 0 } };

	(void)state;
	open_server(TWIML(""), "<Response/>", rows);
	assert_int_equal(CALL("wait-end\n", "--expect", "malformed=10", "--expect", "end=violation"), 0);
	assert_heard("Invalid message received, code: 64107");
	assert_asked("ErrorMessage=Too many consecutive malformed messages.");
	close_server();
}

static void twilios_own_failures_are_told(void **state)
{
	static const struct row rows[] = { { 0 } };

	(void)state;
	open_server(TWIML(""), "<Response/>", rows);
	assert_int_equal(CALL("silence 5000\n", "--fault", "session-error=64111@100", "--expect", "sessions=1"), 0);
	assert_heard("{\"type\":\"error\",\"description\":\"Text-to-speech provider failed, code: 64111\"}");
	assert_asked("SessionStatus=failed;SessionDuration=0;ErrorCode=64111");
	close_server();
	open_server(TWIML(""), "<Response/>", rows);
	assert_int_equal(CALL("silence 5000\n", "--fault", "session-error=64102", "--expect", "streams=0"), 0);
	assert_int_equal(server.sockets, 0);
	assert_asked("ErrorCode=64102");
	close_server();
}

static void odd_messages_are_sent_as_asked(void **state)
{
	static const struct row rows[] = { { 0 } };

	(void)state;
	open_server(TWIML(""), NULL, rows);
	assert_int_equal(CALL("lang xx-YY\nprompt \"Hello.\"\nraw {\"type\":\"dtmf\",\"digit\":7}\nsilence 300\n",
			     "--fault", "half-emoji@20", "--fault", "start-twice@40", "--fault", "interrupts=5@60"),
	    0);
	assert_heard("\"lang\":\"xx-YY\"");
	assert_heard("{\"type\":\"dtmf\",\"digit\":7}");
	assert_heard("half a smile \\ud83d");
	assert_heard("\"durationUntilInterruptMs\":0}");
	close_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_held_against_the_tables),
		cmocka_unit_test(messages_are_read_strictly),
		cmocka_unit_test(words_take_their_time),
		cmocka_unit_test(the_last_word_waits_for_its_end),
		cmocka_unit_test(a_cut_tells_whole_words_and_drops_the_rest),
		cmocka_unit_test(who_may_not_cut_does_not),
		cmocka_unit_test(a_later_message_cuts_what_lets_it),
		cmocka_unit_test(keys_and_sounds_wait_for_the_words_before_them),
		cmocka_unit_test(a_conversation_goes_to_and_fro),
		cmocka_unit_test(an_interruption_tells_what_was_heard),
		cmocka_unit_test(tokens_of_a_cut_answer_are_found),
		cmocka_unit_test(an_end_is_told_to_the_action),
		cmocka_unit_test(a_lost_socket_leads_to_another_session),
		cmocka_unit_test(a_close_without_an_end_is_told),
		cmocka_unit_test(a_cut_socket_leads_to_another_session),
		cmocka_unit_test(ten_bad_messages_end_it),
		cmocka_unit_test(twilios_own_failures_are_told),
		cmocka_unit_test(odd_messages_are_sent_as_asked),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	unlink(script_path);
	return failed;
}
