#!/usr/bin/env bash
# One good call, in each audio format: turns, an interruption, what was heard,
# and that nothing was said to the model that it does not know.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/basic.script" <<SCRIPT
wait-agent-done 2500
$(interruption)
say caller-3.wav
wait-agent-done 2500
hangup
SCRIPT

# call FORMAT: a conversation with one interruption.
call() {
	model "model-$1" --key "$SECRET"
	server "server-$1" OPENAI_AUDIO_FORMAT="$1"
	until_true connected 1 # the server's own session is the first
	check "$1: the call goes as it should" phone "call-$1" --script "$OUTER/basic.script" \
		--expect 'answers>=4' --expect 'cut_answers>=1' --expect 'clears=1' --expect 'warnings=0' \
		--expect 'end=caller' --expect 'script_done=1'
	until_true eval "sid=\$(api /calls | jq -er '.calls[0].call_sid') && call_ended \"\$sid\""
	api "/calls/$sid" >"$WORK/timeline-$1.json"
	api /status >"$WORK/status-$1.json"
	check "$1: the server stops with status 0" stop_server
	check "$1: the model stops with status 0" stop_model
	check "$1: every message was one the model knows" equal "$(field "$WORK/model-$1.json" .violation_count)" 0
	check "$1: no error came back" equal "$(field "$WORK/model-$1.json" .errors_sent)" 0
	check "$1: who spoke, in order" equal \
		"$(field "$WORK/timeline-$1.json" '[.turns[].who] | join(" ")')" "agent caller agent caller agent caller agent"
	check "$1: the ending has its name" equal "$(field "$WORK/timeline-$1.json" .ending.reason)" caller_hung_up
	check "$1: one answer was interrupted, and less of it heard than made" equal \
		"$(field "$WORK/timeline-$1.json" '[.turns[] | select(.interrupted and .heard_ms < .generated_ms)] | length')" 1
	check "$1: the model was told so, once" equal \
		"$(field "$WORK/model-$1.json" '.per_session[-1].events["conversation.item.truncate"]')" 1
	check "$1: nothing was dropped" equal \
		"$(field "$WORK/status-$1.json" '[.audio.dropped_ms, .audio.answer_dropped_ms] | add')" 0
}

# Instructions longer than a TLS record or two, to a model that reads slowly: the
# caller's audio must not get in between the parts of a message.
long_instructions() {
	model model-long --key "$SECRET" --fault read-rate=200000
	server server-long INSTRUCTIONS="$(printf 'Be brief. %.0s' $(seq 6000))" MODEL_CONNECT_MS=60000 \
		TZ=Asia/Kolkata MAX_CALS=7 REDIS_HOST=redis
	until_true connected 1
	check "at start: the offset of the time zone" until_true grep -q "time zone: UTC+05:30 now (IST), by TZ" "$WORK/server-long.log"
	check "at start: what was meant as a setting, a warning each" equal "$(grep -cE \
		' warn setup (MAX_CALS is no setting .* is MAX_CALLS meant|REDIS_HOST is no setting)' "$WORK/server-long.log")" 2
	check "long instructions: the call goes as it should" phone call-long --script "$OUTER/basic.script" \
		--expect 'answers>=4' --expect 'clears=1' --expect 'warnings=0' --expect 'script_done=1'
	check "long instructions: the server stops with status 0" stop_server
	check "long instructions: the model stops with status 0" stop_model
	check "long instructions: every message arrived whole" equal "$(field "$WORK/model-long.json" .violation_count)" 0
	check "long instructions: twice, for the session and for the greeting" equal \
		"$(field "$WORK/model-long.json" '.per_session[-1].events | "\(.["session.update"]) \(.["response.create"])"')" "1 1"
}

# A server that does not start says why, in the form its log has.
mistakes() {
	env -i PATH="$PATH" PORT=x LISTEN=:: OPENAI_APIKEY=k "$@" "$SERVER_BIN" 2>"$WORK/mistakes.log"
	equal $? 1
}
check "mistakes: the server does not start" mistakes
check "mistakes: a sentence each, with what may have been meant" equal "$(cut -d' ' -f1 "$WORK/mistakes.log" | xargs)" "LISTEN PORT OPENAI_APIKEY"
check "mistakes: nor where the log is JSON" mistakes LOG_FORMAT=JSON
check "mistakes: then they are JSON" equal "$(jq -r '"\(.level) \(.message | split(" ")[0])"' "$WORK/mistakes.log" | xargs)" \
	"error LISTEN error PORT error OPENAI_APIKEY"

