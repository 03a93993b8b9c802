#!/usr/bin/env bash
# in: test-more
# flavors: tsan asan
# Calls by ConversationRelay that a text model answers, through the real server and over
# both text APIs: answers, a tool, the goodbye, an interruption, and a service that fails.
. "$(dirname "$0")/lib.sh"

cat >"$WORK/text.json" <<JSON
[ {"last": "When do you open?", "then": [{"text": "$SHOP_HOURS", "piece": 8, "gap_ms": 150}]},
  {"last": "And on Saturday?", "then": [{"text": "On Saturday from ten to two."}]},
  {"last": "Is there a free hour?", "then": [{"text": "", "calls": [{"name": "look", "arguments": {"day": "Friday"}}]}]},
  {"last": "Are you well?", "then": [{"text": "I was about to say something.", "cut_after": 6}, {"text": "I am."}]},
  {"last": "Are you there?", "then": [{"status": 503, "code": "server_error"}, {"drop": true}, {"status": 429, "retry_after": 1}, {"text": "Here I am."}]},
  {"last": "Still there?", "then": [{"status": 503, "code": "server_error"}]},
  {"last": "How much is it?", "then": [{"status": 400, "code": "unknown_parameter"}, {"text": "Ten dollars."}]},
  {"last": "Thank you, goodbye.", "then": [{"text": "Goodbye, and thank you for calling.", "calls": [{"name": "end_call", "arguments": {}}]}]},
  {"then": [{"text": "Friday at noon is free."}]} ]
JSON
shop '"model_protocol": "text"'

MODEL_PORT=1 # nobody's: the realtime model is not asked

# talk API SCRIPT "PHONE ARGS" SETTINGS...: one call on a text model and a server of its own.
talk() {
	text_model text "$OUTER/text.json"
	[ "$1" = responses ] || TEXT_URL=${TEXT_URL%responses}chat/completions
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" TEXT_API="$1" \
		TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem OPENAI_API_KEY=another-key "${@:4}"
	shop_call "$NAME" "$2" $3
	api /status >"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: every request was one the API knows" equal "$(sent text '[.[] | select((.wrong // "") != "")] | length')" 0
}

conversation_case() {
	talk "$1" "$SHOP_TALK" '--expect warnings=0 --expect end=server --expect script_done=1 --expect prompts=3'
	shop_talked
	check "$NAME: requests are no sessions" jq -e '.sessions == []' "$WORK/call.json"
	check "$NAME: the log has no session that is none" until_true grep -q 'model ready; it is asked for each answer$' "$WORK/server.log"
	check "$NAME: the tool was asked" eval "grep -q '\"path\":\"/look\"' $OUTER/sink.jsonl"
}

interruption_case() {
	local heard
	talk "$1" "$(asks_on "in the morning")" '--expect clears=1 --expect end=caller --expect script_done=1'
	check "$NAME: it was cut, and nothing of it came later" equal "$(answers '"\(.[1].cut) \(.[2].sent)"')" \
		"true On Saturday from ten to two."
	heard=$(sent text 'map(select(.request | tostring | contains("And on Saturday?"))) | last | .request' |
		jq -r '[(.input // .messages)[] | select(.role == "assistant") | .content] | last')
	check "$NAME: the model is told what was heard of it" eval \
		"[[ \"$SHOP_HOURS\" == \"$heard\"* ]] && [[ \"$heard\" == *'in the'* ]] && [ ${#heard} -lt ${#SHOP_HOURS} ]"
}

# The answer that breaks off is asked for again.
broken_case() {
	talk "$1" 'wait-agent-done 100
		prompt "Are you well?"
		wait-spoken "I am."
		wait-agent-done 100' '--expect end=caller --expect script_done=1'
}

# A service that is away for a moment, or asks to wait: the caller waits a little longer, and that is all.
away_case() {
	talk "$1" 'wait-agent-done 100
		prompt "Are you there?"
		wait-spoken "Here I am."
		wait-agent-done 100' '--expect end=caller --expect script_done=1 --expect say='
	check "$NAME: it was asked four times" equal "$(sent text '[.[].request | select(tostring | contains("Are you there?"))] | length')" 4
	check "$NAME: that is counted, and one line of the log" equal \
		"$(field "$WORK/status.json" .model.resent) $(grep -c "is sent again in" "$WORK/server.log")" "3 1"
}

# One that stays away: when the caller would not wait any longer, the call ends with an apology.
stays_away_case() {
	talk "$1" 'wait-agent-done 100
		prompt "Still there?"
		wait-end' '--expect end=server --expect script_done=1 --expect say=technical' SLOW_ANSWER_MAX_MS=3000 SILENCE_MAX_MS=2000
	check "$NAME: it was asked more than twice" holds "$(sent text '[.[].request | select(tostring | contains("Still there?"))] | length') > 2"
	check "$NAME: the ending says why" equal "$(field "$WORK/call.json" .ending.reason)" model_failed
}

