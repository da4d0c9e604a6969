# A prior over the words of recipes/vqvae-fashion: new pictures of Fashion-MNIST said word by word, of each
# class, beside those of a plain variational autoencoder (recipes/vae-lecture on the same set).
#     make recipe-prior-fashion
# How good are the samples, by the features of a classifier; how many bits are left of a picture's 441; and does
# the net that says pictures of a class name the class of pictures? Of the vae's distance at most half is asked.
words=$folder/../vqvae-fashion/vqvae-fashion.pin
[ -f "$words" ] || "$here/scripts/recipe.sh" "$built" vqvae-fashion
train prior prior "$words" fashion-mnist --labels all --optimizer adamw --weight-decay 0.05 --lr 1e-3 \
    --schedule cosine --warmup 1 --batch-size 128 --epochs 8
train vae $recipes/vae-lecture fashion-mnist
pinhole eval prior.pin fashion-mnist --features classifier >prior.txt
pinhole eval vae.pin fashion-mnist --features classifier >vae.txt
told() {
    awk -v name="$1" '$1 == name { print $2 }' "$2.txt"
}
printf '%-52s %10s\n' "bits of a word by the prior, of log2 512 = 9" "$(told bits_per_token prior)" \
    "bits of a picture by the prior" "$(told prior_bits_per_picture prior)" \
    "  given its class" "$(told prior_bits_per_picture_given_class prior)" \
    "share of the test rows that are misnamed" "$(told error prior)" \
    "share of samples that are of the class asked for" "$(told samples_right prior)" \
    "Fréchet distance of samples: prior" "$(told frechet_samples prior)" \
    "  plain vae" "$(told frechet_samples vae)" \
    "  what the vqvae makes of test rows" "$(told frechet_rec prior)" \
    "  training rows" "$(told frechet_floor prior)"
pinhole sample prior.pin --every-label -n 10 -o samples.png
pinhole sample vae.pin -n 100 -o vae.png
echo "each class a column: $folder/samples.png; the vae's samples: $folder/vae.png"
