# Clusters without labels (Makhzani et al. 2015): an adversarial autoencoder whose code is one of 16 or 30
# clusters and a style. The error is of rows whose label is not the most frequent one of their cluster.
#     make recipe-aae-clusters
for clusters in 16 30; do
    train $clusters aae mnist --prior categorical:$clusters --hidden 500,500 --latent-dim 5 --noise gauss:0.6 \
        --batch-size 100 --lr 2e-3 --lr-critic 5e-4 --lr-generator 5e-4 --schedule cosine --epochs 40
    echo "$clusters clusters: error $(figure cluster_error $clusters mnist)," \
        "used $(figure clusters_used $clusters mnist)"
    pinhole sample $clusters.pin --every-label -n 8 -o clusters-$clusters.png
done
echo "a column for each cluster: $folder/clusters-16.png, $folder/clusters-30.png"
