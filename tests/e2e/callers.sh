#!/usr/bin/env bash
# in: test-more
# Who gets a line: one caller's share, lists of callers, networks that may ask as
# Twilio; and a webhook that is sent once more when its call is over.
# flavors: asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/wait.script" <<'SCRIPT'
wait-end 600000
SCRIPT
cat >"$WORK/short.script" <<'SCRIPT'
wait-agent-talking 500
hangup
SCRIPT

# voice SID FROM CURL-ARGS...: the voice webhook of a call, as Twilio signs it; what it is answered.
voice() {
	ask /twilio/voice -H "X-Twilio-Signature: $(signature "$PUBLIC/twilio/voiceCallSid$1From$2To+12025550100")" \
		--data-urlencode "CallSid=$1" --data-urlencode "From=$2" --data-urlencode To=+12025550100 "${@:3}"
}
# crowd TIMES SID FROM CURL-ARGS...: the same webhook so many times, one after the other; the seconds it took at most.
crowd() {
	local url=http://127.0.0.1:$PORT/twilio/voice began=$SECONDS
	voice "${@:2}" $(yes "$url" | head -n $(($1 - 1))) >"$WORK/crowd"
	echo $((SECONDS - began + 2))
}
# status_news SID STATUS: Twilio's news of a call.
status_news() {
	ask /twilio/call-status -o /dev/null -w '%{http_code}' --data-urlencode "CallSid=$1" --data-urlencode "CallStatus=$2" \
		-H "X-Twilio-Signature: $(signature "$PUBLIC/twilio/call-statusCallSid${1}CallStatus$2")"
}
streams() { # what voice is answered
	grep -q '<Stream url=' <<<"$1" || { echo "$1"; return 1; }
}
says() { # WORDS, what voice is answered: those, and no more
	grep -qE "<Response><Say [^>]*>[^<]*$1[^<]*</Say><Hangup/></Response>" <<<"$2" || { echo "$2"; return 1; }
}
reason() {
	api "/calls/$1" | jq -r .ending.reason
}
counted() { # WHICH HOW-OFTEN
	equal "$(api /status | jq ".$1")" "$2"
}
live() {
	api /status | jq -e ".calls.live == $1"
}
# kept SID: its row in the database.
kept() {
	sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT state, ending, reserved_at, ended_at, json FROM calls WHERE call_sid = '$1'"
}
caught_up() {
	api /status | jq -e '.store.waiting == 0'
}

share() {
	local refused
	model model --key "$SECRET"
	server server MAX_CALLS_PER_CALLER=2 MAX_CALLS_PER_CALLER_HOUR=4 OVERFLOW_NUMBER=+12025550177 DATA_DIR="$WORK/data"
	check "at start the limits are told, old and new" grep -q \
		"callers: from one number 2 calls at once and 4 calls an hour are answered, where there was no limit before" "$WORK/server.log"
	dial first --script "$OUTER/wait.script" --from +12025550123 --expect end=server
	dial second --script "$OUTER/wait.script" --from +12025550123 --expect end=server
	check "two calls of one number are up" until_true live 2
	check "the third hears that the line is busy, and no number is dialled" phone third --script "$OUTER/wait.script" \
		--from +12025550123 --expect end=no-stream --expect 'say=the line is busy' --expect streams=0
	check "and is counted" counted calls.refused_caller_busy 1
	refused=$(field "$WORK/third.json" '.. | .call_sid? // empty' | head -1)
	check "it is among the calls, with how it ended" equal "$(reason "$refused")" caller_busy
	check "in the list, too" equal "$(api '/calls?ending=caller_busy' | jq -r '.calls[].call_sid')" "$refused"
	check "and in the store" until_true eval "caught_up && kept $refused | grep -q '^ended|caller_busy|'"
	check "asked for once more it is the same answer" says 'the line is busy' "$(voice "$refused" +12025550123)"
	check "… counted once" counted calls.refused_caller_busy 1
	check "the number's other spellings are the same caller" says 'the line is busy' "$(voice CAspelt 'tel:+1 (202) 555-0123')"
	check "another number gets a line" streams "$(voice CAother +12025550124)"
	check "a caller without a number" streams "$(voice CAnone1 anonymous)"
	check "… and a second" streams "$(voice CAnone2 +266696687)"
	check "… are one caller" says 'the line is busy' "$(voice CAnone3 'sip:Anonymous@192.0.2.7')"
	check "… however that is said" says 'the line is busy' "$(voice CAnone4 '')"
	api /calls | jq -r '.calls[] | select(.state == "live").call_sid' | while read -r sid; do
		api "/calls/$sid" -X DELETE >/dev/null
	done
	all_over
	check "the calls went as they should" equal "$(cat "$WORK/first.status" "$WORK/second.status" | paste -sd' ')" "0 0"
	check "then the caller gets a line again" streams "$(voice CA3rd +12025550123)"
	check "… the same one when it is asked for again" equal "$(voice CA3rd +12025550123)" "$(voice CA3rd +12025550123)"
	check "… four times an hour" streams "$(voice CA4th +12025550123)"
	check "Twilio says that both are over" equal "$(status_news CA3rd completed) $(status_news CA4th completed)" "204 204"
	check "then the caller hears that it was too often" says 'you have called very often' "$(voice CA5th +12025550123)"
	check "… and is counted" counted calls.refused_caller_often 1
	check "… and listed" equal "$(reason CA5th)" caller_often
	check "no whole number is in the log" eval "! grep -v ' debug ' $WORK/server.log | grep -F 12025550123"
	check "the server stops with status 0" stop_server
}

