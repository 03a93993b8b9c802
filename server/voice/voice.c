#include "server/voice/voice.h"

#include "server/stats/stats.h"
#include "server/voice/voice_lines.h"
#include "server/voice/voice_maker.h"
#include "server/voice/voice_private.h"

#include <errno.h>
#include <stdlib.h>

int voice_open(struct voice **out, const struct voice_parts *parts)
{
	struct voice *v;
	int err;

	*out = NULL;
	if (!parts->cfg->voice_cache)
		return 0;
	v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->parts = *parts;
	v->stop.fd = v->wake.fd = -1;
	voice_shelf_init(&v->shelf);
	voice_dir_open(&v->dir, parts->cfg->data_dir);
	err = bell_open(&v->stop);
	if (!err)
		err = bell_open(&v->wake);
	if (!err)
		err = -pthread_create(&v->thread, NULL, voice_maker, v);
	v->started = !err;
	if (err)
		voice_close(v);
	else
		*out = v;
	return err;
}

void voice_drain(struct voice *v)
{
	if (v)
		bell_ring(&v->stop);
}

void voice_close(struct voice *v)
{
	if (!v)
		return;
	if (v->started) {
		bell_ring(&v->stop);
		pthread_join(v->thread, NULL);
	}
	voice_shelf_free(&v->shelf);
	bell_close(&v->stop);
	bell_close(&v->wake);
	free(v);
}

void voice_follow_agents(struct voice *v)
{
	if (v)
		bell_ring(&v->wake);
}

const struct voice_line *voice_find(struct voice *v, const struct agent *p, const char *text)
{
	struct voice_key key;

	return v && voice_lines_key(&key, v->parts.endpoints, p, text) ? voice_shelf_get(&v->shelf, key.hash) : NULL;
}

void voice_release(const struct voice_line *line)
{
	voice_shelf_release(line);
}

void voice_put_status(struct voice *v, struct json_out *j)
{
	size_t lines, bytes;

	if (!v)
		return;
	voice_shelf_count(&v->shelf, &lines, &bytes);
	json_put_uint(j, "lines", lines);
	json_put_uint(j, "bytes", bytes);
	json_put_uint(j, "wanted", atomic_load(&v->wanted));
	json_put_uint(j, "missing", atomic_load(&v->missing));
	json_put_uint(j, "given_up", atomic_load(&v->given_up));
	json_put_fixed(j, "cost_usd", (double)atomic_load(&v->cost_micros) / 1e6, 6);
}
