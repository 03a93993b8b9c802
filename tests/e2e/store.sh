#!/usr/bin/env bash
# What is kept: through a kill in mid-call, a full disk in mid-call and a restart;
# its list, and how it ends.
# flavors: asan
. "$(dirname "$0")/lib.sh"

cat >"$WORK/store.script" <<'SCRIPT'
wait-agent-talking 1500
say caller-3.wav
wait-agent-done 1000
hangup
SCRIPT
cat >"$WORK/store-long.script" <<'SCRIPT'
wait-agent-talking 1500
say caller-3.wav
wait-end 600000
SCRIPT

# turns: what is settled of the call, a line each.
turns() {
	api "/calls/$1" | jq -c '.turns[] | [.who, .text, .heard_text, .status]'
}
heard_and_said() { # a turn of each that is done
	api "/calls/$1" | jq -e '(any(.turns[]; .who == "caller" and .text != null)) and .turns[0].heard_ms != null
		and .turns[-1].who == "agent" and .turns[-1].status == "completed"'
}
caught_up() {
	api /status | jq -e '.store.waiting == 0 and .store.failing == false'
}
failing() {
	api /ready | jq -e '.store == "failing" and .status == "ready"' && api /status | jq -e '.store.failing and .store.waiting > 0'
}
first_sid() {
	api /calls | jq -er '.calls[0].call_sid'
}
# What the database has of a call's turns that are done.
kept() {
	sqlite3 "file:$WORK/data/trunkline.db?mode=ro" "SELECT json FROM turns WHERE call_sid = '$1' ORDER BY no" |
		jq -c '[.who, .text, .heard_text, .status]'
}

# ------------------------------------------------------------ the server dies
died() {
	local sid before
	model model --key "$SECRET"
	server first DATA_DIR="$WORK/data"
	check "a second server on the same directory ends with a sentence" second_refused
	phone call --script "$OUTER/store-long.script" >/dev/null &
	local caller=$!
	until_true first_sid
	sid=$(first_sid)
	check "the caller has spoken and was answered" until_true heard_and_said "$sid"
	until_true caught_up
	turns "$sid" >"$WORK/before"
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	kept "$sid" >"$WORK/kept"
	check "after kill -9 every turn is in the database" equal "$(cat "$WORK/kept")" "$(cat "$WORK/before")"
	check "the caller's words and the answer are among them" holds "$(wc -l <"$WORK/kept") >= 3"
	kill "$caller" 2>/dev/null
	wait "$caller" 2>/dev/null
	server again DATA_DIR="$WORK/data"
	check "the next start closes the call" until_true call_ended "$sid"
	api "/calls/$sid" >"$WORK/after.json"
	check "it says why" equal "$(field "$WORK/after.json" '.ending | "\(.reason) \(.fault)"')" "interrupted true"
	check "and is counted" equal "$(api /status | jq .calls.ended.interrupted)" 1
	check "what was said is still there" equal "$(turns "$sid")" "$(cat "$WORK/before")"
	check "it ended after it began" equal "$(field "$WORK/after.json" '.ended_at > .started_at and .seconds > 1')" true
	check "the list has it, once" equal "$(api '/calls?ending=interrupted' | jq -r '[.calls[].call_sid] | join(" ")')" "$sid"
	check "the server stops with status 0" stop_server
}
second_refused() {
	env -i PATH="$PATH" PORT=0 TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" DATA_DIR="$WORK/data" \
		"${FIXED[@]}" "$SERVER_BIN" >"$WORK/second.out" 2>"$WORK/second.log"
	[ $? = 1 ] && grep -q "in use by another trunkline (process $SERVER)" "$WORK/second.log"
}

