#!/usr/bin/env bash
# flavors: asan
# What happens in calls reaches the addresses their agent lists: signed, in
# order, however the receivers behave, and whatever becomes of the server.
. "$(dirname "$0")/lib.sh"

cat >"$WORK/webhooks.script" <<'SCRIPT'
wait-agent-talking 200
hangup
SCRIPT
cat >"$WORK/webhooks-long.script" <<'SCRIPT'
wait-agent-done 1000
silence 600000
hangup
SCRIPT

AGENTS=$WORK/agents
mkdir -p "$AGENTS"

# agent URL-AND-QUERY...: the one agent there is tells these.
agent() {
	jq -n '{ webhooks: [$ARGS.positional[] | { url: . }] }' --args "$@" >"$AGENTS/plumber.json"
}

serve() { # NAME VAR=VALUE...
	server "$1" DATA_DIR="$WORK/data" AGENTS_DIR="$AGENTS" SIGNING_SECRET="$SECRET" "${@:2}"
}

killed() {
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	true
}

outbox() { # STATE: how many
	api "/outbox?limit=200&state=$1" | jq '.outbox | length'
}

# delivered TO PATH: the events that got through there, in order.
delivered() {
	sent "$1" "[.[] | select(.path == \"$2\" and .status == 200 and .did == \"answer\") | .headers[\"trunkline-event\"]] | join(\" \")"
}

delivers() { # TO PATH EVENTS
	until_true eval "[ \"\$(delivered $1 $2)\" = '$3' ]"
	equal "$(delivered "$1" "$2")" "$3"
}

waits_for() { # STATE COUNT
	until_true eval "[ \"\$(outbox $1)\" = $2 ]"
	equal "$(outbox "$1")" "$2"
}

code() { # PATH CURL-ARGS...: the status alone
	api "$1" -o "$WORK/answer.json" -w '%{http_code}' "${@:2}"
}

model model --key "$SECRET"
sink good
GOOD=http://127.0.0.1:$SINK_PORT
# What is well is elsewhere: a host whose /slow has not answered in time is asked one at a time, with pauses.
sink well
WELL=http://127.0.0.1:$SINK_PORT
DEAD_PORT=$(own_port)

# --- receivers of every kind, at once
agent "$WELL/well" "$GOOD/late?status=500&first=2" "$GOOD/slow?slow=60000" \
	"$GOOD/moved?redirect=$(jq -rn --arg u "$GOOD/trap" '$u | @uri')" "$GOOD/gone?status=410" \
	"http://127.0.0.1:$DEAD_PORT/dead"
serve first
check "a call with six receivers goes as it should" phone one --script "$OUTER/webhooks.script" --expect 'end=caller'
check "the one that is well hears of start and end" delivers well /well "call.started call.ended"
check "the one that fails twice hears both, later and in order" delivers good /late "call.started call.ended"
check "everything was signed" equal "$(jq -r .signature "$WORK"/{good,well}.jsonl | sort -u)" good
sid=$(field "$WORK/one.json" '.calls[0].call_sid')
check "the body tells of the call" equal "$(sent well '[.[] | select(.path == "/well")][1].body |
	"\(.event) \(.call.call_sid) \(.call.state) \(.call.ending.reason) \(.call.turns | length > 0)"')" \
	"call.ended $sid ended caller_hung_up true"
check "delivery, key and body name the same id, each time it is sent" equal "$(sent good '[.[] | select(.path == "/late") |
	[.body.id, .headers["trunkline-delivery"], .headers["idempotency-key"]] | unique] | unique | length')" 2
check "a redirect is not followed, and said" equal "$(until_true eval "api /outbox?state=waiting | jq -e '.outbox[] |
	select(.last_status == 302)'"; api /outbox?state=waiting | jq -r '[.outbox[] | select(.last_status == 302) |
	.last_error] | unique[]'; sent good '[.[] | select(.path == "/trap")] | length')" \
	"it answered 302, and redirects are not followed"$'\n'0
