# The faults, a line each; see calls.sh for how a call goes. Connection 1 is the
# call's, 2 the one after its loss: counting begins when the server has tried its model.
#
#   -c relay      on a ConversationRelay, in text; else on a media stream
#   -m, -2        a fault of the model, and of the second endpoint ("-": it has none)
#   -z            the second is Azure's: its path and header, a key and a deployment of its own, another voice and format
#   -s, -p        a setting of the server, an option of the phone
#   -q            the query of the address of its tool
#   -r            so many times the caller says something small before, and is answered
#   -d            what is done meanwhile: `at N COMMAND`, once the caller says his N-th words
#   -M            its tool is of an MCP server's, and called from the model's side
#   -t            the caller is put through to a person in the end
#   -e            how the call ends, if not by the agent's goodbye
#   -a            the caller's script, before -l
#   -l            it goes down by these rungs of the ladder, and its caller speaks at no stream; -w: what the text model answers there
#   -v            the agent's fixed lines lie in the voice cache, and something has happened to the file of one; see spoil
#   -h            what exactly is heard on the stream, in chirps
#   -k            the agent presses keys before its first answer; a rule of the stand-in for Twilio's REST API
#   -x            no way is left: all that is asked is an ending, and nothing said twice

# The model is cut off at each step.
fault cut-dialling -m drop=rst:accept@1
fault cut-tls -m drop=rst:tls@1
fault cut-upgrade -m drop=fin:upgrade@1
fault refused-503 -m refuse=503@1
fault cut-open -m drop=rst:open@1
fault cut-configuring -m drop=rst:created@1
fault cut-configured -m drop=rst:updated@1
fault cut-greeting -m drop=rst:answer@1
fault cut-greeted -m drop=fin:done@1
fault cut-listening -m drop=rst:speech@1
fault cut-answering -m drop=fin:answer2@1
fault cut-answering-words-ahead -m words-ahead=1500@1 -m drop=rst:answer4@1
fault cut-answered -m drop=1011:done2@1
fault cut-calling-tool -m drop=rst:tool@1
fault cut-with-tool -m drop=notify:speech2@1 -m first-delta-delay=900@1
fault cut-after-tool -m drop=rst:answer3@1
fault cut-after-mcp -M -m drop=rst:tool@1
fault cut-transfer -t -m drop=rst:tool2@1
fault cut-farewell -m drop=rst:answer5@1
fault cut-farewell-said -m drop=rst:tool2@1
fault cut-closing -m drop=1001-going-away:speech3@1
fault cut-three-times -m drop=rst:speech@1 -m drop=fin:answer@2 -m drop=notify:answer@3
fault cut-redial-refused -m drop=rst:speech2@1 -m refuse=503@2 -m drop=rst:created@3
fault cut-for-good -x -m drop=rst:answer2@1 -m drop=rst:accept@2-

