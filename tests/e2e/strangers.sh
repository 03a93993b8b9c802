#!/usr/bin/env bash
# Who knocks without being Twilio, or as a Twilio that has lost its manners: at
# the webhooks, at the stream's door, at the operator's, and at HTTP itself. A
# good call goes on beside it all and does not notice.
. "$(dirname "$0")/lib.sh"

SORRY="we have a technical problem"
cat >"$WORK/good.script" <<SCRIPT
wait-agent-done 1000
$(interruption)
hangup
SCRIPT
cat >"$WORK/short.script" <<'SCRIPT'
wait-agent-talking 1500
hangup
SCRIPT

good() {
	dial "$1" --script "$WORK/good.script" --expect 'answers>=3' --expect cut_answers=1 --expect clears=1 \
		--expect warnings=0 --expect end=caller --expect script_done=1 "${@:2}"
}
short() {
	dial "$1" --script "$WORK/short.script" --expect end=caller --expect script_done=1 "${@:2}"
}
# refused NAME STATUS ARGS...: the voice webhook answers STATUS and makes no call.
refused() {
	dial "$1" --script "$WORK/short.script" --expect end=webhook-failed --expect "status=$2" "${@:3}"
}
# shut_out NAME STATUS ARGS...: the stream's upgrade is answered STATUS; the caller
# hears what comes then.
shut_out() {
	dial "$1" --script "$WORK/short.script" --expect end=upgrade-refused --expect "upgrade=$2" \
		--expect say="$SORRY" "${@:3}"
}

# The phone went as expected, and no call is known of it.
unheard_of() {
	equal "$(cat "$WORK/$1.status")" 0 || { jq -c '.calls[0] | .why, .failure, .refusal' "$WORK/$1.json"; return 1; }
	equal "$(api "/calls/$(field "$WORK/$1.json" '.calls[0].call_sid')" -o /dev/null -w '%{http_code}')" 404
}

