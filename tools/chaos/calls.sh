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
TROUBLE=$(words 600 604) # what its agent says when no model is to be had, where its lines lie in the voice cache
SILENT_MS=3000 # at most, wherever a way is left; what only guards against hanging sets more

# talk NAME LAST-CALL [FIRST-CALL [TOOL]]: what the model says in such a call.
talk() {
	local first="\"say\": \"${TOLD[0]}\""
	[ -z "${3:-}" ] || first="\"say\": \"\", \"calls\": [$3], \"then\": {$first}"
	cat >"$WORK/$1.script" <<-JSON
		{ "greeting": {"say": "$GREETING"}, "typed": {"say": "$(words 700 703)"}, "otherwise": {"say": "$(words 710 713)"},
		  "turns": [
		    {"hear": "${ASKED[0]}", $first},
		    {"hear": "${ASKED[1]}", "say": "", "calls": [{"name": "${4:-look}", "arguments": {"day": 1}}], "then": {"say": "${TOLD[1]}"}},
		    {"hear": "${ASKED[2]}", "say": "${TOLD[2]}"},
		    {"hear": "${ASKED[3]}", "say": "${TOLD[3]}", "calls": [$2]},
		    {"hear": "Yes.", "say": "And then?"} ] }
	JSON
}

agent() { # CHANNEL
	mkdir -p "$WORK/agents-$1"
	cat >"$WORK/agents-$1/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You answer.", "channel": "$1",
		  "greeting": {"mode": "exact", "text": "$GREETING"},
		  "tools": [{"name": "look", "description": "Looks.", "url": "http://127.0.0.1:$SINK_PORT/look?slow=700&${QUERY:-}",
		    "parameters": {"type": "object", "properties": {"day": {"type": "integer"}}}}],
		  ${RUNGS:+"\"fallback\": $RUNGS,"} ${SPOIL:+"\"phrases\": {\"trouble\": \"$TROUBLE\"},"} ${KEYS:+"\"send_digits\": true,"}
		  "webhooks": [{"url": "http://127.0.0.1:$SINK_PORT/told", "events": ["call.reconnected"]}],
		  "transfers": [{"name": "office", "number": "+12025550177", "description": "People.", "ring_seconds": 20}] }
	JSON
}

