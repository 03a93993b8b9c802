#!/usr/bin/env bash
# flavors: asan tsan
# Calls by <Gather> and <Say>, through the real server: the greeting, answers, a tool, the goodbye and a transfer, an
# interruption, keys, callers who say nothing or are not understood, and a model that is slow or away.
. "$(dirname "$0")/lib.sh"

LONG=$(printf 'We have %s apples. ' $(seq 600))
cat >"$WORK/text.json" <<JSON
[ {"last": "When do you open?", "then": [{"text": "$SHOP_HOURS"}]},
  {"last": "And on Saturday?", "then": [{"text": "On Saturday from ten to two."}]},
  {"last": "Is there a free hour?", "then": [{"text": "Let me look.", "calls": [{"name": "look", "arguments": {"day": "Friday"}}]}]},
  {"last": "Take your time.", "then": [{"text": "That took a while.", "slow_ms": 3500}]},
  {"last": "Are you there?", "then": [{"text": "Too late.", "slow_ms": 60000}]},
  {"last": "Tell me all.", "then": [{"text": "$LONG"}]},
  {"last": "A person, please.", "then": [{"text": "One moment.", "calls": [{"name": "transfer_call", "arguments": {"destination": "office"}}]}]},
  {"last": "Press one, please.", "then": [{"text": "I press it.", "calls": [{"name": "send_digits", "arguments": {"digits": "1w2"}}]}]},
  {"last": "Thank you, goodbye.", "then": [{"text": "Goodbye, and thank you for calling.", "calls": [{"name": "end_call", "arguments": {}}]}]},
  {"when": "broke off for a moment", "then": [{"text": "Sorry, we were cut off."}]},
  {"then": [{"text": "Friday at noon is free."}]} ]
JSON
shop '"send_digits": true, "transfers": [{"name": "office", "number": "+12025550156", "description": "Whoever asks for a person."}],
	"instant_answers": [{"when": ["is there parking"], "say": "There is room behind the house."}]'
sed -i 's/"channel": "relay"/"channel": "gather"/' "$WORK/agents/desk.json"
MODEL_PORT=1 # nobody's: the realtime model is not asked

# talk SCRIPT PHONE ARGS...: one call on a text model and a server of its own.
talk() {
	text_model text "$OUTER/text.json"
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" \
		TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem OPENAI_API_KEY=another-key ${SETTING:+"$SETTING"}
	shop_call "$NAME" "$1" --pace 15 --expect warnings=0 "${@:2}"
	api /status >"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: every request was one the API knows" equal "$(sent text '[.[] | select((.wrong // "") != "")] | length')" 0
}

turns() {
	field "$WORK/call.json" '[.turns[] | '"$1"'] | join("|")'
}

conversation_case() {
	talk 'gather-speech "And on Saturday?"
		gather-speech "Is there a free hour?"
		gather-speech "Thank you, goodbye."
		wait-end' --expect end=server --expect script_done=1 --expect gathers=3
	check "$NAME: the call is told as it was" equal "$(turns '"\(.who): \(.text)"')" \
		"agent: Welcome to the shop.|caller: And on Saturday?|agent: On Saturday from ten to two.|caller: Is there a free hour?|agent: Let me look.|agent: Friday at noon is free.|caller: Thank you, goodbye.|agent: Goodbye, and thank you for calling."
	check "$NAME: all of it was heard, once" equal "$(turns 'select(.who == "agent") | (.interrupted // false)') $(field "$WORK/phone.json" '.calls[0].said' | sort | uniq -d)" \
		"false|false|false|false|false "
	check "$NAME: the ending has its name, and the call its channel" equal \
		"$(field "$WORK/call.json" '"\(.ending.reason) \(.channel)"')" "agent_ended gather"
	check "$NAME: the tool was asked" eval "grep -q '\"path\":\"/look\"' $OUTER/sink.jsonl"
}

# Keys are played in the answer that comes next, and the tool's answer after them.
presses_case() {
	talk 'gather-speech "Press one, please."
		gather-speech "Thank you, goodbye."
		wait-end' --expect end=server --expect script_done=1
	check "$NAME: they are played, once" equal "$(field "$WORK/phone.json" '.calls[0].tones')" 1w2
	check "$NAME: the conversation goes on" equal "$(turns 'select(.who == "agent") | .text')" \
		"Welcome to the shop.|I press it.|Friday at noon is free.|Goodbye, and thank you for calling."
}

