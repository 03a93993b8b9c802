#!/usr/bin/env bash
# flavors: asan
# What is found out in calls: saved by the agent during the call, right, wrong and
# put right; filled in after it by a text API that answers well, badly or not at
# all; and by the next server, when one dies in between.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/agents"
cat >"$WORK/hello.script" <<SCRIPT
say caller-3.wav
wait-agent-done 1200
hangup
SCRIPT
cat >"$WORK/silent.script" <<SCRIPT
silence 500
hangup
SCRIPT

# Says two things to save_record, in one breath after the other; a session that
# has no such tool makes no such call.
cat >"$WORK/model.script" <<'JSON'
{ "turns": [ { "hear": "A table for two, please. My name is Sam.", "say": "Let me see.", "wav": "none.wav",
    "calls": [{ "name": "save_record", "arguments": { "name": "Sam", "guests": "two" } }],
    "then": { "say": "", "calls": [{ "name": "save_record", "arguments": { "name": "Sam", "guests": 2 } }],
      "then": { "say": "Noted.", "wav": "none.wav" } } } ] }
JSON

# agent NAME NUMBER FILL MORE-PROPERTIES REQUIRED
agent() {
	cat >"$WORK/agents/$1.json" <<JSON
{ "numbers": ["$2"], "instructions": "Take bookings.", "greeting": { "mode": "wait" },
  "webhooks": [{ "url": "$SINK_URL/hook", "events": ["record.created"] }],
  "outcome": { "fill": "$3", "instructions": "Tables only.", "schema": { "type": "object",
    "properties": { "name": { "type": "string" }, "guests": { "type": "integer", "minimum": 1 }$4 },
    "required": [$5], "additionalProperties": false } } }
JSON
}
GOOD='{"json":{"name":"Sam","guests":2}}'
BAD='{"json":{"name":"Sam","guests":"two"}}'
cat >"$WORK/text.json" <<JSON
[ { "when": "+12025550201", "then": [$GOOD] },
  { "when": "+12025550202", "then": [$BAD, $GOOD] },
  { "when": "+12025550203", "then": [$BAD] },
  { "when": "+12025550204", "then": [{ "status": 500 }, $GOOD] },
  { "when": "+12025550205", "then": [{ "status": 429, "code": "rate_limit_exceeded", "retry_after": 1 }, $GOOD] },
  { "when": "+12025550206", "then": [{ "status": 401, "code": "invalid_api_key" }] },
  { "when": "+12025550207", "then": [{ "refusal": "I will not." }, $GOOD] },
  { "when": "+12025550208", "then": [{ "raw": "<html>sorry</html>", "type": "text/html" }] },
  { "when": "+12025550209", "then": [{ "incomplete": "max_output_tokens", "text": "{\"na" }] },
  { "when": "+12025550210", "then": [{ "text": "Certainly! Here it is." }, $GOOD] },
  { "when": "+12025550213", "then": [{ "json": { "name": "Sam", "guests": 2, "phone": "+12025550213" } }] },
  { "when": "+12025550220", "then": [{ "slow_ms": 600000, "json": {} }, $GOOD] } ]
JSON

sink sink
SINK_URL=http://127.0.0.1:$SINK_PORT
text_model text "$WORK/text.json"
agent after +12025550101 after "" '"name", "guests"'
agent both +12025550102 both "" '"name", "guests"'
agent strict +12025550103 call ', "phone": { "type": "string", "format": "phone" }' '"name", "guests", "phone"'
agent filled +12025550104 both ', "phone": { "type": "string", "format": "phone" }' '"name", "guests", "phone"'
model model --key "$SECRET" --script "$WORK/model.script"
serve() {
	server "$1" DATA_DIR="$WORK/data" AGENTS_DIR="$WORK/agents" TEXT_API_URL="$TEXT_URL" HTTPS_CA_FILE=build/e2e/ca/ca.pem \
		RECORD_RETRY_SECONDS=1 JOB_THREADS=12 MAX_CALLS=20 SIGNING_SECRET="$SECRET"
}
serve first

