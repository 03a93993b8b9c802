#ifndef AGENT_WORDS_H
#define AGENT_WORDS_H
/* All that the agent loop itself has a caller told, or tells the model: in one place,
 * so that it can be read as one voice. An instruction is for the model, which finds
 * the words in the language that is being spoken; what a tool answers is for the model,
 * too.
 */
#include <stddef.h>

/* Instructions. */
extern const char words_filler[];  /* a tool takes long that has no filler of its own */
extern const char words_message[]; /* to leave on an answering machine */
extern const char words_cost[];    /* the call has cost what it may */
/* Before the caller is handed over to that person. */
void words_connecting(char *out, size_t size, const char *name);

/* The caller is back: that person, or so, did not take the call, for that reason of
 * Twilio's. A note for the model. */
void words_back(char *out, size_t size, const char *name, const char *why);

/* What the caller did by telephone keys, to be answered. "12#" is told as "1 2 #". */
void words_keys(char *out, size_t size, const char *digits);

/* To the model: a tool was called in a way that cannot be answered. */
extern const char words_unusable[];
/* Whole answers to a tool. */
extern const char words_too_many[], words_lost[], words_already_ending[];
/* The messages of errors, with tool_put_error. */
extern const char words_busy[], words_unknown_tool[], words_unknown_destination[], words_late[], words_called_off[];

/* A person without a name, to whom the caller is handed over. */
extern const char words_colleague[];

#endif
