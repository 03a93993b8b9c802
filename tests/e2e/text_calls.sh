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
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: every request was one the API knows" equal "$(sent text '[.[] | select((.wrong // "") != "")] | length')" 0
}

conversation_case() {
	talk "$1" "$SHOP_TALK" '--expect warnings=0 --expect end=server --expect script_done=1 --expect prompts=3'
	shop_talked
	check "$NAME: the log has no session that is none" grep -q 'model ready; it is asked for each answer$' "$WORK/server.log"
	check "$NAME: the tool was asked" eval "grep -q '\"path\":\"/look\"' $OUTER/sink.jsonl"
}

interruption_case() {
	local heard
	talk "$1" 'wait-agent-done 100
		prompt "When do you open?"
		wait-spoken "in the morning"
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' '--expect clears=1 --expect end=caller --expect script_done=1'
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
done
all_apart
