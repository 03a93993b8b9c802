#!/usr/bin/env bash
# The life of a call beside its talk: limits, the operator's hand, keys, the
# greeting and its protection, last words.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

script() { # NAME LINES…
	printf '%s\n' "${@:2}" >"$WORK/$1.script"
}
script life-wait "wait-end 600000"
script life-greet "wait-agent-done 1000" "hangup"
script life-keys "wait-agent-talking 400" "dtmf 42#" "wait-clear" "wait-agent-done 1000" "dtmf 7" "wait-agent-done 300" "hangup"
script life-over "wait-agent-talking 300" "say caller-2.wav" "silence 20000" "hangup"
script life-ask "wait-agent-done 1000" "say caller-1.wav" "wait-agent-done 300" "hangup"
script life-last "wait-agent-done 1000" "say caller-3.wav" "silence 700" "hangup"

# sid NAME: the CallSid of a phone's only call.
sid() {
	field "$WORK/$1.json" '.. | .call_sid? // empty' | head -1
}
ended() { # SID: its record, once it is complete
	until_true eval "api /calls/$1 | jq -e '.state == \"ended\"'"
	api "/calls/$1"
}
reason() {
	ended "$1" | jq -r .ending.reason
}
live() {
	api /status | jq -e ".calls.live == $1"
}

limits() {
	server limits MAX_CALLS=2 MAX_CALL_SECONDS=40
	phone limits-1 --script "$OUTER/life-wait.script" --expect end=server --expect say= &
	local first=$!
	phone limits-2 --script "$OUTER/life-wait.script" --expect end=server --expect say= &
	local second=$!
	check "limits: two calls are up" until_true live 2
	check "limits: /ready says full" equal "$(api /ready | jq -r .status)" full
	check "limits: the third hears a sentence at once" phone limits-3 --script "$OUTER/life-wait.script" \
		--expect end=no-stream --expect 'say=all our lines are busy' --expect streams=0
	check "limits: and is counted" equal "$(api /status | jq .calls.refused_full)" 1
	check "limits: an unknown call cannot be ended" equal "$(api /calls/CAnone -X DELETE -o /dev/null -w '%{http_code}')" 404
	local one
	one=$(api /calls | jq -r '.calls[0].call_sid')
	check "operator: a call can be ended" equal "$(api "/calls/$one" -X DELETE -o /dev/null -w '%{http_code}' | cut -c1)" 2
	check "operator: and the ending says who did" equal "$(reason "$one")" operator_ended
	check "operator: it is off the line" until_true eval "api /status | jq -e '.calls.live <= 1'"
	wait "$first"
	check "limits: no more than the agent says is heard at the end of the first" equal $? 0
	wait "$second"
	check "limits: nor of the second" equal $? 0
	check "limits: the other ends by time, and is told so" equal \
		"$(api /calls | jq -r '[.calls[].ending.reason] | sort | join(" ")')" "operator_ended time_limit"
	one=$(api /calls | jq -r '.calls[] | select(.ending.reason == "time_limit") | .call_sid')
	check "limits: and hears a goodbye of the agent's own" equal "$(ended "$one" |
		jq '[.turns[] | .who == "agent" and .status == "completed" and .heard_ms == .generated_ms] | length == 2 and all')" true
	check "limits: every ending is counted" equal "$(api /status | jq -c '[.calls.ended.time_limit, .calls.ended.operator_ended, .calls.total]')" "[1,1,2]"
	check "limits: stops with status 0" stop_server

	server short MAX_CALL_SECONDS=1 GREETING_MODE=wait
	check "limits: a goodbye that is not heard in time is said for the agent" phone short \
		--script "$OUTER/life-wait.script" --expect end=server --expect 'say=Goodbye'
	check "limits: that, too, is the time limit" equal "$(reason "$(sid short)")" time_limit
	check "limits: short: stops with status 0" stop_server
}

