#!/usr/bin/env bash
# flavors: tsan asan
# Calls by ConversationRelay, through the real server: the greeting, answers, an
# interruption, a tool, the goodbye, a socket that is cut, and a Twilio that talks nonsense.
. "$(dirname "$0")/lib.sh"

cat >"$WORK/model.script" <<JSON
{ "greeting": {"say": "This greeting is nobody's."}, "typed": {"say": "Noted."}, "otherwise": {"say": "Pardon?"},
  "turns": [
    {"hear": "When do you open?", "say": "$SHOP_HOURS"},
    {"hear": "And on Saturday?", "say": "On Saturday from ten to two."},
    {"hear": "Is there a free hour?", "say": "", "calls": [{"name": "look", "arguments": {"day": "Friday"}}],
     "then": {"say": "Friday at noon is free."}},
    {"hear": "Habla espanol?", "say": "Yes, ", "calls": [{"name": "switch_language", "arguments": {"language": "es-ES"}}],
     "then": {"say": "claro que si."}},
    {"hear": "Ring the bell.", "say": "", "calls": [{"name": "play", "arguments": {"sound": "https://example.com/bell.mp3"}},
      {"name": "send_digits", "arguments": {"digits": "1w2#"}}, {"name": "switch_language", "arguments": {"language": "fr-FR"}}],
     "then": {"say": "There it is."}},
    {"hear": "Thank you, goodbye.", "say": "Goodbye, and thank you for calling.", "calls": [{"name": "end_call"}]} ] }
JSON
shop '"send_digits": true, "relay": {"debug": "speaker-events tokens-played", "dtmfDetection": "true", "partialPrompts": true,
	"languages": [{"code": "es-ES"}], "plays": ["https://example.com/bell.mp3"]},
	"instant_answers": [{"when": ["is there parking"], "say": "There is room behind the house."}]'

# talk NAME SCRIPT PHONE ARGS...: one call on a model and a server of its own.
talk() {
	model model --key "$SECRET" --script "$OUTER/model.script" --text-speed "${SPEED:-200}" ${MODEL_FAULT:+--fault "$MODEL_FAULT"}
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" TWILIO_ACCOUNT_SID="$ACCOUNT" ${SETTING:+"$SETTING"}
	shop_call "$1" "$2" "${@:3}"
	api /status >"$WORK/status.json"
	check "$1: the server stops with status 0" stop_server
	check "$1: the model stops with status 0" stop_model
	check "$1: every message was one the model knows" equal "$(field "$WORK/model.json" .violation_count)" 0
}

# What was in the model's conversation at the end, a line each.
conversation() {
	field "$WORK/model.json" '.per_session[] | select(.conversation | length > 0) | .conversation[] |
		(.role // .type) + ": " + ([.content[]? | .text // .transcript // empty] | join("")) + (.name // "")'
}

conversation_case() {
	talk talk "$SHOP_TALK" --expect warnings=0 --expect end=server --expect script_done=1 --expect prompts=3
	check "talk: the greeting is Twilio's, once" equal "$(answers '[.[] | select(.sent | test("Welcome"))] | "\(length) \(.[0].greeting)"')" "1 true"
	shop_talked
	check "talk: the goodbye was heard to its end" equal "$(answers '.[-1] | .spoken == .sent')" true
	check "talk: what is handed on is a string with a reason, and nothing personal" eval \
		"field $WORK/phone.json '.calls[0].relay.sessions[0].handoff' | jq -e '.reason' && ! grep -q 2025550123 <(field $WORK/phone.json '.calls[0].relay.sessions[0].handoff')"
	check "talk: the model knows the greeting, and all that was said" equal "$(conversation | grep -v '^function' | head -7)" \
		"assistant: Welcome to the shop.
user: And on Saturday?
assistant: On Saturday from ten to two.
user: Is there a free hour?
assistant: Friday at noon is free.
user: Thank you, goodbye.
assistant: Goodbye, and thank you for calling."
	check "talk: the tool was asked" equal "$(grep -c "\"path\":\"/look\".*$SID" "$OUTER/sink.jsonl")" 1
	check "talk: parts of what is being said come, and are no turns" holds "$(field "$WORK/phone.json" '.calls[0].relay.partials') >= 1"
}

# Without the model, which knows of it when it answers the next question.
instant_case() {
	talk "$NAME" 'wait-agent-done 100
		prompt "Hello. Is there parking?"
		wait-spoken "behind the house."
		wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --expect warnings=0 --expect end=caller --expect script_done=1
	check "$NAME: the model is told both, and is asked once" equal "$(conversation)" \
		"assistant: Welcome to the shop.
user: Hello. Is there parking?
assistant: There is room behind the house.
user: And on Saturday?
assistant: On Saturday from ten to two."
	check "$NAME: it is counted" equal "$(field "$WORK/status.json" .turns.instant)" 1
}

