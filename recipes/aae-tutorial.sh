# The run of the well-known tutorial (fducau, AAE_pytorch), MNIST: corrected; as its code does it; and as its
# text says it, with 100 labels.
#     make recipe-aae-tutorial
# Its curve ends at an error of 3.5 % of 10,000 rows held out of the training files, after 213 minutes on a
# CPU, 9 on a Quadro M4000, 6 on a P5000.
run=$recipes/aae-tutorial-run
train corrected $run
train faults $run --tutorial-faults
train few $run --labels 100
printf '%-44s %14s %12s %10s\n' "share of wrong rows" "10,000 held out" "10,000 test" seconds
for model in corrected faults few; do
    case $model in
    corrected) label="3,000 labels, corrected" ;;
    faults) label="3,000 labels, as the code does it" ;;
    few) label="100 labels, as the text says it" ;;
    esac
    printf '%-44s %14s %12s %10.0f\n' "$label" "$(last val_label_error $model)" \
        "$(figure error $model mnist)" "$(last seconds $model)"
done
times="tutorial on a CPU=12780,Quadro M4000=540,Quadro P5000=360"
pinhole report corrected.pin mnist -o corrected.html --times "$times"
pinhole sample corrected.pin --every-label -n 12 -o styles.png
echo "the page: $folder/corrected.html; rows of one style, columns of one label: $folder/styles.png"
