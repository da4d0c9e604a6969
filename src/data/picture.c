/* picture.c - reading a picture file: PNG through libspng, JPEG through TurboJPEG. */
#include "data/picture.h"

#include "base/file.h"

#include <errno.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <turbojpeg.h>

/* ---- PNG ---------------------------------------------------------------------------------------- */

static bool png_begins(const uint8_t *bytes, size_t size)
{
    return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static ph_status png_damaged(const char *path, int error)
{
    return error == SPNG_EMEM ? ph_fail(PH_MEMORY, "%s: out of memory", path)
                              : ph_fail(PH_DATA, "%s: a damaged PNG: %s", path, spng_strerror(error));
}

static spng_ctx *png_open(const uint8_t *bytes, size_t size, struct spng_ihdr *header, int *error)
{
    enum { CHUNK = 1 << 24 };   /* of texts and profiles, which may be packed and are not needed */
    spng_ctx *png = spng_ctx_new(0);
    *error = png ? spng_set_chunk_limits(png, CHUNK, 2 * CHUNK) : SPNG_EMEM;
    *error = *error ? *error : spng_set_png_buffer(png, bytes, size);
    *error = *error ? *error : spng_get_ihdr(png, header);
    return png;
}

static ph_status png_measure(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    struct spng_ihdr header;
    int error;
    spng_ctx_free(png_open(bytes, size, &header, &error));
    if (error)
        return png_damaged(path, error);
    *p = (ph_picture){ .width = header.width, .height = header.height,
                       .channels = header.color_type & SPNG_COLOR_TYPE_TRUECOLOR ? 3 : 1,
                       .bits = header.bit_depth == 16 ? 16 : 8 };
    return PH_OK;
}

/* From red, green, blue and alpha to the picture's channels over black, in the same memory. */
static void flatten(ph_picture *p)
{
    size_t pixels = p->width * p->height;
    uint16_t *words = (uint16_t *)(void *)p->pixels;
    for (size_t i = 0; i < pixels; i++)
        if (p->bits == 8) {
            uint32_t alpha = p->pixels[4 * i + 3];
            for (size_t c = 0; c < p->channels; c++)
                p->pixels[p->channels * i + c] = (uint8_t)((p->pixels[4 * i + c] * alpha + 127) / 255);
        } else {
            uint32_t alpha = words[4 * i + 3];
            for (size_t c = 0; c < p->channels; c++)
                words[p->channels * i + c] = (uint16_t)((words[4 * i + c] * alpha + 32767) / 65535);
        }
}

static ph_status png_decode(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    struct spng_ihdr header;
    int error;
    spng_ctx *png = png_open(bytes, size, &header, &error);
    size_t packed = 0, unpacked = 0;
    error = error ? error : spng_decoded_image_size(png, SPNG_FMT_RAW, &packed);
    int format = p->bits == 16 ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8;
    error = error ? error : spng_decoded_image_size(png, format, &unpacked);
    /* Deflate makes a byte of 1032 at best. */
    ph_status status = error ? png_damaged(path, error)
                             : ph_picture_allocate(p, path, 4, packed / 1032, size);
    if (status == PH_OK) {
        error = spng_decode_image(png, p->pixels, unpacked, format, SPNG_DECODE_TRNS);
        error = error ? error : spng_decode_chunks(png);   /* up to the end of the file */
        status = error ? png_damaged(path, error) : PH_OK;
    }
    spng_ctx_free(png);
    if (status == PH_OK)
        flatten(p);
    return status;
}

/* ---- JPEG --------------------------------------------------------------------------------------- */

static bool jpeg_begins(const uint8_t *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static ph_status jpeg_damaged(const char *path, tjhandle jpeg)
{
    return ph_fail(PH_DATA, "%s: a damaged JPEG: %s", path, tjGetErrorStr2(jpeg));
}

static ph_status jpeg_header(tjhandle jpeg, const char *path, const uint8_t *bytes, size_t size,
                             ph_picture *p)
{
    int width, height, sampling, space;
    if (jpeg == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    if (tjDecompressHeader3(jpeg, bytes, size, &width, &height, &sampling, &space) != 0)
        return jpeg_damaged(path, jpeg);
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        return ph_fail(PH_DATA, "%s: a JPEG in CMYK, the colours of print; save it in RGB", path);
    *p = (ph_picture){ .width = (size_t)width, .height = (size_t)height,
                       .channels = space == TJCS_GRAY ? 1 : 3, .bits = 8 };
    return PH_OK;
}

static ph_status jpeg_measure(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    tjhandle jpeg = tjInitDecompress();
    ph_status status = jpeg_header(jpeg, path, bytes, size, p);
    if (jpeg)
        tjDestroy(jpeg);
    return status;
}

static ph_status jpeg_decode(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    /* A warning is damage too, and a picture of thousands of scans is made to take time. */
    const int flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT;
    tjhandle jpeg = tjInitDecompress();
    ph_status status = jpeg_header(jpeg, path, bytes, size, p);
    /* A block of 8 x 8 takes a bit at least. */
    if (status == PH_OK)
        status = ph_picture_allocate(p, path, p->channels, p->width * p->height / 512, size);
    if (status == PH_OK &&
        tjDecompress2(jpeg, bytes, size, p->pixels, (int)p->width, 0, (int)p->height,
                      p->channels == 1 ? TJPF_GRAY : TJPF_RGB, flags) != 0)
        status = jpeg_damaged(path, jpeg);
    if (jpeg)
        tjDestroy(jpeg);
    return status;
}

/* ---- Any kind ----------------------------------------------------------------------------------- */

typedef ph_status reader(const char *path, const uint8_t *bytes, size_t size, ph_picture *);

static const struct {
    bool (*begins)(const uint8_t *bytes, size_t size);
    reader *measure, *decode;
} kinds[] = { { png_begins, png_measure, png_decode },
              { jpeg_begins, jpeg_measure, jpeg_decode },
              { ph_pnm_begins, ph_pnm_measure, ph_pnm_decode } };

enum { KINDS = sizeof kinds / sizeof kinds[0] };

bool ph_is_picture(const char *path)
{
    static const char *const endings[] = { ".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".pnm" };
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(ending, endings[i]) == 0)
            return true;
    return false;
}

static ph_status too_many(const char *path, const ph_picture *p, size_t size)
{
    return ph_fail(PH_DATA, "%s: its header says %zu x %zu pixels, more than %zu bytes can hold", path,
                   p->width, p->height, size);
}

ph_status ph_picture_allocate(ph_picture *p, const char *path, size_t channels, size_t least,
                              size_t size)
{
    if (least > size)
        return too_many(path, p, size);
    p->pixels = malloc(p->width * p->height * channels * (p->bits / 8));
    return p->pixels ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", path);
}

static ph_status measure(const char *path, const uint8_t *bytes, size_t size, ph_picture *p,
                         size_t *kind)
{
    for (*kind = 0; *kind < KINDS && !kinds[*kind].begins(bytes, size); ++*kind)
        ;
    if (*kind == KINDS)
        return ph_fail(PH_DATA, "%s: its first bytes are not those of PNG, JPEG, PGM or PPM", path);
    PH_TRY(kinds[*kind].measure(path, bytes, size, p));
    if (p->width == 0 || p->height == 0 || p->width > PH_PICTURE_SIDE ||
        p->height > PH_PICTURE_SIDE || p->width * p->height > PH_PICTURE_PIXELS)
        return ph_fail(PH_DATA, "%s: its header says %zu x %zu pixels; 1 to %d a side and 2^28 in all "
                       "can be read", path, p->width, p->height, PH_PICTURE_SIDE);
    return PH_OK;
}

ph_status ph_picture_measure(const char *path, ph_picture *p)
{
    enum { HEAD = 1 << 15 };   /* Headers are mostly shorter; otherwise the whole file is read. */
    uint8_t head[HEAD];
    size_t kind, size;
    *p = (ph_picture){ 0 };
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    struct stat info;
    size_t whole = fstat(fileno(file), &info) == 0 ? (size_t)info.st_size : 0;
    size = fread(head, 1, HEAD, file);
    fclose(file);
    ph_status status = measure(path, head, size, p, &kind);
    if (status != PH_OK && size == HEAD) {
        uint8_t *bytes = ph_file_read(path, &size);
        status = bytes ? measure(path, bytes, size, p, &kind) : ph_last_status();
        free(bytes);
    }
    /* Memory for all pictures is taken by what their headers say: a bit for a pixel, deflated. */
    if (status == PH_OK && p->width * p->height / 8 / 1032 > whole)
        return too_many(path, p, whole);
    return status;
}

ph_status ph_picture_read(const char *path, ph_picture *p)
{
    size_t size, kind;
    *p = (ph_picture){ 0 };
    uint8_t *bytes = ph_file_read(path, &size);
    if (bytes == NULL)
        return ph_last_status();
    ph_status status = measure(path, bytes, size, p, &kind);
    if (status == PH_OK)
        status = kinds[kind].decode(path, bytes, size, p);
    free(bytes);
    if (status != PH_OK)
        ph_picture_free(p);
    return status;
}

void ph_picture_free(ph_picture *p)
{
    free(p->pixels);
    p->pixels = NULL;
}
