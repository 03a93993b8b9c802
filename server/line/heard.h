#ifndef LINE_HEARD_H
#define LINE_HEARD_H
/* How much of one item of an answer the caller has heard. The caller loop's ledger
 * knows it; the agent loop tells the model. */
#include <stdbool.h>
#include <stdint.h>

enum { HEARD_ITEMS = 32 /* at most, in one message */ };

/* On a channel of text all lengths are those of its sound, as far as we know: so many
 * milliseconds for a byte of UTF-8, in any script. So a time is a place in the text. */
enum { SPOKEN_MS_PER_BYTE = 64 };

struct heard {
	uint32_t no; /* the agent loop's number for the item */
	uint32_t heard_ms;
	bool confirmed; /* by a mark; false: marks did not come back in time */
};

#endif
