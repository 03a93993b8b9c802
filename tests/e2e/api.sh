#!/usr/bin/env bash
# The operator's API: who may come in, what each status means, and live calls that
# are watched and steered while they go on as if nobody did.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

READER=not-a-real-read-token-000000000001
JWT_SECRET=not-a-real-jwt-secret-0123456789abcdef
FULL='{"text":"Say it."}'

# A caller who only listens: whatever the agent says after its greeting, the operator has brought about.
printf '%s\n' "wait-end 800000" >"$WORK/api-listen.script"

base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}
jwt() { # HEADER CLAIMS [SECRET]
	local signed
	signed=$(printf %s "$1" | base64url).$(printf %s "$2" | base64url)
	echo "$signed.$(printf %s "$signed" | openssl dgst -sha256 -hmac "${3:-$JWT_SECRET}" -binary | base64url)"
}
# answers STATUS CODE PATH [CURL ARGS…]: as whoever the arguments say. Every error is JSON with a sentence.
answers() {
	local got
	got=$(ask "$3" -o "$WORK/answer.json" -D "$WORK/answer.head" -w '%{http_code}' "${@:4}")
	if [ "$got" != "$1" ] || { [ -n "$2" ] && ! jq -e --arg c "$2" '.error.code == $c and (.error.message | length > 5)' "$WORK/answer.json"; }; then
		echo "got $got, not $1 $2:"
		cat "$WORK/answer.json"
		return 1
	fi
}
refuses() { # STATUS CODE PATH [CURL ARGS…]: to the operator
	answers "$@" -H "Authorization: Bearer $API_TOKEN"
}
header_says() {
	tr -d '\r' <"$WORK/answer.head" | grep -qix "$1"
}
bearer() { # STATUS TOKEN
	answers "$1" "$([ "$1" = 200 ] || echo unauthorized)" /status -H "Authorization: Bearer $2"
}
jwt_for() { # SCOPE
	jwt '{"alg":"HS256"}' "{\"exp\":$(($(date +%s) + 600)),\"scope\":\"$1\"}"
}
may_not() { # SCOPE PATH TOKEN [CURL ARGS…]: that scope would be needed
	answers 403 forbidden "$2" -H "Authorization: Bearer $3" "${@:4}" &&
		jq -e --arg s "scope $1\\b" '.error.message | test($s)' "$WORK/answer.json" &&
		header_says "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"$1\""
}
ends_a_call() { # TOKEN: one that is not there
	answers 404 no_such_call /calls/CAnone -H "Authorization: Bearer $1" -X DELETE
}
sid_but() { # SID: of a live call that is not this one
	api /calls | jq -r --arg not "$1" '[.calls[] | select(.state == "live" and .call_sid != $not)][0].call_sid'
}
watch_to() { # FILE PATH: server-sent events, in the background; pid in $WATCHER
	curl -sN --max-time 900 -H "Authorization: Bearer $API_TOKEN" "http://127.0.0.1:$PORT$2" >"$WORK/$1" &
	WATCHER=$!
}
events() { # FILE: the data of its events, each with its type
	sed -nE '/^event: /{s/^event: //;h;};/^data: /{s/^data: //;G;s/^(.*)\n(.*)$/{"event":"\2","line":\1}/;p;}' "$WORK/$1" | jq -c .
}
seen() { # FILE FILTER: some event fits
	events "$1" | jq -se "map(select($2)) | length > 0"
}
live() {
	api /status | jq -e ".calls.live == $1"
}

