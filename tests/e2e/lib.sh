# For the scripts beside it: starts the real server between the stand-ins, and
# judges. Source it, use the functions, call `finish` last.
#
#   model NAME ARGS...          a stand-in model; its port in $MODEL_PORT, its report in $WORK/NAME.json when stopped
#   server NAME VAR=VALUE...    the server, on that model, without limits of one caller, since most phones have one
#                               number, without sessions for fixed lines (VOICE_CACHE) and without questions in silence,
#                               since some wait for long, and with few threads (under TSan the start of one costs a
#                               hundredth of a second of CPU time), so ten calls; its port in $PORT, its pid in $SERVER, log $WORK/NAME.log
#   sink NAME ARGS...           somebody else's server (tools/webhook_sink); its port in $SINK_PORT, its pid in $SINK,
#                               what it was sent in $WORK/NAME.jsonl, and by `sent NAME FILTER` as one array
#   interruption                a phone's script in which the caller speaks up into an answer and hears the next
#   rest NAME ARGS...           Twilio's REST API; its port in $REST_PORT, the settings for a server in "${REST[@]}"; it
#                               calls the server whose $PORT was told to it by `rest_to`; report $WORK/NAME.json
#   phone NAME ARGS...          one simulated call, in the foreground; report $WORK/NAME.json, output $WORK/NAME.out
#   dial NAME ARGS...           the same in the background, for many at once
#   plan NAME FAULTS ARGS...    such a call, for later: its connection to the model has these of the stand-in's faults
#   dial_planned                dials them, each on its own connection; the model was started with "${ORDERS[@]}"
#   all_over                    waits for every call dialled
#   apart NAME COMMAND...       a case with a model and a server of its own, in the background, in a process and a
#                               directory ($WORK) of its own; $OUTER is the script's
#   all_apart                   waits for those cases and tells of them; then the script is done
#   together NAME COMMAND...    cases with a server of their own, in the background, that share $WORK, and the model, with the rest
#   all_together                waits for those, and tells of them
#   went NAME REASON [JQ [ARGS]] such a call did what it was told to expect, is over in
#                               /calls/{CallSid} for that reason, and JQ holds of its record
#   api PATH [CURL ARGS...]     what the operator's API of $PORT answers to its token, $API_TOKEN
#   ask PATH [CURL ARGS...]     what $PORT answers to anybody
#   signature TEXT              as Twilio signs it
#   hook PATH FIELD=VALUE…      what Twilio would get for this question, its fields in order of the alphabet
#   field FILE FILTER           a field of a JSON file, by jq
#   text_model NAME SCRIPT      a stand-in for the text API (tools/text_model), answering as the script says; its URL in
#                               $TEXT_URL, its pid in $TEXT, what it was asked a line each in $WORK/NAME.jsonl
#   shop FIELDS                 the agent of a shop, in words, with FIELDS of its own; a sink for its tool "look"
#   shop_call NAME SCRIPT ARGS… one call of it by this script and with these arguments of the phone, until it is over; its
#                               name in $SID, its record in call.json
#   shop_talked                 a call by $SHOP_TALK (phone.json, call.json) went as it should; the stand-in for the
#                               model has to know the caller's sentences; $SHOP_HOURS is a long answer for it
#   answers FILTER              what the phone heard of each answer in words (tools/phone), from phone.json
#   own_port                    a port to be known before, or come back to: nobody listens there, nor does the system
#                               give it to anybody
#   check "sentence" COMMAND... one case: "ok …" or "not ok …", with what went wrong
#   stop_server, stop_model     and wait for them; fails if the exit status is not 0
#
# No case asserts a time, and none expects the machine to be idle: it waits for what
# happens, and limits are guards against hanging. What depends on how late a process
# came to run is asked for by the names below (ON_TIME).
# Whoever is stopped takes all that it started along.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/lib.sh

FLAVOR=${FLAVOR:-asan}
SERVER_BIN=build/$FLAVOR/trunkline
TOOLS=build/release
SPEECH=build/speech
NAME=$(basename "${0%.sh}")
[ -z "${STARVED_ONE_IN:-}" ] || NAME=starved-$NAME SERVER_BIN=build/$FLAVOR/starved
WORK=build/e2e/$FLAVOR/$NAME
SECRET=not-a-real-secret-0123456789
API_TOKEN=not-a-real-api-token-000000000001
ACCOUNT=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
PUBLIC=https://bridge.example.com
# The logs are UTF-8, whatever the machine's language.
export LC_ALL=C.UTF-8
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:halt_on_error=0:exitcode=66"
export ASAN_OPTIONS="exitcode=66" UBSAN_OPTIONS="print_stacktrace=1"

