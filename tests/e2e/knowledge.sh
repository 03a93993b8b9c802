#!/usr/bin/env bash
# flavors: asan
# What an agent knows: asked on the command line, looked up in calls, and looked up
# again when the files have changed.
. "$(dirname "$0")/lib.sh"

mkdir -p "$WORK/agents/menu/drinks" "$WORK/wrong"
cat >"$WORK/agents/lucia.json" <<'JSON'
{ "numbers": ["+12025550101"], "instructions": "You know the menu.", "greeting": { "mode": "wait" }, "knowledge": "menu" }
JSON
cat >"$WORK/agents/plain.json" <<'JSON'
{ "instructions": "You know nothing." }
JSON
cat >"$WORK/agents/menu/food.md" <<'TEXT'
# Menu

## Pizza

Margherita with basil, nine dollars.

## Crème brûlée

Six dollars, with burnt sugar.
TEXT
echo "Lemonade is made here every morning." >"$WORK/agents/menu/drinks/cold.txt"
printf 'caf\xe9' >"$WORK/agents/menu/latin1.txt"
printf 'Tips are <!-- not --> shared.\r\n\r\n<!-- The code is rutabaga.\r\n' >"$WORK/agents/menu/tips.md"
echo '{ "instructions": "x", "knowledge": "nowhere" }' >"$WORK/wrong/lost.json"

trunkline() { # DIR ARGS...
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" AGENTS_DIR="$1" "${FIXED[@]}" "$SERVER_BIN" "${@:2}" \
		>"$WORK/asked.out" 2>>"$WORK/asked.log"
}
asks() { # AGENT QUESTION LINE: the answer has it
	trunkline "$WORK/agents" --ask "$1" "$2" || { cat "$WORK/asked.log"; return 1; }
	grep -q -- "$3" "$WORK/asked.out" || { cat "$WORK/asked.out"; return 1; }
}
refused() { # SENTENCE DIR ARGS...
	! trunkline "${@:2}" && grep -q -- "$1" "$WORK/asked.log"
}
check "--ask shows file, heading and score" asks lucia "Do you have basil?" '^1\. food\.md: Menu > Pizza (score '
check "… and the passage" asks lucia "Do you have basil?" '^   Margherita with basil, nine dollars\.$'
check "without accents, and half a word" asks lucia "creme brul" "burnt sugar"
check "in folders below" asks lucia "lemonade" '^1\. drinks/cold\.txt (score '
check "nothing found is no failure" asks lucia "submarines" "^nothing found"
check "what is not UTF-8 is left out, and said so" until_true grep -q "latin1.txt is left out: it is not UTF-8" "$WORK/asked.log"
checked() {
	trunkline "$WORK/agents" --check --offline && grep -qx "knowledge of the agent lucia:" "$WORK/asked.out" &&
		grep -q "^latin1.txt is left out" "$WORK/asked.out"
}
check "… and by --check" checked
check "a comment is not told" asks lucia "rutabaga" "^nothing found"
check "… but the text around it" asks lucia "tips" '^   Tips are  shared\.$'
check "… and a comment without an end is named" until_true grep -q "tips.md: from line 3 on" "$WORK/asked.out" "$WORK/asked.log"
check "an agent that is not there" refused "no agent called bob" "$WORK/agents" --ask bob x
check "an agent without knowledge" refused "has no knowledge folder" "$WORK/agents" --ask plain x
check "a folder that is not there is a mistake" refused "lost.json.*knowledge.*nowhere" "$WORK/wrong" --check --offline

cat >"$WORK/model.script" <<'JSON'
{ "turns": [
  { "hear": "What is in the pizza?", "say": "Let me look.", "wav": "none.wav",
    "calls": [{ "name": "search_knowledge", "arguments": { "query": "pizza margherita" } },
      { "name": "search_knowledge", "arguments": { "query": "tiramisu" } },
      { "name": "search_knowledge", "arguments": { "question": "?" } }],
    "then": { "say": "Basil.", "wav": "none.wav" } } ] }
JSON
cat >"$WORK/caller.script" <<SCRIPT
say caller-3.wav
wait-agent-done 1200
hangup
SCRIPT
model model --key "$SECRET" --script "$WORK/model.script"
server server AGENTS_DIR="$WORK/agents"
talk() {
	phone "$1" --to +12025550101 --script "$WORK/caller.script" --expect script_done=1 --expect warnings=0
}
builds() {
	api /status | jq -e ".knowledge.folders[0] | .builds == $1 and .ready"
}
until_true builds 1
check "a call in which it is looked up" talk first
cat >"$WORK/agents/menu/dessert.md" <<'TEXT'
# Dessert

Tiramisu, seven dollars.
TEXT
check "a new file is seen" until_true builds 2
check "a call in which it is looked up again" talk second
api /status >"$WORK/status.json"
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model

# answers N: what the model of the N-th call got, in order.
answers() {
	jq -c "[.per_session[] | select(any(.items[]; .type == \"function_call_output\"))][$1] |
		[.items[] | select(.type == \"function_call_output\").output | fromjson]" "$WORK/model.json"
}
check "the model gets the passage" equal "$(answers 0 | jq -c '.[0]')" \
	'{"found":1,"passages":[{"file":"food.md","heading":"Menu > Pizza","text":"Margherita with basil, nine dollars."}]}'
check "what is not there it is told honestly" equal "$(answers 0 | jq -c '.[1] | [.found, (.note | contains("do not guess"))]')" \
	'[0,true]'
check "a question without words is an error" equal "$(answers 0 | jq -r '.[2].error.code')" bad_arguments
check "after the change it is there" equal "$(answers 1 | jq -r '.[1].passages[0] | "\(.file): \(.text)"')" \
	"dessert.md: Tiramisu, seven dollars."
check "searches are counted and timed" equal "$(field "$WORK/status.json" \
	'"\(.knowledge.searches) \(.latency.knowledge_search.count) \(.knowledge.folders[0].left_out)"')" "4 4 1"
check "the protocol was kept" equal "$(field "$WORK/model.json" .violation_count)" 0
finish
