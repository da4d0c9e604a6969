/* sha256.c - SHA-256 by libcrypto, opened when it is first needed (see lapack.c). */
#include "base/sha256.h"

#include "base/stop.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

typedef struct crypto {
    __typeof__(EVP_sha256) *sha256;
    __typeof__(EVP_MD_CTX_new) *new_context;
    __typeof__(EVP_MD_CTX_free) *free_context;
    __typeof__(EVP_DigestInit_ex) *init;
    __typeof__(EVP_DigestUpdate) *update;
    __typeof__(EVP_DigestFinal_ex) *final;
} crypto;

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static bool open_crypto(crypto *c)
{
    static const char *const names[] = { "libcrypto.so.3", "libcrypto.so.1.1" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library && find(library, "EVP_sha256", &c->sha256) &&
            find(library, "EVP_MD_CTX_new", &c->new_context) &&
            find(library, "EVP_MD_CTX_free", &c->free_context) &&
            find(library, "EVP_DigestInit_ex", &c->init) &&
            find(library, "EVP_DigestUpdate", &c->update) &&
            find(library, "EVP_DigestFinal_ex", &c->final))
            return true;
    }
    return false;
}

static ph_status digest(const crypto *c, EVP_MD_CTX *context, const char *path, FILE *file,
                        unsigned char sum[EVP_MAX_MD_SIZE])
{
    enum { PIECE = 1 << 16 };
    unsigned char *piece = malloc(PIECE);
    if (piece == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    bool fine = c->init(context, c->sha256(), NULL);
    for (size_t n; fine && !ph_stop_asked() && (n = fread(piece, 1, PIECE, file)) > 0;)
        fine = c->update(context, piece, n);
    free(piece);
    if (ph_stop_asked())
        return ph_fail(PH_STOPPED, "%s: interrupted while it was verified; run it again to go on", path);
    if (ferror(file))
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    if (!fine || !c->final(context, sum, NULL))
        return ph_fail(PH_IO, "%s: libcrypto cannot compute its SHA-256", path);
    return PH_OK;
}

ph_status ph_sha256_file(const char *path, char text[PH_SHA256_TEXT])
{
    crypto c;
    unsigned char sum[EVP_MAX_MD_SIZE];
    if (!open_crypto(&c))
        return ph_fail(PH_IO, "libcrypto is needed to verify files and was not found: install libssl3");
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    EVP_MD_CTX *context = c.new_context();
    ph_status status = context ? digest(&c, context, path, file, sum)
                               : ph_fail(PH_MEMORY, "%s: out of memory", path);
    c.free_context(context);
    fclose(file);
    for (size_t i = 0; i < 32 && status == PH_OK; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    return status;
}
