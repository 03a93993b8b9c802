/* An agent's file, of any bytes. What is accepted keeps its promises. */
#include "server/agents/agent.h"
#include "server/agents/agent_file.h"
#include "server/agents/template.h"
#include "server/config/config_check.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct config cfg;

static const char *lookup(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "SIGNING_SECRET") ? "not-a-real-secret" : NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct buf errors;

	(void)argc;
	(void)argv;
	buf_init(&errors, 0);
	return config_load(&cfg, lookup, NULL, &errors);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void look_at(const struct agent *p, struct buf *scratch)
{
	for (size_t i = 0; i < p->number_count; i++)
		must(!check_e164(p->numbers[i]));
	for (size_t i = 0; i < p->tool_count; i++) {
		must(*p->tools[i].name && strlen(p->tools[i].name) <= 64 && *p->tools[i].description);
		must(p->tools[i].parameters[0] == '{' && !strncasecmp(p->tools[i].url, "http", 4));
		must(p->tools[i].timeout_ms >= 100 && p->tools[i].timeout_ms <= 60000);
	}
	for (size_t i = 0; i < p->webhook_count; i++)
		must(p->webhooks[i].events && !(p->webhooks[i].events & ~(unsigned)WEBHOOK_ALL));
	for (size_t i = 0; i < p->mcp_count; i++)
		must(*p->mcps[i].label && !strncasecmp(p->mcps[i].url, "https://", 8));
	must(!template_check(p->instructions, scratch) && !template_check(p->greeting, scratch));
	must(!(p->tool_count || p->webhook_count) || *p->signing_secret);
	must(p->speed >= 0.25 && p->speed <= 1.5 && p->max_call_seconds >= 1 && p->max_call_seconds <= 3500);
	must(p->openai_model[0] && p->voice[0]);
	for (int i = 0; i < PHRASE_COUNT; i++) {
		struct spoken s = phrase_of(p, (enum phrase)i);

		must(s.text[strspn(s.text, " \t\n")] && strlen(s.text) <= PHRASE_MAX && !strstr(s.text, "{{"));
	}
	agent_describe(p, false, scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_text in = {
		.name = "x", .file = "x.json", .folder = "/nonexistent", .text = (const char *)data, .len = size
	};
	struct buf problem, notes;
	struct agent_entry a;
	int err;

	buf_init(&problem, 0);
	buf_init(&notes, 0);
	err = agent_file_read(&a, &cfg, &in, &problem, &notes);
	must(!err || err == -EINVAL);
	/* A mistake is told, and nothing else is. */
	must(!err == !problem.len && (!err || !strncmp(problem.data, "x.json: ", 8)));
	must(!err == (a.variant_count > 0));
	for (size_t i = 0; i < a.variant_count; i++)
		look_at(a.variants[i], &notes);
	agent_memory_release(a.memory);
	buf_free(&problem);
	buf_free(&notes);
	return 0;
}
