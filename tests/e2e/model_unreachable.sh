#!/usr/bin/env bash
# in: test-more
# There is no session to be had: nobody listens, the key is refused, the
# certificate does not fit, the handshake breaks off or never ends. Each case
# has a model and a server of its own; many run at once.
#
# What will not pass by itself closes the door (/ready) and is not tried again
# in the same call; what may pass is tried three times and closes nothing.
. "$(dirname "$0")/lib.sh"

SORRY="we have a technical problem"
cat >"$OUTER/wait.script" <<SCRIPT
say caller-2.wav
wait-end 600000
SCRIPT
cat >"$OUTER/talk.script" <<SCRIPT
say caller-2.wav
wait-agent-talking 600
hangup
SCRIPT

ready() {
	api /ready -w '%{stderr}%{http_code} ' 2>&1 | jq -Rrs 'capture("(?<code>[0-9]{3}) ") .code + " " +
		(capture("(?<body>[{].*[}])").body | fromjson.status)'
}

errors() {
	api /status | jq -r '[.model.errors[] | "\(.class)/\(.code)=\(.count)"] | sort | join(" ")'
}

# Who is cut off early may notice while connecting or a step later, reading or writing.
soon() {
	errors | sed -E 's/\b(connect|tls|upgrade)\/(ECONNRESET|EPIPE)/soon\/gone/g' | tr ' ' '\n' |
		awk -F= 'NF { n[$1] += $2 } END { for (e in n) print e "=" n[e] }' | sort | paste -sd ' '
}

# How often the server itself has tried the model by now, in vain: at the start, and every 30 s.
probes() {
	grep -cE 'model probe failed|model not to be had' "$WORK/server.log"
}