lists() {
	model model --key "$SECRET"
	server blocking BLOCK_CALLERS='+49170*,withheld, sip:bob@spam.example' OVERFLOW_NUMBER=+12025550177
	check "a blocked caller hears so" phone blocked --script "$OUTER/short.script" --from +491701234567 \
		--expect end=no-stream --expect 'say=we do not take calls from your number' --expect streams=0
	check "one who withholds the number, too" says 'we do not take calls from your number' "$(voice CAb1 Restricted)"
	check "a SIP caller by the whole name" says 'we do not take calls from your number' "$(voice CAb2 'sip:bob@SPAM.example:5060')"
	check "others are answered" phone other --script "$OUTER/short.script" --from +491601234567 --expect end=caller
	check "they are counted" counted calls.refused_blocked 3
	check "and listed" equal "$(reason CAb2)" blocked
	check "the server stops with status 0" stop_server

	server allowing ALLOW_CALLERS=+1202 BLOCK_CALLERS=+12025550166
	check "an allowed caller is answered" phone allowed --script "$OUTER/short.script" --from +12025550123 --expect end=caller
	check "another hears that it is for others" says 'for registered callers only' "$(voice CAn1 +491601234567)"
	check "so does one without a number" says 'for registered callers only' "$(voice CAn2 Anonymous)"
	check "who is blocked hears that" says 'we do not take calls from your number' "$(voice CAn3 +12025550166)"
	check "they are counted" counted '|.calls.refused_not_allowed, .calls.refused_blocked' $'2\n1'
	local lines seconds
	lines=$(grep -c 'call refused: the caller is not among' "$WORK/allowing.log")
	seconds=$(crowd 200 CAmany +491601234567)
	check "many such calls are a line a second" holds \
		"$(grep -c 'call refused: the caller is not among' "$WORK/allowing.log") - $lines <= $seconds"
	check "the server stops with status 0" stop_server

	env -i PATH="$PATH" TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" BLOCK_CALLERS=+ ALLOW_CALLERS='+49 170' \
		ALLOW_NETWORKS=10.0.0.0/8,::1/129 "${FIXED[@]}" "$SERVER_BIN" --check --offline >"$WORK/bad.out" 2>"$WORK/bad.log"
	check "what cannot be meant is refused at start" holds "$? != 0"
	check "… a plus alone" grep -q 'BLOCK_CALLERS is "+": it must have digits behind the +' "$WORK/bad.log" "$WORK/bad.out"
	check "… a blank" grep -q 'ALLOW_CALLERS is "+49 170": it must hold numbers' "$WORK/bad.log" "$WORK/bad.out"
	check "… a net of 129 bits" grep -q 'ALLOW_NETWORKS is "::1/129": it must be addresses or nets' "$WORK/bad.log" "$WORK/bad.out"
}