# call NAME FROM TO: its record will be in $WORK/NAME.record.json
call() {
	dial "$1" --from "$2" --to "$3" --script "$WORK/${4:-hello}.script"
}
for n in 01 02 03 04 05 06 07 08 09 10; do
	call "after-$n" "+120255502$n" +12025550101
done
call both +12025550211 +12025550102
call strict +12025550212 +12025550103
call filled +12025550213 +12025550104
call silent +12025550214 +12025550101 silent
all_over

sid() {
	field "$WORK/$1.json" '.calls[0].call_sid'
}
complete() {
	api "/records?call_sid=$(sid "$1")" >"$WORK/$1.record.json"
	jq -e '.records | length == 1 and .[0].complete' "$WORK/$1.record.json"
}
# record NAME JQ: it is complete, and JQ holds of it.
record() {
	until_true complete "$1"
	jq -e ".records[0] | $2" "$WORK/$1.record.json" >/dev/null || { cat "$WORK/$1.record.json"; return 1; }
}
asked() { # how often the text API was asked about this number
	jq -s --arg n "$1" '[.[] | select(.request.input | contains($n))] | length' "$WORK/text.jsonl"
}

VALID='.status == "valid" and .record == {"name":"Sam","guests":2} and .problems == []'
check "filled in from the transcript" record after-01 "$VALID and .source == \"after\" and .agent == \"after\""
check "what breaks the schema is asked for again" record after-02 "$VALID"
check "… once, with the problem named" equal "$(jq -r 'select(.request.input | contains("+12025550202")) |
	.request.input' "$WORK/text.jsonl" | grep -c -- '- guests must be a whole number')" 1
check "what breaks it twice is kept, and marked" record after-03 '.status == "invalid" and .record.guests == "two" and
	.problems == [{"path": "guests", "sentence": "must be a whole number"}]'
check "… after two requests" equal "$(asked +12025550203)" 2
check "a 500 passes" record after-04 "$VALID"
check "a 429 is waited for" record after-05 "$VALID"
check "a key that is refused: failed, with the reason" record after-06 '.status == "failed" and .record == null and
	.problems[0].sentence == "the text API answered 401: invalid_api_key; look at TEXT_API_KEY, or OPENAI_API_KEY in its place"'
check "… after one more try" equal "$(asked +12025550206)" 2
check "a refusal is tried once more" record after-07 "$VALID"
check "HTML" record after-08 '.status == "failed" and (.problems[0].sentence | contains("not JSON"))'
check "half an answer" record after-09 '.status == "failed" and (.problems[0].sentence | contains("max_output_tokens"))'
check "words instead of JSON are asked for again" record after-10 "$VALID"
check "saved in the call, at the second try" record both "$VALID and .source == \"call\""
check "… and nobody else was asked" equal "$(asked +12025550211)" 0
check "never right in the call: kept as it is" record strict '.status == "invalid" and .source == "call" and
	.record == {"name":"Sam","guests":2} and .problems == [{"path": "phone", "sentence": "is missing"}]'
check "never right in the call, but after it" record filled '.status == "valid" and .source == "after" and
	.record.phone == "+12025550213"'
check "a caller who says nothing leaves none" equal "$(api "/records?call_sid=$(sid silent)" | jq '.records | length')" 0
check "the text API was asked as it wants to be" equal "$(jq -s '[.[] | select(.wrong != "")] | length' "$WORK/text.jsonl")" 0
check "strictly where the schema allows" equal "$(jq -s '[.[] | select(.request.input | contains("+12025550201"))][0].request.text.format |
	"\(.type) \(.strict)"' "$WORK/text.jsonl")" '"json_schema true"'
check "a format that strict mode does not know goes without" equal "$(jq -s '[.[] | select(.request.input |
	contains("+12025550213"))][0].request.text.format.type' "$WORK/text.jsonl")" '"json_object"'

