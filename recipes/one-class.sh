# One class is learnt, the others are odd (Ruff et al. 2018): trained on the training rows of one class, all test
# rows are scored, and the area under the ROC curve tells that class from the other nine. One net, one setting and
# one score for all; they were chosen on Fashion-MNIST, MNIST was measured once (docs/results.md).
#     make recipe-one-class
net="--hidden 256,128 --latent-dim 64 --batch-size 100 --lr 1e-3 --schedule cosine --epochs 50 --seed 1"

# area SET CLASS SCORE
area() {
    pinhole score $1-$2.pin $1 --score $3 --training $1 --normal-label $2 --json |
        sed 's/.*"roc_auc":\([^,}]*\).*/\1/'
}

for set in fashion-mnist mnist; do
    plain=
    both=
    for class in 0 1 2 3 4 5 6 7 8 9; do
        train $set-$class ae $set --only-label $class $net
        both="$both $(area $set $class both)"
        plain="$plain $(area $set $class error)"
    done
    echo "$set, error and distance of the code:$both; mean $(mean $both)"
    echo "$set, error alone:$plain; mean $(mean $plain)"
done