# The call's own webhook, word for word, when the call is over.
over() {
	local sid before row total seconds
	model model --key "$SECRET"
	server first DATA_DIR="$WORK/data"
	check "a call" phone call --script "$OUTER/short.script" --from +12025550123 --expect end=caller
	sid=$(field "$WORK/call.json" '.. | .call_sid? // empty' | head -1)
	until_true eval "api /calls/$sid | jq -e '.state == \"ended\"'"
	until_true caught_up
	before=$(api "/calls/$sid") row=$(kept "$sid") total=$(api /status | jq .calls.total)
	seconds=$(crowd 200 "$sid" +12025550123)
	check "its webhook, sent once more, is answered with words and a hang-up" equal \
		"$(grep -c '<Response><Say .*technical problem.*</Say><Hangup/></Response>' "$WORK/crowd")" 200
	check "no stream is offered" eval "! grep -q Stream $WORK/crowd"
	check "each is counted" counted calls.refused_over 200
	check "none is a call" counted calls.total "$total"
	check "they are a line a second" holds "$(grep -c 'of a call that is over' "$WORK/first.log") <= $seconds"
	check "… and tells the client" until_true grep -q "the voice webhook of a call that is over; call=$sid client=127.0.0.1" "$WORK/first.log"
	check "Twilio's late news of it is still taken" equal "$(status_news "$sid" completed) $(status_news "$sid" completed)" "204 204"
	check "the call is as it was" equal "$(api "/calls/$sid")" "$before"
	until_true caught_up
	check "its row, too" equal "$(kept "$sid")" "$row"
	check "the server stops with status 0" stop_server

	server second DATA_DIR="$WORK/data"
	check "after a restart it is the same" says 'technical problem' "$(voice "$sid" +12025550123)"
	check "… counted" counted calls.refused_over 1
	check "… and no call" counted calls.total 0
	check "a new call is one" streams "$(voice CAnew +12025550123)"
	check "… and stays one when its webhook is repeated" streams "$(voice CAnew +12025550123)"
	until_true caught_up
	check "its row is as it was" equal "$(kept "$sid")" "$row"
	check "the server stops with status 0" stop_server
}

networks() {
	local path=/twilio/stream/00000000000000000000000000000000 lines seconds
	upgrade() { # PATH CURL-ARGS…: a signed one; its status
		ask "$1" --http1.1 -o /dev/null -w '%{http_code}' -H "Host: ${PUBLIC#https://}" -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
			-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
			-H "X-Twilio-Signature: $(signature "wss${PUBLIC#https}$1")" "${@:2}"
	}
	model model --key "$SECRET"
	server server ALLOW_NETWORKS='203.0.113.0/24, 2001:db8::/32'
	check "Twilio is heard from an allowed network" phone inside --script "$OUTER/short.script" \
		--header 'X-Forwarded-For: 198.51.100.1, 203.0.113.9' --expect end=caller
	check "… of IPv6" streams "$(voice CA6 +12025550123 -H 'X-Forwarded-For: 2001:db8::1')"
	check "not from another, however well it is signed" phone outside --no-status --script "$OUTER/short.script" \
		--header 'X-Forwarded-For: 203.0.113.9, 198.51.100.1' --expect end=webhook-failed --expect status=403
	check "not from the proxy itself" phone proxy --no-status --script "$OUTER/short.script" --expect end=webhook-failed --expect status=403
	check "no upgrade either" equal "$(upgrade $path -H 'X-Forwarded-For: 198.51.100.1')" 403
	check "counted" equal "$(api /status | jq .http.refused_network)" 3
	check "an upgrade from inside is asked for its token" equal "$(upgrade $path -H 'X-Forwarded-For: 203.0.113.9')" 403
	check "… and the log shows whose it was" until_true grep -q 'unknown, used or expired token; client=203.0.113.9 more_before=' "$WORK/server.log"
	check "… as for one that was not announced" equal "$(upgrade /twilio/stream -H 'X-Forwarded-For: 203.0.113.10')" 403
	check "… with its client" until_true grep -q 'an unannounced stream, STREAM_UNANNOUNCED is off; client=203.0.113.10 more_before=' "$WORK/server.log"
	lines=$(grep -c 'not from ALLOW_NETWORKS' "$WORK/server.log")
	seconds=$(crowd 200 CA7 +12025550123 -H 'X-Forwarded-For: 198.51.100.1')
	check "strangers are a line a second" holds "$(grep -c 'not from ALLOW_NETWORKS' "$WORK/server.log") - $lines <= $seconds"
	check "who they are is in it" until_true grep -q 'refused: not from ALLOW_NETWORKS; client=198.51.100.1 more_before=' "$WORK/server.log"
	check "the operator is asked for a token only" equal "$(api /calls -o /dev/null -w '%{http_code}')" 200
	check "the server stops with status 0" stop_server
}

apart share share
apart lists lists
apart over over
apart networks networks
all_apart