# ready MEMBER
ready() {
	ask /ready | jq -r ".$1"
}

# One that fails call after call gets no more of them until it answers a trial; what else is there to dial
# or to say is known at once. (The trials' own words are "Yes.")
outage_case() {
	cat >"$WORK/outage.json" <<-JSON
		[ {"when": "Yes.", "then": [{"text": "Yes."}, {"status": 503, "code": "server_error"}, {"status": 503, "code": "server_error"},
		    {"status": 503, "code": "server_error"}, {"text": "Yes."}]},
		  {"last": "Still there?", "then": [{"status": 503, "code": "server_error"}]},
		  {"then": [{"text": "On Saturday from ten to two."}]} ]
	JSON
	text_model text "$WORK/outage.json"
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" TEXT_API_URL="$TEXT_URL" \
		TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem OPENAI_API_KEY=another-key SLOW_ANSWER_MAX_MS=1500 SILENCE_MAX_MS=1000
	check "$NAME: it is well" until_true eval '[ "$(sent text length)" -ge 1 ] && [ "$(ready status) $(ready text_api)" = "ready well" ]'
	shop_call "$NAME" 'wait-agent-done 100
		prompt "Still there?"
		wait-end' --expect end=server --expect say=technical
	check "$NAME: nobody is left to take a call" equal "$(ready status) $(ready text_api)" "model failing"
	check "$NAME: the next call hears it at once" phone second --script "$WORK/caller.script" --expect streams=0 --expect end=no-stream --expect say=technical
	check "$NAME: and nobody is rung up for it" equal "$(api /calls -X POST -H 'Content-Type: application/json' \
		-d '{"to": "+12025550123", "from": "+12025550100"}' | jq -r .error.code)" model_unavailable
	api /status >"$WORK/status.json"
	check "$NAME: it is counted, and shown with the reason" equal "$(field "$WORK/status.json" \
		'"\(.calls.refused_model) \(.model.text_api.state) \(.model.text_api.last_failure | test("503|server_error"))"')" "1 failing true"
	check "$NAME: the realtime model is nobody's, and not tried" equal "$(field "$WORK/status.json" '.model.endpoints[0] | "\(.state) \(.last_failure)"') $(grep -c "127.0.0.1:1[^0-9]" "$WORK/server.log")" "well null 0"
	check "$NAME: a trial lets calls in again" until_true eval '[ "$(ready status) $(ready text_api)" = "ready well" ]'
	shop_call third 'wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --expect end=caller --expect script_done=1
	check "$NAME: the server stops with status 0" stop_server
}

# What the service does not know of the settings is left out, and so it is for the rest of the call.
refused_case() {
	talk "$1" 'wait-agent-done 100
		prompt "How much is it?"
		wait-spoken "Ten dollars."
		wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' '--expect end=caller --expect script_done=1' REASONING_EFFORT=low OPENAI_SAFETY_IDENTIFIER=caller
	check "$NAME: with it, without it, and without it" equal "$(sent text '[.[].request | select(tostring | contains("How much is it?")) |
		has("reasoning") or has("reasoning_effort")] | join(" ")')" "true false false"
	check "$NAME: the service can tell the caller from others" equal "$(sent text '[.[].request | select(tostring | contains("How much is it?")) |
		(.safety_identifier | startswith("caller-"))] | unique | join(" ")')" true
}

# By text alone: no other key is needed, and no other host is named.
check_case() {
	text_model text "$OUTER/text.json"
	check "--check asks the text model" env -i PATH="$PATH" TSAN_OPTIONS="$TSAN_OPTIONS" ASAN_OPTIONS="$ASAN_OPTIONS" PORT=0 \
		TWILIO_AUTH_TOKEN="$SECRET" CHANNEL=relay MODEL_PROTOCOL=text TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" \
		HTTPS_CA_FILE=build/e2e/ca/ca.pem bash -c "$SERVER_BIN --check >$WORK/check.out 2>&1"
	check "--check names its address, and no other" equal "$(grep -E '^(asking|connecting)' "$WORK/check.out")" "asking $TEXT_URL …"
}

apart check check_case
for api in responses chat; do
	apart "talk-$api" conversation_case "$api"
	apart "interruption-$api" interruption_case "$api"
	apart "broken-$api" broken_case "$api"
	apart "refused-$api" refused_case "$api"
	apart "away-$api" away_case "$api"
	apart "stays-away-$api" stays_away_case "$api"
done
apart outage outage_case
all_apart