lines_made() {
	api /status | jq -e '.voice | .lines > 0 and .missing == 0'
}
lines_there() { # as far as a model is to be had
	[ "$BAR" = "goes on" ] && lines_made || { [ "$BAR" != "goes on" ] && api /status | jq -e '.voice.wanted > 0'; }
}
line_file() { # DATA-DIR WORDS
	grep -lazFx -- "$2" "$1"/voice/*.ulaw
}
# makes NAME SETTINGS…: a server that makes the agent's fixed lines, and leaves them on the disk.
makes() {
	server "$1" "${SETTINGS[@]}" OPENAI_API_KEY="$SECRET" "${@:2}"
	until_true lines_made
	stop_server
}
# spoil HOW: the lines were made before, and something has happened to their files since; BAD is how many are no good.
spoil() {
	local greeting trouble
	makes maker
	greeting=$(line_file "$WORK/data" "$GREETING") trouble=$(line_file "$WORK/data" "$TROUBLE")
	BAD=1
	case $1 in
	nothing) BAD=0 ;;
	cut-short) truncate -s -2000 "$greeting" ;;
	swapped) mv "$greeting" "$WORK/kept" && mv "$trouble" "$greeting" && mv "$WORK/kept" "$trouble" && BAD=2 ;;
	other-voice) makes other OPENAI_VOICE=cedar DATA_DIR="$WORK/other" && cp "$(line_file "$WORK/other" "$GREETING")" "$greeting" ;;
	unreadable) rm "$greeting" && mkdir "$greeting" ;;
	esac
}
# Of the files that were spoilt each was found out, and no more.
found_out() {
	local bad
	bad=$(field "$WORK/status.json" .voice.files_bad)
	[ "$bad" = "$BAD" ] || echo "$bad files were thrown away, not $BAD"
}

# Whoever the second endpoint was asked by knew it for Azure's.
as_azure() {
	equal "$(field "$WORK/second.json" '[.per_session[] | select(.audio_bytes > 0) | .path, .auth, .model, .input_format,
		.asked[0].audio.output.voice] | join(" ")')" "/openai/v1/realtime api-key front-desk audio/pcm alloy"
}

# A caller who speaks only when it is his turn, and waits for the last word of what he is told.
caller() { # TIMES: he says as often something that no judge looks at
	local i
	[ "$1" = 0 ] || printf '%s\n' "wait-agent-done 0" 'prompt "Yes." 1' wait-last "repeat $1" "wait-agent-done 0"
	[ "$1" != 0 ] || echo "wait-spoken \"${GREETING##* }\" $WAIT_MS"
	for i in 0 1 2 3; do
		echo "silence 400"
		echo "words \"${ASKED[i]}\""
		[ $i = 3 ] || echo "wait-spoken \"${TOLD[i]##* }\" $WAIT_MS"
	done
	echo "wait-end $WAIT_MS"
}

ready() {
	talk goodbye '{"name": "end_call"}'
	talk mcp '{"name": "end_call"}' '' crm/look
	talk keys '{"name": "end_call"}' '{"name": "send_digits", "arguments": {"digits": "1w2"}}'
	talk transfer '{"name": "transfer_call", "arguments": {"destination": "office"}}'
	caller 0 | tee "$WORK/caller.script" >"$WORK/presses.script"
	printf '{"list":"%065000d"}' 1 >"$WORK/large.json"
	sed 's/^wait-end .*/silence 600000/' "$WORK/caller.script" >"$WORK/stays.script"
	printf '%s\n' "wait-spoken \"${GREETING##* }\" $WAIT_MS" hangup >"$WORK/hello.script"
	# Callers who speak on without an answer to the third question, or whose answers have no last word.
	sed "s/^wait-spoken \"${TOLD[2]##* }\".*/silence 22000/" "$WORK/caller.script" >"$WORK/speaks-on.script"
	sed "s/^wait-spoken .*/wait-agent-talking 500\nwait-agent-done 800/" "$WORK/caller.script" >"$WORK/patient.script"
	# Callers who go down: at once, after the first question, or to another stream; and to that, and further.
	printf '%s\n' wait-end 'gather-speech "Hello?"' 'gather-speech "Goodbye."' wait-end >"$WORK/falls.script"
	sed -n '1,/^words/p' "$WORK/caller.script" | tee "$WORK/goes-on.script" | cat - "$WORK/falls.script" >"$WORK/falls-later.script"
	{ cat "$WORK/goes-on.script" && echo "cut 300"; } >"$WORK/cut-off.script"
	cat "$WORK/cut-off.script" "$WORK/falls.script" >"$WORK/cut-off-falls.script"
	printf '%s\n' 'wait-agent-talking 500' 'wait-agent-done 500' "words \"${ASKED[3]}\"" wait-end | tee -a "$WORK/goes-on.script" >>"$WORK/cut-off.script"
}

# said N: the caller has begun to say so many things.
said() {
	[ "$(grep -c 'the caller speaks\|the caller says' "$WORK/phone.out")" -ge "$1" ]
}
# An order of `fault -d`: once the caller says the n-th thing.
at() { # N COMMAND…
	PAUSE_MOST=100 until_true said "$1"
	"${@:2}"
}

# gone N: the call has gone down by so many rungs.
gone() {
	[ "$(rungs | wc -w)" -ge "$1" ]
}
rungs() { # [CALL]: by which it went, as the servers tell
	cat "$WORK/server.log" "$WORK"/again*.log 2>/dev/null | sed -nE "s/.* ${1:-}.* ladder: ([a-z]+); .*/\1/p" | paste -sd' '
}
# Another order: once it has gone down so far.
down() { # N COMMAND…
	PAUSE_MOST=50 until_true gone "$1"
	"${@:2}"
}

