#include "server/store/row.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/store/store_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int bind(sqlite3_stmt *stmt, int at, char letter, va_list *values)
{
	const char *text;

	switch (letter) {
	case 'i':
		return sqlite3_bind_int64(stmt, at, va_arg(*values, int64_t));
	case 'd':
		return sqlite3_bind_double(stmt, at, va_arg(*values, double));
	case 't':
		text = va_arg(*values, const char *);
		return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
	default:
		assert(false && "a letter that rows_ask does not know");
		return SQLITE_MISUSE;
	}
}

void rows_ask(struct rows *r, struct store *store, const char *sql, const char *format, ...)
{
	va_list values;

	*r = (struct rows){ .store = store, .db = store ? store_reader(store) : NULL, .result = SQLITE_CANTOPEN };
	if (!r->db)
		return;
	r->result = sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL);
	va_start(values, format);
	for (int i = 0; format[i] && r->result == SQLITE_OK; i++)
		r->result = bind(r->stmt, i + 1, format[i], &values);
	va_end(values);
}

bool rows_next(struct rows *r)
{
	if (r->result != SQLITE_OK && r->result != SQLITE_ROW)
		return false;
	r->result = sqlite3_step(r->stmt);
	r->count += r->result == SQLITE_ROW;
	return r->result == SQLITE_ROW;
}

int rows_done(struct rows *r)
{
	bool ok = r->result == SQLITE_OK || r->result == SQLITE_ROW || r->result == SQLITE_DONE;

	sqlite3_finalize(r->stmt);
	store_reader_done(r->store, r->db);
	r->stmt = NULL;
	r->db = NULL;
	return ok ? r->count : -EIO;
}

int rows_done_one(struct rows *r)
{
	int count = rows_done(r);

	return count < 0 ? count : count ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------------ columns */

bool row_null(const struct rows *r, int column)
{
	return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}

int64_t row_int(const struct rows *r, int column)
{
	return sqlite3_column_int64(r->stmt, column);
}

double row_double(const struct rows *r, int column)
{
	return sqlite3_column_double(r->stmt, column);
}

const char *row_text(const struct rows *r, int column)
{
	return (const char *)sqlite3_column_text(r->stmt, column);
}

const char *row_string(const struct rows *r, int column)
{
	const char *text = row_text(r, column);

	return text ? text : "";
}

char *row_copy(const struct rows *r, int column)
{
	const char *text = row_text(r, column);

	return text ? strdup(text) : NULL;
}

void row_take(const struct rows *r, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", row_string(r, column));
}

void row_put_text(const struct rows *r, int column, const char *name, struct buf *out)
{
	const char *text = row_string(r, column);

	buf_printf(out, ",\"%s\":", name);
	json_put_cstring(out, *text ? text : NULL);
}

void row_put_time(const struct rows *r, int column, const char *name, struct buf *out)
{
	char stamp[32];

	buf_printf(out, ",\"%s\":", name);
	if (row_null(r, column)) {
		buf_puts(out, "null");
		return;
	}
	clock_iso8601(row_int(r, column), stamp, sizeof stamp);
	buf_printf(out, "\"%s\"", stamp);
}
