#!/bin/sh
# Trains an autoencoder, measures it against PCA with a code of equal size, draws its
# reconstructions. Fashion-MNIST where it is found, else the built-in glyphs.
set -e
pinhole=$1
out=$(dirname "$pinhole")/demo
mkdir -p "$out"
data=glyphs epochs=30
if "$pinhole" data fashion-mnist >/dev/null 2>&1; then data=fashion-mnist epochs=20; fi
echo "training an autoencoder 784-256-128-20-128-256-784 on $data, $epochs epochs"
"$pinhole" train ae "$data" --hidden 256,128 --latent-dim 20 --batch-size 512 --lr 0.002 \
    --schedule cosine --epochs $epochs -o "$out/$data.pin"
"$pinhole" reconstruct "$out/$data.pin" "$data" -o "$out/$data.png"
echo "on the test rows, beside PCA with a code of equal size:"
"$pinhole" eval "$out/$data.pin" "$data" --pca
echo "the picture: $out/$data.png (left: rows of the test part, right: their reconstructions)"
