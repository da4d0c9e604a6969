# An adversarial autoencoder whose code is a point of the plane, drawn to a normal prior of deviation 5
# (Makhzani et al. 2015), MNIST: what the decoder makes of the plane, and where the test rows lie in it.
#     make recipe-aae-plane
train plane aae mnist --hidden 1000,1000 --latent-dim 2 --prior normal:5 --dropout 0.25 --critic-dropout 0.2 \
    --batch-size 100 --lr 6e-4 --lr-critic 8e-4 --lr-generator 8e-4 --schedule cosine --epochs 30
pinhole eval plane.pin mnist
pinhole sample plane.pin --grid=-10:10,-10:10 --steps 21 -o lattice.png
pinhole report plane.pin mnist -o plane.html
echo "the lattice, (-10,-10) at the top left: $folder/lattice.png; the page with the map: $folder/plane.html"
