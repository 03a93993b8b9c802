#!/usr/bin/env bash
# Everything that can be wrong with a media stream, all at once on one server,
# with a good call beside it that must not notice.
#
# Every call says one sentence and is answered; the fault comes before, within
# or after. Whatever the end, that sentence and what was heard of the answer are
# in the call's record.
. "$(dirname "$0")/lib.sh"

SORRY="we have a technical problem"
cat >"$WORK/talk.script" <<SCRIPT
say caller-4.wav
wait-agent-talking 2500
hangup
SCRIPT
cat >"$WORK/cut-off.script" <<SCRIPT
say caller-4.wav
wait-end 600000
SCRIPT
cat >"$WORK/keys.script" <<SCRIPT
say caller-4.wav
wait-agent-talking 1500
dtmf 12# 100
wait-clear
wait-agent-done 1000
dtmf 345 100
wait-agent-talking 500
hangup
SCRIPT
cat >"$WORK/good.script" <<SCRIPT
$(interruption)
say caller-3.wav
wait-agent-done 1000
hangup
SCRIPT

# survives NAME FAULT...: the call goes on and is hung up by the caller.
survives() {
	dial "$1" --script "$WORK/talk.script" "${@:2}" --expect end=caller --expect script_done=1 \
		--expect 'answers>=1'
}

# broken NAME FAULT...: the server ends the stream, and says so to the caller.
broken() {
	dial "$1" --script "$WORK/cut-off.script" "${@:2}" --expect end=server --expect say="$SORRY"
}

model model --key "$SECRET" --fault long-answer=60@2
server server MAX_CALLS=80 STREAM_GRACE_MS=0 GREETING_MODE=wait STREAM_SILENT_SECONDS=3 OPENAI_MODEL=gpt-realtime

# The model's first connection is the server's own, at start; the second has the
# long answer that fills the socket of a phone that never reads.
until_true eval "api /status | jq -e '.model.last_connect_ms != null'"
dial never-read --script "$WORK/cut-off.script" --fault never-read --expect end=lost --expect say="$SORRY"
until_true eval "api /calls | jq -e '.calls[0].state == \"live\"'"
sleep 0.5

dial good --script "$WORK/good.script" --expect 'answers>=3' --expect cut_answers=1 --expect clears=1 \
	--expect warnings=0 --expect end=caller --expect script_done=1 --expect turns_answered=3
before=$(api /status)

survives media-first --fault media-first=25
broken no-start --script "$WORK/cut-off.script" --fault no-start
survives start-twice --fault start-twice
survives unknown-stream --fault unknown-stream
survives malformed --fault malformed
survives deep --fault deep=60000
broken too-deep --fault deep=100000@7000
survives wrong-types --fault wrong-types
survives nul-bytes --fault nul-bytes
survives bad-base64 --fault bad-base64
survives binary --fault binary
broken bad-utf8 --fault bad-utf8@7000 --expect close_code=1007
broken unmasked --fault unmasked@7000 --expect close_code=1002
broken reserved-bits --fault reserved-bits@7000 --expect close_code=1002
broken bad-opcode --fault bad-opcode@7000 --expect close_code=1002
broken long-ping --fault long-ping@7000 --expect close_code=1002
broken huge --fault huge@7000 --expect close_code=1009
broken giant --fault giant@7000 --expect close_code=1009
survives fragmented --fault fragmented --expect warnings=0 --expect 'pongs>=100'
survives split --fault split --expect warnings=0
broken half-frame --fault half-frame@7000 --expect close_code=1000
broken withhold --fault withhold@7000 --expect close_code=1000
survives after-stop --fault after-stop
survives doubled --fault doubled
survives gap --fault gap=1000@1000
survives late --fault late=400@1000
survives too-late --fault late=1500@1000
# No callback that the call is over: it would race the news of the cut.
dial cut-rst --no-status --script "$WORK/cut-off.script" --fault cut=rst@7000 --expect end=cut
dial cut-fin --no-status --script "$WORK/cut-off.script" --fault cut=fin@7000 --expect end=cut
survives no-close --fault no-close
dial slow-read --script "$WORK/talk.script" --fault slow-read=6000 --expect end=caller --expect script_done=1
survives echo-twice --fault echo-twice
survives echo-unknown --fault echo-unknown
survives bad-dtmf --fault bad-dtmf
survives status-stopped --fault status-stopped
dial status-completed --script "$WORK/cut-off.script" --fault status-completed@7000 --expect end=server
dial keys --script "$WORK/keys.script" --expect clears=1 --expect cut_answers=1 --expect turns_answered=3 \
	--expect warnings=0 --expect script_done=1
all_over

# What was said before is not lost, whatever came then.
KEPT='(.turns[0] | .who == "caller" and (.text | length) > 10) and
	(.turns[1] | .who == "agent" and (.text | length) > 10 and .heard_ms > 0 and .heard_ms <= .generated_ms)'
# … and frames that make no sense are counted, each once.
bad() {
	echo "$KEPT and .invalid_messages == $1"
}

check "a good call beside all this does not notice" went good caller_hung_up \
	'.invalid_messages == 0 and .audio.dropped_ms == 0 and .audio.padded_ms == 0 and .audio.answer_dropped_ms == 0 and
	([.turns[].who] | join(" ")) == "caller agent caller agent caller agent"'