# ... on a relay.
fault relay-cut-dialling -c relay -m drop=rst:accept@1
fault relay-cut-configuring -c relay -m drop=rst:created@1
fault relay-cut-configured -c relay -m drop=rst:updated@1
fault relay-cut-answering -c relay -m drop=fin:answer@1
fault relay-cut-answered -c relay -m drop=1011:done@1
fault relay-cut-tool -c relay -m drop=rst:tool@1
fault relay-cut-transfer -c relay -t -m drop=rst:tool2@1
fault relay-cut-farewell -c relay -m drop=rst:answer4@1
fault relay-stalled -c relay -m drop=stall:answer@1
fault relay-expired -c relay -m error=session-expired:done@1
fault relay-expires-long -c relay -r 20 -m expires=12@1 -s REPLAY_TOKENS=100
fault relay-stuck -c relay -m stuck@1
fault relay-halted -c relay -m halt@1
fault relay-error-server -c relay -m error=server:done@1
fault relay-error-rate-limit -c relay -m error=rate-limit:done@1
fault relay-error-active-response -c relay -m error=active-response:done@1
fault relay-error-key -c relay -x -m error=invalid-api-key:done@1
fault relay-error-quota -c relay -x -m error=quota:done@1
fault relay-moderated -c relay -x -m fail=content_filter@1
fault relay-failed-answer -c relay -m fail=server:1@1
fault relay-silent -c relay -x -m silent@1 -m silent@2-
fault relay-garbage -c relay -m garbage=text:answer@1
fault relay-garbage-half-frame -c relay -m garbage=cut-frame:done@1
fault relay-late -c relay -m first-delta-delay=2500@1
fault relay-slow-reader -c relay -m read-rate=300@1
fault relay-expires -c relay -m expires=14@1
fault relay-refuses-item -c relay -m drop=rst:answer3@1 -m refuse-item=assistant:1@2
fault relay-refuses-call -c relay -m drop=rst:answer3@1 -m refuse-item=function_call:1@2
fault relay-refused-request -c relay -m refuse-create=named:1@1
fault relay-second-after-loss -c relay -m drop=rst:answer@1 -m refuse=503@2- -2 -
fault relay-second-after-quota -c relay -m error=quota:done@1 -m refuse=429@2- -2 - -s OPENAI_API_KEY_2=not-a-real-secret-0123456789-2
fault relay-certificate-expired -c relay -m drop=rst:answer@1 -m certificate=expired@2- -2 -
fault relay-name-unknown -c relay -s OPENAI_REALTIME_URL=wss://nowhere.invalid/v1/realtime -2 -
fault relay-cut-for-good -c relay -x -m drop=rst:answer@1 -m drop=rst:accept@2-

# It says that something is wrong.
fault error-session-expired -m error=session-expired:done@1
fault error-server -m error=server:done@1
fault error-rate-limit -m error=rate-limit:done@1
fault error-unknown-parameter -m error=unknown-parameter:done@1
fault error-active-response -m error=active-response:done@1
fault error-cancel-not-active -m error=cancel-not-active:done@1
fault error-commit-empty -m error=commit-empty:done@1
fault error-truncate-too-long -m error=truncate-too-long:done@1
fault error-minimal -m error=minimal:done@1
fault error-quota -x -m error=quota:done@1
fault error-key -x -m error=invalid-api-key:done@1
fault failed-answer -m fail=server:1@1
fault failed-three-times -m fail=server:3@1
fault cut-short-by-tokens -a patient -m drop=rst:speech3@1 -m fail=max_tokens:1@2
fault transcript-failed -m transcript-fails@1
fault transcript-failed-and-cut -m transcript-fails@1 -m drop=rst:answer2@1
fault refused-request -m refuse-create=named:1@1
fault refused-request-after-loss -m drop=rst:answer2@1 -m refuse-create=named:1@2
fault refused-request-unnamed -m drop=rst:answer2@1 -m refuse-create=unnamed:1@2
fault moderated -x -m fail=content_filter@1

# It is there, and is no use.
fault stalled-greeted -m drop=stall:done@1
fault stalled-answering -m drop=stall:answer2@1
fault silent -x -m silent@1 -m silent@2-
fault stuck-once -m stuck@1
fault stuck-for-good -x -m stuck@1- -s SLOW_ANSWER_MAX_MS=14000
fault halted -m halt@1
fault garbage -m garbage=text:speech2@1
fault garbage-half-frame -m garbage=cut-frame:done@1
fault garbage-giant -m garbage=giant:answer2@1
fault late -m first-delta-delay=2500@1
fault slow-reader -m read-rate=3000@1
fault expires -m expires=14@1
fault expires-untold -m expire=9@1
fault expires-transcript-late -m expires=12@1 -m transcript-delay=2200@1
fault expires-farewell -m expires=33@1
fault cut-transcript-late -m expires=14@1 -m transcript-delay=2200@1 -m drop=rst:12s@1
fault cut-next-dialled -m expires=12@1 -m transcript-delay=2200@1 -m tls-delay=1500@2 -m drop=rst:11s@1
fault refuses-item -m drop=rst:answer3@1 -m refuse-item=assistant:1@2
fault refuses-call -m drop=rst:speech3@1 -m refuse-item=function_call:1@2
fault large-answer -q answer=large.json -m drop=rst:answer3@1
fault large-answer-cut -q answer=large.json -m drop=rst:long@1
fault thousand-answers -c relay -r 1000 -m first-delta-delay=1@1 -m drop=rst:done1001@1
fault forgets-update -m drop=rst:speech@1 -m no-updated@2

