#!/usr/bin/env bash
# The model's connection breaks off in the middle of speech, of an answer and
# after one, in every way it can; or the model itself says that it is over; and no other session
# is tried for (that is in reconnect.sh), or is to be had.
# One server, all at once, with a good call beside them that must not notice.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

SORRY="we have a technical problem"
cat >"$WORK/cut-off.script" <<SCRIPT
say caller-2.wav
wait-end 600000
SCRIPT
cat >"$WORK/speak-over.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 700
say caller-1.wav
wait-end 600000
SCRIPT
cat >"$WORK/good.script" <<SCRIPT
$(interruption)
hangup
SCRIPT

# broken NAME FAULT: the caller speaks, and hears an apology before he hangs up.
broken() {
	plan "$1" "$2" --script "$WORK/${3:-cut-off}.script" --expect end=server --expect say="$SORRY" \
		--expect close_code=1000
}

plan good "" --script "$WORK/good.script" --expect 'answers>=2' --expect cut_answers=1 --expect clears=1 \
	--expect warnings=0 --expect end=caller --expect script_done=1
HOWS="rst fin notify 1000 1001 1011 4000-whatever"
WHERES="updated speech answer done"
for how in $HOWS; do
	for where in $WHERES; do
		broken "$how-$where" "drop=$how:$where"
	done
done
broken over "drop=rst:6s" speak-over
for what in expired:session_expired refused:invalid_request_error.invalid_api_key; do
	broken "close-${what%:*}" "drop=1008-${what#*:}:done"
done
for what in session-expired invalid-api-key quota; do
	broken "error-$what" "error=$what:done"
done
broken expire expire=5

model model --key "$SECRET" "${ORDERS[@]}"
server server MAX_CALLS=60 GREETING_MODE=wait RECONNECT_TRIES=0
dial_planned
all_over

# Whatever was said and played before is in the record. The transcript of what
# the caller said comes after the beginning of the answer: lost with the model. What no
# model has heard is a turn without words, of no item. How much of an answer was played by then is the machine's matter.
NOTHING='all(.turns[]; .item_id == null)'
LOST='[.turns[] | .item_id, .transcript_failed] == [null, true]'
CALLER='(.turns[0] | .who == "caller") and ([.turns[] | select(.item_id)] | length) == 2'
AGENT='(.turns[1] | .who == "agent" and (.text | length) > 0 and .heard_ms <= .generated_ms'
declare -A KEPT=(
	[updated]=$NOTHING
	[speech]=$LOST
	[answer]="$CALLER and $AGENT and .generated_ms > 0)"
	[done]="$CALLER and (.turns[0].text | length) > 10 and $AGENT and .status == \"completed\" and .heard_ms > 0 and
		.generated_ms > 11000)"
)
check "a good call beside all this does not notice" went good caller_hung_up \
	'.audio.dropped_ms == 0 and .audio.padded_ms == 0 and .audio.answer_dropped_ms == 0 and
	([.turns[].who] | join(" ")) == "caller agent caller agent"'
for how in $HOWS; do
	for where in $WHERES; do
		check "$how at $where" went "$how-$where" model_lost "${KEPT[$where]}"
	done
done
check "lost while the caller interrupts: what was heard is known" went over model_lost \
	"$CALLER and $AGENT and .interrupted and .heard_ms >= 500 and .heard_ms < .generated_ms)"
check "a close that says the session is over" went close-expired model_expired "${KEPT[done]}"
check "a close that says the key is refused" went close-refused model_refused "${KEPT[done]}"
check "an error that says the session is over" went error-session-expired model_expired "${KEPT[done]}"
check "an error that refuses the key" went error-invalid-api-key model_refused "${KEPT[done]}"
check "an error that says there is no money" went error-quota model_refused "${KEPT[done]}"
check "the session's own time limit" went expire model_expired "$CALLER and $AGENT)"

api /status >"$WORK/status.json"
check "every ending is counted" equal "$(field "$WORK/status.json" \
	'.calls.ended | "\(.caller_hung_up) \(.model_lost) \(.model_expired) \(.model_refused) \(add)"')" "1 29 3 3 36"
# The close behind an error may be seen, or the call be over before; of a reset the one or the other call of the system
# may tell.
check "every error is counted" equal "$(field "$WORK/status.json" \
	'[.model.errors[] | select(.class != "connection" or .code != "session_expired") |
		if .code == "ECONNRESET" or .code == "EPIPE" or .code == "closed" then .code = "lost" else . end] |
	group_by("\(.class)/\(.code)") | map("\(.[0].class)/\(.[0].code)=\(map(.count) | add)") | sort | join(" ")')" \
	"connection/invalid_request_error.invalid_api_key=1 connection/lost=25 connection/whatever=4 \
fatal/insufficient_quota=1 fatal/invalid_api_key=1 renew/session_expired=2"
check "what may pass does not close the door" equal "$(api /ready -o /dev/null -w '%{http_code}')" 200
check "every line is free again" until_true eval \
	"api /status | jq -e '.calls.live + .calls.reserved + .calls.ending == 0'"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model