# allowed N: the next server has so many open files, and no right to more of them.
allowed() {
	FIXED=(prlimit "--nofile=$1:$1" "${PLAIN[@]}")
	[ "$(id -u)" != 0 ] || FIXED=(setpriv --bounding-set -sys_resource "${FIXED[@]}")
}
files() {
	local PLAIN=("${FIXED[@]}") fit i status=0
	local few=(MAX_WATCHERS=1 TOOL_THREADS=1 JOB_THREADS=1 WEBHOOK_THREADS=1 DATA_DIR="$WORK/files" RECORD=local)
	allowed 320
	server files MAX_CALLS=40 "${few[@]}"
	fit=$(sed -nE 's/.* warn setup MAX_CALLS is lowered from 40 to ([0-9]+): open files are limited to 320, .*/\1/p' "$WORK/files.log")
	check "files: too few open files for MAX_CALLS lower it, told in one line" holds "${fit:-0} >= 2 && ${fit:-0} <= 9"
	check "files: /status has what is left" equal "$(api /status | jq .calls.limit)" "$fit"
	check "files: and so has the line of the start" until_true grep -q "listening; .* max_calls=$fit " "$WORK/files.log"
	for ((i = 1; i <= fit; i++)); do
		dial "files-$i" --script "$OUTER/life-wait.script" --expect end=server
	done
	check "files: so many calls are up, recorded" until_true eval "live $fit && api /status | jq -e '.recording.active == $fit'"
	check "files: the next one hears that all lines are busy" phone files-more --script "$OUTER/life-wait.script" \
		--expect end=no-stream --expect 'say=all our lines are busy'
	echo "files: $(ls "/proc/$SERVER/fd" | wc -l) of 320 are open with $fit calls"
	check "files: nothing went without one" equal "$(grep -c "Too many open files" "$WORK/files.log")" 0
	check "files: stops with status 0" stop_server
	all_over

	allowed 100
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" TSAN_OPTIONS="$TSAN_OPTIONS" PORT=0 PUBLIC_URL="$PUBLIC" \
		TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" "${few[@]}" "${FIXED[@]}" "$SERVER_BIN" >"$WORK/few.log" 2>&1 || status=$?
	check "files: where not one call fits the start is refused" equal "$status" 1
	check "files: with a sentence, and nothing else" equal \
		"$(grep -c . "$WORK/few.log") $(grep -c " error setup open files are limited to 100, and one call needs up to " "$WORK/few.log")" "1 1"
	FIXED=("${PLAIN[@]}")
}

overflow() {
	server overflow MAX_CALLS=1 OUTBOUND_ALLOW=+1 OVERFLOW_NUMBER=+12025550177 IDLE_SECONDS=25 GREETING_MODE=wait
	phone overflow-1 --script "$OUTER/life-wait.script" --expect end=server --expect 'say=We cannot hear anybody' &
	local first=$! idle
	check "overflow: one call is up" until_true live 1
	check "overflow: the next one is dialled through" phone overflow-2 --script "$OUTER/life-wait.script" --expect dial=+12025550177 --expect end=no-stream
	wait "$first"
	idle=$?
	check "idle: nobody spoke" equal "$(reason "$(sid overflow-1)")" idle
	check "idle: the caller hears a goodbye, nobody is dialled" equal \
		"$idle $(grep -c 'dial ' "$WORK/overflow-1.out")" "0 0"
	check "idle: without a greeting no answer was asked for" equal "$(ended "$(sid overflow-1)" | jq '.turns | length')" 0
	check "overflow: stops with status 0" stop_server
}

keys() {
	server keys UPLINK_BATCH_MS=40 IDLE_SECONDS=3600
	check "keys: both groups are answered, the first cut the greeting" phone keys --script "$OUTER/life-keys.script" \
		--expect 'answers>=3' --expect 'clears>=1' --expect warnings=0 --expect script_done=1
	ended "$(sid keys)" >"$WORK/keys-record.json"
	check "keys: they are on the record" equal "$(field "$WORK/keys-record.json" '[.turns[] | select(.who == "keys") | .text] | join(" ")')" "42 7"
	check "keys: two were frames for one wake-up" holds "$(api /status | jq .audio.valve_openings) == 1"
	check "keys: no frame was lost to that" equal "$(field "$WORK/keys-record.json" .audio.dropped_ms)" 0
	check "keys: stops with status 0" stop_server
}

greetings() {
	server exact GREETING_MODE=exact GREETING="Good day, this is a test." IDLE_SECONDS=60
	check "greeting: exact words are asked for" phone exact --script "$OUTER/life-greet.script" --expect 'answers>=1' --expect warnings=0
	check "greeting: stops with status 0" stop_server
}

protected() {
	server protect GREETING_PROTECT_MS=20000
	check "protect: speech over the greeting does not stop it, and is answered after" phone protect \
		--script "$OUTER/life-over.script" --expect clears=0 --expect 'heard_ms>=14000' --expect warnings=0 --expect script_done=1
	ended "$(sid protect)" >"$WORK/protect-record.json"
	check "protect: all of the greeting was heard" equal \
		"$(field "$WORK/protect-record.json" '[.turns[] | select(.who == "agent")][0] | .heard_ms == .generated_ms and (.interrupted | not)')" true
	check "protect: stops with status 0" stop_server
}

meek() {
	server meek INTERRUPTIBLE=off
	check "interruptible off: speech over an answer does not stop it, and is answered after" phone meek \
		--script "$OUTER/life-over.script" --expect clears=0 --expect 'heard_ms>=14000' --expect warnings=0 --expect script_done=1
	check "interruptible off: stops with status 0" stop_server
}

last_words() {
	server last
	check "last words: the caller hangs up right after speaking" phone last --script "$OUTER/life-last.script" --expect end=caller
	check "last words: they are on the record" equal \
		"$(ended "$(sid last)" | jq -r '[.turns[] | select(.who == "caller") | .text | length > 0] | join(" ")')" true
	check "last words: stops with status 0" stop_server
}

