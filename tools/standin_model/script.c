#include "tools/standin_model/script.h"

#include "tools/kit/chirp.h"
#include "tools/kit/file.h"
#include "tools/kit/member.h"
#include "tools/kit/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char built_in[] =
    "{\"greeting\":{\"say\":\"Hello, this is the stand-in model. How can I help you?\"},"
    "\"turns\":[{\"hear\":\"What are your opening hours?\",\"say\":\"We are open from nine to five, Monday to Friday.\"},"
    "{\"hear\":\"And on Saturday?\",\"say\":\"On Saturday we are open from ten until one o'clock.\"}],"
    "\"typed\":{\"say\":\"I have received what you typed.\"},"
    "\"otherwise\":{\"hear\":\"Something else.\",\"say\":\"I see. Is there anything else I can do for you?\"}}";

static void refuse(const char *path, const char *why)
{
	fprintf(stderr, "standin-model: %s: %s\n", path, why);
	exit(2);
}

bool script_is_greeting(const char *instructions)
{
	return strstr(instructions, "The caller has just come on the line.") != NULL;
}

const char *script_words_to_say(const char *instructions)
{
	static const char exactly[] = "Say exactly the following words and nothing else:\n";
	const char *found = strstr(instructions, exactly);

	return found && !script_is_greeting(instructions) ? found + sizeof exactly - 1 : NULL;
}

static void read_call(struct line *line, const cJSON *object)
{
	const cJSON *arguments = member(object, "arguments");
	const cJSON *length = member(object, "call_id_length");
	struct line_call *call = &line->calls[line->call_count];

	if (line->call_count == LINE_CALLS || !cJSON_IsObject(object))
		return;
	line->call_count++;
	call->name = need_copy(member_text(object, "name", "unnamed"));
	call->arguments = cJSON_IsString(arguments) ? need_copy(arguments->valuestring)
			  : arguments               ? cJSON_PrintUnformatted(arguments)
						    : need_copy("{}");
	call->incomplete = strcmp(member_text(object, "status", ""), "incomplete") == 0;
	call->force = member_true(object, "force");
	if (*member_text(object, "call_id", ""))
		call->call_id = need_copy(member_text(object, "call_id", ""));
	if (cJSON_IsNumber(length) && length->valueint > 0) {
		call->call_id = need((size_t)length->valueint + 1);
		memset(call->call_id, 'c', (size_t)length->valueint);
	}
}

static void read_calls(struct line *line, const cJSON *object)
{
	const cJSON *call;

	read_call(line, member(object, "call"));
	cJSON_ArrayForEach(call, member(object, "calls"))
	{
		read_call(line, call);
	}
}

static void read_line(struct line *line, const cJSON *object, const char *name)
{
	const cJSON *then = member(object, "then");
	char wav[64];

	snprintf(wav, sizeof wav, "%s.wav", name);
	line->hear = need_copy(member_text(object, "hear", "Something was said."));
	line->say = need_copy(member_text(object, "say", "I see."));
	line->wav = need_copy(member_text(object, "wav", wav));
	line->interrupts = member_true(object, "interrupts");
	line->cancelled = member_true(object, "cancelled");
	read_calls(line, object);
	if (cJSON_IsObject(then)) {
		char after[64];

		snprintf(after, sizeof after, "%.50s-then", name);
		line->then = need(sizeof *line->then);
		read_line(line->then, then, after);
	}
}

enum { INVENTED_RATE = 24000 };

static void find_sound(struct sound *s, const char *voice_dir, const char *wav, const char *text)
{
	char path[1024];
	const char *why = "";

	snprintf(path, sizeof path, "%s/%s", voice_dir ? voice_dir : "", wav);
	if (voice_dir && sound_load(s, path, &why) == 0)
		return;
	if (voice_dir)
		fprintf(stderr, "standin-model: %s: %s; using tones\n", path, why);
	*s = (struct sound){ .rate_hz = INVENTED_RATE };
	chirp_say(s, text);
}

