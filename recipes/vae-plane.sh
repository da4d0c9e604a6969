# A code of two numbers: what the decoder makes of the plane, and where the test rows lie in it.
#     make recipe-vae-plane
for set in mnist fashion-mnist; do
    train $set vae $set --hidden 500,250 --latent-dim 2 --batch-size 128 --lr 1e-3 --schedule cosine \
        --warmup 2 --epochs 60
    pinhole eval $set.pin $set
    pinhole sample $set.pin --grid -3:3 -o $set-lattice.png
    pinhole report $set.pin $set -o $set.html
    echo "the lattice: $folder/$set-lattice.png; the page with the map: $folder/$set.html"
done