# Another language, a sound and keys: what the agent's file lists, and nothing else.
phone_tools_case() {
	talk "$NAME" 'wait-agent-done 100
		prompt "Habla espanol?"
		wait-spoken "claro que si."
		wait-agent-done 100
		prompt "Ring the bell."
		wait-spoken "There it is."
		wait-agent-done 100
		lang fr-FR
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --expect warnings=0 --expect end=caller --expect script_done=1
	check "$NAME: the language changes where the agent said so, and not to one that nobody listed" equal \
		"$(answers '[.[] | select(.greeting | not) | "\(.language) \(.sent)"] | join("|")') $(field "$WORK/phone.json" '.calls[0].relay.languages')" \
		"en-US Yes, |es-ES claro que si.|es-ES There it is.|es-ES On Saturday from ten to two. es-ES es-ES"
	check "$NAME: the model is told what the caller speaks, if it did not say so itself" equal \
		"$(conversation | grep 'The caller speaks')" "system: The caller speaks fr-FR now."
	check "$NAME: the sound is played and the keys are pressed" equal \
		"$(field "$WORK/phone.json" '.calls[0].relay | "\(.plays) \(.digits)"')" "https://example.com/bell.mp3 1w2#"
}

# interrupted NAME PHONE ARGS...: an interruption in mid-sentence, and what the model then knows.
interrupted() {
	talk "$1" "$(asks_on "close at")" --expect clears=1 --expect end=caller --expect script_done=1 "${@:2}"
	check "$1: it was cut" equal "$(answers '.[1].cut')" true
	check "$1: and nothing of it came later" equal "$(answers '.[2].sent')" "On Saturday from ten to two."
}
# While the answer is still being made (SPEED), or when it all has been sent.
interruption_case() {
	local heard
	interrupted "$NAME" --fault "$1" ${2:+--fault "$2"}
	check "$NAME: what was cut has its last only if it was whole by then" equal \
		"$(answers '.[1].last')" "$([ -n "${SPEED:-}" ] && echo false || echo true)"
	heard=$(conversation | sed -n 's/^assistant: \(We open.*\)/\1/p')
	check "$NAME: the model's history ends where the caller heard it" eval \
		"[[ \"$SHOP_HOURS\" == \"$heard\"* ]] && [[ \"$heard\" == *\"close at\"* ]] && [ ${#heard} -lt ${#SHOP_HOURS} ]"
	check "$NAME: the old one is deleted" equal \
		"$(field "$WORK/model.json" '[.per_session[].deletes | length] | add')" 1
	check "$NAME: the turn says so" equal "$(field "$WORK/call.json" '[.turns[] | select(.interrupted)] | length')" 1
}
unmatched_case() {
	interrupted "$NAME" --fault heard-unknown
	# Once as played, and once more as what was heard until the interruption.
	check "$NAME: what was never sent is counted" holds "$(field "$WORK/status.json" .relay.unmatched) >= 1"
}

# As by TwiML that is not ours: nobody knows what that greets with, and so the agent does.
unannounced_case() {
	talk "$NAME" 'wait-spoken "nobody"
		wait-agent-done 100
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --fault no-token --expect end=caller --expect script_done=1
	check "$NAME: the log says how it came" equal "$(field "$WORK/call.json" .direction)" ""
}

