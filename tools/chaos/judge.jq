# One row: what the phone heard, what the model knows at the end, what the record says.
#
#   jq -n --argjson plan PLAN --slurpfile phone F --slurpfile call F --slurpfile models F… -f judge.jq
#
# The plan has the fault's name and bar, the words of the greeting, and for each turn of the caller
# those of the answer. Words are chirps (tools/kit/chirp.h), each of them used once in a call.

def words: ascii_downcase | [scan("\\b(?:ba|de|fi|go|ku|la|me|ni|po|ru){3}\\b")];
def lacks($there): . - $there;
# Runs of four or more that were there before.
def doubled: . as $all
	| reduce range(length) as $i ({ seen: {}, run: 0, times: 0 };
		.run = (if .seen[$all[$i]] then .run + 1 else 0 end)
		| .times += (if .run == 4 then 1 else 0 end)
		| .seen[$all[$i]] = true)
	| .times;

($phone[0].calls[0] // {}) as $heard_by
| ($call[0] // {}) as $record
| ($heard_by.heard.words // "" | words) as $heard
| [$heard_by.turns[]? | select(.voice_end_ms != null) | .words // empty | words] as $turns
| ($turns | add // []) as $spoken
# How much longer than its sound an utterance took: the phone was kept from speaking, and words fell apart.
| ([$heard_by.turns[]? | select(.voice_end_ms != null and .words != null)
	| .voice_end_ms - .begin_ms - (.words | length) * 62] | max // 0 | floor) as $held_up
# The last session that was told or heard anything: what the agent knows.
| ([$models[] | .per_session[] | select(.upgraded and (.conversation | length) > 0)] | last) as $session
| ([$session.conversation[]? | select(.role == "user") | .content[]?.text // empty | words]
	+ [$session.turns[]?.transcript // "" | words] | add // []) as $known
| ($plan.greeting | words) as $greeting
| ([$greeting] + [range($turns | length) as $i | $plan.answers[$i] // "" | words] | add) as $due
| [$record.turns[]? | select(.who == "caller") | .text // "" | words] | (add // []) as $written
| [$record.turns[]? | select(.who == "agent") | .heard_text // .text // "" | words] | (add // []) as $claimed
| {
	name: $plan.name,
	bar: $plan.bar,
	silence_ms: ($heard_by.heard.longest_silence_ms // 0),
	lost: ($spoken | lacks($known) | length),
	lost_of_agent: ($due | lacks($heard) | length),
	doubled: ($known | doubled),
	doubled_of_agent: ($heard | doubled),
	greetings: ([$heard[] | select(. == $greeting[0])] | length),
	turns: ($turns | length),
	ended: ($heard_by.end // "?"),
	told: ($heard_by.said // ""),
	ending: ($record.ending.reason // "none"),
	unwritten: ($spoken | lacks($written) | length),
	claimed: ($claimed | lacks($heard) | length),
	reconnected: ($record.model.reconnects // ($record.sessions // [] | length) // 0),
	held_up_ms: $held_up,
	server: $plan.server
}
| .red = ([
	if .ending == "none" then "no ending" else empty end,
	if .server != 0 then "the server ended with \(.server)" else empty end,
	if .doubled_of_agent > 0 then "an answer twice" else empty end,
	if .greetings > 1 then "the greeting twice" else empty end,
	if $plan.bar == "goes on" then
		if .held_up_ms <= 250 then
			if .silence_ms > $plan.silent_ms then "silent too long" else empty end,
			if .lost > 0 then "the caller's words are lost" else empty end
		else empty end,
		if .claimed > 1 then "the record claims \(.claimed) words nobody heard" else empty end,
		if .doubled > 0 then "the caller's words are there twice" else empty end,
		if .ending != $plan.ending then "it did not go on" else empty end
	else empty end
] | join("; "))
