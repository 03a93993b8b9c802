#!/usr/bin/env bash
# A call's recording is what was heard: the agent's side against what the phone
# itself wrote down of what it played; through an interruption, a phone that plays
# late, a killed server and a full disk.
# flavors: asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/cut.script" <<SCRIPT
$(interruption)
hangup
SCRIPT
cat >"$WORK/long.script" <<SCRIPT
wait-agent-talking 1500
say caller-3.wav
wait-end 600000
SCRIPT

# How well the columns COL of two files (sox's dat) fit at the best of all lags up
# to 300 ms: that lag in ms, and the correlation of their loudness, over 20 ms every 5.
cat >"$WORK/fit.awk" <<'AWK'
BEGIN { W = 40 }
/^;/ { next }
{ f = FILENAME == ARGV[1] ? 1 : 2; n = c[f]++; e[f, int(n / W)] += $COL * $COL }
END {
	na = int(c[1] / W); nb = int(c[2] / W); best = -2
	for (i = 0; i < na; i++) a[i] = sqrt(e[1, i] + e[1, i + 1] + e[1, i + 2] + e[1, i + 3])
	for (i = 0; i < nb; i++) b[i] = sqrt(e[2, i] + e[2, i + 1] + e[2, i + 2] + e[2, i + 3])
	for (l = -60; l <= 60; l++) {
		sa = sb = saa = sbb = sab = m = 0
		for (i = 0; i < na; i++) {
			j = i + l
			if (j < 0 || j >= nb) continue
			m++; sa += a[i]; sb += b[j]; saa += a[i] ^ 2; sbb += b[j] ^ 2; sab += a[i] * b[j]
		}
		r = (m * sab - sa * sb) / sqrt((m * saa - sa * sa) * (m * sbb - sb * sb) + 1e-30)
		if (r > best) { best = r; at = l }
	}
	printf "%d %.3f\n", at * W / 8, best
}
AWK

file_of() { # CALLSID, below $WORK/data
	find "$WORK/data/recordings" -name "$1.wav"
}
sid_of() {
	field "$WORK/$1.json" '.calls[0].call_sid'
}
first_sid() {
	api /calls | jq -er '.calls[0].call_sid'
}
# The same sound, and off by less than half of what a phone plays late: more than both
# ends' rounding and the way between, on a machine that has other work, too.
# A phone that was held up has caught up since, and its sound lacks the pause.
fits() { # NAME COLUMN
	local fit late
	sox "$(file_of "$(sid_of "$1")")" -t dat "$WORK/$1.ours.dat"
	sox "$WORK/$1.wav" -t dat "$WORK/$1.theirs.dat"
	fit=$(awk -v COL="$2" -f "$OUTER/fit.awk" "$WORK/$1.theirs.dat" "$WORK/$1.ours.dat")
	late=$(jq '.audio.late_max_ms | if . > 60 then . else 0 end' "$WORK/$1.call.json")
	echo "lag and correlation: $fit; late by $late"
	awk -v lag="${fit% *}" -v r="${fit#* }" -v late="$late" \
		'BEGIN { m = 150 + late; exit !(lag >= -m && lag <= m && r > (late ? 0.5 : 0.9)) }'
}
loudest() { # FILE FROM TO: of the agent's side, in dB
	sox "$1" -n remix 2 trim "$2" "=$3" stats 2>&1 | awk '/Pk lev dB/ { print $4 }'
}
silent_after_clear() {
	local from to file late
	file=$(file_of "$(sid_of "$1")")
	late=$(jq '.audio.late_max_ms | if . > 60 then . / 1000 else 0 end' "$WORK/$1.call.json")
	from=$(jq --argjson late "$late" '.calls[0].clears[0].at_ms / 1000 + 0.2 + $late' "$WORK/$1.json")
	to=$(jq '.calls[0].turns[1].voice_end_ms / 1000' "$WORK/$1.json")
	echo "$file from $from to $to; late by $late s"
	[ "$late" = 0 ] || to=$(jq -n "[$to, $from + 0.6] | max")
	holds "$(jq -n "if $to > $from + 0.5 then 1 else 0 end")" && equal "$(loudest "$file" "$from" "$to")" -inf &&
		holds "$(loudest "$file" 0 "$from" | awk '{ print ($1 > -30) }')"
}
as_long_as_the_call() {
	local ours theirs
	ours=$(soxi -D "$(file_of "$(sid_of "$1")")") theirs=$(soxi -D "$WORK/$1.wav")
	awk -v a="$ours" -v b="$theirs" -v late="$(jq .audio.late_max_ms "$WORK/$1.call.json")" \
		'BEGIN { d = a - b; m = 0.5 + late / 1000; print a, b; exit !(d < m && d > -m) }'
}
shown() { # CALLSID: as completed
	api "/calls/$1" | jq -e '.recording | .mode == "local" and .state == "completed" and .lost_ms == 0 and .seconds > 3'
}
told() { # STATUS CODE PATH [CURL ARGS…]
	local status
	status=$(api "$3" -o "$WORK/answer" -w '%{http_code}' "${@:4}")
	equal "$status $(jq -r .error.code "$WORK/answer")" "$1 $2"
}
part() { # STATUS FROM TO [CURL ARGS…]: bytes of cut's file, which those options get
	local status
	status=$(api "/calls/$CUT/recording" -D "$WORK/head" -o "$WORK/part" -w '%{http_code}' "${@:4}")
	equal "$status" "$1" && cmp "$WORK/part" <(tail -c "+$(($2 + 1))" "$(file_of "$CUT")" | head -c $(($3 - $2 + 1)))
}
ranges() {
	local size etag
	CUT=$(sid_of cut) size=$(stat -c %s "$(file_of "$(sid_of cut)")")
	check "GET gives the file" part 200 0 $((size - 1))
	check "as a sound file" grep -qi '^content-type: audio/wav' "$WORK/head"
	etag=$(sed -nE 's/^ETag: (.*)\r/\1/p' "$WORK/head")
	check "a range from the front" part 206 0 57 -r 0-57
	check "and it says which" grep -q "^Content-Range: bytes 0-57/$size" "$WORK/head"
	check "a range to the end" part 206 1000 $((size - 1)) -r 1000-
	check "the last so many" part 206 $((size - 100)) $((size - 1)) -r -100
	check "of this version" part 206 5 9 -r 5-9 -H "If-Range: $etag"
	check "of another version: all" part 200 0 $((size - 1)) -r 5-9 -H 'If-Range: "other"'
	check "two ranges: all" part 200 0 $((size - 1)) -r 0-1,5-6
	check "beyond the end: 416" told 416 range_not_satisfiable "/calls/$CUT/recording" -r "$size-"
	check "HEAD tells its length" equal "$(api "/calls/$CUT/recording" -I | tr -d '\r' | sed -n 's/^Content-Length: //p')" "$size"
	check "no such call" told 404 no_such_call /calls/CAnone/recording
}

