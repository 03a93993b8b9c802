#include "server/config/config_check.h"

#include "common/json.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	HOST_MAX = 253,     /* RFC 1035: longest host name as text */
	API_TOKEN_MIN = 16, /* characters; shorter ones can be guessed */
	CALLER_MAX = 256,   /* of a caller's name in a list, with its NUL */
	E164_DIGITS = 15,   /* of a whole number, country code included */
	JWT_SECRET_MIN = 32 /* RFC 7518 §3.2: as many bytes as the hash has */
};

/* Letters, digits, and the characters of `extra`. */
static bool only(const char *text, const char *extra)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(extra, *text))
			return false;
	return true;
}

/* Fit for a header line or a URL: no blanks, no control characters, nothing beyond ASCII. */
static bool visible_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < '!' || *text > '~')
			return false;
	return true;
}

/* An IPv6 address gets a sentence of its own: it is right, but not for us. */
const char *check_ipv4(const char *text)
{
	struct in_addr addr;

	if (strchr(text, ':'))
		return "must be an IPv4 address: this server listens on IPv4 only";
	return inet_pton(AF_INET, text, &addr) == 1 ? NULL : "must be an IPv4 address such as 127.0.0.1 or 0.0.0.0";
}

/* Who calls, as BLOCK_CALLERS and ALLOW_CALLERS name them; phone/party.h compares. A plus alone would
 * be everybody who has a number. */
const char *check_caller(const char *text)
{
	static const char how[] =
	    "must hold numbers or their beginnings with + and country code, as in +12025550123 or +49170*, or "
	    "withheld, client:NAME, sip:USER@HOST, comma-separated, each without blanks";
	size_t digits = strspn(text + (*text == '+'), "0123456789");
	const char *colon = strchr(text, ':');

	if (strcasecmp(text, "withheld") == 0)
		return NULL;
	if (strncmp(text, "client:", 7) == 0 || strncmp(text, "sip:", 4) == 0 || strncmp(text, "sips:", 5) == 0)
		return visible_ascii(text) && colon[1] && colon[1] != '*' && strlen(text) < CALLER_MAX &&
			       strcspn(text, "*") + 1 >= strlen(text)
			   ? NULL
			   : how;
	if (*text == '+' && digits == 0)
		return "must have digits behind the +: it would stand for every number";
	if (*text != '+' || text[1] == '0' || digits > E164_DIGITS ||
	    (text[1 + digits] && strcmp(text + 1 + digits, "*") != 0))
		return how;
	return NULL;
}

/* The length of the host in "host" or "host:port"; 0 if it cannot be one. Names may hold "_", which
 * DNS does not know but container networks do. */