# Before a command: as a user with no other process, who may still open all files. Empty if root runs no tests.
OTHER=(setpriv --reuid 64321 --clear-groups --bounding-set=-all,+dac_override --inh-caps=-all,+dac_override
	--ambient-caps=-all,+dac_override)
[ "$(id -u)" = 0 ] || OTHER=()

rm -rf "$WORK"
mkdir -p "$WORK"
PATIENCE=${PATIENCE:-300} # seconds in which whatever is waited for happens
cleanup() {
	local all me=$BASHPID
	trap '' INT TERM HUP # whoever is told twice cleans up to the end all the same
	all=$(below "$me")
	kill $all 2>/dev/null
	for _ in $(seq 30); do
		kill -0 $all 2>/dev/null || return 0
		sleep 0.1
	done
	kill -9 $all 2>/dev/null
}
guarded() {
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
guarded

# pause: between two looks at what is waited for; $PAUSE is the waiter's, 0 at first. To look at the API costs more of a
# core than the call that is looked at: the longer it takes, the rarer it is done. Who waits for a moment of a
# call sets PAUSE_MOST, and looks at a file.
exec {NEVER}<> <(:) # a pipe of our own: to read it takes as long as one will wait, and no process
pause() {
	local seconds most=${PAUSE_MOST:-800}
	PAUSE=$((PAUSE * 2 + 20)) # ms
	PAUSE=$((PAUSE < most ? PAUSE : most))
	printf -v seconds '0.%03d' $PAUSE
	read -rt "$seconds" -u $NEVER _ || :
}

# wait_for PID FILE PATTERN: prints the pattern's group once a line matches, which that process writes.
wait_for() {
	local line up=0 PAUSE=0 until=$((SECONDS + PATIENCE))
	while [ $up = 0 ] && [ $SECONDS -lt $until ]; do
		kill -0 "$1" 2>/dev/null || up=$?
		while IFS= read -r line; do
			[[ $line =~ $3 ]] || continue
			echo "${BASH_REMATCH[1]}"
			return 0
		done 2>/dev/null <"$2"
		pause
	done
	echo "nothing like $3 in $2" >&2
	return 1
}

# Nothing of what follows could be judged.
not_up() {
	echo "not ok $NAME: $1 did not start"
	tail -5 "$WORK/$1".{err,log} 2>/dev/null | sed 's/^/    /'
	exit 1
}

# until_true COMMAND...: tries until it succeeds.
until_true() {
	local PAUSE=0 until=$((SECONDS + PATIENCE))
	while [ $SECONDS -lt $until ]; do
		if "$@" >/dev/null 2>&1; then
			return 0
		fi
		pause
	done
	return 1
}

# logged COUNT PATTERN LOG: so many lines have it. A line is written a moment after what it tells of.
logged() {
	until_true lines_with "$@" || equal "$(grep -acE -- "$2" "$3")" "$1"
}
lines_with() {
	[ "$(grep -acE -- "$2" "$3")" = "$1" ]
}

interruption() {
	printf '%s\n' 'say caller-1.wav' 'wait-agent-talking 1500' 'say caller-2.wav' wait-clear 'wait-agent-done 1000'
}

own_port() {
	local port=$((10000 + RANDOM % 20000))
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((10000 + RANDOM % 20000))
	done
	echo $port
}

model() {
	local name=$1
	shift
	"$TOOLS/standin-model" --dir build/e2e/ca --voice-dir "$SPEECH" --report "$WORK/$name.json" "$@" \
		>"$WORK/$name.out" 2>"$WORK/$name.err" &
	MODEL=$!
	MODEL_PORT=$(wait_for "$!" "$WORK/$name.out" '^listening .*:([0-9]+)$') || not_up "$name"
}

server() {
	local name=$1
	shift
	env -i PATH="$PATH" TSAN_OPTIONS="$TSAN_OPTIONS" ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" \
		PORT=0 PUBLIC_URL="$PUBLIC" TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" API_TOKEN="$API_TOKEN" MAX_CALLS=10 \
		MAX_WATCHERS=4 TOOL_THREADS=4 JOB_THREADS=2 WEBHOOK_THREADS=4 \
		MAX_CALLS_PER_CALLER=0 MAX_CALLS_PER_CALLER_HOUR=0 FALLBACK=reconnect,dial VOICE_CACHE=off REPROMPT_SECONDS=0 \
		OPENAI_CA_FILE=build/e2e/ca/ca.pem OPENAI_REALTIME_URL="wss://localhost:$MODEL_PORT/v1/realtime" \
		LOG_LEVEL=debug ${STARVED_ONE_IN:+STARVE="$(order "$name" none)"} "$@" "${FIXED[@]}" "$SERVER_BIN" >"$WORK/$name.out" 2>"$WORK/$name.log" &
	SERVER=$!
	PORT=$(wait_for "$!" "$WORK/$name.log" 'listening; .*port=([0-9]+)') || not_up "$name"
	[ -z "${STARVED_ONE_IN:-}" ] || order "$name" one-in $(starved_of "$WORK/$name") >/dev/null
}

# order NAME WORDS…: to a server that was built to be refused memory (tools/chaos/starve.c); prints the file. With
# STARVED_ONE_IN="N SEED" all servers are such, and are refused so much once they are up, each by a seed of its own.
order() {
	printf '%-63s\n' "${*:2}" 1<>"$WORK/$1.order"
	echo "$WORK/$1.order"
}

starved_of() { # SERVER
	local sum
	read -r sum _ < <(cksum <<<"$1")
	echo "${STARVED_ONE_IN% *} $((${STARVED_ONE_IN#* } + sum))"
}

text_model() {
	local name=$1
	"$TOOLS/text-model" --cert build/e2e/ca/good.pem --key "$SECRET" --script "$2" --out "$WORK/$name.jsonl" "${@:3}" \
		>"$WORK/$name.out" 2>"$WORK/$name.err" &
	TEXT=$!
	TEXT_URL=https://localhost:$(wait_for "$!" "$WORK/$name.out" '^listening .*:([0-9]+)$')/v1/responses || not_up "$name"
}

sink() {
	local name=$1
	shift
	"$TOOLS/webhook-sink" --secret "$SECRET" --out "$WORK/$name.jsonl" "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	SINK=$!
	SINK_PORT=$(wait_for "$!" "$WORK/$name.out" '^listening .*:([0-9]+)$') || not_up "$name"
}

sent() {
	jq -sr "$2" "$WORK/$1.jsonl"
}

rest() {
	local name=$1
	shift
	REST_NAME=$name
	mkdir -p "$WORK/$name"
	"$TOOLS/twilio-rest" --dir build/e2e/ca --account "$ACCOUNT" --token "$SECRET" --public-url "$PUBLIC" \
		--phone "$TOOLS/phone" --server "@$WORK/$name/server" --work "$WORK/$name" --report "$WORK/$name.json" \
		"$@" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	REST_PID=$!
	REST_PORT=$(wait_for "$!" "$WORK/$name.out" '^listening .*:([0-9]+)$') || not_up "$name"
	REST=(TWILIO_ACCOUNT_SID="$ACCOUNT" TWILIO_API_URL="https://localhost:$REST_PORT" HTTPS_CA_FILE=build/e2e/ca/ca.pem)
}

rest_to() {
	echo "127.0.0.1:$1" >"$WORK/$REST_NAME/server"
}

# What was asked of it so far, through a jq filter.
rest_report() {
	curl -sS --max-time 60 --cacert build/e2e/ca/ca.pem "https://localhost:$REST_PORT/standin/report" | jq -r "$1"
}

stop_rest() {
	kill -TERM "$REST_PID"
	stopped "$REST_PID"
}

phone() {
	local name=$1
	shift
	"$TOOLS/phone" --limit 900 --patience 120 --server "127.0.0.1:$PORT" --public-url "$PUBLIC" --token "$SECRET" \
		--report "$WORK/$name.json" --out "$WORK/$name.wav" "$@" >"$WORK/$name.out" 2>&1 && return
	tail -5 "$WORK/$name.out"
	return 1
}

DIALLED=()
dial() {
	local name=$1
	phone "$@" &
	DIALLED+=("$name:$!")
}

# The server's own connection, at start, is the model's first.
PLANNED=()
ORDERS=()
plan() {
	local fault
	PLANNED+=("$(printf '%q ' "$1" "${@:3}")")
	for fault in $2; do
		ORDERS+=(--fault "$fault@$((${#PLANNED[@]} + 1))")
	done
}

connected() {
	api /status | jq -e ".model.connects >= $1"
}

# One after the other, or nobody knows whose connection is whose.
dial_planned() {
	local i
	until_true connected 1
	for ((i = 0; i < ${#PLANNED[@]}; i++)); do
		eval "dial ${PLANNED[i]}"
		if ! until_true connected $((i + 2)); then
			echo "not ok $NAME: ${PLANNED[i]%% *} never connected"
			api /status | jq -c .model
			FAILED=1
			return
		fi
	done
}

all_over() {
	local each status
	for each in "${DIALLED[@]}"; do
		status=0
		wait "${each#*:}" || status=$?
		echo "$status" >"$WORK/${each%:*}.status"
	done
	DIALLED=()
}

call_ended() {
	[[ $(api "/calls/$1") = *'"state":"ended"'* ]]
}

went() {
	local name=$1 reason=$2 status sid record=$WORK/$1.call.json
	status=$(cat "$WORK/$name.status")
	if [ "$status" != 0 ]; then
		echo "the phone says $status:"
		jq -r '.calls[0] | .why, .failure, .refusal, (.events[-5:] | .[].text)' "$WORK/$name.json"
		return 1
	fi
	sid=$(field "$WORK/$name.json" '.calls[0].call_sid')
	until_true call_ended "$sid" || echo "$sid is not over"
	api "/calls/$sid" >"$record"
	equal "$(field "$record" .ending.reason)" "$reason" || return 1
	if [ $# -gt 2 ] && ! jq -e "${@:3}" "$record"; then
		echo "does not hold: $3, of"
		jq -c . "$record"
		return 1
	fi
}

ask() {
	curl -sS --max-time 60 "http://127.0.0.1:$PORT$1" "${@:2}"
}

# A mere look is the shell's own: curl, with all its libraries, costs as much as ten of them.
api() {
	local fd line status=0
	if [ $# -gt 1 ]; then
		ask "$1" -H "Authorization: Bearer $API_TOKEN" "${@:2}"
		return
	fi
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT" || return 7
	trap '' PIPE # who has hung up already is told of below
	printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nAuthorization: Bearer %s\r\n\r\n' "$1" "$PORT" "$API_TOKEN" >&"$fd"
	trap - PIPE
	while IFS= read -rt 60 line <&"$fd" || { status=52 && break; }; do
		[ "$line" != $'\r' ] || break
	done
	[ $status != 0 ] || cat <&"$fd"
	exec {fd}>&-
	return $status
}

signature() {
	printf %s "$1" | openssl dgst -sha1 -hmac "$SECRET" -binary | base64
}

hook() {
	local text=$PUBLIC$1 each args=()
	for each in "${@:2}"; do
		text+=${each%%=*}${each#*=}
		args+=(--data-urlencode "$each")
	done
	ask "$1" "${args[@]}" -H "X-Twilio-Signature: $(signature "$text")" -H "Host: ${PUBLIC#https://}" -H "X-Forwarded-Proto: https"
}

field() {
	jq -r "$2" "$1"
}

SHOP_HOURS="We open at nine in the morning and close at five in the afternoon, on every day of the week but Sunday, when nobody is here."
SHOP_TALK='wait-spoken "shop."
wait-agent-done 100
prompt "And on Saturday?"
wait-last
wait-agent-done 100
prompt "Is there a free hour?"
wait-spoken "Friday at noon is free."
wait-agent-done 100
prompt "Thank you, goodbye."
wait-end'

shop() {
	sink sink
	disown "$SINK" # all_apart waits for the cases only
	mkdir -p "$WORK/agents"
	cat >"$WORK/agents/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You answer for a shop.", "channel": "relay", $1,
		  "greeting": {"mode": "exact", "text": "Welcome to the shop."},
		  "tools": [{"name": "look", "description": "Looks for a free hour.", "url": "http://127.0.0.1:$SINK_PORT/look",
		    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}}] }
	JSON
}

# asks_on WORDS: what a caller says who interrupts the hours when he has heard WORDS of them.
asks_on() {
	cat <<-SCRIPT
		wait-agent-done 100
		prompt "When do you open?"
		wait-spoken "$1"
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100
	SCRIPT
}

shop_call() {
	local status=0
	printf '%s\n' "$2" >"$WORK/caller.script"
	phone phone --script "$WORK/caller.script" --pace 60 --expect malformed="${MALFORMED:-0}" --expect stale=0 \
		--expect unfinished=0 "${@:3}" >"$WORK/said" || status=$?
	check "$1: the call goes as it should" eval "cat $WORK/said; [ $status = 0 ]"
	SID=$(field "$WORK/phone.json" '.calls[0].call_sid')
	check "$1: the call is over" until_true call_ended "$SID"
	api "/calls/$SID" >"$WORK/call.json"
}

answers() {
	field "$WORK/phone.json" '[.calls[0].relay.sessions[].answers[] | select(.sent != "")] | '"$1"
}

shop_talked() {
	check "$NAME: each answer as the model gave it" equal "$(answers '[.[] | select(.greeting | not) | .sent] | join("|")')" \
		"On Saturday from ten to two.|Friday at noon is free.|Goodbye, and thank you for calling."
	check "$NAME: each with its last" equal "$(answers 'all(.last and (.cut | not))')" true
	check "$NAME: who spoke, in order" equal "$(field "$WORK/call.json" '[.turns[].who] | join(" ")')" \
		"agent caller agent caller agent caller agent"
	check "$NAME: the ending has its name, and the call its channel" equal \
		"$(field "$WORK/call.json" '"\(.ending.reason) \(.channel)"')" "agent_ended relay"
}

# stopped PID: waits for it to end by itself, at least as long as a server drains; its exit status.
stopped() {
	local status=0 PAUSE=0 until=$((SECONDS + (PATIENCE > 60 ? PATIENCE : 60)))
	while [ $SECONDS -lt $until ]; do
		kill -0 "$1" 2>/dev/null || break
		pause
	done
	kill -9 "$1" 2>/dev/null && echo "had to be killed" >&2
	wait "$1" || status=$?
	return $status
}

stop_server() {
	kill -TERM "$SERVER"
	stopped "$SERVER"
}

stop_model() {
	kill -TERM "$MODEL"
	stopped "$MODEL"
}

FAILED=0
check() {
	local what=$1 said
	said=$WORK/.said.$BASHPID
	shift
	# Not in a subshell: who waits for a process must be its parent.
	if "$@" >"$said" 2>&1; then
		echo "ok $what"
	else
		echo "not ok $what"
		head -20 "$said" | sed 's/^/    /'
		FAILED=1
	fi
}

# equal GOT WANTED, for check.
equal() {
	if [ "$1" != "$2" ]; then
		echo "got '$1', not '$2'"
		return 1
	fi
}

# holds EXPRESSION: an arithmetic one.
holds() {
	if ! (($1)); then
		echo "does not hold: $1"
		return 1
	fi
}

# No sanitizer has anything to say in any log.
clean_logs() {
	! grep -lE "ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:" "$WORK"/*.log "$WORK"/*.err
}

# One of the places that all scripts of a run share (tests/run); a script by itself has as many as it wants.
take_place() {
	[ -z "${SHARED_PLACES:-}" ] || read -rN1 -u "$SHARED_PLACES" _
}
leave_place() {
	[ -z "${SHARED_PLACES:-}" ] || printf . >&"$SHARED_PLACES"
}

OUTER=$WORK
APART_AT_ONCE=10
APART=()
apart() {
	local name=$1 PAUSE=0
	shift
	APART+=("$name")
	while [ "$(jobs -rp | wc -l)" -ge $APART_AT_ONCE ]; do
		pause
	done
	(
		take_place
		(
			guarded
			NAME=$name
			WORK=$OUTER/$name
			mkdir -p "$WORK"
			"$@"
			finish
		) >"$OUTER/$name.said" 2>&1
		leave_place
		: >"$OUTER/$name.over"
	) &
}

TOGETHER=()
together() { # NAME COMMAND...
	(
		take_place
		("${@:2}"; exit $FAILED) >"$WORK/group-$1.out" 2>&1 || FAILED=1
		leave_place
		exit $FAILED
	) &
	TOGETHER+=("$1:$!")
}
all_together() {
	local each
	for each in "${TOGETHER[@]}"; do
		wait "${each#*:}" || FAILED=1
		cat "$WORK/group-${each%:*}.out"
	done
}

# A case that did not come to its last line is a failure whatever it said. Not by `wait`: beside a child that is disowned
# it may miss the end of the last one, and wait for ever.
all_apart() {
	local name
	for name in "${APART[@]}"; do
		until [ -e "$OUTER/$name.over" ]; do sleep 0.1; done
	done
	for name in "${APART[@]}"; do
		cat "$OUTER/$name.said"
		if grep -q "^not ok" "$OUTER/$name.said" || ! tail -1 "$OUTER/$name.said" | grep -q "^ok $name: no sanitizer"; then
			FAILED=1
		fi
	done
	check "all ${#APART[@]} cases came to their end" equal \
		"$(cat "$OUTER"/*.said | grep -c '^ok .*: no sanitizer complains')" "${#APART[@]}"
	exit $FAILED
}

finish() {
	check "$NAME: no sanitizer complains" clean_logs
	exit $FAILED
}

# Made by whoever comes first, and never again under the feet of others.
made() {
	[ -f build/e2e/ca/ca.pem ] || "$TOOLS/standin-model" --make-ca build/e2e/ca >/dev/null
	tools/make-speech "$SPEECH"
}
exec 9>build/e2e/lock
flock 9
made
exec 9>&-
# The phones' scripts lie in $WORK, and find beside them what callers say.
ln -s "$PWD/$SPEECH"/*.wav "$WORK"
