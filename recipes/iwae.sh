# The importance-weighted bound beside the evidence lower bound, at equal passes (Burda et al. 2016).
#     make recipe-iwae
# 784-200-200-50, MNIST binarised anew in each step. Both nets have the same start, rate and passes; after
# each stretch the test log-likelihood is estimated with 500 samples a row, at the end with 5,000.
net="--hidden 200,200 --latent-dim 50 --activation gelu --binarize dynamic --batch-size 100 --lr 1e-3 --average 0.999"

likelihoods() {
    printf '%6s %8s %10s %10s\n' $1 $2 "$(figure nll elbo mnist --importance-samples $2)" \
        "$(figure nll iwae mnist --importance-samples $2)"
}

echo "negative log-likelihood of a test row in nats:"
printf '%6s %8s %10s %10s\n' passes samples elbo iwae:50
for passes in 5 10 20 40; do
    more=--resume
    [ $passes = 5 ] && more=
    for objective in elbo iwae:50; do
        train ${objective%:*} vae mnist $net --objective $objective --epochs $passes $more
    done
    likelihoods $passes 500
done
likelihoods $passes 5000
