#ifndef PHONE_NAMES_H
#define PHONE_NAMES_H
/* How long the names are by which Twilio calls things, with the NUL: a CallSid
 * has 34 characters, a number may also be "anonymous", client:… or sip:…. Longer
 * ones are refused (CallSid) or cut (numbers). */

enum { CALL_SID_SIZE = 40, CALL_NUMBER_SIZE = 64 };

#endif
