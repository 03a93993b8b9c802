#include "common/trust.h"

#include "common/buf.h"
#include "common/trust_anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BUNDLE_MAX = 16 << 20,
	CERTIFICATE_MAX = 64 << 10, /* the largest public root is under 3 KB */
	READ_BYTES = 64 << 10
};

struct trust {
	br_x509_trust_anchor *anchor; /* owned, and so are its names and keys */
	size_t count;
	size_t cap;
	size_t skipped_short;
};

const br_x509_trust_anchor *trust_anchors(const struct trust *t)
{
	return t->anchor;
}

size_t trust_count(const struct trust *t)
{
	return t->count;
}

size_t trust_skipped_short(const struct trust *t)
{
	return t->skipped_short;
}

static void free_anchor(br_x509_trust_anchor *ta)
{
	free(ta->dn.data);
	if (ta->pkey.key_type == BR_KEYTYPE_RSA) {
		free(ta->pkey.key.rsa.n);
		free(ta->pkey.key.rsa.e);
	} else if (ta->pkey.key_type == BR_KEYTYPE_EC) {
		free(ta->pkey.key.ec.q);
	}
}

void trust_close(struct trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		free_anchor(&t->anchor[i]);
	free(t->anchor);
	free(t);
}

static unsigned char *copy(const void *bytes, size_t len)
{
	unsigned char *p = malloc(len ? len : 1);

	if (p && len)
		memcpy(p, bytes, len);
	return p;
}

static int copy_key(br_x509_pkey *to, const br_x509_pkey *from)
{
	to->key_type = from->key_type;
	switch (from->key_type) {
	case BR_KEYTYPE_RSA:
		to->key.rsa.n = copy(from->key.rsa.n, from->key.rsa.nlen);
		to->key.rsa.nlen = from->key.rsa.nlen;
		to->key.rsa.e = copy(from->key.rsa.e, from->key.rsa.elen);
		to->key.rsa.elen = from->key.rsa.elen;
		return to->key.rsa.n && to->key.rsa.e ? 0 : -ENOMEM;
	case BR_KEYTYPE_EC:
		to->key.ec.curve = from->key.ec.curve;
		to->key.ec.q = copy(from->key.ec.q, from->key.ec.qlen);
		to->key.ec.qlen = from->key.ec.qlen;
		return to->key.ec.q ? 0 : -ENOMEM;
	default:
		to->key_type = 0;
		return -EINVAL;
	}
}

static void append_name(void *arg, const void *bytes, size_t len)
{
	buf_put(arg, bytes, len);
}

/* The decoder's name and key die with it, so both are copied out. */
static int decode(br_x509_trust_anchor *ta, const struct buf *der)
{
	br_x509_decoder_context decoder;
	const br_x509_pkey *key;
	struct buf name;
	int err = -EINVAL;

	memset(ta, 0, sizeof *ta);
	buf_init(&name, CERTIFICATE_MAX);
	br_x509_decoder_init(&decoder, append_name, &name);
	br_x509_decoder_push(&decoder, der->data, der->len);
	key = br_x509_decoder_get_pkey(&decoder);
	if (buf_error(&name) == -ENOMEM) {
		err = -ENOMEM;
	} else if (key && !buf_error(&name)) {
		ta->dn.data = copy(name.data, name.len);
		ta->dn.len = name.len;
		ta->flags = br_x509_decoder_isCA(&decoder) ? BR_X509_TA_CA : 0;
		err = copy_key(&ta->pkey, key);
		if (!ta->dn.data)
			err = -ENOMEM;
		if (err)
			free_anchor(ta);
	}
	buf_free(&name);
	return err;
}

/* BearSSL asks it of the certificates that a server sends, and not of those it is given to trust. */
static bool is_short(const br_x509_trust_anchor *ta)
{
	const br_rsa_public_key *key = &ta->pkey.key.rsa;
	size_t at = 0;

	if (ta->pkey.key_type != BR_KEYTYPE_RSA)
		return false;
	while (at < key->nlen && !key->n[at])
		at++;
	return key->nlen - at < TRUST_RSA_BYTES;
}

