#include "server/voice/voice_judge.h"

#include "audio/g711.h"
#include "common/letters.h"

#include <string.h>

enum {
	FRAME = 20 * G711_BYTES_PER_MS,
	SOUND_PERCENT = 20, /* of the frames; people who speak slowly pause for half of the time */
	/* For a letter, of an average of 60: numbers and scripts of whole syllables take long. */
	LETTER_MIN_MS = 15,
	LETTER_MAX_MS = 600,
	AROUND_MS = 3000 /* silence before and behind */
};

const char *voice_verdict_word(enum voice_verdict verdict)
{
	static const char *const words[VOICE_VERDICTS] = {
		[VOICE_SAID] = "said as it should be",
		[VOICE_SILENT] = "silent",
		[VOICE_TOO_SHORT] = "too short for its text",
		[VOICE_TOO_LONG] = "too long for its text",
		[VOICE_OTHER_WORDS] = "said in other words",
	};

	return words[verdict];
}

static size_t count_letters(const char *text)
{
	struct letters r = { text, strlen(text), 0 };
	size_t count = 0;

	while (letters_next(&r))
		count++;
	return count;
}

static double letters_of(const char *text, double speed)
{
	return (double)count_letters(text) / (speed > 0 ? speed : 1);
}

size_t voice_longest(const char *text, double speed)
{
	return (size_t)(letters_of(text, speed) * LETTER_MAX_MS + AROUND_MS) * G711_BYTES_PER_MS;
}

enum voice_verdict voice_judge(const uint8_t *ulaw, size_t len, const char *transcript, const char *text, double speed)
{
	double letters = letters_of(text, speed), ms = (double)len / G711_BYTES_PER_MS;
	size_t sounding = 0, frames = 0;

	for (size_t at = 0; at + FRAME <= len; at += FRAME, frames++)
		sounding += mulaw_sound(ulaw + at, FRAME) > 0;
	if (sounding == 0 || sounding * 100 < frames * SOUND_PERCENT)
		return VOICE_SILENT;
	if (ms < letters * LETTER_MIN_MS)
		return VOICE_TOO_SHORT;
	if (len > voice_longest(text, speed))
		return VOICE_TOO_LONG;
	return letters_same(transcript, strlen(transcript), text, strlen(text)) ? VOICE_SAID : VOICE_OTHER_WORDS;
}
