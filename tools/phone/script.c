#include "tools/phone/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/text.h"

/* What a step takes: f file, " words, c words to be spoken, k keys, m milliseconds, r the rest; capitals may be left out. */
static const struct {
	const char *name, *takes;
} steps[] = {
	[STEP_SAY] = { "say", "f\"" },
	[STEP_SILENCE] = { "silence", "m" },
	[STEP_AT] = { "at", "m" },
	[STEP_AGENT_TALKING] = { "wait-agent-talking", "mL" },
	[STEP_AGENT_DONE] = { "wait-agent-done", "mL" },
	[STEP_CLEAR] = { "wait-clear", "L" },
	[STEP_END] = { "wait-end", "L" },
	[STEP_DTMF] = { "dtmf", "kM" },
	[STEP_GATHER_SPEECH] = { "gather-speech", "wM" },
	[STEP_GATHER_DIGITS] = { "gather-digits", "k" },
	[STEP_GATHER_UNCLEAR] = { "gather-unclear", "w" },
	[STEP_GATHER_NOTHING] = { "gather-nothing", "" },
	[STEP_HANGUP] = { "hangup", "" },
	[STEP_REPEAT] = { "repeat", "M" },
	[STEP_PROMPT] = { "prompt", "wM" },
	[STEP_NOISE] = { "noise", "" },
	[STEP_SPOKEN] = { "wait-spoken", "wL" },
	[STEP_LAST] = { "wait-last", "L" },
	[STEP_LANG] = { "lang", "w" },
	[STEP_ERROR] = { "error", "w" },
	[STEP_RAW] = { "raw", "r" },
	[STEP_CUT] = { "cut", "M" },
	[STEP_WORDS] = { "words", "c" },
};

const char *step_name(enum step_kind kind)
{
	return steps[kind].name;
}

/* The next word, or what stands between quotes; NULL at the end. Owned by the caller. */
static char *next_word(const char **at)
{
	const char *from;
	size_t n;

	*at += strspn(*at, " \t\r\n");
	if (!**at || **at == '#')
		return NULL;
	if (**at == '"') {
		from = ++*at;
		n = strcspn(from, "\"");
		*at = from + n + (from[n] == '"');
		return need_copy_n(from, n);
	}
	from = *at;
	n = strcspn(from, " \t\r\n");
	*at += n;
	return need_copy_n(from, n);
}

static char *rest_of_line(const char **at)
{
	const char *from = *at + strspn(*at, " \t");
	size_t n = strcspn(from, "\r\n");

	*at = from + n;
	return n ? need_copy_n(from, n) : NULL;
}

static bool is_ms(const char *word, long *out)
{
	char *end;

	*out = strtol(word, &end, 10);
	return isdigit((unsigned char)*word) && !*end;
}

static int load(struct step *s, const char *dir, const char *file, char *why, size_t why_size)
{
	struct text path = { 0 };
	int err;

	if (*file == '/' || !*dir)
		text_puts(&path, file);
	else
		text_printf(&path, "%s/%s", dir, file);
	err = wav_read(&s->speech, text_str(&path), why, why_size);
	text_free(&path);
	return err;
}

static int take_word(struct step *s, char what, const char *word, const char *dir, char *why, size_t why_size)
{
	const char *name = steps[s->kind].name;

	switch (what) {
	case 'f':
		return load(s, dir, word, why, why_size);
	case 'c':
		s->text = need_copy(word);
		speech_of_words(&s->speech, word);
		return 0;
	case 'm':
	case 'M':
		if (is_ms(word, &s->ms))
			return 0;
		break;
	case 'L':
		if (is_ms(word, &s->limit_ms))
			return 0;
		break;
	case 'k':
		if (strspn(word, "0123456789*#ABCD") != strlen(word))
			break;
		s->text = need_copy(word);
		return 0;
	default:
		s->text = need_copy(word);
		return 0;
	}
	snprintf(why, why_size, "%s cannot take \"%s\"", name, word);
	return -1;
}

/* `dtmf 42#`: # begins a comment only where a word would. */
int script_line(struct script *s, const char *line, const char *dir, int number, char *why, size_t why_size)
{
	struct step *step = &s->step[s->count];
	char *word = next_word(&line);
	const char *takes;
	int err = 0;
	size_t k = 0;

	if (!word)
		return 0;
	if (s->count == STEPS_MAX) {
		snprintf(why, why_size, "more than %d steps", STEPS_MAX);
		free(word);
		return -1;
	}
	while (k < sizeof steps / sizeof steps[0] && strcmp(steps[k].name, word) != 0)
		k++;
	if (k == sizeof steps / sizeof steps[0]) {
		snprintf(why, why_size, "\"%s\" is no step", word);
		free(word);
		return -1;
	}
	free(word);
	*step = (struct step){ .kind = (enum step_kind)k, .limit_ms = WAIT_LIMIT_MS, .line = number };
	if (step->kind == STEP_DTMF)
		step->ms = KEY_GAP_MS;
	s->count++;
	for (takes = steps[k].takes; *takes && !err; takes++) {
		word = *takes == 'r' ? rest_of_line(&line) : next_word(&line);
		if (!word) {
			if (islower((unsigned char)*takes)) {
				snprintf(why, why_size, "%s lacks something", steps[k].name);
				err = -1;
			}
			break;
		}
		err = take_word(step, *takes, word, dir, why, why_size);
		free(word);
	}
	if (step->kind == STEP_WORDS)
		step->kind = STEP_SAY;
	if (!err && (word = next_word(&line))) {
		snprintf(why, why_size, "%s does not take \"%s\"", steps[k].name, word);
		free(word);
		err = -1;
	}
	return err;
}

int script_read(struct script *s, const char *path, char *why, size_t why_size)
{
	FILE *f = fopen(path, "r");
	const char *slash = strrchr(path, '/');
	char *dir = slash ? need_copy_n(path, (size_t)(slash - path)) : need_copy("");
	char *line = NULL, detail[300] = "";
	size_t cap = 0;
	int number = 0, err = 0;

	if (!f) {
		snprintf(why, why_size, "%s: cannot be read", path);
		free(dir);
		return -1;
	}
	while (!err && getline(&line, &cap, f) >= 0)
		err = script_line(s, line, dir, ++number, detail, sizeof detail);
	if (err)
		snprintf(why, why_size, "%s, line %d: %s", path, number, detail);
	free(line);
	free(dir);
	fclose(f);
	return err;
}

void script_swap_last(struct script *s)
{
	struct step last;

	if (s->count < 2)
		return;
	last = s->step[s->count - 1];
	s->step[s->count - 1] = s->step[s->count - 2];
	s->step[s->count - 2] = last;
}

void script_free(struct script *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->step[i].text);
		speech_free(&s->step[i].speech);
	}
	s->count = 0;
}