# A second endpoint.
fault second-after-loss -m drop=rst:answer2@1 -m refuse=503@2- -2 -
fault second-after-losses -m drop=rst:done@1- -2 -
fault second-at-once -m refuse=503@1- -2 -
fault second-after-quota -m error=quota:done2@1 -m refuse=429@2- -2 - -s OPENAI_API_KEY_2=not-a-real-secret-0123456789-2
fault second-azure -z -s RECONNECT_TRIES=9 -m drop=rst:answer2@1 -m refuse=503@2- -2 -
fault second-never-speaks -x -m drop=rst:answer2@1 -m refuse=503@2- -2 no-created
fault first-accepts-only -m drop=rst:speech2@1 -m tls-delay=60000@2- -2 -
fault second-other-format -x -m drop=rst:answer2@1 -m refuse=503@2- -2 wrong-format
fault certificate-expired -m drop=rst:answer2@1 -m certificate=expired@2- -2 -
fault name-unknown -m drop=rst:answer2@1 -s OPENAI_REALTIME_URL=wss://nowhere.invalid/v1/realtime -2 -

# Twilio.
fault twilio-cut -x -p --fault -p cut@9000
fault twilio-stalled -x -p --fault -p withhold@9000 -s STREAM_SILENT_SECONDS=5
fault twilio-late -p --fault -p late=900@6000
fault twilio-gap -p --fault -p gap=400@2500
fault twilio-doubled -p --fault -p doubled
fault twilio-no-marks -p --fault -p no-echo
# While the agent speaks: a caller who is cut off in the middle of his words says the rest to the next session, and later.
fault relay-twilio-cut -c relay -p --fault -p cut@10200

# Keys that are pressed on a stream, whose next one is to come behind them.
fault keys-refused -k refuse-update=21220
fault keys-unanswered -k timeout
fault keys-stream-refused -k lose-streamx1 -a presses -l "reconnect"

# The ladder: each rung fails into the next, and a restart at each.
fault ladder-text -m refuse=401@1- -w '{"last": "Hello?", "then": [{"text": "We can."}]}' -l "text"
fault ladder-moderated -m fail=content_filter@1 -w '{"last": "Hello?", "then": [{"text": "We can."}]}' -p --dial -p no-answer -l "dial dial voicemail"
fault ladder-text-slow -m refuse=401@1- -w '{"last": "Hello?", "then": [{"text": "Too late.", "slow_ms": 60000}]}' -p --dial -p no-answer -l "text dial dial voicemail"
fault ladder-text-down -m refuse=401@1- -w '{"then": [{"status": 503}]}' -p --dial -p no-answer -l "text dial dial voicemail"
fault ladder-text-cut -m refuse=401@1- -w '{"last": "Hello?", "then": [{"drop": true}]}' -p --dial -p busy -l "text dial dial voicemail"
fault ladder-lost-to-text -m drop=rst:answer2@1 -m drop=rst:accept@2- -w '{"last": "Hello?", "then": [{"text": "We can."}]}' -a falls-later -l "text"
fault ladder-no-text -m refuse=401@1- -l "dial"
fault ladder-dial-busy -m refuse=401@1- -p --dial -p busy -l "dial dial voicemail"
fault ladder-relay -c relay -m refuse=401@1- -p --dial -p failed -l "dial dial voicemail"
fault ladder-stream-cut -a cut-off -l ""
fault ladder-stream-cut-late -s STREAM_GRACE_MS=100 -a cut-off -l "reconnect"
fault ladder-killed-on-stream -a goes-on -p --retry-ms -p 15000 -d 'at 1 killed' -l "reconnect"
fault ladder-killed-at-reconnect -s STREAM_GRACE_MS=100 -a cut-off-falls -w '{"last": "Hello?", "then": [{"text": "We can."}]}' -p --retry-ms -p 15000 -d 'down 1 killed' -l "reconnect text"
fault ladder-killed-in-text -m refuse=401@1- -w '{"last": "Hello?", "then": [{"text": "We can."}]}' -p --retry-ms -p 15000 -d 'down 1 killed' -l "text"
fault ladder-killed-at-dial -m refuse=401@1- -p --dial -p no-answer -p --retry-ms -p 15000 -d 'down 1 killed' -l "dial dial voicemail"
fault ladder-nothing-left -m refuse=401@1- -p --dial -p no-answer -p --message-seconds -p 0 -l "dial dial voicemail words"
fault ladder-killed-at-words -m refuse=401@1- -p --dial -p no-answer -p --message-seconds -p 0 -p --retry-ms -p 15000 -d 'down 4 killed' -l "dial dial voicemail words"
fault ladder-killed-at-voicemail -m refuse=401@1- -p --dial -p no-answer -p --retry-ms -p 15000 -d 'down 3 killed' -l "dial dial voicemail"

