# Denoising Fashion-MNIST: Gaussian noise of 0.4, and a quarter of the pixels masked (Vincent et al. 2010).
#     make recipe-denoising
# What the nets are given is corrupted afresh in each step; what they are asked for is the clean row.
net="--hidden 1000 --latent-dim 500 --latent-activation relu --batch-size 256 --lr 2e-3 --schedule cosine --warmup 2 --epochs 60"
for noise in gauss:0.4 mask:0.25; do
    model=denoise-${noise%:*}
    train $model ae fashion-mnist $net --noise $noise
    pinhole reconstruct $model.pin fashion-mnist --noise $noise -o $model.png
    echo "the picture: $folder/$model.png"
done
