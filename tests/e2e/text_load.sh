#!/usr/bin/env bash
# in: test-more
# flavors: asan tsan
# A hundred calls at once that a text model answers: one thread carries all their streams. Nothing is
# lost, nobody hears another's answer, and nothing is left behind.
. "$(dirname "$0")/lib.sh"

CALLERS=(Anna Boris Clara David)
EACH=25
CALLS=$((EACH * ${#CALLERS[@]}))

rules=""
for who in "${CALLERS[@]}"; do
	rules+="{\"last\": \"It is $who.\", \"then\": [{\"text\": \"Hello $who, how can we help you today?\", \"piece\": 4, \"gap_ms\": 20}]},
	{\"last\": \"And for $who?\", \"then\": [{\"text\": \"For you, $who, on Saturday from ten to two.\", \"piece\": 4}]},"
	cat >"$WORK/$who.script" <<-SCRIPT
		wait-spoken "shop." 900000
		prompt "It is $who."
		wait-spoken "how can we help you today?" 900000
		prompt "And for $who?"
		wait-last 900000
		wait-spoken "Saturday from ten to two." 900000
		prompt "Thanks."
		wait-end 900000
	SCRIPT
done
echo "[$rules {\"last\": \"Thanks.\", \"then\": [{\"text\": \"Is there more?\"}]}, {\"then\": [{\"text\": \"Pardon?\"}]}]" >"$WORK/text.json"
mkdir -p "$WORK/agents"
cat >"$WORK/agents/desk.json" <<'JSON'
{ "numbers": ["+12025550100"], "instructions": "You answer for a shop.",
  "greeting": {"mode": "exact", "text": "Welcome to the shop."}, "channel": "relay", "model_protocol": "text"}
JSON

status() {
	api /status | jq -r "$1"
}
descriptors() {
	ls "/proc/$SERVER/fd" | wc -l
}
# Whole streams the model has sent so far; its own trial by the server, at start, is one.
whole() {
	sent text '[.[] | select(.stream == "whole")] | length'
}
all_answered() {
	[ "$(whole)" -ge $((before + 3 * CALLS)) ]
}

# Nobody is kept waiting with words, nor is asked for again, however slow the machine is.
MODEL_PORT=1 # nobody's: the realtime model is not asked
text_model text "$WORK/text.json"
server server AGENTS_DIR="$WORK/agents" MAX_CALLS="$CALLS" TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" \
	HTTPS_CA_FILE=build/e2e/ca/ca.pem LOG_LEVEL=info SILENCE_MAX_MS=60000 SLOW_ANSWER_MAX_MS=60000
check "the server has tried the text model" until_true eval '[ "$(whole)" -ge 1 ] && api /ready'
before=$(whole)
threads=$(status .process.threads)
open=$(descriptors)
for who in "${CALLERS[@]}"; do
	dial "$who" --script "$WORK/$who.script" --calls $EACH --ramp 5 --pace 100 --limit 1800 --expect end=server \
		--expect malformed=0 --expect stale=0 --expect warnings=0 --expect prompts=3 \
		--expect script_done=1 --expect "spoken~Hello $who" --expect "spoken~For you, $who,"
done
# The third is asked for by who has heard the first two.
check "every answer was made to its end" until_true all_answered
check "all calls are up at once" equal "$(status .calls.live)" $CALLS
check "and no thread was added for them" holds "$(status .process.threads) <= $threads + 1"
api "/calls?limit=$CALLS" >"$WORK/calls.json"
for sid in $(field "$WORK/calls.json" '.calls[].call_sid'); do
	api "/calls/$sid" -X DELETE >/dev/null
done
all_over
check "every caller heard both answers, his own" equal "$(grep -Lx 0 "$WORK"/*.status)" ""
check "that is all calls" equal "$(jq -s 'map(.load.ok) | add' "$WORK"/{Anna,Boris,Clara,David}.json)" $CALLS
check "all of them are over" until_true eval '[ "$(status .calls.live)" = 0 ]'
check "no answer failed or was asked for twice" equal "$(status '"\(.model.failed_answers) \(.model.retries)"')" "0 0"
check "the model was asked once for each answer" equal "$(sent text '[.[] | select(has("request"))] | length')" $((before + 3 * CALLS))
check "every request was one the API knows" equal "$(sent text '[.[] | select((.wrong // "") != "")] | length')" 0
check "the descriptors are closed again" until_true eval "[ \$(descriptors) -le $((open + CALLS + 10)) ]"
check "the server stops with status 0" stop_server
finish
