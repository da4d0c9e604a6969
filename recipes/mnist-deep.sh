# The deep autoencoder of 2006 (Hinton and Salakhutdinov), 784-1000-500-250-30, beside logistic PCA and PCA
# with 30 numbers each, MNIST. Published squared errors of a test row: 3.00, 8.01, 13.87.
#     make recipe-mnist-deep
# What was published as logistic PCA has codes that are linear in the row: an autoencoder without a hidden layer
# and with logistic outputs. The family logistic-pca solves for the codes, which is far better.
train deep $recipes/mnist-deep-ae
train linear ae mnist --hidden none --latent-dim 30 --loss bce --batch-size 128 --lr 3e-3 --schedule cosine --epochs 30
train logistic $recipes/mnist-logistic-pca
train pca pca mnist --latent-dim 30
echo "squared error of a test row, 28x28 numbers in [0,1], mean over 10,000 rows:"
printf '%-36s %8s\n' "deep autoencoder" "$(figure sse deep mnist)" \
    "logistic PCA, codes linear in the row" "$(figure sse linear mnist)" \
    "logistic PCA, codes solved for" "$(figure sse logistic mnist)" PCA "$(figure sse pca mnist)"
pinhole reconstruct deep.pin mnist --beside linear.pin,pca.pin -o rows.png
pinhole reconstruct deep.pin mnist --beside linear.pin,logistic.pin,pca.pin -o all.png
echo "the pictures: $folder/rows.png (originals, autoencoder, logistic PCA, PCA), $folder/all.png"
