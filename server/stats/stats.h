#ifndef STATS_STATS_H
#define STATS_STATS_H
/* Counters and latencies of the whole process, for /status. Any thread adds,
 * without locks. A reader sees each number whole, but not all of them at one
 * instant. */
#include "server/stats/endings.h"
#include "common/hist.h"

#include <stdatomic.h>
#include <stdint.h>

/* section, name (both as in /status), what it counts */
#define STAT_COUNTERS(X) \
	X(calls, total, "calls admitted") \
	X(calls, refused_full, "calls refused because every line was taken") \
	X(calls, refused_draining, "calls refused while shutting down") \
	X(calls, transfers, "calls handed over to a person") \
	X(calls, transfers_answered, "… who answered") \
	X(calls, transfers_back, "… who did not, so that the caller came back") \
	X(calls, fallbacks_unanswered, "calls dialled on to a fallback number, which did not take them") \
	X(ladder, reconnects, "new streams and sessions for calls whose own was lost") \
	X(ladder, texts, "conversations by webhooks in the agent's place") \
	X(ladder, dials, "people dialled in the agent's place") \
	X(ladder, voicemails, "callers asked for a message") \
	X(ladder, words, "callers for whom only words were left") \
	X(voicemail, left, "messages that callers left, and that were told of") \
	X(voicemail, empty, "recordings of messages with nothing in them, or that failed") \
	X(voicemail, fetched, "messages fetched from Twilio") \
	X(voicemail, unfetched, \
	    "those that were not to be had from there; they are passed on from Twilio if it has them") \
	X(voicemail, transcribed, "messages written down") \
	X(voicemail, untranscribed, "those that could not be") \
	X(voicemail, retries, "times that something was in the way, and it was tried again later") \
	X(voicemail, unclaimed, "messages for agents that are gone, so that no webhook tells of them") \
	X(voicemail, unkept, "messages that stay at Twilio, because DATA_DIR is not set") \
	X(calls, parked, "streams that were lost, or made room for keys, with the call waiting for the next one") \
	X(calls, unparked, "… which came in time, and went on") \
	X(calls, not_dialled, "numbers not dialled because OUTBOUND_ALLOW leaves them out") \
	X(agents, reloads, "times the agents were read anew (SIGHUP)") \
	X(agents, reloads_failed, "times they were not, because of mistakes; the old ones stayed") \
	X(calls, orders_ignored, "operator's orders to say something that the agent had no room for") \
	X(calls, refused_cost, "calls refused because the day would have cost more than MAX_DAY_COST") \
	X(calls, refused_model, "calls refused because their agent's text API failed, or refused the agent") \
	X(calls, refused_caller_busy, "calls refused because the caller had MAX_CALLS_PER_CALLER up") \
	X(calls, refused_caller_often, "calls refused because the caller had made MAX_CALLS_PER_CALLER_HOUR") \
	X(calls, refused_blocked, "calls refused because of BLOCK_CALLERS") \
	X(calls, refused_not_allowed, "calls refused because the caller is not among ALLOW_CALLERS") \
	X(calls, refused_over, "voice webhooks of calls that were over") \
	X(audio, frames_in, "media messages from Twilio") \
	X(audio, frames_out, "media messages to Twilio") \
	X(audio, bytes_in, "bytes of caller audio received") \
	X(audio, bytes_to_model, "bytes of caller audio sent to the model") \
	X(audio, dropped_ms, \
	    "caller audio skipped because it was older than BACKLOG_MS, or missing when a new session needed it") \
	X(audio, resent_ms, "caller audio sent again, to a session that followed one that was lost or renewed") \
	X(audio, hold_tones, "soft tones played to callers who waited for longer than HOLD_AFTER_MS") \
	X(audio, hold_words, "the same on a relay: they were asked for a moment") \
	X(audio, known_lines, "fixed lines played from their own sound, without the model") \
	X(audio, answer_dropped_ms, "answer audio dropped because the answer was too long to queue") \
	X(audio, stale_ms, "answer audio skipped at interruptions, unheard") \
	X(audio, late_delta_ms, "answer audio that came after its answer was cut") \
	X(audio, padded_ms, "silence sent to the model in place of missing frames") \
	X(audio, underruns, "times an answer's audio came too late to play on without a gap") \
	X(audio, late_frames, "caller frames over 60 ms late by media.timestamp") \
	X(audio, valve_openings, "times the uplink valve opened") \
	X(turns, caller, "things the caller said") \
	X(turns, answers, "answers of which something was to be heard, or that called a tool") \
	X(turns, interruptions, "answers cut by the caller") \
	X(turns, digits, "groups of keys taken") \
	X(digits, sent, "groups of keys pressed for a call, as its model or an operator asked") \
	X(digits, refused, "those that were not, since the agent spoke, others were under way, or the like") \
	X(digits, failed, "those that Twilio did not press, or that the call ended before") \
	X(turns, instant, "things the caller said that were answered by `instant_answers`") \
	X(turns, still_there, "times callers were asked whether they are still there") \
	X(turns, marks_unconfirmed, "answers whose marks never came back") \
	X(model, connects, "sessions opened") \
	X(model, resumed, "sessions opened by TLS resumption") \
	X(model, elsewhere, "sessions of calls that were opened at another endpoint than the first") \
	X(model, unknown_events, "events of unknown type, ignored") \
	X(model, invalid_events, "messages that made no sense, ignored") \
	X(model, failed_answers, "answers that ended as failed") \
	X(model, silent_answers, "answers that ended without sound, and called no tool") \
	X(model, untold_ends, "answers whose end was not told, or could not be read") \
	X(model, retries, "answers asked for again") \
	X(model, resent, "requests to the text API that brought nothing, and were sent again") \
	X(model, lost, "sessions that were lost under a call") \
	X(model, reconnected, "those that another one followed, in the same conversation") \
	X(model, away_ms, "time for which a call had lost its session, and had no other") \
	X(model, renewed, "sessions that another one took over from before their time was over") \
	X(model, renewals_late, \
	    "those that were put off, since the service ends its sessions within a minute of each other") \
	X(model, replay_left_out, "turns that a new session was told in one line, being too many for REPLAY_TOKENS") \
	X(model, replay_cut, "results of tools of which a new session was told the beginning") \
	X(model, replay_refused, "pieces of a conversation that a new session would not be told") \
	X(tools, called, "tools the model called") \
	X(tools, answered, "tools that answered") \
	X(tools, timeout, "tools that did not answer in time") \
	X(tools, unreachable, "tools that could not be reached, or broke off") \
	X(tools, status, "tools that answered with another status than 2xx") \
	X(tools, bad_answer, "tools whose answer was not JSON, or too large") \
	X(tools, bad_call, "tools called with arguments that are no JSON object") \
	X(tools, busy, "tools not run because too many were waiting") \
	X(tools, own, "failures of search_knowledge and save_record") \
	X(tools, cancelled, "tools whose call was over before they answered") \
	X(tools, unusable, "calls of tools without a usable id or name, or too many") \
	X(tools, mcp_called, "calls of MCP servers, by the model's side") \
	X(tools, mcp_failed, "MCP servers that failed the model") \
	X(twilio, invalid_messages, "stream messages that made no sense, ignored") \
	X(twilio, unknown_messages, "stream messages of unknown kind, ignored") \
	X(twilio, digits_dropped, "keys pressed beyond what is kept") \
	X(relay, unmatched, "accounts by Twilio of what was spoken that were not of our words") \
	X(relay, words_cut, "things the caller said that were too long, or found no room, and were cut") \
	X(relay, complaints, "messages of ours that Twilio could not use, and errors of its own") \
	X(relay, lost, "sessions that broke off, or never began (64102, 64105, 39001)") \
	X(relay, reconnected, "those that were opened anew, streams of calls on another line, too") \
	X(relay, refused, "sessions that Twilio refused or could not speak in (64101, 64109, 64111, 64112)") \
	X(relay, time_over, "sessions that reached Twilio's own time limit (64104)") \
	X(relay, failed, "sessions that failed with another code") \
	X(gather, repeated, "requests of Twilio's that came twice, and got the same answer") \
	X(gather, nothing, "times a caller by gather said nothing when the word was his") \
	X(gather, unclear, \
	    "things callers by gather said that were not understood, and that they were asked to say again") \
	X(gather, words_cut, "things they said that were too long, and were cut") \
	X(gather, held, "times one of them was told to wait for an answer") \
	X(gather, given_up, "calls in which no answer came for 10 s") \
	X(recording, started, "local recordings begun") \
	X(recording, completed, "those that are whole") \
	X(recording, failed, "those that the disk ended") \
	X(recording, bytes, "bytes of audio written") \
	X(recording, lost_ms, "audio that the disk was too slow for, or that came too late to be placed") \
	X(voice, made, "lines said by a session of their own, and kept") \
	X(voice, loaded, "lines found in DATA_DIR/voice") \
	X(voice, misses, "takes thrown away: silent, of a length that cannot be, in other words, or refused") \
	X(voice, no_model, "times a line could not be made because the model could not be had") \
	X(voice, files_bad, "files thrown away: cut short, spoiled, or another line's") \
	X(voice, files_failed, "lines kept in memory only, because their file could not be written") \
	X(knowledge, searches, "times an agent looked something up") \
	X(records, valid, "records that follow their schema") \
	X(records, invalid, "records that do not") \
	X(records, failed, "records that could not be filled in") \
	X(recording, twilio_started, "recordings that Twilio makes") \
	X(recording, twilio_failed, "those it would not or could not begin") \
	X(recording, twilio_unserved, "times it did not hand over one that it keeps") \
	X(http, requests, "requests answered") \
	X(http, refused_signature, "webhooks and upgrades with a wrong signature") \
	X(http, refused_network, "requests of Twilio's routes from outside ALLOW_NETWORKS") \
	X(http, refused_token, "streams with an unknown, used or expired token") \
	X(http, refused_unauthorized, "operator requests without the right token, or with one that may not do that") \
	X(http, refused_guesses, "operator requests with a wrong token, from a client that had sent ten") \
	X(http, refused_foreign_page, "operator requests that a browser sent for a page of another site") \
	X(http, refused_bad_request, "requests that were malformed or too large") \
	X(http, refused_busy, "requests cut off because they took too long") \
	X(http, refused_watchers, "event streams and downloads refused because MAX_WATCHERS were open") \
	X(http, watchers_dropped, "event streams closed because their reader did not keep up")