static size_t split_authority(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t host = colon ? (size_t)(colon - text) : len;
	size_t digits = colon ? len - host - 1 : 0;

	if (host < 1 || host > HOST_MAX || !isalnum((unsigned char)text[0]) || !isalnum((unsigned char)text[host - 1]))
		return 0;
	for (size_t i = 0; i < host; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return 0;
	if (colon) {
		if (digits < 1 || digits > 5 || strspn(colon + 1, "0123456789") < digits)
			return 0;
		if (strtol(colon + 1, NULL, 10) < 1 || strtol(colon + 1, NULL, 10) > 65535)
			return 0;
	}
	return host;
}

/* The last label of a name is never a number (RFC 1123 §2.1). A host that ends in one is an
 * address, also in the spellings 127.1 and 2130706433. */
static bool is_address(const char *host, size_t len)
{
	size_t last = len;

	while (last > 0 && host[last - 1] != '.')
		last--;
	for (size_t i = last; i < len; i++)
		if (!isdigit((unsigned char)host[i]))
			return false;
	return true;
}

/* The most common slips have sentences of their own, in the order in which a reader of the URL
 * meets them. Addresses are refused here rather than at the first call, where the TLS handshake
 * would fail for a reason that nobody could guess. */
const char *check_model_url(const char *text)
{
	static const char scheme[] = "wss://";
	const char *authority = text + strlen(scheme);
	size_t len, host;

	if (strncmp(text, "ws://", 5) == 0)
		return "must start with wss:// (over ws:// the key and the call would travel readable by anyone)";
	if (strncmp(text, scheme, strlen(scheme)) != 0)
		return "must look like wss://host[:port]/path";
	if (!visible_ascii(text) || strpbrk(text, "\"<>\\^`{|}#"))
		return "must look like wss://host[:port]/path, without blanks, quotation marks or a #fragment";
	len = strcspn(authority, "/?");
	if (memchr(authority, '@', len))
		return "must not carry a user name or key; the key belongs in OPENAI_API_KEY";
	if (*authority == '[')
		return "must name its host: the TLS library (BearSSL) matches no IP address in a certificate; give a "
		       "name, if need be through /etc/hosts";
	host = split_authority(authority, len);
	if (!host)
		return "must look like wss://host[:port]/path";
	if (is_address(authority, host))
		return "must name its host: the TLS library (BearSSL) matches no IP address in a certificate; give a "
		       "name, if need be through /etc/hosts";
	if (authority[len] != '/')
		return "must have a path, as in wss://host[:port]/v1/realtime";
	return NULL;
}

/* The address that Twilio calls and signs (its signature covers the whole URL), hence no query and
 * no user name. A path is allowed, for a proxy that serves us below one; a slash at its end is cut
 * off by config_load. People paste the whole webhook URL, so that has a sentence. */
const char *check_public_url(const char *text)
{
	const char *authority = NULL;
	size_t len, path_len;
	static const char hook[] = "/twilio/voice";

	if (strncmp(text, "https://", 8) == 0)
		authority = text + 8;
	else if (strncmp(text, "http://", 7) == 0)
		authority = text + 7;
	if (!authority || !visible_ascii(text))
		return "must look like https://host[:port]";
	len = strcspn(authority, "/?#");
	if (!split_authority(authority, len) || strpbrk(text, "?#@\"<>\\"))
		return "must look like https://host[:port], without a query";
	path_len = strlen(authority + len);
	if (path_len >= strlen(hook) && strcmp(authority + len + path_len - strlen(hook), hook) == 0)
		return "must be the part before /twilio/voice";
	return NULL;
}

/* An API of text: https only, as the key and what was said go there. */
const char *check_text_url(const char *text)
{
	const char *authority = text + strlen("https://");
	size_t len;

	if (strncmp(text, "http://", strlen("http://")) == 0)
		return "must start with https:// (over http:// the key and what was said would travel readable by anyone)";
	if (strncmp(text, "https://", strlen("https://")) != 0 || !visible_ascii(text) || strpbrk(text, "\"<>\\^`{|}#"))
		return "must look like https://host[:port]/v1/…";
	len = strcspn(authority, "/?");
	if (memchr(authority, '@', len))
		return "must not carry a user name or key; the key has a setting of its own";
	if (!split_authority(authority, len) || authority[len] != '/')
		return "must look like https://host[:port]/v1/…";
	return NULL;
}

/* Twilio's REST API without a path, because we build paths ourselves. */
const char *check_api_url(const char *text)
{
	const char *authority = text + strlen("https://");

	if (strncmp(text, "https://", strlen("https://")) != 0 || !visible_ascii(text) ||
	    strcspn(authority, "/?#@\"<>\\") != strlen(authority) || !split_authority(authority, strlen(authority)))
		return "must look like https://api.twilio.com, without a path";
	return NULL;
}

/* Twilio's identifiers: two letters for the kind and 32 hex digits. */
static bool is_sid(const char *text, const char *prefix)
{
	return strncmp(text, prefix, 2) == 0 && strlen(text) == 34 && strspn(text + 2, "0123456789abcdef") == 32;
}

const char *check_account_sid(const char *text)
{
	return is_sid(text, "AC") ? NULL : "must be AC and 32 hex digits";
}

const char *check_key_sid(const char *text)
{
	return is_sid(text, "SK") ? NULL : "must be SK and 32 hex digits";
}

/* ITU-T E.164 allows 15 digits, and no country code begins with 0. */
const char *check_e164(const char *text)
{
	size_t digits = strlen(text) - (*text == '+');

	if (text[0] != '+' || text[1] == '0' || digits < 7 || digits > E164_DIGITS ||
	    strspn(text + 1, "0123456789") != digits)
		return "must be a number in E.164 form: + and country code, 7 to 15 digits, as in +12025550123";
	return NULL;
}

const char *check_token(const char *text)
{
	size_t len = strlen(text);

	/* `docker run --env-file` passes quotation marks on as part of the value. */
	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0])
		return "must not have quotation marks around it";
	return visible_ascii(text) ? NULL : "must be visible ASCII without blanks";
}

const char *check_api_token(const char *text)
{
	if (strlen(text) < API_TOKEN_MIN)
		return "must have at least 16 characters, where any length was taken before; `openssl rand -hex 24` "
		       "makes a good one";
	return check_token(text);
}

const char *check_read_token(const char *text)
{
	if (strlen(text) < API_TOKEN_MIN)
		return "must have at least 16 characters; `openssl rand -hex 24` makes a good one";
	return check_token(text);
}

