/* test_cli_get.c - pinhole data get: what it refuses, and the real Fashion-MNIST, interrupted and gone on
 * with. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/wait.h>

#include "data/scene.h"

static char out[2048], err[2048];

static void slurp(const char *name, char *to, size_t size)
{
    FILE *f = fopen(in_folder(name), "rb");
    to[fread(to, 1, size - 1, f)] = '\0';
    fclose(f);
}

static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s %s >%s/stdout 2>%s/stderr </dev/null", PH_COMMAND, arguments,
             folder, folder);
    int status = system(command);
    slurp("stdout", out, sizeof out);
    slurp("stderr", err, sizeof err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void the_command_refuses(void **state)
{
    (void)state;
    static const struct { const char *arguments, *says; int status; } wrong[] = {
        { "data get", "get what?", 2 },
        { "data get fasion-mnist", "did you mean fashion-mnist?", 2 },
        { "data get mnist more", "one word too many", 2 },
        { "data get mnist -o a.png", "no picture", 2 },
        { "data glyphs more", "one word too many", 2 },
        { "data get fashion-mnist", "the server answers 404", 1 },
        { "data get --json cifar10", "10 bytes with the SHA-256", 1 },
    };
    clear();
    serve_file("/cifar10/cifar-10-binary.tar.gz", small, SMALL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(run(wrong[i].arguments), wrong[i].status);
        assert_says(err, wrong[i].says);
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
        assert_string_equal(out, "");
    }
}

/* The official .gz of Fashion-MNIST, byte for byte: gzip makes them from the unpacked files when these
 * have the authors' dates. */
static bool make_official(const char *data)
{
    static const struct { const char *name; long date; } files[] = {
        { "train-images-idx3-ubyte", 1504176606 }, { "train-labels-idx1-ubyte", 1504176606 },
        { "t10k-images-idx3-ubyte", 1504176627 },  { "t10k-labels-idx1-ubyte", 1504176627 } };
    for (size_t i = 0; i < 4; i++) {
        char command[2048], url[128];
        size_t size;
        snprintf(command, sizeof command,
                 "cd %s && gzip -dc '%.*s/fashion-mnist/%s.gz' >%s 2>/dev/null && touch -d @%ld %s && "
                 "gzip -6 %s", folder, (int)strcspn(data, ":"), data, files[i].name, files[i].name,
                 files[i].date, files[i].name, files[i].name);
        if (system(command) != 0)
            return false;
        snprintf(url, sizeof url, "/fashion-mnist/%s.gz", files[i].name);
        uint8_t *bytes = ph_file_read(in_folder(strrchr(url, '/') + 1), &size);
        assert_non_null(bytes);
        serve_file(url, bytes, size);
    }
    return true;
}

static void the_real_fashion_mnist(void **state)
{
    const char *data = *state;
    clear();
    if (data == NULL || !make_official(data)) {
        print_message("no Fashion-MNIST in $PINHOLE_DATA: skipped\n");
        skip();
    }
    server.break_after = 5000000;
    assert_int_equal(run("data get fashion-mnist"), 1);
    assert_says(err, "5000000 of 26421880 bytes are kept, run it again to go on");
    assert_int_equal(run("data get fashion-mnist"), 0);
    assert_says(err, "train-images-idx3-ubyte.gz: 26.4 MB");
    assert_says(out, "pinhole/fashion-mnist");
    assert_int_equal(server.requests, 5);
    assert_int_equal(run("data get fashion-mnist --json"), 0);
    assert_says(out, "{\"name\":\"fashion-mnist\",\"folder\":\"");
    assert_says(out, "\"bytes\":0}");
    assert_says(err, "t10k-labels-idx1-ubyte.gz: 0.0 MB, is there");
    assert_int_equal(server.requests, 5);
    assert_int_equal(run("data fashion-mnist:train --json"), 0);
    assert_says(out, "\"rows\":60000");
    for (size_t i = 0; i < server.files; i++)
        free((void *)server.file[i].bytes);
}

int main(void)
{
    /* The real set; clear() takes the name away. */
    char *data = getenv("PINHOLE_DATA");
    data = data && *data ? strdup(data) : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_refuses),
        cmocka_unit_test_prestate(the_real_fashion_mnist, data),
    };
    int failed = cmocka_run_group_tests(tests, open_scene, close_scene);
    free(data);
    return failed;
}
