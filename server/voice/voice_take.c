#include "server/voice/voice_take.h"

#include "audio/convert.h"
#include "audio/g711.h"
#include "common/base64.h"
#include "common/json.h"
#include "server/model/trial.h"
#include "server/voice/voice_file.h"
#include "server/voice/voice_judge.h"

#include <errno.h>
#include <string.h>

enum {
	PATIENCE_MS = 60000, /* services speak faster than people listen, if not by much */
	TRANSCRIPT_MAX = 4 * VOICE_KEY_MAX,
	MS_PER_TOKEN = 50 /* of the model's audio */
};

/* Without a converter it is mu-law already. */
static void add_audio(struct voice_take *t, struct span base64)
{
	struct buf bytes;
	uint8_t *room;
	ssize_t len;
	char *out;

	buf_init(&bytes, 0);
	room = (uint8_t *)buf_room(&bytes, BASE64_DECODED_MAX(base64.n));
	len = room ? json_base64(base64, room) : 0;
	if (len > 0 && !t->converter)
		buf_put(&t->ulaw, room, (size_t)len);
	else if (len > 0 && (out = buf_room(&t->ulaw, converter_to_caller_max(t->converter, (size_t)len))))
		buf_grew(&t->ulaw, converter_to_caller(t->converter, room, (size_t)len, (uint8_t *)out));
	buf_free(&bytes);
}

/* The whole of an item's words, which stands for its pieces. */
static void on_words(struct voice_take *t, const char *text)
{
	t->transcript.len = t->words_done;
	buf_puts(&t->transcript, text);
	t->words_done = t->transcript.len;
}

/* What goes on for ever is paid for, too: it is heard no longer than a take of the line can be. */
static bool on_event(void *arg, const struct model_event *e)
{
	struct voice_take *t = arg;

	if (e->type == MODEL_AUDIO)
		add_audio(t, e->audio);
	if (e->type == MODEL_TEXT_DELTA)
		buf_puts(&t->transcript, e->text);
	if (e->type == MODEL_TEXT_DONE)
		on_words(t, e->text);
	if (e->type == MODEL_ERROR || e->type == MODEL_RESPONSE_DONE)
		t->error = e->error;
	if (e->type != MODEL_RESPONSE_DONE)
		return !buf_error(&t->ulaw) && t->ulaw.len <= t->longest;
	t->over = true;
	t->whole = e->status == MODEL_COMPLETED;
	for (int i = 0; i < USAGE_COUNT; i++)
		t->used.n[i] += e->usage.n[i];
	return true;
}

static void finish_audio(struct voice_take *t)
{
	char *out = t->converter ? buf_room(&t->ulaw, CONVERT_TAIL_MAX) : NULL;

	if (out)
		buf_grew(&t->ulaw, converter_finish_to_caller(t->converter, (uint8_t *)out));
}

/* What lies with the key, the money or a busy service says nothing about the line; an answer that begins and finds no
 * end does. */
static enum voice_took judge_failure(const struct voice_take *t, int err)
{
	bool of_line = t->error == MODEL_MODERATED || (t->over && t->error == MODEL_HARMLESS) ||
		       (err == -ETIMEDOUT && t->ulaw.len);

	return err == -ECANCELED ? VOICE_CALLED_OFF : of_line ? VOICE_REFUSED : VOICE_NO_MODEL;
}

enum voice_took voice_take(struct voice_take *t, const struct model_access *access, const struct agent *agent,
    const char *text, struct bell *stop)
{
	int err;

	memset(t, 0, sizeof *t);
	buf_init(&t->ulaw, VOICE_LINE_MAX);
	buf_init(&t->transcript, TRANSCRIPT_MAX);
	t->longest = voice_longest(text, agent->speed);
	err = converter_switch(&t->converter, access->format);
	if (!err)
		err = model_trial_say(access, agent, text, PATIENCE_MS, on_event, t, stop, &t->failure);
	if (!t->over) /* the account of it never came */
		t->used.n[USAGE_AUDIO_OUT] += (int64_t)(t->ulaw.len / G711_BYTES_PER_MS / MS_PER_TOKEN);
	if (err)
		return judge_failure(t, err);
	finish_audio(t);
	return t->whole && !buf_error(&t->ulaw) && !buf_error(&t->transcript) ? VOICE_TAKEN : VOICE_REFUSED;
}

void voice_take_free(struct voice_take *t)
{
	converter_close(t->converter);
	buf_free(&t->ulaw);
	buf_free(&t->transcript);
}
