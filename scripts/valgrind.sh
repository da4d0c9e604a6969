#!/bin/sh
# Trains, saves, loads and uses tiny models under valgrind's memcheck: scripts/valgrind.sh PINHOLE.
# What it does not know (AVX-512) it hides from the program, which then chooses other kernels.
set -eu
pinhole=$(realpath "${1:-build/pinhole}")
command -v valgrind >/dev/null || { echo "valgrind.sh: there is no valgrind" >&2; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# The loader compares strings a word at a time.
cat >loader.supp <<'END'
{
    the loader
    Memcheck:Addr8
    fun:strncmp
    fun:is_dst
}
END

check() {
    valgrind -q --suppressions=loader.supp --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --fair-sched=yes "$pinhole" "$@" >out 2>err ||
        { status=$?; echo "valgrind.sh: pinhole $*: status $status" >&2; cat out err >&2; exit 1; }
}

# Rows that are quick to read: the codes of a model made without valgrind.
"$pinhole" train pca glyphs --latent-dim 12 -o rows.pin --quiet 2>err
"$pinhole" encode rows.pin glyphs -o rows.npy

check train ae rows.npy --hidden 9,5 --latent-dim 3 --epochs 2 --batch-size 300 --dropout 0.1 \
    --val-split 0.2 --early-stop 1 --clip-norm 1 --average 0.9 --checkpoint-every 1 --threads 2 \
    --no-pin --log log.csv -o ae.pin
check train ae rows.npy --hidden 9,5 --latent-dim 3 --epochs 3 --threads 1 --resume -o ae.pin
check train pca rows.npy --latent-dim 3 --threads 1 -o pca.pin
for model in ae pca; do
    check eval $model.pin rows.npy --threads 1
    check encode $model.pin rows.npy --threads 1 -o codes.npy
    check decode $model.pin codes.npy --threads 1 -o back.csv
    check reconstruct $model.pin rows.npy --threads 1 -o back.png
    check info $model.pin --program --threads 1
done
