#ifndef STORE_STORE_WRITER_H
#define STORE_STORE_WRITER_H
/* The one thread that writes, from store_open until store_close. Private to
 * server/store/. */

void *store_writer(void *store);

#endif