static int add(struct trust *t, const struct buf *der)
{
	int err;

	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		void *grown = realloc(t->anchor, cap * sizeof *t->anchor);

		if (!grown)
			return -ENOMEM;
		t->anchor = grown;
		t->cap = cap;
	}
	err = der->data ? decode(&t->anchor[t->count], der) : -EINVAL;
	if (!err && is_short(&t->anchor[t->count])) {
		free_anchor(&t->anchor[t->count]);
		t->skipped_short++;
	} else if (!err) {
		t->count++;
	}
	return err == -EINVAL ? 0 : err; /* what cannot be used is skipped */
}

static bool is_certificate(const char *name)
{
	return !strcmp(name, "CERTIFICATE") || !strcmp(name, "X509 CERTIFICATE");
}

static void append_der(void *arg, const void *bytes, size_t len)
{
	buf_put(arg, bytes, len);
}

/* Runs through the bundle: `der` collects one certificate, whose end (or an
 * error inside it) the decoder announces. Other PEM objects are passed over. */
static int read_bundle(struct trust *t, const char *pem, size_t len, struct buf *der)
{
	br_pem_decoder_context decoder;
	bool collecting = false, ended = false;
	int err = 0;

	br_pem_decoder_init(&decoder);
	while (!err) {
		size_t taken = br_pem_decoder_push(&decoder, pem, len);

		pem += taken;
		len -= taken;
		switch (br_pem_decoder_event(&decoder)) {
		case BR_PEM_BEGIN_OBJ:
			buf_reset(der);
			collecting = is_certificate(br_pem_decoder_name(&decoder));
			br_pem_decoder_setdest(&decoder, collecting ? append_der : NULL, der);
			break;
		case BR_PEM_END_OBJ:
			if (collecting && buf_error(der) == -ENOMEM)
				err = -ENOMEM;
			else if (collecting && !buf_error(der))
				err = add(t, der);
			collecting = false;
			break;
		case BR_PEM_ERROR:
			/* Begun anew, or the bytes it still holds of the damaged
			 * object would lead the next one. */
			br_pem_decoder_init(&decoder);
			collecting = false;
			break;
		default:
			if (len)
				break;
			if (ended)
				return 0;
			/* The decoder ends an object at a line break, and not every file has its last. */
			ended = true;
			pem = "\n";
			len = 1;
		}
	}
	return err;
}

/* The decoder takes the carriage return of a file made on Windows for part of
 * the object's name. */
static void copy_without_returns(struct buf *to, const char *pem, size_t len)
{
	const char *end = pem + len;

	while (pem < end) {
		const char *cr = memchr(pem, '\r', (size_t)(end - pem));
		size_t n = (size_t)((cr ? cr : end) - pem);

		buf_put(to, pem, n);
		pem += cr ? n + 1 : n;
	}
}

int trust_from_pem(struct trust **out, const char *pem, size_t len)
{
	struct trust *t = calloc(1, sizeof *t);
	struct buf clean, der;
	int err;

	if (!t)
		return -ENOMEM;
	buf_init(&clean, BUNDLE_MAX);
	buf_init(&der, CERTIFICATE_MAX);
	copy_without_returns(&clean, pem, len);
	err = buf_error(&clean);
	if (!err)
		err = read_bundle(t, buf_text(&clean), clean.len, &der);
	buf_free(&clean);
	buf_free(&der);
	if (!err && !t->count)
		err = t->skipped_short ? -EKEYREJECTED : -EINVAL;
	if (err) {
		trust_close(t);
		return err;
	}
	*out = t;
	return 0;
}

static int read_file(struct buf *to, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (got > 0) {
		char *room = buf_room(to, READ_BYTES);

		if (!room) {
			err = buf_error(to);
			break;
		}
		got = read(fd, room, READ_BYTES);
		if (got < 0)
			err = -errno;
		else
			buf_grew(to, (size_t)got);
	}
	close(fd);
	return err;
}

int trust_open(struct trust **out, const char *pem_file)
{
	struct buf pem;
	int err;

	buf_init(&pem, BUNDLE_MAX);
	err = read_file(&pem, pem_file);
	if (!err)
		err = trust_from_pem(out, buf_text(&pem), pem.len);
	buf_free(&pem);
	return err;
}
