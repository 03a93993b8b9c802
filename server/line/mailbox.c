#include "server/line/mailbox.h"

#include <stdlib.h>
#include <string.h>

struct mail *mail_new(enum mail_type type, const char *name, const char *text)
{
	struct mail *mail = calloc(1, sizeof *mail);

	if (!mail)
		return NULL;
	mail->type = type;
	mail->name = strdup(name ? name : "");
	mail->text = strdup(text ? text : "");
	if (!mail->name || !mail->text) {
		mail_free(mail);
		return NULL;
	}
	return mail;
}

void mail_free(struct mail *mail)
{
	if (!mail)
		return;
	free(mail->name);
	free(mail->text);
	free(mail);
}

/* The place is counted before the letter is linked, so several writers at once cannot
 * pass the limit together. The taker counts down after it has the letter. */
bool mailbox_put(struct mailbox *box, struct mail *mail)
{
	if (atomic_fetch_add_explicit(&box->count, 1, memory_order_relaxed) >= MAILBOX_MAX) {
		atomic_fetch_sub_explicit(&box->count, 1, memory_order_relaxed);
		return false;
	}
	mail->next = atomic_load_explicit(&box->newest, memory_order_relaxed);
	/* Release: the contents before the pointer; pairs with the acquire in
	 * mailbox_take. */
	while (!atomic_compare_exchange_weak_explicit(
	    &box->newest, &mail->next, mail, memory_order_release, memory_order_relaxed))
		;
	return true;
}

/* One exchange takes the whole list, and its reversal gives the order of posting. */
struct mail *mailbox_take(struct mailbox *box)
{
	struct mail *newest, *oldest = NULL;

	/* It is nearly always empty: a look costs no write to a shared cache line. */
	if (!atomic_load_explicit(&box->newest, memory_order_relaxed))
		return NULL;
	newest = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	while (newest) {
		struct mail *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
		atomic_fetch_sub_explicit(&box->count, 1, memory_order_relaxed);
	}
	return oldest;
}

void mailbox_empty(struct mailbox *box)
{
	struct mail *mail = mailbox_take(box);

	while (mail) {
		struct mail *next = mail->next;

		mail_free(mail);
		mail = next;
	}
}