killed() {
	kill -9 "$SERVER"
	wait "$SERVER"
	server again "${SETTINGS[@]}" PORT="$PORT"
}
held() { # SECONDS
	kill -STOP "$SERVER"
	sleep "$1"
	kill -CONT "$SERVER"
}
disk_full() {
	prlimit --pid "$SERVER" --fsize=24576:unlimited
}
no_descriptors() {
	prlimit --pid "$SERVER" --nofile="$(ls "/proc/$SERVER/fd" | wc -l):"
}
# none_while COMMAND…: until that has ended there are none at all.
none_while() {
	local most status=0
	most=$(awk '/^Max open files/ { print $4 }' "/proc/$SERVER/limits")
	prlimit --pid "$SERVER" --nofile=3:
	"$@" || status=$?
	prlimit --pid "$SERVER" --nofile="$most:"
	return $status
}
renewal_failed() {
	until_true grep -q 'model: the next session: ' "$WORK/server.log"
}
# Another caller comes then, and is taken as soon as there are any; or it is told what went wrong.
another_call() {
	none_while calls_and_waits
	wait "$ANOTHER"
}
calls_and_waits() {
	phone another --live --pace 20 --script "$OUTER/hello.script" >"$WORK/trouble" &
	ANOTHER=$!
	sleep 3
}
meddle() { # ORDER
	printf '%-63s\n' "$*" | dd of="$WORK/meddle" conv=notrunc status=none
}

says_failing() {
	ask /ready | jq -e '.store == "failing"'
}
says_nothing_failing() {
	ask /ready | jq -e 'has("store") | not'
}
# The disk is in that state for so long, at least until /ready says that it fails (if it is to), and then
# /ready is to say so no more. What is recorded of the call is read by another server, from the disk.
disk() { # SECONDS STATE…
	local until=$((SECONDS + $1))
	DISK="$WORK/disk"
	echo "nobody was told" >"$DISK"
	meddle disk "${@:2}"
	[ "$2" = slow ] || until_true says_failing || return
	while [ $SECONDS -lt $until ]; do sleep 0.1; done
	meddle none
	until_true says_nothing_failing || return
	# The store's and the recorder's writers have no name of their own. Whoever else waits should not.
	grep -a '^disk: ' "$WORK/server.log" | grep -vx 'disk: trunkline waits' | sort -u | xargs >"$DISK"
}