# The socket is cut, Twilio asks connect-action, and the same conversation goes on.
reconnect_case() {
	local heard
	talk "$NAME" 'wait-agent-done 100
		prompt "When do you open?"
		wait-spoken "close at"
		cut
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --expect sessions=2 --expect streams=2 --expect end=caller
	heard=$(field "$WORK/model.json" '[.per_session[] | select(any(.conversation[]; .role == "system"))][-1] |
		.conversation[2].content[0].text')
	check "$NAME: the next one knows what was heard of the last words" eval \
		"[[ \"$SHOP_HOURS\" == \"$heard\"* ]] && [[ \"$heard\" == 'We open'* ]] && [ ${#heard} -lt ${#SHOP_HOURS} ]"
	check "$NAME: the model is told in which language it is spoken now" eval \
		"conversation | grep -q 'You are spoken in en-US again'"
	check "$NAME: the greeting was not said again" equal "$(answers '[.[] | select(.greeting)] | length')" 1
}

# The socket is cut while the agent's last words are spoken: the conversation is over, and nobody goes on with it.
goodbye_cut_case() {
	talk "$NAME" 'wait-agent-done 100
		prompt "Thank you, goodbye."
		wait-last
		wait-spoken "Goodbye, and"
		cut' --expect sessions=1 --expect streams=1 --expect end=cut --expect say="have to end our call here"
	check "$NAME: it ended as it was meant to" equal "$(field "$WORK/call.json" .ending.reason)" agent_ended
	check "$NAME: nothing was opened anew" equal "$(field "$WORK/status.json" .relay.reconnected)" 0
}

# Twilio takes ten messages in a row for malformed, and closes with 1007: a session that was lost.
takes_none_case() {
	talk "$NAME" 'wait-agent-done 100
		prompt "When do you open?"
		wait-end
		silence 500
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --fault takes-none --expect sessions=2 --expect end=caller
	check "$NAME: the log has Twilio's words for it" until_true grep -q "closed with 1007: Too many" "$WORK/server.log"
}

# nonsense FAULT: the call is none the worse for it.
nonsense_case() {
	talk "$NAME" 'wait-agent-done 100
		silence 600
		prompt "And on Saturday?"
		wait-spoken "ten to two."
		wait-agent-done 100' --fault "$1" --expect end=caller --expect spoken~"ten to two." "${@:2}"
	[ "$NAME" != wrong-types ] ||
		check "$NAME: a stream's message gets a sentence" until_true grep -q "sound of a <Stream> goes to" "$WORK/server.log"
}

# said_after CODE: of a session that failed so, what came after it, and what was said at last.
said_after() {
	field "$WORK/session-error=$1@500.json" '.calls[0] | ([.twiml | scan("<(ConversationRelay|Say|Hangup)")[0]] | join(" ")) + ": " +
		(if .said | test("technical problem") then "sorry" elif .said | test("time for this call is over") then "time" else .said end)'
}

# Setups that are none, sessions that fail, prompts nobody says: all at once, and a good call after them.
strange_case() {
	local name
	printf '%s\n' 'silence 1500' 'prompt "And on Saturday?"' 'silence 2000' >"$WORK/strange.script"
	printf '%s\n' 'wait-agent-done 100' 'prompt "And on Saturday?"' 'wait-spoken "ten to two."' >"$WORK/good.script"
	model model --key "$SECRET" --script "$OUTER/model.script" --text-speed 1000
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET" MAX_CALLS=60
	for name in bad-setup={1..13} session-error={64101,64102,64104,64109,64111,64112,39001,64999}@500 huge=10000@300 \
		odd-prompts@300 no-start never-read binary@300 long-ping@300 reserved-bits@300 giant@300; do
		dial "$name" --script "$WORK/strange.script" --pace 60 --fault "$name"
	done
	all_over
	check "strange: each call came to an end" equal "$(grep -Lx 0 "$WORK"/*.status)" ""
	check "strange: and each was told something sensible: no TwiML was wrong" eval \
		'! jq -r ".calls[].warnings[].text" "$WORK"/*=*.json | grep -E "^(11|12|64101)"'
	for name in 64101 64109 64111 64112 64999; do
		check "strange: after $name there is an apology" equal "$(said_after $name)" "ConversationRelay Say Hangup: sorry"
	done
	check "strange: after 64104 a goodbye" equal "$(said_after 64104)" "ConversationRelay Say Hangup: time"
	for name in 39001 64102; do
		check "strange: after $name there is another session, once" equal "$(said_after $name)" \
			"ConversationRelay ConversationRelay Say Hangup: sorry"
	done
	api /status >"$WORK/status.json"
	check "strange: they are counted" equal "$(field "$WORK/status.json" '.relay | "\(.refused) \(.time_over) \(.failed)"')" "4 1 1"
	check "strange: a good call is served after them" phone good --script "$WORK/good.script" --pace 60 \
		--expect warnings=0 --expect script_done=1
	check "strange: all of them are over" until_true eval '[ "$(api /status | jq .calls.live)" = 0 ]'
	check "strange: the server stops with status 0" stop_server
	check "strange: the model stops with status 0" stop_model
	check "strange: every message was one the model knows" equal "$(field "$WORK/model.json" .violation_count)" 0
}

# 64 KB without a blank, and half an emoji in the midst.
long_case() {
	printf '%s\n' 'wait-agent-done 100' 'prompt "Go on."' 'wait-last' 'silence 300' >"$WORK/caller.script"
	model model --key "$SECRET" --script "$OUTER/model.script" --fault "$1"
	server server AGENTS_DIR="$OUTER/agents" SIGNING_SECRET="$SECRET"
	check "$NAME: the call goes as it should" phone phone --script "$WORK/caller.script" --pace 100000 \
		--expect malformed=0 --expect warnings=0 --expect script_done=1
	check "$NAME: what was sent" equal "$(answers "$2")" "$3"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}

apart talk conversation_case
SPEED=30 apart interruption interruption_case heard-lower
SPEED=30 MODEL_FAULT=late-deltas=3 apart late-deltas interruption_case heard-lower
apart whole interruption_case heard-bare duration-text
apart instant instant_case
apart phone-tools phone_tools_case
apart unmatched unmatched_case
SETTING=STREAM_UNANNOUNCED=on apart unannounced unannounced_case
apart reconnect reconnect_case
apart goodbye-cut goodbye_cut_case
MALFORMED=10 apart takes-none takes_none_case
apart strange strange_case
apart long long_case long-word '.[1].sent | length' 65536
apart emoji long_case half-emoji '.[1].sent | startswith("We open at nine") and endswith("nobody is here.")' true
for fault in malformed@300 wrong-types@300 half-emoji@300 start-twice@300 unknown-stream@300 interrupts=50@300 \
	played-unknown@300 bad-dtmf@300 deep=1000@300 nul-bytes@300 media-first=3; do
	apart "${fault%%[=@]*}" nonsense_case "$fault"
done
all_apart