who_may_come_in() {
	local now
	now=$(date +%s)
	check "401: without a token" answers 401 unauthorized /status
	check "401: and it says which scheme" header_says "WWW-Authenticate: Bearer"
	check "401: with another token" bearer 401 wrong
	check "401: and that it was wrong" header_says 'WWW-Authenticate: Bearer error="invalid_token"'
	check "200: with API_TOKEN" bearer 200 "$API_TOKEN"
	check "200: with a JWT" bearer 200 "$(jwt '{"alg":"HS256","typ":"JWT"}' "{\"exp\":$((now + 600))}")"
	check "401: JWT that has expired" bearer 401 "$(jwt '{"alg":"HS256","typ":"JWT"}' "{\"exp\":$((now - 1))}")"
	check "401: and the sentence says so" grep -q "has expired" "$WORK/answer.json"
	check "401: JWT without an end" bearer 401 "$(jwt '{"alg":"HS256"}' '{}')"
	check "401: JWT of the future" bearer 401 "$(jwt '{"alg":"HS256"}' "{\"exp\":$((now + 6000)),\"nbf\":$((now + 3000))}")"
	check "401: JWT of another secret" bearer 401 "$(jwt '{"alg":"HS256"}' "{\"exp\":$((now + 600))}" "$JWT_SECRET!")"
	check "401: JWT with alg none" bearer 401 "$(printf %s '{"alg":"none"}' | base64url).$(printf %s "{\"exp\":$((now + 600))}" | base64url)."
	check "401: JWT with alg none, signed all the same" bearer 401 "$(jwt '{"alg":"none"}' "{\"exp\":$((now + 600))}")"
	check "200: a JWT that may read, reads" bearer 200 "$(jwt_for read)"
	check "403: and ends no call" may_not call /calls/CA1 "$(jwt_for read)" -X DELETE
	check "404: one for calls may" ends_a_call "$(jwt_for "read call")"
	check "403: and sends no webhook again" may_not admin /outbox/x/retry "$(jwt_for call)" -X POST
	check "404: one without a scope may do all" ends_a_call "$(jwt '{"alg":"HS256"}' "{\"exp\":$((now + 600))}")"
	check "403: one with a scope of others only may nothing" may_not read /status "$(jwt_for openid)"
	check "200: API_READ_TOKEN reads" bearer 200 "$READER"
	check "403: and places no call" may_not call /calls "$READER" --json "$FULL"
	check "200: a page of ours" answers 200 "" /status -H "Authorization: Bearer $API_TOKEN" -H "Origin: $PUBLIC" -H 'Sec-Fetch-Site: same-origin'
	check "403: a page of another site, with the right token" refuses 403 forbidden /calls/CA1 -X DELETE -H 'Origin: https://evil.example.org'
	check "403: one of a neighbour" refuses 403 forbidden /status -H 'Sec-Fetch-Site: same-site'
	check "403: one that hides its site" refuses 403 forbidden /status -H 'Origin: null'
	check "401: a token in the query" answers 401 unauthorized "/status?token=$API_TOKEN"
	check "401: whoever watches needs it" answers 401 unauthorized /events
	check "401: JWT with alg HS512" bearer 401 "$(jwt '{"alg":"HS512"}' "{\"exp\":$((now + 600))}")"
}

what_each_status_means() { # SID of a call that is over
	head -c 70000 /dev/zero | tr '\0' ' ' >"$WORK/large"
	check "404: no such address" refuses 404 not_found /nowhere
	check "404: no such call" refuses 404 no_such_call /calls/CAnone
	check "404: no such call to watch" refuses 404 no_such_call /calls/CAnone/events
	check "404: no such call to steer" refuses 404 no_such_call /calls/CAnone/say --json "$FULL"
	check "405: and Allow says what would do" refuses 405 method_not_allowed "/calls/$1/say"
	check "405: POST" header_says "Allow: POST"
	check "409: that call is over" refuses 409 call_over "/calls/$1/say" --json "$FULL"
	check "409: and cannot be watched" refuses 409 call_over "/calls/$1/events"
	check "400: a query nobody knows" refuses 400 invalid_query "/status?colour=red"
	check "400: the parameter is named" equal "$(field "$WORK/answer.json" .error.field)" colour
	check "400: not JSON" refuses 400 malformed_json "/calls/$1/say" --json '{"text":'
	check "400: a field twice" refuses 400 malformed_json "/calls/$1/say" --json '{"text":"a","text":"b"}'
	check "411: no length" refuses 411 length_required "/calls/$1/say" -X POST -H "Content-Type: application/json"
	check "413: too large" refuses 413 too_large "/calls/$1/say" --json "@$WORK/large"
	check "413: too large, and nobody said so before" refuses 413 too_large "/calls/$1/say" --json "@$WORK/large" -H "Transfer-Encoding: chunked"
	check "415: a form" refuses 415 unsupported_media_type "/calls/$1/say" -d text=a
	check "422: a field is missing" refuses 422 invalid_field "/calls/$1/say" --json '{}'
	check "422: it is named" equal "$(field "$WORK/answer.json" .error.field)" text
	check "openapi: anyone may have it, and it is 3.1" equal "$(api /openapi.json | jq -r '.openapi[:4]')" 3.1.
}

