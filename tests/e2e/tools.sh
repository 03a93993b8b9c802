#!/usr/bin/env bash
# flavors: tsan asan
# Tools the model may call, through the real server: answers good and bad, several
# at once, fillers, the call's end and its transfer; and a model that calls them wrong.
. "$(dirname "$0")/lib.sh"

UTTER() { echo "say $PWD/$SPEECH/caller-$1.wav"; }

# Allowed in JSON as it stands, and six bytes each when it is handed on: the longest way to say 64 KB.
mkdir -p "$WORK/answers"
{ printf '{"a":"'; head -c 65528 /dev/zero | tr '\0' '\177'; printf '"}'; } >"$WORK/answers/long.json"
"$TOOLS/webhook-sink" --secret "$SECRET" --answers "$WORK/answers" --out "$WORK/sink.jsonl" >"$WORK/sink.out" 2>"$WORK/sink.err" &
disown "$!" # all_apart waits for the cases only
SINK=http://127.0.0.1:$(wait_for "$!" "$WORK/sink.out" '^listening .*:([0-9]+)$')

tool() { # NAME PATH [MORE]
	echo "{\"name\":\"$1\",\"description\":\"Does $1.\",\"parameters\":{\"type\":\"object\",\"properties\":{}},\"url\":\"$2\"${3:-}}"
}

