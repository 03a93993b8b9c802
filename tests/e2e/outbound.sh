#!/usr/bin/env bash
# Calls we place, through the stand-in for Twilio's REST API: what becomes of
# them, and that each is made once, whatever goes wrong on the way.
# flavors: asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/outbound.script" <<'SCRIPT'
wait-agent-done 1000
say caller-1.wav
wait-agent-done 1000
hangup
SCRIPT
cat >"$WORK/machine.script" <<'SCRIPT'
say caller-2.wav
wait-end
SCRIPT
cat >"$WORK/callee-first.script" <<'SCRIPT'
say caller-1.wav
wait-agent-done 1000
hangup
SCRIPT

agents() {
	mkdir -p "$WORK/agents"
	cat >"$WORK/agents/reminder.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You call {{contact_name}} of {{business_name}} about {{metadata.what}}.",
		  "greeting": {"mode": "instruction", "text": "Say hello to {{contact_name}}."},
		  "machine": {"action": "message", "message": "Leave word for {{contact_name}} about {{metadata.what}}."},
		  "webhooks": [{"url": "http://127.0.0.1:$SINK_PORT/hook"}] }
	JSON
	cat >"$WORK/agents/listener.json" <<-JSON
		{ "instructions": "Listen first.", "greeting": {"mode": "wait"}, "phrases": {"machine": "We will call again."},
		  "outcome": {"schema": {"type": "object", "properties": {"what": {"type": "string"}}}, "fill": "call"} }
	JSON
}

# post NAME BODY [CURL ARGS]: answer in $WORK/NAME.post, status in $WORK/NAME.status
post() {
	api /calls -X POST -H 'Content-Type: application/json' -d "$2" -o "$WORK/$1.post" -w '%{http_code}' "${@:3}" \
		>"$WORK/$1.status"
}

# place NAME NUMBER [FIELDS [CURL ARGS]]
place() {
	post "$1" '{"to":"+12025550'"$2"'","agent":"reminder","contact_name":"Ada","business_name":"Roofs","metadata":{"what":"the roof","n":3}'"${3:-}"'}' "${@:4}"
}

# true_of FILTER [FILE]: the filter says true, of a file or what comes in; jq -e passes
# when nothing comes in at all.
true_of() {
	local said
	said=$(cat "${2:-/dev/stdin}" 2>/dev/null)
	[ "$(jq -r "$1" 2>/dev/null <<<"$said")" = true ] && return
	echo "does not hold: $1, of: ${said:0:600}"
	return 1
}

answered() { # NAME STATUS [JQ]: what POST /calls said
	equal "$(cat "$WORK/$1.status")" "$2" && true_of "${3:-true}" "$WORK/$1.post"
}

id_of() {
	field "$WORK/$1.post" .id
}

over_as() { # NAME REASON: its call has come to this end
	api "/calls/$(id_of "$1")" >"$WORK/$1.call" && true_of '.state == "ended" and .ending.reason == "'"$2"'"' "$WORK/$1.call"
}

becomes() {
	until_true over_as "$1" "$2" || over_as "$1" "$2"
}

tells() { # PATH FILTER
	api "$1" | true_of "$2"
}

reports() {
	[ "$(rest_report "$1")" = true ]
}

made() { # NUMBER: how often it was made
	rest_report "[.created[] | select(.to == \"+12025550$1\")] | length"
}

asked() {
	rest_report '[.requests[] | select(.method == "POST" and (.path | endswith("/Calls.json")))] | length'
}

