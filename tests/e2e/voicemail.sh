#!/usr/bin/env bash
# Messages that callers left at Twilio: fetched, kept, served, written down and told once; what is in the way, and
# a server that dies in between.
# flavors: asan
. "$(dirname "$0")/lib.sh"

printf '%s\n' 'wait-agent-talking 500' 'wait-agent-done 500' >"$WORK/short.script"

# up SCRIPT VAR=VALUE…: the parts of a case, with an agent whose webhook tells of messages.
up() {
	sink sink
	disown "$SINK"
	mkdir -p "$WORK/agents"
	cat >"$WORK/agents/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You answer for a shop.",
		  "webhooks": [{"url": "http://127.0.0.1:$SINK_PORT/hook", "events": ["voicemail.left"]}] }
	JSON
	printf '%s\n' "$1" >"$WORK/words.json"
	text_model words "$WORK/words.json"
	rest rest $(printf -- '--rule %s ' $RULES)
	start server "${@:2}"
}
start() {
	server "$1" "${REST[@]}" AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data" SIGNING_SECRET="$SECRET" \
		VOICEMAIL_API_URL="${TEXT_URL%/responses}/audio/transcriptions" "${@:2}"
}
name_of() { printf 'RE%032d' "$1"; }
# sound NUMBER BYTES: what Twilio has of that message.
sound() {
	head -c "$2" "$SPEECH/caller-1.wav" >"$WORK/rest/$(name_of "$1").wav"
}
# news NUMBER CALL-SID [STATUS SECONDS URL AGENT]: as Twilio tells of it.
news() {
	local url=${5:-https://localhost:$REST_PORT/2010-04-01/Accounts/$ACCOUNT/Recordings/$(name_of "$1")}
	hook "/twilio/recording-status?voicemail=1&agent=${6:-desk}&variant=&from=%2B12025550123&to=%2B12025550100" CallSid="$2" \
		RecordingDuration="${4:-4}" RecordingSid="$(name_of "$1")" RecordingStatus="${3:-completed}" RecordingUrl="$url"
}
# told CALL-SID FILTER: of the webhooks about it, as an array.
told() {
	sent sink '[.[].body | if type == "string" then fromjson else . end | select(.event == "voicemail.left" and .call.call_sid == "'"$1"'")] | '"$2"
}
told_once() {
	until_true eval '[ "$(told '"$1"' length)" -ge 1 ]'
	equal "$(told "$1" length)" 1
}
row() { # CALL-SID COLUMNS
	sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT $2 FROM recordings WHERE call_sid = '$1' AND message IS NOT NULL"
}
counts() { # FILTER
	api /status | jq -c "$1"
}
answers() { # CALL-SID STATUS CODE
	equal "$(api "/calls/$1/voicemail" -o "$WORK/answer" -w '%{http_code}')" "$2" && equal "$(jq -r .error.code "$WORK/answer")" "$3"
}

# ------------------------------------------------------------------ a call with a recording of its own
both() {
	local sid
	RULES=ring=100
	model model --key "$SECRET"
	up '[{"when": "of 30001 bytes by gpt-transcribe in en", "then": [{"text": "Please call me back. Thank you."}]}]' RECORD=local TRANSCRIPTION_LANGUAGE=en
	check "$NAME: a call is recorded here" phone call --to +12025550100 --script "$OUTER/short.script" --expect 'answers>=1'
	sid=$(field "$WORK/call.json" '.calls[0].call_sid')
	until_true call_ended "$sid"
	check "$NAME: no message so far" answers "$sid" 404 no_message
	check "$NAME: nor in the call" equal "$(api "/calls/$sid" | jq -c .voicemail)" null
	sound 1 30001
	news 1 "$sid" in-progress 0
	news 1 "$sid"
	news 1 "$sid"
	check "$NAME: the message is told" told_once "$sid"
	check "$NAME: with who left it, and what was said" equal "$(told "$sid" '.[0].voicemail | [.from, .to, .seconds, .transcript, .problem] | join("|")')" \
		"+12025550123|+12025550100|4|Please call me back. Thank you.|"
	news 1 "$sid"
	news 1 "$sid" in-progress 0
	news 1 "$sid" absent 0
	until_true eval 'api /status | jq -e ".store.waiting == 0 and .outbox.waiting == 0"'
	check "$NAME: once, whatever comes late" told_once "$sid"
	check "$NAME: it stands in the call" equal "$(api "/calls/$sid" | jq -c '.voicemail | [.state, .kept, .transcript, .problem]')" \
		'["done",true,"Please call me back. Thank you.",null]'
	check "$NAME: both are served: the message" eval "api /calls/$sid/voicemail | cmp - $WORK/rest/$(name_of 1).wav"
	check "$NAME: a part of it" eval "api /calls/$sid/voicemail -r 100-199 | cmp - <(tail -c +101 $WORK/rest/$(name_of 1).wav | head -c 100)"
	check "$NAME: and the call's recording" eval "api /calls/$sid/recording | cmp - $WORK/data/recordings/*/$sid.wav"
	check "$NAME: it is a file of its own, for nobody else" equal "$(stat -c %a "$WORK"/data/voicemail/*/"$(name_of 1).wav")" 600
	check "$NAME: it was asked for with the key, as a form" equal "$(sent words '[.[] | select(.wrong != "")] | length')" 0
	check "$NAME: it is counted" equal "$(counts '.voicemail | [.left, .fetched, .transcribed, .empty, .unfetched, .untranscribed]')" "[1,1,1,1,0,0]"
	check "$NAME: the server stops" stop_server
}

# ------------------------------------------------------------------ what is in the way
RESULT='[.voicemail.transcript, .voicemail.problem]'
fails() {
	RULES="media-404@+11x1 media-html@+12x1 media-cut@+13x1 media-plain@+14 media-401@+15 media-size=99999999@+16"
	MODEL_PORT=1
	up '[{"when": "of 30021 bytes", "then": [{"status": 503}, {"text": "After a failure."}]},
		{"when": "of 30022 bytes", "then": [{"drop": true}, {"status": 429, "code": "rate_limit_exceeded", "retry_after": 1}, {"text": "After a crowd."}]},
		{"when": "of 30023 bytes", "then": [{"status": 400, "code": "invalid_file"}]},
		{"when": "of 30024 bytes", "then": [{"raw": "<html>no</html>", "type": "text/html"}]},
		{"when": "of 30025 bytes", "then": [{"status": 401, "code": "invalid_api_key"}]},
		{"then": [{"text": "Hello."}]}]' VOICEMAIL_GIVE_UP_SECONDS=30
	for n in 11 12 13 14 15 16 21 22 23 24 25; do
		sound $n $((30000 + n))
		[ $n = 15 ] || news $n CA$n
	done
	news 17 CA17 completed 4 https://api.example.com/RE17
	news 18 CA18 absent 0
	news 19 CA19 failed 0
	sound 20 30020
	news 20 CA20 completed 4 "" nobody
	for n in 11 12 13 14; do
		check "$NAME: what passes is tried again ($n)" told_once CA$n
		check "$NAME: and it is whole ($n)" eval "equal '$(told CA$n ".[0] | $RESULT" | jq -c .)' '[\"Hello.\",null]' && api /calls/CA$n/voicemail | cmp - $WORK/rest/$(name_of $n).wav"
	done
	check "$NAME: one that is too large" told_once CA16
	check "$NAME: says so" eval "told CA16 '.[0] | $RESULT' | jq -e '.[0] == null and (.[1] | test(\"larger\"))'"
	check "$NAME: one that is elsewhere" told_once CA17
	check "$NAME: says so, too" eval "told CA17 '.[0] | $RESULT' | jq -e '.[0] == null and (.[1] | test(\"TWILIO_API_URL\"))'"
	check "$NAME: and is not passed on either" answers CA17 502 elsewhere
	check "$NAME: a text API that fails, and then not" told_once CA21
	check "$NAME: has the words" equal "$(told CA21 .[0].voicemail.transcript)" "After a failure."
	check "$NAME: one that is busy, and then not" told_once CA22
	check "$NAME: has them, too" equal "$(told CA22 .[0].voicemail.transcript)" "After a crowd."
	for n in "23 invalid_file" "24 not JSON" "25 VOICEMAIL_API_KEY"; do
		check "$NAME: no words: ${n#* }" told_once CA${n%% *}
		check "$NAME: it is said why: ${n#* }" eval "told CA${n%% *} '.[0] | $RESULT' | jq -e '.[0] == null and (.[1] | test(\"${n#* }\"))'"
		check "$NAME: the sound is there: ${n#* }" eval "api /calls/CA${n%% *}/voicemail | cmp - $WORK/rest/$(name_of ${n%% *}).wav"
	done
	check "$NAME: one for an agent that is gone is kept" until_true eval '[ "$(row CA20 message)" = done ]'
	check "$NAME: no recording, no message" equal "$(row CA18 1)$(row CA19 1)" ""
	check "$NAME: all is counted" equal "$(counts '.voicemail | [.empty, .unfetched, .untranscribed, .unclaimed]')" "[2,2,3,1]"
	check "$NAME: the server stops" stop_server
	# Refused, to the end of its time.
	start refused VOICEMAIL_GIVE_UP_SECONDS=2
	news 15 CA15
	check "$NAME: what is refused for too long is told all the same" told_once CA15
	check "$NAME: and why" eval "told CA15 '.[0] | $RESULT' | jq -e '.[0] == null and (.[1] | test(\"not fetched: .*Authenticate\"))'"
	check "$NAME: it is Twilio's word to who asks, too" answers CA15 502 twilio_failed
	check "$NAME: that server stops" stop_server
}

