#!/usr/bin/env bash
# The model's session is lost under a call, and another goes on with it: cut while it listens, answers, waits
# for a tool, says goodbye or hands over; silent, over its time, or deaf to what it is told; on the stream and
# on the relay. What the caller hears of that is judged as in `make chaos`: nothing twice, no second greeting,
# none of his words lost. Here also what the record says of it, that a tool runs once, and what is counted.
# in: test-more
# flavors: tsan asan
. "$(dirname "$0")/lib.sh"
. tools/chaos/calls.sh

SILENT_MS=25000 # a guard; the bar itself is for a machine that is not busy

# One call with two sessions or more: each but the last ended for a reason, none while another was there, and
# the last one with the call.
SESSIONS='(.sessions | length) >= 2 and ([.sessions[].id] | unique | length) == (.sessions | length) and
	([.sessions[] | .ended != null and .to_ms >= .from_ms] | all) and
	.sessions[-1].ended == "call_ended" and ([.sessions[:-1][].ended] | index("call_ended") == null) and
	([range(1; .sessions | length) as $i | .sessions[$i].from_ms >= .sessions[$i - 1].to_ms] | all)'
LOOKED='[.tools[] | select(.name | endswith("look"))] | length == 1 and .[0].ok'
LEFT_OUT_ONCE='[.per_session[].conversation | select(length > 0)][-1] | [.[] | .content[]?.text // "" | test("left out here")] | index(true) == 0 and (.[1:] | any | not)'
TOLD_THERE='[.per_session[].conversation | select(length > 0)][-1] | [.[] | .content[]?.text // empty |
	select(test("The tool crm/look was called here.*Its result: .\"done\":true"))] | length == 1'
PLACES='[.turns[].who] | .[0] == "agent" and .[1] == "caller"'

# Another session begins with no handshake of its own.
resumed() {
	local ready=$(grep -o 'model ready; .*' "$WORK/server.log" | tail -n +2)
	[ -n "$ready" ] && ! grep -v 'resumed=1$' <<<"$ready"
}

# Each time, and why; who watches was told the same.
told_of_it() {
	local wanted=$(grep -A1 '^event: call.reconnected' "$WORK/watched.sse" | sed -n 's/^data: //p' | jq -c '[.call_sid, .data]')
	equal "$(sent sink '.[] | (.json // .body) | if type == "string" then fromjson else . end |
		select(.event == "call.reconnected") | [.call.call_sid, .reconnected] | tojson')" "$wanted"
}

judged() {
	not_judged
	check "$NAME: the caller hears nothing twice, and is heard" not_red
	# (Two stand-ins have the same ids, and no TLS in common.)
	[[ $NAME == second-* ]] || check "$NAME: one call, and the sessions it had" jq -e "$SESSIONS and ($PLACES)" "$WORK/call.json"
	[[ $NAME == second-* ]] || check "$NAME: what followed the first resumed its TLS" resumed
	check "$NAME: the tool ran once" jq -e "$LOOKED" "$WORK/call.json"
	case $NAME in
	expires | relay-expires-long) # the next one was told the conversation before
		check "$NAME: it was renewed, and none was lost" jq -e \
			'.model.renewed >= 1 and .model.lost == 0 and .model.reconnected == 0' "$WORK/status.json"
		check "$NAME: and the record says so" jq -e '.sessions[0].ended == "renewed"' "$WORK/call.json"
		;;
	*)
		check "$NAME: the loss is counted, and the way back" jq -e \
			'.model.lost >= 1 and .model.reconnected >= 1 and .model.renewed == 0' "$WORK/status.json"
		check "$NAME: it is told why" until_true grep -q "model: reconnected; reason=model_" "$WORK/server.log"
		check "$NAME: who watches hears of it" grep -q '^event: call.reconnected' "$WORK/watched.sse"
		check "$NAME: and so does the agent's webhook" until_true told_of_it
		;;
	esac
	case $NAME in
	relay-expires-long)
		check "$NAME: what has no room is told of once, and in front" jq -e "$LEFT_OUT_ONCE" "$WORK/model.json"
		;;
	cut-after-mcp)
		check "$NAME: what the tool told is told again" jq -e "$TOLD_THERE" "$WORK/model.json"
		;;
	second-after-losses)
		check "$NAME: an endpoint that is lost again is left" jq -e '.model.lost == 2 and .model.elsewhere == 1' "$WORK/status.json"
		;;
	refuses-*)
		check "$NAME: what it refuses is left out, and counted" jq -e '.model.replay_refused >= 1' "$WORK/status.json"
		;;
	esac
}

only cut-listening cut-answering cut-calling-tool cut-with-tool cut-farewell cut-transfer stalled-answering expires relay-expires-long \
	expires-untold second-after-losses cut-after-mcp refuses-item refuses-call relay-cut-answering relay-cut-tool relay-cut-transfer
ready
. tools/chaos/faults.sh
all_apart
