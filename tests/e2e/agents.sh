#!/usr/bin/env bash
# Agents from files: who answers which number, with whose voice and words; what a
# reload changes and what not; what --check says.
# flavors: asan
. "$(dirname "$0")/lib.sh"

DIR=$WORK/agents
mkdir -p "$DIR"
printf 'wait-agent-talking 200\nhangup\n' >"$WORK/agents-short.script"
printf 'wait-agent-talking 200\nsilence 600000\n' >"$WORK/agents-long.script"

put() { # NAME: an agent's file, from stdin; whole at once, as editors write it
	cat >"$DIR/$1.new"
	mv "$DIR/$1.new" "$DIR/$1"
}
put dental.json <<'JSON'
{"numbers": ["+12025550100", "+12025550102"], "model": "gpt-realtime-mini", "voice": "cedar", "languages": ["en", "es"],
 "instructions": {"file": "dental.md"},
 "greeting": {"mode": "exact", "text": "Hello {{caller}}."},
 "interruptible": false, "limits": {"max_call_seconds": 300}}
JSON
echo 'You are the dentist. You were called at {{called}} by {{caller}}; it is {{now}}.' >"$DIR/dental.md"
put pizza.json <<'JSON'
{"numbers": ["+12025550101"], "instructions": "You sell pizza.", "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
 "variants": [{"name": "loud", "weight": 1, "voice": "ash", "speed": 1.2}, {"name": "silent", "weight": 0, "voice": "echo"}]}
JSON

reloads() { # OK FAILED
	api /status | jq -e "[.agents.reloads, .agents.reloads_failed] == [$1, $2]"
}
live() {
	api /status | jq -e ".calls.live == $1"
}
to_call() { # NAME TO: one short call
	check "$1: a call to $2" phone "$1" --script "$OUTER/agents-short.script" --to "$2" --expect script_done=1
}
record() { # NAME: what is known of that call
	api "/calls/$(field "$WORK/$1.json" '.calls[0].call_sid')"
}
answered() { # NAME: agent and variant
	record "$1" | jq -r '"\(.agent) \(.variant)"'
}

model model --key "$SECRET"
server server AGENTS_DIR="$DIR" STREAM_UNANNOUNCED=on OPENAI_VOICE=verse TZ=CET-1 GREETING="Greet the caller at {{called}}."
until_true connected 1 # the server's own session is the first
check "status: who there is" equal "$(api /status | jq -c '[.agents.names, .agents.last_error]')" \
	'[["dental","pizza","default"],null]'
to_call dental +12025550100
to_call pizza +12025550101
to_call other +12025550199
check "the record says who answered" equal "$(answered dental), $(answered pizza), $(answered other)" \
	"dental null, pizza loud, default null"

# A call that is up keeps what it began with; the next gets what the file says by then.
dial kept --script "$OUTER/agents-long.script" --to +12025550102
check "a call is up" until_true live 1
put dental.json <<'JSON'
{"numbers": ["+12025550100", "+12025550102"], "voice": "sage", "greeting": {"mode": "exact", "text": "Good day."}}
JSON
kill -HUP "$SERVER"
check "SIGHUP: the agents are read anew" until_true reloads 1 0
to_call fresh +12025550100
put pizza.json <<<'{"numbers": ["+12025550101"], "voise": "ash"'
put second.json <<<'{"numbers": ["+12025550100"], "voise": "ash"}'
kill -HUP "$SERVER"
check "SIGHUP: files with mistakes are refused" until_true reloads 1 1
check "every mistake is in the log" logged 2 'error setup .*(pizza.json: line 1, column 45: ends here|second.json: voise: is no key .* "voice"\?)' \
	"$WORK/server.log"
check "and in /status" equal "$(api /status | jq -r .agents.last_error | grep -c .)" 2
check "the agents from before stay" equal "$(api /status | jq -c .agents.names)" '["dental","pizza","default"]'
to_call still +12025550101
check "and answer" equal "$(answered still)" "pizza loud"
api "/calls/$(api /calls | jq -r '[.calls[] | select(.state == "live")][0].call_sid')" -X DELETE >/dev/null
all_over
check "a stream nobody announced" phone unannounced --script "$OUTER/agents-short.script" --to +12025550101 --fault no-token
check "has the agent of the number its parameters tell" equal "$(answered unannounced)" "pizza loud"
rm "$DIR/second.json"
put pizza.json <<<'{"numbers": ["+12025550101"]}'
kill -HUP "$SERVER"
check "SIGHUP: mended, the error is gone" until_true eval "api /status | jq -e '.agents | .reloads == 2 and .last_error == null'"
check "the server stops with status 0" stop_server