# ---------------------------------------------------------- the disk is full
full() {
	local sid
	model model --key "$SECRET"
	server server DATA_DIR="$WORK/data" LOG_LEVEL=info
	until_true caught_up
	# No file may grow over this; the log is far smaller.
	prlimit --pid "$SERVER" --fsize=24576:unlimited
	phone call --script "$OUTER/store.script" --expect end=caller --expect script_done=1 --expect warnings=0 &
	local caller=$! status=0
	check "while it cannot write, /ready and /status say so, and calls are taken" until_true failing
	wait "$caller" || status=$?
	check "the call goes as it should all the same" equal "$status" 0
	sid=$(first_sid)
	until_true call_ended "$sid"
	check "what it cannot write it counts" equal "$(api /status | jq '.store.failures > 0 and .store.lost == 0')" true
	check "and says why" equal "$(api /status | jq '.store.last_error | length > 0')" true
	check "the list is answered meanwhile" equal "$(api /calls | jq '.calls | length')" 1
	turns "$sid" >"$WORK/before"
	check "not all of it is on the disk" differs "$(kept "$sid")" "$(cat "$WORK/before")"
	prlimit --pid "$SERVER" --fsize=unlimited:unlimited
	check "when there is room again it writes what waited" until_true caught_up
	check "/ready has nothing to say" equal "$(api /ready)" '{"status":"ready"}'
	check "nothing is missing" equal "$(kept "$sid")" "$(cat "$WORK/before")"
	check "it was said once that it fails, and once that it does not" equal \
		"$(grep -c 'store writing' "$WORK/server.log")" 2
	check "the server stops with status 0" stop_server
	server again DATA_DIR="$WORK/data"
	check "after a restart it is all there" equal "$(turns "$sid")" "$(cat "$WORK/before")"
	check "with its ending" equal "$(api "/calls/$sid" | jq -r .ending.reason)" caller_hung_up
	check "the other server stops with status 0" stop_server
}
differs() {
	[ "$1" != "$2" ]
}

# --------------------------------------------------- lists, and what is old
came_in() { # SID FROM TO: a call that never streams, ended by the operator
	curl -sS --max-time 20 -o /dev/null "http://127.0.0.1:$PORT/twilio/voice" --data-urlencode "CallSid=$1" \
		--data-urlencode "From=$2" --data-urlencode "To=$3" -d Direction=inbound -d AccountSid=AC1
	[ "${4:-}" = stays ] || api "/calls/$1" -X DELETE -o /dev/null
}
list() { # QUERY…: the names, in order
	local query=()
	for each in "$@"; do
		query+=(--data-urlencode "$each")
	done
	api /calls -G "${query[@]}" | jq -r '[.calls[].call_sid] | join(" ")'
}
# Every page of so many, joined.
pages() {
	local cursor="" names=""
	while :; do
		api /calls -G -d limit="$1" ${cursor:+--data-urlencode "cursor=$cursor"} >"$WORK/page.json"
		names+=" $(field "$WORK/page.json" '[.calls[].call_sid] | join(" ")')"
		cursor=$(field "$WORK/page.json" '.next // ""')
		[ -n "$cursor" ] || break
	done
	echo "${names# }"
}
code() {
	api "/calls?$1" -o "$WORK/refused.json" -w '%{http_code} '
	field "$WORK/refused.json" .error.field
}
lists() {
	local data=$WORK/data all
	model model --key "$SECRET"
	server first DATA_DIR="$data" TWILIO_VALIDATE=off
	for n in 1 2 3 4 5 6 7; do
		came_in "CA$n" "+1202555010$((n % 3))" "+1202555020$((n % 2))"
		until_true call_ended "CA$n"
	done
	until_true caught_up
	check "the server stops with status 0" stop_server
	server second DATA_DIR="$data" TWILIO_VALIDATE=off
	came_in CA8 +12025550101 +12025550200
	until_true call_ended CA8
	came_in CA9 +12025550100 +12025550201 stays
	all="CA9 CA8 CA7 CA6 CA5 CA4 CA3 CA2 CA1"
	check "the live one first, then those of this run and the last, newest first" equal "$(list limit=200)" "$all"
	check "pages of two make the same list" equal "$(pages 2)" "$all"
	check "pages of one, too" equal "$(pages 1)" "$all"
	check "by number" equal "$(list from=+12025550101)" "CA8 CA7 CA4 CA1"
	check "by both" equal "$(list from=+12025550101 to=+12025550201)" "CA7 CA1"
	check "by ending" equal "$(list ending=operator_ended limit=3)" "CA8 CA7 CA6"
	check "by time: none yet" equal "$(list since=2100-01-01)" ""
	check "by time: all" equal "$(list since=2020-01-01T00:00:00Z until=2100-01-01)" "$all"
	check "SQL in it is a text like others" equal "$(list "from=' OR 1=1 --")" ""
	check "and so are the signs of LIKE" equal "$(list from=%)" ""
	check "a limit that is none" equal "$(code limit=0)" "400 limit"
	check "a time that is none" equal "$(code since=tomorrow)" "400 since"
	check "a cursor that is none" equal "$(code cursor=abc)" "400 cursor"
	check "an ending there is not" equal "$(code ending=bored)" "400 ending"
	check "a name there is not" equal "$(code caller=me)" "400 caller"
	until_true caught_up
	check "the second server stops with status 0" stop_server
	# Three of them are two days old now, one of those has something undelivered.
	sqlite3 "$data/trunkline.db" "UPDATE calls SET ended_at = ended_at - 2 * 86400000 WHERE call_sid IN ('CA1', 'CA2', 'CA3')"
	server third DATA_DIR="$data" RETAIN_DAYS=1
	check "what is old goes" until_true gone CA1 CA2 CA3
	check "what is not stays" equal "$(list)" "CA9 CA8 CA7 CA6 CA5 CA4"
	check "the third server stops with status 0" stop_server
	check "nothing of them is left" equal \
		"$(sqlite3 "$data/trunkline.db" "SELECT count(*) FROM events WHERE call_sid IN ('CA1', 'CA2', 'CA3')")" 0
	sqlite3 "$data/trunkline.db" "DROP TABLE outbound"
	server fourth DATA_DIR="$data"
	sleep 2.5 # it is read once a second; on a slow machine less often
	check "orders that cannot be read are told of once" logged 1 "orders of the last process cannot be read" "$WORK/fourth.log"
	check "the fourth server stops with status 0" stop_server
	sqlite3 "$data/trunkline.db" "PRAGMA user_version = 999"
	check "a database from a newer version is refused with a sentence" newer_refused
}
gone() {
	for each in "$@"; do
		[ "$(api "/calls/$each" -o /dev/null -w '%{http_code}')" = 404 ] || return 1
	done
}
newer_refused() {
	env -i PATH="$PATH" PORT=0 TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" DATA_DIR="$WORK/data" \
		"${FIXED[@]}" "$SERVER_BIN" >"$WORK/newer.out" 2>"$WORK/newer.log"
	[ $? = 1 ] && grep -q "from a newer Trunkline" "$WORK/newer.log"
}

