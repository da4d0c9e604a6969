/* sha256.h - the SHA-256 of a file, by OpenSSL. */
#ifndef PH_BASE_SHA256_H
#define PH_BASE_SHA256_H

#include "base/error.h"

enum { PH_SHA256_TEXT = 65 };

/* Writes the sum as sixty-four hexadecimal digits. PH_IO; PH_STOPPED after ph_stop(). */
ph_status ph_sha256_file(const char *path, char text[PH_SHA256_TEXT]);

#endif
