# The vector-quantised autoencoder of CIFAR-10 as published (van den Oord et al. 2017): two convolutions of stride
# 2, two residual blocks, 8 x 8 x 10 words of 512. Bits for each dimension, counted as there: those of the bytes
# given the words, by a discretised logistic, and log2 512 for each word. Theirs: 4.67, with 256 channels and
# 250,000 steps of 128 pictures, on 50,000 pictures; here 64 channels, on the 11,000 that there are.
# Nine minutes on one thread of a slow machine.
#     make recipe-cifar-vqvae
train words vqvae cifar10/data_batch_1.bin.gz+cifar10/images:train \
    --hidden "conv 64 4/2, conv 64 4/2, res 64 x2" --latent-dim 160 --product 10 --codes 512 \
    --codebook ema --codebook-decay 0.95 --commitment 1 --likelihood logistic --activation gelu \
    --batch-size 16 --lr 2e-3 --schedule cosine --epochs 16
pinhole eval words.pin cifar10/data_batch_2.bin.gz
pinhole reconstruct words.pin cifar10/data_batch_2.bin.gz -o rows.png
echo "rows that it never saw, and what came back: $folder/rows.png"
