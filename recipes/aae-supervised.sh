# A supervised adversarial autoencoder (Makhzani et al. 2015), 10,000 labelled rows of MNIST: the decoder is
# told the class, so the code need not hold it and is free for the style. The critic is told it, too, and wants
# the styles of each class, not only those of all together, to follow the prior.
#     make recipe-aae-supervised
# Can a probe still tell the class from the style? Does a classifier of real digits see what was asked for?
train supervised aae mnist --labels 10000 --labels-for decoder --critic-label --hidden 500,500 --latent-dim 4 \
    --noise gauss:0.3 --batch-size 100 --lr 1e-3 --schedule cosine --epochs 80 --seed 2
echo "a linear probe of the style: $(figure probe_accuracy supervised mnist --probe)"
echo "generated rows of the class that was asked for: $(figure samples_right supervised mnist --features classifier)"
pinhole sample supervised.pin --every-label -n 12 -o styles.png
echo "rows of one style, columns of one label: $folder/styles.png"