watched_and_steered() {
	local sid all one
	phone other --script "$OUTER/api-listen.script" --expect end=server &
	OTHER=$!
	check "a call is up" until_true live 1
	watch_to all.sse /events
	all=$WATCHER
	FLOOD=$(sid_but "")
	check "events: everyone's stream has begun" until_true grep -q '^id: ' "$WORK/all.sse"
	phone talk --script "$OUTER/api-listen.script" --expect clears=0 --expect warnings=0 \
		--expect script_done=1 --expect dial=+12025550177 --expect streams=1 &
	local talk=$!
	check "another call is up" until_true live 2
	sid=$(sid_but "$FLOOD")
	watch_to one.sse "/calls/$sid/events"
	one=$WATCHER
	check "events: of one call a snapshot comes first" until_true seen one.sse ".event == \"snapshot\" and .line.data.call_sid == \"$sid\""

	# A third watcher, who reads nothing.
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'GET /events HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n' "$API_TOKEN" >&7
	check "three watch" until_true eval "api /status | jq -e '.watchers == {open: 3, limit: 3}'"
	check "429: one watcher more than MAX_WATCHERS" refuses 429 too_many_watchers /events
	check "429: and Retry-After says when to ask again" header_says "Retry-After: 5"

	check "422: no such destination" refuses 422 invalid_field "/calls/$sid/transfer" --json '{"destination":"nowhere"}'
	check "the greeting was heard" until_true seen one.sse '.event == "turn" and .line.no == 0 and .line.data.heard_confirmed'
	check "say: is taken, 202" equal "$(api "/calls/$sid/say" --json '{"text":"The plumber is on his way.","mode":"exact"}' | jq -r .status)" accepted

	# About the other call, more than the one who does not read could ever hold.
	local body
	body=$(printf '{"text":"%04000d"}' 0)
	for _ in $(seq 150); do
		printf 'next\nurl = "http://127.0.0.1:%s/calls/%s/say"\nheader = "Authorization: Bearer %s"\njson = "%s"\noutput = /dev/null\n' \
			"$PORT" "$FLOOD" "$API_TOKEN" "${body//\"/\\\"}"
	done | tail -n +2 >"$WORK/flood.curl"
	curl -s --max-time 900 -K "$WORK/flood.curl"
	check "what is too much to say is counted, and told" until_true eval "api /status | jq -e '.calls.orders_ignored > 0'"
	check "a watcher who does not read is dropped" until_true eval "api /status | jq -e '.http.watchers_dropped == 1'"
	exec 7>&-

	check "say: the agent speaks, and is heard" until_true seen one.sse '.event == "turn" and .line.no == 1 and .line.data.who == "agent" and .line.data.heard_confirmed'
	check "transfer: is taken, 202" equal "$(api "/calls/$sid/transfer" --json '{"destination":"office"}' | jq -r .status)" accepted
	wait $talk
	check "transfer: the caller is put through, and the call went as if nobody watched" equal $? 0
	wait "$one"
	check "events: the stream of one call ends with the call" equal $? 0
	check "events: its last is call.ended, with how" equal "$(events one.sse | tail -1 | jq -r '.event, .line.data.ending.reason' | paste -sd' ')" "call.ended transferred"
	check "events: nobody else's" equal "$(events one.sse | jq -r '.line.call_sid // empty' | sort -u)" "$sid"
	check "events: the transfer" seen one.sse '.event == "operator.transfer" and .line.data.to == "office"'
	check "events: the operator's word" seen one.sse '.event == "operator.say" and .line.data.mode == "exact"'
	check "events: turns as they form" seen one.sse '.event == "turn" and .line.final == false and .line.data.who == "agent"'
	check "events: numbers grow" eval "sed -n 's/^id: //p' $WORK/one.sse | sort -c -n -u"
	api "/calls/$sid" >"$WORK/talk-record.json"
	check "events: the last of each turn is what is on the record" equal \
		"$(events one.sse | jq -sc '[.[] | select(.event == "turn")] | group_by(.line.no) | map(last.line.data | [.who, .text, .heard_ms])')" \
		"$(jq -c '[.turns[] | [.who, .text, .heard_ms]]' "$WORK/talk-record.json")"
	check "events: who watches all hears of both calls" equal \
		"$(events all.sse | jq -r 'select(.event == "operator.say" or .event == "call.ended") | .line.call_sid' | sort -u | grep -c .)" 2
	what_each_status_means "$sid"
	from_the_shell "$sid"

	local last
	last=$(sed -n 's/^id: //p' "$WORK/one.sse" | tail -3 | head -1)
	api "/calls/$sid/events" -N -H "Last-Event-ID: $last" >"$WORK/again.sse"
	check "events: who was cut off gets what it missed, to the end" equal \
		"$(sed -n 's/^id: //p' "$WORK/again.sse" | paste -sd' ')" "$(sed -n 's/^id: //p' "$WORK/one.sse" | tail -2 | paste -sd' ')"
	ALL=$all
}