# Calls are answered without the hour, but whoever checks is told in a way that cannot be missed.
checks() {
	env -i PATH="$PATH" "$@" "$SERVER_BIN" --check --offline >"$WORK/checks.out" 2>&1
}
check "checks: a time zone that is one passes" checks TZ=America/New_York
check "checks: one that nobody knows does not" eval '! checks TZ=America/NewYork'
check "checks: and says so" grep -q "^TZ=America/NewYork is refused" "$WORK/checks.out"
check "checks: nor does a directory that cannot be made" eval '! checks DATA_DIR="$WORK/nowhere/data"'
check "checks: and says so" grep -q "^DATA_DIR: the directory .*/nowhere/data cannot be made" "$WORK/checks.out"

checks_all() {
	env -i PATH="$PATH" PORT=0 "$@" "$SERVER_BIN" --check >"$WORK/checks.out" 2>&1
}
check "checks: without keys the other mistakes are told all the same" eval '! checks_all DATA_DIR=/dev/null TZ=America/NewYork'
check "checks: beside the keys" equal "$(grep -cE '^(OPENAI_API_KEY and TWILIO_AUTH_TOKEN are not set|DATA_DIR: |TZ=.* is refused)' "$WORK/checks.out")" 3
model model-checks --key "$SECRET"
server server-checks
health() { # PORT
	env -i PATH="$PATH" PORT="$1" "$SERVER_BIN" --health 2>"$WORK/health.out"
}
check "health: of a server that answers" eval 'health "$PORT" && [ ! -s "$WORK/health.out" ]'
check "health: where nobody listens, and why" eval '! health 1 && grep -qx "no answer from 127.0.0.1:1: Connection refused" "$WORK/health.out"'
check "checks: a port where a server answers is no mistake" eval '! checks_all PORT="$PORT"'
check "checks: and is told" grep -qx "a server is running at 127.0.0.1:$PORT already" "$WORK/checks.out"
check "checks: a port where something else listens is one" eval '! checks_all PORT="$MODEL_PORT"'
check "checks: and is told, too" grep -qx "cannot listen on 127.0.0.1:$MODEL_PORT (LISTEN, PORT): Address already in use" "$WORK/checks.out"
check "checks: the server stops with status 0" stop_server
# What the kernel keeps from a user's other programs belongs to root in /proc.
owner_of_memory() {
	stat -c %u "/proc/$SERVER/mem" "/proc/$SERVER/environ" | xargs
}
PLAIN=("${FIXED[@]}")
FIXED=("${OTHER[@]}" "${FIXED[@]}")
server hidden
check "memory: the user's other programs cannot read it" equal "$(owner_of_memory)" "0 0"
check "memory: stops with status 0" stop_server
server shown CORE_DUMPS=on
check "memory: but where it is wanted so" eval '[ "$(owner_of_memory)" != "0 0" ]'
check "memory: which is warned of" until_true grep -q " warn setup CORE_DUMPS=on: " "$WORK/shown.log"
check "memory: stops with status 0, too" stop_server
FIXED=("${PLAIN[@]}")
rest rest --own +12025550101
mkdir -p "$WORK/agents"
echo '{"numbers": ["+12025550101", "+12025550109"]}' >"$WORK/agents/desk.json"
connects() { # VAR=VALUE…
	checks_all AGENTS_DIR="$WORK/agents" PUBLIC_URL="$PUBLIC" OPENAI_API_KEY="$SECRET" OPENAI_CA_FILE=build/e2e/ca/ca.pem \
		OPENAI_REALTIME_URL="wss://localhost:$MODEL_PORT/v1/realtime" TWILIO_AUTH_TOKEN="$SECRET" "${REST[@]}" "$@"
}
check "checks: Twilio's account is asked" connects
check "checks: a number that is none of it is told, the other is not" equal "$(grep '^Twilio: ' "$WORK/checks.out")" \
	"Twilio: the number +12025550109 of the agent desk is none of this account
Twilio: the account was asked; numbers=2"
check "checks: a token that it refuses is a mistake" eval '! connects TWILIO_AUTH_TOKEN=another'
check "checks: and told, and no word that calls will work" eval 'grep -q "^Twilio: the account: .*; look at TWILIO_ACCOUNT_SID" "$WORK/checks.out" &&
	grep -q "^agent desk: the session was configured as asked" "$WORK/checks.out" && ! grep -q "calls will work" "$WORK/checks.out"'
check "checks: Twilio's stand-in stops with status 0" stop_rest
check "checks: the model stops with status 0" stop_model

for format in pcmu pcma pcm; do
	together "$format" call "$format"
done
together long long_instructions
all_together
finish
