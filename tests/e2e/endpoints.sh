#!/usr/bin/env bash
# Several ways to the model: a call that one of them fails is answered by the
# next, and new calls go back to the first as soon as it is well. That is found
# out in the background: no caller waits for it.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

OTHER_KEY=another-key-0123456789
# Nobody's patience is short on a slow machine.
PATIENT=(MAX_CALLS=4 GREETING_MODE=wait SILENCE_MAX_MS=20000 SLOW_ANSWER_MAX_MS=60000)
cat >"$OUTER/talk.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 600
hangup
SCRIPT

# another NAME ARGS...: a model beside the first; its port in $NAME_PORT, its pid in $NAME_PID.
another() {
	model "$@"
	declare -g "${1}_PORT=$MODEL_PORT" "${1}_PID=$MODEL"
}

url() {
	echo "wss://localhost:$1/${2:-v1/realtime}"
}

stop_models() {
	local pid
	for pid in "$@"; do
		kill -TERM "$pid"
		stopped "$pid" || return 1
	done
}

works() {
	phone "$1" --script "$OUTER/talk.script" --expect end=caller --expect 'answers>=1' --expect warnings=0 "${@:2}"
	echo $? >"$WORK/$1.status"
	went "$1" caller_hung_up '.turns[0].who == "caller" and .turns[1].heard_ms > 0'
}

# The state of each, as /status has it.
states() {
	api /status | jq -r '[.model.endpoints[].state] | join(" ")'
}

become() {
	until_true eval "[ \"\$(states)\" = '$1' ]" || states
	equal "$(states)" "$1"
}

# All probes of the start have come to an end.
probed() {
	until_true eval "api /status | jq -e '[.model.endpoints[] | .last_connect_ms != null or .last_failure != null] | all'"
}

ready() {
	api /ready | jq -c '[.status, .endpoints]'
}

# served REPORT FILTER: of that model's sessions in which an answer was asked for or turns were heard.
served() {
	field "$WORK/$1.json" "[.per_session[] | select(.audio_bytes > 0) | $2] | join(\" \")"
}

# Nobody listens at the first; the second is Azure's: its path, its header, a deployment, another voice and format.
down() {
	local port
	port=$(own_port)
	another second --key "$OTHER_KEY"
	server server "${PATIENT[@]}" OPENAI_REALTIME_URL="$(url "$port")" OPENAI_AUTH_2=api-key OPENAI_API_KEY_2="$OTHER_KEY" \
		OPENAI_REALTIME_URL_2="$(url "$second_PORT" openai/v1/realtime)" OPENAI_MODEL_2=front-desk OPENAI_VOICE_2=alloy \
		OPENAI_AUDIO_FORMAT_2=pcm
	probed
	check "$NAME: the door is open" equal "$(api /ready -o /dev/null -w '%{http_code}')" 200
	check "$NAME: the call is answered by the second" works one
	check "$NAME: the breaker of the first is open, and its failure is told" become "failing well"
	check "$NAME: /ready says so" equal "$(ready)" '["ready",["failing","well"]]'
	check "$NAME: /status says why, and where" equal "$(api /status | jq -c '.model | .available, .elsewhere,
		(.endpoints[0] | .number, .host, .port == '"$port"', (.last_failure | contains("refused")))' | paste -sd ' ')" \
		'true 1 1 "localhost" true true'
	check "$NAME: so is the next, and the first is not dialled for it" works two
	check "$NAME: … by any caller" holds "$(grep -c 'attempt [0-9] failed; endpoint=1' "$WORK/server.log") <= 1"
	model first --key "$SECRET" --port "$port"
	check "$NAME: a probe closes the breaker" become "well well"
	check "$NAME: a new call goes to the first at once" works three
	check "$NAME: the last failure is forgotten" equal "$(api /status | jq -r .model.last_failure)" null
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the models stop with status 0" stop_models "$second_PID" "$MODEL"
	check "$NAME: the second was asked as Azure is" equal "$(served second '.path, .auth, .model, .input_format, .asked[0].audio.output.voice')" \
		"/openai/v1/realtime api-key front-desk audio/pcm alloy /openai/v1/realtime api-key front-desk audio/pcm alloy"
	check "$NAME: the first as OpenAI is" equal "$(served first '.path, .auth, .model, .input_format, .asked[0].audio.output.voice')" \
		"/v1/realtime bearer gpt-realtime-2.1 audio/pcmu marin"
	check "$NAME: nobody got what it does not know" equal \
		"$(field "$WORK/first.json" .violation_count) $(field "$WORK/second.json" .violation_count)" "0 0"
}

