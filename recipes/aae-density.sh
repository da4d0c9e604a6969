# The Parzen estimate of an adversarial autoencoder's density (Makhzani et al. 2015): 10,000 draws of a code of 8
# numbers with a prior of deviation 5. The estimate is fragile: it follows the windows' width, which is chosen on
# training rows, more than what samples look like (Theis et al. 2016).
#     make recipe-aae-density
train density aae mnist --hidden 1000,1000 --latent-dim 8 --prior normal:5 --dropout 0.25 --critic-dropout 0.2 \
    --batch-size 100 --lr 6e-4 --lr-critic 8e-4 --lr-generator 8e-4 --schedule cosine --epochs 30
pinhole eval density.pin mnist --parzen 10000 | grep -E '^(parzen|prior)'
pinhole sample density.pin -n 100 -o samples.png
