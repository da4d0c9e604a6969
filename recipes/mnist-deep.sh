# The deep autoencoder of 2006 (Hinton and Salakhutdinov), 784-1000-500-250-30, beside logistic PCA and PCA
# with 30 numbers each, MNIST. Published squared errors of a test row: 3.00, 8.01, 13.87.
#     make recipe-mnist-deep
train deep $recipes/mnist-deep-ae
train logistic logistic-pca mnist --latent-dim 30
train pca pca mnist --latent-dim 30
echo "squared error of a test row, 28x28 numbers in [0,1], mean over 10,000 rows:"
printf '%-14s %8s\n' autoencoder "$(figure sse deep mnist)" "logistic PCA" "$(figure sse logistic mnist)" \
    PCA "$(figure sse pca mnist)"
"$pinhole" reconstruct deep.pin mnist --beside logistic.pin,pca.pin -o rows.png
echo "the picture: $folder/rows.png"
