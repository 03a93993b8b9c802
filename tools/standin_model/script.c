#include "tools/standin_model/script.h"

#include "tools/kit/file.h"
#include "tools/kit/member.h"
#include "tools/kit/text.h"

#include <cjson/cJSON.h>
#include <math.h>
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

const char *script_words_to_say(const char *instructions)
{
	static const char exactly[] = "Say exactly the following words and nothing else:\n";
	static const char greeting[] = "The caller has just come on the line.";
	const char *found = strstr(instructions, exactly);

	return found && !strstr(instructions, greeting) ? found + sizeof exactly - 1 : NULL;
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

enum { MS_PER_LETTER = 62, INVENTED_RATE = 24000 };

/* Letters become syllables: a low tone with overtones whose pitch wanders and
 * whose loudness swells and falls; spaces and commas are short silences. */
static void invent(struct sound *s, const char *text)
{
	size_t letters = strlen(text), per_letter = MS_PER_LETTER * INVENTED_RATE / 1000;
	double phase = 0;

	if (letters < 8)
		letters = 8;
	s->rate_hz = INVENTED_RATE;
	s->count = letters * per_letter;
	s->samples = need(s->count * 2);
	for (size_t i = 0; i < s->count; i++) {
		size_t letter = i / per_letter;
		unsigned char c = letter < strlen(text) ? (unsigned char)text[letter] : 'a';
		double within = (double)(i % (per_letter * 3)) / (double)(per_letter * 3);
		double loud = c == ' ' || c == ',' || c == '.' ? 0.1 : 0.4 + 0.6 * sin(within * M_PI);

		phase += (120.0 + 3.0 * (c % 32)) / INVENTED_RATE;
		double wave = sin(2 * M_PI * phase) + 0.5 * sin(6 * M_PI * phase) + 0.3 * sin(10 * M_PI * phase);
		s->samples[i] = (int16_t)(5000 * loud * wave);
	}
}

static void find_sound(struct sound *s, const char *voice_dir, const char *wav, const char *text)
{
	char path[1024];
	const char *why = "";

	snprintf(path, sizeof path, "%s/%s", voice_dir ? voice_dir : "", wav);
	if (voice_dir && sound_load(s, path, &why) == 0)
		return;
	if (voice_dir)
		fprintf(stderr, "standin-model: %s: %s; using tones\n", path, why);
	invent(s, text);
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
	for (int i = 0; i < s->turn_count; i++)
		if (strcmp(s->turns[i].hear, words) == 0)
			return &s->turns[i];
	return script_turn(s, n);
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
