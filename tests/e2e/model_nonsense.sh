#!/usr/bin/env bash
# Everything a model can say that makes no sense, or that it should have left
# unsaid, or that it does not say. What is harmless leaves the call alive; what
# is not ends it with a name. One server, all at once, with a good call beside
# them that must not notice.
. "$(dirname "$0")/lib.sh"

SORRY="we have a technical problem"
cat >"$WORK/talk.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 2500
hangup
SCRIPT
cat >"$WORK/cut-off.script" <<SCRIPT
say caller-2.wav
wait-end 600000
SCRIPT
cat >"$WORK/interrupt.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 1200
say caller-1.wav
wait-clear
wait-agent-done 1000
hangup
SCRIPT
cat >"$WORK/listen.script" <<SCRIPT
say caller-2.wav
wait-agent-done 1000
hangup
SCRIPT
cat >"$WORK/mute.script" <<SCRIPT
wait-end 600000
SCRIPT
cat >"$WORK/long.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 6000
say caller-1.wav
wait-clear
wait-agent-talking 1500
hangup
SCRIPT

# with SCRIPT NAME FAULTS EXPECTED...
with() {
	plan "$2" "$3" --script "$WORK/$1.script" --expect warnings=0 --expect script_done=1 "${@:4}"
}

# survives NAME FAULTS: answered, and hung up by the caller. (What breaks off for a
# moment counts as two answers at the phone; the record knows better.)
survives() {
	with talk "$1" "$2" --expect end=caller --expect 'answers>=1'
}

# interrupted NAME FAULTS: two turns, an interruption, nothing heard twice.
interrupted() {
	with interrupt "$1" "$2" --expect end=caller --expect 'answers>=2' --expect clears=1 --expect cut_answers=1
}

# broken NAME FAULTS [SCRIPT]: the caller hears an apology.
broken() {
	with "${3:-cut-off}" "$1" "$2" --expect end=server --expect close_code=1000 --expect say="$SORRY"
}

HARMLESS="text json deep binary unknown types no-type array empty nul base64 ping"
DEADLY="utf8:1007 giant:1009 rsv:1002 masked:1002 opcode:1002 long-ping:1002 torn:1002"
# The longest first.
broken no-pong no-pong mute
broken stuck stuck
broken read-rate read-rate=5000
broken stop-reading stop-reading=2
broken silent silent
interrupted good ""
for what in $HARMLESS; do
	survives "garbage-$what" "garbage=$what:answer"
done
for what in text unknown types binary deep; do
	survives "early-$what" "garbage=$what:created"
done
for what in $DEADLY; do
	broken "garbage-${what%:*}" "garbage=${what%:*}:answer"
done
broken garbage-cut-frame garbage=cut-frame:answer
for what in unknown-parameter active-response cancel-not-active commit-empty truncate-too-long server minimal \
	rate-limit; do
	survives "error-$what" "error=$what:answer"
done
for what in fragment=1000 drip=100 one-delta transcript-fails no-transcript no-truncated no-close; do
	interrupted "${what%=*}" "$what"
done
for what in 512 600; do
	interrupted "ids-$what" "long-ids=$what"
done
for what in no-cancel late-deltas=5 late-after-done=5; do
	interrupted "${what%=*}" "$what"
done
with long long-answer "long-answer=400 one-delta" --expect end=caller --expect clears=1 --expect 'answers>=2' \
	--expect cut_answers=1
for what in rate_limit inference server; do
	survives "fails-once-$what" "fail=$what:1"
done
for what in rate_limit server quota model_not_found; do
	broken "fails-$what" "fail=$what"
done
survives fails-max_tokens fail=max_tokens
broken fails-content_filter fail=content_filter
broken no-audio no-audio
broken once-no-audio-content_filter no-audio=content_filter:1
for how in text words nothing max_tokens; do
	survives "once-no-audio-$how" "no-audio=$how:1"
done
# That item cannot be named to the model: to try would be one error more.
survives once-no-audio-long "no-audio=text:1 long-ids=600"
interrupted lost-end lose=response.done
with listen lost-beginning lose=response.created --expect end=caller --expect answers=1
for what in lose spoil twice; do
	with listen "$what-end" "$what=response.done" --expect end=caller --expect answers=1
done

model model --key "$SECRET" "${ORDERS[@]}"
server server MAX_CALLS=80 RECONNECT_TRIES=0 GREETING_MODE=wait MAX_OUTPUT_TOKENS=inf
dial_planned
all_over

