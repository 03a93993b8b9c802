#include "server/model/endpoints.h"

#include "server/model/health.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* What speaks of an endpoint that there is not would be read by nobody. */
static int refuse_unused(const struct config *cfg, int number, struct buf *error)
{
	const struct config_endpoint *own = &cfg->others[number - 2];
	const char *name = *own->auth           ? "OPENAI_AUTH"
			   : *own->voice        ? "OPENAI_VOICE"
			   : *own->audio_format ? "OPENAI_AUDIO_FORMAT"
						: NULL;

	if (name)
		buf_printf(error,
		    "%s_%d is set, but there is no such endpoint: it must have an address, a key or a model of its own "
		    "(OPENAI_REALTIME_URL_%d, OPENAI_API_KEY_%d, OPENAI_MODEL_%d)\n",
		    name, number, number, number, number);
	return name ? -EINVAL : 0;
}

/* The one that was opened last would fail whenever the other does. */
static int refuse_same(const struct model_endpoints *e, struct buf *error)
{
	const struct model_access *new = &e->list[e->count - 1];

	for (const struct model_access *a = e->list; a < new; a++) {
		const char *model = *a->model ? a->model : a->cfg->openai_model;

		if (strcasecmp(a->host, new->host) != 0 || a->port != new->port || strcmp(a->path, new->path) != 0 ||
		    strcmp(a->key, new->key) != 0 ||
		    strcmp(model, *new->model ? new->model : a->cfg->openai_model) != 0)
			continue;
		buf_printf(error,
		    "the endpoints %d and %d are the same: OPENAI_REALTIME_URL_%d, OPENAI_API_KEY_%d or OPENAI_MODEL_%d must "
		    "differ, or be left out\n",
		    a->number, new->number, new->number, new->number, new->number);
		return -EINVAL;
	}
	return 0;
}

int model_endpoints_open(struct model_endpoints *e, const struct config *cfg, struct buf *error)
{
	int err = 0;

	e->count = 0;
	for (int number = 1; number <= CONFIG_ENDPOINTS_MAX && !err; number++) {
		if (!config_has_endpoint(cfg, number)) {
			err = refuse_unused(cfg, number, error);
			continue;
		}
		err = model_access_open(&e->list[e->count], cfg, number, e->count ? &e->list[0] : NULL, error);
		if (!err) {
			e->count++;
			err = refuse_same(e, error);
		}
	}
	if (err)
		model_endpoints_close(e);
	return err;
}

void model_endpoints_close(struct model_endpoints *e)
{
	while (e->count)
		model_access_close(&e->list[--e->count]);
}

/* Those that the agent takes, in its order: how many. The text API has one address. */
static size_t put_in_order(
    const struct model_endpoints *e, const struct agent *agent, const struct model_access *out[CONFIG_ENDPOINTS_MAX])
{
	size_t all = agent->model_protocol == MODEL_KIND_TEXT ? 1 : e->count, n = 0;

	if (all == 1 || !agent->endpoint_count) {
		while (n < all) {
			out[n] = &e->list[n];
			n++;
		}
		return n;
	}
	for (size_t k = 0; k < agent->endpoint_count; k++)
		for (size_t i = 0; i < all; i++)
			if (e->list[i].number == agent->endpoints[k].number)
				out[n++] = &e->list[i];
	return n;
}

const struct model_access *model_endpoints_next(
    const struct model_endpoints *e, const struct agent *agent, const struct model_access *last)
{
	const struct model_access *ways[CONFIG_ENDPOINTS_MAX];
	size_t n = put_in_order(e, agent, ways), from = 0;

	for (size_t i = 0; i < n && last; i++)
		if (ways[i] == last)
			from = i + 1;
	for (int state = WAY_WELL; state < WAY_REFUSED; state++)
		for (size_t k = 0; k < n; k++)
			if ((int)model_health_way(e->health, ways[(from + k) % n], agent) == state)
				return ways[(from + k) % n];
	return last ? NULL : ways[0];
}
