#include "server/config/config_table.h"

#include "server/config/config.h"
#include "server/config/config_check.h"
#include "server/config/dialling.h"
#include "server/config/networks.h"

#include <stddef.h>

/* One row a setting. Each macro gives the type, the place in struct config, and the bounds that the
 * type has; everything else is named by its member. To add a setting: a member of struct config, a
 * row here in the group where a reader would look, and SETTINGS.md and .env.example printed anew
 * (`make docs`).
 *
 * `help` is printed as it stands, in --help, SETTINGS.md and .env.example: whole sentences for
 * somebody who has never seen the source. The range is added by config_print.c. `fallback` is
 * written as a person would write it, and takes the same way through the checks as a value from
 * outside.
 *
 * Names are a promise: people have them in .env files and compose files, so a row is never renamed. */
#define TEXT(field) SETTING_TEXT, .at = offsetof(struct config, field)
#define INT(field, from, to) SETTING_INT, .at = offsetof(struct config, field), .min = from, .max = to
#define REAL(field, from, to) SETTING_REAL, .at = offsetof(struct config, field), .min = from, .max = to
#define SWITCH(field) SETTING_SWITCH, .at = offsetof(struct config, field)
#define CHOICE(field, list) SETTING_CHOICE, .at = offsetof(struct config, field), .words = list
#define WORD(field, list) SETTING_WORD, .at = offsetof(struct config, field), .words = list
#define LIST(field, number, limit) \
	SETTING_LIST, .at = offsetof(struct config, field), .count = offsetof(struct config, number), .most = limit

enum { KEY_MOST = 4096 }; /* a token of Entra for Azure is one, too */

/* clang-format off */