# trunkline ARGS…: the program as the operator's shell runs it, on the server's machine, with its settings; what it
# prints in $WORK/shell.out and $WORK/shell.err.
trunkline() {
	env -i PATH="$PATH" TZ=UTC PORT="$PORT" API_TOKEN="$API_TOKEN" "${SHELL_SETS[@]}" "$SERVER_BIN" "$@" >"$WORK/shell.out" 2>"$WORK/shell.err"
}
SHELL_SETS=()
shell_fails() { # STATUS PATTERN ARGS…: with one line of why, and nothing else
	local status=0
	trunkline "${@:3}" || status=$?
	if [ "$status" != "$1" ] || ! grep -qE "$2" "$WORK/shell.err" || [ "$(wc -l <"$WORK/shell.err")" != 1 ] || [ -s "$WORK/shell.out" ]; then
		echo "status $status:"
		cat "$WORK/shell.out" "$WORK/shell.err"
		return 1
	fi
}
shell_says() {
	grep -qE -- "$1" "$WORK/shell.out" || { cat "$WORK/shell.out"; return 1; }
}

from_the_shell() { # SID of a call that is over; $FLOOD is live
	check "shell: status" trunkline status
	check "shell: … takes calls" shell_says '^Trunkline [0-9.]+ takes calls; up [0-9:]+$'
	check "shell: … with one live call" shell_says '^calls +1 live of at most 10; since the start 2'
	check "shell: … and the model" shell_says '^model +can be had'
	check "shell: … and no store" shell_says '^store +none: nothing is kept \(DATA_DIR\)$'
	check "shell: status --json is what the API says" eval "trunkline status --json && jq -e '.calls.live == 1' $WORK/shell.out"
	check "shell: calls" trunkline calls
	check "shell: … the live one first" equal "$(awk 'NR > 1 { print $8, $9 }' "$WORK/shell.out" | paste -sd,)" "$FLOOD live,$1 handed"
	check "shell: calls --live" trunkline calls --live
	check "shell: … are the live ones" equal "$(awk 'NR > 1 { print $8 }' "$WORK/shell.out")" "$FLOOD"
	check "shell: calls of nobody" trunkline calls --from +12025550999
	check "shell: … are none" equal "$(wc -l <"$WORK/shell.out")" 1
	check "shell: calls --json" trunkline calls --json --last 1
	check "shell: … is one object" equal "$(jq -r '.calls[].call_sid' "$WORK/shell.out" | paste -sd,)" "$FLOOD,$1"
	check "shell: call" trunkline call "$1"
	check "shell: … how it ended" shell_says '^ended +handed over to a person$'
	check "shell: … what was said" shell_says '^ +0:[0-9]{2}  agent   The plumber is on his way\.'
	check "shell: … by all who spoke" equal "$(grep -cE '^ +[0-9]+:[0-9]{2}  (agent|caller|keys) ' "$WORK/shell.out")" \
		"$(jq '.turns | length' "$WORK/talk-record.json")"
	check "shell: the live call" trunkline call "$FLOOD"
	check "shell: … is live" shell_says '^state +live$'
	check "shell: call --json" trunkline call "$1" --json
	check "shell: … is what the API says" equal "$(jq -S . "$WORK/shell.out" | md5sum)" "$(api "/calls/$1" | jq -S . | md5sum)"
	check "shell: no such call" shell_fails 1 '^no call of that CallSid is known here$' call CAnone
	check "shell: nor one with another path" shell_fails 1 '^no call of that CallSid is known here$' call ../status
	check "shell: a filter that makes no sense" shell_fails 1 '^the server refuses: ending must be one of' calls --ending never
	check "shell: an option that is none" shell_fails 2 '^trunkline: calls has no option --limit;' calls --limit 3
	SHELL_SETS=(API_TOKEN=not-the-token-at-all-000000)
	check "shell: with a wrong token" shell_fails 1 '^the server does not take the token of these settings' calls
	SHELL_SETS=(API_TOKEN= API_READ_TOKEN="$READER" API_JWT_SECRET="$JWT_SECRET")
	check "shell: who may only read, reads" trunkline call "$1"
	SHELL_SETS=(PORT="$(own_port)")
	check "shell: nobody listens" shell_fails 1 '^no server answers at 127\.0\.0\.1:[0-9]+ \(LISTEN, PORT\): Connection refused$' status
	SHELL_SETS=(PORT="$MODEL_PORT")
	check "shell: something else listens" shell_fails 1 'does not answer as this version of Trunkline does$' call "$1"
	SHELL_SETS=(PORT="$PORT" LISTEN=0.0.0.0)
	check "shell: LISTEN may be all addresses" trunkline status
	SHELL_SETS=()
}

