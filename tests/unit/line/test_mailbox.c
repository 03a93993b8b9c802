#include "server/line/mailbox.h"
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static void put(struct mailbox *box, const char *name)
{
	assert_true(mailbox_put(box, mail_new(MAIL_SAY, name, NULL)));
}

static void letter_keeps_its_own_copies(void **state)
{
	char name[] = "call_1", text[] = "{\"ok\":true}";
	struct mail *mail = mail_new(MAIL_TOOL_ANSWER, name, text);

	(void)state;
	memset(name, 'x', sizeof name - 1);
	memset(text, 'x', sizeof text - 1);
	assert_string_equal(mail->name, "call_1");
	assert_string_equal(mail->text, "{\"ok\":true}");
	mail_free(mail);
	mail = mail_new(MAIL_SAY, NULL, NULL);
	assert_string_equal(mail->name, "");
	assert_string_equal(mail->text, "");
	mail_free(mail);
	mail_free(NULL);
}

static void letters_come_out_in_the_order_they_went_in(void **state)
{
	struct mailbox box = { 0 };

	(void)state;
	assert_null(mailbox_take(&box));
	for (int round = 0; round < 3; round++) {
		struct mail *mail;
		int count = 0;

		put(&box, "0");
		put(&box, "1");
		put(&box, "2");
		mail = mailbox_take(&box);
		assert_null(mailbox_take(&box));
		while (mail) {
			struct mail *next = mail->next;

			assert_int_equal(mail->name[0], '0' + count++);
			mail_free(mail);
			mail = next;
		}
		assert_int_equal(count, 3);
	}
}

static void full_box_refuses_and_what_nobody_took_is_freed(void **state)
{
	struct mailbox box = { 0 };
	struct mail *more = mail_new(MAIL_SAY, "more", NULL);

	(void)state;
	for (int i = 0; i < MAILBOX_MAX; i++)
		put(&box, "x");
	assert_false(mailbox_put(&box, more));
	assert_false(mailbox_put(&box, more)); /* a refusal takes no room */
	mailbox_empty(&box);
	assert_true(mailbox_put(&box, more));
	mailbox_empty(&box);
}

/* --------------------------------------------------------------- several writers */

enum { WRITERS = 3, LETTERS = 2000 };

static struct mailbox shared;

static void *write_letters(void *arg)
{
	for (int i = 0; i < LETTERS; i++) {
		char name[32];
		struct mail *mail;

		snprintf(name, sizeof name, "%d %d", *(int *)arg, i);
		mail = mail_new(MAIL_SAY, name, name);
		while (!mailbox_put(&shared, mail))
			sched_yield();
	}
	return NULL;
}

static void letters_of_several_writers_all_arrive_each_writer_s_in_order(void **state)
{
	pthread_t threads[WRITERS];
	int who[WRITERS], next[WRITERS] = { 0 }, got = 0;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		who[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, write_letters, &who[i]), 0);
	}
	while (got < WRITERS * LETTERS) {
		struct mail *mail = mailbox_take(&shared);

		if (!mail)
			sched_yield();
		while (mail) {
			struct mail *following = mail->next;
			int writer, number;

			assert_int_equal(sscanf(mail->name, "%d %d", &writer, &number), 2);
			assert_string_equal(mail->name, mail->text);
			assert_int_equal(number, next[writer]++);
			mail_free(mail);
			mail = following;
			got++;
		}
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_null(mailbox_take(&shared));
	assert_int_equal(atomic_load(&shared.count), 0);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(letter_keeps_its_own_copies),
	cmocka_unit_test(letters_come_out_in_the_order_they_went_in),
	cmocka_unit_test(full_box_refuses_and_what_nobody_took_is_freed),
	cmocka_unit_test(letters_of_several_writers_all_arrive_each_writer_s_in_order),
	{ 0 },
};
