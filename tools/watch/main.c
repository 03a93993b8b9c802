/* watch: follows one call on the terminal, as it happens.
 *
 *   watch [--token API_TOKEN] HOST:PORT [CALL_SID]
 *
 * Without a CallSid it follows the first call it sees. Asks GET /calls/{CallSid} five times a second and prints what is new: who
 * said what, interruptions, and how much of a cut answer was heard. When the
 * call is over it prints a table of latencies. Waits up to 30 s for the call to
 * appear. Exit status: 0 if the call ended without a fault, else 1.
 */
#include "tools/kit/client.h"
#include "tools/kit/clock.h"
#include "tools/kit/member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLLS_PER_SECOND = 5, WAIT_SECONDS = 30, TURNS = 200 };

struct seen {
	bool begun, said, heard;
};

/* The body of a 200 answer as a tree; NULL for anything else. */
static cJSON *get(const struct sockaddr_in *server, const char *path, const char *token)
{
	struct text ask = { 0 }, answer = { 0 };
	const char *body;
	cJSON *tree = NULL;

	text_printf(&ask, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", path);
	if (token[0])
		text_printf(&ask, "Authorization: Bearer %s\r\n", token);
	text_puts(&ask, "\r\n");
	if (client_ask(server, &ask, 5, &answer) == 200 && (body = strstr(answer.data, "\r\n\r\n")))
		tree = cJSON_Parse(body + 4);
	text_free(&ask);
	text_free(&answer);
	return tree;
}

static void say(double at_ms, const char *who, const char *text)
{
	printf("%7.2f  %-7s %s\n", at_ms < 0 ? 0 : at_ms / 1000, who, text);
}

static void show_agent(const cJSON *turn, struct seen *seen)
{
	const char *text = member_text(turn, "text", NULL), *heard = member_text(turn, "heard_text", NULL);
	double at = member_number(turn, "at_ms", 0), made = member_number(turn, "generated_ms", 0);

	if (!seen->begun) {
		say(at, "agent", "starts to speak");
		seen->begun = true;
	}
	if (!seen->said && made > 0 && text && text[0]) {
		say(at, "agent", text);
		seen->said = true;
	}
	if (!seen->heard && heard && member_true(turn, "interrupted")) {
		printf("         >>>>    interrupted: the caller heard %.2f s of %.2f s, about \"%s\"\n",
		    member_number(turn, "heard_ms", 0) / 1000, made / 1000, heard);
		seen->heard = true;
	}
}

static void show_turns(const cJSON *turns, struct seen *seen)
{
	int i = 0;

	for (const cJSON *turn = turns ? turns->child : NULL; turn && i < TURNS; turn = turn->next, i++) {
		const char *who = member_text(turn, "who", NULL), *text = member_text(turn, "text", NULL);

		if (!who)
			continue;
		if (!strcmp(who, "agent")) {
			show_agent(turn, &seen[i]);
		} else if (!seen[i].said && text && text[0]) {
			say(member_number(turn, "at_ms", 0), who, text);
			seen[i].said = true;
		}
	}
	fflush(stdout);
}

static void put_ms(double ms)
{
	if (ms < 0)
		printf(" %14s", "-");
	else
		printf(" %11.0f ms", ms);
}

static void show_latencies(const cJSON *turns)
{
	int no = 0;

	printf("\n  turn    after event   after speech      generated          heard\n");
	for (const cJSON *turn = turns ? turns->child : NULL; turn; turn = turn->next) {
		const char *who = member_text(turn, "who", NULL);

		if (!who || strcmp(who, "agent"))
			continue;
		printf("  %4d", ++no);
		put_ms(member_number(turn, "answer_after_event_ms", -1));
		put_ms(member_number(turn, "answer_after_speech_ms", -1));
		put_ms(member_number(turn, "generated_ms", -1));
		put_ms(member_number(turn, "heard_ms", -1));
		printf("%s\n", member_true(turn, "interrupted") ? "  interrupted" : "");
	}
	printf("\n  after event:  from the word that the caller stopped, to the answer's first audio\n"
	       "  after speech: the same from where that was in the caller's audio, by the model's own count\n");
}

/* The CallSid of the newest call there is; false while there is none. */
static bool newest_call(const struct sockaddr_in *server, const char *token, char *call_sid, size_t size)
{
	cJSON *list = get(server, "/calls", token);
	const char *sid = member_text(cJSON_GetArrayItem(member(list, "calls"), 0), "call_sid", NULL);
	bool plain = sid && strlen(sid) < size && !strpbrk(sid, "/ \r\n?#%");

	if (plain)
		snprintf(call_sid, size, "%s", sid);
	cJSON_Delete(list);
	return plain;
}

static int follow(const struct sockaddr_in *server, const char *call_sid, const char *token)
{
	struct seen seen[TURNS] = { 0 };
	char path[256] = "", first[64];
	int missing = 0;

	while (missing < WAIT_SECONDS * POLLS_PER_SECOND) {
		if (!call_sid && newest_call(server, token, first, sizeof first))
			call_sid = first;
		snprintf(path, sizeof path, "/calls/%s", call_sid ? call_sid : "");
		cJSON *call = get(server, path, token);
		const cJSON *ending = member(call, "ending");
		const char *state = member_text(call, "state", NULL);

		if (!call)
			missing++;
		show_turns(member(call, "turns"), seen);
		if (state && !strcmp(state, "ended")) {
			bool fault = !cJSON_IsFalse(member(ending, "fault"));

			say(member_number(call, "seconds", 0) * 1000, "end", member_text(ending, "text", NULL));
			show_latencies(member(call, "turns"));
			cJSON_Delete(call);
			return fault ? EXIT_FAILURE : EXIT_SUCCESS;
		}
		cJSON_Delete(call);
		sleep_ms(1000 / POLLS_PER_SECOND);
	}
	fprintf(stderr, "watch: no call%s%s\n", call_sid ? " " : "", call_sid ? call_sid : "");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server;
	const char *token = "";

	if (argc >= 4 && !strcmp(argv[1], "--token")) {
		token = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 2 || argc > 3 || !client_resolve(argv[1], &server)) {
		fprintf(stderr, "usage: watch [--token API_TOKEN] HOST:PORT [CALL_SID]\n");
		return 2;
	}
	return follow(&server, argc == 3 ? argv[2] : NULL, token);
}
