#ifndef STANDIN_INSIDE_H
#define STANDIN_INSIDE_H
/* What the files that make up a session share. Nobody else includes this. */
#include "tools/kit/chirp.h"
#include "tools/kit/clock.h"
#include "tools/kit/member.h"
#include "tools/stamps.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/report.h"
#include "tools/standin_model/script.h"
#include "tools/standin_model/session.h"
#include "tools/kit/text.h"
#include "tools/standin_model/vad.h"

#include <cjson/cJSON.h>

enum { ID_SIZE = 640 /* with the fault long-ids */ };

/* The configuration in force, as the code wants it; the JSON is beside it. */
struct settings {
	enum sound_format input, output;
	bool turn_detection, semantic, create_response, interrupt_response;
	struct vad_settings vad;
	int idle_timeout_ms; /* 0: none */
	bool transcription;
	bool text_only;
	long max_tokens; /* 0: no limit */
};

enum item_kind { ITEM_USER_AUDIO, ITEM_ANSWER_AUDIO, ITEM_ANSWER_TEXT, ITEM_CALL, ITEM_GIVEN };

struct item {
	char id[ID_SIZE];
	enum item_kind kind;
	const char *status;
	char *words;          /* transcript or text; NULL if there is none (any more) */
	char *known;          /* of an answer of ours: what we know was heard of it; owned */
	uint64_t audio_bytes; /* ITEM_ANSWER_AUDIO: produced so far */
	enum sound_format format;
	struct text audio;            /* ITEM_USER_AUDIO: what was heard, for retrieve */
	cJSON *given;                 /* ITEM_GIVEN: as the client sent it */
	char *call_id, call_name[64]; /* ITEM_CALL; `words` are the arguments; owned */
	bool has_output;              /* ITEM_CALL */
	const struct line *then;      /* ITEM_CALL: said once it and its siblings have one */
	char answer_id[ID_SIZE];      /* ITEM_CALL: the answer they are of */
};

struct answer {
	struct answer *next;
	char id[ID_SIZE];
	const struct line *line;
	const struct line *calls_of; /* whose calls end it; NULL: the line's own */
	bool text_only, out_of_band;
	char *metadata;  /* JSON, or NULL */
	long max_tokens; /* 0: no limit */
	enum sound_format format;
	uint64_t next_ns; /* when something more is to be sent */
	bool begun;       /* its item exists */
	bool over;
	struct item *item; /* owned, and also in the conversation unless out of band */
	struct item *calls[LINE_CALLS];
	int call_count;
	struct line *own_line; /* owned: words that are no part of the script */
	bool no_tools;
	size_t total, sent; /* bytes of audio, or of text */
	size_t words_sent;
	unsigned deltas;
	double first_audio_ms; /* position of the caller's audio at the first delta */
	/* How it will end, once `ending` is set. */
	bool ending;
	enum response_status status;
	const char *reason;
	long late_deltas; /* still to come before the end */
	/* --load only. */
	unsigned turn;
	uint8_t unit[STAMP_UNIT];
};

struct later {
	struct later *next;
	uint64_t due_ns;
	char *message;
};

/* What the stamps in the caller's audio have told (load.c). */
struct load {
	uint64_t next_ns;        /* the next answer */
	uint64_t cut_ns;         /* interrupt the answer then; 0: not at all */
	uint64_t speech_ends_ns; /* of that interruption */
	unsigned answers;
	struct text rest; /* audio not yet looked at */
	bool seen;
	uint32_t call, next_seq;
	uint64_t missing[16]; /* bit for each of the last 1024 frames that did not come */
	uint64_t ready_ns;
	/* The interruption under way. */
	uint64_t cut_sent_ns;
	uint16_t cut_turn, clears;
	char cut_item[ID_SIZE];
	bool told;
	int64_t told_ms;
	bool played;
	int64_t played_ms;
};

struct session {
	struct conn *conn;
	const struct service *service;
	struct faults *faults;
	struct record *record;
	char id[ID_SIZE];
	uint64_t started_ns;
	uint64_t random;
	unsigned long events, names;
	struct text event; /* being built */
	struct later *later;

	cJSON *config;
	struct settings settings;
	bool updated;     /* session.updated was sent once */
	bool voice_fixed; /* audio was spoken */

	struct vad vad;
	double buffer_ms; /* in the input buffer */
	struct text turn_audio;
	char speech_item[ID_SIZE];
	int speech_start_ms;
	double idle_from_ms;
	bool idle_armed;
	uint64_t last_append_ns;
	struct sound recorded;

