#include "tools/standin_model/ca.h"

#include "tools/kit/text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const certificate_names[CERTIFICATES] = { "good", "expired", "wrong-name", "unknown-root" };

enum { DAY = 86400 };

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

int certificate_index(const char *name)
{
	for (int i = 0; i < CERTIFICATES; i++)
		if (strcmp(name, certificate_names[i]) == 0)
			return i;
	return -1;
}

static void set_name(X509_NAME *name, const char *common)
{
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Trunkline tests", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (extension)
		X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

/* A new key and a certificate for it, from `from_days` to `until_days` from
 * now, not signed yet. */
static X509 *new_certificate(EVP_PKEY *key, const char *common, int from_days, int until_days)
{
	X509 *cert = X509_new();
	uint64_t serial = 0;

	RAND_bytes((unsigned char *)&serial, sizeof serial);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), (long)from_days * DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), (long)until_days * DAY);
	set_name(X509_get_subject_name(cert), common);
	X509_set_pubkey(cert, key);
	return cert;
}

static struct authority new_authority(const char *common)
{
	struct authority ca = { .key = EVP_EC_gen("P-256") };

	ca.cert = new_certificate(ca.key, common, -2, 3650);
	X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert));
	add_extension(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(ca.cert, ca.cert, NID_subject_key_identifier, "hash");
	X509_sign(ca.cert, ca.key, EVP_sha256());
	return ca;
}

static void free_authority(struct authority *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

static FILE *create(const char *dir, const char *name)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof path, "%s/%s.pem", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fprintf(stderr, "standin-model: %s: %s\n", path, strerror(errno));
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int issue(const char *dir, const char *file, const struct authority *ca, const char *names, int until_days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct text alt = { 0 };
	char *list = need_copy(names), *rest = list, *name, *first = NULL;
	FILE *out = create(dir, file);
	X509 *cert;

	while ((name = strsep(&rest, ","))) {
		first = first ? first : name;
		text_printf(&alt, "%sDNS:%s", alt.len ? "," : "", name);
	}
	cert = new_certificate(key, first, -2, until_days);
	X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
	add_extension(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, ca->cert, NID_key_usage, "critical,digitalSignature");
	add_extension(cert, ca->cert, NID_ext_key_usage, "serverAuth");
	add_extension(cert, ca->cert, NID_subject_alt_name, alt.data);
	X509_sign(cert, ca->key, EVP_sha256());
	if (out) {
		PEM_write_X509(out, cert);
		PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
		fclose(out);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	text_free(&alt);
	free(list);
	return out ? 0 : -1;
}

/* As mkdir -p. */
static void make_directories(const char *dir)
{
	char *path = need_copy(dir);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(path, 0755);
	free(path);
}

int ca_make(const char *dir, const char *names)
{
	struct authority ca = new_authority("Trunkline test CA"), other = new_authority("Nobody's CA");
	int err;
	FILE *out;

	make_directories(dir);
	err = issue(dir, "good", &ca, names, 3650) | issue(dir, "expired", &ca, names, -1) |
	      issue(dir, "wrong-name", &ca, "elsewhere.test", 3650) | issue(dir, "unknown-root", &other, names, 3650);
	/* Last, because its presence says that the others are there. */
	out = err ? NULL : create(dir, "ca");
	if (out) {
		PEM_write_X509(out, ca.cert);
		fclose(out);
	}
	free_authority(&ca);
	free_authority(&other);
	return out ? 0 : -1;
}

int ca_have(const char *dir, const char *names)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/ca.pem", dir);
	return access(path, R_OK) == 0 ? 0 : ca_make(dir, names);
}

static int choose_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl, (void)arg;
	if (SSL_select_next_proto((unsigned char **)out, out_len, ours, sizeof ours - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *ca_context(const char *dir, const char *certificate, int max_version, int resumption)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char path[1024];

	snprintf(path, sizeof path, "%s/%s.pem", dir, certificate);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, max_version);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"standin", 7);
	/* No tickets: sessions are then resumed by their ID, under TLS 1.2. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	/* Or a client that goes without close_notify could not resume. */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, resumption ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1); /* one recv for a record's head and body */
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "standin-model: %s: no certificate and key\n", path);
		ERR_clear_error();
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