# ------------------------------------------------------ whose business it is
private() {
	local data=$WORK/data mask=$(umask) lines
	model model --key "$SECRET"
	umask 0
	server open DATA_DIR="$data" RECORD=local
	umask "$mask"
	phone open --script "$OUTER/store.script" >/dev/null
	check "private: a call is recorded" until_true eval '[ "$(find "$data/recordings" -name "*.wav" | wc -l)" = 1 ]'
	until_true caught_up
	check "private: nothing that is made is anybody else's, with an umask of 0" equal "$(find "$data" -perm /077)" ""
	check "private: nor is anything said of it" equal "$(grep -c " setup DATA_DIR: " "$WORK/open.log")" 0
	check "private: the server stops with status 0" stop_server
	chmod 755 "$data" && chmod 640 "$data/trunkline.db"
	umask 0777
	server closed DATA_DIR="$data" RECORD=local
	umask "$mask"
	lines=$(grep -c " warn setup DATA_DIR: others than the owner may get at .*: \`chmod -R go= $data\` mends it.$" "$WORK/closed.log")
	check "private: who else may get at it is told at start, in a line" equal "$lines" 1
	check "private: with the modes" until_true grep -q " may get at $data (mode 0755), .*$data/trunkline.db (mode 0640)" "$WORK/closed.log"
	phone closed --script "$OUTER/store.script" >/dev/null
	check "private: with an umask of 0777 it is recorded as well" until_true eval '[ "$(find "$data/recordings" -name "*.wav" | wc -l)" = 2 ]'
	check "private: the server stops with status 0, too" stop_server
	chmod -R go= "$data"
	server mended DATA_DIR="$data"
	check "private: that mends it" equal "$(grep -c " setup DATA_DIR: " "$WORK/mended.log")" 0
	check "private: and stops with status 0" stop_server
}

apart died died
apart full full
apart lists lists
apart private private
all_apart
