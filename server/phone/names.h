#ifndef PHONE_NAMES_H
#define PHONE_NAMES_H
/* Sizes of Twilio's names for things, with the NUL: a CallSid has 34
 * characters; a number may also be "anonymous", client:… or sip:…. Longer
 * CallSids are refused, longer numbers are cut. */

enum { CALL_SID_SIZE = 40, CALL_NUMBER_SIZE = 64 };

#endif
