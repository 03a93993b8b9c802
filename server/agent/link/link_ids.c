#include "server/agent/link/link_ids.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER = 12 }; /* in front of an id, at most */

static size_t put_number(uint32_t session, char out[NUMBER])
{
	out[0] = '\0';
	return session > 1 ? (size_t)snprintf(out, NUMBER, "%u.", session) : 0;
}

/* A name of ours for one that is too long has all of it, and is not told back. */
static void number(uint32_t session, char id[FOREIGN_ID_SIZE])
{
	char whole[NUMBER + FOREIGN_ID_SIZE];
	size_t len = put_number(session, whole);

	if (!len || !id[0] || !foreign_id_is_theirs(id))
		return;
	len += (size_t)snprintf(whole + len, sizeof whole - len, "%s", id);
	foreign_id_take(id, whole, len);
}

/* Without memory, or if it would be too long, it is one that cannot be used. */
static const char *numbered(struct link *l, uint32_t session, const char *id)
{
	const char *own = l->call_ids.data + l->call_ids.len;
	char front[NUMBER];

	if (!id[0] || put_number(session, front) + strlen(id) >= FOREIGN_ID_SIZE)
		return "";
	buf_puts(&l->call_ids, front);
	buf_put(&l->call_ids, id, strlen(id) + 1);
	return buf_error(&l->call_ids) ? "" : own;
}

static void number_calls(struct link *l, uint32_t session, struct model_event *e)
{
	size_t room = NUMBER + (e->mcp.id ? strlen(e->mcp.id) + 1 : 0);

	for (size_t i = 0; i < e->call_count; i++)
		room += NUMBER + strlen(e->calls[i].call_id) + 1;
	buf_reset(&l->call_ids);
	buf_room(&l->call_ids, room); /* at once: it must not move any more */
	for (size_t i = 0; i < e->call_count; i++)
		e->calls[i].call_id = numbered(l, session, e->calls[i].call_id);
	if (e->mcp.id)
		e->mcp.id = numbered(l, session, e->mcp.id);
}

void link_ids_come(struct link *l, uint32_t session, struct model_event *e)
{
	if (session <= 1)
		return;
	number(session, e->item_id);
	number(session, e->response_id);
	if (e->call_count || e->mcp.id)
		number_calls(l, session, e);
}

const char *link_ids_tell(const struct link *l, const char *id)
{
	char front[NUMBER];
	size_t len = put_number(l->current.no, front);

	return strncmp(id, front, len) ? id : id + len;
}
