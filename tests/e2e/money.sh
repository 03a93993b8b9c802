#!/usr/bin/env bash
# in: test-more
# What calls cost: from what the model says it used, by a table of prices; per call,
# per day, over a restart; the goodbye at the limit of a call, the refusal at that of a day,
# which counts what calls that have just begun may still cost.
# flavors: asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/talk.script" <<SCRIPT
say caller-1.wav
wait-agent-done 1000
hangup
SCRIPT
# Speaks up while the goodbye is being said.
cat >"$WORK/limit.script" <<SCRIPT
wait-agent-talking 500
say caller-1.wav
wait-end 600000
SCRIPT
prices() { # FILE FACTOR
	jq -n --argjson f "$2" '{date: "2027-01-02", models: {
		"gpt-realtime-2": {text_in: (4 * $f), text_cached: (1 * $f), text_out: (24 * $f), audio_in: (32 * $f),
			audio_cached: (2 * $f), audio_out: (64 * $f)},
		"gpt-transcribe": {minute: (0.006 * $f)}}, twilio: {stream_minute: 0.25, inbound_minute: 0.5}}' >"$1"
}
sid_of() {
	field "$WORK/$1.json" '.calls[0].call_sid'
}
today() {
	api /status | jq .cost.today_usd
}
near() { # A B: to a millionth
	awk -v a="$1" -v b="$2" 'BEGIN { print a, b; d = a - b; exit !(a > 0 && d < 2e-6 && d > -2e-6) }'
}
# By the table, from the tokens the model says it sent, of all its sessions.
by_hand() { # FACTOR
	jq --argjson f "$1" '.cost.tokens | ((.text_in - .text_cached) * 4 + .text_cached * 1 + (.audio_in - .audio_cached) * 32
		+ .audio_cached * 2 + .text_out * 24 + .audio_out * 64) * $f / 1e6' "$WORK/call.call.json"
}
refused() { # the voice webhook, as the phone has it answered
	phone "$1" --expect end=refused >/dev/null 2>&1
	grep -q "We are sorry, we cannot take your call right now" "$WORK/$1.out" "$WORK/$1.json"
}

cost() {
	local before
	prices "$WORK/prices.json" 1
	model model --key "$SECRET"
	server first DATA_DIR="$WORK/data" PRICES_FILE="$WORK/prices.json" GREETING_MODE=wait MAX_DAY_COST=0.5
	check "with nothing spent calls are taken" equal "$(api /ready | jq -r .status)" ready
	dial call --script "$OUTER/talk.script" --expect script_done=1
	all_over
	check "the call goes as it should, and shows what it cost" went call caller_hung_up \
		'.cost | .estimate and .prices_of == "2027-01-02" and .usd > 0.75 and .tokens.audio_out > 0 and .tokens.audio_in > 0'
	check "the model's part is its tokens by the table" near "$(jq .cost.parts.model "$WORK/call.call.json")" "$(by_hand 1)"
	check "the words of the caller cost too" jq -e '.cost.parts.transcription > 0' "$WORK/call.call.json"
	check "a started minute of Twilio's" equal "$(jq .cost.parts.twilio "$WORK/call.call.json")" 0.75
	check "the parts are the whole" near "$(jq .cost.usd "$WORK/call.call.json")" "$(jq '.cost.parts | add' "$WORK/call.call.json")"
	check "in the list as well" near "$(api /calls | jq '.calls[0].cost.usd')" "$(jq .cost.usd "$WORK/call.call.json")"
	check "and of the day" near "$(today)" "$(jq .cost.usd "$WORK/call.call.json")"
	before=$(today)
	check "the server stops with status 0" stop_server
	check "the store has it" near "$(sqlite3 "$WORK/data/trunkline.db" "SELECT cost_usd FROM calls")" "$before"
	server second DATA_DIR="$WORK/data" PRICES_FILE="$WORK/prices.json" MAX_DAY_COST=0.5
	check "a restart goes on with the day's sum" near "$(today)" "$before"
	check "the day has cost enough: /ready says so" equal "$(api /ready | jq -r .status)" cost
	check "the next call is refused politely" refused next
	check "and counted" equal "$(api /status | jq .calls.refused_cost)" 1
	check "the server stops with status 0" stop_server
}

limit() {
	prices "$WORK/prices.json" 1000
	model model --key "$SECRET"
	server server PRICES_FILE="$WORK/prices.json" MAX_CALL_COST=1
	dial call --script "$OUTER/limit.script" --expect end=server --expect 'answers>=2'
	all_over
	check "at the limit the agent says goodbye, and that is the end" went call cost_limit \
		'.cost.usd >= 1 and ([.turns[] | select(.who == "agent")] | length >= 2)'
	check "the goodbye was heard to its end" jq -e \
		'[.turns[] | select(.who == "agent")][-1] | .interrupted == false and .heard_ms == .generated_ms and .heard_ms > 0' \
		"$WORK/call.call.json"
	check "the server stops with status 0" stop_server
}

