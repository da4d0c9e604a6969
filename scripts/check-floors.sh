#!/bin/sh
# A file may include its own folder and lower floors (docs/architecture.md). Prints each include that
# does not, and each name that two kernels have (src/base/kernel.h says why), and fails if there is one.
cd "$(dirname "$0")/.." || exit 2
awk '
BEGIN {
    floor["base"] = 0; floor["graph"] = 1; floor["op"] = 2; floor["nn"] = 3; floor["data"] = 3
    floor["train"] = 4; floor["model"] = 5; floor["view"] = 3; floor["eval"] = 6
    floor["report"] = 7
}
/^#include "/ {
    split(FILENAME, at, "/"); own = at[2]
    split($2, quoted, "\""); split(quoted[2], path, "/"); other = path[1]
    if (at[1] == "cli") { if (other != "cli.h") { print FILENAME ": includes " quoted[2]; bad = 1 } next }
    if (other == own) next
    if (!(other in floor) || !(own in floor) || floor[other] >= floor[own]) {
        print FILENAME ": includes " quoted[2]; bad = 1
    }
}
/^PH_KERNEL / {
    name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
    if (name in kernel) { print FILENAME ": there is a kernel " name " in " kernel[name]; bad = 1 }
    kernel[name] = FILENAME
}
END { exit bad }' src/*/*.c src/*/*.h cli/*.c cli/*.h
