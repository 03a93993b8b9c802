#!/usr/bin/env bash
# in: test-more
# Whom we may dial, by each way of dialling: orders, transfers by the model and by the
# operator, fallback numbers. And how many orders a day.
# flavors: asan
. "$(dirname "$0")/lib.sh"

FAR=+442071838750
DIR=$WORK/agents
mkdir -p "$DIR"
cat >"$DIR/desk.json" <<JSON
{ "numbers": ["+12025550100"], "greeting": {"mode": "wait"}, "fallback": {"number": "$FAR"},
  "transfers": [ {"name": "near", "number": "+12025550177", "description": "Next door.", "ring_seconds": 20},
                 {"name": "pbx", "number": "sip:pbx@example.com", "description": "The telephone system."},
                 {"name": "far", "number": "$FAR", "description": "In London."} ] }
JSON
cat >"$WORK/model.script.json" <<'JSON'
{"turns": [
  {"hear": "London, please.", "say": "I will try.", "calls": [{"name": "transfer_call", "arguments": {"destination": "far"}}],
   "then": {"say": "That cannot be done."}} ]}
JSON
cat >"$WORK/ask.script" <<SCRIPT
say $PWD/$SPEECH/caller-3.wav
wait-end
SCRIPT
echo wait-end >"$WORK/wait.script"

# post NAME PATH BODY [CURL ARGS]: answer in $WORK/NAME.post, status in $WORK/NAME.status
post() {
	api "$2" --json "$3" -o "$WORK/$1.post" -w '%{http_code}' -D "$WORK/$1.head" "${@:4}" >"$WORK/$1.status"
}
place() { # NAME NUMBER [CURL ARGS]
	post "$1" /calls '{"agent":"desk","from":"+12025550100","to":"'"$2"'"}' "${@:3}"
}
answered() { # NAME STATUS [JQ]
	equal "$(cat "$WORK/$1.status")" "$2" && { jq -e "${3:-true}" "$WORK/$1.post" >/dev/null || { cat "$WORK/$1.post"; return 1; }; }
}
refused() { # NAME FIELD
	answered "$1" 403 '.error | .code == "not_allowed" and .field == "'"$2"'" and (.message | contains("OUTBOUND_ALLOW"))'
}
not_dialled() {
	api /status | jq .calls.not_dialled
}
created() { # NUMBER: how often Twilio was asked to call it
	rest_report "[.created[] | select(.to == \"$1\")] | length"
}
checked() { # STATUS VAR=VALUE…
	local status=0
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" "${@:2}" "${FIXED[@]}" "$SERVER_BIN" --check --offline >"$WORK/check.out" \
		2>"$WORK/check.err" || status=$?
	equal "$status" "$1"
}
live() {
	api /calls | jq -e '[.calls[] | select(.state == "live")] | length == 1'
}

# ------------------------------------------------------------------ before anybody is dialled
check "--check fails for numbers that will not be dialled" checked 1 AGENTS_DIR="$DIR" OVERFLOW_NUMBER=$FAR
check "each of them is named" equal "$(grep -oE '(fallback|transfers\[[0-9]\]).number: \+442…50 is not dialled' "$WORK/check.err" | paste -sd';')" \
	"fallback.number: +442…50 is not dialled;transfers[2].number: +442…50 is not dialled"
check "and the setting, with what holds" grep -q 'without OUTBOUND_ALLOW only the countries of the agents. own numbers are dialled: +1 ' "$WORK/check.err"
check "with the country it is sound" checked 0 AGENTS_DIR="$DIR" OUTBOUND_ALLOW=+44,+1
check "with every number, too, and warned of" eval 'checked 0 AGENTS_DIR="$DIR" OUTBOUND_ALLOW=any && grep -q "OUTBOUND_ALLOW=any: every number" "$WORK/check.out"'
check "without a number of ours nobody is dialled" eval 'checked 1 OVERFLOW_NUMBER=+12025550177 &&
	grep -q "OVERFLOW_NUMBER: .* are dialled: none" "$WORK/check.err"'
for wrong in + 0049 "+49 900" "+1(900)" +49x "＋49" -any; do
	check "refused: OUTBOUND_ALLOW=$wrong" eval 'checked 1 OUTBOUND_ALLOW="$wrong" && grep -q "^OUTBOUND_ALLOW" "$WORK/check.err"'
done
check "blanks and empty entries do no harm" checked 0 AGENTS_DIR="$DIR" OUTBOUND_ALLOW=" +1 ,, +44,"

