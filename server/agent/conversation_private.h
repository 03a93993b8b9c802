#ifndef AGENT_CONVERSATION_PRIVATE_H
#define AGENT_CONVERSATION_PRIVATE_H
/* The agent loop's own state, and the parts it is made of. Private to the agent
 * loop.
 *
 *   agent_loop.c           the loop: deadlines, the end; what all parts need
 *   conversation_events.c  what the model tells
 *   conversation_caller.c  what the caller loop tells: heard, cuts, digits
 *   conversation_shown.c   what others see of it
 *   conversation_cost.c    what it costs
 *   conversation_mail.c    what comes from outside: the operator's word, goodbyes
 *   conversation_transfer.c   handing the caller over, and having them back
 *   conversation_tools.c   the tools the model calls, those that end the call among them
 */
#include "server/agent/answers.h"
#include "server/fleet/fleet.h"
#include "server/line/call.h"
#include "server/agent/cues.h"
#include "server/news/journal.h"
#include "server/agent/farewell.h"
#include "server/agent/link.h"
#include "server/agent/sequencer.h"
#include "server/agent/timeline.h"
#include "server/agent/toolbox.h"

struct converter;
struct tool_cancel;

enum { DIGITS_MAX = 64 };

struct conversation {
	struct call *call;

	/* The model */
	struct link link;
	uint32_t requests_sent;      /* numbers their ids */
	struct converter *converter; /* owned; NULL while the model speaks mu-law */
	struct buf audio;            /* one delta, decoded */
	struct buf message;          /* one message under construction */
	uint8_t *converted;          /* owned; room for one converted delta */
	size_t converted_size;

	/* The conversation */
	bool started; /* the caller is there */
	bool left;    /* the caller loop is gone */
	bool greeted;
	bool machine_waits; /* a message is to be left, once stream and model are there */
	bool deaf_waits;    /* the model is to listen to nobody, once it is there */
	bool greeting_next; /* the next response.create is the greeting */
	bool protecting;    /* the greeting may not be interrupted yet */
	bool turn_waiting;  /* the caller said something meanwhile */
	bool restoring;     /* turn detection as configured was asked for, not yet confirmed */
	int64_t protect_until_us;
	bool speaking;
	int64_t speech_us;                     /* since when */
	int64_t last_voice_us;                 /* anybody's, for IDLE_SECONDS */
	int64_t stop_event_us, stop_speech_us; /* of the turn to be answered; 0: none */
	uint32_t cut_upto;                     /* answers up to this number are cut */
	struct sequencer seq;
	struct cues cues;
	struct farewell farewell;
	struct { /* with a parting that hands over: to whom */
		char name[FLEET_NAME_SIZE], number[CALL_NUMBER_SIZE];
		int ring_seconds;
	} hand_over;
	struct toolbox toolbox;
	struct tool_cancel *cancel; /* owned; NULL before the first tool */
	struct buf tools;           /* as declared to the model; may hold keys */
	bool answer_wanted;         /* the model was told of tools and owes an answer */
	int64_t told_us;            /* when */
	struct answers answers;
	struct timeline timeline;
	int64_t formed_us; /* when watchers were last told of a turn in the making */
	char digits[DIGITS_MAX + 1];
	size_t digit_count;
	int64_t digits_due_us;

	int64_t published_us;

	/* Money: conversation_cost.c */
	int64_t minded_us;
	double booked_usd;            /* of this call, on the day's account */
	bool cost_told, unknown_told; /* the goodbye is under way; the missing price was named */
};

/* agent_loop.c, down to the next file.
 *
 * Sends what is in con->message, which the link's protocol has put there, and
 * empties it. Dropped without a session, and once the call has ended. */
void conversation_send(struct conversation *con);

/* Our name for the next message to the model, by which an error may refer to it.
 * Valid until the next call. */
const char *conversation_next_id(struct conversation *con, enum model_request request);

/* Has the model stop a response, if that is possible. */
void conversation_cancel(struct conversation *con, const char *response_id);

/* Ms since the caller was there; -1 before. */
int64_t conversation_at_ms(const struct conversation *con, int64_t now_us);