check "who is gone is asked no more" waits_for parked 2
check "the slow one is being waited for, and has delayed nobody" until_true eval \
	"api /status | jq -e '.outbox | [.delivered, .parked, .lost] == [4,2,0]'"

# --- nothing is lost over a kill
kill_in_call() {
	dial two --script "$OUTER/webhooks-long.script"
	until_true eval "api /calls | jq -e '[.calls[] | select(.state == \"live\")] | length == 1'"
	until_true eval "[ \"\$(delivered well /well)\" = 'call.started call.ended call.started' ]" || return 1
	killed
	all_over
}
check "a call is up when the server is killed" kill_in_call
sink dead --port "$DEAD_PORT"
serve second
check "the one that was dead hears all of it, in order" until_true eval "sent dead '[.[] | select(.body.call.call_sid == \"$sid\") |
	.body.event] | join(\" \")' | grep -qx 'call.started call.ended'"
check "the call that was cut off ends for its receivers, too" equal "$(until_true eval "sent dead '.[].body.event' |
	grep -q call.failed"; sent dead "[.[] | select(.body.call.call_sid != \"$sid\") |
	\"\(.body.event) \(.body.call.ending.reason)\"] | join(\", \")")" \
	"call.started null, call.ended interrupted, call.failed interrupted"
check "signed as ever" equal "$(sent dead '[.[].signature] | unique | join(" ")')" good
check "the server stops, though one keeps it waiting" stop_server

# --- parked, and sent again
kill "$SINK"
wait "$SINK" 2>/dev/null
agent "http://127.0.0.1:$DEAD_PORT/dead"
rm -r "$WORK/data"
serve third OUTBOX_GIVE_UP_SECONDS=1
check "a call with a dead receiver goes as it should" phone three --script "$OUTER/webhooks.script" --expect 'end=caller'
check "what cannot be delivered in time is parked" waits_for parked 2
id=$(api "/outbox?state=parked&limit=1" | jq -r '.outbox[0].id')
api "/outbox?state=parked" >"$WORK/parked.json"
check "and shown with the reason" equal \
	"$(field "$WORK/parked.json" '[.outbox[] | "\(.event) \(.last_status)"] | join(", ")')" "call.ended null, call.started null"
sink again --port "$DEAD_PORT"
check "it is sent again when asked" equal "$(code "/outbox/$id/retry" -X POST)" 202
check "and arrives" delivers again /dead call.ended
check "then it is delivered" waits_for delivered 1
check "what was delivered is not sent again" equal "$(code "/outbox/$id/retry" -X POST) $(field "$WORK/answer.json" .error.code)" \
	"409 already_delivered"
check "what is not there cannot be" equal "$(code /outbox/evt_none/retry -X POST) $(field "$WORK/answer.json" .error.code)" \
	"404 no_such_webhook"
check "a wrong state is refused" equal "$(code '/outbox?state=lost') $(field "$WORK/answer.json" '.error | .code + " " + .field')" \
	"400 invalid_query state"
check "a wrong limit is refused" equal "$(code '/outbox?limit=0')" 400
check "pages follow each other" equal "$(api "/outbox?limit=1&cursor=$(api '/outbox?limit=1' | jq -r .next)" |
	jq -r '.outbox[0].event + " " + (.next | tostring)')" "call.started null"
check "the server stops with status 0" stop_server

# --- without a store
agent "$GOOD/memory?status=500&first=1"
server fourth AGENTS_DIR="$AGENTS" SIGNING_SECRET="$SECRET"
check "without DATA_DIR it says so" until_true grep -q "DATA_DIR is not set: webhooks" "$WORK/fourth.log"
check "a call without a store goes as it should" phone four --script "$OUTER/webhooks.script" --expect 'end=caller'
check "its webhooks are tried again, too" delivers good /memory "call.started call.ended"
check "but cannot be listed" equal "$(code /outbox) $(field "$WORK/answer.json" .error.code)" "503 no_store"
check "that server stops with status 0" stop_server
finish
