#!/bin/sh
# make recipe-NAME: trains recipes/NAME, a configuration file, into NAME.pin; then runs recipes/NAME.sh, which
# measures it or is an experiment of several models. There may be only one of the two: a model without a script
# is measured on the test part of its data. What comes of it lies in the folder recipes/NAME of the build.
#
# Such a script finds here its folder to work in, and
#     pinhole ARGUMENTS...               the command of this build
#     train MODEL ARGUMENTS...           trains recipes/... or a family into MODEL.pin, logs to MODEL.log
#     figure NAME MODEL DATA OPTIONS...  one figure of eval
#     last NAME MODEL                    one figure of the last epoch of its training
#     mean NUMBER...                     their mean
# THREADS=1 make recipe-NAME leaves the other cores alone; results are the same, bit for bit.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
built=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
name=$2
folder=$(dirname "$built")/recipes/$name
mkdir -p "$folder"
cd "$folder"
recipes=$here/recipes

pinhole() {
    "$built" "$@" --threads "${THREADS:-0}"
}

train() {
    trained=$1
    shift
    echo "training $trained: $*" >&2
    pinhole train "$@" -o "$trained.pin" >"$trained.log" 2>&1
}

figure() {
    wanted=$1 measured=$2
    shift 2
    pinhole eval "$measured.pin" "$@" | awk -v name="$wanted" '$1 == name { print $2 }'
}

last() {
    pinhole info "$2.pin" --record | sed -n '$s/.*"'"$1"'":\([^,}]*\).*/\1/p'
}

mean() {
    echo "$@" | awk '{ for (i = 1; i <= NF; i++) sum += $i; printf "%.4g\n", sum / NF }'
}

if [ ! -f "$recipes/$name" ] && [ ! -f "$recipes/$name.sh" ]; then
    echo "there is no recipe $name; there are:" $(ls "$recipes" | sed 's/\.sh$//' | sort -u) >&2
    exit 2
fi
if [ -f "$recipes/$name" ]; then
    pinhole train "$recipes/$name" -o "$name.pin"
    [ -f "$recipes/$name.sh" ] || pinhole eval "$name.pin" "$(sed -n 's/^data *= *//p' "$recipes/$name")"
    echo "the model: $folder/$name.pin"
fi
if [ -f "$recipes/$name.sh" ]; then
    . "$recipes/$name.sh"
fi