/* The caller interrupts: what is queued is stale, what is being made is not to
 * be played. `cancel`: the model does not stop by itself. */
void conversation_interrupt(struct conversation *con, bool cancel, int64_t now_us);

/* Ends the call if the link is gone; but that is told to a caller, not before. */
void conversation_mind_link(struct conversation *con);

/* The model cannot go on; the caller hears it as soon as there is one. */
void conversation_model_failed(struct conversation *con, enum call_end why);

/* An answer did not come: MODEL_FAILED if it was not the first time. */
void conversation_judge(struct conversation *con, enum seq_verdict verdict);

/* conversation_events.c: a link_event_fn. */
void conversation_model_told(void *arg, const struct model_event *event, int64_t now_us);

/* conversation_caller.c */
void conversation_take_messages(struct conversation *con, int64_t now_us);
void conversation_finish_digits(struct conversation *con, int64_t now_us);
void conversation_end_protection(struct conversation *con, int64_t now_us);

/* conversation_mail.c */
void conversation_take_mail(struct conversation *con, int64_t now_us);
/* Asks for what the agent is to say besides its answers, when it may. */
void conversation_say_cue(struct conversation *con, int64_t now_us);
int64_t conversation_cue_deadline_us(const struct conversation *con, int64_t now_us);
/* While it does, nobody but the model itself begins an answer. Until when, at
 * most, if nothing else happens; in the past if it does not. */
bool conversation_caller_has_the_word(const struct conversation *con, int64_t now_us);
int64_t conversation_word_until_us(const struct conversation *con);
/* All words after which the call ends are made. */
void conversation_farewell_made(struct conversation *con, int64_t now_us);
/* What is said before the parting that was begun. */
void conversation_last_words(struct conversation *con, const char *text, bool exact, bool firm, int64_t now_us);
/* Ends the call once they were heard. */
void conversation_part_if_due(struct conversation *con, int64_t now_us);
/* By voice or by key: an end that is about to come is called off. */
void conversation_caller_spoke_up(struct conversation *con, int64_t now_us);

/* conversation_tools.c */
void conversation_tools_called(struct conversation *con, const struct model_event *event, int64_t now_us);
void conversation_mcp_item(struct conversation *con, const struct model_event *event, int64_t now_us);
void conversation_mcp_list_failed(struct conversation *con, const struct model_event *event, int64_t now_us);
void conversation_tool_answered(struct conversation *con, const struct mail *mail, int64_t now_us);
/* A response began to be heard; `asked`: we had asked for one. It is over. */
void conversation_tools_talking(struct conversation *con, bool asked, int64_t now_us);
void conversation_tools_made(struct conversation *con, const char *response_id, int64_t now_us);
/* Whatever is due: time limits, answers to be told, fillers. */
void conversation_tend_tools(struct conversation *con, int64_t now_us);
int64_t conversation_tools_deadline_us(const struct conversation *con, int64_t now_us);
void conversation_farewell_called_off(struct conversation *con, int64_t now_us);
void conversation_tools_cancel(struct conversation *con); /* the call is over */

/* conversation_transfer.c */
void conversation_hand_over_to(struct conversation *con, const char *name, const char *number, int ring_seconds);
void conversation_told_to_transfer(struct conversation *con, const struct mail *mail, int64_t now_us);
void conversation_hand_over(struct conversation *con, int64_t now_us); /* the call ends by it now */
/* The model is told what was said before the caller came back. False: this is no such call. */
bool conversation_recall(struct conversation *con);

/* conversation_shown.c: for HTTP readers, if there is news and the last time is long
 * enough ago; `wait`: whatever happens, and a reader may make us wait. When it is
 * due, NEVER_US without news. */
void conversation_publish(struct conversation *con, bool wait, int64_t now_us);
int64_t conversation_publish_us(const struct conversation *con);
/* Tells the journal of the turns that have news. */
void conversation_tell_turns(struct conversation *con);

/* conversation_cost.c */
void conversation_count_usage(struct conversation *con, bool transcription, const struct model_usage *usage);
/* Books what is new; says goodbye when it is enough. */
void conversation_mind_cost(struct conversation *con, int64_t now_us);

#endif