# ------------------------------------------------------------------ by every way
model model --key "$SECRET" --script "$WORK/model.script.json"
rest rest --rule busy
server server "${REST[@]}" AGENTS_DIR="$DIR" DATA_DIR="$WORK/data" OUTBOUND_CPS=20 OUTBOUND_MAX_DAY=2 MAX_CALLS=1 FALLBACK=dial
rest_to "$PORT"
check "a start says what it will not dial" logged 2 'error setup .*is not dialled: without OUTBOUND_ALLOW' "$WORK/server.log"
place far $FAR
check "order: another country" refused far to
place premium +19005550123
check "order: a premium number" refused premium to
place overseas +18765550123
check "order: a country overseas" refused overseas to
place disguised +10114420718387
check "order: a way abroad" refused disguised to
check "all of them are counted" equal "$(not_dialled)" 4
check "and logged without the number" equal "$(grep -c 'warn outbound not dialled.*number=+442…50' "$WORK/server.log") $(grep -c "$FAR" "$WORK/server.log")" "1 0"
dial talk --to +12025550100 --script "$WORK/ask.script" --dial completed --expect dial=+12025550177 --expect warnings=0
until_true live
CALL=$(api /calls | jq -r '.calls[0].call_sid')
post number "/calls/$CALL/transfer" '{"number":"'$FAR'"}'
check "the operator's transfer: to a number" refused number number
post name "/calls/$CALL/transfer" '{"destination":"far"}'
check "the operator's transfer: to a destination" refused name destination
check "fallback: its number is as good as none" phone busy --to +12025550100 --script "$WORK/wait.script" --expect end=no-stream \
	--expect "say=all our lines are busy"
check "the model's transfer: the tool says no" until_true eval "api /calls/$CALL | jq -e '.tools[0] | .name == \"transfer_call\" and .ok == false'"
check "the model goes on with it" until_true eval "api /calls/$CALL | jq -e '.turns | any(.text == \"That cannot be done.\")'"
post near "/calls/$CALL/transfer" '{"destination":"near"}'
check "what may be dialled is" answered near 202
all_over
check "the call went there" went talk transferred
check "all were counted" equal "$(not_dialled)" 8
check "the model was told the setting" eval "rest_report .complaints | grep -qx '\[\]'"

# ------------------------------------------------------------------ so many a day
place first +12025550171 -H 'Idempotency-Key: first'
place second +12025550172
check "as many as the day has are taken" eval 'answered first 201 && answered second 201'
place third +12025550173 -H 'Idempotency-Key: third'
check "one more is not" answered third 429 '.error.code == "day_full" and (.error.message | contains("OUTBOUND_MAX_DAY"))'
check "and Retry-After says when" grep -qiE '^retry-after: [0-9]+' "$WORK/third.head"
place again +12025550171 -H 'Idempotency-Key: first'
check "a repetition is no new one" answered again 200
check "it is counted" equal "$(api /status | jq -c '.outbound | [.today, .max_day, .over_day, .placed]')" "[2,2,1,2]"
check "the server stops" stop_server
server server2 "${REST[@]}" AGENTS_DIR="$DIR" DATA_DIR="$WORK/data" OUTBOUND_MAX_DAY=2
rest_to "$PORT"
place third +12025550173 -H 'Idempotency-Key: third'
check "a restart goes on counting" answered third 429
check "the server stops again" stop_server

# ------------------------------------------------------------------ an order of earlier settings
server server3 "${REST[@]}" AGENTS_DIR="$DIR" DATA_DIR="$WORK/data" OUTBOUND_CPS=0.1
rest_to "$PORT"
place now +12025550174
place later +12025550175
check "an order waits for its turn" answered later 201 '.status == "queued"'
check "the server stops a third time" stop_server
server server4 "${REST[@]}" AGENTS_DIR="$DIR" DATA_DIR="$WORK/data" OUTBOUND_ALLOW=+44
rest_to "$PORT"
check "under settings that leave it out it is withdrawn" until_true eval \
	"api /calls/$(field "$WORK/later.post" .id) | jq -e '.outbound.error.code == \"not_allowed\" and .ending.reason == \"call_failed\"'"
check "Twilio was asked for it and for those refused as often as never" equal \
	"$(for n in +12025550175 $FAR +19005550123 +18765550123 +12025550173; do created $n; done | paste -sd' ')" "0 0 0 0 0"
check "the server stops a fourth time" stop_server
check "the stand-ins stop" eval 'stop_rest && stop_model'
check "the model was told why" jq -e '[.per_session[].items[] | select(.type == "function_call_output").output] |
	any(contains("not_allowed") and contains("OUTBOUND_ALLOW"))' "$WORK/model.json"
finish