# announce NAME COUNT: so many webhooks of different calls at once; what each was answered
# is in $WORK/NAME.N.
announce() {
	local i sid
	for ((i = 1; i <= $2; i++)); do
		sid=CA$1$i
		[ $i = 1 ] || echo next
		printf 'url = "http://127.0.0.1:%s/twilio/voice"\ndata = "CallSid=%s"\noutput = "%s"\nheader = "X-Twilio-Signature: %s"\n' \
			"$PORT" "$sid" "$WORK/$1.$i" \
			"$(printf %s "$PUBLIC/twilio/voiceCallSid$sid" | openssl dgst -sha1 -hmac "$SECRET" -binary | base64)"
	done >"$WORK/$1.curl"
	curl -sS --parallel --parallel-immediate --parallel-max 100 --max-time 60 -K "$WORK/$1.curl"
}
answers() { # NAME TEXT COUNT: so many of them
	equal "$(cat "$WORK/$1".[0-9]* | grep -c "$2")" "$3"
}
money_is() { # SPENT RESERVED
	api /status | jq -e ".cost | [.today_usd, .reserved_usd] == [$1, $2]"
}

# None of them ever gets a stream: what was reserved is let go of, and nothing was spent.
burst() {
	model model --key "$SECRET"
	server server MAX_DAY_COST=0.5 MAX_CALL_COST=0.1 MAX_CALLS=60
	announce first 50
	check "of fifty calls at once as many are let in as fit" answers first "/twilio/stream/" 5
	check "the others are refused politely" answers first "We are sorry, we cannot take your call right now" 45
	check "… counted" equal "$(api /status | jq .calls.refused_cost)" 45
	check "… and logged with the figures" \
		logged 45 "call refused: MAX_DAY_COST; spent=0.0000 reserved=0.5000 limit=0.5000" "$WORK/server.log"
	check "/status shows what is reserved" money_is 0 0.5
	check "/ready says why no more are taken" equal "$(api /ready | jq -r .status)" cost
	check "/status shows the limit" equal "$(api /status | jq .cost.limit_usd)" 0.5
	check "calls without a stream let go of it" until_true money_is 0 0
	check "/ready is ready again" equal "$(api /ready | jq -r .status)" ready
	announce second 20
	check "then as many are let in again" answers second "/twilio/stream/" 5
	check "the server stops with status 0" stop_server
}

in_bounds() { # the orders are all over; meanwhile never more was reserved than there is
	local state
	state=$(api /status) || return 1
	jq -e '.cost.reserved_usd <= 0.25' <<<"$state" >/dev/null || echo "$state" >>"$WORK/beyond"
	[ "$(api /calls | jq '[.calls[] | select(.state == "ended")] | length')" = 5 ]
}
placed() {
	local i
	model model --key "$SECRET"
	rest rest --ring 3000 --rule no-answer
	server server "${REST[@]}" DATA_DIR="$WORK/data" MAX_DAY_COST=0.25 MAX_CALL_COST=0.1 OUTBOUND_CPS=20 OUTBOUND_ALLOW=+1
	rest_to "$PORT"
	for i in 1 2 3 4 5; do
		api /calls -H 'Content-Type: application/json' -o /dev/null -w '%{http_code}\n' \
			-d "{\"to\":\"+1202555017$i\",\"from\":\"+12025550100\"}" >"$WORK/post.$i" &
	done
	check "a call that rings has reserved, and no more ring than fit" until_true money_is 0 0.2
	check "in the end all were placed" until_true in_bounds
	check "and never more than fit" eval '[ ! -e "$WORK/beyond" ]'
	check "all orders were taken" equal "$(sort -u "$WORK"/post.*)" 201
	check "each rang once" equal "$(rest_report '[.created[]] | length')" 5
	check "nothing is reserved any more" money_is 0 0
	check "the server stops with status 0" stop_server
	check "the stand-in stops" stop_rest
}

unknown() {
	model model --key "$SECRET"
	server server OPENAI_MODEL=my-deployment GREETING_MODE=wait
	dial call --script "$OUTER/talk.script" --expect script_done=1
	dial again --script "$OUTER/talk.script" --expect script_done=1
	all_over
	check "a model without a price costs as much as the dearest, and says so" went call caller_hung_up \
		'.cost | .unpriced and .usd >= .tokens.audio_out * 64 / 1e6 and .tokens.audio_out > 0'
	check "it is said once" logged 1 "there is no price for my-deployment" "$WORK/server.log"
	check "the server stops with status 0" stop_server
}

mistake() {
	env -i PATH="$PATH" TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" MAX_DAY_COST=0.5 MAX_CALL_COST=2 \
		"${FIXED[@]}" "$SERVER_BIN" --check --offline >"$WORK/small.out" 2>"$WORK/small.log"
	check "a limit below what one call reserves is said by --check" grep -q \
		"MAX_DAY_COST=0.5 is less than one call reserves before any has been made (2, MAX_CALL_COST)" "$WORK/small.out"
	echo '{"date":"2027-01-02","models":{"m":{"text_on":1}}}' >"$WORK/bad.json"
	env -i PATH="$PATH" TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" PRICES_FILE="$WORK/bad.json" \
		"${FIXED[@]}" "$SERVER_BIN" --check --offline >"$WORK/bad.out" 2>"$WORK/bad.log"
	check "a mistake in the table is found by --check" holds "$? == 1"
	check "with its place" until_true grep -q "PRICES_FILE: .*bad.json: models.m.text_on is no price that is known here" "$WORK/bad.log"
}

apart cost cost
apart burst burst
apart placed placed
apart limit limit
apart unknown unknown
apart mistake mistake
all_apart