# agent DIR: the agent of this case.
agent() {
	mkdir -p "$WORK/agents"
	cat >"$WORK/agents/desk.json" <<-JSON
		{ "numbers": ["+12025550100"], "instructions": "You take bookings.", "greeting": {"mode": "wait"},
		  "phrases": {"one_moment": "Soon."},
		  "tools": [
		    $(tool book "$SINK/book"), $(tool when "$SINK/when?echo=1"),
		    $(tool slow "$SINK/slow?slow=3000" ',"filler":"One moment please."'),
		    $(tool page "$SINK/page?html=1"), $(tool broken "$SINK/broken?status=500"),
		    $(tool huge "$SINK/huge?huge=100000"), $(tool moved "$SINK/moved?redirect=$SINK/elsewhere"),
		    $(tool plain "$SINK/plain?type=text/plain"), $(tool dead http://127.0.0.1:1/),
		    $(tool full "$SINK/full?status=409&echo=1"), $(tool long "$SINK/long?answer=long.json"),
		    $(tool late "$SINK/late?slow=9000" ',"timeout_ms":3000') ],
		  "transfers": [ {"name": "office", "number": "+12025550177", "description": "People.", "ring_seconds": 20} ] }
	JSON
}

# talk NAME MODEL-SCRIPT CALLER-SCRIPT PHONE ARGS...: one call on a model and a server of its own.
talk() {
	agent
	echo "$2" >"$WORK/model.json.script"
	echo "$3" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script" ${FAULT:+--fault "$FAULT"}
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET"
	phone phone --to +12025550100 --script "$WORK/caller.script" --expect warnings=0 --expect script_done=1 "${@:4}" \
		>"$WORK/said" && STATUS=0 || STATUS=$?
	check "$NAME: the call goes as it should" no_trouble
	SID=$(field "$WORK/phone.json" '.calls[0].call_sid')
	until_true call_ended "$SID"
	api "/calls/$SID" >"$WORK/call.json"
	api /status >"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}
no_trouble() {
	[ "$STATUS" = 0 ] || { cat "$WORK/said"; return 1; }
}
asked() { # PATH: how often
	grep -c "\"path\":\"$1\"" "$OUTER/sink.jsonl"
}
outputs() { # the answers the model got, in order, as an array of {call_id, output}
	jq '[.per_session[].items[] | select(.type == "function_call_output")]' "$WORK/model.json"
}
output_of() { # the answer to the call of that name
	local id
	id=$(jq -r --arg name "$1" 'first(.tools[] | select(.name == $name)).call_id' "$WORK/call.json")
	outputs | jq -c --arg id "$id" '.[] | select(.call_id == $id).output | fromjson'
}
is_error() { # TOOL CODE
	equal "$(output_of "$1" | jq -r .error.code)" "$2" && [ -n "$(output_of "$1" | jq -r .error.message)" ]
}
agent_said() {
	jq -e --arg said "$1" '[.turns[] | select(.who == "agent").text] | index($said) != null' "$WORK/call.json"
}
protocol_kept() {
	equal "$(field "$WORK/model.json" .violation_count)" 0 || jq '.per_session[].violations' "$WORK/model.json"
	equal "$(jq '[.per_session[].errors_sent] | add' "$WORK/model.json")" 0
}

# The last turn's tool is late on purpose; on a machine that is busy others are.
waits_of_a_second() {
	local tools
	for tools in 'book|when|full|long' 'page|broken|huge|moved|plain|dead|nobody' late; do
		grep -qE " tool ($tools) .*took_ms=[0-9]{4,}$" "$WORK/server.log" && echo wait
	done | wc -l
}

good_and_bad() {
	talk "$NAME" '{"turns": [
	  {"hear": "Book me.", "say": "", "calls": [{"name": "book", "arguments": {"day": 1}}, {"name": "when", "arguments": {}},
	    {"name": "full"}, {"name": "long"}], "then": {"say": "You are booked."}},
	  {"hear": "More.", "say": "", "calls": [{"name": "page"}, {"name": "broken"}, {"name": "huge"}, {"name": "moved"},
	    {"name": "plain"}, {"name": "dead"}, {"name": "nobody", "force": true}, {"name": "book", "arguments": "{broken"}],
	   "then": {"say": "That did not work."}},
	  {"hear": "Go on.", "say": "", "calls": [{"name": "late"}], "then": {"say": "It is too late."}} ]}' \
	"$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-agent-done 2500
hangup"
	check "$NAME: it was asked once, signed, and told whose call it is" jq -es --arg sid "$SID" '[.[] | select(.path == "/book" and
		.body.call.call_sid == $sid)] | length == 1 and (.[0] | .signature == "good" and .body.tool == "book" and
		.body.arguments == {"day": 1} and .body.call.agent == "desk" and .body.call.to == "+12025550100" and
		.headers["idempotency-key"] == $sid + "-" + .body.call_id)' "$OUTER/sink.jsonl"
	check "$NAME: the answer goes back as it came" equal "$(output_of book)" '{"ok":true}'
	check "$NAME: of several at once each is answered" equal "$(output_of when | jq -r .tool)" when
	check "$NAME: and the caller once" agent_said "You are booked."
	for each in page:bad_answer broken:refused huge:bad_answer moved:refused plain:bad_answer dead:unreachable \
		nobody:unknown_tool late:timeout; do
		check "$NAME: ${each%:*} is an honest error" is_error "${each%:*}" "${each#*:}"
	done
	check "$NAME: what a tool has against it is told along" equal \
		"$(output_of full | jq -r '"\(.error.code) \(.status) \(.answer.tool)"')" "refused 409 full"
	check "$NAME: the longest answer there is reaches the model" equal "$(output_of long | jq '.a | length')" 65528
	check "$NAME: so are arguments that are no JSON" jq -e \
		'[.[].output | fromjson | select(.error.code == "bad_arguments")] | length == 1' <(outputs)
	check "$NAME: the caller is told" agent_said "That did not work."
	check "$NAME: redirects are not followed" equal "$(asked /elsewhere)" 0
	check "$NAME: each call has one output" equal "$(outputs | jq length)" 13
	check "$NAME: asked for three answers, and a filler for each wait of a second" equal \
		"$(jq '[.per_session[].events["response.create"]] | add' "$WORK/model.json")" $((3 + $(waits_of_a_second)))
	check "$NAME: the filler was heard, in time" jq -e '[.turns[] | select(.who == "agent" and .heard_ms > 0).text] |
		index("Soon.") < index("It is too late.")' "$WORK/call.json"
	check "$NAME: they are in the call's record" jq -e '(.tools | length == 13) and (.tools[0] | .name == "book" and .ok and
		.took_ms >= 0 and .arguments == "{\"day\":1}") and ([.tools[] | select(.ok == false)] | length == 10)' "$WORK/call.json"
	check "$NAME: failures are counted by what they were" jq -e '.tools | .called == 13 and .answered == 3 and .timeout == 1 and
		.unreachable == 1 and .status == 3 and .bad_answer == 3 and .bad_call == 1' "$WORK/status.json"
	check "$NAME: the protocol is kept" protocol_kept
}

meanwhile() {
	local FAULT=long-ids=512
	talk "$NAME" '{"turns": [
	  {"hear": "Look it up.", "say": "", "calls": [{"name": "slow"}], "then": {"say": "Here it is, at last."}},
	  {"hear": "Are you there?", "say": "I am still looking."} ]}' \
	"$(UTTER 3)
