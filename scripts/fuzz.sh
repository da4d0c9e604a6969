#!/usr/bin/env bash
# fuzz.sh SECONDS [KIND...] - builds the fuzz targets (tests/fuzz) with clang and runs each, or those
# named, for SECONDS, two at a time. Begins with small files made by fuzz_seeds, with inputs that once
# failed, with small real files if $PINHOLE_DATA is there, and with what earlier runs found new. On a
# finding it fails and says where the input lies; its place is then tests/fuzz/regressions/KIND.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: scripts/fuzz.sh SECONDS [KIND...]}
shift
scripts/setup.sh clang libclang-rt-14-dev
make --no-print-directory BUILD=build-fuzz CMAKE_FLAGS="-DPINHOLE_FUZZ=ON -DCMAKE_C_COMPILER=clang"
build=$PWD/build-fuzz
"$build/fuzz_seeds" "$build/seeds"
[ $# -gt 0 ] || set -- $(cd "$build" && ls -d fuzz_* | grep -v seeds | sed s/fuzz_//)

# The smallest file of a set as a seed, or its first bytes.
data=${PINHOLE_DATA:-../shared/data}
real() { # KIND FOLDER PATTERN [BYTES]
    local file
    file=$(find -L "$data/$2" -name "$3" -type f -printf '%s %p\n' 2>/dev/null | sort -n | sed -n '1s/^[0-9]* //p')
    [ -z "$file" ] || head -c "${4:-1000000}" "$file" >"$build/seeds/$1/real"
}
real npz adbench '*.npz'
real csv skab '*.csv' 4096
real jpg flowers '*.jpg'
real png cifar10 '*.png'
real pgm olivetti '*.pgm'

export TMPDIR
TMPDIR=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/pinhole-fuzz-XXXXXX")
trap 'rm -rf "$TMPDIR"' EXIT
mkdir -p "$build/findings"

run_one() { # SECONDS KIND
    local kind=$2 most=4096 words=
    case $kind in
    jpg | png | pgm | wav | model) most=16384 ;;
    recipe | csv | tsv) most=2048 ;;
    bin) most=8192 ;; # two pictures
    esac
    [ ! -f "$build/seeds/$kind.dict" ] || words=-dict=$build/seeds/$kind.dict
    local folders=("$build/corpus/$kind" "$build/seeds/$kind")
    mkdir -p "${folders[@]}"
    [ ! -d "tests/fuzz/regressions/$kind" ] || folders+=("tests/fuzz/regressions/$kind")
    if "$build/fuzz_$kind" -max_total_time="$1" -max_len=$most $words -timeout=10 -rss_limit_mb=1024 \
        -malloc_limit_mb=256 -print_final_stats=1 -artifact_prefix="$build/findings/$kind-" \
        "${folders[@]}" >"$build/$kind.log" 2>&1; then
        echo "fuzz $kind: $(sed -n 's/stat::number_of_executed_units: *//p' "$build/$kind.log") inputs," \
            "$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$build/$kind.log" | tail -1) places reached"
    else
        grep -E -A12 'ERROR|SUMMARY|runtime error|does not hold' "$build/$kind.log" | head -40
        echo "fuzz $kind: FOUND $(sed -n 's/.*Test unit written to //p' "$build/$kind.log")"
        return 1
    fi
}
export -f run_one
export build
printf '%s\n' "$@" | xargs -P 2 -I KIND bash -c 'run_one "$0" KIND' "$seconds"
