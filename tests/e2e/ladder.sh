#!/usr/bin/env bash
# What callers get when the agent cannot serve them, or not any more: people in turn, a message, words; a call
# whose process was killed, on the stream and on the relay; a restart between two rungs.
# flavors: asan
. "$(dirname "$0")/lib.sh"

RUNGS='["reconnect", {"dial": ["+12025550156", "+12025550157"], "ring_seconds": 7}, {"voicemail": {"max_seconds": 90}}]'

# desk FIELDS: the agent of a case, with the rungs above unless the fields name others.
desk() {
	mkdir -p "$WORK/agents"
	cat >"$WORK/agents/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You answer for a shop.", $1 }
	JSON
}
told() { # what stands in the log about the ladder
	grep -o 'ladder: [a-z]*; why=[a-z_]* after=[a-z]*' "$WORK/server.log" | sed 's/ladder: //' | paste -sd'|'
}

# ------------------------------------------------------------------ nobody can be had
walks() {
	desk '"fallback": '"$RUNGS"
	printf '%s\n' wait-end >"$WORK/wait.script"
	model model --key "$SECRET" --fault refuse=401
	rest rest
	server server "${REST[@]}" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data"
	phone walk --to +12025550100 --script "$WORK/wait.script" --dial no-answer --expect dial=+12025550156 \
		--expect dial=+12025550157 --expect 'say=Please leave a message after the tone' --expect warnings=0 \
		--expect 'say=Thank you, your message was recorded. Goodbye.' >"$WORK/walk.said"
	check "$NAME: the people in turn, then a message" eval 'cat "$WORK/walk.said"; equal "$(told)" \
		"dial; why=model after=nothing|dial; why=model after=dial|voicemail; why=model after=dial"'
	check "$NAME: one apology" equal "$(field "$WORK/walk.json" .calls[0].said | grep -o sorry | wc -l)" 1
	check "$NAME: it is counted" equal "$(api /status | jq -c '[.ladder.dials, .ladder.voicemails, .ladder.words, .calls.fallbacks_unanswered]')" \
		"[2,1,0,2]"
	check "$NAME: a person who takes the call ends it" phone taken --to +12025550100 --script "$WORK/wait.script" \
		--dial completed --expect dial=+12025550156 --expect 'say=Please hold the line.'
	check "$NAME: nobody else was asked" eval '! field "$WORK/taken.json" .calls[0].dialled | grep -q 0157'
	stop_server
}

# What one model is not told any more, another is not either.
moderated() {
	desk '"fallback": ["reconnect", "text", {"dial": ["+12025550156"]}]'
	printf '%s\n' wait-end >"$WORK/wait.script"
	model model --key "$SECRET" --fault fail=content_filter
	server server AGENTS_DIR="$WORK/agents" TEXT_API_KEY="$SECRET" TEXT_API_URL=https://localhost:1/v1/responses
	check "$NAME: a person is dialled" phone phone --to +12025550100 --script "$WORK/wait.script" --dial completed --expect dial=+12025550156
	check "$NAME: and no other model is asked" equal "$(told)" "dial; why=moderated after=nothing"
	check "$NAME: it has an ending of its own" equal "$(api /status | jq -c '.calls.ended | [.model_moderated, .model_refused]')" "[1,0]"
	stop_server
}

