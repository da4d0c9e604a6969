# Convolutional autoencoders of Fashion-MNIST and CIFAR-10, plain and variational: squared error and density of
# rows that they never saw, beside the same number of principal components. Small batches, GELU and a high rate are
# what makes them learn in few passes; the plain one of CIFAR-10 has its 128 numbers as a picture of 4 x 4.
# Half an hour on one thread of a slow machine.
#     make recipe-conv-ae
cifar=cifar10/data_batch_1.bin.gz+cifar10/images:train
unseen=cifar10/data_batch_2.bin.gz
layers="conv 32 4/2, conv 64 4/2, res 64"
common="--activation gelu --schedule cosine --warmup 0.5"
of_fashion="--latent-dim 20 --batch-size 64 --lr 3e-3 --epochs 8"
train fashion-ae ae fashion-mnist --hidden "$layers" $common $of_fashion
train fashion-vae vae fashion-mnist --hidden "$layers" --likelihood logistic $common $of_fashion
train fashion-pca pca fashion-mnist --latent-dim 20
train cifar-ae ae $cifar --hidden "$layers, conv 128 4/2" --spatial-code --latent-dim 8 --loss mse $common \
    --batch-size 32 --lr 4e-3 --epochs 20
train cifar-vae vae $cifar --hidden "$layers" --latent-dim 128 --likelihood logistic $common \
    --batch-size 32 --lr 2e-3 --epochs 12
train cifar-pca pca $cifar --latent-dim 128
for set in fashion cifar; do
    rows=$([ $set = fashion ] && echo fashion-mnist || echo $unseen)
    echo "$set: mse of ae $(figure mse $set-ae $rows), vae $(figure mse $set-vae $rows), pca $(figure mse $set-pca $rows);" \
        "bits per dimension of the vae $(figure bits_per_dimension $set-vae $rows)"
    pinhole reconstruct $set-ae.pin $rows -o $set-ae.png
    pinhole sample $set-vae.pin -n 100 -o $set-samples.png
done
echo "rows and what came back, and samples: $folder"
