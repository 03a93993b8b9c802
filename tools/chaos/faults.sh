# The faults, a line each; see calls.sh for how a call goes. Connection 1 is the
# call's, 2 the one after its loss: counting begins when the server has tried its model.
#
#   -c relay      on a ConversationRelay, in text; else on a media stream
#   -m, -2        a fault of the model, and of the second endpoint ("-": it has none)
#   -s, -p        a setting of the server, an option of the phone
#   -d            what is done meanwhile: `at N COMMAND`, once the caller says his N-th words
#   -t            the caller is put through to a person in the end
#   -e            how the call ends, if not by the agent's goodbye
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
fault cut-answered -m drop=1011:done2@1
fault cut-calling-tool -m drop=rst:tool@1
fault cut-with-tool -m drop=notify:speech2@1 -m first-delta-delay=900@1
fault cut-after-tool -m drop=rst:answer3@1
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
fault moderated -x -m fail=content_filter@1

# It is there, and is no use.
fault stalled-greeted -m drop=stall:done@1
fault stalled-answering -m drop=stall:answer2@1
fault silent -x -m silent@1 -m silent@2-
fault stuck-once -m stuck@1
fault halted -m halt@1
fault garbage -m garbage=text:speech2@1
fault garbage-half-frame -m garbage=cut-frame:done@1
fault garbage-giant -m garbage=giant:answer2@1
fault late -m first-delta-delay=2500@1
fault slow-reader -m read-rate=3000@1
fault expires -m expires=14@1
fault expires-untold -m expire=9@1
fault refuses-item -m drop=rst:answer3@1 -m refuse-item=assistant:1@2
fault refuses-call -m drop=rst:speech3@1 -m refuse-item=function_call:1@2
fault forgets-update -m drop=rst:speech@1 -m no-updated@2

# A second endpoint.
fault second-after-loss -m drop=rst:answer2@1 -m refuse=503@2- -2 -
fault second-at-once -m refuse=503@1- -2 -
fault second-after-quota -m error=quota:done2@1 -m refuse=429@2- -2 - -s OPENAI_API_KEY_2=not-a-real-secret-0123456789-2
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
fault relay-twilio-cut -c relay -p --fault -p cut@9000

# Ours.
fault sigterm -d 'at 2 kill -TERM "$SERVER"'
fault killed -x -d 'at 3 killed'
fault stopped-3s -d 'at 3 held'
fault stopped-3s-and-cut -m drop=rst:done3@1 -d 'at 3 held'
fault disk-full -d 'at 2 disk_full' -s RECORD=local -m drop=rst:speech3@1
fault no-descriptors -d 'at 2 no_descriptors' -m drop=rst:speech3@1
fault resolver-hangs -d 'at 2 meddle resolver' -m drop=rst:speech3@1
fault no-memory -x -d 'at 2 meddle memory 300'
fault clock-jumps -d 'at 2 meddle clock 7200' -m drop=rst:speech3@1