CALLER='(.turns[0] | .who == "caller" and (.text | length) > 10)'
AGENT='(.turns[1] | .who == "agent" and (.text | length) > 10 and .heard_ms > 0 and .heard_ms <= .generated_ms)'
ONCE='([.turns[].who] | join(" ")) == "caller agent"'
FINE="$CALLER and $AGENT and .audio.answer_dropped_ms == 0 and .audio.dropped_ms == 0 and .audio.padded_ms == 0"
BOTH='([.turns[].who] | join(" ")) == "caller agent caller agent"'
TWICE="$FINE and $BOTH and .turns[1].interrupted and (.turns[3].interrupted | not)"

check "a good call beside all this does not notice" went good caller_hung_up "$TWICE"
for what in $HARMLESS; do
	check "garbage is ignored: $what" went "garbage-$what" caller_hung_up "$FINE and $ONCE"
done
for what in text unknown types binary deep; do
	check "garbage while the session is set up is ignored: $what" went "early-$what" caller_hung_up "$FINE and $ONCE"
done
for what in $DEADLY; do
	check "a breach of the protocol ends it: ${what%:*}" went "garbage-${what%:*}" model_lost \
		'.turns[0].who == "caller" and .turns[1].who == "agent" and .turns[1].generated_ms > 0'
done
check "a frame that is cut short swallows what follows, and ends it" went garbage-cut-frame model_lost \
	'.turns[0].who == "caller" and .turns[1].who == "agent" and .turns[1].generated_ms > 0'
for what in unknown-parameter active-response cancel-not-active commit-empty truncate-too-long server minimal \
	rate-limit; do
	check "an error that does not matter: $what" went "error-$what" caller_hung_up "$FINE and $ONCE"
done
check "fragments are legal" went fragment caller_hung_up "$TWICE"
check "events may come a few bytes at a time" went drip caller_hung_up "$TWICE"
check "an answer may come in one piece" went one-delta caller_hung_up "$TWICE and .turns[1].generated_ms > 11000"
check "a transcript that fails is said to have failed" went transcript-fails caller_hung_up \
	"$BOTH and .turns[0].transcript_failed and .turns[2].transcript_failed"
check "a transcript that never comes holds nothing up" went no-transcript caller_hung_up \
	"$BOTH and (.turns[0] | has(\"transcript_failed\") | not)"
for what in 512 600; do
	check "ids of $what bytes hold nothing up" went "ids-$what" caller_hung_up "$TWICE"
done
check "a truncation need not be confirmed" went no-truncated caller_hung_up "$TWICE"
check "a model that answers no close holds nothing up" went no-close caller_hung_up "$TWICE"
LATE="$TWICE and .audio.late_delta_ms > 0 and .turns[1].heard_ms < 2500"
check "a model that does not stop is not heard" went no-cancel caller_hung_up "$LATE"
check "audio that comes after the interruption is not heard" went late-deltas caller_hung_up "$LATE"
check "audio that comes after the end of its answer is not heard" went late-after-done caller_hung_up "$LATE"
check "an answer too long to queue loses its end, not the call" went long-answer caller_hung_up \
	"$CALLER and $AGENT and $BOTH and .audio.answer_dropped_ms >= 100000 and .audio.answer_dropped_ms < 250000 and
	.interruptions == 1 and .turns[1].interrupted"
for what in rate_limit inference server; do
	check "an answer that fails once is asked for again: $what" went "fails-once-$what" caller_hung_up "$FINE"
done
for what in rate_limit server; do
	check "one that fails always is given up: $what" went "fails-$what" model_failed "$CALLER or .turns[0].who == \"caller\""
done
for what in quota model_not_found; do
	check "one that fails for good is given up at once: $what" went "fails-$what" model_refused \
		'.turns[0].who == "caller" and (.turns | length) == 1'
done
check "an answer that stops half-way is an answer" went fails-max_tokens caller_hung_up \
	"$FINE and $ONCE and .turns[1].status == \"incomplete\""
for how in fails once-no-audio; do
	check "one that the service's filter cuts off ends the call: $how" went "$how-content_filter" model_moderated \
		'.turns[0].who == "caller"'
done
SILENT='.turns[1] | .who == "agent" and .generated_ms == 0 and .heard_ms == 0 and .heard_text == ""'
check "an answer without sound is none: it is asked for again, then given up" went no-audio model_failed \
	"$CALLER and (.turns | length) == 3 and ($SILENT and .status == \"completed\" and (.text | length) > 10)"
for how in nothing max_tokens; do
	check "an answer of nothing is asked for again: $how" went "once-no-audio-$how" caller_hung_up "$FINE and $ONCE"
done
for how in text words long; do
	check "an answer without sound is asked for again: $how" went "once-no-audio-$how" caller_hung_up \
		"$CALLER and ($SILENT) and .turns[2].heard_ms > 0 and (.turns | length) == 3"
