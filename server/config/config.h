#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H
/* Settings: one struct, one table.
 *
 * Read from the environment once, at start; constant after, so any thread may
 * read them. The table in config_table.c gives name, type, range, default, unit and
 * help; --help and SETTINGS.md are printed from it. Strings are owned
 * by the config and never NULL ("" when unset).
 */
#include "audio/format.h"
#include "common/buf.h"
#include "common/log.h"
#include "server/config/networks.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CONFIG_TOKENS_MAX = 8,
	CONFIG_PROXIES_MAX = 16,
	CONFIG_NETWORKS_MAX = 256,
	CONFIG_CALLERS_MAX = 1000,
	CONFIG_DIALLING_MAX = 64,
	CONFIG_RUNGS_MAX = 4,
	CONFIG_ENDPOINTS_MAX = 3,
	API_TOKEN_SIZE = 1025 /* with its NUL */
};

enum call_channel { CHANNEL_STREAM, CHANNEL_RELAY, CHANNEL_GATHER };
enum model_kind { MODEL_KIND_REALTIME, MODEL_KIND_TEXT };

enum text_api { TEXT_API_RESPONSES, TEXT_API_CHAT };
enum greeting_mode { GREETING_INSTRUCTION, GREETING_EXACT, GREETING_WAIT };
enum uplink_batch { UPLINK_AUTO, UPLINK_20, UPLINK_40 };
enum openai_auth { OPENAI_AUTH_AUTO, OPENAI_AUTH_BEARER, OPENAI_AUTH_API_KEY };
enum turn_detection { TURN_SERVER_VAD, TURN_SEMANTIC_VAD };
enum recording_mode { RECORDING_OFF, RECORDING_LOCAL, RECORDING_TWILIO };

/* A way to the model besides the first: the settings that end in _2, or _3. What is "" is the
 * first's. */
struct config_endpoint {
	const char *url, *api_key, *auth, *audio_format;
	const char *model, *voice; /* what is "" is the agent's */
	const char *protocol;      /* MODEL_PROTOCOL_n: realtime|text; "": realtime */
	const char *ca_file;       /* OPENAI_CA_FILE_n; "": the first's */
};

struct config {
	/* The HTTP port */
	const char *listen;                              /* LISTEN, an IPv4 address: 127.0.0.1 */
	int port;                                        /* PORT: 8080; 0 lets the system choose */
	const char *public_url;                          /* PUBLIC_URL, no trailing slash: what Twilio sees */
	const char *trusted_proxies[CONFIG_PROXIES_MAX]; /* TRUSTED_PROXIES; ask config_trusts */
	size_t trusted_proxy_count;
	const char *signing_secret; /* SIGNING_SECRET; "": none */
	const char *api_token;      /* API_TOKEN, or what api_token_open made of its absence */
	const char *api_read_token; /* API_READ_TOKEN; "": none */
	const char *api_jwt_secret; /* API_JWT_SECRET; "": no JWTs */
	int max_watchers;           /* MAX_WATCHERS: 16; event streams and downloads at once */

	/* Twilio */
	const char *twilio_auth_tokens[CONFIG_TOKENS_MAX]; /* TWILIO_AUTH_TOKEN, comma-separated */
	size_t twilio_auth_token_count;
	bool twilio_validate;                            /* TWILIO_VALIDATE=on|off */
	enum call_channel channel;                       /* CHANNEL=stream|relay|gather */
	const char *allow_networks[CONFIG_NETWORKS_MAX]; /* ALLOW_NETWORKS; none: all. Ask config_allows */
	size_t allow_network_count;
	bool stream_unannounced;                /* STREAM_UNANNOUNCED=off */
	const char *overflow_number;            /* OVERFLOW_NUMBER, E.164 or "" */
	const char *fallback[CONFIG_RUNGS_MAX]; /* FALLBACK; see agents/fallback.h */
	size_t fallback_count;
	const char *fallback_url;          /* FALLBACK_URL, "" none */
	const char *twilio_account_sid;    /* TWILIO_ACCOUNT_SID; "": no outbound calls */
	const char *twilio_api_key_sid;    /* TWILIO_API_KEY_SID; "": the first of TWILIO_AUTH_TOKEN is used */
	const char *twilio_api_key_secret; /* TWILIO_API_KEY_SECRET */
	const char *twilio_api_url;        /* TWILIO_API_URL, no trailing slash */
	double outbound_cps;               /* OUTBOUND_CPS: 1; calls begun a second */
	int outbound_max_day;              /* OUTBOUND_MAX_DAY: 500; 0 (none) */
	const char *outbound_allow[CONFIG_DIALLING_MAX]; /* OUTBOUND_ALLOW; see dialling.h, and ask agents_may_dial */
	size_t outbound_allow_count;

