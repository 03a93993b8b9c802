#!/usr/bin/env bash
# flavors: asan
# in: test-more
# Memory is refused while calls come and go: of each place in the code that asks for any, one request. The call
# goes on, or ends with words and in the record; the server stays, and others do not notice.
#
#   STARVED="3 77"   of the places one in 3, drawn by the seed 77 (1: all of them, which takes an hour)
. "$(dirname "$0")/lib.sh"

SERVER_BIN=build/$FLAVOR/starved
read -r ONE_IN SEED <<<"${STARVED:-16 1}"
echo "STARVED=\"$ONE_IN $SEED\""
PATIENCE=30
CALLS_MAX=1500
AT_ONCE=5
PAUSE_MS=400 # so that a call is refused one or two

cat >"$WORK/model.script" <<JSON
{ "greeting": {"say": "Welcome to the shop."}, "typed": {"say": "Noted."}, "otherwise": {"say": "Pardon?"},
  "turns": [
    {"hear": "And on Saturday?", "say": "On Saturday from ten to two."},
    {"hear": "Is there a free hour?", "say": "", "calls": [{"name": "look", "arguments": {"day": "Friday"}}],
     "then": {"say": "Friday at noon is free."}},
    {"hear": "Thank you, goodbye.", "say": "Goodbye, and thank you for calling.", "calls": [{"name": "end_call"}]} ] }
JSON
cat >"$WORK/text.json" <<JSON
[ {"last": "And on Saturday?", "then": [{"text": "On Saturday from ten to two."}]},
  {"last": "Is there a free hour?", "then": [{"text": "", "calls": [{"name": "look", "arguments": {"day": "Friday"}}]}]},
  {"last": "Thank you, goodbye.", "then": [{"text": "Goodbye, and thank you for calling.", "calls": [{"name": "end_call", "arguments": {}}]}]},
  {"then": [{"text": "Friday at noon is free."}]} ]
JSON
printf '%s\n' 'say caller-1.wav' 'wait-agent-done 200' 'say caller-2.wav' 'wait-agent-done 200' hangup >"$WORK/spoken.script"
echo "$SHOP_TALK" >"$WORK/typed.script"
shop '"voice": "marin"'
mkdir -p "$WORK/agents-text" "$WORK/agents-stream"
jq '.model_protocol = "text"' "$WORK/agents/desk.json" >"$WORK/agents-text/desk.json"
jq '.channel = "stream"' "$WORK/agents/desk.json" >"$WORK/agents-stream/desk.json"

# What is wrong with the call; nothing: nothing is.
wrong() { # PHONE-REPORT CALL
	kill -0 "$SERVER" 2>/dev/null || { echo "the server is gone"; return; }
	[ "$(field "$1" '.calls[0].end')" != limit ] || echo "the caller gave up"
	local words
	words=$(field "$1" '.calls[0].said')
	if ! jq -e '.ending.reason' "$2" >/dev/null 2>&1; then
		[ -n "$words" ] || echo "no record, and no word for the caller"
	elif [ "$(field "$1" '.calls[0] | .end + " \(.status)"')" = "no-stream 200" ] && [ "$(field "$2" .ending.reason)" != internal_error ]; then
		echo "was not put through, and ended as $(field "$2" .ending.reason)"
	elif [ "$(field "$2" '.ending.fault')" = true ] && [ -z "$words" ]; then
		echo "ended as $(field "$2" .ending.reason) without a word"
	fi
}

# Ended, or never taken.
over() { # CALL
	[ "$(api "/calls/$1" -o "$WORK/$1.look" -w '%{http_code}')" = 404 ] || jq -e '.state == "ended"' "$WORK/$1.look"
}

# One call, and a line of it: its number, how it ended, what is wrong.
call() { # NAME
	local sid
	phone "$1" --limit 40 --pace 120 --script "$OUTER/$CALLER.script" >/dev/null
	sid=$(field "$WORK/$1.json" '.calls[0].call_sid')
	until_true over "$sid"
	mv "$WORK/$sid.look" "$WORK/$1.call.json"
	echo "$1 $(jq -r '.ending.reason // "none"' "$WORK/$1.call.json") $(wrong "$WORK/$1.json" "$WORK/$1.call.json")" >>"$WORK/lines"
}

# Calls come, some at once, until so many in a row have met no new place.
walk() {
	local turn before=0 quiet=0 now up=0
	order server places "$PAUSE_MS" "$ONE_IN" "$SEED" >/dev/null
	for ((turn = 1; turn <= CALLS_MAX && quiet < AT_ONCE * 2; turn++)); do
		[ $((up++)) -lt $AT_ONCE ] || wait -n
		call "call-$turn" &
		now=$(grep -c '^refused: ' "$WORK/server.log")
		quiet=$((now == before ? quiet + 1 : 0))
		before=$now
		kill -0 "$SERVER" 2>/dev/null || return 1
	done
	order server none >/dev/null
	wait
	echo "$((turn - 1)) calls, $now places, ended as: $(cut -d' ' -f2 "$WORK/lines" | sort | uniq -c | xargs)"
	! grep -vE '^call-[0-9]+ [a-z_]+ $' "$WORK/lines"
}

# Others are not touched: not more calls fail than requests.
few_failed() {
	local failed
	failed=$(grep -cE '^call-[0-9]+ (internal_error|model_|stream_|never_|none)' "$WORK/lines")
	holds "$failed <= $(grep -c '^refused: ' "$WORK/server.log")"
}

case_of() { # MODE
	CALLER=typed
	local agents=$OUTER/agents settings=() model=(--script "$OUTER/model.script" --text-speed 400)
	MODEL_PORT=1
	case $1 in
	stream) CALLER=spoken agents=$OUTER/agents-stream settings=(RECORD=local) model=(--fault expires=8@/2) ;; # every other session is renewed
	text)
		agents=$OUTER/agents-text
		text_model text "$OUTER/text.json"
		settings=(TEXT_API=responses TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem)
		;;
	esac
	[ "$1" = text ] || model model --key "$SECRET" "${model[@]}"
	server server AGENTS_DIR="$agents" SIGNING_SECRET="$SECRET" DATA_DIR="$WORK/data" STARVE="$(order server none)" "${settings[@]}"
	check "$NAME: whatever is refused, the call goes on or ends with words" eval 'walk | tee "$WORK/walk"; [ "${PIPESTATUS[0]}" = 0 ]'
	tail -1 "$WORK/walk"
	check "$NAME: others are not touched" few_failed
	call good
	check "$NAME: a later call goes well" eval 'grep -qE "^good (caller_hung_up|agent_ended) $" "$WORK/lines"'
	check "$NAME: the server stops with status 0" stop_server
}

for mode in stream relay text; do
	apart "$mode" case_of "$mode"
done
all_apart