heard() {
	model model --key "$SECRET"
	server server GREETING_MODE=wait DATA_DIR="$WORK/data" RECORD=local
	dial cut --script "$OUTER/cut.script" --expect clears=1 --expect warnings=0 --expect script_done=1
	dial late --script "$OUTER/cut.script" --fault play-late=1500 --expect clears=1 --expect script_done=1
	all_over
	for name in cut late; do
		check "$name: the call goes as it should" went "$name" caller_hung_up
		check "$name: the recording is complete" until_true shown "$(sid_of $name)"
		check "$name: the caller's side is what was said" fits "$name" 2
		check "$name: the agent's side is what was played, when it was" fits "$name" 3
		check "$name: silence where the old answer would be" silent_after_clear "$name"
		check "$name: it is as long as the call" as_long_as_the_call "$name"
	done
	ranges
	check "/status counts them" equal "$(api /status | jq -c '.recording | [.active, .started, .completed, .failed, .lost_ms]')" \
		"[0,2,2,0,0]"
	check "the store knows the file" equal \
		"$(sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT status, channels, file FROM recordings WHERE call_sid = '$CUT'")" \
		"completed|2|recordings/$(date -u +%F)/$CUT.wav"
	rm "$(file_of "$CUT")"
	check "a file that is gone" told 404 deleted "/calls/$CUT/recording"
	check "the server stops with status 0" stop_server
}

so_far() { # BYTES: as much of the live call's recording is there
	[ "$(api "/calls/$1/recording" | wc -c)" -gt "$2" ]
}
cut_short() {
	equal "$(sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT status FROM recordings WHERE call_sid = '$1'")" interrupted
}
killed() {
	local sid caller
	model model --key "$SECRET"
	server first DATA_DIR="$WORK/data" RECORD=local
	phone call --script "$OUTER/long.script" >/dev/null &
	caller=$!
	until_true first_sid
	sid=$(first_sid)
	check "a live call's recording can be heard so far" until_true so_far "$sid" 30000
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	kill "$caller" 2>/dev/null
	wait "$caller" 2>/dev/null
	check "after kill -9 the header is right" equal \
		"$(soxi -s "$(file_of "$sid")")" $((($(stat -c %s "$(file_of "$sid")") - 58) / 2))
	check "and what was said is in it" holds "$(loudest "$(file_of "$sid")" 0 1.5 | awk '{ print ($1 > -40) }')"
	server second DATA_DIR="$WORK/data" RECORD=local
	check "the next server has it" so_far "$sid" 30000
	check "and knows that it was cut short" until_true cut_short "$sid"
	check "the server stops with status 0" stop_server
}

