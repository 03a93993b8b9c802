#ifndef PHONE_SCRIPT_H
#define PHONE_SCRIPT_H
/* What the caller does, as a list of steps. Read once, then shared by all calls.
 *
 * A script file has one step a line; # begins a comment. Files are looked for
 * beside the script. Every wait gives up after its limit (120 s), and the call
 * has failed then.
 *
 *     say FILE ["words"]                 speak a WAV file (words: a caption)
 *     words "words"                      speak these as chirps (kit/chirp.h)
 *     silence MS                         say nothing for so long
 *     at MS                              wait until so long after the stream began
 *     wait-agent-talking MS [LIMIT_MS]   the agent has talked for so long ...
 *     wait-agent-done MS [LIMIT_MS]      ... has finished, and was silent so long
 *     wait-clear [LIMIT_MS]              play-out was cleared since we began to speak
 *     wait-end [LIMIT_MS]                the server hangs up
 *     dtmf KEYS [GAP_MS]                 press keys (0-9 * #), 250 ms apart
 *     prompt "words" [MS]                a relay hears us say so, in so long (20 ms a letter)
 *     noise                              we are heard, and nothing is said
 *     wait-spoken "words" [LIMIT_MS]     the agent has spoken these
 *     wait-last [LIMIT_MS]               its answer has come as a whole, spoken or not
 *     lang TAG                           the language our prompts are in from now on
 *     error "words"                      Twilio tells of an error
 *     cut [MS]                           the socket is cut with a reset, and Twilio asks the action, so long after it on a
 *                                        stream: the call goes on
 *     raw TEXT                           a message as it stands, to the line's end
 *     gather-speech "words" [MS]         what the next <Gather> hears; so long after its first word, else after its last
 *     gather-digits KEYS                 ... or gets
 *     gather-unclear "words"             ... or hears badly
 *     gather-nothing                     ... or waits for in vain
 *     hangup                             also at the end of the script
 *     repeat [TIMES]                     from the first line again, so often or for ever
 *
 * `say` and `words` say their caption to a relay. The other way round, `prompt` and what follows it are
 * silence on a stream, but for wait-spoken, which waits for chirps. The waits look at what the agent began to say after our last `say` or `dtmf`
 * began: the answer to us, not the one we talked into.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tools/phone/wav.h"

enum step_kind {
	STEP_SAY,
	STEP_SILENCE,
	STEP_AT,
	STEP_AGENT_TALKING,
	STEP_AGENT_DONE,
	STEP_CLEAR,
	STEP_END,
	STEP_DTMF,
	STEP_GATHER_SPEECH,
	STEP_GATHER_DIGITS,
	STEP_GATHER_UNCLEAR,
	STEP_GATHER_NOTHING,
	STEP_HANGUP,
	STEP_REPEAT,
	STEP_PROMPT,
	STEP_NOISE,
	STEP_SPOKEN,
	STEP_LAST,
	STEP_LANG,
	STEP_ERROR,
	STEP_RAW,
	STEP_CUT,
	STEP_WORDS, /* a STEP_SAY, once it is read */
};

enum { STEPS_MAX = 256, WAIT_LIMIT_MS = 120000, KEY_GAP_MS = 250 };

struct step {
	enum step_kind kind;
	long ms; /* of repeat: how often; 0: for ever */
	long limit_ms;
	char *text;           /* owned: keys, words, caption */
	struct speech speech; /* say */
	int line;             /* in the file; 0 from the command line */
};

struct script {
	struct step step[STEPS_MAX];
	size_t count;
};

/* Appends the steps of a file. 0, or -1 with a sentence in `why`. */
int script_read(struct script *s, const char *path, char *why, size_t why_size);
/* Appends one step, as a line of a script would say it; `dir` is where files are. */
int script_line(struct script *s, const char *line, const char *dir, int number, char *why, size_t why_size);
/* Puts the last step before the one that stands before it. */
void script_swap_last(struct script *s);
void script_free(struct script *s);

const char *step_name(enum step_kind kind);

#endif
