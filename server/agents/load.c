#include "server/agents/load.h"

#include "server/agents/template.h"

#include <errno.h>

/* The settings' own texts are templates like any other. */
static int check_settings(const struct config *cfg, struct buf *problem)
{
	const struct {
		const char *name, *text;
	} texts[] = { { "INSTRUCTIONS", cfg->instructions }, { "GREETING", cfg->greeting } };
	int err = 0;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buf why;

		buf_init(&why, 0);
		if (template_check(texts[i].text, &why)) {
			buf_printf(problem, "%s: %s\n", texts[i].name, buf_text(&why));
			err = -EINVAL;
		}
		buf_free(&why);
	}
	return err;
}

int agents_load(struct agent_set **out, const struct config *cfg, struct buf *problem)
{
	struct agent_set *set = agent_set_new(cfg);
	int err;

	if (!set) {
		buf_puts(problem, "out of memory\n");
		return -ENOMEM;
	}
	err = check_settings(cfg, problem);
	if (err) {
		agent_set_release(set);
		return err;
	}
	*out = set;
	return 0;
}
