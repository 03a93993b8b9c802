# One call for each fault, through the real server between the stand-ins. Source it after tests/e2e/lib.sh.
#
#   ready                  makes what all of them share: the scripts
#   fault NAME OPTIONS     see faults.sh, which has them all; it is run if its name was asked for
#   only NAME…             asks for these; without it for all
#   rows                   waits for them; then $WORK/rows.json has a row each, as judge.jq makes them
#
# In a call the caller is greeted, asks, asks what a tool must tell, asks again, and says goodbye.
# All speak in chirps (tools/kit/chirp.h): words that the other side's ears can tell apart.
SYLLABLES=(ba de fi go ku la me ni po ru)
words() { # FROM TO: the chirps of these numbers
	local n all=()
	for ((n = $1; n <= $2; n++)); do
		all+=("${SYLLABLES[n / 100]}${SYLLABLES[n / 10 % 10]}${SYLLABLES[n % 10]}")
	done
	echo "${all[*]}"
}

GREETING=$(words 100 104)
ASKED=("$(words 200 203)" "$(words 210 213)" "$(words 220 223)" "$(words 230 232)")
TOLD=("$(words 300 306)" "$(words 310 316)" "$(words 320 329)" "$(words 330 334)")
WAIT_MS=30000  # for an answer, then the caller gives up
SILENT_MS=3000 # at most, wherever a way is left; what only guards against hanging sets more

# talk NAME LAST-CALL: what the model says in such a call.
talk() {
	cat >"$WORK/$1.script" <<-JSON
		{ "greeting": {"say": "$GREETING"}, "typed": {"say": "$(words 700 703)"}, "otherwise": {"say": "$(words 710 713)"},
		  "turns": [
		    {"hear": "${ASKED[0]}", "say": "${TOLD[0]}"},
		    {"hear": "${ASKED[1]}", "say": "", "calls": [{"name": "look", "arguments": {"day": 1}}], "then": {"say": "${TOLD[1]}"}},
		    {"hear": "${ASKED[2]}", "say": "${TOLD[2]}"},
		    {"hear": "${ASKED[3]}", "say": "${TOLD[3]}", "calls": [$2]} ] }
	JSON
}

agent() { # CHANNEL
	mkdir -p "$WORK/agents-$1"
	cat >"$WORK/agents-$1/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You answer.", "channel": "$1",
		  "greeting": {"mode": "exact", "text": "$GREETING"},
		  "tools": [{"name": "look", "description": "Looks.", "url": "http://127.0.0.1:$SINK_PORT/look?slow=700",
		    "parameters": {"type": "object", "properties": {"day": {"type": "integer"}}}}],
		  "transfers": [{"name": "office", "number": "+12025550177", "description": "People.", "ring_seconds": 20}] }
	JSON
}

# A caller who speaks only when it is his turn, and waits for the last word of what he is told.
caller() {
	local i
	echo "wait-spoken \"${GREETING##* }\" $WAIT_MS"
	for i in 0 1 2 3; do
		echo "silence 400"
		echo "words \"${ASKED[i]}\""
		[ $i = 3 ] || echo "wait-spoken \"${TOLD[i]##* }\" $WAIT_MS"
	done
	echo "wait-end $WAIT_MS"
}

ready() {
	talk goodbye '{"name": "end_call"}'
	talk transfer '{"name": "transfer_call", "arguments": {"destination": "office"}}'
	caller >"$WORK/caller.script"
	sed 's/^wait-end .*/silence 600000/' "$WORK/caller.script" >"$WORK/stays.script"
}

# said N: the caller has begun to say so many things.
said() {
	[ "$(grep -c 'the caller speaks\|the caller says' "$WORK/phone.out")" -ge "$1" ]
}
# An order of `fault -d`: once the caller says the n-th thing.
at() { # N COMMAND…
	until_true said "$1"
	"${@:2}"
}

killed() {
	kill -9 "$SERVER"
	wait "$SERVER"
	server again "${SETTINGS[@]}" PORT="$PORT"
}
held() {
	kill -STOP "$SERVER"
	sleep 3
	kill -CONT "$SERVER"
}
disk_full() {
	prlimit --pid "$SERVER" --fsize=24576:unlimited
}
no_descriptors() {
	prlimit --pid "$SERVER" --nofile="$(ls "/proc/$SERVER/fd" | wc -l):"
}
meddle() { # ORDER
	printf '%-63s\n' "$*" | dd of="$WORK/meddle" conv=notrunc status=none
}

