#!/usr/bin/env bash
# The model's session is lost under a call, and another goes on with it: while it listens, answers,
# waits for a tool, says goodbye or hands over; on the stream and on the relay. What the caller hears
# of that is judged by the phone, what the next session knows by the stand-in.
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"

printf 'wait-end 600000\n' >"$WORK/wait.script"
cat >"$WORK/ask.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 300
wait-agent-done 2500
hangup
SCRIPT

# of FAULT… : a model with these faults of its first call's first session (its second connection), and a server on it.
of() {
	local faults=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		faults+=(--fault "$1")
		shift
	done
	[ $# = 0 ] || shift
	model model --key "$SECRET" "${faults[@]}" "${MODEL_ARGS[@]}"
	server server MAX_CALLS=2 LOG_LEVEL=debug "$@"
	until_true connected 1
}
MODEL_ARGS=()

answering() {
	of drop=rst:answer@2 -- GREETING_MODE=wait
	phone call --script "$OUTER/ask.script" --expect end=caller
	echo $? >"$WORK/call.status"
	check "$NAME" went call caller_hung_up '.sessions | length == 2'
	check "stop" stop_server
	stop_model
}
apart answering answering
all_apart