# Without the model, which knows of it when it answers the next question.
instant_case() {
	talk 'gather-speech "Is there parking?"
		gather-speech "And on Saturday?"
		gather-nothing' --expect end=caller --expect script_done=1 --expect say="There is room behind the house."
	check "$NAME: the model is told both, and asked the other one" equal \
		"$(sent text 'map(select(.request.input)) | "\(map(select(.request.input[-1].content == "Is there parking?")) | length) \([.[-1].request.input[] | select(.role != "system" and .role != "developer") | .content] | join("|"))"')" \
		"0 Welcome to the shop.|Is there parking?|There is room behind the house.|And on Saturday?"
}

# The first half of a long answer is heard; the model's conversation ends there.
interruption_case() {
	local heard
	talk 'gather-speech "When do you open?"
		gather-speech "And on Saturday?" 4000
		gather-nothing' --expect end=caller --expect script_done=1
	check "$NAME: the answer was cut" equal "$(turns 'select(.who == "agent") | .interrupted')" "false|true|false"
	heard=$(sent text 'map(select(.request | tostring | contains("And on Saturday?"))) | last | .request' |
		jq -r '[.input[] | select(.role == "assistant") | .content] | last')
	check "$NAME: the model is told what was heard of it, by estimate" eval \
		"[[ \"$SHOP_HOURS\" == \"$heard\"* ]] && [[ \"$heard\" == 'We open'* ]] && [ ${#heard} -lt ${#SHOP_HOURS} ]"
}

# Nothing is ready at once: pauses, a holding phrase in the second one, and then the answer.
slow_case() {
	talk 'gather-speech "Take your time."
		gather-nothing' --expect end=caller --expect say="One moment, please." --expect say="That took a while."
	check "$NAME: it is told to wait once" equal "$(grep -c 'One moment' <(field "$WORK/phone.json" '.calls[0].said'))" 1
	check "$NAME: that is counted" equal "$(field "$WORK/status.json" '.gather | "\(.held) \(.given_up)"')" "1 0"
}

# A tool takes longer than an answer may.
tool_case() {
	mkdir -p "$WORK/agents"
	sed 's|/look"|/look?slow=14000", "timeout_ms": 30000|' "$OUTER/agents/desk.json" >"$WORK/agents/desk.json"
	SETTING=AGENTS_DIR=$WORK/agents talk 'gather-speech "Is there a free hour?"
		gather-nothing' --expect end=caller --expect say="Friday at noon is free."
	check "$NAME: it is told to wait more than once" holds "$(grep -c 'One moment' <(field "$WORK/phone.json" '.calls[0].said')) > 1"
	check "$NAME: nothing is given up" equal "$(field "$WORK/status.json" .gather.given_up)" 0
}

# Nothing comes for 10 s.
away_case() {
	SETTING=SLOW_ANSWER_MAX_MS=60000 talk 'gather-speech "Are you there?"
		wait-end' --expect end=server --expect script_done=1 --expect say=technical
	check "$NAME: the ending says why" equal "$(field "$WORK/call.json" .ending.reason)" model_failed
	check "$NAME: that is counted" equal "$(field "$WORK/status.json" .gather.given_up)" 1
}

# Who says nothing is asked twice; what was not understood, too. Neither is the model's to know.
silence_case() {
	SETTING=REPROMPT_SECONDS=10 talk 'gather-nothing
		gather-unclear "Mumble."
		gather-speech "And on Saturday?"
		gather-nothing
		gather-nothing
		gather-nothing
		wait-end' --pace 100 --expect end=server --expect script_done=1 --expect say="did not hear" --expect say="did not understand" --expect say="cannot hear anybody"
	check "$NAME: the ending has its name" equal "$(field "$WORK/call.json" .ending.reason)" idle
	check "$NAME: nothing of it is the model's" equal "$(sent text '[.[].request | tostring | select(contains("Mumble") or contains("did not"))] | length')" 0
	check "$NAME: it is counted" equal "$(field "$WORK/status.json" '.gather | "\(.nothing) \(.unclear)"')" "4 1"
}

keys_case() {
	talk 'gather-digits 42
		gather-nothing' --expect end=caller --expect say="Friday at noon is free."
	check "$NAME: the model gets them as one" equal "$(sent text '[.[].request | tostring | select(contains("4 2"))] | length')" 1
}

# Each <Say> has 4000 bytes at most, and all of it is said.
long_case() {
	talk 'gather-speech "Tell me all."
		gather-nothing' --pace 2000 --expect end=caller --expect say="We have 1 apples." --expect say="We have 600 apples."
	check "$NAME: every apple was told" equal "$(field "$WORK/phone.json" '.calls[0].said' | grep -o 'apples' | wc -l)" 600
	check "$NAME: in several answers" holds "$(field "$WORK/phone.json" '.calls[0].twiml' | grep -c '<Say') >= 2"
}

