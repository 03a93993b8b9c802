#include "tools/phone/twiml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/phone/xml.h"

/* Names of attributes, a space before and after each. */
static const char dial_attrs[] =
    " action method timeout timeLimit callerId callReason answerOnBridge hangupOnStar record recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent recordingTrack trim ringTone sequential referUrl "
    "referMethod ";
static const char gather_attrs[] =
    " input action method timeout speechTimeout numDigits finishOnKey language hints speechModel enhanced "
    "profanityFilter actionOnEmptyResult bargeIn partialResultCallback partialResultCallbackMethod maxSpeechTime debug ";
static const char record_attrs[] =
    " action method timeout maxLength finishOnKey playBeep trim transcribe transcribeCallback recordingStatusCallback "
    "recordingStatusCallbackEvent recordingStatusCallbackMethod ";
static const char stream_attrs[] = " url name track statusCallback statusCallbackMethod ";

static const struct {
	enum verb_kind kind;
	const char *name, *attrs, *nests;
} verbs[] = {
	{ VERB_SAY, "Say", " voice language loop ", "" },
	{ VERB_PLAY, "Play", " loop digits ", "" },
	{ VERB_PAUSE, "Pause", " length ", "" },
	{ VERB_DIAL, "Dial", dial_attrs, " Number Sip Client Conference " },
	{ VERB_HANGUP, "Hangup", " ", "" },
	{ VERB_REDIRECT, "Redirect", " method ", "" },
	{ VERB_REJECT, "Reject", " reason ", "" },
	{ VERB_GATHER, "Gather", gather_attrs, " Say Play Pause " },
	{ VERB_RECORD, "Record", record_attrs, "" },
	{ VERB_CONNECT, "Connect", " action method ", " Stream ConversationRelay " },
};