# ------------------------------------------------------------------ the server dies in between
dies() {
	RULES=ring=100
	MODEL_PORT=1
	up '[{"then": [{"text": "In the end."}]}]' VOICEMAIL_API_URL=https://localhost:1/v1/audio/transcriptions
	sound 31 30031
	news 31 CA31
	news 32 CA32
	check "$NAME: one is fetched, and cannot be written down" until_true eval '[ "$(row CA31 message)" = transcribing ]'
	check "$NAME: one is not at Twilio yet" until_true eval '[ "$(row CA32 message)" = fetching ] && counts .voicemail.retries | grep -q "[2-9]"'
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	sound 32 30032
	rm "$WORK/rest/$(name_of 31).wav"
	start again
	check "$NAME: the one that was fetched is told" told_once CA31
	check "$NAME: it was not fetched again" equal "$(told CA31 .[0].voicemail.transcript)" "In the end."
	check "$NAME: the other is told, too" told_once CA32
	check "$NAME: with its words" equal "$(told CA32 .[0].voicemail.transcript)" "In the end."
	check "$NAME: both are served" eval "api /calls/CA32/voicemail | cmp - $WORK/rest/$(name_of 32).wav && [ \$(api /calls/CA31/voicemail | wc -c) = 30031 ]"
	check "$NAME: nothing half is left" equal "$(find "$WORK/data/voicemail" -name '*.part')" ""
	check "$NAME: the server stops" stop_server
}

