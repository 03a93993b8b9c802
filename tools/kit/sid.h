#ifndef KIT_SID_H
#define KIT_SID_H
/* Twilio's names for things: two letters and 32 hexadecimal digits. */

enum { SID_SIZE = 35 };

/* A new one, NUL-terminated. */
void sid_new(char out[SID_SIZE], const char *prefix);

#endif
