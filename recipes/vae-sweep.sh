# How deep, how large a code? The bound and the active units of variational autoencoders, MNIST.
#     make recipe-vae-sweep
# Depth is the number of hidden layers of 200 in the encoder, and in the decoder; rows are binarised anew
# in each step; 10 epochs each.
codes="2 5 10 20 50 100"
printf '%-8s' depth
printf '%16s' $codes
echo "   elbo in nats per test row, active units"
for depth in 1 2 3 4 5 6; do
    hidden=$(printf '200,%.0s' $(seq $depth))
    printf '%-8s' $depth
    for code in $codes; do
        train vae-$depth-$code vae mnist --hidden "${hidden%,}" --latent-dim $code --binarize dynamic \
            --batch-size 128 --lr 1e-3 --schedule cosine --warmup 1 --epochs 10
        printf '%11s %4s' "$(figure elbo vae-$depth-$code mnist)" "$(figure active_units vae-$depth-$code mnist)"
    done
    echo
done