wait-agent-talking 100
$(UTTER 3)
wait-agent-done 1800
hangup" --expect 'clears>=1'
	check "$NAME: the caller hears the filler, is answered meanwhile, and gets the result" jq -e \
		'[.turns[] | select(.who == "agent").text] == ["One moment please.", "I am still looking.", "Here it is, at last."]' \
		"$WORK/call.json"
	check "$NAME: its answer goes back under the whole of a long id" jq -e '.[0].call_id | length == 512' <(outputs)
	check "$NAME: the tool was asked once" equal "$(grep -c "\"call_sid\":\"$SID\"" "$OUTER/sink.jsonl")" 1
	check "$NAME: the protocol is kept" protocol_kept
}

# Longer than any id we keep: the model cannot be answered, and is told so in words.
too_long() {
	local FAULT=long-ids=600
	talk "$NAME" '{"turns": [
	  {"hear": "Book me.", "say": "One moment please.", "calls": [{"name": "book"}]},
	  {"hear": "And now?", "say": "I am still looking."} ]}' \
	"$(UTTER 3)
wait-agent-done 2000
$(UTTER 3)
wait-agent-done 1000
hangup"
	check "$NAME: the agent goes on talking" jq -e '[.turns[] | select(.who == "agent" and .heard_ms > 0).text] |
		index("One moment please.") != null and index("I am still looking.") != null' "$WORK/call.json"
	check "$NAME: nothing was run" jq -e '.tools | .called == 0 and .unusable == 1' "$WORK/status.json"
	check "$NAME: the log says why, once each" equal "$(grep -cE 'an id is longer than 512|without an id or a name' \
		"$WORK/server.log")" 2
	check "$NAME: the protocol is kept" protocol_kept
}

hangs_up() {
	talk "$NAME" '{"turns": [
	  {"hear": "Bye.", "say": "You are welcome. Have a very nice day, and goodbye to you.", "calls": [{"name": "end_call", "arguments": {}}],
	   "then": {"say": "What else?"}},
	  {"hear": "Wait!", "say": "Yes?"},
	  {"hear": "That was all.", "say": "Good. Goodbye then, and until next time.", "calls": [{"name": "end_call", "arguments": {"reason": "done"}}, {"name": "book"}]} ]}' \
	"$(UTTER 3)
wait-agent-talking 3000
$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-end" --expect end=server
	check "$NAME: the agent said goodbye" equal "$(field "$WORK/call.json" .ending.reason)" agent_ended
	check "$NAME: speaking up called the first one off" jq -e '.[0].output | fromjson | .error.code == "cancelled"' <(outputs)
	check "$NAME: the second was heard to its end" jq -e '[.turns[] | select(.text // "" | startswith("Good."))][0] |
		.heard_ms == .generated_ms and .heard_confirmed' "$WORK/call.json"
	check "$NAME: what was called with it was done" equal "$(grep "\"call_sid\":\"$SID\"" "$OUTER/sink.jsonl" | grep -c '"path":"/book"')" 1
	check "$NAME: then the telephone is put down" jq -e '.calls[0].twiml | contains("<Hangup/>")' "$WORK/phone.json"
	check "$NAME: the protocol is kept" protocol_kept
}

TRANSFER='{"turns": [
  {"hear": "A person, please.", "say": "I am connecting you.", "calls": [{"name": "transfer_call", "arguments": {"destination": "office"}}]},
  {"hear": "Hm.", "say": "Well then."} ]}'

is_transferred() {
	talk "$NAME" "$TRANSFER" "$(UTTER 3)
wait-end" --expect 'dial=+12025550177' --expect streams=1
	check "$NAME: handed over, once the words were heard" jq -e '.ending.reason == "transferred" and
		(.turns[-1] | .heard_ms == .generated_ms)' "$WORK/call.json"
	check "$NAME: counted" jq -e '.calls | .transfers == 1 and .transfers_answered == 1 and .transfers_back == 0' "$WORK/status.json"
	check "$NAME: the protocol is kept" protocol_kept
}

comes_back() {
	talk "$NAME" "$TRANSFER" "$(UTTER 3)
wait-end
wait-agent-talking 500
wait-agent-done 1000
hangup" --dial busy --expect 'dial=+12025550177' --expect streams=2
	check "$NAME: counted" jq -e '.calls | .transfers == 1 and .transfers_back == 1' "$WORK/status.json"
	check "$NAME: the agent knows what was said, and that nobody answered" jq -e '[.per_session[] | select(.items | length >= 3)][0].items |
		.[0].role == "user" and .[1].role == "assistant" and (.[1].content[0].text == "I am connecting you.") and
		.[2].role == "system" and (.[2].content[0].text | test("office.*busy"))' "$WORK/model.json"
	check "$NAME: and speaks first" jq -e '.turns[0].who == "agent"' "$WORK/call.json"
	check "$NAME: the protocol is kept" protocol_kept
}

