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
			   : *own->ca_file      ? "OPENAI_CA_FILE"
			   : *own->protocol     ? "MODEL_PROTOCOL"
						: NULL;

	if (name)
		buf_printf(error,
		    "%s_%d is set, but there is no such endpoint: it must have an address, a key or a model of its own "
		    "(OPENAI_REALTIME_URL_%d, OPENAI_API_KEY_%d, OPENAI_MODEL_%d)\n",
		    name, number, number, number, number);
	return name ? -EINVAL : 0;
}

/* A call that is up cannot go on with requests: its caller may be on a channel of sound, and its agent's file was
 * read for sessions. */
static int refuse_text(const struct config *cfg, int number, struct buf *error)
{
	if (number == 1 || strcmp(cfg->others[number - 2].protocol, "text") != 0)
		return 0;
	buf_printf(error,
	    "MODEL_PROTOCOL_%d=text: a call cannot go on there, only at another realtime endpoint; the text API is for "
	    "agents that have no other model (MODEL_PROTOCOL, or \"model_protocol\" in an agent's file)\n",
	    number);
	return -EINVAL;
}

/* What is asked for there, of whichever agent; a slash at the end of the path asks for nothing else. */
static void put_asked(const struct model_access *a, struct buf *out)
{
	const char *text, *query;
	struct buf path;

	buf_init(&path, 0);
	a->protocol->path(a, *a->model ? a->model : a->cfg->openai_model, &path);
	text = buf_text(&path);
	query = text + strcspn(text, "?");
	while (query > text && query[-1] == '/')
		query--;
	buf_put(out, text, (size_t)(query - text));
	buf_puts(out, text + strcspn(text, "?"));
	buf_free(&path);
}

static bool is_same(const struct model_access *a, const struct model_access *b)
{
	struct buf of_a, of_b;
	bool same;

	if (strcasecmp(a->host, b->host) != 0 || a->port != b->port || strcmp(a->key, b->key) != 0)
		return false;
	buf_init(&of_a, 0);
	buf_init(&of_b, 0);
	put_asked(a, &of_a);
	put_asked(b, &of_b);
	same = !strcmp(buf_text(&of_a), buf_text(&of_b));
	buf_free(&of_a);
	buf_free(&of_b);
	return same;
}

/* The one that was opened last would fail whenever the other does. */
static int refuse_same(const struct model_endpoints *e, struct buf *error)
{
	const struct model_access *new = &e->list[e->count - 1];

	for (const struct model_access *a = e->list; a < new; a++) {
		if (!is_same(a, new))
			continue;
		buf_printf(error,
		    "the endpoints %d and %d are the same: OPENAI_REALTIME_URL_%d, OPENAI_API_KEY_%d or OPENAI_MODEL_%d must "
		    "differ, or be left out%s\n",
		    a->number, new->number, new->number, new->number, new->number,
		    new->names_model ? "; the address names the model, so OPENAI_MODEL does not count" : "");
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
		err = refuse_text(cfg, number, error);
		if (!err)
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

const struct model_access *model_endpoints_first(const struct model_endpoints *e, const struct agent *agent)
{
	const struct model_access *ways[CONFIG_ENDPOINTS_MAX];

	put_in_order(e, agent, ways);
	return ways[0];
}

bool model_endpoints_before(const struct model_endpoints *e, const struct agent *agent, const struct model_access *a,
    const struct model_access *b)
{
	const struct model_access *ways[CONFIG_ENDPOINTS_MAX];
	size_t n = put_in_order(e, agent, ways), i = 0;

	while (i < n && ways[i] != a && ways[i] != b)
		i++;
	return a != b && i < n && ways[i] == a;
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