# The disk is full after four seconds; only the recordings' disk.
full() {
	local real=$PWD/$SERVER_BIN
	mkdir -p "$WORK/data/recordings"
	printf '#!/bin/sh\nexec unshare -rm sh -c "mount -t tmpfs -o size=64k tmpfs %q && exec %q"\n' \
		"$WORK/data/recordings" "$real" >"$WORK/server"
	chmod +x "$WORK/server"
	if unshare -rm true 2>/dev/null; then
		SERVER_BIN=$WORK/server
	else # not allowed here: a disk that takes nothing at all
		rmdir "$WORK/data/recordings" && touch "$WORK/data/recordings"
	fi
	model model --key "$SECRET"
	server server GREETING_MODE=wait DATA_DIR="$WORK/data" RECORD=local
	dial call --script "$OUTER/cut.script" --expect clears=1 --expect 'answers>=2' --expect warnings=0 --expect script_done=1
	all_over
	check "the call goes on to its end" went call caller_hung_up '.recording.state == "failed" and .recording.error != null'
	check "/status says so" jq -e '.recording | .failed == 1 and .active == 0 and (.last_error | test("recordings/"))' \
		<(api /status)
	check "calls are taken all the same" equal "$(api /ready | jq -r .status)" ready
	check "the server stops with status 0" stop_server
}

