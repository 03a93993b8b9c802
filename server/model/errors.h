#ifndef MODEL_ERRORS_H
#define MODEL_ERRORS_H
/* What an error of the service means for the call: one table of its codes. Pure. */
#include "server/model/protocol.h"

/* The code decides, with or without the type before it ("type.code", as close
 * reasons have it); without a known code, the type. */
enum model_error model_error_of(const char *type, const char *code);

#endif