again() {
	server again TWILIO_VALIDATE=off MAX_CALLS=3
	form="CallSid=CA00000000000000000000000000000042&From=%2B12025550123&To=%2B12025550100"
	api /twilio/voice -d "$form" >"$WORK/again-1.xml"
	api /twilio/voice -d "$form" >"$WORK/again-2.xml"
	check "webhook: a repeated request gets the same answer" cmp "$WORK/again-1.xml" "$WORK/again-2.xml"
	check "webhook: and takes one line" equal "$(api /status | jq .calls.reserved)" 1
	api /twilio/call-status -d "CallSid=CA00000000000000000000000000000042&CallStatus=completed" >/dev/null
	check "call-status: a call that is over gives its line back" until_true eval "api /status | jq -e '.calls.reserved == 0'"
	check "connect-action: of a call unknown here, an apology" grep -q "<Say " <(api /twilio/connect-action -d CallSid=CA00000000000000000000000000000043)
	check "health: --health finds it alive" env PORT="$PORT" "$SERVER_BIN" --health
	check "webhook: stops with status 0" stop_server
	check "health: --health finds it gone" eval "! env PORT=$PORT $SERVER_BIN --health"
}

drain() {
	server drain DRAIN_SECONDS=20
	phone drain-1 --script "$OUTER/life-wait.script" --expect end=server --expect 'action=200' \
		--expect 'say=have to interrupt our service' &
	local first=$!
	check "drain: a call is up" until_true live 1
	kill -TERM "$SERVER"
	check "drain: /ready says so" until_true eval "api /ready | jq -e '.status == \"draining\"'"
	check "drain: a new call hears a sentence, status 200" phone drain-2 --script "$OUTER/life-wait.script" --expect status=200 --expect end=no-stream --expect 'say=have to interrupt our service'
	wait "$first"
	check "drain: the live call was ended politely, after connect-action" equal $? 0
	check "drain: exits with 0" stopped "$SERVER"
	check "drain: the log says how the call ended" until_true grep -q "call ended: server is shutting down" "$WORK/drain.log"

	server twice DRAIN_SECONDS=100
	phone twice-1 --script "$OUTER/life-wait.script" &
	first=$!
	check "drain: another call is up" until_true live 1
	kill -TERM "$SERVER"
	check "drain: it waits" until_true eval "api /ready | jq -e '.status == \"draining\"'"
	kill -TERM "$SERVER"
	check "drain: a second signal ends it at once, with 0" stopped "$SERVER"
	wait "$first"
}

# Its log goes to a pipe that is full once the server listens, and that nobody reads.
unread() {
	local pipe="$WORK/unread.pipe" held
	mkfifo "$pipe"
	exec {held}<>"$pipe"
	FIXED=(bash -c 'exec "$@" 2>"$0"' "$pipe" "${FIXED[@]}")
	sed '/ listening; /q' <"$pipe" >>"$WORK/unread.log" &
	server unread
	dd if=/dev/zero of="$pipe" bs=4096 count=1000 oflag=nonblock 2>/dev/null
	check "unread: the pipe takes no more" eval "! dd if=/dev/zero of=$pipe bs=4096 count=1 oflag=nonblock 2>/dev/null"
	check "unread: a call goes on as any" phone unread --script "$OUTER/life-greet.script" \
		--expect 'answers>=1' --expect warnings=0 --expect script_done=1
	check "unread: stops with status 0" stop_server
	exec {held}<&-
}

# What the README has watch it from outside, with a Docker that only kills.
halted() {
	server halted
	mkdir -p "$WORK/bin"
	printf '#!/bin/sh\necho "$*" >>%q\nkill -9 %s\n' "$PWD/$WORK/docker.args" "$SERVER" >"$WORK/bin/docker"
	chmod +x "$WORK/bin/docker"
	sed -n '/^\*\*Stopped for good/,/^```$/p' README.md |
		sed "1,/^\`\`\`sh\$/d; /^\`\`\`\$/d; s/sleep 15/sleep 0.2/; s/:8080/:$PORT/" >"$WORK/watch.sh"
	PATH=$PWD/$WORK/bin:$PATH sh "$WORK/watch.sh" 2>/dev/null &
	local watch=$!
	check "halted: it is asked again and again" until_true eval "api /status | jq -e '.http.requests >= 8'"
	check "halted: and left alone while it answers" [ ! -e "$WORK/docker.args" ]
	kill -STOP "$SERVER"
	check "halted: stopped for good, it is ended from outside" until_true [ -s "$WORK/docker.args" ]
	check "halted: to be started anew" equal "$(head -1 "$WORK/docker.args")" "restart -t 1 trunkline"
	kill "$watch"
	wait "$watch" "$SERVER"
	true
}

model model --key "$SECRET" --transcript-ms 1000
# Each group has its own server; they share the model.
for group in protected meek limits files overflow keys greetings last_words again drain halted unread; do
	together $group $group
done
all_together
check "the model stops with status 0" stop_model
check "every message was one the model knows" equal "$(field "$WORK/model.json" .violation_count)" 0
finish
