#ifndef STANDIN_SCRIPT_H
#define STANDIN_SCRIPT_H
/* What the stand-in says, and what it claims to have heard.
 *
 * A script is JSON:
 *
 *     { "greeting":  { "say": "…", "wav": "greeting.wav" },
 *       "turns": [ { "hear": "…", "say": "…", "wav": "…", "interrupts": false } ],
 *       "typed":     { "say": "…" },       answer to text and pressed keys
 *       "otherwise": { "say": "…" } }      answer when the turns are used up
 *
 * "hear" is the transcript of the caller's n-th utterance, by its number alone; in a script whose turns
 * are in chirps (kit/chirp.h) the transcript is what was said, and the turn with the most of its words is
 * answered. A session that is told a conversation goes on with it: what the caller said last is
 * answered, an answer that breaks off is said to its end, a tool that has told its result is gone by.
 * In a session in text it is what the caller is taken to have typed: the turn with these very
 * words is answered, else the next by number.
 * "wav" defaults to greeting, answer-N, typed, otherwise; the caller's lines
 * are caller-N. "interrupts" says that this utterance is meant to begin while
 * the answer before it is being spoken; --make-caller times it so.
 *
 * "calls": [{"name": …, "arguments": {…}}, …] makes the answer end in calls of
 * functions ("call": {…}: in one); with "say": "" it is nothing else. Once all
 * have their output, what is said to the next response.create is "then",
 * another line, which may call again. A call is made only if the session has a
 * tool of that name. Wrong on purpose: "arguments" as a string goes out as it is;
 * "call_id" gives an id, twice the same too, "call_id_length" one of so many
 * characters; "status": "incomplete" an item that was never finished; "force":
 * true a tool nobody declared; "cancelled": true beside "calls" ends the answer
 * as cut by the caller. A name with a slash is the tool of an MCP server's, "label/name": it is called from here, and has
 * its output at once, CALLED_THERE.
 */
#include "tools/kit/g711.h"
#include "tools/kit/sound.h"

#include <stdbool.h>

enum { LINE_CALLS = 8 };

#define CALLED_THERE "{\"done\":true}"

struct line_call {
	char *name, *arguments; /* as they go out */
	char *call_id;          /* NULL: a fresh one */
	bool incomplete, force;
};

struct line {
	char *hear;
	char *say;
	char *wav;
	struct line_call calls[LINE_CALLS];
	int call_count;
	bool cancelled;
	struct line *then; /* owned; NULL: none */
	bool interrupts;
	/* The sound of `say`, encoded once for each format. */
	uint8_t *audio[FORMATS];
	size_t audio_len[FORMATS];
	int audio_ms;
};

struct script {
	struct line greeting, typed, otherwise;
	struct line *turns;
	int turn_count;
};

/* Exits with one sentence if the file is there and wrong. `sounds` also loads
 * or invents what is heard. */
void script_load(struct script *s, const char *path, const char *voice_dir, bool sounds);
void script_free(struct script *s);

/* The caller's n-th turn (from 0). */
const struct line *script_turn(const struct script *s, int n);

/* The turn that is heard as these words, or else the n-th (from 0). */
const struct line *script_turn_of(const struct script *s, const char *words, int n);

/* The number of that turn: in words of chirps (kit/chirp.h) the one that has most of them. -1: none. */
int script_find_turn(const struct script *s, const char *words);

/* Its turns are heard in chirps: who says them is understood, not believed to say the next line. */
bool script_in_chirps(const struct script *s);

/* What is said once a call of that name has its output; NULL: nothing. */
const struct line *script_then(const struct script *s, const char *name);

/* The line of which the beginning was said, and in *rest, borrowed, what is still to be said of it; NULL if
 * there is no such line or no rest. */
const struct line *script_rest(const struct script *s, const char *said, const char **rest);

/* What a request's instructions tell the model to say word for word, borrowed
 * from them; NULL if nothing, or if it is the greeting, which is the script's.
 *
 * A real model understands any wording. This one knows the bridge's, which is
 * in tests/fixtures/words-to-say.json: a test on each side holds it to that. */
const char *script_words_to_say(const char *instructions);
/* True: they tell it to greet, in the bridge's words. */
bool script_is_greeting(const char *instructions);

/* A line of its own, for words that are no part of the script; its sound is invented. */
struct line *script_new_line(const char *say);
/* The same for an answer in text, without a sound. */
struct line *script_new_text(const char *say);
void script_free_line(struct line *line);

void script_print_lines(const struct script *s);

/* Joins the caller's lines with pauses so that each comes after the answer to
 * the one before, or in the middle of it. 0, or -1 and a message on stderr. */
int script_make_caller(const struct script *s, const char *voice_dir, const char *path, int answer_after_ms);

#endif
