/* download.c - HTTP by libcurl, opened when it is first needed (see lapack.c): linked in the usual way
 * it would cost every start 4 ms.
 */
#include "data/download.h"

#include "base/stop.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct curl_functions {
    __typeof__(curl_easy_init) *init;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_strerror) *strerror;
    __typeof__(curl_easy_cleanup) *cleanup;
} curl_functions;

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static bool open_curl(curl_functions *c)
{
    static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library && find(library, "curl_easy_init", &c->init) &&
            find(library, "curl_easy_setopt", &c->setopt) &&
            find(library, "curl_easy_perform", &c->perform) &&
            find(library, "curl_easy_getinfo", &c->getinfo) &&
            find(library, "curl_easy_strerror", &c->strerror) &&
            find(library, "curl_easy_cleanup", &c->cleanup))
            return true;
    }
    return false;
}

/* What one request works with, and how it ended. */
typedef struct request {
    ph_download *d;
    CURL *handle;
    int error;                 /* errno of a failed write */
    bool too_long;
    char text[CURL_ERROR_SIZE];
} request;

static size_t receive(char *bytes, size_t size, size_t count, void *user)
{
    request *r = user;
    ph_download *d = r->d;
    (void)size;                /* always 1 */
    r->too_long = count > d->total - d->done;
    if (r->too_long)
        return CURL_WRITEFUNC_ERROR;
    for (size_t written = 0; written < count;) {
        ssize_t n = pwrite(d->descriptor, bytes + written, count - written, (off_t)d->done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r->error = n < 0 ? errno : ENOSPC;
            return CURL_WRITEFUNC_ERROR;
        }
        written += (size_t)n;
        d->done += (uint64_t)n;
    }
    /* The last call is for the whole file, verified. */
    if (d->progress && d->done < d->total)
        d->progress(d->user, d->file, d->done, d->total);
    return count;
}

static int want_to_stop(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)user, (void)a, (void)b, (void)c, (void)d;
    return ph_stop_asked();
}

static CURLcode prepare(const curl_functions *c, request *r, const char *url)
{
    CURL *h = r->handle;
    c->setopt(h, CURLOPT_ERRORBUFFER, r->text);
    c->setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
    c->setopt(h, CURLOPT_MAXREDIRS, 10L);
    c->setopt(h, CURLOPT_FAILONERROR, 1L);
    c->setopt(h, CURLOPT_NOSIGNAL, 1L);
    c->setopt(h, CURLOPT_USERAGENT, "pinhole/" PH_VERSION);
    /* A server may be slow, but a minute of silence ends the attempt. */
    c->setopt(h, CURLOPT_CONNECTTIMEOUT, 30L);
    c->setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    c->setopt(h, CURLOPT_LOW_SPEED_TIME, 60L);
    c->setopt(h, CURLOPT_WRITEFUNCTION, receive);
    c->setopt(h, CURLOPT_WRITEDATA, r);
    c->setopt(h, CURLOPT_NOPROGRESS, 0L);
    c->setopt(h, CURLOPT_XFERINFOFUNCTION, want_to_stop);
    c->setopt(h, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)r->d->done);
    CURLcode code = c->setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = c->setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    return code == CURLE_OK ? c->setopt(h, CURLOPT_URL, url) : code;
}

static ph_status explain(const curl_functions *c, request *r, const char *url, CURLcode code,
                         long answer)
{
    ph_download *d = r->d;
    char kept[96] = "";
    bool stopped = code == CURLE_ABORTED_BY_CALLBACK || ph_stop_asked();
    d->here = r->error || stopped;
    if (d->done)
        snprintf(kept, sizeof kept, "; %llu of %llu bytes are kept, run it again to go on",
                 (unsigned long long)d->done, (unsigned long long)d->total);
    if (stopped)
        return ph_fail(PH_STOPPED, "%s: interrupted%s", d->file,
                       d->done ? kept : "; run it again to start over");
    if (r->error)
        return ph_fail(PH_IO, "%s: cannot write: %s%s", d->path, strerror(r->error), kept);
    if (r->too_long)
        return ph_fail(PH_DATA, "%s: more than the %llu bytes of the official file", url,
                       (unsigned long long)d->total);
    if (answer >= 400)
        return ph_fail(PH_IO, "%s: cannot download: the server answers %ld%s", url, answer, kept);
    return ph_fail(PH_IO, "%s: cannot download: %s%s", url, *r->text ? r->text : c->strerror(code),
                   kept);
}

/* One request. Sets *again where the server cannot go on from the middle. */
static ph_status request_rest(const curl_functions *c, ph_download *d, const char *url, bool *again)
{
    request r = { .d = d, .handle = c->init() };
    if (r.handle == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", url);
    uint64_t from = d->done;
    long answer = 0;
    CURLcode code = prepare(c, &r, url);
    if (code == CURLE_OK)
        code = c->perform(r.handle);
    c->getinfo(r.handle, CURLINFO_RESPONSE_CODE, &answer);
    *again = from && (code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || answer == 416);
    ph_status status = code == CURLE_OK ? PH_OK : explain(c, &r, url, code, answer);
    c->cleanup(r.handle);
    return status;
}

ph_status ph_download_restart(ph_download *d)
{
    d->done = 0;
    d->here = ftruncate(d->descriptor, 0) != 0;
    if (d->here)
        return ph_fail(PH_IO, "%s: cannot write: %s", d->path, strerror(errno));
    return PH_OK;
}

ph_status ph_download_from(ph_download *d, const char *url)
{
    curl_functions c;
    bool again;
    d->here = false;
    if (d->done == d->total)
        return PH_OK;
    if (!open_curl(&c)) {
        d->here = true;
        return ph_fail(PH_IO, "libcurl is needed to download and was not found: install libcurl4");
    }
    ph_status status = request_rest(&c, d, url, &again);
    if (again) {
        PH_TRY(ph_download_restart(d));
        status = request_rest(&c, d, url, &again);
    }
    return status;
}
