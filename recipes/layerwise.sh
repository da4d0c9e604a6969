# Does layer-wise pretraining help? (Bengio et al. 2007)
#     make recipe-layerwise
# A deep net of sigmoids, 784-1000-500-250-30 and its mirror, MNIST: 20 epochs of plain SGD with momentum,
# with 5 epochs for each layer before them and without, three seeds; then the same question for ReLU
# and Adam. Without pretraining the epochs that it cost are also given to the whole net (one seed), so
# that nobody can say the other side merely trained longer.
net="--hidden 1000,500,250 --latent-dim 30 --loss bce --batch-size 100"
sigmoid="$net --activation sigmoid --optimizer sgd --momentum 0.9"
relu="$net --activation relu --optimizer adam"
layers="--pretrain layerwise --pretrain-epochs 5"

# Each side has a rate of its own: the one with which a net without pretraining gets under way tears up one
# that was pretrained (docs/results.md).
none_lr=1e-2 layers_lr=3e-3 pretrain_lr=1e-2

compare() {
    errors=
    label=$1
    model=$2
    shift 2
    for seed in $seeds; do
        train $model-$seed ae mnist "$@" --seed $seed
        errors="$errors $(figure sse $model-$seed mnist)"
    done
    printf '%-52s %8s   (%s )\n' "$label" "$(mean $errors)" "$errors"
}

echo "squared error of a test row, mean over rows; mean of the seeds (each seed)"
seeds="1 2 3"
compare "sigmoid, SGD, 20 epochs" sigmoid-none $sigmoid --lr $none_lr --epochs 20
compare "sigmoid, SGD, 20 epochs after pretraining" sigmoid-layers $sigmoid --lr $layers_lr $layers --pretrain-lr $pretrain_lr --epochs 20
compare "ReLU, Adam, 20 epochs" relu-none $relu --lr 1e-3 --epochs 20
compare "ReLU, Adam, 20 epochs after pretraining" relu-layers $relu --lr 1e-3 $layers --pretrain-lr 1e-3 --epochs 20
seeds=1
compare "sigmoid, SGD, 40 epochs, as many as both parts" sigmoid-long $sigmoid --lr $none_lr --epochs 40