# The first refuses the key. Calls do not ask it again.
refused() {
	another first --key a-key-of-nobody
	another second --key "$OTHER_KEY"
	server server "${PATIENT[@]}" OPENAI_REALTIME_URL="$(url "$first_PORT")" OPENAI_REALTIME_URL_2="$(url "$second_PORT")" \
		OPENAI_API_KEY_2="$OTHER_KEY"
	probed
	check "$NAME: the first is refused" become "refused well"
	check "$NAME: /ready says so" equal "$(ready)" '["ready",["refused","well"]]'
	check "$NAME: the setting to look at is named" equal "$(api /status | jq '.model.endpoints[0].last_failure |
		contains("look at OPENAI_API_KEY:")')" true
	check "$NAME: the call is answered by the second" works one
	check "$NAME: at its first try" equal "$(grep -c 'attempt [0-9] failed' "$WORK/server.log")" 0
	check "$NAME: the server stops with status 0" stop_server
	stop_models "$first_PID" "$second_PID"
	check "$NAME: /ready says model only if all are" refused_by_all
}

refused_by_all() {
	another both --key a-key-of-nobody
	server server-2 "${PATIENT[@]}" OPENAI_REALTIME_URL="$(url "$both_PORT")" OPENAI_MODEL_2=other OPENAI_API_KEY_2="$OTHER_KEY"
	probed
	equal "$(ready)" '["model",["refused","refused"]]' && stop_server && stop_models "$both_PID"
}

# No money is left behind a key: both endpoints that show it are left out, the one between them is not.
quota() {
	another first --key "$SECRET" --fault fail=quota@2-
	another second --key "$OTHER_KEY"
	another third --key "$SECRET" --fault fail=quota
	server server "${PATIENT[@]}" OPENAI_REALTIME_URL="$(url "$first_PORT")" OPENAI_REALTIME_URL_2="$(url "$second_PORT")" \
		OPENAI_API_KEY_2="$OTHER_KEY" OPENAI_REALTIME_URL_3="$(url "$third_PORT")"
	probed
	check "$NAME: all is well at first" become "well well well"
	phone meets --script "$OUTER/talk.script" >/dev/null
	check "$NAME: both that show the key are left out" become "refused well refused"
	check "$NAME: the account is named" equal "$(api /status | jq '.model.endpoints[2].last_failure |
		contains("look at the account behind OPENAI_API_KEY:")')" true
	check "$NAME: the next call is answered by the second" works one
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the models stop with status 0" stop_models "$first_PID" "$second_PID" "$third_PID"
	check "$NAME: nobody asked the third" equal "$(served third .model)" ""
}

# The first takes the connection and says nothing.
hanging() {
	another first --key "$SECRET" --fault no-created
	another second --key "$SECRET"
	server server "${PATIENT[@]}" MODEL_CONNECT_MS=60000 SILENCE_MAX_MS=16000 BACKLOG_MS=30000 OPENAI_REALTIME_URL="$(url "$first_PORT")" \
		OPENAI_REALTIME_URL_2="$(url "$second_PORT")"
	check "$NAME: the call is answered by the second" works one
	check "$NAME: the server stops with status 0, though a probe hangs" stop_server
	check "$NAME: the models stop with status 0" stop_models "$first_PID" "$second_PID"
	check "$NAME: the second heard the caller, the first did not" equal "$(served first .model) $(served second .model)" \
		" gpt-realtime-2.1"
}

# An agent names its own; a reload brings another order, and a wrong one nothing.
reloaded() {
	mkdir -p "$WORK/agents"
	echo '{"endpoints": [{"number": 2, "model": "desk-2"}]}' >"$WORK/agents/desk.json"
	another first --key "$SECRET"
	another second --key "$SECRET"
	server server "${PATIENT[@]}" AGENTS_DIR="$WORK/agents" OPENAI_REALTIME_URL="$(url "$first_PORT")" \
		OPENAI_REALTIME_URL_2="$(url "$second_PORT")" OPENAI_MODEL_2=not-this
	until_true connected 1
	check "$NAME: the agent has its calls at the second" works one
	echo '{"endpoints": [{"number": 3}]}' >"$WORK/agents/desk.json"
	kill -HUP "$SERVER"
	until_true eval "api /status | jq -e .agents.last_error"
	check "$NAME: an endpoint that there is not is a mistake" equal "$(api /status | jq -r .agents.last_error |
		grep -c 'endpoints\[0\].number: names an endpoint that there is not: OPENAI_REALTIME_URL_3 is not set')" 1
	check "$NAME: calls go on as before" works two
	echo '{"endpoints": [{"number": 1, "voice": "cedar"}, {"number": 2}]}' >"$WORK/agents/desk.json"
	kill -HUP "$SERVER"
	until_true eval "api /status | jq -e '.agents.reloads == 1'"
	check "$NAME: after a reload they are at the first" works three
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the models stop with status 0" stop_models "$first_PID" "$second_PID"
	check "$NAME: each has its model and voice" equal \
		"$(served second '.model, .asked[0].audio.output.voice'), $(served first '.model, .asked[0].audio.output.voice')" \
		"desk-2 marin desk-2 marin, gpt-realtime-2.1 cedar"
}

