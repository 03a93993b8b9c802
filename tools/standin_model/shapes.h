#ifndef STANDIN_SHAPES_H
#define STANDIN_SHAPES_H
/* The published shape of every client event, as tables, and a strict check.
 *
 * Strict means: a field that is not in the table is an error, so is a missing
 * required one, a wrong type, a value outside its list or range, a key given
 * twice. Whoever is checked here cannot rely on the real service being lax.
 */
#include <cjson/cJSON.h>
#include <stdbool.h>

struct shape_error {
	char code[40];     /* unknown_parameter, invalid_type, invalid_value, missing_required_parameter */
	char param[128];   /* path of the field, "" if there is none to name */
	char message[400]; /* as the service would say it */
};

/* One whole client event, `type` and `event_id` included. */
bool shapes_check(const cJSON *event, struct shape_error *error);

#endif