# http STATUS PATH CURL-ARGS...: its answer, the headers too, in $WORK/answer.
http() {
	equal "$(ask "$2" -o /dev/null -D "$WORK/answer" -w '%{http_code}' "${@:3}")" "$1"
}
answer_has() {
	grep -qi "^$1"$'\r$' "$WORK/answer" || { cat "$WORK/answer"; return 1; }
}
# raw STATUS BYTES: what printf makes of BYTES is answered with a status like that.
raw() {
	local fd line=""
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	printf "$2" >&"$fd"
	IFS= read -r -t 15 line <&"$fd" || true
	exec {fd}>&-
	[[ $line = HTTP/1.1\ $1\ * ]] || { echo "got '$line'"; return 1; }
}
# signed STATUS PATH: an upgrade that is Twilio's by its signature.
signed() {
	http "$1" "$2" --http1.1 -H "Host: ${PUBLIC#https://}" -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H "X-Twilio-Signature: $(signature "wss${PUBLIC#https}$2")"
}
# announce SID: Twilio's webhook, by its signature; prints the stream's token.
announce() {
	ask /twilio/voice -d "CallSid=$1" -H "X-Twilio-Signature: $(signature "$PUBLIC/twilio/voiceCallSid$1")" |
		sed -nE 's/.*\/twilio\/stream\/([0-9a-f]+)".*/\1/p'
}
# not_started NAME VAR=VALUE...: the server ends at once, and not well.
not_started() {
	local status=0
	env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" PORT=0 TWILIO_AUTH_TOKEN="$SECRET" OPENAI_API_KEY="$SECRET" "${@:2}" \
		"${FIXED[@]}" timeout 60 "$SERVER_BIN" 2>"$WORK/$1.log" || status=$?
	equal $status 1
}
# checked NAME VAR=VALUE...: --check finds nothing wrong.
checked() {
	env -i PATH="$PATH" "${@:2}" "${FIXED[@]}" "$SERVER_BIN" --check --offline >"$WORK/$1.log" 2>&1
}
# flood BYTES SECONDS: 500 connections a second that say no more than that, and stay as long as they are let; 500 at
# least, however slow the machine is.
flood() {
	local fds=() fd n until=$((SECONDS + $2))
	trap '' PIPE
	for ((n = 0; SECONDS < until || n < 500; n++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		printf "$1" >&"$fd"
		fds+=("$fd")
		if [ $n -ge 700 ]; then
			fd=${fds[n - 700]}
			exec {fd}>&-
		fi
		((n % 50)) || sleep 0.1
	done 2>/dev/null
	echo "$n"
}
# beside_flood LOG BYTES SECONDS: meanwhile every webhook and every probe is answered. The
# limit of 5 s is a guard: with workers that are held the wait grows by the second.
beside_flood() {
	local log=$WORK/$1.log lines strangers
	lines=$(grep -vc ' debug ' "$log")
	flood "${@:2}" >"$WORK/flood" &
	strangers=$!
	while kill -0 $strangers 2>/dev/null; do
		check "a webhook is answered beside silent strangers" http 403 /twilio/voice -d CallSid=CA1 "${as_twilio[@]}" \
			-H 'X-Forwarded-For: 198.51.100.7' --max-time 5
		check "… and the probe" env PORT="$PORT" "$SERVER_BIN" --health
		sleep 0.3
	done >"$WORK/beside"
	wait $strangers
	check "every webhook and probe is answered beside strangers who say '${2:0:20}'" eval "grep -q '^ok' $WORK/beside && ! grep -A9 '^not ok' $WORK/beside"
	check "… many of whom came" holds "$(cat "$WORK/flood") >= 500"
	check "… and who did not fill the log" holds "$(grep -vc ' debug ' "$log") - $lines < $(cat "$WORK/flood") / 4"
}
moved() {
	echo $(($(jq "$1" <<<"$after") - $(jq "$1" <<<"$before")))
}
all_free() {
	api /status | jq -e '.calls.live + .calls.reserved + .calls.ending == 0'
}

KEY=(-H "Authorization: Bearer $API_TOKEN")

# ---------------------------------------------------- PUBLIC_URL
model model --key "$SECRET"
server server MAX_CALLS=30 OPENAI_MODEL=gpt-realtime
before=$(api /status)

good good
short second-stream --fault second-stream --expect second=403 --expect warnings=0
short upgrade-https --fault upgrade-https --expect warnings=0
short upgrade-slash --fault upgrade-slash --expect warnings=0
short other-host --header 'X-Forwarded-Host: evil.example.org' --header 'X-Forwarded-Proto: http' --expect warnings=0
refused no-signature 403 --fault no-signature
refused bad-signature 403 --fault bad-signature
refused wrong-secret 403 --token another-secret-0123456789
refused wrong-url 403 --public-url https://elsewhere.example.com
refused big-body 413 --fault big-body
refused bad-form 400 --fault bad-form
refused huge-headers 400 --fault huge-headers
refused many-headers 431 --fault many-headers
refused two-lengths 400 --fault two-lengths
refused length-and-chunks 400 --fault length-and-chunks
refused garbage 400 --fault garbage-http
refused slow-body 408 --fault slow-body
refused short-body 408 --fault short-body
shut_out upgrade-bad-signature 403 --fault upgrade-bad-signature
shut_out upgrade-no-signature 403 --fault upgrade-no-signature
shut_out no-token 403 --fault no-token
shut_out wrong-token 403 --fault wrong-token
shut_out late-upgrade 403 --fault late-upgrade
shut_out long-key 400 --fault long-key
shut_out used-token 403 --fault used-token --expect second=101
dial half-upgrade --script "$WORK/short.script" --fault half-upgrade --expect end=upgrade-refused --expect say="$SORRY"
dial no-stream --fault no-stream --expect end=caller
dial no-stream-no-news --fault no-stream --no-status --expect end=caller

# What curl and plain sockets can do, meanwhile.
# This machine, by any name, what a proxy or a plain forwarder of TCP brings from elsewhere: all are strangers.
for path in /status /calls /calls/CA1 /events; do
	for header in 'Accept: */*' 'Host: localhost:8080' 'X-Forwarded-For: 127.0.0.1' 'Via: 1.1 x' 'Host: bridge.example.com'; do
		check "$path with '$header' is not for strangers" http 401 "$path" -H "$header"
	done
done
check "… and says how to ask" answer_has 'WWW-Authenticate: Bearer'
check "the operator gets in" http 200 /status "${KEY[@]}"
check "anyone may ask whether it is alive" http 200 /health -H 'X-Forwarded-For: 1.2.3.4' -H 'Host: bridge.example.com'
check "anyone may ask whether it is ready" http 200 /ready -H 'X-Forwarded-For: 1.2.3.4'
until_true eval "api /calls | jq -e '.calls[] | select(.state == \"live\")'"
live=$(api /calls | jq -r 'first(.calls[] | select(.state == "live")).call_sid')
check "a stranger cannot end a call" http 401 "/calls/${live:-CA1}" -X DELETE
check "a call nobody knows cannot be ended" http 404 /calls/CA0123456789 -X DELETE "${KEY[@]}"

for each in "/health GET,.HEAD" "/ready GET,.HEAD" "/status GET,.HEAD" "/calls GET,.HEAD,.POST" "/calls/CA1 GET,.HEAD,.DELETE" \
	"/twilio/voice POST" "/twilio/connect-action POST" "/twilio/stream-status POST" "/twilio/call-status POST" \
	"/twilio/stream GET" "/twilio/stream/x GET" "/twilio/relay GET" "/twilio/relay/x GET"; do
	path=${each% *} allow=${each#* }
	for method in GET HEAD POST PUT DELETE OPTIONS PATCH; do
		[[ ,${allow//.}, != *,$method,* ]] || continue
		check "$method $path is answered 405" http 405 "$path" -X "$method" -H 'Content-Length: 0' --no-keepalive
		check "… and what is allowed" answer_has "Allow: $allow"
	done
done
check "no other origin is let in" eval "http 405 /status -X OPTIONS -H 'Origin: https://evil.example.org' \
	-H 'Access-Control-Request-Method: GET' && ! grep -i '^access-control' $WORK/answer"
for path in / /health/x /healthy /status/ /STATUS /%73tatus /calls/ /calls/a/b /twilio /twilio/voice/ //twilio/voice /twilio/stream/a/b \
	/twilio/streams /../etc/passwd /twilio/../status /.env; do
	check "there is nothing at $path" http 404 "$path" --path-as-is
done
check "a stream's address wants a WebSocket" http 426 /twilio/stream/x
for token in x 0000000000000000000000000000000 00000000000000000000000000000000 000000000000000000000000000000000 ..%2f..; do
	check "a stream '/$token' that nobody announced is refused" signed 403 "/twilio/stream/$token"
	check "… and such a session" signed 403 "/twilio/relay/$token"
done
check "… and one without a token" signed 403 /twilio/stream
check "… and such a session without one" signed 403 /twilio/relay

# What is set up wrongly at Twilio or in the proxy is told, once a minute; a stranger's try is not.
as_twilio=(-H 'X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=')
told() { # TIMES WHAT
	logged "$1" "warn http .*$2" "$WORK/server.log"
}
check "strangers have cost no line of advice" told 0 'set the webhook|nothing for Twilio|lost its upgrade'
for _ in 1 2 3; do
	check "a number with HTTP GET is refused" http 405 '/twilio/voice?From=%2B12025550123' "${as_twilio[@]}"
	check "a webhook with a slash too many is refused" http 404 /twilio/voice/ -d CallSid=CA1 -A 'TwilioProxy/1.1'
	check "a stream without its upgrade is refused" http 426 /twilio/stream/00112233445566778899aabbccddeeff "${as_twilio[@]}"
done
check "the method is told, once" told 1 'set the webhook.s method at Twilio to HTTP POST; got GET /twilio/voice status=405'
check "the path is told, once" told 1 'nothing for Twilio at this address: .*POST /twilio/voice,.* got POST /twilio/voice/ status=404'
check "the upgrade is told, once, without the token" told 1 'lost its upgrade .*Upgrade and Connection.* got GET /twilio/stream/… status=426'
# Only one such line a second is written, and the calls beside this may have had it.
misfit() {
	http 403 '/twilio/voice?b=O%27Brien&a=1&key=hush&to=%2B12025550123' -d CallSid=CA1 "${as_twilio[@]}" -H 'X-Forwarded-For: 203.0.113.7' &&
		told 1 "does not fit; checked POST $PUBLIC/twilio/voice\\?b=O%27Brien&a=1&key=…&to=… client=203.0.113.7 more_before="
}
check "a signature that does not fit is refused; the log shows the client and what was checked, but for secrets" until_true misfit

token=$(announce CAgone)
check "a call that is announced again gets the same stream" equal "$(announce CAgone)" "${token:-none}"
exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
printf 'GET /twilio/stream/%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Twilio-Signature: %s\r\n\r\n' \
	"$token" "$(signature "wss${PUBLIC#https}/twilio/stream/$token")" >&"$fd"
exec {fd}>&-
check "a Twilio that goes away at the door leaves no line taken" until_true eval \
	"api /calls/CAgone | jq -e '.state == \"ended\" and .ending.reason == \"stream_lost\"'"

body='CallSid=CA1&From=%%2B1'
form='Content-Type: application/x-www-form-urlencoded'
check "a body without length is refused" raw 411 "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\n\r\n"
check "another media type is refused" raw 415 'POST /twilio/voice HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
for length in -1 +5 0x10 '5 5' 5,5 99999999999999999999 18446744073709551617 ''; do
	check "a length of '$length' is refused" raw '4[01][0-9]' "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nContent-Length: $length\r\n\r\n$body"
done
check "a length just over the limit is refused, unread" raw 413 "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nContent-Length: 65537\r\n\r\n"
check "another coding than chunked is refused" raw 400 "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nTransfer-Encoding: gzip\r\n\r\n"
check "a chunked body may come, and is checked" raw 403 "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nX-Twilio-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nA=b&C\r\n0\r\n\r\n"
check "a chunk of nonsense is refused" raw '4[0-9][0-9]' "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nX-Twilio-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nA=b\r\n0\r\n\r\n"
check "a huge chunk is refused" raw '4[0-9][0-9]' "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nX-Twilio-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\nA=b\r\n0\r\n\r\n"
check "an expectation nobody knows is refused" raw 417 "POST /twilio/voice HTTP/1.1\r\nHost: x\r\n$form\r\nX-Twilio-Signature: x\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\na"
check "two tokens are refused" raw 400 'GET /status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n'
check "a request for nothing in particular is answered" raw 400 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'
check "and so is one that takes us for a proxy" raw 400 'GET http://example.com/status HTTP/1.1\r\nHost: x\r\n\r\n'
check "two hosts are refused" raw 400 'GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'
check "an unknown method is refused" raw '4[0-9][0-9]' 'BREW /health HTTP/1.1\r\nHost: x\r\n\r\n'
check "HTTP/3.0 on a socket is refused" raw '[45]0[0-9]' 'GET /health HTTP/3.0\r\nHost: x\r\n\r\n'
check "a line of nonsense is refused" raw 400 'nonsense\r\n\r\n'
check "a NUL in the path is refused" raw 400 'GET /hea\0lth HTTP/1.1\r\nHost: x\r\n\r\n'
check "a path that would colour the terminal finds nothing" raw 4[0-9][0-9] 'GET /\033[31mred HTTP/1.1\r\nHost: x\r\n\r\n'
check "WebSocket version 8 is refused" raw 426 'GET /twilio/stream/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
check "an upgrade without key is refused" raw 400 'GET /twilio/stream/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n'
check "an upgrade anywhere else stays HTTP" raw '[24]0[0-9]' 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

# Strangers who come at a rate and say too little, and honest people beside them.
beside_flood server "" 4
beside_flood server 'POST /twilio/voice HTTP/1.1\r\nHost' 2
# Then a crowd that goes at once.
for _ in $(seq 50); do
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	exec {fd}>&-
done
check "those who come and go at once do no harm" http 200 /health
all_over

check "a good call beside all this does not notice" went good caller_hung_up \
	'([.turns[].who] | join(" ")) == "agent caller agent caller agent" and .invalid_messages == 0 and .audio.dropped_ms == 0'
check "a second stream of the same token is refused, the first lives on" went second-stream caller_hung_up '.turns[0].heard_ms > 0'
check "Twilio's other ways to sign an upgrade are known: https" went upgrade-https caller_hung_up
check "Twilio's other ways to sign an upgrade are known: a slash" went upgrade-slash caller_hung_up
check "with PUBLIC_URL no X-Forwarded-* is believed" went other-host caller_hung_up
for name in no-signature bad-signature wrong-secret wrong-url big-body bad-form huge-headers many-headers two-lengths \
	length-and-chunks garbage slow-body short-body; do
	check "$name makes no call" unheard_of "$name"
done
for name in upgrade-bad-signature upgrade-no-signature no-token wrong-token late-upgrade long-key half-upgrade; do
	check "$name opens no stream" went "$name" never_streamed '.turns == []'
done
check "a token opens one stream, and who came second does not get in" went used-token stream_lost
check "a caller who hung up before the stream frees the line" went no-stream caller_hung_up
check "a line nobody comes for is free after a while by itself" went no-stream-no-news never_streamed

after=$(api /status)
check "wrong signatures are counted" holds "$(moved .http.refused_signature) >= 6"
# Four of those calls are given another stream, once, and open that one in the same way.
check "wrong tokens are counted" equal "$(moved .http.refused_token)" 21
check "malformed requests are counted" holds "$(moved .http.refused_bad_request) >= 25"
check "strangers at the operator's door are counted" equal "$(moved .http.refused_unauthorized)" 21
check "who took too long is counted" holds "$(moved .http.refused_busy) >= 10"
check "never_streamed is counted" holds "$(moved .calls.ended.never_streamed) >= 8"
check "no call ended by a fault of ours" equal "$(moved .calls.ended.internal_error)" 0
check "nothing of the callers' audio was lost" equal "$(moved .audio.dropped_ms)" 0
check "no token of a stream is in the log" eval "! grep -E 'stream/[0-9a-f]{16}' $WORK/server.log"
check "no control character is in the log" eval "! grep -P '[^\\P{Cc}\\t]' $WORK/server.log"
check "every line is free again" until_true all_free
check "the server stops with status 0" stop_server

# ------------------------------------------- no PUBLIC_URL, a trusted proxy
server proxied PUBLIC_URL= TRUSTED_PROXIES=127.0.0.1 STREAM_UNANNOUNCED=on
FRONT=(--public-url https://front.example.net --header 'X-Forwarded-Proto: https')
before=$(api /status)
good proxied-good "${FRONT[@]}" --header 'X-Forwarded-For: 203.0.113.9, 54.172.60.1'
short forwarded-host "${FRONT[@]}" --header 'X-Forwarded-Host: front.example.net' --expect warnings=0
short unannounced "${FRONT[@]}" --fault no-token --expect upgrade=101
refused plain 403 --public-url https://front.example.net
refused other-forwarded-host 403 "${FRONT[@]}" --header 'X-Forwarded-Host: evil.example.org'
refused bad-forwarded-host 403 "${FRONT[@]}" --header 'X-Forwarded-Host: front.example.net/x"><Say>'
refused unsigned 403 "${FRONT[@]}" --fault no-signature
client=0
for path in /status /calls /calls/CA1; do
	check "$path without the token is refused" http 401 "$path"
	check "… and says how to ask" answer_has 'WWW-Authenticate: Bearer'
	address=198.51.100.$((++client))
	for token in "Bearer wrong" "Bearer " "Bearer ${API_TOKEN}x" "Bearer ${API_TOKEN%?}" "Basic $API_TOKEN" "$API_TOKEN" "Bearer $SECRET"; do
		check "$path with '$token' is refused" http 401 "$path" -H "Authorization: $token" -H "X-Forwarded-For: $address"
	done
done
# A client is who the proxy says; of IPv6 its network.
for i in $(seq 10); do
	check "try $i of a guess is refused" http 401 /status -H "Authorization: Bearer guess-$i" -H "X-Forwarded-For: 1.2.3.4, 2001:db8:0:7::$i"
done
guess=(-H "Authorization: Bearer guess-11" -H "X-Forwarded-For: 2001:db8:0:7:1::1")
check "the eleventh is told to come later" http 429 /status "${guess[@]}"
check "… and when" answer_has 'Retry-After: [1-9][0-9]*'
check "whoever has the token gets in from there all the same" http 200 /status "${KEY[@]}" "${guess[@]:2}"
check "others are not charged" http 401 /status "${guess[@]:0:2}" -H "X-Forwarded-For: 2001:db8:0:8::1"
# Behind a proxy, bodies that are announced, by a signature too, and never come.
beside_flood proxied "POST /twilio/voice HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9\r\n$form\r\nX-Twilio-Signature: x\r\nContent-Length: 9\r\n\r\n" 3
check "the operator gets in" http 200 /status "${KEY[@]}"
check "… through a proxy, too" http 200 /calls "${KEY[@]}" -H 'X-Forwarded-For: 1.2.3.4' -H 'Host: front.example.net'
check "… with a small letter" http 200 /calls -H "authorization: bearer $API_TOKEN"
check "nobody ends a call without the token" http 401 /calls/CA1 -X DELETE
all_over
check "the address comes from a trusted proxy's headers" went proxied-good caller_hung_up \
	'([.turns[].who] | join(" ")) == "agent caller agent caller agent"'
check "… its X-Forwarded-Host, too" went forwarded-host caller_hung_up
check "an unannounced stream is a call if that is allowed" equal "$(cat "$WORK/unannounced.status")" 0
sid=$(field "$WORK/unannounced.json" '.calls[0].call_sid')
check "… and ends as one" until_true eval "api /calls | jq -e --arg sid $sid \
	'.calls[] | select(.call_sid == \$sid and .stream_sid and .ending.reason == \"caller_hung_up\")'"
for name in plain other-forwarded-host bad-forwarded-host unsigned; do
	check "$name makes no call" unheard_of "$name"
done
after=$(api /status)
check "wrong signatures are counted" holds "$(moved .http.refused_signature) >= 4"
check "wrong operators are counted" equal "$(moved .http.refused_unauthorized)" 36
check "… and who guessed too often" equal "$(moved .http.refused_guesses)" 1
check "the operator's token is not in the log" eval "! grep -F $API_TOKEN $WORK/proxied.log"
check "the server stops with status 0" stop_server

# --------------------------------------------------- no PUBLIC_URL, and no proxy trusted
server alone PUBLIC_URL= TRUSTED_PROXIES=10.0.0.0/8
refused untrusted 403 "${FRONT[@]}"
# Twilio would not take the ws:// that comes of it; who calls without TLS is told no other.
dial http-only --public-url http://front.example.net --header 'X-Forwarded-Host: evil.example.org' --expect status=200 \
	--expect twiml=ws://front.example.net/twilio/stream/
all_over
check "no X-Forwarded-* is believed of others" unheard_of untrusted
check "… only Host" went http-only caller_hung_up
check "the server stops with status 0" stop_server

# ------------------------------------------------ no API_TOKEN: a token is made
kept=$WORK/data/api-token
# A plain forwarder on this machine, as nginx's proxy_pass or ssh -L: what it brings has no sign of it.
forwards() {
	perl -MIO::Socket::INET -e '
		$| = 1;
		$SIG{CHLD} = "IGNORE";
		my $door = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", Proto => "tcp") or die;
		print "listening :", $door->sockport, "\n";
		while (my $near = $door->accept) {
			next if fork;
			my $far = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Proto => "tcp") or die;
			my ($from, $to) = fork ? ($near, $far) : ($far, $near);
			syswrite($to, $_) while sysread($from, $_, 65536);
			shutdown($to, 1);
			exit;
		}' "$PORT" >"$WORK/forward.out" 2>"$WORK/forward.err" &
	FORWARDER=$!
	FORWARDED=$(wait_for "$!" "$WORK/forward.out" '^listening :([0-9]+)$') || not_up forward
}
forwarded() {
	local PORT=$FORWARDED
	"$@"
}
# What the log says to do, done.
as_told() {
	local line
	line=$(sed -nE 's/.* API: .*(curl -H .*)$/\1/p' "$WORK/$1.log")
	line=${line/$PUBLIC/http:\/\/127.0.0.1:$PORT}
	equal "$(eval "$line" -sS -o /dev/null -w '%{http_code}')" 200
}
server made API_TOKEN= DATA_DIR="$WORK/data"
forwards
check "a token is made, for its owner only" equal "$(stat -c %a "$kept")" 600
check "… of 32 random bytes" grep -qxE '[0-9a-f]{64}' "$kept"
check "… and is not in the log" eval "! grep -F '$(cat "$kept")' $WORK/made.log"
check "the log says how to use it" as_told made
check "without it this machine is not answered" http 401 /status
check "… nor whoever comes through a forwarder" forwarded http 401 /status
check "… who ends no call" forwarded http 401 /calls/CA1 -X DELETE
token=$(cat "$kept")
check "… and with it is" forwarded http 200 /status -H "Authorization: Bearer $token"
kill "$FORWARDER"
check "the server stops with status 0" stop_server
chmod 644 "$kept"
server again API_TOKEN= DATA_DIR="$WORK/data"
check "the next start has the same" equal "$(cat "$kept")" "$token"
check "… and has closed it to others" equal "$(stat -c %a "$kept")" 600
check "… which the log tells" until_true grep -q "warn setup .*api-token was open to others (mode 0644)" "$WORK/again.log"
check "it opens as before" http 200 /status -H "Authorization: Bearer $token"
check "the server stops with status 0" stop_server
echo short >"$kept"
check "a token that can be guessed stops the start" not_started short API_TOKEN= DATA_DIR="$WORK/data"
check "… and the log says what to do" until_true grep -q "error setup .*api-token: the token in it must be at least 16 characters.*; remove the file" "$WORK/short.log"
check "--check tells as well" eval '! checked wrong DATA_DIR="$WORK/data" && grep -q "api-token: the token in it must be" $WORK/wrong.log'
check "… and of one that is still to be made, which it leaves to the start" eval 'checked soon DATA_DIR="$WORK/new" &&
	grep -q "^API: the first start makes a token in .*/new/api-token" $WORK/soon.log && [ ! -e "$WORK/new" ]'
check "one that is configured stops it, too" not_started weak API_TOKEN=opensesame
check "… in one sentence" until_true grep -q "API_TOKEN is set (10 characters, not shown): it must have at least 16 characters, where any length was taken before" "$WORK/weak.log"
server kept-nowhere API_TOKEN=
check "without DATA_DIR the log has the token of this run" as_told kept-nowhere
check "the server stops with status 0" stop_server
check "the model stops with status 0" stop_model
check "the model never got what it does not know" equal "$(field "$WORK/model.json" .violation_count)" 0
finish