# The person is dialled as after a stream; nobody answers, and the caller is back.
transfer_case() {
	talk 'gather-speech "A person, please."
		gather-speech "Thank you, goodbye."
		wait-end' --dial no-answer --expect end=server --expect script_done=1 --expect dial=+12025550156 --expect say="Goodbye, and thank you"
	check "$NAME: words, then the person, then the agent again" eval \
		"field $WORK/phone.json '.calls[0].twiml' | tr -d '\n' | grep -q 'One moment\..*<Dial.*<Gather'"
}

# --- in the agent's place: a rung of the ladder ---

# As talk, by an agent whose own way is the realtime model, and a server with a memory.
fall() {
	mkdir -p "$WORK/agents"
	sed 's/"channel": "gather"/"channel": "relay"/' "$OUTER/agents/desk.json" >"$WORK/agents/desk.json"
	text_model text "$OUTER/text.json"
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" RECONNECT_TRIES=0 FALLBACK=text \
		TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem DATA_DIR="$WORK/data"
	# Or the call's connection is not the third.
	until_true grep -qE 'model probe (failed|succeeded.* agent=default)' "$WORK/server.log"
	shop_call "$NAME" "$1" --pace 15 --expect end=server --expect script_done=1 "${@:2}"
	api /status >"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: it was a rung of the ladder, once" equal "$(field "$WORK/status.json" .ladder.texts)" 1
	check "$NAME: every request was one the API knows" equal "$(sent text '[.[] | select((.wrong // "") != "")] | length')" 0
}

# The model is lost in mid-call: the conversation goes on with what was said, and its tools.
lost_case() {
	echo '{ "greeting": {"say": "Hello."}, "typed": {"say": "Noted."}, "otherwise": {"say": "Pardon?"}, "turns": [
		{"hear": "And on Saturday?", "say": "On Saturday from ten to two."}] }' >"$WORK/model.script"
	model model --key "$SECRET" --script "$WORK/model.script" --text-speed 200 --fault drop=rst:8s@3
	fall 'wait-agent-done 100
		prompt "And on Saturday?"
		wait-agent-done 100
		wait-end
		gather-speech "Is there a free hour?"
		gather-speech "Thank you, goodbye."
		wait-end' --expect say="Sorry, we were cut off." --expect say="Goodbye, and thank you"
	check "$NAME: the model knows what was said" equal "$(sent text 'map(select(.request)) | last | .request.input | map(select(.role == "assistant" or .role == "user") | .content) | .[:3] | join("|")')" \
		"Welcome to the shop.|And on Saturday?|On Saturday from ten to two."
	check "$NAME: the tool was asked" eval "grep -q '\"path\":\"/look\".*$SID' $OUTER/sink.jsonl"
	check "$NAME: the record has all of it" equal "$(field "$WORK/call.json" '.ending.reason')" agent_ended
}

# There is no model from the beginning.
nobody_case() {
	MODEL_PORT=1
	fall 'wait-end
		gather-speech "Thank you, goodbye."
		wait-end' --expect say="Sorry, we were cut off."
}

# The server is killed in the middle of one, and another goes on with it.
killed_case() {
	local port
	port=$(own_port)
	text_model text "$OUTER/text.json"
	born() {
		server "$1" PORT="$port" AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" \
			TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem DATA_DIR="$WORK/data"
	}
	born first
	printf '%s\n' 'gather-speech "And on Saturday?"' 'gather-speech "Is there a free hour?" 20000' \
		'gather-speech "Thank you, goodbye."' wait-end >"$WORK/caller.script"
	dial phone --script "$WORK/caller.script" --pace 15 --live --expect end=server --expect script_done=1 --expect say="Goodbye, and thank you"
	check "$NAME: it talks" until_true grep -q "ten to two" "$WORK/phone.out"
	check "$NAME: what was said is kept" until_true eval \
		'sqlite3 "$WORK/data/trunkline.db" "SELECT text FROM turns" | grep -q "And on Saturday"'
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	born second
	all_over
	check "$NAME: the caller was not left alone" equal "$(cat "$WORK/phone.status")" 0
	check "$NAME: the model knows what was said before" eval \
		"sent text 'map(select(.request)) | last | .request.input | map(.content? // empty | tostring) | join(\" \")' | grep -q 'And on Saturday'"
	check "$NAME: the server stops with status 0" stop_server
}

apart conversation conversation_case
apart interruption interruption_case
apart instant instant_case
apart slow slow_case
apart tool tool_case
apart away away_case
apart silence silence_case
apart keys keys_case
apart presses presses_case
apart long long_case
apart transfer transfer_case
apart lost lost_case
apart nobody nobody_case
apart killed killed_case
all_apart
