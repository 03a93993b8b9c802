#ifndef CONFIG_CONFIG_CHECK_H
#define CONFIG_CONFIG_CHECK_H
/* Checks of a setting's text.
 *
 * Each answers NULL if the text will do, else the end of a sentence that starts
 * with the setting's name and value ("must be an IPv4 address …").
 */
const char *check_ipv4(const char *text);
const char *check_caller(const char *text);     /* +number, +beginning*, withheld, client:… or sip:… */
const char *check_model_url(const char *text);  /* wss://host[:port]/path[?query] */
const char *check_public_url(const char *text); /* http(s)://host[:port][/path] */
const char *check_text_url(const char *text);   /* https://host[:port]/path[?query] */
const char *check_api_url(const char *text);    /* https://host[:port] */
const char *check_e164(const char *text);
const char *check_destination(const char *text); /* the same, or sip:name@host */
const char *check_account_sid(const char *text); /* AC and 32 hex digits */
const char *check_key_sid(const char *text);     /* SK and 32 hex digits */
const char *check_token(const char *text);       /* fit for a header: visible ASCII, no blanks, no quotes around it */
const char *check_api_token(const char *text);   /* the same, and too long to be guessed */
const char *check_read_token(const char *text);  /* the same */
const char *check_jwt_secret(const char *text);  /* the same, and long enough for HS256 */
const char *check_name(const char *text);        /* letters, digits, - _ . : */
const char *check_language(const char *text);    /* two small letters */
const char *check_prose(const char *text);       /* UTF-8; of the control characters only newline and tab */
const char *check_rung(const char *text);        /* a word of FALLBACK */
const char *check_path(const char *text);        /* a file that can be read */
const char *check_time_zone(const char *text);   /* what the C library knows as a value of TZ */

#endif
