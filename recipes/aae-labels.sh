# Semi-supervised adversarial autoencoders of MNIST (Makhzani et al. 2015): shares of wrong test rows with 100
# labels, five draws; with 1,000, three; with all. Beside each the same encoder without its critics, and on
# the labelled rows alone.
#     make recipe-aae-labels
# Nothing is chosen by a label that a run does not have: the last weights are the ones in use. How the
# settings were found, on other draws, is in docs/results.md.
common="--hidden 500,500 --batch-size 100 --schedule cosine"
rates="--lr 2e-3 --lr-generator 5e-4 --lr-critic 5e-4 --lr-classify 5e-4"
few="$common $rates --epochs 40 --noise gauss:0.6"
more="$common $rates --epochs 80 --noise gauss:0.5 --norm batch"
every="$common --norm batch --epochs 40 --noise gauss:0.3 --lr 1e-3 --lr-generator 3e-4 --lr-critic 3e-4 --labels-for classifier"

# One model and its two baselines, as a line of the table.
compare() {
    drawn=$1
    shift
    errors=
    for without in nothing critics both; do
        train $drawn-$without aae mnist "$@" --without $without
        errors="$errors $(figure error $drawn-$without mnist)"
    done
    printf '%-12s %12s %12s %12s\n' $drawn $errors
}

printf '%-12s %12s %12s %12s\n' "labels, seed" adversarial "no critics" "labels alone"
for seed in 1 2 3 4 5; do
    compare 100-$seed $few --labels 100 --seed $seed
done
for seed in 1 2 3; do
    compare 1000-$seed $more --labels 1000 --seed $seed
done
compare all-1 $every --labels all --seed 1