# The call of one fault: its model, server and phone, and what is judged by.
one() {
	local name=$1 each reports=("$WORK/model.json") status=0 up=0 faults=()
	PATIENCE=60
	for each in "${FIRST[@]}"; do faults+=(--fault "$each"); done
	if [[ $DURING == *meddle* ]]; then
		printf '%-63s\n' none >"$WORK/meddle"
		SETTINGS+=(LD_PRELOAD="$PWD/build/release/meddle.so" MEDDLE="$WORK/meddle")
	fi
	if [ ${#SECOND[@]} != 0 ]; then
		local second=()
		for each in "${SECOND[@]}"; do [ "$each" = - ] || second+=(--fault "$each"); done
		model second --script "$OUTER/$TALK.script" "${second[@]}"
		SETTINGS+=("OPENAI_REALTIME_URL_2=wss://localhost:$MODEL_PORT/v1/realtime")
		reports=("$WORK/second.json" "${reports[@]}")
		each=$MODEL
	fi
	model model --key "$SECRET" --script "$OUTER/$TALK.script" "${faults[@]}"
	MODELS=("$MODEL" ${SECOND[0]:+"$each"})
	sink sink
	agent "$CHANNEL"
	SETTINGS=(AGENTS_DIR="$WORK/agents-$CHANNEL" SIGNING_SECRET="$SECRET" DATA_DIR="$WORK/data" "${SETTINGS[@]}")
	server server "${SETTINGS[@]}"
	until_true grep -qE 'model probe (succeeded|failed).* agent=default' "$WORK/server.log"
	kill -USR2 "${MODELS[@]}"
	phone phone --live --limit 150 --pace 20 --script "$OUTER/$CALLER.script" "${PHONE[@]}" >/dev/null &
	up=$!
	[ -z "$DURING" ] || eval "$DURING"
	wait "$up"
	[[ $DURING != *meddle* ]] || meddle none
	each=$(field "$WORK/phone.json" '.calls[0].call_sid')
	until_true eval "call_ended $each || ! kill -0 $SERVER"
	api "/calls/$each" >"$WORK/call.json" 2>/dev/null
	# One that ends, by our hand or not, does not answer; its record is still there.
	if ! field "$WORK/call.json" .ending.reason >/dev/null 2>&1 || [ ! -s "$WORK/call.json" ]; then
		for _ in $(seq 50); do
			kill -0 "$SERVER" 2>/dev/null || break
			sleep 0.1
		done
		if ! kill -0 "$SERVER" 2>/dev/null; then
			stopped "$SERVER" || status=$?
			server again "${SETTINGS[@]}"
			until_true call_ended "$each"
			api "/calls/$each" >"$WORK/call.json" 2>/dev/null
		fi
	fi
	api /status >"$WORK/status.json" 2>/dev/null
	stop_server || status=$?
	for each in "${MODELS[@]}"; do
		kill -TERM "$each"
		stopped "$each"
	done
	# The last of the reports that knows of a conversation counts.
	[ ${#SECOND[@]} = 0 ] || reports=("$WORK/model.json" "$WORK/second.json")
	jq -n --argjson plan "$(plan_of "$name" "$status")" --slurpfile phone "$WORK/phone.json" --slurpfile call "$WORK/call.json" \
		--argjson models "$(jq -s . "${reports[@]}")" -f tools/chaos/judge.jq >"$WORK/row.json"
	judged
}

plan_of() { # NAME STATUS
	jq -n --arg name "$1" --arg bar "$BAR" --arg ending "$ENDING" --argjson silent "$SILENT_MS" --argjson server "$2" \
		--arg greeting "$GREETING" '{$name, $bar, $ending, silent_ms: $silent, $server, $greeting, answers: $ARGS.positional}' \
		--args "${TOLD[@]}"
}

not_red() {
	[ "$(field "$WORK/row.json" .red)" = "" ] && return
	jq -c . "$WORK/row.json"
	return 1
}
judged() {
	check "$NAME: $(field "$WORK/row.json" '"\(.silence_ms) ms of silence, \(.lost) words lost, ended as \(.ending)"')" not_red
}

ASKED_FOR=
only() {
	ASKED_FOR=" $* "
}

# fault NAME [-c relay] [-m FAULT]… [-2 FAULT|-]… [-s SETTING]… [-p PHONE-ARG]… [-d COMMAND] [-t] [-e ENDING] [-x]
fault() {
	local name=$1 option OPTIND=2
	local FIRST=() SECOND=() SETTINGS=() PHONE=() DURING= TALK=goodbye CALLER=caller BAR="goes on" ENDING=agent_ended \
		CHANNEL=stream
	[ -z "$ASKED_FOR" ] || [[ $ASKED_FOR == *" $name "* ]] || return 0
	while getopts c:m:2:s:p:d:e:tx option; do
		case $option in
		c) CHANNEL=$OPTARG ;;
		m) FIRST+=("$OPTARG") ;;
		2) SECOND+=("$OPTARG") ;;
		s) SETTINGS+=("$OPTARG") ;;
		p) PHONE+=("$OPTARG") ;;
		d) DURING=$OPTARG ;;
		e) ENDING=$OPTARG ;;
		t) TALK=transfer ENDING=transferred ;;
		x) BAR="ends" ;;
		*) echo "fault $name: -$OPTARG is no option" >&2 ;;
		esac
	done
	apart "$name" one "$name"
}

rows() {
	wait
	jq -s . $(printf "$WORK/%s/row.json " "${APART[@]}") >"$WORK/rows.json"
}
