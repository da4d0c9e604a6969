# Clusters without labels (Makhzani et al. 2015): an adversarial autoencoder whose code is one of 16 or 30
# clusters and a style. The error is of rows whose label is not the most frequent one of their cluster.
#     make recipe-aae-clusters
# Noise on what the critics judge keeps them from telling a softmax from the prior's ones and zeros at a glance,
# by which they win at once and the clusters collapse.
for clusters in 16 30; do
    train $clusters aae mnist --prior categorical:$clusters --hidden 500,500 --latent-dim 2 --norm batch --noise gauss:0.6 \
        --batch-size 100 --lr 1e-3 --lr-critic 1e-4 --lr-generator 1e-3 --critic-noise gauss:0.3 --schedule cosine --epochs 80
    echo "$clusters clusters: error $(figure cluster_error $clusters mnist)," \
        "used $(figure clusters_used $clusters mnist)"
    pinhole sample $clusters.pin --every-label -n 8 -o clusters-$clusters.png
done
echo "a column for each cluster: $folder/clusters-16.png, $folder/clusters-30.png"
