#!/usr/bin/env bash
# flavors: tsan asan
# Keys that a call on a stream presses: Twilio's REST API is told to play them and to open the next stream, with which
# the same session goes on. The model's tool and the operator's order; refused, unanswered, done without an answer; a caller
# who hangs up meanwhile, and a stream that never comes back.
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

PRESSED=("$(words 240 243)" "$(words 250 253)" "$(words 260 263)")
SAID=("$(words 340 342)" "$(words 350 352)" "$(words 360 362)")
THEN=("$(words 440 442)" "$(words 450 452)" "$(words 460 462)")
LONG=$(words 500 539) # so that there is time for what an operator does meanwhile
turn() { # N DIGITS
	echo "{\"hear\": \"${PRESSED[$1]}\", \"say\": \"${SAID[$1]}\", \"calls\": [{\"name\": \"send_digits\", \"arguments\": {\"digits\": \"$2\"}}],
		\"then\": {\"say\": \"${THEN[$1]}\"}}"
}
cat >"$WORK/keys.script" <<JSON
{ "greeting": {"say": "$GREETING"}, "typed": {"say": "$(words 700 703)"}, "otherwise": {"say": "$(words 710 713)"},
  "turns": [ $(turn 0 "1w2#"), $(turn 1 "12345"), $(turn 2 "6"),
    {"hear": "${ASKED[2]}", "say": "$LONG"}, {"hear": "${ASKED[3]}", "say": "${TOLD[3]}", "calls": [{"name": "end_call"}]} ] }
JSON

greeted() {
	echo "wait-spoken \"${GREETING##* }\" $WAIT_MS"
	echo "wait-agent-done 100 $WAIT_MS"
}
presses() { # N: until the model has said what it says after that
	echo "silence 300"
	echo "words \"${PRESSED[$1]}\""
	echo "wait-spoken \"${THEN[$1]##* }\" $WAIT_MS"
	echo "wait-agent-done 100 $WAIT_MS"
}
says_goodbye() {
	echo "silence 300"
	echo "words \"${ASKED[3]}\""
	echo "wait-end $WAIT_MS"
}

# up RULES…: what a case needs; all its calls go there, one after another.
up() {
	local rules=() each
	for each in "$@"; do rules+=(--rule "$each"); done
	model model --key "$SECRET" --script "$OUTER/keys.script"
	sink sink
	agent stream
	sed -i 's/"transfers"/"send_digits": true, "transfers"/' "$WORK/agents-stream/desk.json"
	rest rest "${rules[@]}"
	server server AGENTS_DIR="$WORK/agents-stream" SIGNING_SECRET="$SECRET" DATA_DIR="$WORK/data" STREAM_GRACE_MS=2000 "${REST[@]}"
	rest_to "$PORT"
}
# call NAME PHONE-ARGS…: one by $WORK/caller.script; its record in NAME.call.json. $MEANWHILE happens beside it.
call() {
	local name=$1 caller sid
	phone "$name" --live --control "$WORK/rest" --script "$WORK/caller.script" "${@:2}" >"$WORK/$name.said" &
	caller=$!
	[ -z "${MEANWHILE:-}" ] || check "$NAME: $name: meanwhile" "$MEANWHILE" "$name"
	check "$NAME: $name: the call goes as it should" eval "wait $caller || { cat $WORK/$name.said; false; }"
	sid=$(field "$WORK/$name.json" '.calls[0].call_sid')
	until_true call_ended "$sid"
	api "/calls/$sid" >"$WORK/$name.call.json"
}
down() {
	api /status >"$WORK/status.json"
	check "$NAME: Twilio has nothing to say against what it was told" equal "$(rest_report .complaint_count)" 0
	check "$NAME: the server stops" stop_server
	check "$NAME: the model stops" stop_model
	stop_rest
}
tones() {
	field "$WORK/$1.json" '.calls[0].tones'
}
ended_as() { # NAME REASON
	check "$NAME: $1: ended as $2" equal "$(field "$WORK/$1.call.json" .ending.reason)" "$2"
}
results() { # what the tools of the first call came to, as the model was told
	field "$WORK/model.json" '[.. | objects | select(.object? == "realtime.item" and .type? == "function_call_output") | .output | fromjson | .error.code // "ok"] | .[:3] | join(" ")'
}
heard_once() { # NAME WORDS
	check "$NAME: $1: each word once" equal \
		"$(field "$WORK/$1.json" '.calls[0].heard.words' | tr ' ' '\n' | uniq | grep -Fx -f <(tr ' ' '\n' <<<"$2") | paste -sd' ')" "$2"
}

