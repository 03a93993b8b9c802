#include "server/agent/words.h"

#include <stdio.h>

const char words_filler[] =
    "Tell the caller in three or four words, in the language you are speaking, that this takes a moment.";

const char words_message[] =
    "You have reached an answering machine, and it is recording now. Leave a short message: who is calling, for whom, "
    "why, and that you will try again. Do not ask anything, and say goodbye.";

const char words_cost[] = "You have to end this call now. In one or two short sentences, in the language of the "
			  "conversation, tell the caller kindly that the call has to end here, and say goodbye.";

const char words_unusable[] = "The tool you called was not run, because the call could not be read. Nothing was done.";

const char words_too_many[] =
    "{\"error\":{\"code\":\"too_many\",\"message\":\"No more tools can be used in this call.\"}}";

const char words_lost[] = "{\"error\":{\"code\":\"no_memory\",\"message\":\"The answer was lost.\"}}";

const char words_already_ending[] = "{\"ok\":true,\"note\":\"the call is already ending\"}";

const char words_busy[] = "This cannot be done at the moment.";

const char words_unknown_tool[] = "There is no tool of that name.";

const char words_unknown_destination[] = "There is no such destination. Only those in the tool's list can be reached.";

const char words_late[] = "The tool did not answer in time. Whether it did its work is not known.";

const char words_called_off[] = "The caller spoke up before the call was ended, so it goes on. Listen, and call the "
				"tool again when it is time.";

const char words_colleague[] = "a colleague";

void words_connecting(char *out, size_t size, const char *name)
{
	snprintf(out, size, "Tell the caller in one short sentence that you are connecting them to %s now.", name);
}

void words_back(char *out, size_t size, const char *name, const char *why)
{
	snprintf(out, size,
	    "The caller could not be connected to %s (%s) and is on the line with you again. Say so, and carry on from "
	    "there: help as far as you can, or offer to take a message.",
	    name, why);
}

void words_keys(char *out, size_t size, const char *digits)
{
	int len = snprintf(out, size, "The caller pressed these keys on the telephone keypad:");
	size_t at = len > 0 ? (size_t)len : 0;

	for (; *digits && at + 2 < size; digits++) {
		out[at++] = ' ';
		out[at++] = *digits;
	}
	if (at < size)
		out[at] = '\0';
}
