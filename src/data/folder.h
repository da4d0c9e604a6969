/* folder.h - the pictures, sounds, tables or other files in a folder: flat, with a folder for each class, or with the
 * parts train and test, each of which is one or the other.
 *
 * Names are visited in the order of their bytes, so files are in the same order on every machine.
 * Hidden files and what is neither a picture nor a sound by its ending are passed over, and beside train
 * and test so is everything else. Folders that hold nothing but one folder with pictures are stepped
 * through. A class is the first folder below that; its deeper folders belong to it. Pictures beside
 * folders of pictures are refused: they would be rows without a class. So are pictures beside sounds. Tables (.csv,
 * .tsv) are taken where series are asked for and there is neither.
 */
#ifndef PH_DATA_FOLDER_H
#define PH_DATA_FOLDER_H

#include "data/data.h"

typedef struct ph_folder_file {
    char *path;
    const char *inside;        /* the rest of path, from the folder of its class or its own name on */
    uint32_t label;
} ph_folder_file;

typedef struct ph_folder {
    const char *root;
    ph_folder_file *files;     /* those of train, then those of test */
    size_t count, room;
    bool sounds, series, any;  /* and not pictures; tables; files of any kind */
    size_t train;              /* files of that part; 0: there are no parts */
    const char **classes;      /* each up to its "/", in order; NULL: a flat folder */
    size_t class_count;
    size_t tables;             /* files that could be opened alone, and the names of the first */
    char table_names[512];
} ph_folder;

/* root is not copied. any: of all files, and not of pictures or sounds alone; series: of tables, where there are no
 * others. The folder is to be freed whatever
 * the status. PH_USAGE where there are no pictures nor sounds, or both, PH_DATA where some have no class, PH_IO. */
ph_status ph_folder_list(ph_folder *, const char *root, bool any, bool series);
void ph_folder_free(ph_folder *);
/* Which files are asked for, from *from up to *to (part as of ph_pictures_open), and whether the set has a
 * test part. PH_USAGE where there is no such part. */
ph_status ph_folder_part(const ph_folder *, ph_data *, const char *part, const ph_data_desc *, size_t *from,
                         size_t *to);
/* Labels of the set's rows, which are of the files number `from` and on, and the classes' names. */
ph_status ph_folder_classes(const ph_folder *, ph_data *, size_t from);
/* The path of a file below the root. */
const char *ph_folder_relative(const ph_folder *, const char *path);

#endif
