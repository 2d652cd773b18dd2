#include "gateway/launcher/key.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/arena.h"
#include "lib/base/err.h"

enum {
	DAY_S = 24 * 60 * 60,
	LIFE_DAYS = 3652,
	NS_PER_S = 1000000000,
};

struct key_version key_version(const char *dir)
{
	static const char *const names[KEY_FILES] = { "tls.crt", "tls.key" };
	AUTO(arena_auto) struct arena *a = arena_new();
	struct key_version v = { .exists = true };

	for (size_t i = 0; i < KEY_FILES; i++) {
		struct stat st;

		if (stat(arena_printf(a, "%s/%s", dir, names[i]), &st) != 0)
			return (struct key_version){ .exists = false };
		v.inode[i] = (uint64_t)st.st_ino;
		v.changed_ns[i] = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	}
	return v;
}

bool key_version_eq(const struct key_version *x, const struct key_version *y)
{
	bool same = x->exists == y->exists;

	for (size_t i = 0; i < KEY_FILES; i++)
		same = same && x->inode[i] == y->inode[i] && x->changed_ns[i] == y->changed_ns[i];
	return same;
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_certificate(X509 **x)
{
	X509_free(*x);
}

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool set_serial(X509 *x)
{
	unsigned char bytes[8];
	uint64_t serial = 0;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		serial = serial << 8 | bytes[i];
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) == 1;
}

static bool sign(X509 *x, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), LIFE_DAYS, 0, NULL) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		       (const unsigned char *)"gateway", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	       add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x, NID_subject_alt_name, "DNS:localhost,DNS:gateway,IP:127.0.0.1") &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static FILE *create(struct arena *a, const char *dir, const char *name, mode_t mode)
{
	const char *path = arena_printf(a, "%s/%s", dir, name);
	int fd;

	(void)unlink(path); /* of an earlier start, perhaps with another mode */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? NULL : fdopen(fd, "wb");
}

bool key_make(const char *dir, struct err *err)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	AUTO(free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
	AUTO(free_certificate) X509 *x = X509_new();
	AUTO(close_file) FILE *key_file = create(a, dir, "tls.key", 0600);
	AUTO(close_file) FILE *certificate_file = create(a, dir, "tls.crt", 0644);

	if (!key || !x || !sign(x, key))
		return err_set(err, ERR_BUG, "no key and certificate could be made");
	if (!key_file || !certificate_file ||
		PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) != 1 ||
		PEM_write_X509(certificate_file, x) != 1 || fflush(key_file) != 0 ||
		fflush(certificate_file) != 0)
		return err_set(err, ERR_INVALID, "%s: tls.key and tls.crt cannot be written", dir);
	return true;
}