# Without API_TOKEN, by the token that the server has made and keeps; and a caller whose words would steer a terminal.
by_the_token_that_was_made() {
	local sid
	printf '%s\n' "say caller-3.wav" "wait-agent-done 1200" hangup >"$WORK/hello.script"
	printf '%s' '{"turns":[{"hear":"Hello\u001b[2J\u202e, \u009b31m it is me.","say":"Let me see.","wav":"none.wav"}]}' >"$WORK/odd.model"
	model odd --key "$SECRET" --script "$WORK/odd.model"
	server kept API_TOKEN= DATA_DIR="$WORK/data"
	SHELL_SETS=(API_TOKEN= DATA_DIR="$WORK/data")
	phone odd --script "$OUTER/hello.script"
	sid=$(field "$WORK/odd.json" '.calls[0].call_sid')
	check "shell: the token that was made will do" until_true eval "trunkline call $sid && grep -q '^ended ' $WORK/shell.out"
	check "shell: what a caller says is read" shell_says '  caller  Hello.*it is me\.$'
	check "shell: … and steers nothing" eval "! LC_ALL=C grep -P '\\x1b|\\xc2\\x9b|\\xe2\\x80\\xae' $WORK/shell.out"
	check "shell: as JSON" trunkline call "$sid" --json
	check "shell: … it steers nothing" eval "! LC_ALL=C grep -P '\\x1b|\\xc2\\x9b|\\xe2\\x80\\xae' $WORK/shell.out"
	check "shell: … and means the same" equal "$(jq -r '.turns[] | select(.who == "caller").text' "$WORK/shell.out" | od -An -c | tr -d ' \n' | grep -cE '033\[2J.*342200256.*302233')" 1
	check "shell: the store is told of" eval "trunkline status && shell_says '^store +sound, '"
	SHELL_SETS=(API_TOKEN= DATA_DIR="$WORK/elsewhere")
	check "shell: no token there" shell_fails 1 'elsewhere/api-token has no token' status
	check "the server stops with status 0" stop_server
	check "the model stops with status 0" stop_model
}

stopping() {
	kill -TERM "$SERVER"
	wait "$ALL"
	check "SIGTERM: no calls are taken any more" until_true eval '[ "$(api /ready | jq -r .status)" = draining ]'
	check "SIGTERM: watchers are sent away while a call may go on" equal "$(api /status | jq .calls.live)" 1
	check "SIGTERM: no new ones" refuses 503 shutting_down /events
	api "/calls/$FLOOD" -X DELETE >/dev/null
	wait $OTHER
	check "the other call was ended by the operator" equal $? 0
	check "the server stops with status 0" stopped "$SERVER"
}

mkdir -p "$WORK/agents"
echo '{"transfers":[{"name":"office","number":"+12025550177","description":"People."}]}' >"$WORK/agents/reception.json"
model model --key "$SECRET"
server plain
check "200: with API_TOKEN" bearer 200 "$API_TOKEN"
check "the sections of /status stand in their order" equal "$(jq -c keys_unsorted "$WORK/answer.json")" \
	'["version","uptime_seconds","calls","agents","model","latency","audio","turns","digits","tools","twilio","relay","gather","ladder","voicemail","voice","http","watchers","records","knowledge","recording","cost","work","outbound","outbox","store","process"]'
check "the server stops with status 0" stop_server
server api API_READ_TOKEN="$READER" API_JWT_SECRET="$JWT_SECRET" MAX_WATCHERS=3 DRAIN_SECONDS=60 OUTBOUND_ALLOW=+1 AGENTS_DIR="$WORK/agents"
who_may_come_in
watched_and_steered
stopping
check "the model stops with status 0" stop_model
check "every message was one the model knows" equal "$(field "$WORK/model.json" .violation_count)" 0
by_the_token_that_was_made
finish
