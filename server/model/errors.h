#ifndef MODEL_ERRORS_H
#define MODEL_ERRORS_H
/* What an error of the service means for the call: one table of its codes. Pure. */
#include "server/model/protocol.h"

/* The code decides, with or without the type before it ("type.code", as close
 * reasons have it); without a known code, the type. */
enum model_error model_error_of(const char *type, const char *code);

/* Of an answer that failed: without a reason that says more, it is asked for again. */
enum model_error model_error_of_failed(const char *type, const char *code);

/* For want of memory, or of room in a request: no code of any service. */
#define MODEL_NOT_SENT "not_sent"

/* Of an HTTP answer; status 0: none came. Beside the codes, what did not come to an answer may the
 * next time. */
enum model_error model_error_of_answer(int status, const char *code);

/* Fatal for the agents with this model, not for others. */
bool model_error_is_of_model(const char *code);

/* Fatal wherever the same key is shown: the key itself, or the money behind it. */
bool model_error_is_of_key(const char *code);

/* Why dialling failed, as a word for counting: what the service says itself, if that decides.
 * FATAL: it will not pass by itself; MODERATED; or RETRY. */
struct ws_failure;
enum model_error model_error_of_dialling(const struct ws_failure *failure, char code[MODEL_CODE_SIZE]);

#endif