# What one of them does not know is left out there, and asked for at the other.
lacking() {
	another first --key "$SECRET"
	another second --key "$SECRET" --fault reject-field=session.reasoning
	server server "${PATIENT[@]}" REASONING_EFFORT=low OPENAI_REALTIME_URL="$(url "$first_PORT")" \
		OPENAI_REALTIME_URL_2="$(url "$second_PORT")"
	until_true connected 2
	check "$NAME: the second is named as lacking it" equal "$(api /status | jq -c '[.model.agents_lacking[] | .agent, .endpoint,
		(.lack | contains("reasoning_effort"))]')" '["default",2,true]'
	check "$NAME: a call has it at the first" works one
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the models stop with status 0" stop_models "$first_PID" "$second_PID"
	check "$NAME: … as it was asked for" equal "$(served first '.asked[0].reasoning.effort')" low
}

# checked STATUS VAR=VALUE…: --check with those settings; what it says is in $WORK/check.out.
checked() {
	local status=0
	env -i PATH="$PATH" PORT=0 TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" OPENAI_CA_FILE=build/e2e/ca/ca.pem \
		ASAN_OPTIONS="${ASAN_OPTIONS:-}" TSAN_OPTIONS="${TSAN_OPTIONS:-}" "${@:2}" "$SERVER_BIN" --check >"$WORK/check.out" 2>&1 || status=$?
	equal "$status" "$1"
}

looked_at() {
	local first
	first="$(url "$(own_port)")"
	another second --key "$OTHER_KEY"
	check "$NAME: --check fails if one of them does" checked 1 OPENAI_REALTIME_URL="$first" \
		OPENAI_REALTIME_URL_2="$(url "$second_PORT")" OPENAI_API_KEY_2="$OTHER_KEY"
	check "$NAME: … names that one" grep -q "^agent default at endpoint 1: the model cannot be had: " "$WORK/check.out"
	check "$NAME: … and the one that works" grep -qE \
		"^agent default at endpoint 2: the session was configured as asked, in [0-9]+ ms$" "$WORK/check.out"
	check "$NAME: … and shows no key" equal "$(grep -c "$OTHER_KEY" "$WORK/check.out")" 0
	check "$NAME: --check with authorities of the second's own" checked 1 OPENAI_CA_FILE= OPENAI_CA_FILE_2=build/e2e/ca/ca.pem \
		OPENAI_REALTIME_URL="$first" OPENAI_REALTIME_URL_2="$(url "$second_PORT")" OPENAI_API_KEY_2="$OTHER_KEY"
	check "$NAME: … has it believed" grep -q "^agent default at endpoint 2: the session was configured" "$WORK/check.out"
	check "$NAME: another host that is shown the first's key is warned of" checked 1 OPENAI_REALTIME_URL="$first" \
		OPENAI_REALTIME_URL_2=wss://model.test/v1/realtime OPENAI_MODEL_2=m
	check "$NAME: … by its setting" grep -q "^OPENAI_API_KEY_2 is not set: OPENAI_REALTIME_URL_2 is another host" "$WORK/check.out"
	check "$NAME: an address without TLS is a mistake" checked 1 OPENAI_REALTIME_URL_2=ws://localhost/v1/realtime
	check "$NAME: … told in a sentence" grep -q '^OPENAI_REALTIME_URL_2 is "ws://localhost/v1/realtime": it must start with wss://' "$WORK/check.out"
	check "$NAME: an endpoint twice is a mistake" checked 1 OPENAI_REALTIME_URL="$first" OPENAI_REALTIME_URL_2="$first"
	check "$NAME: … told in a sentence, too" grep -q "^the endpoints 1 and 2 are the same: " "$WORK/check.out"
	check "$NAME: an endpoint that a call could not go on at is a mistake" checked 1 MODEL_PROTOCOL_2=text OPENAI_MODEL_2=m
	check "$NAME: … told in a sentence, likewise" grep -q "^MODEL_PROTOCOL_2=text: a call cannot go on there" "$WORK/check.out"
	check "$NAME: the model stops with status 0" stop_models "$second_PID"
}

for each in down refused quota hanging reloaded lacking looked_at; do
	apart "${each//_/-}" "$each"
done
all_apart