check "media before start is not ours" went media-first caller_hung_up "$(bad 25)"
check "without a start the stream is silent" went no-start stream_silent '.invalid_messages > 0 and .turns == []'
check "a second start changes nothing" went start-twice caller_hung_up "$(bad 1)"
check "messages of another stream change nothing, not even its stop" went unknown-stream caller_hung_up "$(bad 4)"
check "what is no JSON is ignored" went malformed caller_hung_up "$(bad 8)"
check "JSON as deep as fits is ignored" went deep caller_hung_up "$(bad 1)"
check "a message over the limit ends the stream" went too-deep stream_invalid "$KEPT"
check "wrong types are ignored" went wrong-types caller_hung_up "$(bad 9)"
check "NUL bytes are ignored" went nul-bytes caller_hung_up "$KEPT and .invalid_messages >= 1"
check "what is no base64 is ignored" went bad-base64 caller_hung_up "$(bad 5)"
check "a binary message is ignored" went binary caller_hung_up "$(bad 1)"
check "text that is no UTF-8 ends the stream with 1007" went bad-utf8 stream_invalid "$KEPT"
check "an unmasked frame ends it with 1002" went unmasked stream_invalid "$KEPT"
check "a reserved bit ends it with 1002" went reserved-bits stream_invalid "$KEPT"
check "an unknown opcode ends it with 1002" went bad-opcode stream_invalid "$KEPT"
check "a ping over 125 bytes ends it with 1002" went long-ping stream_invalid "$KEPT"
check "a huge message ends it with 1009" went huge stream_invalid "$KEPT"
check "a giant frame ends it with 1009, unread" went giant stream_invalid "$KEPT"
check "fragments with pings between are legal" went fragmented caller_hung_up "$(bad 0)"
check "a stream may come byte by byte" went split caller_hung_up "$(bad 0)"
check "half a frame and nothing is silence" went half-frame stream_silent "$KEPT"
check "frames withheld are silence" went withhold stream_silent "$KEPT"
check "what comes after stop does not matter" went after-stop caller_hung_up "$(bad 0)"
check "frames may come twice" went doubled caller_hung_up '.invalid_messages == 0 and .audio.dropped_ms == 0 and
	.turns[0].who == "caller"'
check "a gap is filled with silence" went gap caller_hung_up "$(bad 0) and .audio.padded_ms >= 960"
check "a burst that comes late is heard, and seen" went late caller_hung_up \
	"$(bad 0) and .audio.dropped_ms == 0 and .audio.late_max_ms >= 200"
# The model's turn ends in the silence put in for it; what comes is said after that.
check "one that comes so late that silence was put in is heard after it" went too-late caller_hung_up \
	'.invalid_messages == 0 and .audio.dropped_ms == 0 and .audio.padded_ms == 1000 and
	(.turns[0] | .who == "caller" and (.text | length) > 10)'
check "a reset is a lost stream" went cut-rst stream_lost "$KEPT"
check "an end without stop and close is a lost stream" went cut-fin stream_lost "$KEPT"
check "a socket left open after stop holds nothing up" went no-close caller_hung_up "$(bad 0)"
check "a phone that never reads is given up" went never-read stream_stalled "$(bad 0)"
check "a phone that reads slowly is not" went slow-read caller_hung_up '.invalid_messages == 0'
check "marks echoed twice prove nothing new" went echo-twice caller_hung_up "$(bad 0)"
check "echoes of unknown marks prove nothing" went echo-unknown caller_hung_up "$(bad 0)"
# A digit as a number is one.
check "bad keys are ignored" went bad-dtmf caller_hung_up '.invalid_messages == 4 and .keys == 1 and
	([.turns[] | select(.who == "keys").text] | join(" ")) == "5" and ([.turns[].who] | index("caller") != null)'
check "news that the stream has stopped does not stop it" went status-stopped caller_hung_up "$(bad 0)"
check "news that the call is completed ends it" went status-completed caller_hung_up "$KEPT"
# One "clear" was sent, as the phone counts. A key that comes before an answer's end is known interrupts it, too.
check "a key interrupts; keys are grouped and answered" went keys caller_hung_up "$(bad 0)"' and .keys == 6 and
	.interruptions >= 1 and ([.turns[] | select(.who == "keys").text] | join(" ")) == "12 345"'

after=$(api /status)
moved() {
	echo $(($(jq "$1" <<<"$after") - $(jq "$1" <<<"$before")))
}
for ending in stream_invalid:8 stream_silent:3 stream_lost:2 stream_stalled:1 internal_error:0; do
	check "the counter of ${ending%:*}" equal "$(moved ".calls.ended.${ending%:*}")" "${ending#*:}"
done
check "nonsense is counted" holds "$(moved .twilio.invalid_messages) >= 60"
check "messages of tomorrow are counted" holds "$(moved .twilio.unknown_messages) >= 1"
check "late frames are counted" holds "$(moved .audio.late_frames) >= 20"
check "groups of keys are counted" equal "$(moved .turns.digits)" 3
check "every line is free again" until_true eval \
	"api /status | jq -e '.calls.live + .calls.reserved + .calls.ending == 0'"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model
check "the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
# But for one thing: keys and speech at the same moment may both ask for an answer.
check "the model had little to complain of" holds "$(field "$WORK/model.json" .errors_sent) <= 2"
check "the model read the keys" equal \
	"$(grep -c 'keypad: 1 2$' <<<"$(jq -r '.per_session[].items | .. | strings' "$WORK/model.json")")" 1
finish
