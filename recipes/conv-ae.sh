# Convolutional autoencoders of Fashion-MNIST and CIFAR-10, plain and variational: squared error and density of
# rows that they never saw, beside the same number of principal components.
#     make recipe-conv-ae
cifar=cifar10/data_batch_1.bin.gz+cifar10/images:train
unseen=cifar10/data_batch_2.bin.gz
layers="conv 32 4/2, conv 64 4/2, res 64"
common="--batch-size 128 --lr 1e-3 --schedule cosine"
train fashion-ae ae fashion-mnist --hidden "$layers, 256" --latent-dim 20 $common --epochs 12
train fashion-vae vae fashion-mnist --hidden "$layers, 256" --latent-dim 20 --likelihood logistic $common --epochs 12
train fashion-pca pca fashion-mnist --latent-dim 20
train cifar-ae ae $cifar --hidden "$layers, 512" --latent-dim 128 $common --epochs 20
train cifar-vae vae $cifar --hidden "$layers, 512" --latent-dim 128 --likelihood logistic $common --epochs 20
train cifar-pca pca $cifar --latent-dim 128
for set in fashion cifar; do
    rows=$([ $set = fashion ] && echo fashion-mnist || echo $unseen)
    echo "$set: mse of ae $(figure mse $set-ae $rows), vae $(figure mse $set-vae $rows), pca $(figure mse $set-pca $rows);" \
        "bits per dimension of the vae $(figure bits_per_dimension $set-vae $rows)"
    pinhole reconstruct $set-ae.pin $rows -o $set-ae.png
    pinhole sample $set-vae.pin -n 100 -o $set-samples.png
done
echo "rows and what came back, and samples: $folder"