static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at++)
		if (at > list && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static void note_attrs(struct twiml *t, const struct xml *x, const char *known)
{
	for (const struct xml_attr *a = x->attrs; a; a = a->next)
		if (!listed(known, a->name))
			text_printf(&t->notes, "12200 attribute %s is not known on <%s>\n", a->name, x->name);
}

static char *copy_attr(const struct xml *x, const char *name)
{
	const char *value = xml_attr(x, name);

	return value ? need_copy(value) : NULL;
}

static bool is_get(const struct xml *x, const char *attr)
{
	const char *value = xml_attr(x, attr);

	return value && strcmp(value, "GET") == 0;
}

static char *trimmed(const char *s)
{
	size_t n;

	s += strspn(s, " \t\r\n");
	n = strlen(s);
	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	return need_copy_n(s, n);
}

static int read_parameter(
    struct twiml *t, struct verb *v, const struct xml *p, const char *of, char *why, size_t why_size)
{
	const char *name = xml_attr(p, "name"), *value = xml_attr(p, "value");

	if (strcmp(p->name, "Parameter") != 0 || !name || !value) {
		snprintf(
		    why, why_size, "12200 <%s> does not take <%s>, and of <Parameter> name and value", of, p->name);
		return -1;
	}
	note_attrs(t, p, " name value ");
	if (strlen(name) + strlen(value) >= 500) {
		snprintf(why, why_size, "parameter %s is longer than 500 characters", name);
		return -1;
	}
	if (v->parameter_count == PARAMETERS_MAX) {
		snprintf(why, why_size, "more than %d parameters", PARAMETERS_MAX);
		return -1;
	}
	v->parameter[v->parameter_count].name = need_copy(name);
	v->parameter[v->parameter_count++].value = need_copy(value);
	return 0;
}

static int read_relay(struct twiml *t, struct verb *v, const struct xml *x, char *why, size_t why_size)
{
	int err = 0;

	v->relay = relay_noun_read(x, &t->notes);
	v->url = copy_attr(x, "url");
	if (!v->url || strncmp(v->url, "wss://", 6) != 0) {
		snprintf(why, why_size, "64102 the url of <ConversationRelay> is not wss: %s", v->url ? v->url : "");
		return -1;
	}
	if (!v->action || !strstr(v->action, "://"))
		text_puts(&t->notes,
		    "64102 <Connect> of a relay has no action of a whole address: its end would be the call's\n");
	for (const struct xml *p = x->children; p && !err; p = p->next)
		if (strcmp(p->name, "Language") != 0)
			err = read_parameter(t, v, p, "ConversationRelay", why, why_size);
	return err;
}

static int read_stream(struct twiml *t, struct verb *v, const struct xml *x, char *why, size_t why_size)
{
	const char *track = xml_attr(x, "track");
	int err = 0;

	note_attrs(t, x, stream_attrs);
	v->url = copy_attr(x, "url");
	v->name = copy_attr(x, "name");
	v->status_url = copy_attr(x, "statusCallback");
	v->status_get = is_get(x, "statusCallbackMethod");
	if (!v->url || !*v->url) {
		snprintf(why, why_size, "31923 <Stream> has no url");
		return -1;
	}
	if (strstr(v->url, "://") && strncmp(v->url, "wss://", 6) != 0) {
		snprintf(why, why_size, "31922 the url of <Stream> is not wss: %s", v->url);
		return -1;
	}
	if (strpbrk(v->url, "?#"))
		text_printf(&t->notes, "31920 the url of <Stream> has a query string, which is dropped\n");
	if (track && strcmp(track, "inbound_track") != 0) {
		snprintf(why, why_size, "31941 track %s is not allowed under <Connect>", track);
		return -1;
	}
	for (const struct xml *p = x->children; p && !err; p = p->next)
		err = read_parameter(t, v, p, "Stream", why, why_size);
	return err;
}

/* What is nested in Dial and Gather: the number, or the words. */
static char *nested_text(const struct xml *x)
{
	struct text all = { 0 };
	char *own = trimmed(x->text), *copy;

	text_puts(&all, own);
	for (const struct xml *c = x->children; c; c = c->next) {
		char *one = trimmed(c->text);

		if (all.len && *one)
			text_puts(&all, " ");
		text_puts(&all, one);
		free(one);
	}
	copy = need_copy(text_str(&all));
	text_free(&all);
	free(own);
	return copy;
}

static int read_verb(struct twiml *t, const struct xml *x, char *why, size_t why_size)
{
	struct verb *v;
	size_t k = 0;

	while (k < sizeof verbs / sizeof verbs[0] && strcmp(verbs[k].name, x->name) != 0)
		k++;
	if (k == sizeof verbs / sizeof verbs[0]) {
		snprintf(why, why_size, "12200 <%s> is no verb this phone knows", x->name);
		return -1;
	}
	t->verb = need_more(t->verb, (t->count + 1) * sizeof *t->verb);
	v = &t->verb[t->count++];
	*v = (struct verb){ .kind = verbs[k].kind };
	v->action = copy_attr(x, "action");
	v->digits = copy_attr(x, "digits");
	v->get = is_get(x, "method");
	v->action_on_empty =
	    xml_attr(x, "actionOnEmptyResult") && strcmp(xml_attr(x, "actionOnEmptyResult"), "true") == 0;
	if (xml_attr(x, v->kind == VERB_PAUSE ? "length" : "timeout"))
		v->seconds = strtol(xml_attr(x, v->kind == VERB_PAUSE ? "length" : "timeout"), NULL, 10);
	if (v->kind == VERB_RECORD) {
		const char *transcribe = xml_attr(x, "transcribe");

		v->status_url = copy_attr(x, "recordingStatusCallback");
		v->status_get = is_get(x, "recordingStatusCallbackMethod");
		v->url = transcribe && !strcmp(transcribe, "true") ? copy_attr(x, "transcribeCallback") : NULL;
	}
	note_attrs(t, x, verbs[k].attrs);
	for (const struct xml *c = x->children; c; c = c->next) {
		/* Speech marked up with SSML is speech all the same. */
		if (v->kind != VERB_SAY && !listed(verbs[k].nests, c->name)) {
			v->text = need_copy("");
			snprintf(why, why_size, "12200 <%s> may not stand in <%s>", c->name, x->name);
			return -1;
		}
	}
	v->text = nested_text(x);
	if (v->digits && (!*v->digits || v->digits[strspn(v->digits, "0123456789*#w")])) {
		snprintf(why, why_size, "12200 the digits of <Play> are none: %s", v->digits);
		return -1;
	}
	if (v->kind != VERB_CONNECT)
		return 0;
	if (!x->children || x->children->next) {
		snprintf(why, why_size, "12200 <Connect> must hold one <Stream> or <ConversationRelay>");
		return -1;
	}
	if (strcmp(x->children->name, "ConversationRelay") == 0)
		return read_relay(t, v, x->children, why, why_size);
	return read_stream(t, v, x->children, why, why_size);
}

int twiml_read(struct twiml *out, const char *data, size_t len, char *why, size_t why_size)
{
	struct xml *root;
	char detail[200] = "";
	int err = 0;

	*out = (struct twiml){ 0 };
	if (len > TWIML_MAX_BYTES) {
		snprintf(why, why_size, "11750 the document has %zu bytes", len);
		return -1;
	}
	root = xml_read(data, len, detail, sizeof detail);
	if (!root) {
		snprintf(why, why_size, "12100 no XML: %s", detail);
		return -1;
	}
	if (strcmp(root->name, "Response") != 0) {
		snprintf(why, why_size, "12100 the root is <%s>, not <Response>", root->name);
		err = -1;
	}
	for (const struct xml *x = root->children; x && !err; x = x->next)
		err = read_verb(out, x, why, why_size);
	xml_free(root);
	return err;
}

void twiml_free(struct twiml *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct verb *v = &t->verb[i];
		char *const texts[] = { v->digits, v->text, v->action, v->url, v->name, v->status_url };

		for (size_t p = 0; p < v->parameter_count; p++) {
			free(v->parameter[p].name);
			free(v->parameter[p].value);
		}
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free(texts[k]);
		relay_noun_free(v->relay);
	}
	free(t->verb);
	text_free(&t->notes);
	*t = (struct twiml){ 0 };
}
