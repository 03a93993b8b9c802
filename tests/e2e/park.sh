#!/usr/bin/env bash
# The stream is lost under a call, and the next one carries on with it: cut while the agent listens, answers, waits for a
# tool or says goodbye; three times, once too often, too late; while the server drains, and ended by the operator
# meanwhile. What the caller hears of that: no second greeting, and the rest of what was cut off.
# in: test-more
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

first() { # WORD-LIST
	echo "${1%% *}"
}
last() {
	echo "${1##* }"
}
third() {
	echo "$1" | cut -d' ' -f3
}
ask_and_hear() { # N
	echo "silence 300"
	echo "words \"${ASKED[$1]}\""
	echo "wait-spoken \"$(last "${TOLD[$1]}")\" $WAIT_MS"
}
greeted() {
	echo "wait-spoken \"$(last "$GREETING")\" $WAIT_MS"
	echo "wait-agent-done 100 $WAIT_MS"
}

# carried SETTINGS… -- PHONE-ARGS…: a call by $WORK/caller.script, to its end; $MEANWHILE happens beside it.
carried() {
	local settings=() caller sid
	while [ $# != 0 ] && [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	model model --key "$SECRET" --script "$OUTER/goodbye.script"
	sink sink --answers "$OUTER"
	agent stream
	server server AGENTS_DIR="$WORK/agents-stream" SIGNING_SECRET="$SECRET" DATA_DIR="$WORK/data" RECORD=local STREAM_GRACE_MS=10000 "${settings[@]}"
	phone phone --live --script "$WORK/caller.script" "$@" >"$WORK/phone.said" &
	caller=$!
	[ -z "${MEANWHILE:-}" ] || check "$NAME: meanwhile" "$MEANWHILE"
	check "$NAME: the call goes as it should" eval "wait $caller || { cat $WORK/phone.said; false; }"
	sid=$(field "$WORK/phone.json" '.calls[0].call_sid')
	if [ "${MEANWHILE:-}" != term_while_parked ]; then
		until_true call_ended "$sid"
		api "/calls/$sid" >"$WORK/call.json"
		api /status >"$WORK/status.json"
	fi
	check "$NAME: the server stops" stop_server
	check "$NAME: the model stops" stop_model
}
heard() { # the words that were played, as they came
	field "$WORK/phone.json" '.calls[0].heard.words'
}
counted() { # how often a word was heard; one that was torn is heard twice in a row
	heard | tr ' ' '\n' | uniq | grep -cx "$1"
}
is_one_call() { # STREAMS ENDING
	check "$NAME: in one conversation, with one session" jq -e '(.sessions | length) == 1' "$WORK/call.json"
	check "$NAME: ended as $2" equal "$(field "$WORK/call.json" .ending.reason)" "$2"
	check "$NAME: the losses are counted, and the ways back" equal \
		"$(jq -c '[.calls.parked, .calls.unparked, .ladder.reconnects]' "$WORK/status.json")" "[$1,$1,$1]"
	check "$NAME: one greeting" equal "$(counted "$(first "$GREETING")")" 1
	check "$NAME: one recording, of the whole call" jq -e \
		'.recording.state == "completed" and .recording.seconds > .seconds - 3' "$WORK/call.json"
}

listening() {
	{ greeted; echo "silence 500"; echo "cut 300"; ask_and_hear 0; ask_and_hear 3; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	carried -- --expect streams=2
	is_one_call 1 agent_ended
}
answering() {
	{ greeted; echo "silence 300"; echo "words \"${ASKED[0]}\""; echo "wait-spoken \"$(third "${TOLD[0]}")\" $WAIT_MS"
		echo "cut 300"; echo "wait-spoken \"$(last "${TOLD[0]}")\" $WAIT_MS"; ask_and_hear 3; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	carried -- --expect streams=2
	is_one_call 1 agent_ended
	check "$NAME: nothing is said anew" equal "$(counted "$(first "${TOLD[0]}")")" 1
	check "$NAME: and the rest is" equal "$(counted "$(last "${TOLD[0]}")")" 1
}
tool() {
	{ greeted; echo "silence 300"; echo "words \"${ASKED[1]}\""; echo "silence 900"; echo "cut 500"
		echo "wait-spoken \"$(last "${TOLD[1]}")\" $WAIT_MS"; ask_and_hear 3; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	QUERY=slow=1500 carried -- --expect streams=2
	is_one_call 1 agent_ended
	check "$NAME: the tool ran once" jq -e '[.tools[] | select(.name == "look")] | length == 1 and .[0].ok' "$WORK/call.json"
}
farewell() {
	{ greeted; echo "silence 300"; echo "words \"${ASKED[3]}\""; echo "wait-spoken \"$(${PART:-third} "${TOLD[3]}")\" $WAIT_MS"
		echo "cut 300"; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	carried --
	check "$NAME: it is over as it was meant to be" equal "$(field "$WORK/call.json" .ending.reason)" agent_ended
}
last_word() {
	PART=last farewell
}
thrice() {
	{ greeted; echo "cut 100"; echo "silence 600"; echo "cut 100"; ask_and_hear 0; echo "cut 100"; ask_and_hear 3
		echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	carried -- --expect streams=4
	is_one_call 3 agent_ended
}
too_often() {
	{ greeted; for _ in 1 2 3 4; do echo "silence 600"; echo "cut 100"; done; ask_and_hear 0; } >"$WORK/caller.script"
	carried -- --expect streams=5
	check "$NAME: then by another line" until_true grep -q 'ladder: reconnect; why=stream' "$WORK/server.log"
	check "$NAME: which was told the past" equal "$(counted "$(first "$GREETING")")" 1
}
too_late() {
	{ greeted; echo "silence 300"; echo "cut 3000"; ask_and_hear 0; } >"$WORK/caller.script"
	carried STREAM_GRACE_MS=500 -- --expect streams=2
	check "$NAME: it went on by another line" until_true grep -q 'ladder: reconnect; why=stream' "$WORK/server.log"
	check "$NAME: which was told the past" equal "$(counted "$(first "$GREETING")")" 1
}
drained() {
	{ greeted; echo "silence 300"; echo "cut 2000"; ask_and_hear 0; } >"$WORK/caller.script"
	term_while_parked() { until_true grep -q 'parked: ' "$WORK/server.log" && kill -TERM "$SERVER"; }
	MEANWHILE=term_while_parked carried DRAIN_SECONDS=60 -- --expect streams=2
	check "$NAME: it was a call that hung up" until_true grep -q 'call ended: caller hung up' "$WORK/server.log"
}
ended() {
	{ greeted; echo "silence 300"; echo "cut 9000"; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	end_while_parked() {
		local sid
		until_true eval 'api /status | jq -e ".calls.parked == 1"' || return
		sid=$(api /calls | jq -r '.calls[] | select(.state == "parked") | .call_sid')
		[ -n "$sid" ] && api "/calls/$sid" -X DELETE >/dev/null && until_true call_ended "$sid"
	}
	MEANWHILE=end_while_parked carried -- --expect streams=1
	check "$NAME: it is over" equal "$(field "$WORK/call.json" .ending.reason)" operator_ended
}
hung_up() {
	{ greeted; echo "silence 300"; echo "cut 9000"; echo "wait-end $WAIT_MS"; } >"$WORK/caller.script"
	hang_up_while_parked() {
		local sid
		until_true eval 'api /status | jq -e ".calls.parked == 1"' || return
		sid=$(api /calls | jq -r '.calls[] | select(.state == "parked") | .call_sid')
		[ -n "$sid" ] && hook /twilio/connect-action CallSid="$sid" CallStatus=completed >/dev/null && until_true call_ended "$sid"
	}
	MEANWHILE=hang_up_while_parked carried -- --expect streams=1
	check "$NAME: it is no fault" equal "$(field "$WORK/call.json" .ending.reason)" caller_hung_up
}

ready
for each in listening answering tool farewell last_word thrice too_often too_late drained ended hung_up; do
	[ -n "${ONLY:-}" ] && [[ " $ONLY " != *" $each "* ]] || apart "${each//_/-}" "$each"
done
all_apart