# The operator speaks through the agent, and puts the caller through.
steered() {
	local call=
	agent
	echo '{"turns": [{"hear": "Hello?", "say": "Hello."}]}' >"$WORK/model.json.script"
	echo "wait-end" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script"
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET"
	dial phone --to +12025550100 --script "$WORK/caller.script" --dial completed --expect 'dial=+12025550177' --expect warnings=0
	until_true started
	call=$(api /calls | jq -r '.calls[0].call_sid')
	check "$NAME: told to say something" equal "$(api "/calls/$call/say" --json '{"text":"We close at five.","mode":"exact"}' |
		jq -r .status)" accepted
	until_true heard "$call"
	check "$NAME: told to hand over" equal "$(api "/calls/$call/transfer" --json '{"destination":"office"}' | jq -r .status)" accepted
	all_over
	check "$NAME: the words were said, the caller told and put through" went phone transferred \
		'(.turns | length == 2) and all(.turns[]; .who == "agent" and .heard_ms == .generated_ms)'
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
	check "$NAME: the protocol is kept" protocol_kept
}
started() {
	api /calls | jq -e '.calls[0].state == "live"'
}
heard() {
	api "/calls/$1" | jq -e '[.turns[] | select(.text == "We close at five." and .heard_ms == .generated_ms)] | length == 1'
}

# A model that does it wrong: none of it may run what should not run, nor leave the caller in silence.
wrong() {
	talk "$NAME" '{"turns": [
	  {"hear": "One.", "say": "", "calls": [{"name": "book", "call_id": "call_same"}, {"name": "book", "call_id": "call_same"}], "then": {"say": "Once."}},
	  {"hear": "Two.", "say": "Hm.", "calls": [{"name": "when", "status": "incomplete"}]},
	  {"hear": "Three.", "say": "", "calls": [{"name": "book", "call_id_length": 10000}], "then": {"say": "Never."}},
	  {"hear": "Four.", "say": "", "cancelled": true, "calls": [{"name": "when"}], "then": {"say": "After all."}} ]}' \
	"$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-agent-done 1000
$(UTTER 3)
wait-agent-done 1000
hangup"
	check "$NAME: the same id runs once" equal "$(grep "\"call_sid\":\"$SID\"" "$OUTER/sink.jsonl" | grep -c '"path":"/book"')" 1
	check "$NAME: what was completed before the cut runs, what never was does not" equal \
		"$(grep "\"call_sid\":\"$SID\"" "$OUTER/sink.jsonl" | grep -c '"path":"/when"')" 1
	check "$NAME: two outputs in all" equal "$(outputs | jq length)" 2
	check "$NAME: an id of 10 KB is not usable, and counted" equal "$(field "$WORK/status.json" .tools.unusable)" 1
	check "$NAME: the caller is answered each time" jq -e '[.turns[] | select(.who == "agent")] | length == 4' "$WORK/call.json"
	check "$NAME: the protocol is kept" protocol_kept
}

# Told to hand over before the model is there: it listens to nobody from its first
# word on, and no interruption is made of what the caller says meanwhile.
early() {
	local call=
	agent
	echo '{"turns": [{"hear": "Hello?", "say": "Hello."}]}' >"$WORK/model.json.script"
	echo "wait-agent-talking 100
$(UTTER 3)
wait-end" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script" --fault updated-delay=1500@3
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET"
	until_true connected 2 # the trials of both agents
	dial phone --to +12025550100 --script "$WORK/caller.script" --dial completed --expect 'dial=+12025550177' \
		--expect warnings=0 --expect clears=0
	until_true started
	call=$(api /calls | jq -r '.calls[0].call_sid')
	check "$NAME: told to hand over" equal "$(api "/calls/$call/transfer" --json '{"destination":"office"}' | jq -r .status)" accepted
	all_over
	check "$NAME: the words were heard to their end" went phone transferred \
		'[.turns[] | select(.who == "agent")] | length == 1 and (.[0] | .heard_ms == .generated_ms and (.interrupted | not))'
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
	check "$NAME: the model was told to listen to nobody" jq -e \
		'.per_session[2].asked[-1].audio.input.turn_detection | .create_response == false and .interrupt_response == false' \
		"$WORK/model.json"
	check "$NAME: the protocol is kept" protocol_kept
}

