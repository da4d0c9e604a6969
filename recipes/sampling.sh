# Can an autoencoder be sampled? Codes of a plain one are not distributed as anything known, so the decoder
# makes little of normal draws; a mixture of Gaussians fitted to its codes helps; a variational one
# is trained for it.
#     make recipe-sampling
net="--hidden 400,200 --latent-dim 16 --batch-size 128 --lr 1e-3 --schedule cosine --warmup 2 --epochs 60"
train ae ae mnist $net
train vae vae mnist $net
pinhole sample ae.pin --from normal -o ae-normal.png
pinhole sample ae.pin mnist --from mixture --components 50 -o ae-mixture.png
pinhole sample vae.pin -o vae-prior.png
pinhole sample vae.pin mnist --nearest -n 50 -o vae-nearest.png
pinhole eval ae.pin mnist --features classifier
pinhole eval vae.pin mnist --features classifier
echo "the pictures: $folder/*.png"
