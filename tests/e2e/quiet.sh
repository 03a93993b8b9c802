#!/usr/bin/env bash
# A caller of whom nothing is heard is asked whether he is still there, twice, and then the call ends with a goodbye; so
# is one of whom nothing is understood. On the stream, where words are chirps (tools/kit/chirp.h), and on the relay.
# in: test-more
# flavors: asan tsan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/chirps.json" <<JSON
{ "greeting": {"say": "gobafi"}, "typed": {"say": "pogola"}, "otherwise": {"say": "bababa"},
  "turns": [ {"hear": "fibaba fibade", "say": "kulame kulafi"} ] }
JSON
cat >"$WORK/words.json" <<JSON
{ "greeting": {"say": "This greeting is nobody's."}, "typed": {"say": "Noted."}, "otherwise": {"say": "Pardon?"},
  "turns": [ {"hear": "And on Saturday?", "say": "On Saturday from ten to two."} ] }
JSON
mkdir "$WORK/agents-stream"
cat >"$WORK/agents-stream/desk.json" <<JSON
{ "numbers": ["+12025550100"], "instructions": "You answer for a shop.", "languages": ["en"],
  "phrases": {"still_there": "defigo", "idle": "dekufi"}, "limits": {"hold_music_seconds": 3} }
JSON
shop '"phrases": {"still_there": "Are you with me?", "idle": "Then goodbye."}'


# talk SCRIPT MODEL-SCRIPT AGENTS SETTINGS…: one call that the server ends, with a model and a server of its own.
talk() {
	model model --key "$SECRET" --script "$OUTER/$2.json" --text-speed 200 ${FAULT:+--fault "$FAULT"}
	server server AGENTS_DIR="$OUTER/$3" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" "${@:4}"
	shop_call "$NAME" "$1" --expect end=server --expect script_done="${DONE:-1}" --expect say=
	api /status >"$WORK/status.json"
	check "$NAME: the call ends as one in which nobody spoke" equal "$(field "$WORK/call.json" .ending.reason)" idle
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}

# said WORDS…: what the agent said behind its greeting, joined by |, and how often it asked.
said() {
	check "$NAME: what the agent says" equal \
		"$(field "$WORK/call.json" '[.turns[] | select(.who == "agent") | .text][1:] | join("|")')" "$1"
	check "$NAME: the questions are counted" equal "$(field "$WORK/status.json" .turns.still_there)" "$2"
}

silent_stream_case() {
	talk 'wait-spoken "gobafi"
		wait-end' chirps agents-stream REPROMPT_SECONDS=1
	said "defigo|defigo|dekufi" 2
	check "$NAME: the caller has heard all of it" equal \
		"$(field "$WORK/call.json" '[.turns[] | select(.who == "agent") | .heard_ms == .generated_ms and (.interrupted | not)] | all')" true
}

silent_relay_case() {
	talk 'wait-spoken "shop."
		wait-end' words agents REPROMPT_SECONDS=1
	said "Are you with me?|Are you with me?|Then goodbye." 2
	check "$NAME: the caller has heard all of it" equal "$(answers 'all(.spoken == .sent)')" true
}

# Who answers is asked twice again.
answered_stream_case() {
	talk 'wait-spoken "defigo"
		wait-agent-done 100
		words "fibaba fibade"
		wait-spoken "kulame kulafi"
		wait-end' chirps agents-stream REPROMPT_SECONDS=2
	said "defigo|kulame kulafi|defigo|defigo|dekufi" 3
}

answered_relay_case() {
	talk 'wait-spoken "Are you with me?"
		wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-end' words agents REPROMPT_SECONDS=2
	said "Are you with me?|On Saturday from ten to two.|Are you with me?|Are you with me?|Then goodbye." 3
}

# The end of his speech is not told.
endless_stream_case() {
	FAULT=lose=input_audio_buffer.speech_stopped talk 'wait-spoken "gobafi"
		words "fibaba fibade"
		wait-spoken "kulame kulafi"
		wait-end' chirps agents-stream REPROMPT_SECONDS=2
	said "kulame kulafi|defigo|defigo|dekufi" 2
}

# A key is a sign of life.
pressed_stream_case() {
	talk 'wait-spoken "defigo"
		wait-agent-done 100
		dtmf 5#
		wait-spoken "pogola"
		wait-end' chirps agents-stream REPROMPT_SECONDS=2
	said "defigo|pogola|defigo|defigo|dekufi" 3
}

# A voice without words, to this model: it answers it, and is talked over.
music_stream_case() {
	DONE=0 talk 'say ../caller-1.wav
		silence 800
		repeat' chirps agents-stream REPROMPT_SECONDS=2
	check "$NAME: the caller is asked twice, and nobody speaks after the goodbye" equal \
		"$(field "$WORK/status.json" .turns.still_there) $(field "$WORK/call.json" '[.turns[] | select(.who == "agent")][-1].text')" "2 dekufi"
	check "$NAME: it was heard, and nothing of it understood" equal \
		"$(field "$WORK/call.json" '[.turns[] | select(.who == "caller")] | "\(length > 0) \(map(.text // "") | join(""))"')" "true "
}

# The same on the relay, where it says that somebody speaks.
music_relay_case() {
	talk 'wait-spoken "shop."
		noise
		wait-end' words agents REPROMPT_SECONDS=2 HOLD_MUSIC_SECONDS=3
	said "Are you with me?|Are you with me?|Then goodbye." 2
}

CASES="silent_stream silent_relay answered_stream answered_relay endless_stream pressed_stream music_stream music_relay"
for each in $CASES; do
	apart "${each//_/-}" "${each}_case"
done
all_apart