/* name (as in /status), what is measured */
#define STAT_LATENCIES(X) \
	X(answer_after_event, "speech_stopped event received -> first audio of the answer sent to Twilio") \
	X(answer_after_speech, \
	    "end of the caller's turn by the model's audio clock (audio_end_ms) -> first audio of the answer sent to Twilio") \
	X(interruption_to_clear, "speech_started event received -> clear handed to the socket") \
	X(webhook_to_twiml, "voice webhook handler entered -> TwiML handed to the socket") \
	X(stream_to_first_audio, "Twilio's start message -> first audio sent") \
	X(knowledge_search, "a search in an agent's folder, begun -> answered") \
	X(model_connect, "dialling the model -> session.updated")

struct stats {
#define X(section, name, help) _Atomic uint64_t section##_##name;
	STAT_COUNTERS(X)
#undef X
#define X(name, help) struct hist name;
	STAT_LATENCIES(X)
#undef X
	_Atomic uint64_t ended[CALL_END_COUNT];
	_Atomic int64_t last_connect_ms; /* -1 before the first */
	_Atomic int valves_open;         /* calls whose uplink valve is open now */
	_Atomic int watchers_open;       /* event streams and downloads open now: places of MAX_WATCHERS taken */
	_Atomic int64_t oldest_audio_ms; /* the largest lateness of caller audio seen in the last second or so */
};

extern struct stats stats;

#define stat_add(field, n) atomic_fetch_add_explicit(&stats.field, (uint64_t)(n), memory_order_relaxed)
#define stat_get(field) atomic_load_explicit(&stats.field, memory_order_relaxed)

/* Errors of the model by class and code. At most STAT_ERRORS_MAX pairs are told
 * apart; later ones count under ("other", "other"). Strings are copied. Any
 * thread; a small lock. */
enum { STAT_ERRORS_MAX = 48 };
void stat_model_error(const char *error_class, const char *code);

/* Calls back once per pair, in order of first appearance. */
void stat_model_errors(void (*each)(void *arg, const char *error_class, const char *code, uint64_t count), void *arg);

#endif