ID=$(jq -r '.records[0].id' "$WORK/after-01.record.json")
check "one record by its id" equal "$(api "/records/$ID" | jq -c .record)" '{"name":"Sam","guests":2}'
check "no record of that id" equal "$(api /records/rec_0 -o /dev/null -w '%{http_code}')" 404
check "the call shows its record" equal "$(api "/calls/$(sid after-01)" | jq -c .record)" "{\"id\":\"$ID\",\"status\":\"valid\"}"
check "by status" equal "$(api '/records?status=invalid' | jq '[.records[].agent] | sort | join(" ")')" '"after strict"'
check "by agent" equal "$(api '/records?agent=both' | jq '.records | length')" 1
pages() {
	local next="" seen=0 page
	while :; do
		page=$(api "/records?limit=5${next:+&cursor=$next}") || return 1
		seen=$((seen + $(jq '.records | length' <<<"$page")))
		next=$(jq -r '.next // empty' <<<"$page")
		[ -n "$next" ] || break
	done
	equal "$seen" 13
}
check "page by page, none twice" pages
check "bad questions are told so" equal "$(for q in status=x limit=0 cursor=x since=x nobody=1; do
	api "/records?$q" -o /dev/null -w '%{http_code} '
done)" "400 400 400 400 400 "
told() {
	equal "$(jq -s '[.[].body | select(.event == "record.created").record.id] | unique | length' "$WORK/sink.jsonl")" 13
}
check "record.created is told of each" until_true told
check "they are counted" equal "$(api /status | jq -c .records)" '{"valid":8,"invalid":2,"failed":3}'

# ------------------------------------------------------------------ a server dies
slow_asked() {
	[ "$(asked +12025550220)" = "$1" ]
}
DIALLED=()
call dying +12025550220 +12025550101
all_over
check "the text API is slow" until_true slow_asked 1
{ kill -9 "$SERVER" && wait "$SERVER"; } 2>/dev/null
check "before the kill there was no record" equal "$(sqlite3 "file:$WORK/data/trunkline.db?mode=ro" \
	"SELECT status, state FROM records WHERE call_sid = '$(sid dying)'")" "open|open"
serve second
check "the next server fills it in" record dying "$VALID"
check "… by asking again" slow_asked 2
check "the server stops with status 0" stop_server

# ------------------------------------------------- one does not start, with a record to fill in
cat >"$WORK/slow.json" <<JSON
[ { "when": "", "then": [{ "slow_ms": 600000, "json": {} }] } ]
JSON
GOOD_URL=$TEXT_URL
text_model slow "$WORK/slow.json"
sqlite3 "$WORK/data/trunkline.db" "UPDATE records SET status = 'open', source = NULL, json = NULL, state = 'open', attempts = 0
	WHERE call_sid = '$(sid dying)'"
# Too few threads for all its lines. They are counted by user: one of its own, which no other script has.
cannot_start() {
	local most=60
	[ "$(id -u)" = 0 ] || most=$(($(ps -L -u "$(id -u)" --no-headers | wc -l) + 300))
	(
		ulimit -u "$most"
		exec timeout 60 "${OTHER[@]/64321/64322}" env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" PORT=0 \
			PUBLIC_URL="$PUBLIC" TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" SIGNING_SECRET="$SECRET" MAX_CALLS=1000 \
			OPENAI_CA_FILE=build/e2e/ca/ca.pem HTTPS_CA_FILE=build/e2e/ca/ca.pem TEXT_API_URL="$TEXT_URL" \
			OPENAI_REALTIME_URL="wss://localhost:$MODEL_PORT/v1/realtime" DATA_DIR="$WORK/data" AGENTS_DIR="$WORK/agents" \
			"${FIXED[@]}" "$SERVER_BIN" >"$WORK/third.out" 2>"$WORK/third.log"
	)
	equal $? 1 && grep -q "cannot start: calls: Resource temporarily unavailable" "$WORK/third.log"
}
check "a server that cannot open its lines says so, and ends in order" cannot_start
TEXT_URL=$GOOD_URL
serve fourth
check "the record is there for the next" record dying "$VALID"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model
check "save_record was called as the protocol has it" equal "$(field "$WORK/model.json" .violation_count)" 0
check "the model was told what was wrong with its record" equal "$(jq -r '[.per_session[].items[] |
	select(.type == "function_call_output").output | fromjson | select(.error) | "\(.error.code) \(.problems[0].path)"] |
	unique | join(", ")' "$WORK/model.json")" "invalid_record guests, invalid_record phone"
finish
