#include "server/model/words.h"

#include "server/agents/agent.h"

#include <stdio.h>
#include <string.h>

/* The built-in sentence goes to the model inside an instruction, since callers may speak
 * another language than the agent's first. An agent's own words stand as they are. */
const char *words_phrase(const struct agent *agent, enum phrase phrase, char out[WORDS_PHRASE_SIZE], bool *exact)
{
	static const char end_now[] = "You have to end this call now. Say to the caller, in the language of the "
				      "conversation and without adding anything: ";
	static const char *const instructions[PHRASE_COUNT] = {
		[PHRASE_TIME_LIMIT] = end_now,
		[PHRASE_COST_LIMIT] = end_now,
		[PHRASE_IDLE] = end_now,
		[PHRASE_STILL_THERE] =
		    "For a while nothing has been heard of the caller, or nothing that can be understood. Ask in a few "
		    "words of your own, in the language of the conversation and without adding anything, whether the "
		    "caller is still there. For example: ",
		[PHRASE_MACHINE] =
		    "You have reached an answering machine, and it is recording now. Leave a short "
		    "message: who is calling, for whom and why. Do not ask anything. Close with this, in "
		    "the same language: ",
		[PHRASE_ONE_MOMENT] =
		    "Say to the caller, in the language you are speaking and without adding anything: ",
	};
	struct spoken s = phrase_of(agent, phrase);

	*exact = s.own || !instructions[phrase];
	snprintf(out, WORDS_PHRASE_SIZE, "%s%s", *exact ? "" : instructions[phrase], s.text);
	return out;
}

const char words_reading[] =
    "You are the voice of a telephone line. Say the words you are told to say, exactly as they stand, in their own "
    "language and in a friendly, natural tone. Add nothing and leave nothing out.";

const char words_unusable[] = "The tool you called was not run, because the call could not be read. Nothing was done.";

const char words_too_many[] =
    "{\"error\":{\"code\":\"too_many\",\"message\":\"No more tools can be used in this call.\"}}";

const char words_lost[] = "{\"error\":{\"code\":\"no_memory\",\"message\":\"The answer was lost.\"}}";

const char words_too_long[] = "{\"error\":{\"code\":\"bad_answer\",\"message\":\"The tool did its work, and gave an "
			      "answer that is too long to be read.\"}}";

const char words_already_ending[] = "{\"ok\":true,\"note\":\"the call is already ending\"}";

const char words_done[] = "{\"ok\":true}";

const char words_not_listed[] = "That is not possible here. Only what the tool's description lists can be used.";

const char words_busy[] = "This cannot be done at the moment.";

const char words_unknown_tool[] = "There is no tool of that name.";

const char words_unknown_destination[] = "There is no such destination. Only those in the tool's list can be reached.";

const char words_not_dialled[] =
    "This destination must not be dialled: the server's OUTBOUND_ALLOW leaves its number out. "
    "Tell the caller that you cannot connect them to it, and offer what else you can do.";

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

void words_reconnected(char *out, size_t size)
{
	snprintf(out, size,
	    "The connection to the caller broke off for a moment and is there again; what you said last may not have been "
	    "heard. Say so in a few words, and go on where you were; if nothing has been said yet, greet the caller.");
}

void words_first_language(char *out, size_t size, const struct agent *p)
{
	size_t at = strlen(out);

	if (p->channel == CHANNEL_RELAY && p->relay.language_count)
		snprintf(out + at, size - at, " You are spoken in %s again.", relay_attribute(p, RELAY_language));
}

void words_speaks(char *out, size_t size, const char *tag)
{
	snprintf(out, size, "The caller speaks %s now.", tag);
}

const char words_unwritten[] =
    "The caller said something here that was not written down. If it is not answered yet, say "
    "that you did not hear all of it, and ask the caller to say it again.";

const char words_torn[] = "[…] ";

const char words_arguments_left_out[] = "{\"note\":\"The arguments are left out here; they were told before.\"}";

void words_output_goes_on(struct buf *out, size_t bytes)
{
	buf_printf(out, " [%zu more bytes of this result are left out here; they were told before.]", bytes);
}

const char words_output_left_out[] = "{\"note\":\"The result is left out here; it was told before.\"}";

void words_put_left_out(struct buf *out, size_t turns, const char *first, size_t len, const char *tools)
{
	if (turns)
		buf_printf(out, "%zu earlier turn%s of this call %s left out here. They began: %.*s", turns,
		    turns == 1 ? "" : "s", turns == 1 ? "is" : "are", (int)len, first);
	if (*tools)
		buf_printf(out, "%sTools that were called by then: %s.", turns ? " […] " : "", tools);
}

void words_running(char *out, size_t size, const char *tool)
{
	snprintf(out, size,
	    "The tool %s was called, and is still running. Its result will follow by itself: do not call it again for "
	    "the same purpose.",
	    tool);
}

void words_put_called(struct buf *out, const char *tool, const char *arguments)
{
	buf_printf(
	    out, "The tool %s was called here%s%s. ", tool, *arguments ? ", with these arguments: " : "", arguments);
}

const char words_it_worked[] = "It did its work. Its result: ";

const char words_it_failed[] = "It failed.";

const char words_it_is_not_known[] = "The connection to it broke off, and whether it did its work is not known. Do not "
				     "call it again for the same purpose before you have found that out.";

const char words_broke_off[] =
    "What you said last broke off there, by a fault of the line, and the caller has heard it so far. When it is "
    "your turn, go on from exactly there: repeat nothing of it, do not greet again, and do not speak of the fault. It may have been all that was to be "
    "said: then call no tool for it once more, and only ask in a few words whether there is anything else.";

const char words_ending[] = "This call is ending: the goodbye is being said. Begin nothing new.";

void words_being_connected(char *out, size_t size, const char *name)
{
	snprintf(out, size, "The caller is being connected to %s now, and is being told so. Begin nothing new.", name);
}

void words_put_rest(struct buf *out, const char *words)
{
	buf_puts(out, "Your last words broke off, and the caller has heard their beginning. Say only what is missing, "
		      "without repeating any of it. This is what was to be said: ");
	buf_puts(out, words);
}

static void list_keys(char *out, size_t size, const char *before, const char *digits)
{
	int len = snprintf(out, size, "%s", before);
	size_t at = len > 0 ? (size_t)len : 0;

	for (; *digits && at + 2 < size; digits++) {
		out[at++] = ' ';
		out[at++] = *digits;
	}
	if (at < size)
		out[at] = '\0';
}

void words_keys(char *out, size_t size, const char *digits)
{
	list_keys(out, size, "The caller pressed these keys on the telephone keypad:", digits);
}

void words_pressed(char *out, size_t size, const char *digits)
{
	list_keys(out, size, "These keys were just pressed on this call, by an operator on your side:", digits);
}
