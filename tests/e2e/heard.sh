#!/usr/bin/env bash
# What the model is told was heard of an interrupted answer is what the phone
# played of it: on the phone's clock, not by what was sent or by the time since.
#
# The phones play late or echo no marks, so that whoever counts what was sent is
# off by the lead of 400 ms at least, and whoever looks at the clock by as much
# as the phone is late: 1500 and 4000 ms.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

NEAR_MS=250

cat >"$WORK/cut.script" <<SCRIPT
$(interruption)
silence 2500
hangup
SCRIPT
# Speaks up again when the answer has come, but nothing of it was played.
cat >"$WORK/unheard.script" <<SCRIPT
say caller-4.wav
at 5000
say caller-2.wav
wait-clear
wait-agent-done 1000
hangup
SCRIPT

cut() {
	dial "$1" --script "$WORK/cut.script" --expect cut_answers=1 --expect clears=1 --expect 'answers>=2' \
		--expect warnings=0 --expect end=caller --expect script_done=1 "${@:2}"
}

model model --key "$SECRET"
server server GREETING_MODE=wait
before=$(api /status | jq .turns.marks_unconfirmed)
cut prompt
cut late-300 --fault play-late=300
cut late-1500 --fault play-late=1500
cut twice --fault play-late=1500 --fault echo-twice
cut unknown --fault play-late=1500 --fault echo-unknown@8000
cut no-echo --fault no-echo
cut no-echo-late --fault no-echo --fault play-late=1500
dial unheard --script "$WORK/unheard.script" --fault play-late=4000 --expect cut_answers=0 --expect clears=1 \
	--expect 'answers>=1' --expect warnings=0 --expect end=caller --expect script_done=1
all_over
for name in prompt late-300 late-1500 twice unknown no-echo no-echo-late unheard; do
	check "$name: the call goes as it should" went "$name" caller_hung_up '[.turns[] | select(.interrupted)] | length == 1'
done
unconfirmed=$(($(api /status | jq .turns.marks_unconfirmed) - before))
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model

# What the model was told, once, in the session of call NAME.
told() {
	jq --arg session "$(field "$WORK/$1.call.json" .model_session_id)" \
		'.per_session[] | select(.session == $session).truncates | if length == 1 then .[0].audio_end_ms else -9999 end' \
		"$WORK/model.json"
}
played() { # of the answer that was cut, in whole ms
	jq '.calls[0].clears[0].played_ms | floor' "$WORK/$1.json"
}
# A phone that the machine holds up plays nothing meanwhile, which nobody can know
# who goes by its marks and the clock: off by so much is as near as can be.
near() {
	local told played late
	told=$(told "$1") played=$(played "$1") late=$(jq .audio.late_max_ms "$WORK/$1.call.json")
	late=$((late > 60 ? NEAR_MS + late : NEAR_MS))
	holds "$played >= 1500" &&
		holds "$told > $played - $late && $told < $played + $late"
}
record_agrees() {
	equal "$(jq '.turns[] | select(.interrupted).heard_ms' "$WORK/$1.call.json")" "$(told "$1")"
}
# The agent's side of the recording is what the phone played: nothing, from the
# clear until the caller has finished.
silent_after_clear() {
	local from to
	# (A phone that was held up is behind in its sound by as much.)
	from=$(jq --argjson late "$(jq '.audio.late_max_ms | if . > 60 then . else 0 end' "$WORK/$1.call.json")" \
		'(.calls[0].clears[0].at_ms + $late) / 1000 + 0.2' "$WORK/$1.json")
	to=$(jq '.calls[0].turns[1].voice_end_ms / 1000' "$WORK/$1.json")
	holds "$(jq -n "if $to > $from + 0.3 then 1 else 0 end")" &&
		equal "$(loudest "$1" "$from" "$to")" -inf || return 1
	# … and the same ears hear what was played before it.
	[ "$1" = unheard ] || holds "$(loudest "$1" 0 "$from" | awk '{ print ($1 > -30) }')"
}
loudest() { # NAME FROM TO: of the agent's side, in dB
	sox "$WORK/$1.wav" -n remix 2 trim "$2" "=$3" stats 2>&1 | awk '/Pk lev dB/ { print $4 }'
}

for name in prompt late-300 late-1500 twice unknown; do
	check "$name: the model is told what the phone played" near "$name"
	check "$name: so says the record" record_agrees "$name"
done
for name in no-echo no-echo-late; do
	check "$name: nothing is claimed that no mark proves" holds "$(told "$name") >= 0 && $(told "$name") <= 20"
	check "$name: so says the record" record_agrees "$name"
	check "$name: an answer whose marks never came back is over, unconfirmed" jq -e \
		'.turns[-1] | .who == "agent" and .heard_confirmed == false and .heard_ms == .generated_ms' \
		"$WORK/$name.call.json"
done
check "marks that never came back are counted" equal "$unconfirmed" 2
check "unheard: nothing is claimed of an answer that had not begun to play" holds \
	"$(told unheard) >= 0 && $(told unheard) <= 20"
for name in prompt late-1500 no-echo unheard; do
	check "$name: silence where the old answer would be" silent_after_clear "$name"
done
check "the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
check "no truncation was past the end" equal \
	"$(jq '[.per_session[].truncates[] | select(.refused != "" or .audio_end_ms > .produced_ms)] | length' "$WORK/model.json")" 0
finish