# The voice cache: lines that have their sound, and a file that has not what it should.
fault cache-whole -v nothing -m created-delay=2000@1
fault cache-cut-short -v cut-short -m created-delay=2000@1
fault cache-swapped -v swapped -m created-delay=2000@1
fault cache-other-voice -v other-voice -m created-delay=2000@1
fault cache-unreadable -v unreadable -m created-delay=2000@1
fault ladder-cache-whole -v nothing -m upgrade-delay=700 -s OPENAI_API_KEY=not-the-key-of-anybody-0000000 -p --dial -p no-answer -h "$GREETING $TROUBLE" -l "dial dial voicemail"
fault ladder-cache-cut-short -v cut-short -s OPENAI_API_KEY=not-the-key-of-anybody-0000000 -p --dial -p no-answer -h "$TROUBLE" -l "dial dial voicemail"
fault ladder-cache-swapped -v swapped -s OPENAI_API_KEY=not-the-key-of-anybody-0000000 -p --dial -p no-answer -h "" -l "dial dial voicemail"

# Ours.
fault sigterm -d 'at 2 kill -TERM "$SERVER"'
fault killed -x -d 'at 3 killed'
fault stopped-3s -d 'at 3 held 3'
fault stopped-3s-and-cut -m drop=rst:done3@1 -d 'at 3 held 3'
fault stopped-20s -x -a speaks-on -d 'at 3 held 20'
fault disk-full -d 'at 2 disk_full' -s RECORD=local -m drop=rst:speech3@1
fault disk-hangs -d 'at 2 disk 20 hang' -s RECORD=local -m drop=rst:speech3@1
fault disk-slow -d 'at 2 disk 20 slow 300' -s RECORD=local -m drop=rst:speech3@1
fault disk-read-only -d 'at 2 disk 8 read-only' -m drop=rst:speech3@1
fault no-descriptors -d 'at 2 no_descriptors' -m drop=rst:speech3@1
fault no-descriptors-to-renew -d 'at 3 none_while renewal_failed' -m expires=20@1
fault no-descriptors-for-a-call -d 'at 3 another_call'
fault resolver-hangs -d 'at 2 meddle resolver' -m drop=rst:speech3@1
fault no-memory -x -d 'at 2 meddle memory 300'
fault clock-jumps -d 'at 2 meddle clock 7200' -m drop=rst:speech3@1
fault clock-jumps-back -d 'at 2 meddle clock -7200' -m drop=rst:speech3@1
fault relay-sigterm -c relay -d 'at 2 kill -TERM "$SERVER"'
fault relay-killed -c relay -x -d 'at 3 killed'
fault relay-stopped-3s -c relay -d 'at 3 held 3'
fault relay-disk-full -c relay -d 'at 2 disk_full' -m drop=rst:answer2@1
fault relay-no-descriptors -c relay -d 'at 2 no_descriptors' -m drop=rst:answer2@1
fault relay-no-memory -c relay -x -d 'at 2 meddle memory 300'
fault relay-clock-jumps-back -c relay -d 'at 2 meddle clock -7200' -m drop=rst:answer2@1