# ------------------------------------------------------------------ the whole road
# From a caller whom no model answers to the words of his message, all of it as Twilio does it; with $ROAD as well as
# that of the phone's options, and after $BESIDE. road N MESSAGE-WORDS WHAT-THE-API-SAYS SETTINGS…
road() {
	SID=CA$(printf %032d "$1")
	RULES=ring=100
	[ -n "${BESIDE:-}" ] || MODEL_PORT=1
	up "$3" FALLBACK=voicemail "${@:4}"
	${BESIDE:-:}
	sound "$1" "300$1"
	echo wait-end >"$WORK/wait.script"
	check "$NAME: a caller leaves a message" phone call --to +12025550100 --script "$WORK/wait.script" --call-sid "$SID" --account "$ACCOUNT" \
		--media "https://localhost:$REST_PORT" --message "$2" ${ROAD:-} --expect warnings=0 --expect 'say~leave a message' --expect 'say~your message was recorded'
	check "$NAME: it is told" told_once "$SID"
	check "$NAME: whose it is, and how long" equal "$(told "$SID" '.[0].voicemail | [.from, .to, .seconds] | join("|")')" "+12025550123|+12025550100|5"
	check "$NAME: it is served" eval "api /calls/$SID/voicemail | cmp - $WORK/rest/$(name_of "$1").wav"
}
api_writes() {
	road 41 "Twilio is not asked." '[{"when": "of 30041 bytes", "then": [{"text": "Call me tomorrow."}]}]'
	check "$NAME: with what the API wrote down" equal "$(told "$SID" .[0].voicemail.transcript)" "Call me tomorrow."
	check "$NAME: which is booked" eval 'api /status | jq -e ".cost.today_usd > $(api "/calls/$SID" | jq ".cost.usd // 0")"'
	check "$NAME: the server stops" stop_server
}
unreported() {
	ROAD=--no-status road 44 "Twilio is not asked." '[{"then": [{"text": "Call me tonight."}]}]'
	check "$NAME: no callback has told of it" eval '! grep -q "Twilio reports a recording" "$WORK/server.log"'
	check "$NAME: with what the API wrote down" equal "$(told "$SID" .[0].voicemail.transcript)" "Call me tonight."
	news 44 "$SID" completed 5
	until_true eval 'api /status | jq -e ".store.waiting == 0 and .outbox.waiting == 0"'
	check "$NAME: a callback that is late tells nothing new" told_once "$SID"
	check "$NAME: the server stops" stop_server
}
twilio_writes() {
	local url="/twilio/transcription?voicemail=1&agent=desk&variant=&from=%2B12025550123&to=%2B12025550100"
	road 42 "Call me at noon." '[{"then": [{"status": 503}]}]' OPENAI_API_KEY= MODEL_PROTOCOL=text CHANNEL=gather TEXT_API_KEY="$SECRET" TEXT_API_URL=https://localhost:1/v1/responses
	check "$NAME: with what Twilio wrote down" equal "$(told "$SID" '.[0].voicemail | "\(.transcript)|\(.problem)"')" "Call me at noon.|null"
	hook "$url" CallSid="$SID" RecordingSid="$(name_of 42)" TranscriptionStatus=completed TranscriptionText="Another time."
	check "$NAME: nobody but Twilio is believed" equal "$(ask "$url" -d "CallSid=$SID" -o /dev/null -w '%{http_code}')" 403
	until_true eval 'api /status | jq -e ".store.waiting == 0 and .outbox.waiting == 0"'
	check "$NAME: what comes twice is told once" told_once "$SID"
	check "$NAME: and stays as it was" equal "$(api "/calls/$SID" | jq -r .voicemail.transcript)" "Call me at noon."
	check "$NAME: it is counted once" equal "$(counts '.voicemail | [.left, .transcribed, .untranscribed]')" "[1,1,0]"
	# In the other order, and without success.
	hook "$url" CallSid="CA43" RecordingSid="$(name_of 43)" RecordingUrl="https://localhost:$REST_PORT/2010-04-01/Accounts/$ACCOUNT/Recordings/$(name_of 43)" TranscriptionStatus=failed
	sound 43 30043
	news 43 CA43
	check "$NAME: one that cannot be written down is told" told_once CA43
	check "$NAME: as that" equal "$(told CA43 '.[0].voicemail | "\(.transcript)|\(.problem)"')" "null|not written down: Twilio could not"
	check "$NAME: the server stops" stop_server
}