check "the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0

# The connection stays, and says nothing: no greeting, one that is only announced, one
# that breaks off. The caller's patience is short here.
model model-mute --key "$SECRET" --fault silent@2 --fault stuck@3 --fault halt@4 --fault stuck@6 --fault first-delta-delay=3000@8
server server-mute MAX_CALLS=2 RECONNECT_TRIES=0 SILENCE_MAX_MS=1000 SLOW_ANSWER_MAX_MS=1200
until_true connected 1
printf 'wait-end 600000\n' >"$WORK/wait.script"
for what in silent stuck halt; do
	phone mute-$what --script "$WORK/wait.script" --expect end=server --expect say="$SORRY" --expect close_code=1000
	echo $? >"$WORK/mute-$what.status"
done
check "no greeting comes: asked again, then the apology" went mute-silent model_failed "$NOTHING"
check "a greeting that is only announced: the same" went mute-stuck model_failed "$NOTHING"
check "a greeting that breaks off: the same, and what was heard is known" went mute-halt model_failed \
	'([.turns[].who] | join(" ")) == "agent agent" and (.turns | all(.generated_ms > 0 and .heard_ms <= .generated_ms))'
check "each was asked twice" equal "$(api /status | jq .model.retries)" 3
check "the server stops with status 0, mute as the model was" stop_server

# Who has waited for GIVE_UP_SECONDS is not asked to wait for a second answer; where that is less, for SLOW_ANSWER_MAX_MS.
server server-given-up MAX_CALLS=2 RECONNECT_TRIES=0 SILENCE_MAX_MS=1000 SLOW_ANSWER_MAX_MS=2500 GIVE_UP_SECONDS=2
until_true connected 1
phone given-up --script "$WORK/wait.script" --expect end=server --expect say="$SORRY" --expect close_code=1000
echo $? >"$WORK/given-up.status"
check "who has waited for long hears the apology" went given-up model_failed "$NOTHING"
check "the server stops with status 0, though a caller was given up" stop_server

# An answer that is slow has a filler, made beside it.
server server-slow MAX_CALLS=2 GREETING_MODE=wait SILENCE_MAX_MS=2000 SLOW_ANSWER_MAX_MS=60000
until_true connected 1
printf 'say caller-2.wav\nwait-agent-talking 6000\nhangup\n' >"$WORK/slow.script"
phone slow --script "$WORK/slow.script" --expect end=caller --expect warnings=0
echo $? >"$WORK/slow.status"
check "a slow answer has a filler before it" went slow caller_hung_up \
	'([.turns[].who] | join(" ")) == "caller agent agent" and (.turns[1] | .status == "completed" and
	.heard_ms == .generated_ms) and .turns[2].heard_ms > 0'
check "which is made beside it, and nothing is asked twice" equal \
	"$(api /status | jq -r '.model.retries, ([.model.errors[].count] | add)' | paste -sd ' ')" "0 null"
check "the server stops with status 0, slow as the model was" stop_server
check "the model stops with status 0, mute as it was" stop_model
check "nor did it get what it does not know" equal "$(field "$WORK/model-mute.json" .violation_count)" 0
check "and nobody who was given up had asked twice" equal \
	"$(field "$WORK/model-mute.json" '.per_session[] | select(.connection == 6).events["response.create"]')" 1

# A model that stays away: another session is tried for, in vain.
model model-away --key "$SECRET" --fault drop=rst:answer@2 --fault refuse=503@3-
server server-away MAX_CALLS=2 GREETING_MODE=wait RECONNECT_TRIES=3
until_true connected 1
phone away --script "$WORK/cut-off.script" --expect end=server --expect say="$SORRY" --expect close_code=1000
echo $? >"$WORK/away.status"
check "a model that stays away ends the call, with an apology" went away model_lost \
	"$CALLER and $AGENT and .generated_ms > 0) and (.sessions | length) == 1 and .sessions[0].ended == \"model_lost\""
check "it was tried for three times, and the loss is counted" equal "$(api /status | jq -r '.model.lost, .model.reconnected' |
	paste -sd ' ') $(grep -c "attempt . failed" "$WORK/server-away.log")" "1 0 3"
check "the server stops with status 0, alone as it was" stop_server
check "the model stops with status 0, away as it was" stop_model

model model-dial --key "$SECRET" --fault drop=rst:answer
server server-dial MAX_CALLS=2 RECONNECT_TRIES=0 OUTBOUND_ALLOW=+1 OVERFLOW_NUMBER=+12025550199
check "a number to fall back on is dialled instead" phone dial --script "$WORK/cut-off.script" \
	--expect end=server --expect dial=+12025550199 --expect say=
check "the server stops with status 0 again" stop_server
check "the model stops with status 0 again" stop_model
finish