# Who cannot be served is dialled through to where the agent of the number says.
put pizza.json <<<'{"numbers": ["+12025550101"], "fallback": {"number": "+12025550178"}, "phrases": {"unanswered": "No pizza today."}}'
put tapas.json <<<'{"numbers": ["+12025550103"], "languages": ["es", "en"], "fallback": {"number": ""}}'
server full AGENTS_DIR="$DIR" MAX_CALLS=1 OVERFLOW_NUMBER=+12025550177
dial first --script "$OUTER/agents-long.script" --to +12025550102
check "full: one call is up" until_true live 1
for pair in 0101:0178 0100:0177; do
	check "full: a call to +1202555${pair%:*} is dialled through to +1202555${pair#*:}" phone "full-${pair%:*}" \
		--script "$OUTER/agents-short.script" --to "+1202555${pair%:*}" --expect "dial=+1202555${pair#*:}" --expect end=no-stream
done
check "full: so is a call of a browser to the number's SIP address, with our number as the caller's" phone full-sip \
	--script "$OUTER/agents-short.script" --from client:alice --to "sip:+12025550101@acme.sip.twilio.com" \
	--expect "dial=+12025550178" --expect "twiml=callerId=\"+12025550101\"" --expect end=no-stream
check "full: nobody takes it there, and the caller hears so in the agent's words" phone full-unanswered --dial no-answer \
	--script "$OUTER/agents-short.script" --to +12025550101 --expect dial=+12025550178 --expect "say=No pizza today." --expect end=no-stream
check "full: or in the built-in ones" phone full-busy --dial busy --script "$OUTER/agents-short.script" --to +12025550100 \
	--expect dial=+12025550177 --expect "say=nobody can take your call right now" --expect end=no-stream
check "full: both are counted" equal "$(api /status | jq .calls.fallbacks_unanswered)" 2
check "full: a Spanish agent says it in Spanish" phone full-spanish --script "$OUTER/agents-short.script" --to +12025550103 \
	--expect dial= --expect "say=todas nuestras líneas están ocupadas" --expect 'twiml=<Say language="es-ES">' --expect end=no-stream
check "full: somebody whom we called is not told to call again" phone full-called --outbound --from +12025550103 --to +12025550123 \
	--script "$OUTER/agents-short.script" --expect "say=Lo sentimos, tenemos que terminar esta llamada aquí. Adiós." --expect end=no-stream
api "/calls/$(field <(api /calls) '.calls[0].call_sid')" -X DELETE >/dev/null
all_over
check "full: the server stops with status 0" stop_server
rm "$DIR/tapas.json"
check "the model stops with status 0" stop_model

# What the model was asked for, session by session. The server's own hear nobody; for the
# unannounced call there may have been two.
sessions() { # FILTER: of each call's session
	jq -c "[[.per_session[] | select(.events[\"input_audio_buffer.append\"] > 0)][0:6][] | $1]" "$WORK/model.json"
}
tried() { # FILTER: of each of the server's own, in order
	jq -c "[.per_session[] | select((.events[\"input_audio_buffer.append\"] // 0) == 0) | .asked[0] // empty | $1]" "$WORK/model.json"
}
check "the server tries a session for each agent and variant, at start and after a reload" equal \
	"$(tried .audio.output.voice | jq -c '.[:8]')" '["cedar","ash","echo","verse","sage","ash","echo","verse"]'
check "with the tools of a call" equal "$(tried '.tools | map(.name)' | jq -c 'unique')" '[["end_call"]]'
check "the model saw nothing it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
check "each call has its agent's model" equal "$(sessions .model)" \
	'["gpt-realtime-mini","gpt-realtime-2.1","gpt-realtime-2.1","gpt-realtime-mini","gpt-realtime-2.1","gpt-realtime-2.1"]'
check "and voice" equal "$(sessions '.asked[0].audio.output.voice')" '["cedar","ash","verse","cedar","sage","ash"]'
check "and speed" equal "$(sessions '.asked[0].audio.output.speed' | jq -c '.[1]')" 1.2
check "and turn detection" equal "$(sessions '.asked[0].audio.input.turn_detection | "\(.type) \(.interrupt_response)"' | jq -c '.[:2]')" \
	'["server_vad false","semantic_vad true"]'