	struct item **items;
	size_t item_count, item_room;
	struct answer *answers;
	struct chirp_ear ear;
	size_t ear_from; /* words before that were of earlier turns */
	int turns_heard;
	const struct line *owed; /* the answer to what the caller said last */
	bool typed;              /* the newest item is the client's text */
	struct text typed_words; /* which it is */
	int turns_typed;         /* in a session in text */
	bool spoke;              /* some answer was begun */
	const struct line *then; /* every call of an answer has its output: said next */
	long text_tokens, audio_tokens, cached_tokens;

	struct load load;
};

/* session.c */
void session_new_id(struct session *s, const char *prefix, char id[ID_SIZE]);
unsigned session_random(struct session *s, unsigned below);
void session_say(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Opens an event; add members with text_… to s->event, each with a comma before it. */
struct text *event_open(struct session *s, const char *type);
void event_send(struct session *s);
void event_send_later(struct session *s, uint64_t due_ns);
void session_send_due(struct session *s, uint64_t now); /* what was put off until now */
struct session_error {
	const char *type, *code, *message, *param, *event_id;
};
void session_send_error(struct session *s, const struct session_error *e);

/* config.c */
void config_init(struct session *s, const char *model);
/* Applies a checked session object, or refuses it with an error and changes nothing. */
void config_update(struct session *s, const cJSON *session, const char *event_id, uint64_t now);
enum sound_format config_format(const cJSON *format);

/* hearing.c */
void hearing_append(struct session *s, const uint8_t *audio, size_t len, uint64_t now);
void hearing_commit(struct session *s, const char *event_id, uint64_t now);
void hearing_clear(struct session *s);
void hearing_save(struct session *s);

/* items.c */
struct item *items_new(struct session *s, enum item_kind kind, const char *status);
void items_add(struct session *s, struct item *item, size_t at); /* into the conversation, owned by it */
void items_put_json(struct text *out, const struct item *item, bool with_audio);
void items_send(struct session *s, const char *type, const struct item *item, bool with_previous);
double items_audio_ms(const struct item *item);
void items_create(struct session *s, const cJSON *event, const char *event_id, uint64_t now);
void items_truncate(struct session *s, const cJSON *event, const char *event_id);
void items_delete(struct session *s, const cJSON *event, const char *event_id);
void items_retrieve(struct session *s, const cJSON *event, const char *event_id);
void items_free_one(struct item *item);
/* The line that the conversation breaks off in, and what is still to be said of it; NULL: none. */
const struct line *items_broken_off(const struct session *s, const char **rest);
void items_free(struct session *s);
/* What is left in the conversation, into the report. */
void items_record(struct session *s);

/* answers.c */
struct answer *answers_active(struct session *s); /* the one that writes to the conversation */
/* `request` is response.create's response, or NULL. */
struct answer *answers_start(struct session *s, const cJSON *request, uint64_t now);
void answers_cancel(struct session *s, struct answer *a, const char *reason, uint64_t now);
void answers_tick(struct session *s, uint64_t now);
uint64_t answers_wake_ns(const struct session *s);
void answers_free(struct session *s);

/* answer_events.c */
enum { AUDIO_TOKEN_MS = 50, LETTERS_PER_TOKEN = 4 }; /* of an answer */
struct text *answer_open_part(struct session *s, const struct answer *a, const char *type);
void answer_send_created(struct session *s, const struct answer *a);
void answer_send_begun(struct session *s, const struct answer *a);
void answer_send_end(struct session *s, struct answer *a); /* all that comes after the last delta */

/* answer_text.c */
struct line *answer_text_line(struct session *s); /* owned by the answer; NULL: the script's */
void answer_stamp_text(struct answer *a);         /* --load: with the time it is now */
void answer_send_halves(struct session *s, struct answer *a);

/* load.c */
void load_ready(struct session *s, uint64_t now);
void load_hear(struct session *s, const uint8_t *audio, size_t len, uint64_t now);
void load_speak(struct session *s, struct answer *a, uint8_t *out, size_t len);
void load_truncated(struct session *s, const char *item_id, long audio_end_ms);
void load_tick(struct session *s, uint64_t now);
uint64_t load_wake_ns(const struct session *s);
extern const struct line load_line;

/* mischief.c */
void mischief_at(struct session *s, enum point at);
void mischief_tick(struct session *s, uint64_t now);
uint64_t mischief_wake_ns(const struct session *s);

#endif