told_failed() {
	[ "$(sent sink "[.[] | (.json // .body) | if type == \"string\" then fromjson else . end | select(.event == \"call.failed\" and .call.outbound.id == \"$1\")] | length")" = 1 ]
}

# ------------------------------------------------------------------ what becomes of them
outcomes() {
	jq '.turns[0].calls = [{"name": "save_record", "arguments": {"what": "the roof"}}]' tools/standin_model/script.json \
		>"$WORK/model.script"
	model model --key "$SECRET" --script "$WORK/model.script"
	sink sink
	agents
	rest rest --own +12025550100 --rule busy@+12025550171 --rule no-answer@+12025550172 \
		--rule ring=15000@+12025550173 --rule shuffled@+12025550174 --rule doubled@+12025550174 \
		--rule machine_end_beep=2500@+12025550175 --rule "script=$OUTER/machine.script@+12025550175" \
		--rule machine_end_silence=1500@+12025550176 --rule "script=$OUTER/machine.script@+12025550176" \
		--rule "script=$OUTER/callee-first.script@+12025550177" --rule failed@+12025550178 \
		--rule machine_end_beep=0@+12025550179 --rule "script=$OUTER/machine.script@+12025550179" \
		-- --script "$OUTER/outbound.script"
	server server "${REST[@]}" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" OUTBOUND_CPS=20 \
		FALLBACK_URL=https://elsewhere.example/away
	rest_to "$PORT"
	until_true connected 1
	place busy 171
	place nobody 172
	place ringing 173
	place failed 178
	check "a call is taken, with its name and what it carries" answered busy 201 \
		'(.id | startswith("out_")) and (.call_sid | startswith("CA")) and .to == "+12025550171" and .from == "+12025550100"
		 and .agent == "reminder" and .metadata == {"what": "the roof", "n": 3} and (.created_at | test("^20.*Z$"))'
	check "it is among the calls while it rings" until_true tells /calls \
		'.calls | any(.to == "+12025550173" and .direction == "outbound" and .outbound.status == "ringing")'
	api "/calls/$(id_of ringing)" -X DELETE -o "$WORK/taken-back"
	check "taken back while it rings" true_of '.ended == "canceled"' "$WORK/taken-back"
	check "busy" becomes busy busy
	check "not answered" becomes nobody not_answered
	check "failed" becomes failed call_failed
	check "canceled" becomes ringing canceled
	check "its record has its turns once, of which there are none" equal "$(grep -o '"turns":[^,]*' "$WORK/busy.call")" '"turns":[]'
	check "the list is without turns" tells /calls '[.calls[] | select(.state == "ended") | has("turns")] == [false, false, false, false]'
	check "no session was opened for those nobody answered" equal "$(api /status | jq .model.connects)" 2 # the trials
	place talk 170
	place shuffled 174
	place message 175
	post early '{"to":"+12025550179","from":"+12025550100","agent":"listener","machine":"message"}'
	place hangup 176 ',"machine":"hangup"'
	post first '{"to":"+12025550177","from":"+12025550100","agent":"listener","metadata":{"outbound":true}}'
	check "one that talks" becomes talk caller_hung_up
	check "its record says what it was about, and what was said" true_of \
		'.metadata == {"what": "the roof", "n": 3} and .agent == "reminder" and .direction == "outbound"
		 and ([.turns[].who] | join(" ") | startswith("agent caller agent"))' "$WORK/talk.call"
	check "detection costs, although it was a person" true_of '.cost.parts.twilio == 0.0259' "$WORK/talk.call"
	check "shuffled and doubled callbacks" becomes shuffled caller_hung_up
	check "a machine gets its message, to its end" becomes message message_left
	check "the message was heard" true_of '[.turns[] | select(.who == "agent")][-1] | .heard_ms > 0 and .interrupted == false' \
		"$WORK/message.call"
	check "a machine found before the stream was there gets its message" becomes early message_left
	check "without one of the agent's, its phrase, word for word" true_of \
		'[.turns[] | select(.who == "agent")] | length == 1 and .[0].heard_ms > 0 and .[0].text == "We will call again."' "$WORK/early.call"
	check "a machine is hung up on" becomes hangup machine
	check "the person called speaks first" becomes first caller_hung_up
	check "and is answered" true_of '[.turns[].who] | join(" ") | startswith("caller agent")' "$WORK/first.call"
	check "without detection it costs less" true_of '.cost.parts.twilio == 0.0184' "$WORK/first.call"
	check "what was noted is there by our name for the call" true_of '.record.status == "valid"' "$WORK/first.call"
	check "and what was asked for" true_of '.outbound.status == "completed" and .metadata == {"outbound": true}' "$WORK/first.call"
	check "all of them are over" until_true reports '[.created[] | select(.status == "completed")] | length == 6'
	check "news in the wrong order change nothing" until_true tells "/calls/$(id_of shuffled)" '.outbound.status == "completed"'
	check "every callback was taken" equal "$(rest_report '[.callbacks[] | select(.answer != 204)] | length')" 0
	check "nothing was asked that Twilio does not know" equal "$(rest_report .complaints)" "[]"
	check "Twilio knows whom to ask when nobody here answers" equal \
		"$(rest_report '[.created[].fallback_url] | unique | join(" ")')" https://elsewhere.example/away
	check "detection was asked for beside the conversation" equal \
		"$(rest_report '[.created[] | select(.to == "+12025550175") | .detection, .async] | join(" ")')" "DetectMessageEnd true"
	for each in busy nobody failed ringing; do
		check "$each: the receiver was told that it failed" until_true told_failed "$(id_of "$each")"
	done
	check "the server stops" stop_server
	check "the stand-ins stop" eval 'stop_rest && stop_model'
}

# ------------------------------------------------------------------ made once
once() {
	local posts=()
	model model --key "$SECRET"
	SINK_PORT=9
	agents
	rest rest --rule busy --rule refuse=21211@+12025550171 --rule 429=1@+12025550172x2 --rule timeout@+12025550173x1 \
		--rule 500@+12025550174x1 --rule unlisted@+12025550174x1 --rule silent@+12025550174 --rule reset@+12025550175x1 \
		--rule garbage@+12025550176x1 --rule silent@+12025550176
	server server "${REST[@]}" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" OUTBOUND_CPS=20
	rest_to "$PORT"
	place refused 171
	check "Twilio's refusal is passed on" answered refused 502 '.error.code == "twilio_refused" and .error.twilio_code == 21211'
	for each in held:172 timeout:173 broken:174 reset:175 garbage:176; do
		place "${each%:*}" "${each#*:}" '' -H "Idempotency-Key: ${each%:*}" &
		posts+=("$!")
	done
	wait "${posts[@]}"
	for each in held timeout broken reset garbage; do
		check "$each: is taken" answered $each 201
		check "$each: was made all the same" becomes $each busy
	done
	for each in held:172 timeout:173 broken:174 reset:175 garbage:176; do
		place again "${each#*:}" '' -H "Idempotency-Key: ${each%:*}"
		check "${each%:*}: the same key brings the same call" answered again 200 ".id == \"$(id_of "${each%:*}")\""
		check "${each%:*}: made once" equal "$(made "${each#*:}")" 1
	done
	post again '{"metadata":{"n":3.0,"what":"the\u0020roof","none":null}, "greeting":null, "business_name":"Roofs",
		"contact_name":"Ada", "agent":"reminder", "to":"+12025550172"}' -H "Idempotency-Key: held"
	check "the same order, written down another way" answered again 200 ".id == \"$(id_of held)\""
	place other 179 '' -H "Idempotency-Key: held"
	check "the same key for something else" answered other 409 '.error.code == "idempotency_conflict"'
	check "nothing was made of that" equal "$(made 179)" 0
	check "the server stops" stop_server
	# Another process, and the keys are as good.
	server server2 "${REST[@]}" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" OUTBOUND_CPS=20
	place again 172 '' -H "Idempotency-Key: held"
	check "a key outlives the process" answered again 200 ".id == \"$(id_of held)\" and .status == \"busy\""
	bad_bodies
	post unnamed '{"to":"+12025550180","from":"+12025550100"}'
	check "whose number it is need not be named" answered unnamed 201 '.agent == "reminder"'
	post numberless '{"to":"+12025550184","agent":"listener"}'
	check "nor a number, where there is only one" answered numberless 201 '.from == "+12025550100"'
	post agentless '{"to":"+12025550170"}'
	check "an agent must be named where there are two" answered agentless 422 '.error.message | endswith(": listener, reminder")'
	echo '{"numbers": ["+12025550101"], "channel": "relay"}' >"$WORK/agents/third.json"
	kill -HUP "$SERVER"
	until_true eval 'api /status | jq -e ".agents.names | length == 3"'
	post numberless '{"to":"+12025550170","agent":"listener"}'
	check "a number must be named where there are two" answered numberless 422 \
		'.error.field == "from" and (.error.message | endswith("one of +12025550100, +12025550101"))'
	post soundless '{"to":"+12025550170","agent":"third","record":"local"}'
	check "nothing is recorded here of a call without sound" answered soundless 422 '.error.field == "record"'
	check "the server stops again" stop_server
	check "the stand-ins stop" eval 'stop_rest && stop_model'
}

bad_bodies() {
	local status body code where
	while IFS='|' read -r status code where body; do
		post bad "$body"
		check "refused: $body" answered bad "$status" ".error.code == \"$code\" and (.error.field // \"\") == \"$where\""
	done <<-'BAD'
		400|malformed_json||{"to":
		400|malformed_json||{"to":"+12025550170","to":"+12025550171","agent":"reminder"}
		422|invalid_body||["+12025550170"]
		422|invalid_field|to|{"agent":"reminder"}
		422|invalid_field|to|{"to":"0170123","agent":"reminder"}
		422|invalid_field|to|{"to":12025550170,"agent":"reminder"}
		422|invalid_field|agent|{"to":"+12025550170"}
		422|unknown_agent|agent|{"to":"+12025550170","agent":"nobody"}
		422|invalid_field|from|{"to":"+12025550170","agent":"reminder","from":"me"}
		422|invalid_field|metadata|{"to":"+12025550170","agent":"reminder","metadata":{"a":{"b":1}}}
		422|invalid_field|metadata|{"to":"+12025550170","agent":"reminder","metadata":{"a b":1}}
		422|invalid_field|metadata|{"to":"+12025550170","agent":"reminder","metadata":{"a":9007199254740993}}
		422|invalid_field|metadata|{"to":"+12025550170","agent":"reminder","metadata":{"a":-1e400}}
		422|invalid_field|greeting|{"to":"+12025550170","agent":"reminder","greeting":"Hello {{nobody}}"}
		422|invalid_field|record|{"to":"+12025550170","agent":"reminder","record":"yes"}
		422|invalid_field|machine|{"to":"+12025550170","agent":"reminder","machine":true}
		422|invalid_field|colour|{"to":"+12025550170","agent":"reminder","colour":"red"}
	BAD
	post bad "{\"to\":\"+12025550170\",\"agent\":\"reminder\",\"metadata\":{\"a\":\"$(printf '%200s')\"},
		\"greeting\":\"$(printf '{{metadata.a}}%.0s' {1..500})\"}"
	check "refused: values that make a text too long" answered bad 422 \
		'.error.field == "metadata" and (.error.message | contains("the greeting"))'
	post bad '{"to":"+12025550170","agent":"reminder"}' -H "Idempotency-Key: with blanks"
	check "refused: a key with blanks" answered bad 400 '.error.field == "Idempotency-Key"'
	check "none of them was made" equal "$(made 170)" 0
}

# ------------------------------------------------------------------ through a kill
killed() {
	model model --key "$SECRET"
	SINK_PORT=9
	agents
	rest rest --rule busy --rule timeout@+12025550171x1 --rule silent@+12025550171
	server server "${REST[@]}" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" PORT="$(own_port)" OUTBOUND_CPS=0.1
	rest_to "$PORT"
	place asked 171 '' -H "Idempotency-Key: asked" &
	asker=$!
	until_true eval '[ "$(made 171)" = 1 ]'
	# These wait their turn, ten seconds apart: the last for a minute.
	for each in 181 182 183 184 185; do
		place "before$each" "$each" &
		asker+=" $!"
		until_true eval "[ \$(api /calls | jq '[.calls[] | select(.to == \"+12025550$each\")] | length') = 1 ]"
	done
	place queued 172 '' -H "Idempotency-Key: queued"
	check "what waits its turn is taken" answered queued 201 '.call_sid == null and .status == "queued"'
	kill -9 "$SERVER"
	wait "$SERVER" $asker 2>/dev/null
	# At the same port: it asks at once, and Twilio's news must find it.
	server server2 "${REST[@]}" PORT="$PORT" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" \
		OUTBOUND_CPS=20
	place asked 171 '' -H "Idempotency-Key: asked"
	check "the call that was being asked for is known" answered asked 200
	check "and was found" becomes asked busy
	check "the one that waited is made" becomes queued busy
	check "each was made once" equal "$(made 171) $(made 172)" "1 1"
	check "the server stops" stop_server
	check "the stand-ins stop" eval 'stop_rest && stop_model'
}

# ------------------------------------------------------------------ by their turn
turns() {
	model model --key "$SECRET"
	SINK_PORT=9
	agents
	rest rest --rule busy
	server server "${REST[@]}" SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents" OUTBOUND_CPS=2
	rest_to "$PORT"
	for n in 1 2 3 4 5 6; do
		place "turn$n" "17$n"
	done
	for n in 1 2 3 4 5 6; do
		check "turn $n: taken" answered "turn$n" 201
		check "turn $n: made" becomes "turn$n" busy
	done
	check "in the order they came, each once" equal "$(rest_report '[.created[].to[-3:]] | join(" ")')" "171 172 173 174 175 176"
	check "never two at once" equal "$(rest_report '[.created[1:][] | select(.since_last_ms < 50)] | length')" 0
	check "Twilio was asked as often" equal "$(asked)" 6
	check "the server stops" stop_server
	server bare SIGNING_SECRET="$SECRET" AGENTS_DIR="$WORK/agents"
	place bare 170
	check "without an account: says so" answered bare 503 '.error.code == "not_configured"'
	check "the bare server stops" stop_server
	check "the stand-ins stop" eval 'stop_rest && stop_model'
}

apart outcomes outcomes
apart once once
apart killed killed
apart turns turns
all_apart