const char *check_jwt_secret(const char *text)
{
	if (strlen(text) < JWT_SECRET_MIN)
		return "must have at least 32 bytes; `openssl rand -hex 32` makes a good one";
	return check_token(text);
}

const char *check_name(const char *text)
{
	return only(text, "-_.:") ? NULL : "must be a plain name: letters, digits and - _ . :";
}

const char *check_language(const char *text)
{
	if (strlen(text) == 2 && islower((unsigned char)text[0]) && islower((unsigned char)text[1]))
		return NULL;
	return "must be an ISO-639-1 code of two small letters, as in en or de";
}

/* A person's telephone in E.164, or a SIP address: sip:name@host. The text goes into TwiML's
 * <Dial>, hence no quotation marks and no blanks. */
const char *check_destination(const char *text)
{
	const char *at = strchr(text, '@');

	if (strncasecmp(text, "sip:", 4) != 0 && strncasecmp(text, "sips:", 5) != 0)
		return check_e164(text) ? "must be a number in E.164 form, as in +12025550123, or sip:name@host" : NULL;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\", *p))
			return "must look like sip:name@host, without blanks";
	return at && at[1] && at > strchr(text, ':') + 1 ? NULL : "must look like sip:name@host";
}

const char *check_rung(const char *text)
{
	static const char *const words[] = { "reconnect", "text", "dial", "voicemail", "none" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i], text))
			return NULL;
	return "must be some of reconnect, text, dial and voicemail, comma-separated, or none";
}

/* Text for the model and for people. Control characters would come from a pasted terminal or a
 * binary file, and JSON would carry them on. */
const char *check_prose(const char *text)
{
	if (!utf8_valid(text, strlen(text)))
		return "must be valid UTF-8";
	for (; *text; text++)
		if (iscntrl((unsigned char)*text) && !strchr("\n\r\t", *text))
			return "must not contain control characters";
	return NULL;
}

/* Opens the file and reads one byte, since permissions alone do not tell: a directory opens and
 * cannot be read. O_NONBLOCK keeps a pipe from stopping the start. */
const char *check_path(const char *text)
{
	int fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char byte;
	ssize_t got;

	if (fd < 0)
		return errno == EACCES ? "names a file that may not be read" : "names a file that cannot be opened";
	got = read(fd, &byte, 1);
	close(fd);
	if (got < 0)
		return "names something that is not a readable file";
	return got ? NULL : "names an empty file";
}

/* ----------------------------------------------------------------------- time zones */

/* A name such as "Europe/Berlin", or the path of a file. */
static bool is_zone_file(const char *text)
{
	const char *dir = getenv("TZDIR"); /* the C library looks there, too */
	char path[512], magic[4];
	ssize_t got = -1;
	int fd;

	if (*text == '/')
		snprintf(path, sizeof path, "%s", text);
	else
		snprintf(path, sizeof path, "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", text);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		got = read(fd, magic, sizeof magic);
		close(fd);
	}
	return got == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0; /* RFC 8536 §3.1 */
}

/* "CET" or "<+0330>": behind it, or NULL. */
static const char *behind_zone_name(const char *p)
{
	size_t n;

	if (*p == '<') {
		for (n = 1; isalnum((unsigned char)p[n]) || (p[n] && strchr("+-", p[n])); n++)
			;
		return n >= 4 && p[n] == '>' ? p + n + 1 : NULL;
	}
	for (n = 0; isalpha((unsigned char)p[n]); n++)
		;
	return n >= 3 ? p + n : NULL;
}

/* "-1", "+5:30": behind it, or NULL. */
static const char *behind_offset(const char *p)
{
	size_t n;

	p += *p == '+' || *p == '-';
	n = strspn(p, "0123456789:");
	return n >= 1 && n <= 8 && isdigit((unsigned char)*p) ? p + n : NULL;
}

/* The form of POSIX (XBD 8.3): std offset [dst [offset] [,start,end]]. */
static bool is_zone_rule(const char *text)
{
	const char *p = behind_zone_name(text), *behind;

	if (!p || !(p = behind_offset(p)))
		return false;
	if (!*p)
		return true;
	if (!(p = behind_zone_name(p)))
		return false;
	if ((behind = behind_offset(p)))
		p = behind;
	return !*p || (*p == ',' && strspn(p, "MJ0123456789./:,+-") == strlen(p));
}

/* The C library takes a name it does not know for UTC, without a word. Only UTC and GMT are as good
 * without their files. */
const char *check_time_zone(const char *text)
{
	const char *name = text + (*text == ':');

	if (is_zone_file(name) || is_zone_rule(name) || strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0)
		return NULL;
	return "must name a time zone that is known here, as in Europe/Berlin (the package tzdata knows them)";
}
