# One row: what the phone heard, what the model knows at the end, what the record says.
#
#   jq -n --argjson plan PLAN --slurpfile phone F --slurpfile call F --slurpfile models F -f judge.jq
#
# `models` is one array of their reports.
#
# The plan has the fault's name and bar, the words of the greeting, and for each turn of the caller
# those of the answer. Words are chirps (tools/kit/chirp.h), each of them used once in a call.

def words: ascii_downcase | [scan("\\b(?:ba|de|fi|go|ku|la|me|ni|po|ru){3}\\b")];
# The begin of a word that was torn: it begins again before it could have been over, where somebody was so late.
def torn($at; $i; $late): $i > 0 and .[$i] == .[$i - 1] and ($at[$i] // infinite) - ($at[$i - 1] // 0) < 372 + $late;
def lacks($there): . - $there;
# Runs of four or more that were there before.
def doubled: . as $all
	| reduce range(length) as $i ({ seen: {}, run: 0, times: 0 };
		.run = (if .seen[$all[$i]] then .run + 1 else 0 end)
		| .times += (if .run == 4 then 1 else 0 end)
		| .seen[$all[$i]] = true)
	| .times;

# The words of a turn, and when each was over, by its place in the sound.
def timed: (.words | words) as $all | .begin_ms as $from | (.voice_end_ms - $from) as $long
	| range($all | length) as $i | { word: $all[$i], at: ($from + $long * ($i + 1) / ($all | length)) };

($phone[0].calls[0] // {}) as $heard_by
| ($call[0] // {}) as $record
# From the end of a session to the beginning of the next there was none.
| ([$record.sessions[]?] as $all | [range($all | length) as $i | $all[$i]
	| select(.to_ms != null and .ended != "call_ended")
	| { from: .to_ms, to: ($all[$i + 1].from_ms // infinite) }]) as $gaps
| ($heard_by.heard.words // "" | words) as $heard
| [$heard_by.turns[]? | select(.voice_end_ms != null) | .words // empty | words] as $turns
| ($turns | add // []) as $spoken
# How late the phone was at most. What it counted then as silence was its own, and so was a hole in which the server
# padded the caller's words; what it sent late is whole all the same.
| ($phone[0].load.send_late.max_us // 0 | . / 1000 | floor) as $held_up
| ($held_up > 250) as $late
# Then the server's clock counts: from the end of what was said, by anybody, to the beginning of what the agent said
# next, and half a second: so much later is it known that a caller is done, or that a relay speaks. It knows nothing of
# tones, and of words to hold the line.
| ([$record.turns[]? | { agent: (.who == "agent"), from: .at_ms, to: (.at_ms + (.heard_ms // 0)) }
		| select((.agent | not) or .to > .from)] | sort_by(.from)) as $said
| ([range(1; $said | length) as $i | select($said[$i].agent) | $said[$i].from - $said[$i - 1].to,
	if $said[-1].agent == false then ($record.seconds // 0) * 1000 - $said[-1].to else empty end] | max // 0 | . + 500) as $waited
# The call's last session that was told or heard anything: what the agent knows. Of one that outlived its server the
# record does not name all.
| [$models[0][] | .per_session[] | select(.upgraded and (.conversation | length) > 0)] as $sessions
| ([$sessions[] | select(.session | IN($record.sessions[]?.id))] | last // ($sessions | last)) as $session
| ([$session.conversation[]? | select(.role == "user") | .content[]?.text // empty | words]
	+ [$session.turns[]? | select(.item_id | IN($session.deletes[]?) | not) | .transcript // "" | words] | add // []) as $known
| [$heard_by.turns[]? | select(.voice_end_ms != null and .words != null) | timed
	| select(.at as $at | any($gaps[]; .from <= $at and $at <= .to)) | .word] as $away
| ($plan.greeting | words) as $greeting
| ([$greeting] + [range($turns | length) as $i | $plan.answers[$i] // "" | words] | add) as $due
| [$record.turns[]? | select(.who == "caller") | .text // "" | words] | (add // []) as $written
| [$record.turns[]? | select(.who == "agent") | .heard_text // .text // "" | words] | (add // []) as $claimed
| {
	name: $plan.name,
	bar: $plan.bar,
	silence_ms: (if $late then $waited else $heard_by.heard.longest_silence_ms // 0 end),
	silence_by: (if $late then "server" else "phone" end),
	not_judged: ([if $late and $plan.bar != "goes down" and $plan.tones > 0 then "silence" else empty end,
		if $late and $plan.bar == "goes on" and ($record.audio | (.padded_ms // 1) + (.dropped_ms // 1)) > 0 then "lost words"
		else empty end] | join(", ")),
	away: ($away | length),
	lost_away: ($away | lacks($known) | length),
	lost: ($spoken | lacks($known) | lacks($away) | length),
	lost_of_agent: ($due | lacks($heard) | length),
	doubled: ($known | doubled),
	doubled_of_agent: ($heard | doubled),
	greetings: ([range($heard | length) as $i | $heard
		| select(.[$i] == $greeting[0] and (torn($heard_by.heard.at // []; $i; [$held_up, $record.audio.late_max_ms // 0] | max) | not))] | length),
	turns: ($turns | length),
	first_audio_ms: $heard_by.first_audio_ms,
	ended: ($heard_by.end // "?"),
	told: ($heard_by.said // ""),
	heard: ([($heard | join(" ")), ($heard_by.said // "" | split("\n")[])] | map(select(. != "")) | join(" / ")),
	rungs: $plan.went,
	ending: ($record.ending.reason // "none"),
	unwritten: ($spoken | lacks($written) | length),
	claimed: ($claimed | lacks($heard) | length),
	reconnected: ($record.model.reconnects // ($record.sessions // [] | length) // 0),
	held_up_ms: $held_up,
	recorded: $record.recording.state,
	server: $plan.server
}
| (.silence_ms > $plan.silent_ms and (.not_judged | contains("silence") | not)) as $silent
| .red = ([
	if .ending == "none" then "no ending" else empty end,
	if .server != 0 then "the server ended with \(.server)" else empty end,
	if $plan.trouble != "" then $plan.trouble else empty end,
	if $plan.disk and (.recorded // "completed") != "completed" then "the recording is \(.recorded)" else empty end,
	if .doubled_of_agent > 0 then "an answer twice" else empty end,
	if $plan.hears != "-" and ($heard | join(" ")) != $plan.hears then "on the stream was heard: \($heard | join(" "))" else empty end,
	if $plan.spoilt != "" and $plan.bar == "goes on" and $heard != $due then "not heard as it should be: \($heard - $due) for \($due - $heard)" else empty end,
	# Less than the model takes, which says nothing for 2 s.
	if $plan.spoilt != "" and $plan.bar == "goes on" and (.first_audio_ms // infinite) > $plan.silent_ms / 3 then "the greeting came after \(.first_audio_ms) ms" else empty end,
	if $plan.bar == "goes down" then
		if $plan.went != $plan.rungs then "it went down by: \($plan.went)" else empty end,
		if .ended == "caller" then "the caller gave up" else empty end,
		# Who waits long is told so again.
		([.told | split("\n")[] | select(. != "" and . != "One moment, please.")] as $said
			| if ($said | unique | length) < ($said | length) then "the same words twice" else empty end),
		if ([.told | scan("(?i)sorry")] | length) > 1 then "an apology twice" else empty end,
		if .silence_ms > $plan.silent_ms then "silent too long" else empty end,
		# Whoever is not with the agent in the end, but with a person, a machine or words, left it by a fault of the model's.
		if $plan.went | test("(^|text|reconnect)$") then
			if .ending != $plan.ending then "it did not go on" else empty end
		elif .ending | startswith("model_") | not then "it did not end by the model" else empty end
	else empty end,
	if .greetings > 1 then "the greeting twice" else empty end,
	if $plan.bar == "goes on" then
		if $silent then "silent too long" else empty end,
		if .lost + .lost_away > 0 and (.not_judged | contains("words") | not) then "the caller's words are lost" else empty end,
		if .claimed > 1 then "the record claims \(.claimed) words nobody heard" else empty end,
		if .doubled > 0 then "the caller's words are there twice" else empty end,
		if .ending != $plan.ending then "it did not go on" else empty end
	elif $plan.bar == "goes down" then empty
	else
		if .ended == "caller" then "the caller gave up" else empty end,
		if $silent then "silent too long" else empty end,
		if .ended == "server" and .ending != $plan.ending and .told == "" then "it ended without words" else empty end
	end
] | join("; "))