# What the operator wants said fails at first: it is asked for again after a short
# pause, in a call in which nothing else happens that could be an occasion.
failed() {
	local call=
	agent
	echo '{"turns": [{"hear": "Hello?", "say": "Hello."}]}' >"$WORK/model.json.script"
	echo "wait-agent-done 1000 60000
hangup" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script" --fault fail=server:1@3
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET"
	until_true connected 2
	dial phone --to +12025550100 --script "$WORK/caller.script" --expect warnings=0 --expect script_done=1
	until_true started
	call=$(api /calls | jq -r '.calls[0].call_sid')
	until_true true_of "/calls/$call" '.model_session_id'
	sleep 1 # so that the failure finds nothing else to be done
	check "$NAME: told to say something" equal "$(api "/calls/$call/say" --json '{"text":"We close at five.","mode":"exact"}' |
		jq -r .status)" accepted
	all_over
	check "$NAME: it is said all the same" went phone caller_hung_up '[.turns[] | select(.text == "We close at five.")] | length >= 1'
	check "$NAME: after a failure" equal "$(api /status | jq .model.failed_answers)" 1
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}

# The operator hands over while the model is about to: the operator's number is dialled.
both() {
	local call=
	agent
	echo '{"turns": [{"hear": "Hello?", "say": "Let me see who there is in the office at this time of the day, and then I will connect you.",
	  "calls": [{"name": "transfer_call", "arguments": {"destination": "office"}}]}]}' >"$WORK/model.json.script"
	echo "$(UTTER 3)
wait-end" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script" --speed 1
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET"
	dial phone --to +12025550100 --script "$WORK/caller.script" --dial completed --expect 'dial=+12025550188' --expect warnings=0
	until_true talking
	call=$(api /calls | jq -r '.calls[0].call_sid')
	check "$NAME: told to hand over" equal "$(api "/calls/$call/transfer" --json '{"number":"+12025550188"}' | jq -r .status)" accepted
	all_over
	check "$NAME: to where the operator said" went phone transferred '.tools | length == 1'
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
	check "$NAME: the protocol is kept" protocol_kept
}
talking() {
	api "/calls/$(api /calls | jq -r '.calls[0].call_sid')" | jq -e '[.turns[] | select(.who == "agent")] | length == 1'
}

# The caller hangs up on a tool: nobody waits for it, and whoever has the line
# next hears nothing of it.
hung_up_on() {
	local first
	agent
	echo '{"turns": [{"hear": "Look it up.", "say": "", "calls": [{"name": "slow"}], "then": {"say": "Here it is."}}]}' \
		>"$WORK/model.json.script"
	echo "$(UTTER 3)
wait-agent-talking 100
hangup" >"$WORK/caller.script"
	model model --key "$SECRET" --script "$WORK/model.json.script"
	server server AGENTS_DIR="$WORK/agents" SIGNING_SECRET="$SECRET" MAX_CALLS=1
	until_true connected 1
	phone phone --to +12025550100 --script "$WORK/caller.script" --expect warnings=0
	first=$(field "$WORK/phone.json" '.calls[0].call_sid')
	until_true call_ended "$first"
	check "$NAME: the tool is given up" until_true eval "api /status | jq -e '.tools.cancelled == 1'"
	echo "silence 3000
hangup" >"$WORK/caller.script"
	check "$NAME: another call on that line" phone next --to +12025550100 --script "$WORK/caller.script" --expect warnings=0
	SID=$(field "$WORK/next.json" '.calls[0].call_sid')
	until_true call_ended "$SID"
	check "$NAME: has no tools, and no words of them" true_of "/calls/$SID" '.tools == [] and .turns == []'
	check "$NAME: what ran is in the first one's record" true_of "/calls/$first" '.tools | length == 1 and .[0].ok == null'
	api /status >"$WORK/status.json"
	check "$NAME: it was called once, and nothing came of it" jq -e '.tools | .called == 1 and .answered == 0 and .cancelled == 1' \
		"$WORK/status.json"
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
	check "$NAME: the model was told nothing of it" equal "$(outputs | jq length)" 0
	check "$NAME: the protocol is kept" protocol_kept
}
true_of() {
	api "$1" | jq -e "$2"
}

# The long ones first: all but the last begin at once.
apart good-and-bad good_and_bad
apart wrong wrong
apart hangs-up hangs_up
apart comes-back comes_back
apart meanwhile meanwhile
apart too-long too_long
apart hung-up-on hung_up_on
apart transferred is_transferred
apart steered steered
apart both both
apart failed failed
apart early early
all_apart