static void load_sound(struct line *line, const char *voice_dir)
{
	struct sound sound, at_rate;

	find_sound(&sound, voice_dir, line->wav, line->say);
	line->audio_ms = sound_ms(&sound);
	for (int format = 0; format < FORMATS; format++) {
		sound_resample(&at_rate, &sound, format_rate((enum sound_format)format));
		line->audio[format] = need(at_rate.count * 2 + 2);
		line->audio_len[format] =
		    format_encode((enum sound_format)format, at_rate.samples, at_rate.count, line->audio[format]);
		sound_free(&at_rate);
	}
	sound_free(&sound);
	if (line->then)
		load_sound(line->then, voice_dir);
}

static void free_line(struct line *line)
{
	free(line->hear);
	free(line->say);
	free(line->wav);
	for (int i = 0; i < line->call_count; i++) {
		free(line->calls[i].name);
		free(line->calls[i].arguments);
		free(line->calls[i].call_id);
	}
	script_free_line(line->then);
	for (int i = 0; i < FORMATS; i++)
		free(line->audio[i]);
}

void script_free_line(struct line *line)
{
	if (!line)
		return;
	free_line(line);
	free(line);
}

struct line *script_new_line(const char *say)
{
	struct line *line = need(sizeof *line);

	line->hear = need_copy("");
	line->say = need_copy(say);
	line->wav = need_copy("");
	load_sound(line, NULL);
	return line;
}

/* Nothing but words with a number of their own. */
static bool is_chirps(const char *words)
{
	const char *word;
	size_t len;
	bool some = false;

	while ((len = chirp_next(&words, &word))) {
		int number = chirp_number(word, len);

		if (number < 0 || number >= CHIRP_OWN)
			return false;
		some = true;
	}
	return some;
}

bool script_in_chirps(const struct script *s)
{
	return is_chirps(s->turns[0].hear);
}

void script_load(struct script *s, const char *path, const char *voice_dir, bool sounds)
{
	struct text file = { 0 };
	char name[32];
	cJSON *json = cJSON_Parse(file_read(path, &file) ? built_in : text_str(&file));
	const cJSON *turns = member(json, "turns");

	*s = (struct script){ 0 };
	if (!json)
		refuse(path, "not JSON");
	if (!cJSON_IsArray(turns) || !cJSON_GetArraySize(turns))
		refuse(path, "has no \"turns\"");
	read_line(&s->greeting, member(json, "greeting"), "greeting");
	read_line(&s->typed, member(json, "typed"), "typed");
	read_line(&s->otherwise, member(json, "otherwise"), "otherwise");
	s->turn_count = cJSON_GetArraySize(turns);
	s->turns = need((size_t)s->turn_count * sizeof s->turns[0]);
	for (int i = 0; i < s->turn_count; i++) {
		snprintf(name, sizeof name, "answer-%d", i + 1);
		read_line(&s->turns[i], cJSON_GetArrayItem(turns, i), name);
	}
	cJSON_Delete(json);
	text_free(&file);
	if (!sounds)
		return;
	if (script_in_chirps(s))
		voice_dir = NULL;
	load_sound(&s->greeting, voice_dir);
	load_sound(&s->typed, voice_dir);
	load_sound(&s->otherwise, voice_dir);
	for (int i = 0; i < s->turn_count; i++)
		load_sound(&s->turns[i], voice_dir);
}

void script_free(struct script *s)
{
	free_line(&s->greeting);
	free_line(&s->typed);
	free_line(&s->otherwise);
	for (int i = 0; i < s->turn_count; i++)
		free_line(&s->turns[i]);
	free(s->turns);
}

const struct line *script_turn_of(const struct script *s, const char *words, int n)
{
	int at = script_find_turn(s, words);

	return script_turn(s, at < 0 ? n : at);
}

/* How many of the words stand in the line, too. */
static int shared(const char *words, const char *line)
{
	const char *word, *other, *in;
	size_t len, n;
	int count = 0;

	while ((len = chirp_next(&words, &word)))
		for (in = line; (n = chirp_next(&in, &other));)
			if (n == len && memcmp(word, other, n) == 0) {
				count++;
				break;
			}
	return count;
}

int script_find_turn(const struct script *s, const char *words)
{
	int best = 0, found = -1;

	for (int i = 0; i < s->turn_count; i++)
		if (strcmp(s->turns[i].hear, words) == 0)
			return i;
	if (!is_chirps(words))
		return -1;
	for (int i = 0; i < s->turn_count; i++) {
		int count = shared(words, s->turns[i].hear);

		found = count > best ? i : found;
		best = count > best ? count : best;
	}
	return found;
}