# Twilio's own, of an outbound call; the stand-in tells of it as Twilio does.
news() { # STATUS SECONDS [SIGNED WITH]: of the recording $TWILIO_SID, at $PLACE; what we answer
	local form="CallSid$TWILIO_CALL RecordingDuration$2 RecordingSid$TWILIO_SID RecordingStatus$1 RecordingUrl$PLACE"
	api /twilio/recording-status -o /dev/null -w '%{http_code}' -d "CallSid=$TWILIO_CALL" -d "RecordingDuration=$2" \
		-d "RecordingSid=$TWILIO_SID" -d "RecordingStatus=$1" -d "RecordingUrl=$PLACE" -H "X-Twilio-Signature: $(
			printf %s "$PUBLIC/twilio/recording-status${form// /}" |
				openssl dgst -sha1 -hmac "${3:-$SECRET}" -binary | base64
		)"
}
row() {
	sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT status, seconds FROM recordings WHERE id = '$TWILIO_SID'"
}
answer_is() { # JQ: of what GET /calls/{CallSid}/recording answers
	api "/calls/$TWILIO_CALL/recording" | jq -e "$1"
}
row_is() { # STATUS: of the newest recording of $TWILIO_CALL
	equal "$(sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT status FROM recordings WHERE call_sid = '$TWILIO_CALL'")" "$1"
}
theirs() { # STATUS FROM TO [CURL ARGS…]: those bytes of what Twilio has
	local status
	status=$(api "/calls/$TWILIO_CALL/recording" -D "$WORK/head" -o "$WORK/part" -w '%{http_code}' "${@:4}")
	equal "$status" "$1" && cmp "$WORK/part" <(tail -c "+$(($2 + 1))" "$WORK/rest/$TWILIO_CALL.wav" | head -c $(($3 - $2 + 1)))
}
cut_off() { # curl notices that it is not all
	local code=0
	api "/calls/$TWILIO_CALL/recording" -o "$WORK/part" || code=$?
	equal "$code" 18 && holds "$(($(stat -c %s "$WORK/part") < $1))"
}
twilio_says() { # JQ: of the error, which is a 502
	told 502 "$1" "/calls/$TWILIO_CALL/recording" && jq -e "$2" "$WORK/answer"
}
passed_on() {
	local size etag
	size=$(stat -c %s "$WORK/rest/$TWILIO_CALL.wav")
	check "one that Twilio has no more" told 404 deleted "/calls/$TWILIO_CALL/recording"
	check "Twilio refuses us" twilio_says twilio_failed '.error | .twilio_code == 20003 and .twilio_status == 401'
	check "Twilio fails" twilio_says twilio_failed '.error | .twilio_code == 20500 and .twilio_status == 500'
	check "what is no sound" twilio_says twilio_failed '.error.message | test("no sound")'
	check "what breaks off there breaks off here" cut_off "$size"
	check "GET gives Twilio's recording" theirs 200 0 $((size - 1))
	check "as a sound file" grep -qi '^content-type: audio/wav' "$WORK/head"
	check "of which parts can be had" grep -qi '^accept-ranges: bytes' "$WORK/head"
	etag=$(sed -nE 's/^ETag: (.*)\r/\1/p' "$WORK/head")
	check "a range" theirs 206 1000 2999 -r 1000-2999
	check "and it says which" grep -q "^Content-Range: bytes 1000-2999/$size" "$WORK/head"
	check "the last so many" theirs 206 $((size - 100)) $((size - 1)) -r -100
	check "of this version" theirs 206 5 $((size - 1)) -r 5- -H "If-Range: $etag"
	check "of another version: all" theirs 200 0 $((size - 1)) -r 5-9 -H 'If-Range: "other"'
	check "beyond the end: 416" told 416 range_not_satisfiable "/calls/$TWILIO_CALL/recording" -r "$size-"
	check "HEAD tells its length" equal \
		"$(api "/calls/$TWILIO_CALL/recording" -I | tr -d '\r' | sed -n 's/^Content-Length: //p')" "$size"
	head -c 5000000 /dev/urandom >"$WORK/rest/$TWILIO_CALL.wav"
	check "a long one comes whole" theirs 200 0 4999999
}
elsewhere() { # no word goes to another place than TWILIO_API_URL, whoever signs for it
	PLACE=https://localhost:$OTHER_PORT/2010-04-01/Accounts/$ACCOUNT/Recordings/RE1
	TWILIO_CALL=CA00000000000000000000000000000009 TWILIO_SID=RE1
	check "news of a recording elsewhere are noted" equal "$(news completed 9)" 204
	check "they are kept" until_true row_is completed
	check "but it is not fetched" told 502 elsewhere "/calls/$TWILIO_CALL/recording"
	check "and nothing was asked there" equal \
		"$(REST_PORT=$OTHER_PORT rest_report '.requests | length')" 0
	PLACE=https://localhost:$REST_PORT@localhost:$OTHER_PORT/x TWILIO_CALL=CA00000000000000000000000000000008 TWILIO_SID=RE2
	check "nor is what hides it" equal "$(news completed 9)" 204
	check "it is kept" until_true row_is completed
	check "and not fetched" told 502 elsewhere "/calls/$TWILIO_CALL/recording"
	check "nothing was asked there either" equal "$(REST_PORT=$OTHER_PORT rest_report '.requests | length')" 0
	check "all places are free again" until_true eval "api /status | jq -e '.watchers.open == 0'"
	check "/status counts all that" equal "$(api /status | jq .recording.twilio_unserved)" 6
}
place() { # NUMBER: the CallSid of a call to be recorded by Twilio
	api /calls --json '{"to":"+1202555'"$1"'","from":"+12025550100","agent":"default","record":"twilio"}' | jq -er .call_sid
}
twilio() {
	local plain
	model model --key "$SECRET"
	rest other
	OTHER_PORT=$REST_PORT
	rest rest --rule "script=$OUTER/long.script" --rule "media-plain@+12025550172" --rule media-404@+12025550171x1 \
		--rule media-401@+12025550171x1 --rule media-500@+12025550171x1 --rule media-html@+12025550171x1 \
		--rule media-cut@+12025550171x1
	server server "${REST[@]}" OUTBOUND_ALLOW=+1 DATA_DIR="$WORK/data" OUTBOUND_CPS=20
	rest_to "$PORT"
	TWILIO_CALL=$(place 0171)
	check "Twilio is asked to record, and does" until_true eval "api /status | jq -e '.recording.twilio_started == 1'"
	check "while it does there is nothing to hear yet" until_true answer_is '.error.code == "not_ready"'
	check "the call says who records" until_true eval "api /calls/$TWILIO_CALL | jq -e '.recording.mode == \"twilio\"'"
	plain=$(place 0172)
	check "two at once" until_true eval "api /status | jq -e '.recording.twilio_started == 2'"
	api "/calls/$TWILIO_CALL" -X DELETE >/dev/null
	api "/calls/$plain" -X DELETE >/dev/null
	check "then it is told where it is" until_true row_is completed
	passed_on
	TWILIO_SID=$(sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT id FROM recordings WHERE call_sid = '$TWILIO_CALL'")
	PLACE=https://x
	before=$(row)
	check "late news change nothing" equal "$(news in-progress 0) $(news absent 99)" "204 204"
	check "nor does the same again" equal "$(news completed 77)" 204
	check "what was final stays" equal "$(row)" "$before"
	check "who is not Twilio is refused" equal "$(news absent 0 wrong)" 403
	check "news of elsewhere change nothing" theirs 206 0 9 -r 0-9
	TWILIO_CALL=$plain
	check "the other is complete" until_true row_is completed
	check "without a length from Twilio there is none from us, and it is whole" theirs 200 0 99999999 -r 0-9
	check "in chunks" grep -qi '^transfer-encoding: chunked' "$WORK/head"
	elsewhere
	check "the server stops with status 0" stop_server
}

apart heard heard
apart twilio twilio
apart killed killed
apart full full
all_apart