# Every line is taken: of the next caller nothing is known but the message.
busy() {
	model model --key "$SECRET"
	echo 'wait-end 600000' >"$WORK/first.script"
	takes_the_line() {
		phone first --to +12025550100 --script "$WORK/first.script" --expect end=server &
		FIRST=$!
		until_true eval 'api /status | jq -e ".calls.live == 1"'
	}
	BESIDE=takes_the_line road 45 "Twilio is not asked." '[{"then": [{"text": "You were busy."}]}]' MAX_CALLS=1
	check "$NAME: the call is found by it" equal "$(api '/calls?agent=desk&ending=message_left' | jq -c '[.calls[] | [.call_sid, .from, .ending.fault]]')" \
		'[["'"$SID"'","+12025550123",false]]'
	check "$NAME: with what was said" equal "$(api "/calls/$SID" | jq -c '[.voicemail.transcript, (.turns | length)]')" '["You were busy.",0]'
	api "/calls/$(api /calls | jq -r '.calls[] | select(.state == "live") | .call_sid')" -X DELETE >/dev/null
	wait "$FIRST"
	check "$NAME: the server stops" stop_server
}

apart api-writes api_writes
apart unreported unreported
apart busy busy
apart twilio-writes twilio_writes
apart both both
apart fails fails
apart dies dies
all_apart