	/* The model */
	const char *openai_api_key;
	const char *openai_url;               /* OPENAI_REALTIME_URL */
	enum model_kind model_protocol;       /* MODEL_PROTOCOL=realtime|text */
	enum openai_auth openai_auth;         /* OPENAI_AUTH */
	const char *openai_ca_file;           /* OPENAI_CA_FILE; "": system bundle */
	const char *openai_model;             /* OPENAI_MODEL: gpt-realtime-2.1 */
	const char *openai_organization;      /* OPENAI_ORGANIZATION */
	const char *openai_project;           /* OPENAI_PROJECT */
	const char *openai_safety_identifier; /* OPENAI_SAFETY_IDENTIFIER: "" (off) | caller (hashed number) | text */
	enum audio_format audio_format;       /* OPENAI_AUDIO_FORMAT: pcmu */
	const char *voice;                    /* OPENAI_VOICE: marin */
	struct config_endpoint others[CONFIG_ENDPOINTS_MAX - 1]; /* ask config_has_endpoint */
	double speed;                                            /* OPENAI_SPEED: 1.0 (0.25..1.5) */
	const char *instructions;                                /* INSTRUCTIONS, or the text of INSTRUCTIONS_FILE */
	const char *instructions_file;                           /* INSTRUCTIONS_FILE: read at start; "" if unused */
	const char *time_zone;                                   /* TZ, as in Europe/Berlin; "": the system's */
	const char *transcription_model;    /* TRANSCRIPTION_MODEL: gpt-transcribe; "off" gives "" */
	const char *transcription_language; /* TRANSCRIPTION_LANGUAGE: "" or ISO-639-1 */
	enum turn_detection turn_detection; /* TURN_DETECTION: server_vad */
	double vad_threshold;               /* VAD_THRESHOLD: 0.5 */
	int vad_prefix_ms;                  /* VAD_PREFIX_MS: 300 */
	int vad_silence_ms;                 /* VAD_SILENCE_MS: 500 */
	const char *vad_eagerness;          /* VAD_EAGERNESS: auto */
	bool interruptible;                 /* INTERRUPTIBLE=on: callers may interrupt answers */
	const char *noise_reduction;        /* NOISE_REDUCTION: "" (off), near_field, far_field */
	const char *reasoning_effort;       /* REASONING_EFFORT: "" leaves it to the model */
	int max_output_tokens;              /* MAX_OUTPUT_TOKENS: 4096; 0 for "inf" */
	int model_connect_ms;               /* MODEL_CONNECT_MS: 5000, each step of dialling */
	int reconnect_tries;                /* RECONNECT_TRIES: 3; 0: a lost model ends the call */
	int reconnect_seconds;              /* RECONNECT_SECONDS: 10, for all of them */
	int give_up_seconds;                /* GIVE_UP_SECONDS: 15, of a caller's waiting */
	int session_renew_seconds;          /* SESSION_RENEW_SECONDS: 3000 */
	int replay_tokens;                  /* REPLAY_TOKENS: 8000 */
	enum greeting_mode greeting_mode;   /* GREETING_MODE=instruction|exact|wait */
	const char *greeting;               /* GREETING: the instruction, or the exact words */
	int greeting_protect_ms;            /* GREETING_PROTECT_MS: 0 */
	bool voice_cache;                   /* VOICE_CACHE=on: fixed lines are made in advance */
	int voice_rate;                     /* VOICE_RATE: 20 of them a minute at most */

	/* Agents */
	const char *agents_dir; /* AGENTS_DIR; "": only the built-in one, made of the settings */

	/* A call */
	int max_calls;                                 /* MAX_CALLS: 100 */
	int max_calls_per_caller;                      /* MAX_CALLS_PER_CALLER: 3 at once; 0 sets no limit */
	int max_calls_per_caller_hour;                 /* MAX_CALLS_PER_CALLER_HOUR: 30; 0 sets no limit */
	const char *block_callers[CONFIG_CALLERS_MAX]; /* BLOCK_CALLERS; see phone/party.h */
	size_t block_caller_count;
	const char *allow_callers[CONFIG_CALLERS_MAX]; /* ALLOW_CALLERS; none: all */
	size_t allow_caller_count;
	int max_call_seconds;           /* MAX_CALL_SECONDS: 3500, at most 14100 */
	int idle_seconds;               /* IDLE_SECONDS: 120; 0 never */
	int reprompt_seconds;           /* REPROMPT_SECONDS: 10; 0 never */
	int hold_music_seconds;         /* HOLD_MUSIC_SECONDS: 120; 0 never */
	int silence_max_ms;             /* SILENCE_MAX_MS: 4000 */
	int slow_answer_max_ms;         /* SLOW_ANSWER_MAX_MS: 8000; never below silence_max_ms */
	int hold_after_ms;              /* HOLD_AFTER_MS: 2500; 0 never */
	int stream_silent_seconds;      /* STREAM_SILENT_SECONDS: 15 */
	int stream_grace_ms;            /* STREAM_GRACE_MS: 5000; 0: a lost stream ends its call */
	int drain_seconds;              /* DRAIN_SECONDS: 30 */
	int backlog_ms;                 /* BACKLOG_MS: 8000 */
	enum uplink_batch uplink_batch; /* UPLINK_BATCH_MS=auto|20|40 */
	int playout_lead_ms;            /* PLAYOUT_LEAD_MS: 400 */

