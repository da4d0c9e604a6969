# Stacked denoising autoencoders (Vincent et al. 2010), MNIST: three layers, each trained to undo noise on what
# the one before it gives; then the encoder with a softmax layer on the labels. Published: 1.28 % of
# the test rows wrong.
#     make recipe-stacked-denoising
errors=
for seed in 1 2 3; do
    train sdae-$seed $recipes/stacked-denoising-ae --seed $seed
    errors="$errors $(figure error sdae-$seed mnist)"
done
echo "share of wrong test rows, three seeds: $errors; mean $(mean $errors)"