/* A way to the model besides the first. */
#define ENDPOINT(n, i) \
	"OPENAI_REALTIME_URL" n, TEXT(others[i].url), .fallback = "", .most = 2048, .check = check_model_url, \
	  .help = "Another address of the model, in the same form, taken while those before it fail or are refused. What " \
	          "its other settings leave out is the first's; one that has a key or a model of its own only is at the " \
	          "first's address." }, \
	{ NULL, "OPENAI_API_KEY" n, TEXT(others[i].api_key), .fallback = "", .most = KEY_MOST, .secret = 1, .check = check_token, \
	  .help = "The key there. Endpoints that share one are left out together when it is refused, or its money spent. " \
	          "OPENAI_ORGANIZATION and OPENAI_PROJECT go with the first key only." }, \
	{ NULL, "OPENAI_AUTH" n, WORD(others[i].auth, "auto|bearer|api-key"), .fallback = "", \
	  .help = "How the key is sent there." }, \
	{ NULL, "OPENAI_MODEL" n, TEXT(others[i].model), .fallback = "", .most = 128, .check = check_name, \
	  .help = "The model there, or on Azure the deployment. Unset, the agent's." }, \
	{ NULL, "OPENAI_VOICE" n, TEXT(others[i].voice), .fallback = "", .most = 128, .check = check_name, \
	  .help = "The voice there. Unset, the agent's." }, \
	{ NULL, "OPENAI_AUDIO_FORMAT" n, WORD(others[i].audio_format, "pcmu|pcma|pcm"), .fallback = "", \
	  .help = "The format of sessions there." }, \
	{ NULL, "MODEL_PROTOCOL" n, WORD(others[i].protocol, "realtime|text"), .fallback = "", \
	  .help = "What is spoken there: realtime. A call does not go on with the text API, so that is refused." }, \
	{ NULL, "OPENAI_CA_FILE" n, TEXT(others[i].ca_file), .fallback = "", .check = check_path, \
	  .help = "PEM file of the authorities to trust there. Unset, the first's."

const struct setting config_table[] = {
	{ "Keys", "OPENAI_API_KEY", TEXT(openai_api_key), .fallback = "", .most = KEY_MOST, .secret = 1,
	  .check = check_token,
	  .help = "The key for the model. Needed for real calls, but with MODEL_PROTOCOL=text and TEXT_API_KEY." },
	{ NULL, "TWILIO_AUTH_TOKEN", LIST(twilio_auth_tokens, twilio_auth_token_count, CONFIG_TOKENS_MAX),
	  .fallback = "", .secret = 1, .check = check_token,
	  .help = "Twilio's auth token, with which it signs its requests. Several, comma-separated, while one is "
	          "being rotated. Needed for real calls." },
	{ NULL, "API_TOKEN", TEXT(api_token), .fallback = "", .secret = 1, .check = check_api_token,
	  .help = "What `Authorization: Bearer …` must carry to use the API, at least 16 characters. Without this and "
	          "API_JWT_SECRET a start makes one, in DATA_DIR/api-token." },
	{ NULL, "API_READ_TOKEN", TEXT(api_read_token), .fallback = "", .secret = 1, .check = check_read_token,
	  .help = "A second token, at least 16 characters, that may read (GET) and do nothing else." },
	{ NULL, "API_JWT_SECRET", TEXT(api_jwt_secret), .fallback = "", .secret = 1, .check = check_jwt_secret,
	  .help = "Besides or instead of API_TOKEN: the secret, at least 32 bytes, of JWTs (HS256, with exp) that "
	          "`Authorization: Bearer …` may carry. Their `scope` says what they may do: read, call or admin; "
	          "without one, all." },

	{ NULL, "SIGNING_SECRET", TEXT(signing_secret), .fallback = "", .secret = 1, .check = check_token,
	  .help = "Signs what is sent to agents' tools and webhooks, unless the agent names a secret of its own. "
	          "`openssl rand -hex 32` makes a good one." },

	/* Loopback by default: a fresh start on a laptop is reachable by its tunnel and by nobody
	 * else. */
	{ "The HTTP port", "LISTEN", TEXT(listen), .fallback = "127.0.0.1", .check = check_ipv4,
	  .help = "The IPv4 address to listen on; 0.0.0.0 for all. TLS is the business of a proxy in front." },
	{ NULL, "PORT", INT(port, 0, 65535), .fallback = "8080",
	  .help = "The port; 0 lets the system choose one, which is printed." },
	/* Twilio signs the URL it calls, so we must know it to the letter; forwarded headers are a
	 * guess. */
	{ NULL, "PUBLIC_URL", TEXT(public_url), .fallback = "", .check = check_public_url,
	  .help = "The address Twilio sees, as in https://phone.example.com. Signatures are checked against it. "
	          "Unset, X-Forwarded-Proto and X-Forwarded-Host are believed, from trusted proxies." },
	{ NULL, "TRUSTED_PROXIES", LIST(trusted_proxies, trusted_proxy_count, CONFIG_PROXIES_MAX),
	  .fallback = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16", .check = check_ipv4_net,
	  .help = "Whose X-Forwarded-For names the client (in the log, and where slow ones are cut off), and whose "
	          "X-Forwarded-Proto and -Host are believed when PUBLIC_URL is unset: IPv4 addresses or nets, "
	          "comma-separated." },
	{ NULL, "MAX_WATCHERS", INT(max_watchers, 1, 1000), .fallback = "16", .unit = "watchers",
	  .help = "Event streams and downloads at once. Each holds a thread of its own, beside those for calls." },

	{ "Twilio", "TWILIO_VALIDATE", SWITCH(twilio_validate), .fallback = "on",
	  .help = "Whether Twilio's signatures are checked. off is for tests: anyone who finds the port could then "
	          "spend your key." },
	{ NULL, "CHANNEL", CHOICE(channel, "stream|relay|gather"), .fallback = "stream",
	  .help = "How calls are carried. stream: Media Streams, the caller's sound. relay: ConversationRelay, where "
	          "Twilio hears and speaks, and text is exchanged. gather: "
	          "<Gather> and <Say>, turn by turn, with the text API." },
	{ NULL, "ALLOW_NETWORKS", LIST(allow_networks, allow_network_count, CONFIG_NETWORKS_MAX),
	  .fallback = "", .check = check_net,
	  .help = "The only networks that may ask /twilio/…, on top of the signature: IPv4 or IPv6 addresses or nets, "
	          "comma-separated. Behind a trusted proxy the client's address counts, not the proxy's. Unset, all may." },
	{ NULL, "STREAM_UNANNOUNCED", SWITCH(stream_unannounced), .fallback = "off",
	  .help = "Whether a signed stream is accepted on /twilio/stream or /twilio/relay that our own TwiML did not announce, for "
	          "people who write their own. The agent greets as its file says, so such a <ConversationRelay> should have "
	          "no welcomeGreeting." },
	{ NULL, "OVERFLOW_NUMBER", TEXT(overflow_number), .fallback = "", .check = check_e164,
	  .help = "The number dialled when every line is busy or the model is lost. Unset, or if nobody takes the call "
	          "there, callers hear so in words." },
	{ NULL, "FALLBACK", LIST(fallback, fallback_count, CONFIG_RUNGS_MAX), .fallback = "", .check = check_rung,
	  .help = "What is tried for a caller whom the agent cannot serve, or not any more, one after the other, "
	          "comma-separated: reconnect (a new stream), text (a conversation over the text model), dial (the agent's "
	          "fallback number), voicemail. none: callers hear so in words, which are the last in any case. Unset: "
	          "all of them in this order, without those that lack what they need." },
	{ NULL, "FALLBACK_URL", TEXT(fallback_url), .fallback = "", .check = check_public_url,
	  .help = "What Twilio is to ask when this server does not answer for a call that we place: a TwiML Bin, as a rule." },
	{ NULL, "TWILIO_ACCOUNT_SID", TEXT(twilio_account_sid), .fallback = "", .check = check_account_sid,
	  .help = "Twilio's account, AC…. Needed to place calls, and to record with Twilio." },
	{ NULL, "TWILIO_API_KEY_SID", TEXT(twilio_api_key_sid), .fallback = "", .check = check_key_sid,
	  .help = "An API key, SK…, to place calls with. Unset, the first TWILIO_AUTH_TOKEN is used." },
	{ NULL, "TWILIO_API_KEY_SECRET", TEXT(twilio_api_key_secret), .fallback = "", .secret = 1, .check = check_token,
	  .help = "The API key's secret." },
	/* Another host than Twilio's only makes sense for its regions and for tests. */
	{ NULL, "TWILIO_API_URL", TEXT(twilio_api_url), .fallback = "https://api.twilio.com", .check = check_api_url,
	  .help = "Where Twilio's REST API is: another for another region (https://api.dublin.ie1.twilio.com), or a "
	          "stand-in." },
	{ NULL, "OUTBOUND_CPS", REAL(outbound_cps, 0.1, 100), .fallback = "1", .unit = "calls/s",
	  .help = "How many calls are begun a second; what Twilio allows the account. The others queue." },
	{ NULL, "OUTBOUND_ALLOW", LIST(outbound_allow, outbound_allow_count, CONFIG_DIALLING_MAX), .fallback = "",
	  .check = check_dialling,
	  .help = "The beginnings of all numbers that are dialled, for calls, transfers and fallbacks alike: "
	          "+49,+4179; with a - those left out, as in -+49900; any for every number. The longest one decides. "
	          "+1 leaves out premium numbers and the countries beside the United States and Canada unless a longer "
	          "one (+1876) names them. Unset: the country codes of the agents' `numbers`, and without such numbers "
	          "nobody. SIP addresses in agents' files are always dialled." },
	{ NULL, "OUTBOUND_MAX_DAY", INT(outbound_max_day, 0, 1000000), .fallback = "500", .unit = "calls",
	  .help = "How many orders POST /calls takes a day (in TZ); then it answers 429. Transfers and fallbacks do not "
	          "count. 0 sets no limit." },

	{ "The model", "OPENAI_REALTIME_URL", TEXT(openai_url), .fallback = "wss://api.openai.com/v1/realtime",
	  .most = 2048, .check = check_model_url,
	  .help = "Where the model is. `model=` is added unless the URL names a model or deployment. The host must "
	          "be a name, not an IP address." },
	{ NULL, "MODEL_PROTOCOL", CHOICE(model_protocol, "realtime|text"), .fallback = "realtime",
	  .help = "What is spoken with the model. realtime: the Realtime API; with CHANNEL=relay in text. text: the "
	          "text API (TEXT_API), with CHANNEL=relay; with CHANNEL=gather always." },
	{ NULL, "OPENAI_AUTH", CHOICE(openai_auth, "auto|bearer|api-key"), .fallback = "auto",
	  .help = "How the key is sent. auto: as api-key to *.openai.azure.com, else as a bearer token." },
	{ NULL, "OPENAI_CA_FILE", TEXT(openai_ca_file), .fallback = "", .check = check_path,
	  .help = "PEM file of the authorities to trust instead of the system's." },
	{ NULL, "OPENAI_MODEL", TEXT(openai_model), .fallback = "gpt-realtime-2.1", .most = 128, .check = check_name,
	  .help = "The model, or on Azure the deployment." },
	{ NULL, "OPENAI_ORGANIZATION", TEXT(openai_organization), .fallback = "", .most = 128, .check = check_token,
	  .help = "Organisation to bill, if the key belongs to several." },
	{ NULL, "OPENAI_PROJECT", TEXT(openai_project), .fallback = "", .most = 128, .check = check_token,
	  .help = "Project to bill, if the key belongs to several." },
	{ NULL, "OPENAI_SAFETY_IDENTIFIER", TEXT(openai_safety_identifier), .fallback = "off", .none = "off",
	  .most = 64, .check = check_token,
	  .help = "Tells OpenAI one end user from another: caller (a hash of the number or name; none for callers who "
	          "withhold it), a text of yours, or off." },
	/* pcmu passes the telephone's bytes through unchanged in both directions. */
	{ NULL, "OPENAI_AUDIO_FORMAT", CHOICE(audio_format, "pcmu|pcma|pcm"), .fallback = "pcmu",
	  .help = "The format of the model session. pcmu is the telephone's own and costs nothing; pcm is 16 bit "
	          "at 24 kHz." },
	{ NULL, "OPENAI_VOICE", TEXT(voice), .fallback = "marin", .most = 128, .check = check_name,
	  .help = "The voice: a name, or voice_… for one of your own." },
	{ NULL, "OPENAI_SPEED", REAL(speed, 0.25, 1.5), .fallback = "1", .help = "How fast it speaks." },
	{ NULL, "INSTRUCTIONS", TEXT(instructions), .most = 65536, .check = check_prose, .fallback =
	  "You are a friendly assistant on the telephone. Answer in one or two short sentences, then let the caller "
	  "speak. Talk the way people talk on the phone: no lists, no markup, numbers and names said clearly. Speak "
	  "the caller's language. If you did not understand, say so and ask. If you do not know, say that; never "
	  "make anything up.",
	  .help = "What the model is told to be." },
	{ NULL, "INSTRUCTIONS_FILE", TEXT(instructions_file), .fallback = "", .check = check_path,
	  .help = "A text file to read the instructions from, at start; instead of INSTRUCTIONS." },
	/* Refused by --check; to serve it is only said, since calls can be answered without the hour. */
	{ NULL, "TZ", TEXT(time_zone), .fallback = "",
	  .help = "The time zone of {{now}} in instructions and greetings, as in Europe/Berlin. Unset, the system's; a "
	          "container has UTC. The offset in force is logged at start." },
	/* 0 in the struct stands for "inf", which the session takes as a word. */
	{ NULL, "MAX_OUTPUT_TOKENS", INT(max_output_tokens, 1, 4096), .none = "inf", .fallback = "4096", .unit = "tokens",
	  .help = "The longest answer; inf sets no limit." },
	{ NULL, "REASONING_EFFORT", WORD(reasoning_effort, "minimal|low|medium|high|xhigh"), .fallback = "",
	  .help = "How long the model thinks before it speaks. Unset, it decides; older models know no effort." },
	{ NULL, "MODEL_CONNECT_MS", INT(model_connect_ms, 100, 60000), .fallback = "5000", .unit = "ms",
	  .help = "Deadline for each step of reaching the model: name, connection, TLS, WebSocket, session. Once the "
	          "caller is there, all of them together have SILENCE_MAX_MS." },

	{ "When the model fails", "RECONNECT_TRIES", INT(reconnect_tries, 0, 20), .fallback = "3", .unit = "tries",
	  .help = "How often a call whose model was lost dials another session in a row, before it ends: at once, then after "
	          "pauses from 250 ms to 2 s. A session that answers begins the count anew. 0 ends the call at once." },
	{ NULL, "RECONNECT_SECONDS", INT(reconnect_seconds, 1, 60), .fallback = "10", .unit = "s",
	  .help = "The time for all of these tries together. Each has 2 s." },
	{ NULL, "GIVE_UP_SECONDS", INT(give_up_seconds, 2, 120), .fallback = "15", .unit = "s",
	  .help = "Ends a call whose caller has waited for so long, in silence, for a model that is not there, or does "
		  "not answer: not before SLOW_ANSWER_MAX_MS, nor while a tool runs." },
	{ NULL, "SESSION_RENEW_SECONDS", INT(session_renew_seconds, 10, 3500), .fallback = "3000", .unit = "s",
	  .help = "How long a session with the model is used. Before that is over the next one is opened and told the "
	          "conversation, and it takes over at a quiet moment. A service that says when a session ends is believed, if that is sooner." },
	{ NULL, "REPLAY_TOKENS", INT(replay_tokens, 100, 100000), .fallback = "8000", .unit = "tokens",
	  .help = "How much of the conversation a new session is told, the newest of it; the rest in one line." },
	{ NULL, ENDPOINT("_2", 0) },
	{ NULL, ENDPOINT("_3", 1) },

	{ "Listening", "TRANSCRIPTION_MODEL", TEXT(transcription_model), .fallback = "gpt-transcribe", .none = "off",
	  .most = 128, .check = check_name,
	  .help = "Writes down what the caller says, for /calls; off saves its cost." },
	{ NULL, "TRANSCRIPTION_LANGUAGE", TEXT(transcription_language), .fallback = "", .check = check_language,
	  .help = "The callers' language as an ISO-639-1 code, as in en. Unset, it is guessed." },
	{ NULL, "TURN_DETECTION", CHOICE(turn_detection, "server_vad|semantic_vad"), .fallback = "server_vad",
	  .help = "How the model knows that the caller has finished: by silence, or by the sense of what was said." },
	{ NULL, "VAD_THRESHOLD", REAL(vad_threshold, 0, 1), .fallback = "0.5",
	  .help = "server_vad: how loud speech must be. Higher for noisy lines." },
	{ NULL, "VAD_PREFIX_MS", INT(vad_prefix_ms, 0, 5000), .fallback = "300", .unit = "ms",
	  .help = "server_vad: how much audio before the first sound counts as speech." },
	{ NULL, "VAD_SILENCE_MS", INT(vad_silence_ms, 20, 10000), .fallback = "500", .unit = "ms",
	  .help = "server_vad: how much silence ends a turn." },
	{ NULL, "VAD_EAGERNESS", WORD(vad_eagerness, "auto|low|medium|high"), .fallback = "auto",
	  .help = "semantic_vad: how soon it answers." },
	{ NULL, "INTERRUPTIBLE", SWITCH(interruptible), .fallback = "on",
	  .help = "Whether a caller who speaks up stops the answer." },
	{ NULL, "NOISE_REDUCTION", WORD(noise_reduction, "near_field|far_field"), .fallback = "off", .none = "off",
	  .help = "Filters the caller's noise: near_field for a handset, far_field for hands-free." },

	{ "Greeting", "GREETING_MODE", CHOICE(greeting_mode, "instruction|exact|wait"), .fallback = "instruction",
	  .help = "Who speaks first: the model, following GREETING; the model, asked to say GREETING word for word; or "
	          "the caller." },
	{ NULL, "GREETING", TEXT(greeting), .most = 8192, .check = check_prose,
	  .fallback = "Greet the caller in one short sentence and ask how you can help.",
	  .help = "The instruction for the greeting, or with GREETING_MODE=exact the words." },
	{ NULL, "GREETING_PROTECT_MS", INT(greeting_protect_ms, 0, 60000), .fallback = "0", .unit = "ms",
	  .help = "For how long the greeting cannot be interrupted." },

	{ "Fixed lines", "VOICE_CACHE", SWITCH(voice_cache), .fallback = "on",
	  .help = "Whether an agent's fixed lines (a greeting in exact words without variables, and phrases like \"One moment, "
	          "please.\") are said in advance by the realtime model, each by a session of its own, and kept, in memory and with "
	          "DATA_DIR in its folder voice. That costs about as much as the same words in a call, once." },
	{ NULL, "VOICE_RATE", INT(voice_rate, 1, 600), .fallback = "20", .unit = "lines a minute",
	  .help = "How many are made a minute at most, one at a time." },

	{ "Agents", "AGENTS_DIR", TEXT(agents_dir), .fallback = "",
	  .help = "The directory of agent files, NAME.json each. Unset, one agent answers every number, made of the "
	          "settings above, which are also what a file leaves out." },

	{ "A call", "MAX_CALLS", INT(max_calls, 1, 5000), .fallback = "100", .unit = "calls",
	  .help = "Calls at once, those still being set up included. The next one hears that all lines are busy." },
	{ NULL, "MAX_CALLS_PER_CALLER", INT(max_calls_per_caller, 0, 5000), .fallback = "3", .unit = "calls",
	  .help = "Calls at once from one number; the next one hears that. All who withhold theirs count as one caller. "
	          "0 sets no limit. Calls that are placed do not count." },
	{ NULL, "MAX_CALLS_PER_CALLER_HOUR", INT(max_calls_per_caller_hour, 0, 100000), .fallback = "30", .unit = "calls",
	  .help = "The same for calls begun within an hour, by steps of five minutes. A restart forgets them." },
	{ NULL, "BLOCK_CALLERS", LIST(block_callers, block_caller_count, CONFIG_CALLERS_MAX),
	  .fallback = "", .check = check_caller,
	  .help = "Callers who hear that they are not served, comma-separated: numbers or their beginnings "
	          "(+12025550123, +49170*), client:NAME, sip:USER@HOST, and withheld for all who withhold their number." },
	{ NULL, "ALLOW_CALLERS", LIST(allow_callers, allow_caller_count, CONFIG_CALLERS_MAX),
	  .fallback = "", .check = check_caller,
	  .help = "The only callers who are answered, in the same form; BLOCK_CALLERS counts first. Unset, all are." },
	/* 100 s less than the session's hour: for its setup before the caller is there, and for a
	 * goodbye. */
	{ NULL, "MAX_CALL_SECONDS", INT(max_call_seconds, 1, 14100), .fallback = "3500", .unit = "s",
	  .help = "The longest call. 20 s before its end (at half-time of one under 40 s) the agent says goodbye, and the call "
	          "ends with it. Twilio carries a call for four hours at most." },
	{ NULL, "IDLE_SECONDS", INT(idle_seconds, 0, 3600), .fallback = "120", .unit = "s",
	  .help = "Ends a call in which nobody has spoken for so long; 0 never does." },
	{ NULL, "REPROMPT_SECONDS", INT(reprompt_seconds, 0, 3600), .fallback = "10", .unit = "s",
	  .help = "After so long a silence of both sides, counted from the end of what the caller heard, the agent asks whether "
	          "the caller is still there; after two such questions in a row it says goodbye. 0 never asks. With "
	          "CHANNEL=gather 7, 14 … s, rounded down, or less than 7 as it is." },
	{ NULL, "HOLD_MUSIC_SECONDS", INT(hold_music_seconds, 0, 3600), .none = "off", .fallback = "120", .unit = "s",
	  .help = "The same for a caller who is heard for so long, and of whom nothing is understood: music, as a rule. Needs "
	          "TRANSCRIPTION_MODEL, or CHANNEL=relay." },
	{ NULL, "SILENCE_MAX_MS", INT(silence_max_ms, 100, 60000), .fallback = "4000", .unit = "ms",
	  .help = "How long a caller who waits hears nothing: after the call began, after his own words, or in the "
	          "middle of an answer. Then the model is asked again, and after that he hears an apology." },
	{ NULL, "SLOW_ANSWER_MAX_MS", INT(slow_answer_max_ms, 100, 120000), .fallback = "8000", .unit = "ms",
	  .help = "The same for an answer of which there is a sign, but no sound yet; after SILENCE_MAX_MS of it the "
	          "agent asks for a moment. At least SILENCE_MAX_MS." },
	{ NULL, "HOLD_AFTER_MS", INT(hold_after_ms, 0, 60000), .fallback = "2500", .unit = "ms",
	  .help = "After so long a wait in silence, whatever it is for, the caller is asked for a moment, if the agent's "
	          "words for it are in the voice cache, at most every 8 s; between, or else, he hears a soft tone of "
	          "200 ms every 2 s. On a relay he is asked for a moment, again after as long a silence. 0 does nothing." },
	/* Twilio sends a frame every 20 ms, in silence too, so a pause means that the stream is
	 * dead. */
	{ NULL, "STREAM_SILENT_SECONDS", INT(stream_silent_seconds, 1, 600), .fallback = "15", .unit = "s",
	  .help = "A stream from which no audio frame has come for so long is lost." },
	{ NULL, "STREAM_GRACE_MS", INT(stream_grace_ms, 0, 10000), .fallback = "5000", .unit = "ms",
	  .help = "So long a call whose stream was lost waits for the next one, with its session kept, if its agent's "
	          "`fallback` begins with reconnect; 0 ends it at once." },
	{ NULL, "DRAIN_SECONDS", INT(drain_seconds, 0, 3600), .fallback = "30", .unit = "s",
	  .help = "How long live calls may go on after SIGTERM. docker stop kills after 10 s unless told otherwise." },
	/* Three tries to have another session, of 2 s each, and the pauses between them are 6.75 s. */
	{ NULL, "BACKLOG_MS", INT(backlog_ms, 100, 30000), .fallback = "8000", .unit = "ms",
	  .help = "How much of the caller's audio is kept until the model is ready, or in case its session is lost; "
	          "older audio is dropped." },
	/* The valve for overload (uplink.c); its enum has the same order. */
	{ NULL, "UPLINK_BATCH_MS", CHOICE(uplink_batch, "auto|20|40"), .fallback = "auto",
	  .help = "How much caller audio is sent to the model at a time. 40 saves a third of the CPU and costs up to "
	          "20 ms; auto does so only while audio runs late." },
	/* More lead hides a worse network; less makes an interruption cleaner, as less is at the
	 * phone already. */
	{ NULL, "PLAYOUT_LEAD_MS", INT(playout_lead_ms, 20, 5000), .fallback = "400", .unit = "ms",
	  .help = "How far ahead of the caller's ear answers are sent to Twilio." },

	{ "Other people's servers", "HTTPS_CA_FILE", TEXT(https_ca_file), .fallback = "", .check = check_path,
	  .help = "PEM file of the authorities to trust, instead of the system's, when tools, webhooks and Twilio are "
	          "asked over https." },
	{ NULL, "TOOL_THREADS", INT(tool_threads, 1, 64), .fallback = "8",
	  .help = "How many things that a caller waits for (tools, searches, transfers) are done at once." },
	{ NULL, "JOB_THREADS", INT(job_threads, 1, 64), .fallback = "4",
	  .help = "How many that nobody waits for: summaries, upkeep." },
	{ NULL, "WEBHOOK_THREADS", INT(webhook_threads, 1, 64), .fallback = "8",
	  .help = "How many webhooks are sent at once; two of them at most to one host." },
	{ NULL, "OUTBOX_GIVE_UP_SECONDS", INT(outbox_give_up_seconds, 1, 604800), .fallback = "86400", .unit = "s",
	  .help = "How long a webhook is tried before it is parked." },

	{ "The text model", "TEXT_MODEL", TEXT(text_model), .fallback = "gpt-5.6-luna", .most = 128, .check = check_name,
	  .help = "The text model: it fills in a call's record from its transcript, and answers calls with "
	          "MODEL_PROTOCOL=text, unless their agent names another; on Azure the deployment." },
	{ NULL, "TEXT_API", CHOICE(text_api, "responses|chat"), .fallback = "responses",
	  .help = "What is spoken with it: OpenAI's Responses API, or Chat Completions, which other services speak, "
	          "too." },
	{ NULL, "TEXT_API_URL", TEXT(text_api_url), .fallback = "", .most = 2048, .check = check_text_url,
	  .help = "Where it is. Unset: /v1/responses (or /v1/chat/completions) on the host of OPENAI_REALTIME_URL, on "
	          "Azure /openai/v1/…." },
	{ NULL, "TEXT_API_KEY", TEXT(text_api_key), .fallback = "", .most = KEY_MOST, .secret = 1, .check = check_token,
	  .help = "The key for it. Unset: OPENAI_API_KEY." },

	{ "Records", "RECORD_RETRY_SECONDS", INT(record_retry_seconds, 1, 86400), .fallback = "60", .unit = "s",
	  .help = "How long after a record could not be filled in it is tried again, once." },

	{ "Messages", "VOICEMAIL_MODEL", TEXT(voicemail_model), .fallback = "gpt-transcribe", .none = "off", .most = 128,
	  .check = check_name,
	  .help = "Writes down the messages that callers leave; off leaves them as sound. On Azure the deployment. Without a key Twilio writes them "
	          "down (English, two minutes at most, at its price)." },
	{ NULL, "VOICEMAIL_API_URL", TEXT(voicemail_api_url), .fallback = "", .most = 2048, .check = check_text_url,
	  .help = "Where it is. Unset: /v1/audio/transcriptions on the host of OPENAI_REALTIME_URL, on Azure "
	          "/openai/v1/…." },
	{ NULL, "VOICEMAIL_API_KEY", TEXT(voicemail_api_key), .fallback = "", .most = KEY_MOST, .secret = 1,
	  .check = check_token, .help = "The key for it. Unset: OPENAI_API_KEY." },
	{ NULL, "VOICEMAIL_GIVE_UP_SECONDS", INT(voicemail_give_up_seconds, 1, 86400), .fallback = "600", .unit = "s",
	  .help = "How long it is tried to fetch a message from Twilio and to have it written down, before voicemail.left "
	          "tells of it as it is." },

	{ "What is kept", "DATA_DIR", TEXT(data_dir), .fallback = "",
	  .help = "The directory for the database of calls, for recordings and fixed lines; made if its parent is there. Unset, "
	          "nothing is kept over a restart. `make run` takes data, the image /data." },
	{ NULL, "RETAIN_DAYS", INT(retain_days, 0, 36500), .fallback = "90", .unit = "days",
	  .help = "Calls and all that belongs to them are deleted so long after their end; 0 keeps them for ever." },

	{ "Recording", "RECORD", CHOICE(record, "off|local|twilio"), .fallback = "off",
	  .help = "Whether calls are recorded, for agents that do not say: off, local (a stereo WAV in DATA_DIR), or "
	          "twilio (Twilio records and keeps it). Tell callers where the law wants it." },

	{ "Money", "PRICES_FILE", TEXT(prices_file), .fallback = "", .check = check_path,
	  .help = "A JSON file of prices in place of the built-in ones; server/GUIDE.md shows one." },
	{ NULL, "RELAY_MINUTE_PRICE", REAL(relay_minute_price, 0, 100), .fallback = "0", .unit = "USD",
	  .help = "What Twilio bills for a minute of ConversationRelay, by your contract. 0 is unset: the cost of such calls "
	          "lacks it and is marked as incomplete (unpriced)." },
	{ NULL, "MAX_CALL_COST", REAL(max_call_cost, 0, 10000), .fallback = "0", .unit = "USD",
	  .help = "When a call's estimated cost passes this, the agent says goodbye; 0 sets no limit." },
	{ NULL, "MAX_DAY_COST", REAL(max_day_cost, 0, 100000), .fallback = "0", .unit = "USD",
	  .help = "What a day (in TZ) may cost: a new call is refused if it would pass this, with what calls that are up "
	          "may still cost; 0 sets no limit." },

	{ "Logging", "LOG_FORMAT", CHOICE(log_format, "text|json"), .fallback = "text", .help = "How a log line looks." },
	{ NULL, "LOG_LEVEL", CHOICE(log_level, "error|warn|info|debug"), .fallback = "info",
	  .help = "The least that is logged. debug tells of every frame." },
	{ NULL, "CORE_DUMPS", SWITCH(core_dumps), .fallback = "off",
	  .help = "Whether a crash may leave a core dump and the user's other programs may read the memory: keys, and "
	          "what callers said, are in it." },
	{ .name = NULL },
};
/* clang-format on */