check "and languages" equal "$(sessions '.asked[0].audio.input.transcription.languages' | jq -c '.[:2]')" '[["en","es"],null]'
told=$(sessions '.asked[0].instructions' | jq -r '.[0]')
echo "$told" >"$WORK/told"
check "variables have their values" grep -qE \
	'^You are the dentist. You were called at \+12025550100 by \+[0-9]+; it is [A-Z][a-z]+day, [0-9]+ [A-Z][a-z]+ 20[0-9]{2}, [0-9]{2}:[0-9]{2} \(CET, UTC\+01:00\)\.$' "$WORK/told"
check "the model is told which languages" grep -q "one of these (ISO 639-1): en, es\." "$WORK/told"
sessions '.requests[0].instructions' >"$WORK/greetings"
check "an exact greeting has the caller's number" jq -e '.[0] | test("nothing else:\nHello \\+[0-9]+\\.$")' "$WORK/greetings"
check "the settings' greeting is a template too" jq -e '.[2] | endswith("Greet the caller at +12025550199.")' "$WORK/greetings"
check "a new call has the new words, a live one has the old" jq -e \
	'(.[3] | test("Hello \\+")) and (.[4] | endswith("Good day."))' "$WORK/greetings"

# --check
ran() { # STATUS VAR=VALUE… -- ARGS…
	local wanted=$1 status=0 set=()
	shift
	while [ "$1" != -- ]; do
		set+=("$1")
		shift
	done
	shift
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" "${set[@]}" "${FIXED[@]}" "$SERVER_BIN" "$@" >"$WORK/check.out" 2>"$WORK/check.err" || status=$?
	equal "$status" "$wanted"
}
check "--check --offline needs no key and no model" ran 0 AGENTS_DIR="$DIR" -- --check --offline
check "and has a line for each agent" equal "$(grep -oE '^agent [a-z]+: numbers=[^ ]+ model=[^ ]+ voice=[a-z]+' "$WORK/check.out" | paste -sd';')" \
	"agent dental: numbers=+12025550100,+12025550102 model=gpt-realtime-2.1 voice=sage;agent pizza: numbers=+12025550101 model=gpt-realtime-2.1 voice=marin;agent default: numbers=all-others model=gpt-realtime-2.1 voice=marin"
put third.json <<<'{"numbers": ["+12025550100"], "tools": [{"name": "end_call", "description": "d", "url": "https://h/"}]}'
check "--check --offline ends with 1 on mistakes" ran 1 AGENTS_DIR="$DIR" -- --check --offline
check "which are told on stderr" equal "$(grep -cE 'third.json: (tools\[0\].name: |signing_secret_env: )' "$WORK/check.err")" 2
check "and that nothing else was tried is the last word" equal "$(tail -1 "$WORK/check.err")" "there are mistakes, told above; nothing was connected to"
rm "$DIR/third.json"
check "a directory that is not there is a mistake" ran 1 AGENTS_DIR="$WORK/nowhere" -- --check --offline
check "and one whose name would steer the terminal" ran 1 AGENTS_DIR=$'/nowhere\e[2J\u202e' -- --check --offline
check "which it does not" eval "! LC_ALL=C grep -hP '\\x1b|\\xe2\\x80\\xae' $WORK/check.out $WORK/check.err"
for example in receptionist restaurant; do
	check "the example $example is sound" ran 0 AGENTS_DIR="tools/examples/$example" SIGNING_SECRET="$SECRET" -- --check --offline
done
model model2 --key "$SECRET"
check "--check opens a session as each agent would" ran 0 AGENTS_DIR="$DIR" PORT=0 OPENAI_API_KEY="$SECRET" TWILIO_AUTH_TOKEN="$SECRET" \
	OPENAI_CA_FILE=build/e2e/ca/ca.pem OPENAI_REALTIME_URL="wss://localhost:$MODEL_PORT/v1/realtime" -- --check
check "and says so" equal "$(grep -c '^agent [a-z]*: the session was configured as asked' "$WORK/check.out")" 3
check "the second model stops with status 0" stop_model
check "each with its voice" equal "$(jq -c '[.per_session[].asked[0].audio.output.voice]' "$WORK/model2.json")" '["sage","marin","marin"]'
finish
