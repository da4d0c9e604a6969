/* main.c - pinhole: finds the command and runs it. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

const cli_command *const cli_commands[] = { &cli_train,  &cli_eval, &cli_encode, &cli_decode,
                                            &cli_reconstruct, &cli_sample, &cli_score, &cli_report,
                                            &cli_info, &cli_data, &cli_bench, NULL };

static void print_commands(FILE *to)
{
    fputs("usage: pinhole COMMAND ...\n\n", to);
    for (int i = 0; cli_commands[i]; i++)
        fprintf(to, "  %-12s %-22s %s\n", cli_commands[i]->name, cli_commands[i]->words,
                cli_commands[i]->help);
    fputs("\npinhole COMMAND --help says more. DATA is a table (.csv, .tsv), arrays (.npy, .npz,\n"
          ".safetensors), a folder of pictures, an IDX or CIFAR file or folder, - for standard input,\n"
          "a name in $PINHOLE_DATA or among those that data get has brought, or the built-in set\n"
          "glyphs. :train, :test and :all behind it pick a part.\n",
          to);
}

static int run(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "help") == 0) /* pinhole help COMMAND */
        return run(3, (char *[]){ argv[0], argv[2], "--help", NULL });
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        puts("pinhole " PH_VERSION);
        return CLI_DONE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_commands(stdout);
        return CLI_DONE;
    }
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i]->run(cli_commands[i], argc - 2, argv + 2);
    const char *names[16];
    size_t count = 0;
    for (; cli_commands[count]; count++)
        names[count] = cli_commands[count]->name;
    const char *near = ph_nearest(name, names, count);
    return near ? cli_usage("unknown command '%s'; did you mean '%s'?", name, near)
                : cli_usage("unknown command '%s'; pinhole --help lists them", name);
}

int main(int argc, char **argv)
{
    /* A reader that goes away is told as a failed write, not as a silent death. */
    signal(SIGPIPE, SIG_IGN);
    int code = run(argc, argv);
    bool lost = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !lost)
        return code;
    fprintf(stderr, "pinhole: standard output: cannot write%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return code == CLI_DONE ? CLI_FAILED : code;
}