	/* Other people's servers */
	const char *https_ca_file;  /* HTTPS_CA_FILE; "": system bundle */
	int tool_threads;           /* TOOL_THREADS: 8 */
	int job_threads;            /* JOB_THREADS: 4 */
	int webhook_threads;        /* WEBHOOK_THREADS: 8 */
	int outbox_give_up_seconds; /* OUTBOX_GIVE_UP_SECONDS: a day */

	/* Records */
	const char *text_model;   /* TEXT_MODEL: gpt-5.6-luna */
	const char *text_api_url; /* TEXT_API_URL; "": on the host of openai_url */
	const char *text_api_key; /* TEXT_API_KEY; "": openai_api_key */
	enum text_api text_api;   /* TEXT_API */
	int record_retry_seconds; /* RECORD_RETRY_SECONDS: 60 */

	/* Messages that callers leave */
	const char *voicemail_model;   /* VOICEMAIL_MODEL: gpt-transcribe; "off" gives "" */
	const char *voicemail_api_url; /* VOICEMAIL_API_URL; "": on the host of openai_url */
	const char *voicemail_api_key; /* VOICEMAIL_API_KEY; "": openai_api_key */
	int voicemail_give_up_seconds; /* VOICEMAIL_GIVE_UP_SECONDS: ten minutes */

	/* Storage */
	const char *data_dir; /* DATA_DIR; "": nothing is kept */
	int retain_days;      /* RETAIN_DAYS: 90; 0 for ever */

	/* Recording */
	enum recording_mode record; /* RECORD=off|local|twilio */

	/* Money, in USD */
	const char *prices_file;   /* PRICES_FILE: "" for the built-in table */
	double relay_minute_price; /* USD; 0: not known */
	double max_call_cost;      /* MAX_CALL_COST: 0 (none) */
	double max_day_cost;       /* MAX_DAY_COST: 0 (none) */

	/* Logging */
	enum log_format log_format; /* LOG_FORMAT=text|json */
	enum log_level log_level;   /* LOG_LEVEL=error|warn|info|debug */
	bool core_dumps;            /* CORE_DUMPS=off: the memory is shown to nobody */

	/* Of a start without API_TOKEN (server/config/api_token.h) */
	char made_api_token[API_TOKEN_SIZE];
	bool api_token_kept; /* it stands in DATA_DIR */

	struct config_storage *storage; /* owned: the strings */
};

typedef const char *config_lookup(void *arg, const char *name);

/* Reads every setting through `lookup` (getenv with a NULL lookup) and checks
 * it. 0; or -EINVAL with one sentence per mistake in `errors`, each naming the
 * setting, its value (secrets masked) and a valid form; or -ENOMEM. Free `cfg`
 * with config_free in each case. */
int config_load(struct config *cfg, config_lookup *lookup, void *arg, struct buf *errors);
void config_free(struct config *cfg);

/* USD that a call is taken to cost, for MAX_DAY_COST, while no call of its agent has cost anything. */
static inline double config_call_reserve(const struct config *cfg)
{
	return cfg->max_call_cost > 0 ? cfg->max_call_cost : 1;
}

/* True if there is an endpoint of this number, from 1: it has another address, key or model than the first. */
static inline bool config_has_endpoint(const struct config *cfg, int number)
{
	const struct config_endpoint *e = &cfg->others[number > 1 ? number - 2 : 0];

	return number == 1 || (number > 1 && number <= CONFIG_ENDPOINTS_MAX && (*e->url || *e->api_key || *e->model));
}

/* Makes TZ the time zone of the process, which the C library reads from the environment; UTC if TZ
 * names none. Before threads start. */
void config_set_time_zone(const struct config *cfg);

/* True if the IPv4 address (text) is one of TRUSTED_PROXIES. Asked for each request whose X-Forwarded-*
 * headers would matter. */
static inline bool config_trusts(const struct config *cfg, const char *ipv4)
{
	return address_in_nets(ipv4, cfg->trusted_proxies, cfg->trusted_proxy_count);
}

/* True if Twilio may ask from this address: it is one of ALLOW_NETWORKS, or none are named. */
static inline bool config_allows(const struct config *cfg, const char *address)
{
	return !cfg->allow_network_count || address_in_nets(address, cfg->allow_networks, cfg->allow_network_count);
}

#endif