# ------------------------------------------------------------------ the process dies
# dies FIELDS SCRIPT PHONE-ARGS…: killed once the agent has answered, with another server on the port when Twilio asks again.
dies() {
	local port caller sid
	desk "$1"
	port=$(own_port)
	printf '%s\n' "$2" >"$WORK/caller.script"
	model model --key "$SECRET" ${MODEL_SCRIPT:+--script "$MODEL_SCRIPT"}
	server first PORT="$port" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" TWILIO_ACCOUNT_SID="$ACCOUNT"
	phone phone --to +12025550100 --script "$WORK/caller.script" --retry-ms 15000 "${@:3}" >"$WORK/call.said" &
	caller=$!
	check "$NAME: the caller was answered" until_true answered_once
	sid=$(api /calls | jq -r '.calls[0].call_sid')
	until_true eval 'api /status | jq -e ".store.waiting == 0"'
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	server server PORT="$port" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" TWILIO_ACCOUNT_SID="$ACCOUNT"
	check "$NAME: the call goes on to its end" eval "wait $caller || { cat $WORK/call.said; false; }"
	check "$NAME: by a new stream, once" equal "$(told)" "reconnect; why=stream after=nothing"
	check "$NAME: with the conversation from the store" until_true grep -q 'it goes on from the store; turns=[1-9]' "$WORK/server.log"
	check "$NAME: it is over" until_true call_ended "$sid"
	api "/calls/$sid" >"$WORK/call.json"
	check "$NAME: the turns of both are kept" jq -e '[.turns[].who] | (. | map(select(. == "caller")) | length) >= 2' "$WORK/call.json"
	check "$NAME: the server stops" stop_server
	check "$NAME: the model stops" stop_model
	check "$NAME: it was told what was said before" jq -e '[.per_session[] | select(.conversation | length > 0)] | last |
		[.conversation[] | .role // empty] | index("user") != null and index("assistant") != null' "$WORK/model.json"
}
answered_once() {
	api /calls | jq -er '.calls[0].call_sid' >"$WORK/sid" && api "/calls/$(cat "$WORK/sid")" |
		jq -e '(.turns | map(.who) | index("caller")) as $at | $at != null and
			(.turns[$at:] | any(.who == "agent" and .status == "completed" and .heard_ms != null))'
}

stream_dies() {
	dies '"fallback": ["reconnect"]' 'wait-agent-talking 1000
		wait-agent-done 300
		say ../caller-3.wav
		wait-agent-talking 1000
		wait-end
		wait-agent-talking 500
		wait-agent-done 500
		say ../caller-1.wav
		wait-agent-talking 500
		wait-agent-done 500' --expect streams=2 --expect script_done=1 --expect "warnings>=1"
}

relay_dies() {
	MODEL_SCRIPT=$OUTER/shop.json dies '"channel": "relay", "greeting": {"mode": "exact", "text": "Welcome to the shop."}' 'wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100
		silence 15000
		prompt "When do you open?"
		wait-spoken "nine in"
		wait-agent-done 100' --expect sessions=2 --expect script_done=1 --expect "warnings>=1" --expect 'spoken~ten to two.'
	check "$NAME: it was greeted once" equal "$(answers '[.[] | select(.sent | test("Welcome"))] | length')" 1
}

# ------------------------------------------------------------------ another order
people_first() {
	desk '"fallback": [{"dial": ["+12025550156"]}, "reconnect"]'
	printf '%s\n' 'wait-agent-talking 500' 'wait-agent-done 500' 'cut 100' 'wait-agent-talking 500' 'wait-agent-done 500' >"$WORK/caller.script"
	model model --key "$SECRET"
	server server AGENTS_DIR="$WORK/agents" TWILIO_ACCOUNT_SID="$ACCOUNT"
	check "$NAME: a person is tried before another stream" phone phone --to +12025550100 --script "$WORK/caller.script" --dial no-answer \
		--expect streams=2 --expect dial=+12025550156 --expect script_done=1
	check "$NAME: in this order" equal "$(told)" "dial; why=stream after=nothing|reconnect; why=stream after=dial"
	check "$NAME: nothing was parked" equal "$(api /status | jq -c .calls.parked)" 0
	check "$NAME: the server stops" stop_server
	check "$NAME: the model stops" stop_model
	check "$NAME: the second session knows of the first" jq -e '[.per_session[] | select(.conversation | length > 0)] | last | .conversation[0] | .role == "assistant" and (.id | test("past"))' "$WORK/model.json"
}

# ------------------------------------------------------------------ a restart between two rungs
restarts() {
	local at=agent=desk said
	desk '"fallback": '"$RUNGS"
	MODEL_PORT=1
	for run in 1 2; do
		server "server$run" TWILIO_ACCOUNT_SID="$ACCOUNT" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data"
		for rung in 'dial&number=0' 'dial&number=1' 'voicemail&number=0' 'reconnect&number=0'; do
			said=$(hook "/twilio/ladder?rung=$rung&why=model&said=0&$at&variant=" CallSid=CA1 DialCallStatus=busy)
			echo "$said"
			# Asked twice, the same answer and one rung.
			check "$NAME: $rung, asked twice" equal "$(hook "/twilio/ladder?rung=$rung&why=model&said=0&$at&variant=" CallSid=CA1 DialCallStatus=busy)" "$said" >&2
		done >"$WORK/said$run"
		said=$(for rung in 'dial&number=1' 'text&number=0'; do
			hook "/twilio/ladder?rung=$rung&why=model&said=0&$at&variant=" CallSid=CA2 CallStatus=completed DialCallStatus=canceled
		done; hook /twilio/connect-action CallSid=CA3 CallStatus=completed)
		check "$NAME: for a caller who has hung up nothing is begun" equal "$(grep -c '<Response><Hangup/></Response>' <<<"$said")" 3 >&2
		check "$NAME: nor for a call without a name" equal "$(hook /twilio/connect-action CallStatus=in-progress | grep -c CallSid)" 1 >&2
		check "$NAME: server $run stops" stop_server
	done 2>&1
	check "$NAME: the same answers after a restart" cmp "$WORK/said1" "$WORK/said2"
	check "$NAME: each leads to the next" equal "$(grep -oE '<Dial|<Record|Goodbye' "$WORK/said1" | paste -sd' ')" "<Dial <Record Goodbye <Dial"
	check "$NAME: to the second number" grep -q '0157</Number>' <(head -2 "$WORK/said1")
}

# ------------------------------------------------------------------ a file that cannot be meant
checked() { # what --check says of these rungs
	desk '"fallback": '"$1"
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" AGENTS_DIR="$WORK/agents" OPENAI_API_KEY="$SECRET" "${@:2}" "${FIXED[@]}" \
		"$SERVER_BIN" --check --offline >"$WORK/check.out" 2>&1
}
wrong() {
	check "$NAME: a number nobody may dial" eval '! checked "[{\"dial\": [\"+12025550156\", \"+442071838750\"]}]" &&
		grep -q "desk.json: fallback\[0\].dial\[1\]: is +442…50, which OUTBOUND_ALLOW leaves out" "$WORK/check.out"'
	check "$NAME: a message that nobody could keep" eval '! checked "[\"text\", \"voicemail\"]" &&
		grep -q "desk.json: fallback\[1\]: is voicemail, which needs DATA_DIR" "$WORK/check.out"'
	check "$NAME: a stream after the text" eval '! checked "[\"text\", \"reconnect\"]" &&
		grep -q "desk.json: fallback\[1\]: is reconnect, which comes too late behind text" "$WORK/check.out"'
	check "$NAME: a dial without a number" eval '! checked "[\"dial\"]" && grep -q "fallback\[0\]: is dial, which needs numbers" "$WORK/check.out"'
	check "$NAME: the setting, too" eval '! checked "[]" FALLBACK=voicemail && grep -q "^ *FALLBACK: " "$WORK/check.out"'
	check "$NAME: no rung at all is allowed" eval 'checked "[]" FALLBACK=none || { cat "$WORK/check.out"; false; }'
}

cat >"$WORK/shop.json" <<JSON
{ "greeting": {"say": "Nobody's greeting."}, "typed": {"say": "We were interrupted."}, "otherwise": {"say": "Pardon?"},
  "turns": [ {"hear": "And on Saturday?", "say": "On Saturday from ten to two."}, {"hear": "When do you open?", "say": "At nine in the morning."} ] }
JSON
apart walks walks
apart moderated moderated
apart stream-dies stream_dies
apart relay-dies relay_dies
apart people-first people_first
apart restarts restarts
apart wrong wrong
all_apart