static const struct line *find_then(const struct line *line, const char *name)
{
	for (int i = 0; i < line->call_count; i++)
		if (line->then && strcmp(line->calls[i].name, name) == 0)
			return line->then;
	return line->then ? find_then(line->then, name) : NULL;
}

const struct line *script_then(const struct script *s, const char *name)
{
	const struct line *found = NULL;

	for (int i = 0; i < s->turn_count && !found; i++)
		found = find_then(&s->turns[i], name);
	return found;
}

/* Behind what was said of the line, if it begins so and has more. */
static const char *rest_of(const struct line *line, const char *said)
{
	const char *at = line->say, *word, *other;
	size_t len, n;
	bool some = false;

	while ((len = chirp_next(&said, &word))) {
		n = chirp_next(&at, &other);
		/* The last word may have been cut in two: it is said again. */
		if (n > len && memcmp(word, other, len) == 0 && !chirp_next(&said, &word))
			return some ? other : NULL;
		if (n != len || memcmp(word, other, len) != 0)
			return NULL;
		some = true;
	}
	return some && chirp_next(&at, &other) ? other : NULL;
}

static const struct line *rest_in(const struct line *line, const char *said, const char **rest)
{
	while (line && !(*rest = rest_of(line, said)))
		line = line->then;
	return line;
}

const struct line *script_rest(const struct script *s, const char *said, const char **rest)
{
	const struct line *line = rest_in(&s->greeting, said, rest);

	for (int i = 0; i < s->turn_count && !line; i++)
		line = rest_in(&s->turns[i], said, rest);
	return line;
}

struct line *script_new_text(const char *say)
{
	struct line *line = need(sizeof *line);

	line->say = need_copy(say);
	return line;
}

const struct line *script_turn(const struct script *s, int n)
{
	return n >= 0 && n < s->turn_count ? &s->turns[n] : &s->otherwise;
}

static void print_line(const char *wav, const char *who, const char *text)
{
	printf("%.*s\t%s\t%s\n", (int)strcspn(wav, "."), wav, who, text);
}

void script_print_lines(const struct script *s)
{
	char name[32];

	print_line(s->greeting.wav, "agent", s->greeting.say);
	for (int i = 0; i < s->turn_count; i++) {
		snprintf(name, sizeof name, "caller-%d", i + 1);
		print_line(name, "caller", s->turns[i].hear);
		print_line(s->turns[i].wav, "agent", s->turns[i].say);
	}
	print_line(s->typed.wav, "agent", s->typed.say);
	print_line(s->otherwise.wav, "agent", s->otherwise.say);
}

enum {
	CALLER_RATE = 8000,
	TURN_END_MS = 500,     /* the silence by which a turn's end is known */
	AFTER_ANSWER_MS = 900, /* a caller thinks before speaking */
	INTO_ANSWER_MS = 2000  /* an interruption comes that far into the answer */
};

int script_make_caller(const struct script *s, const char *voice_dir, const char *path, int answer_after_ms)
{
	struct sound all = { .rate_hz = CALLER_RATE }, line, at_rate;
	const struct line *before = &s->greeting;
	int err;

	for (int i = 0; i <= s->turn_count; i++) {
		bool interrupts = i < s->turn_count && s->turns[i].interrupts;
		int until_answer = i ? TURN_END_MS + answer_after_ms : answer_after_ms;

		sound_append_silence(
		    &all, until_answer + (interrupts ? INTO_ANSWER_MS : before->audio_ms + AFTER_ANSWER_MS));
		if (i == s->turn_count)
			break;
		char name[32];

		snprintf(name, sizeof name, "caller-%d.wav", i + 1);
		find_sound(&line, voice_dir, name, s->turns[i].hear);
		sound_resample(&at_rate, &line, CALLER_RATE);
		sound_append(&all, &at_rate);
		sound_free(&at_rate);
		sound_free(&line);
		before = &s->turns[i];
	}
	err = sound_save(path, all.rate_hz, 1, (const int16_t *const[]){ all.samples }, all.count);
	sound_free(&all);
	if (err)
		fprintf(stderr, "standin-model: %s: cannot be written\n", path);
	return err;
}
