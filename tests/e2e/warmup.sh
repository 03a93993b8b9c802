#!/usr/bin/env bash
# The caller speaks at once, while the model is still being reached: what he
# says waits, up to BACKLOG_MS, and then goes out in few large messages, whole
# and in order. Beyond that the oldest is skipped, and counted. And the second
# session is reached faster than the first: its TLS is resumed.
. "$(dirname "$0")/lib.sh"

cat >"$OUTER/talk.script" <<SCRIPT
say caller-1.wav
wait-agent-talking 600
hangup
SCRIPT
# samples FILE CHANNELS: of the first, one a line.
samples() {
	tail -c +45 "$1" | od -An -v -t d2 -w$((2 * $2)) | awk '{ print $1 }'
}

# same_audio: what the model heard is what the caller said after what was
# skipped, sample by sample, up to what was still under way at the end.
same_audio() {
	local dropped=$1 heard said
	samples "$WORK/session-2.wav" 1 >"$WORK/heard"
	samples "$WORK/call.wav" 2 >"$WORK/said"
	heard=$(wc -l <"$WORK/heard")
	said=$(wc -l <"$WORK/said")
	echo "heard $heard samples of $said, $dropped ms skipped"
	holds "$said - $heard - $dropped * 8 <= 8 * 300 && $heard > 8 * 3000" || return 1
	# Read to its end: whoever leaves a pipe early fails the one who still writes.
	awk -v from="$((dropped * 8))" -v count="$heard" 'NR > from && NR <= from + count' "$WORK/said" | cmp - "$WORK/heard"
}

# call FAULTS VAR=VALUE...: on the model's second connection, the first being the server's own.
call() {
	local fault faults=()
	for fault in $1; do
		faults+=(--fault "$fault@2")
	done
	model model --key "$SECRET" --record "$WORK" "${faults[@]}"
	server server MAX_CALLS=2 GREETING_MODE=wait MODEL_CONNECT_MS=10000 \
		SILENCE_MAX_MS=60000 SLOW_ANSWER_MAX_MS=60000 "${@:2}"
	until_true eval "api /status | jq -e '.model.connects == 1'"
	phone call --script "$OUTER/talk.script" --expect end=caller --expect 'answers>=1' --expect turns_answered=1 \
		--expect warnings=0
	echo $? >"$WORK/call.status"
	check "$NAME: answered" went call caller_hung_up '.turns[0].who == "caller" and (.turns[0].text | length) > 10 and
		.turns[1].who == "agent" and .turns[1].heard_ms > 0 and .audio.padded_ms == 0'
	until_true eval "api /status | jq -e '.calls.live + .calls.ending == 0'"
	api /status >"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
	check "$NAME: the model never got what it does not know, nor audio before its time" equal \
		"$(field "$WORK/model.json" .violation_count)" 0
	check "$NAME: the second session is resumed" equal \
		"$(field "$WORK/status.json" '.model | "\(.connects) \(.resumed)"')" "2 1"
	FRAMES=$(field "$WORK/call.call.json" .audio.frames_in)
	DROPPED=$(field "$WORK/call.call.json" .audio.dropped_ms)
	APPENDS=$(field "$WORK/model.json" '.per_session[1].events["input_audio_buffer.append"]')
	check "$NAME: what was skipped is counted in both places" equal "$(field "$WORK/status.json" .audio.dropped_ms)" \
		"$DROPPED"
}

# kept WAIT_MS FAULTS VAR=VALUE...: less than the bound, which leaves room for a busy machine. Each frame alone would
# be one message; those that waited share one a second.
kept() {
	call "${@:2}" BACKLOG_MS=30000
	check "$NAME: nothing is skipped" equal "$DROPPED" 0
	check "$NAME: the model hears every sample in order" same_audio 0
	check "$NAME: what waited went out in few messages" holds "$FRAMES - $APPENDS >= $1 / 20 - $1 / 1000 - 25"
}

# skipped FAULTS VAR=VALUE...: more than the bound.
skipped() {
	call "$@"
	check "$NAME: something is skipped" holds "$DROPPED > 0"
	check "$NAME: it is the oldest, and the rest is whole and in order" same_audio "$DROPPED"
}

# The model may speak another format: then lengths are compared.
converted() {
	call "$@" BACKLOG_MS=30000
	check "$NAME: nothing is skipped" equal "$DROPPED" 0
	check "$NAME: all of it arrives" holds \
		"$FRAMES * 20 - $(field "$WORK/model.json" '.per_session[1].audio_ms | floor') <= 100"
}

not_resumed() {
	model model --key "$SECRET" --no-resumption
	server server MAX_CALLS=2 GREETING_MODE=wait
	until_true eval "api /status | jq -e '.model.connects == 1'"
	check "$NAME: a call works" phone call --script "$OUTER/talk.script" --expect end=caller --expect 'answers>=1'
	check "$NAME: nothing is counted as resumed" equal \
		"$(api /status | jq -r '.model | "\(.connects) \(.resumed)"')" "2 0"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}

apart late-created kept 2500 created-delay=2500
apart late-updated kept 2500 updated-delay=2500
apart late-everything kept 3000 "tls-delay=1000 upgrade-delay=700 created-delay=700 updated-delay=700"
apart slow-tls kept 3500 tls-delay=3500
apart too-late skipped updated-delay=8000 BACKLOG_MS=5000
apart small-bound skipped created-delay=6000 BACKLOG_MS=3000
apart late-pcm converted created-delay=2500 OPENAI_AUDIO_FORMAT=pcm
apart late-pcma converted updated-delay=2500 OPENAI_AUDIO_FORMAT=pcma
apart not-resumed not_resumed
all_apart
