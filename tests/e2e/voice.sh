#!/usr/bin/env bash
# An agent's fixed lines, said in advance: made once, checked, kept on the disk, and made again when what is there is
# not what it should be.
# flavors: asan tsan
. "$(dirname "$0")/lib.sh"

LINES=7 # the greeting, and the phrases of a stream; the agent takes all numbers, so there is no other
agent() { # DIRECTORY VOICE GREETING
	mkdir -p "$1"
	jq -n --arg voice "$2" --arg text "$3" '{instructions: "You answer for a shop.", voice: $voice,
		greeting: {mode: "exact", text: $text}, phrases: {one_moment: "Bear with me for a second."}}' >"$1/desk.json"
}
cached() { # NAME SETTINGS: a server that makes them, and fast
	server "$1" VOICE_CACHE=on VOICE_RATE=600 AGENTS_DIR="$WORK/agents" "${@:2}"
}
voice() { # FILTER: of its section, as the words true and false say
	api /status | jq -e ".voice | $1"
}
show() {
	api /status | jq -c .voice
}
holds() { # FILTER: once nothing is missing
	until_true voice ".wanted == $LINES and .missing == 0" || {
		show
		return 1
	}
	voice "$1" || {
		show
		return 1
	}
}
files() {
	find "$WORK/data/voice" -name '*.ulaw' | wc -l
}
file_of() { # VOICE WORDS
	grep -lazFx -- "$2" $(grep -lazFx -- "$1" "$WORK"/data/voice/*.ulaw)
}
told() { # NAME COUNT TEXT: so many lines of its log
	logged "$2" "$3" "$WORK/$1.log"
}

kept() {
	local one other
	agent "$WORK/agents" marin "Welcome to the shop."
	model model --key "$SECRET"
	cached first DATA_DIR="$WORK/data"
	check "each line is made" holds ".lines == $LINES and .made == $LINES and .given_up == 0 and .bytes > 8000"
	check "its cost is told, and the day's" eval 'spent=$(api /status | jq .cost.today_usd); voice ".cost_usd > 0 and
		(.cost_usd - $spent | fabs) < 0.00001"'
	check "no call's line is taken, nothing is held back for it" equal "$(api /status | jq -c '[.calls.live, .cost.reserved_usd]')" "[0,0]"
	check "each has a file" equal "$(files)" $LINES
	check "the greeting's, with its words and its sound" test "$(stat -c %s "$(file_of marin "Welcome to the shop.")")" -gt 4000
	check "the agent's own words stand in place of the built-in ones" test -n "$(file_of marin "Bear with me for a second.")"
	check "nothing is left unfinished" equal "$(find "$WORK/data/voice" -type f ! -name '*.ulaw' | wc -l)" 0

	agent "$WORK/agents" marin "Good day, this is the shop."
	kill -HUP "$SERVER"
	check "a reload with another greeting makes that one" until_true voice ".made == $LINES + 1 and .missing == 0 and .lines == $LINES"
	check "which is on the disk, too" test -n "$(file_of marin "Good day, this is the shop.")"
	check "the server stops with status 0" stop_server

	cached second DATA_DIR="$WORK/data"
	check "after a restart nothing is made again" holds ".lines == $LINES and .made == 0 and .loaded == $LINES and .cost_usd == 0"
	check "the server stops with status 0" stop_server

	one=$(file_of marin "Good day, this is the shop.")
	other=$(file_of marin "Bear with me for a second.")
	mv "$one" "$WORK/one" && mv "$other" "$one" && mv "$WORK/one" "$other"
	truncate -s 3000 "$(file_of marin "We cannot hear anybody, so we are ending this call. Goodbye.")"
	cached third DATA_DIR="$WORK/data"
	check "two that changed places and one cut short: all three are made again" \
		holds ".lines == $LINES and .made == 3 and .files_bad == 3"
	check "and the log says of each what was wrong" told third 2 "another line's"
	check "of the third as well" told third 1 "cut short"
	check "the server stops with status 0" stop_server

	agent "$WORK/agents" cedar "Good day, this is the shop."
	cached fourth DATA_DIR="$WORK/data"
	check "another voice has none of these" holds ".lines == $LINES and .made == $LINES and .loaded == 0 and .files_bad == 0"
	check "and its own files" test -n "$(file_of cedar "Good day, this is the shop.")"
	check "the server stops with status 0" stop_server
	check "the model stops" stop_model
}

# Who says nothing, or something else. The probe's session counts among the connections.
misses() {
	agent "$WORK/agents" marin "Welcome to the shop."
	model hushed --key "$SECRET" --fault hush
	cached first DATA_DIR="$WORK/data"
	check "three silent takes, and the line is given up" holds ".lines == 0 and .given_up == $LINES and .misses == 3 * $LINES"
	check "with one line in the log for each" told first $LINES "a line is not kept.*the last was silent"
	check "nothing is written" equal "$(files)" 0
	check "what the misses cost is booked" voice ".cost_usd > 0"
	check "the server stops with status 0" stop_server
	check "the model stops" stop_model

	model deaf --key "$SECRET" --fault other-words
	cached second
	check "the same for other words" holds ".lines == 0 and .given_up == $LINES and .misses == 3 * $LINES"
	check "by the session's own account" told second $LINES "a line is not kept.*the last was said in other words"
	check "the server stops with status 0" stop_server
	check "the model stops" stop_model

	model once --key "$SECRET" --fault hush@-2
	cached third
	check "a miss or two do no harm; without DATA_DIR lines are in memory" \
		holds ".lines == $LINES and .given_up == 0 and .misses >= 1 and .misses <= 2"
	check "the server stops with status 0" stop_server
	check "the model stops" stop_model
}

# Nobody to say them.
away() {
	agent "$WORK/agents" marin "Welcome to the shop."
	model gone --key "$SECRET" --fault refuse=503
	cached first
	check "without a model nothing is missed" until_true voice ".no_model >= 1 and .misses == 0 and .given_up == 0"
	check "the log says so once" told first 1 " warn .*a line cannot be made now"
	check "the server stops with status 0 in the midst of its pause" stop_server
	model switched --key "$SECRET"
	cached off VOICE_CACHE=off
	check "switched off there is no such section" equal "$(api /status | jq -c .voice)" null
	check "the server stops with status 0" stop_server
}

apart kept kept
apart misses misses
apart away away
all_apart
