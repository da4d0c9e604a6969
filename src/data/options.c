/* options.c - the one table of options for opening data. */
#include "data/data.h"

#define AT(field) offsetof(ph_data_desc, field)
#define TEXT(name, aliases, field, help)                                                           \
    { name, aliases, PH_OPTION_TEXT, AT(field), NULL, 0, 0, NULL, help }
#define CHOICE(name, field, value, choices, help)                                                  \
    { name, NULL, PH_OPTION_CHOICE, AT(field), value, 0, 0, choices, help }

static const ph_option table[] = {
    TEXT("label-column", "label target-column", label_column,
         "table: the column that holds each row's class; its name, or its number from 1 on"),
    TEXT("id-column", "id index-col", id_column,
         "table: the column that names the rows, or none [the first, if it is text or nameless]"),
    TEXT("columns", "usecols", columns, "table: the columns to read, as a,b,c, in this order [all]"),
    TEXT("drop-columns", "drop", drop_columns, "table: columns to leave out"),
    CHOICE("separator", separator, "auto", "auto comma semicolon tab blank bar",
           "table: what stands between fields"),
    CHOICE("decimal", decimal, "auto", "auto point comma", "table: the decimal mark"),
    CHOICE("header", header, "auto", "auto yes no", "table: whether the first line names columns"),
    CHOICE("text-columns", text_columns, "refuse", "refuse drop",
           "table: what to do with further columns of text"),
    TEXT("array", NULL, array, ".npz, .safetensors: the array of rows [X, data or the only one]"),
    TEXT("label-array", NULL, label_array, ".npz, .safetensors: the array of labels, or none [y]"),
    TEXT("size", "resize image-size", size,
         "pictures: WIDTHxHEIGHT to bring all of them to, or own: none, they must be equal [own; of a model's "
         "rows, theirs]"),
    CHOICE("fit", fit, "crop", "crop pad stretch",
           "pictures: how; crop and pad keep the aspect"),
    CHOICE("channels", channels, "auto", "auto gray rgb", "pictures: gray or colour"),
    TEXT("window", NULL, window,
         "sounds: samples in a row [1024]; --format bytes: bytes in a row [64]; tables and .npy: successive lines in "
         "a row, whose label is the highest of theirs: of 0 and 1, 1 if any line's is [a row is a line]; pictures: "
         "WIDTHxHEIGHT of a row, which is then a part of a picture of any size [a row is a whole picture]"),
    TEXT("hop", NULL, hop, "how far windows are from each other, as --window says [half a window]"),
    TEXT("only-label", "only-labels only-class only-classes", only_label,
         "only the rows of these classes, by name or number, as 3 or daisy,roses [all rows]"),
    CHOICE("format", format, "auto", "auto idx npy npz csv cifar safetensors wav bytes",
           "kind of file, where its name and first bytes do not tell; bytes: those of any file, or of all in a "
           "folder, as they are"),
    { "memory-limit", NULL, PH_OPTION_SIZE, AT(memory_limit), "256M", 0, 0, NULL,
      "larger sets are read from disk row by row" },
    { "data-seed", NULL, PH_OPTION_INT, AT(seed), "0", 0, 0, NULL, "seed of a built-in set" },
};

const ph_option *ph_data_options(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}