done
check "an answer whose beginning is lost is not asked for again" went lost-beginning caller_hung_up "$FINE and $ONCE"
check "the next answer ends one whose end is lost" went lost-end caller_hung_up \
	"$TWICE and .turns[1].status == \"completed\""
# (An audio token is 50 ms.)
for what in lose spoil twice; do
	check "an answer is over with its sound, and billed once: $what" went "$what-end" caller_hung_up \
		"$FINE and $ONCE and .turns[1].status == \"completed\" and
		.cost.tokens.audio_out <= .turns[1].generated_ms / 50 and (.cost.tokens.audio_out > 0) == (\"$what\" == \"twice\")"
done
check "no answer at all is asked for once, then given up" went silent model_failed "$CALLER and (.turns | length) == 1"
check "an answer that gets stuck likewise" went stuck model_failed "$CALLER and (.turns | length) == 1"
check "a model that reads more slowly than the caller speaks is lost" went read-rate model_lost \
	'.audio.backlog_ms <= 5000'
check "one that stops reading is lost" went stop-reading model_lost '.turns == [] or .turns[0].who == "caller"'
check "one that gives no sign of life is lost" went no-pong model_lost 'all(.turns[]; .item_id == null)'

api /status >"$WORK/status.json"
check "every ending is counted" equal "$(field "$WORK/status.json" \
	'.calls.ended | "\(.caller_hung_up) \(.model_lost) \(.model_failed) \(.model_refused) \(.model_moderated) \(add)"')" "53 11 5 2 2 73"
# On a busy machine a model that is silent may have ceased to read before.
check "every error is counted" equal "$(field "$WORK/status.json" \
	'[.model.errors[] | .code |= if . == "stalled" then "silent" else . end] | group_by([.class, .code]) |
	map("\(.[0].class)/\(.[0].code)=\(map(.count) | add)") | sort | join(" ")')" \
	"connection/EILSEQ=2 connection/EMSGSIZE=1 connection/EPROTO=5 connection/silent=3 \
fatal/insufficient_quota=1 fatal/model_not_found=1 \
harmless/conversation_already_has_active_response=1 harmless/input_audio_buffer_commit_empty=1 \
harmless/invalid_request_error=1 harmless/invalid_value=1 harmless/response_cancel_not_active=1 harmless/unknown=2 \
harmless/unknown_parameter=1 moderated/content_filter=2 retry/inference_rate_limit_exceeded=1 retry/rate_limit_exceeded=4 retry/server_error=4"
check "every unknown event is counted" equal "$(field "$WORK/status.json" .model.unknown_events)" 2
check "all nonsense is counted" equal "$(field "$WORK/status.json" .model.invalid_events)" 28
check "what cannot be read is told once a call, with its type" \
	logged 10 ' warn CA.* cannot be read is ignored; type=[a-z]' "$WORK/server.log"
check "every answer that failed is counted" equal "$(field "$WORK/status.json" .model.failed_answers)" 11
check "every answer asked for again is counted" holds "$(field "$WORK/status.json" .model.retries) - 13 <= 1 &&
	$(field "$WORK/status.json" .model.retries) >= 13"
check "every answer without sound is counted" equal "$(field "$WORK/status.json" .model.silent_answers)" 7
check "its reason is told" until_true grep -q "an answer without sound; status=incomplete reason=max_output_tokens" "$WORK/server.log"
check "every end that was not told is counted" holds "$(field "$WORK/status.json" .model.untold_ends) >= 1"
check "audio that was not heard is counted" equal "$(field "$WORK/status.json" '.audio |
	.answer_dropped_ms > 0 and .late_delta_ms > 0 and .padded_ms == 0')" true
check "what may pass does not close the door" equal "$(api /ready -o /dev/null -w '%{http_code}')" 200
check "every line is free again" until_true eval \
	"api /status | jq -e '.calls.live + .calls.reserved + .calls.ending == 0'"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model
peer() {
	jq -r ".per_session[] | select(.session == \"$(field "$WORK/$1.call.json" .model_session_id)\") | $2" "$WORK/model.json"
}
check "it is told that its words were not heard" equal \
	"$(peer once-no-audio-text '.events["conversation.item.delete"]')" 1
check "its ping was answered" equal "$(peer garbage-ping .pongs)" 1
check "we pinged it when it was quiet" holds "$(peer no-pong .pings) >= 2"
# (A giant is not read to its end; whoever sends it may find nobody there any more.)
for what in ${DEADLY/giant:1009/}; do
	check "it is told why we left: ${what%:*}" equal "$(peer "garbage-${what%:*}" .end)" "client closed: ${what#*:}"
done
# Once for sure; the second time the call ends by it, and the word may be too late.
check "the stuck answer was cancelled by its name" holds "$(peer stuck '[.cancels[] | select(.active)] | length') >= 1"
check "the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
finish
