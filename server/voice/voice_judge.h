#ifndef VOICE_VOICE_JUDGE_H
#define VOICE_VOICE_JUDGE_H
/* Whether a line was said as it should be. Pure.
 */
#include <stddef.h>
#include <stdint.h>

enum voice_verdict {
	VOICE_SAID,
	VOICE_SILENT,    /* hardly anything is to be heard */
	VOICE_TOO_SHORT, /* for its text */
	VOICE_TOO_LONG,
	VOICE_OTHER_WORDS, /* by the session's own account */
	VOICE_VERDICTS
};

const char *voice_verdict_word(enum voice_verdict verdict); /* as the end of "the line was …" */

/* Bytes of sound, above which the text's is too long. */
size_t voice_longest(const char *text, double speed);

/* `transcript` is the session's account of what it said. */
enum voice_verdict voice_judge(const uint8_t *ulaw, size_t len, const char *transcript, const char *text, double speed);

#endif
