# What the pretraining is worth with 100 labels of each class, by five draws of labels: a linear probe, the net
# fine-tuned, and the same net from scratch for as long as pretraining and fine-tuning take together. Rows of
# data_batch_2 are the test.
# Three hours on one thread of a slow machine, and less than two on two.
#     make recipe-mae-cifar
rows=cifar10/data_batch_1.bin.gz+cifar10/images:train
test=cifar10/data_batch_2.bin.gz
pinhole eval mae-cifar.pin $test
pinhole reconstruct mae-cifar.pin $test -o mae-cifar.png
labels="--finetune labels --labels 1000 --batch-size 64 --optimizer adamw --beta2 0.95 --weight-decay 0.05 --schedule cosine --lr 5e-4"
probed=
tuned=
scratch=
short=
long=
for seed in 1 2 3 4 5; do
    train tuned-$seed mae $rows --pretrained mae-cifar.pin $labels --warmup 0.5 --epochs 2 --seed $seed
    train scratch-$seed mae $rows --patch 4 --depth 6 --decoder-depth 2 $labels --warmup 1 --epochs 10 --seed $seed
    probed="$probed $(figure probe_accuracy mae-cifar $test --training $rows --probe-labels 1000 --probe-seed $seed)"
    tuned="$tuned $(figure error tuned-$seed $test)"
    scratch="$scratch $(figure error scratch-$seed $test)"
    short="$short $(last seconds tuned-$seed)"
    long="$long $(last seconds scratch-$seed)"
done
echo "share of right test rows, linear probe: $probed; mean $(mean $probed)"
echo "share of wrong test rows, fine-tuned: $tuned; mean $(mean $tuned)"
echo "from scratch: $scratch; mean $(mean $scratch)"
echo "seconds of training: pretraining $(last seconds mae-cifar) once and then $(mean $short) each; $(mean $long) each from scratch"
echo "the picture: $folder/mae-cifar.png"
