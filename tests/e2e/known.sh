#!/usr/bin/env bash
# Lines that have their sound are heard when no model could say them: the greeting while it is being dialled, a word
# to those who wait, and that we are sorry when it is gone for good.
# flavors: asan tsan
. "$(dirname "$0")/lib.sh"

GREETING="Welcome to the shop. We are glad that you call. What can we do for you today?"
MOMENT="Bear with me for a second."
PARKING="There is room behind the house."

# Made once, by a model that is well, and found by all servers below.
mkdir -p "$WORK/agents"
jq -n --arg text "$GREETING" --arg moment "$MOMENT" --arg parking "$PARKING" '{
	instant_answers: [{when: ["a place to park"], say: $parking}],instructions: "You answer for a shop.",
	greeting: {mode: "exact", text: $text}, phrases: {one_moment: $moment}}' >"$WORK/agents/desk.json"
model maker --key "$SECRET"
server maker VOICE_CACHE=on VOICE_RATE=600 AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/data"
check "the lines are made" until_true eval "api /status | jq -e '.voice | .lines > 0 and .missing == 0'"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model

# known NAME FAULT SETTINGS: a model that misbehaves, and a server with its own copy of the lines.
known() {
	cp -r "$WORK/data" "$WORK/$1-data"
	model "$1" --key "$SECRET" --fault "$2" ${TALK:+--script "$TALK"}
	server "$1" VOICE_CACHE=on AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/$1-data" "${@:3}"
	until_true eval "api /status | jq -e '.voice | .lines > 0 and .missing == 0'"
}
# has NAME FILTER: of the record of that phone's call, once it is over.
has() {
	local sid
	sid=$(field "$WORK/$1.json" '.calls[0].call_sid')
	until_true call_ended "$sid"
	api "/calls/$sid" >"$WORK/$1.call.json"
	jq -e --arg greeting "$GREETING" --arg parking "$PARKING" "$2" "$WORK/$1.call.json" || {
		jq -c '{turns, ending, sessions}' "$WORK/$1.call.json"
		return 1
	}
}
over() { # NAME
	check "$1: the server stops with status 0" stop_server
	check "$1: the model stops with status 0" stop_model
}

known early created-delay=60000
printf '%s\n' 'wait-agent-talking 600' hangup >"$WORK/early.script"
check "early: the greeting is heard while the model is being dialled" phone early --script "$WORK/early.script" --expect end=caller
check "early: and is what the agent has said" has early '.turns | length == 1 and .[0].who == "agent" and
	.[0].text == $greeting and .[0].heard_ms > 0 and .[0].interrupted == false'
check "early: no model had a part in it" has early '.sessions == []'
# A guard; make chaos shows how soon (cache-…).
check "early: it is there with the stream" holds "$(field "$WORK/early.json" '.calls[0].first_audio_ms | floor') < 10000"
over early

known cut created-delay=2000
printf '%s\n' 'wait-agent-talking 600' 'say caller-2.wav' 'wait-agent-talking 600' 'wait-agent-done 1000' hangup >"$WORK/cut.script"
check "cut: who speaks up into it is heard before there is a model" phone cut --script "$WORK/cut.script" --expect end=caller
check "cut: as far as he heard it, it is said" has cut '.turns[0] | .text == $greeting and .interrupted and
	.heard_ms < .generated_ms'
check "cut: and what he said then is answered" has cut '[.turns[].who][0:3] == ["agent", "caller", "agent"] and .turns[2].heard_ms > 0'
over cut

known waits first-delta-delay=9000 HOLD_AFTER_MS=1000 SILENCE_MAX_MS=20000 SLOW_ANSWER_MAX_MS=20000
printf '%s\n' 'wait-agent-done 700' 'say caller-2.wav' 'wait-agent-talking 600' 'wait-agent-done 1500' \
	'wait-agent-talking 600' 'wait-agent-done 3000' hangup >"$WORK/waits.script"
check "waits: the caller hears a line, and then the answer" phone waits --script "$WORK/waits.script" --expect end=caller
check "waits: which is no part of the conversation" has waits '[.turns[] | select(.who == "agent")] | length == 2 and .[1].heard_ms > 0'
check "waits: lines were played" until_true eval "api /status | jq -e '.audio.known_lines >= 2'"
over waits

# What a caller asks is known by its words, if they come in time. The model is told, and answers all else.
cat >"$WORK/asks.script" <<SCRIPT
wait-agent-done 700
say caller-1.wav
wait-agent-talking 300
wait-agent-done 700
say caller-2.wav
wait-agent-talking 300
wait-agent-done 700
hangup
SCRIPT
cat >"$WORK/asks.json.script" <<JSON
{ "greeting": {"say": "Nobody's."}, "typed": {"say": "Noted."}, "otherwise": {"say": "Pardon?"},
  "turns": [ {"hear": "Yes. Is there a place to park?", "say": "Nobody's either."}, {"hear": "And on Saturday?", "say": "From ten to two."} ] }
JSON
TALK=$WORK/asks.json.script known asks transcript-delay=100
check "asks: a question with an answer of its own gets it" phone asks --script "$WORK/asks.script" --expect end=caller
check "asks: which is what is said, heard, and timed" has asks '.turns | map(.who) == ["agent", "caller", "agent", "caller", "agent"] and
	(.[2] | .text == $parking and .heard_ms == .generated_ms and .answer_after_event_ms < 3000)'
check "asks: the other question is the model's, which is asked" has asks '.turns[4].text | test("ten to two")'
check "asks: it is counted" equal "$(api /status | jq -c .turns.instant)" 1
over asks
check "asks: the model was told, and answers no turn by itself" jq -e --arg parking "$PARKING" '[.per_session[] |
	select(.turns | length > 0)] | length == 1 and (.[0] | ([.asked[] | .audio.input.turn_detection.create_response // empty] |
	all(. == false)) and ([.conversation[] | select(.role == "assistant") | .content[]?.text] | index($parking) != null) and
	(.responses | length) == 1)' "$WORK/asks.json"

known gone refuse=401
printf '%s\n' wait-end >"$WORK/gone.script"
check "gone: who calls hears that we are sorry, from us" phone gone --script "$WORK/gone.script" --expect end=server
check "gone: it is in the record, and why" has gone '.ending.reason == "model_refused" and
	(.turns[-1] | .who == "agent" and (.text | contains("sorry")) and .heard_ms == .generated_ms)'
check "gone: and no rung says it again" eval '! field "$WORK/gone.json" .calls[0].said | grep -q sorry'
over gone
server again VOICE_CACHE=off AGENTS_DIR="$WORK/agents" DATA_DIR="$WORK/gone-data"
hook /twilio/connect-action CallSid="$(field "$WORK/gone.call.json" .call_sid)" >"$WORK/again.xml"
check "gone: nor does another process that is asked what is next" eval 'grep -q "Goodbye" "$WORK/again.xml" && ! grep -qi sorry "$WORK/again.xml"'
check "gone: that server stops with status 0" stop_server
finish
