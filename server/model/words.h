#ifndef MODEL_WORDS_H
#define MODEL_WORDS_H
/* The texts of the agent loop's own, in one place, so that they can be read as one voice.
 * All are for the model. An instruction makes it find the words, in the language that is
 * being spoken; the others are notes, and results of its tools.
 */
#include "common/buf.h"
#include "server/agents/phrases.h"

#include <stddef.h>

/* A phrase (agents/phrases.h) as the model is to say it: PHRASE_TIME_LIMIT, _COST_LIMIT, _IDLE, _STILL_THERE,
 * _MACHINE or _ONE_MOMENT. `exact`: the words themselves, as in struct dialogue_event; else an
 * instruction that contains them. Returns `out`. */
enum { WORDS_PHRASE_SIZE = PHRASE_MAX + 400 };
const char *words_phrase(const struct agent *agent, enum phrase phrase, char out[WORDS_PHRASE_SIZE], bool *exact);

/* An instruction: the caller is being handed over to that person. */
void words_connecting(char *out, size_t size, const char *name);

/* A note: the caller is back, since that person did not take the call; `why` is Twilio's
 * reason. */
void words_back(char *out, size_t size, const char *name, const char *why);

/* A note: the connection to the caller broke off, and is there again. */
void words_reconnected(char *out, size_t size);

/* Adds to such a note that the phone is back at the agent's first language, if there are others. */
void words_first_language(char *out, size_t size, const struct agent *p);

/* A note: what language the caller speaks from now on. */
void words_speaks(char *out, size_t size, const char *tag);

/* For a session that goes on with a conversation. A note in place of what the caller said, and was not written down;
 * the arguments of a tool, and its result, that are left out. */
extern const char words_unwritten[], words_arguments_left_out[], words_output_left_out[];
/* A note behind a result's beginning: so many bytes of it are left out. */
void words_output_goes_on(struct buf *out, size_t bytes);
/* In front of what the caller said, also in the record: its beginning was lost. */
extern const char words_torn[];
/* Appends a note: so many turns are left out, which began with these words, and these tools with what came of them;
 * 0, "": none. */
void words_put_left_out(struct buf *out, size_t turns, const char *first, size_t len, const char *tools);
/* A note: a tool is running, and its result is to come. */
void words_running(char *out, size_t size, const char *tool);
/* Appends a note: a tool of an MCP server was called (`arguments` "": with what is not known); then one of these. Behind the first comes its result. */
void words_put_called(struct buf *out, const char *tool, const char *arguments);
extern const char words_it_worked[], words_it_failed[], words_it_is_not_known[];
/* A note: what was said last broke off there. */
extern const char words_broke_off[];
/* Notes: the call is ending, after a goodbye; the caller is being connected to that person. */
extern const char words_ending[];
void words_being_connected(char *out, size_t size, const char *name);
/* Appends an instruction: the rest of these words, of which the caller has heard the beginning. */
void words_put_rest(struct buf *out, const char *words);

/* A caller's message by telephone keys. "12#" becomes "1 2 #". */
void words_keys(char *out, size_t size, const char *digits);

/* A note: an operator has pressed them. */
void words_pressed(char *out, size_t size, const char *digits);

/* Instructions of a session that only says a line, to be kept. */
extern const char words_reading[];

/* A note: a tool was called in a way that cannot be answered. */
extern const char words_unusable[];
/* Whole results of a tool. */
extern const char words_too_many[], words_lost[], words_too_long[], words_already_ending[], words_done[];
/* The messages of errors, with tool_put_error. */
extern const char words_busy[], words_unknown_tool[], words_unknown_destination[], words_not_dialled[], words_late[],
    words_called_off[], words_not_listed[];

/* The name of a person without one, to whom the caller is handed over. */
extern const char words_colleague[];

#endif
