# What the pretraining is worth with 100 labels of each class: five draws of labels, each fine-tuned from the
# pretrained net and trained from scratch for about as long as both together take. Rows of data_batch_2 are
# the test.
#     make recipe-mae-cifar
rows=cifar10/data_batch_1.bin.gz+cifar10/images:train
test=cifar10/data_batch_2.bin.gz
pinhole reconstruct mae-cifar.pin $test -o mae-cifar.png
pinhole eval mae-cifar.pin $test --probe
labels="--finetune labels --labels 1000 --optimizer adamw --beta2 0.95 --weight-decay 0.05 --schedule cosine"
tuned=
scratch=
short=
long=
for seed in 1 2 3 4 5; do
    train tuned-$seed mae $rows --pretrained mae-cifar.pin $labels --lr 5e-4 --warmup 1 --epochs 8 --seed $seed
    train scratch-$seed mae $rows --patch 4 --depth 6 --decoder-depth 2 $labels --lr 1e-3 --warmup 1 \
        --epochs 25 --seed $seed
    tuned="$tuned $(figure error tuned-$seed $test)"
    scratch="$scratch $(figure error scratch-$seed $test)"
    short="$short $(last seconds tuned-$seed)"
    long="$long $(last seconds scratch-$seed)"
done
echo "share of wrong test rows, pretrained: $tuned; mean $(mean $tuned)"
echo "from scratch: $scratch; mean $(mean $scratch)"
echo "seconds of training: pretraining $(last seconds mae-cifar) once and then $(mean $short) each; $(mean $long) each from scratch"
echo "the picture: $folder/mae-cifar.png"
