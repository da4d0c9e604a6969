# Faces in 30 numbers: an autoencoder beside PCA on people that neither has seen.
#     make recipe-olivetti
# The Olivetti faces, 40 people with ten pictures each: the first 30 people train, the last ten test.
# 30 numbers are many for 300 pictures, so the net is regularised; its settings were chosen on
# people 25 to 30 (docs/results.md).
for place in $(echo "$PINHOLE_DATA" | tr : ' '); do
    faces=$place/olivetti
    [ -d "$faces" ] && break
done
[ -d "$faces" ] || { echo "olivetti is in no folder of \$PINHOLE_DATA" >&2; exit 2; }
rm -rf faces
mkdir -p faces/train faces/test
for person in "$faces"/s*; do
    part=train
    [ "$(basename "$person")" \> s30 ] && part=test
    ln -s "$person" faces/$part/
done

train autoencoder $recipes/olivetti-ae
train pca pca faces:train --latent-dim 30
echo "squared error of a test row, 64x64 numbers in [0,1], mean over the 100 rows of ten new people:"
printf '%-12s %8s\n' autoencoder "$(figure sse autoencoder faces)" PCA "$(figure sse pca faces)"
pinhole reconstruct autoencoder.pin faces --beside pca.pin -o faces.png
echo "the picture: $folder/faces.png"