# The call of one fault: its model, server and phone, and what is judged by.
one() {
	local name=$1 each reports=("$WORK/model.json") status=0 up=0 faults=() DISK=
	for each in "${FIRST[@]}"; do faults+=(--fault "$each"); done
	if [[ $DURING == *meddle* || $DURING == *" disk "* ]]; then
		printf '%-63s\n' none >"$WORK/meddle"
		SETTINGS+=(LD_PRELOAD="$PWD/build/release/meddle.so" MEDDLE="$WORK/meddle")
	fi
	if [ ${#SECOND[@]} != 0 ]; then
		local second=()
		for each in "${SECOND[@]}"; do [ "$each" = - ] || second+=(--fault "$each"); done
		[ -z "$AZURE" ] || second+=(--key "$AZURE")
		model second --script "$OUTER/$TALK.script" "${second[@]}"
		SETTINGS+=("OPENAI_REALTIME_URL_2=wss://localhost:$MODEL_PORT${AZURE:+/openai}/v1/realtime")
		[ -z "$AZURE" ] || SETTINGS+=(OPENAI_API_KEY_2="$AZURE" OPENAI_AUTH_2=api-key OPENAI_MODEL_2=front-desk \
			OPENAI_VOICE_2=alloy OPENAI_AUDIO_FORMAT_2=pcm)
		reports=("$WORK/second.json" "${reports[@]}")
		each=$MODEL
	fi
	model model --key "$SECRET" --script "$OUTER/$TALK.script" "${faults[@]}"
	MODELS=("$MODEL" ${SECOND[0]:+"$each"})
	sink sink --answers "$OUTER"
	if [ -n "$TEXT_RULES" ]; then
		echo "[$TEXT_RULES, $TEXT_RULES_LAST]" >"$WORK/text.json"
		text_model text "$WORK/text.json"
		SETTINGS+=(TEXT_API_URL="$TEXT_URL" TEXT_API_KEY="$SECRET" HTTPS_CA_FILE=build/e2e/ca/ca.pem)
	fi
	[ -z "$RUNGS" ] || SETTINGS+=(TWILIO_ACCOUNT_SID="$ACCOUNT" OUTBOUND_ALLOW=+1)
	if [ -n "$KEYS" ]; then
		rest rest --rule "$KEYS"
		SETTINGS+=("${REST[@]}")
		PHONE+=(--control "$WORK/rest")
	fi
	agent "$CHANNEL"
	SETTINGS=(AGENTS_DIR="$WORK/agents-$CHANNEL" SIGNING_SECRET="$SECRET" DATA_DIR="$WORK/data" "${SETTINGS[@]}")
	[ -z "$SPOIL" ] || spoil "$SPOIL"
	server server "${SETTINGS[@]}"
	[ -z "$SPOIL" ] || until_true lines_there
	until_true grep -qE 'model probe (succeeded|failed).* agent=default|model not to be had' "$WORK/server.log"
	kill -USR2 "${MODELS[@]}"
	api /events -N --max-time 900 >"$WORK/watched.sse" 2>/dev/null &
	until_true grep -q '^retry: ' "$WORK/watched.sse"
	if [ "$REPEATED" != 0 ]; then
		CALLER=$NAME-caller
		caller "$REPEATED" >"$OUTER/$CALLER.script"
		PHONE+=(--limit 600 --pace 2000)
	fi
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
	[ -z "$SPOIL" ] || found_out >"$WORK/trouble"
	if [ -n "$DISK" ]; then
		cp "$DISK" "$WORK/trouble"
		server again "${SETTINGS[@]}"
		api "/calls/$(field "$WORK/phone.json" '.calls[0].call_sid')" >"$WORK/call.json"
		stop_server || status=$?
	fi
	for each in "${MODELS[@]}"; do
		kill -TERM "$each"
		stopped "$each"
	done
	[ -z "$AZURE" ] || as_azure >"$WORK/trouble"
	# The last of the reports that knows of a conversation counts.
	[ ${#SECOND[@]} = 0 ] || reports=("$WORK/model.json" "$WORK/second.json")
	jq -s . "${reports[@]}" >"$WORK/models.json"
	jq -n --argjson plan "$(plan_of "$name" "$status")" --slurpfile phone "$WORK/phone.json" --slurpfile call "$WORK/call.json" \
		--slurpfile models "$WORK/models.json" -f tools/chaos/judge.jq >"$WORK/row.json"
	judged
}

plan_of() { # NAME STATUS
	local tones
	tones=$(field "$WORK/status.json" '.audio | (.hold_tones // 0) + (.hold_words // 0)' 2>/dev/null)
	jq -n --arg name "$1" --arg bar "$BAR" --arg ending "$ENDING" --argjson silent "$SILENT_MS" --argjson tones "${tones:-0}" \
		--argjson server "$2" --arg rungs "$RUNGS_DUE" --arg went "$(rungs "$(field "$WORK/phone.json" '.calls[0].call_sid')")" --arg greeting "$GREETING" --arg trouble "$(cat "$WORK/trouble" 2>/dev/null)" --arg disk "$DISK" \
		--arg hears "$HEARS" --arg spoilt "$SPOIL" '{$name, $bar, $hears, $spoilt, $rungs, $went, $ending, silent_ms: $silent, $tones, $server, $greeting, $trouble, disk: ($disk != ""), answers: $ARGS.positional}' \
		--args "${TOLD[@]}"
}

# A phone that was late says nothing of some bars (see judge.jq).
not_judged() {
	local what
	what=$(field "$WORK/row.json" .not_judged)
	[ -z "$what" ] || echo "not judged of $NAME: $what; the phone was held up for $(field "$WORK/row.json" .held_up_ms) ms"
}
not_red() {
	[ "$(field "$WORK/row.json" '.red == ""')" = true ] && return
	jq -c . "$WORK/row.json"
	return 1
}
judged() {
	not_judged
	check "$NAME: $(field "$WORK/row.json" '"\(.silence_ms) ms of silence, \(.lost) words lost, ended as \(.ending)"')" not_red
	[ "$SPOIL$RUNGS" = "" ] || echo "    heard: $(field "$WORK/row.json" .heard)"
}

# A name that no fault has is not passed over.
ASKED_FOR=
only() {
	local name
	for name in "$@"; do
		grep -q "^fault $name " tools/chaos/faults.sh || {
			echo "tools/chaos/faults.sh has no fault of the name $name" >&2
			exit 2
		}
	done
	ASKED_FOR=" $* "
}

# In the proof itself what is red or unknown with such a phone is asked once more, alone.
again_alone() {
	local name all=("${APART[@]}") ASKED_FOR
	wait
	for name in "${all[@]}"; do
		[ "$(field "$WORK/$name/row.json" '.silence_by == "server" and .red + .not_judged != ""')" = true ] || continue
		echo "$name: once more, alone, as the phone was held up: $(field "$WORK/$name/row.json" .red,.not_judged | xargs)" >&2
		mv "$WORK/$name" "$WORK/$name.held-up"
		ASKED_FOR=" $name "
		. tools/chaos/faults.sh
		wait
	done
	APART=("${all[@]}")
}

# The rungs of a ladder's rows, and what the text model says there unless a row says other.
LADDER='["reconnect", "text", {"dial": ["+12025550156", "+12025550157"]}, "voicemail"]'
TEXT_RULES_LAST='{"last": "Goodbye.", "then": [{"text": "Goodbye to you, too.", "calls": [{"name": "end_call", "arguments": {}}]}]},
	{"last": "Hello?", "then": [{"text": "We can go on in text."}]}, {"then": [{"text": "Where did we leave off?"}]}'

# fault NAME [-v SPOILT] [-h WORDS] [-c relay] [-m FAULT]… [-2 FAULT|-]… [-s SETTING]… [-p PHONE-ARG]… [-q QUERY] [-r TIMES] [-d COMMAND] [-z] [-t] [-M] [-e ENDING] [-x] [-k RULE] [-a SCRIPT] [-l RUNGS [-w RULE]]
fault() {
	local name=$1 option OPTIND=2
	local FIRST=() SECOND=() SETTINGS=() PHONE=() DURING= QUERY= REPEATED=0 TALK=goodbye CALLER=caller BAR="goes on" ENDING=agent_ended \
		CHANNEL=stream RUNGS= RUNGS_DUE= TEXT_RULES= SPOIL= HEARS=- KEYS= AZURE=
	[ -z "$ASKED_FOR" ] || [[ $ASKED_FOR == *" $name "* ]] || return 0
	while getopts c:m:2:s:p:q:r:d:e:l:w:a:v:h:k:ztMx option; do
		case $option in
		c) CHANNEL=$OPTARG ;;
		m) FIRST+=("$OPTARG") ;;
		2) SECOND+=("$OPTARG") ;;
		s) SETTINGS+=("$OPTARG") ;;
		p) PHONE+=("$OPTARG") ;;
		q) QUERY=$OPTARG ;;
		r) REPEATED=$OPTARG ;;
		d) DURING=$OPTARG ;;
		e) ENDING=$OPTARG ;;
		k) KEYS=$OPTARG TALK=keys ;;
		M) TALK=mcp ;;
		z) AZURE=a-key-of-azure-0123456789 ;;
		t) TALK=transfer ENDING=transferred ;;
		x) BAR="ends" ;;
		l) RUNGS=$LADDER RUNGS_DUE=$OPTARG BAR="goes down" && [ $CALLER != caller ] || CALLER=falls ;;
		w) TEXT_RULES=$OPTARG ;;
		a) CALLER=$OPTARG ;;
		v) SPOIL=$OPTARG SETTINGS+=(VOICE_CACHE=on VOICE_RATE=600) ;;
		h) HEARS=$OPTARG ;;
		*) echo "fault $name: -$OPTARG is no option" >&2 ;;
		esac
	done
	[ -n "$TEXT_RULES" ] || RUNGS=${RUNGS/'"text", '/} # or it would ask the real one
	apart "$name" one "$name"
}

rows() {
	again_alone
	jq -s . $(printf "$WORK/%s/row.json " "${APART[@]}") >"$WORK/rows.json"
}