# The operator's order needs a call that is up: its name.
sid_of() {
	until_true eval "api /calls | jq -e '.calls[] | select(.state == \"live\")'" || return
	api /calls | jq -r '.calls[] | select(.state == "live") | .call_sid'
}
digits() { # SID BODY: status and code of the answer
	api "/calls/$1/digits" -H 'Content-Type: application/json' -d "$2" -w '\n%{http_code}' | jq -rs '"\(.[1]) \(.[0].error.code // .[0].status)"'
}
begun() { # N NAME: so many answers
	[ "$(grep -c 'the agent begins to speak' "$WORK/$2.out")" -ge "$1" ]
}
answers() { # SID BODY ANSWER
	local got
	got=$(digits "$1" "$2")
	[ "$got" = "$3" ] || { echo "$2 is answered $got, not $3"; false; }
}

# Each of the model's groups gets its own fate; then operators, and callers who go.
pressed() {
	up 429x1 refuse-update=21220x1
	{ greeted; presses 0; presses 1; presses 2; says_goodbye; } >"$WORK/caller.script"
	call tool --expect streams=2
	ended_as tool agent_ended
	check "$NAME: tool: refused twice, and the call goes on; then pressed" equal "$(tones tool)" 6
	heard_once tool "$GREETING ${SAID[0]} ${THEN[0]} ${SAID[1]} ${THEN[1]} ${SAID[2]} ${THEN[2]} ${TOLD[3]}"
	check "$NAME: tool: one session" jq -e '(.sessions | length) == 1' "$WORK/tool.call.json"

	{ greeted; echo "silence 300"; echo "words \"${ASKED[2]}\""; echo "wait-spoken \"${LONG##* }\" $WAIT_MS"
		echo "silence 4000"; says_goodbye; } >"$WORK/caller.script"
	operator() {
		local sid many
		many=$(printf '1%.0s' {1..200})
		PAUSE_MOST=100 until_true begun 1 "$1"
		sid=$(sid_of)
		answers "$sid" '{}' "422 invalid_field" && answers "$sid" '{"digits":""}' "422 invalid_field" &&
			answers "$sid" "{\"digits\":\"$many\"}" "422 invalid_field" && answers "$sid" '{"digits":"12A"}' "422 invalid_field" &&
			answers "$sid" '{"digits":"１"}' "422 invalid_field" && answers "$sid" '{"digits":"1","wait":"yes"}' "422 invalid_field" &&
			answers CA00000000000000000000000000000000 '{"digits":"1"}' "404 no_such_call" || return
		PAUSE_MOST=50 until_true begun 2 "$1" && answers "$sid" '{"digits":"1"}' "409 speaking" || return
		answers "$sid" '{"digits":"9*#","wait":true}' "202 accepted" && answers "$sid" '{"digits":"8","wait":true}' "409 digits_under_way"
	}
	MEANWHILE=operator call operator --expect streams=2
	ended_as operator agent_ended
	heard_once operator "$GREETING $LONG ${TOLD[3]}"
	check "$NAME: operator: pressed once all was heard" equal "$(tones operator)" "9*#"
	check "$NAME: operator: over is over" answers "$(field "$WORK/operator.json" '.calls[0].call_sid')" '{"digits":"1"}' "409 call_over"

	{ greeted; presses 2; says_goodbye; } >"$WORK/caller.script"
	call hung-up --fault tones-cut
	ended_as hung-up caller_hung_up
	call never-back --fault tones-cut --no-status
	ended_as never-back stream_lost
	down
	check "$NAME: the model is told what came of it" equal "$(results)" "twilio_refused twilio_refused ok"
	check "$NAME: all of it is counted" equal "$(jq -c '.digits | [.sent, .failed]' "$WORK/status.json")" "[2,4]"
}

# Nothing is known of the first; of the second neither, but that the next stream came.
unanswered() {
	up 500-lostx1 timeoutx1
	{ greeted; presses 0; presses 1; echo "silence 7000"; presses 2; says_goodbye; } >"$WORK/caller.script"
	call call --expect streams=2
	ended_as call agent_ended
	heard_once call "$GREETING ${SAID[0]} ${THEN[0]} ${SAID[1]} ${THEN[1]} ${SAID[2]} ${THEN[2]} ${TOLD[3]}"
	down
	check "$NAME: the model is told so, and that others are under way" equal "$(results) $(tones call)" \
		"twilio_unanswered digits_under_way ok 6"
}

for each in pressed unanswered; do
	[ -n "${ONLY:-}" ] && [[ " $ONLY " != *" $each "* ]] || apart "$each" "$each"
done
all_apart
