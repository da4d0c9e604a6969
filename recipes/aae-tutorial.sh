# The run of the well-known tutorial (fducau, AAE_pytorch), MNIST: as its code does it; with its two mistakes
# mended; with all that it leaves out, too (a rate that falls, noise on the rows, a style of ten numbers and not
# two); and with 100 labels and 47,000 other rows, as its text says, by what recipes/aae-labels.sh does for so few:
# much noise and no dropout, a strong reconstruction, a weak game.
#     make recipe-aae-tutorial
# Its curve ends at an error of 3.5 % of 10,000 rows held out of the training files, after 213 minutes on a
# CPU, 9 on a Quadro M4000, 6 on a P5000.
run=$recipes/aae-tutorial-run
more="--schedule cosine --noise gauss:0.3 --latent-dim 10"
(THREADS=1 && train faults $run --tutorial-faults) # the time of one thread
(THREADS=2 && train mended $run)
train corrected $run $more
train few $run --labels 100 --val-split 0.215 --init auto --schedule cosine --latent-dim 10 --noise gauss:0.6 \
    --dropout 0 --critic-dropout 0 --lr 2e-3 --lr-critic 5e-4 --lr-generator 5e-4 --lr-classify 5e-4
printf '%-44s %14s %12s %10s\n' "share of wrong rows" "held out" "10,000 test" seconds
for model in faults mended corrected few; do
    case $model in
    faults) label="3,000 labels, as the code does it" ;;
    mended) label="3,000 labels, mistakes mended" ;;
    corrected) label="3,000 labels, corrected" ;;
    few) label="100 labels, much noise" ;;
    esac
    printf '%-44s %14s %12s %10.0f\n' "$label" "$(last val_label_error $model)" \
        "$(figure error $model mnist)" "$(last seconds $model)"
done
times="another on one thread=$(last seconds faults),tutorial on a CPU=12780,Quadro M4000=540,Quadro P5000=360"
pinhole report mended.pin mnist -o mended.html --title "The tutorial's run, on two threads" --times "$times"
pinhole sample corrected.pin --every-label -n 12 -o styles.png
echo "times beside the tutorial's: $folder/mended.html; rows of one style, columns of one label: $folder/styles.png"