# counted CLASS/CODE=COUNT: that and no other, with one probe in it at most.
counted() {
	local tried=$(probes)
	local due=${1%=*}=$((${1##*=} + (tried > 1 ? tried - 1 : 0)))
	case $1 in
	soon/*) equal "$(soon)" "$due" ;;
	*) equal "$(errors)" "$due" ;;
	esac
}

# The probe at start has come to its end.
probed() {
	until_true eval "api /status | jq -e '.model.connects > 0 or (.model.errors | length) > 0'"
}

settled() {
	until_true eval "api /status | jq -e '.calls.live + .calls.reserved + .calls.ending == 0'"
}

stop_both() {
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: the model stops with status 0" stop_model
}

# ended NAME ENDING: that call heard the apology, and ended so.
ended() {
	phone "$1" --script "$OUTER/wait.script" --expect end=server --expect say="$SORRY" --expect warnings=0
	echo $? >"$WORK/$1.status"
	went "$1" "$2" '.turns == [] and .ending.fault'
}

works() {
	phone "$1" --script "$OUTER/talk.script" --expect end=caller --expect 'answers>=1' --expect warnings=0
	echo $? >"$WORK/$1.status"
	went "$1" caller_hung_up '.turns[0].who == "caller" and .turns[1].heard_ms > 0 and .audio.dropped_ms == 0'
}

# for_good CLASS/CODE: tried once by the probe, once by the call.
for_good() {
	check "$NAME: refused" ended call model_refused
	check "$NAME: counted" counted "$1=2"
	check "$NAME: the door is closed" equal "$(ready)" "503 model"
	check "$NAME: the reason is told" equal "$(api /status |
		jq '.model | (.available | not) and (.last_failure | length) > 10')" true
	settled
	stop_both
}

# may_pass CLASS/CODE: tried once by the probe, three times by the call.
may_pass() {
	check "$NAME: unreachable" ended call model_unreachable
	check "$NAME: counted" counted "$1=4"
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	check "$NAME: the reason is told" equal "$(api /status |
		jq '.model | .available and (.last_failure | length) > 10')" true
	settled
	stop_both
}

# meets FAULT [VAR=VALUE...]: a model with this fault, and a server that has probed it.
meets() {
	model model --key "$SECRET" --fault "$1"
	server server MAX_CALLS=2 GREETING_MODE=wait "${@:2}"
	probed
}

# bad for_good|may_pass CLASS/CODE FAULT [VAR=VALUE...]
bad() {
	meets "$3" "${@:4}"
	"$1" "$2"
	check "$NAME: the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
}

nobody_listens() {
	MODEL_PORT=$(own_port)
	server server MAX_CALLS=2
	probed
	check "$NAME: unreachable" ended call model_unreachable
	check "$NAME: counted" equal "$(errors)" "connect/ECONNREFUSED=4"
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	check "$NAME: the server stops with status 0" stop_server
}

no_such_name() {
	MODEL_PORT=443
	server server MAX_CALLS=2 MODEL_CONNECT_MS=9000 \
		OPENAI_REALTIME_URL="wss://$(printf 'a%.0s' {1..70}).test/v1/realtime"
	probed
	check "$NAME: refused" ended call model_refused
	check "$NAME: counted" equal "$(errors)" "lookup/ENOENT=2"
	check "$NAME: the door is closed" equal "$(ready)" "503 model"
	check "$NAME: the server stops with status 0" stop_server
}

# It takes the connection, or goes a step further, and says nothing more. What ends
# that is the caller's patience, long before the limits of its steps.
silent() {
	meets "$1@2-" MODEL_CONNECT_MS=60000 SILENCE_MAX_MS=1000 SLOW_ANSWER_MAX_MS=1200
	check "$NAME: unreachable" ended call model_unreachable
	check "$NAME: tried again, once" equal "$(api /status |
		jq -r '[.model.errors[] | select(.class == "timeout") | .count] | add')" 2
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	settled
	stop_both
}

# A call that meets it once and then does not, does not notice.
passes() {
	meets "$1@2" "${@:3}"
	check "$NAME: the call works at the second try" works call
	check "$NAME: counted" counted "$2=1"
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	check "$NAME: the last failure is forgotten" equal "$(api /status | jq -r .model.last_failure)" null
	settled
	stop_both
}

# What closed the door is over when a call gets through.
reopens() {
	model model --key "$SECRET" --fault refuse=401@1 --fault "certificate=expired@3"
	server server MAX_CALLS=2 GREETING_MODE=wait
	probed
	check "$NAME: the door is closed by the probe" equal "$(ready)" "503 model"
	check "$NAME: a call is served nevertheless" works first
	check "$NAME: the door is open" equal "$(ready)" "200 ready"
	check "$NAME: the next call is refused" ended second model_refused
	check "$NAME: the door is closed by the call" equal "$(ready)" "503 model"
	check "$NAME: the next call is served" works third
	check "$NAME: the door is open again" equal "$(ready)" "200 ready"
	check "$NAME: counted" equal "$(errors)" "tls/tls_54=1 upgrade/http_401=1"
	settled
	stop_both
}

overflow() {
	model model --key another-key
	server server MAX_CALLS=2 OUTBOUND_ALLOW=+1 OVERFLOW_NUMBER=+12025550199
	probed
	check "$NAME: a number to fall back on is dialled" phone call --script "$OUTER/wait.script" --expect end=server \
		--expect dial=+12025550199 --expect say=
	check "$NAME: who is not taken there hears so" phone unanswered --dial no-answer --script "$OUTER/wait.script" --expect end=server \
		--expect dial=+12025550199 --expect say="nobody can take your call right now" --expect warnings=0
	check "$NAME: a wrong key is refused" equal "$(errors)" "upgrade/http_401=3"
	check "$NAME: the setting to look at is named, and what the server says" equal "$(api /status | jq '.model.last_failure |
		contains("HTTP 401; look at OPENAI_API_KEY") and endswith("the server says: Incorrect API key provided")')" true
	stop_both
}

# The apology is the agent's, also when nothing is left of the call but its ending.
in_spanish() {
	mkdir -p "$WORK/agents"
	echo '{"languages": ["es"]}' >"$WORK/agents/tapas.json"
	model model --key another-key
	server server MAX_CALLS=2 AGENTS_DIR="$WORK/agents"
	probed
	check "$NAME: a Spanish agent apologises in Spanish" phone call --script "$OUTER/wait.script" --expect end=server \
		--expect say="tenemos un problema técnico" --expect 'twiml=<Say language="es-ES">' --expect warnings=0
	check "$NAME: somebody whom we called is not told to call again" phone called --outbound --script "$OUTER/wait.script" \
		--expect end=server --expect say="Lo sentimos, tenemos que terminar esta llamada aquí. Adiós." --expect warnings=0
	stop_both
}

# checked STATUS VAR=VALUE…: --check with that model; what it says is in $WORK/check.out.
checked() {
	local status=0
	env -i PATH="$PATH" PORT=0 TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" OPENAI_CA_FILE=build/e2e/ca/ca.pem \
		ASAN_OPTIONS="${ASAN_OPTIONS:-}" OPENAI_REALTIME_URL="wss://localhost:$MODEL_PORT/v1/realtime" "${@:2}" "$SERVER_BIN" --check \
		>"$WORK/check.out" 2>&1 || status=$?
	equal "$status" "$1"
}
lacking() {
	api /status | jq -c '[.model.agents_lacking[] | .agent, .lack]'
}

# A field the service does not know is left out at a second try: by the trial, and then by nobody.
plain() {
	local all=(GREETING_MODE=wait REASONING_EFFORT=low NOISE_REDUCTION=near_field OPENAI_SPEED=1.1)
	local lack="the service does not know and the session is without reasoning_effort"
	model model --key "$SECRET" --fault reject-field=session.reasoning
	server server MAX_CALLS=2 "${all[@]}"
	probed
	check "$NAME: /status names the field, and no other" equal "$(lacking)" "[\"default\",\"$lack\"]"
	check "$NAME: the call works without the field" works call
	check "$NAME: no error is counted, since none mattered" equal "$(errors)" ""
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	kill -HUP "$SERVER"
	check "$NAME: a reload asks for it again" until_true connected 3
	settled
	check "$NAME: --check names the field, and no other" checked 0 "${all[@]}"
	check "$NAME: … in the agent's line" grep -qE \
		"^agent default: the session was configured otherwise than asked: $lack, in [0-9]+ ms$" "$WORK/check.out"
	check "$NAME: … and says what calls will be without" grep -qx "calls will work, but for what is named above" "$WORK/check.out"
	stop_both
	check "$NAME: trials are configured twice, the call once" equal \
		"$(field "$WORK/model.json" '[.per_session[].events["session.update"]] | join(" ")')" "2 1 2 2"
	check "$NAME: without that field alone" equal "$(field "$WORK/model.json" \
		'[.per_session[].asked[0] | .audio.input.noise_reduction.type, .audio.output.speed, .reasoning] | map(tostring) | unique | join(" ")')" \
		"1.1 near_field null"
	check "$NAME: one line of the log says so" logged 1 "is not all that the agent default asks for: $lack$" "$WORK/server.log"
}

# A field that the service takes and makes nothing of.
ignored() {
	local lack="of what was asked for, audio.input.noise_reduction is missing"
	model model --key "$SECRET" --fault ignore-field=session.audio.input.noise_reduction
	server server MAX_CALLS=2 REASONING_EFFORT=low NOISE_REDUCTION=near_field OPENAI_SPEED=1.1
	probed
	check "$NAME: /status names the field, and no other" equal "$(lacking)" "[\"default\",\"$lack\"]"
	check "$NAME: one line of the log does" logged 1 "is not all that the agent default asks for: $lack$" "$WORK/server.log"
	check "$NAME: --check does" checked 0 REASONING_EFFORT=low NOISE_REDUCTION=near_field OPENAI_SPEED=1.1
	check "$NAME: … in the agent's line" grep -qE \
		"^agent default: the session was configured otherwise than asked: $lack, in [0-9]+ ms$" "$WORK/check.out"
	check "$NAME: what is as asked is not named" checked 0 REASONING_EFFORT=low OPENAI_SPEED=1.1
	check "$NAME: … at all" grep -qE "^agent default: the session was configured as asked, in [0-9]+ ms$" "$WORK/check.out"
	stop_both
}

# An agent whose session is refused for what its own file says: a voice that there is not.
one_agent() {
	mkdir -p "$WORK/agents"
	echo '{"numbers": ["+12025550101"], "voice": "voice_1", "fallback": {"number": "+12025550178"}}' >"$WORK/agents/bad.json"
	echo '{"numbers": ["+12025550102"]}' >"$WORK/agents/good.json"
	model model --key "$SECRET" --fault reject-field=session.audio.output.voice.id
	server server MAX_CALLS=2 GREETING_MODE=wait AGENTS_DIR="$WORK/agents" TWILIO_ACCOUNT_SID="$ACCOUNT"
	until_true eval "api /status | jq -e '.model.connects == 2 and (.model.agents_refused | length) == 1'"
	check "$NAME: the door stays open" equal "$(ready)" "200 ready"
	check "$NAME: and names it" equal "$(api /ready | jq -c .agents_refused)" '[{"agent":"bad","variant":null}]'
	check "$NAME: the model is available, and its last failure was none of all" equal "$(api /status |
		jq -c '.model | [.available, .last_failure, (.agents_refused[0] | .agent, (.reason | contains("voice")))]')" \
		'[true,null,"bad",true]'
	check "$NAME: its calls go to its fallback" phone refused --to +12025550101 --script "$OUTER/wait.script" \
		--expect end=server --expect dial=+12025550178
	check "$NAME: those of the others go on" phone other --to +12025550102 --script "$OUTER/talk.script" \
		--expect end=caller --expect 'answers>=1'
	check "$NAME: a call of it is not placed" equal "$(api /calls -H 'Content-Type: application/json' -d \
		'{"agent": "bad", "to": "+12025550123"}' | jq -r '.error | .code + " " + (.message | contains("voice") | tostring)')" \
		"model_unavailable true"
	settled
	check "$NAME: the server stops with status 0" stop_server
	check "$NAME: --check names it" checked 1 AGENTS_DIR="$WORK/agents"
	check "$NAME: … and no other" equal "$(grep -cE '^agent (bad: the model cannot be had: .*voice|(good|default): the session was configured as asked)' \
		"$WORK/check.out")" 3
	check "$NAME: the model stops with status 0" stop_model
}

# quota FAULT: the session is to be had, but its answers are not: no money is left. An answer that
# failed tells it, or a Close alone while the session talks.
quota() {
	model model --key "$SECRET" --fault "$1"
	server server MAX_CALLS=2
	probed
	check "$NAME: open at first" equal "$(ready)" "200 ready"
	check "$NAME: the call that meets it is refused" phone first --script "$OUTER/wait.script" --expect end=server --expect say="$SORRY"
	check "$NAME: the door is closed" equal "$(ready)" "503 model"
	check "$NAME: and why is told" equal "$(api /status | jq '.model | (.available | not) and (.last_failure |
		contains("insufficient_quota") and contains("its money is spent"))')" true
	check "$NAME: a call that gets an answer" phone second --script "$OUTER/talk.script" --expect end=caller --expect 'answers>=1'
	check "$NAME: opens it again" until_true eval '[ "$(ready)" = "200 ready" ]'
	check "$NAME: and the failure is forgotten" equal "$(api /status | jq -c '.model | [.available, .last_failure]')" '[true,null]'
	settled
	stop_both
}

apart no-such-name no_such_name
# The only ones whose limit is meant to strike. A session's is three times as long,
# and all tries together have twelve seconds.
for delay in tls-delay=5000 upgrade-delay=5000 no-created no-updated; do
	case $delay in
	tls*) code=tls/timeout limit=2500 ;;
	upgrade*) code=upgrade/timeout limit=2500 ;;
	no-*) code=timeout/session.${delay#no-} limit=1100 ;;
	esac
	apart "${delay%=*}" bad may_pass "$code" "$delay" MODEL_CONNECT_MS=$limit
done
for fault in tls-delay=100000 upgrade-delay=100000 no-created no-updated; do
	apart "silent-${fault%=*}" silent "$fault"
done
apart nobody nobody_listens
for status in 400 401 403 404; do
	apart "refuse-$status" bad for_good "upgrade/http_$status" "refuse=$status"
done
for status in 429 500 503; do
	apart "refuse-$status" bad may_pass "upgrade/http_$status" "refuse=$status"
done
apart expired bad for_good tls/tls_54 certificate=expired
apart wrong-name bad for_good tls/tls_56 certificate=wrong-name
apart unknown-root bad for_good tls/tls_62 certificate=unknown-root
apart bad-accept bad may_pass upgrade/EPROTO bad-accept
apart close-3000 bad for_good session/invalid_request_error.invalid_api_key close-3000
apart wrong-format bad for_good session/wrong_format wrong-format
apart refuse-update bad may_pass session/server_error refuse-update
apart reject-voice bad for_good session/unknown_parameter reject-field=session.audio.output.voice
apart error-key bad for_good session/invalid_api_key error=invalid-api-key:created
apart error-quota bad for_good session/insufficient_quota error=quota:created
apart error-limit bad may_pass session/rate_limit_exceeded error=rate-limit:created
for how in rst fin notify; do
	apart "$how-accept" bad may_pass soon/gone "drop=$how:accept"
	apart "$how-tls" bad may_pass soon/gone "drop=$how:tls"
	apart "$how-upgrade" bad may_pass upgrade/ECONNRESET "drop=$how:upgrade"
	apart "$how-open" bad may_pass session/closed "drop=$how:open"
	apart "$how-created" bad may_pass session/closed "drop=$how:created"
done
apart close-created bad may_pass session/closed drop=1011:created
apart passes-refuse passes refuse=503 upgrade/http_503
apart passes-accept passes drop=rst:accept soon/gone
apart passes-created passes drop=fin:created session/closed
apart passes-silence passes no-updated timeout/session.updated MODEL_CONNECT_MS=1100
apart reopens reopens
apart overflow overflow
apart in-spanish in_spanish
apart plain plain
apart ignored ignored
apart one-agent one_agent
apart quota quota fail=quota@2
apart quota-close quota drop=1008-insufficient_quota:answer@2
all_apart
