# Speech with white noise of 0.3 times its own deviation, and without: convolutions along the samples, trained on
# six of the spoken words of alsa-utils (GPL-2), measured on two others by the same voice. The noise of each
# window is drawn anew in each step; what is wanted back is the clean window.
#     make recipe-sound-denoising
sounds=/usr/share/sounds/alsa
if [ ! -d "$sounds" ]; then
    sounds=$folder/unpacked/usr/share/sounds/alsa
    if [ ! -d "$sounds" ]; then
        echo "$sounds is not there: fetching Debian's alsa-utils (1 MB) for its sounds, into $folder alone" >&2
        apt-get download alsa-utils >&2 && dpkg-deb -x alsa-utils_*.deb unpacked ||
            { echo "could not; apt-get install alsa-utils brings them, too" >&2; exit 1; }
    fi
fi
mkdir -p words/train words/test
for word in Front_Center Front_Left Front_Right Rear_Center Rear_Left Side_Left; do
    cp "$sounds/$word.wav" words/train
done
cp "$sounds/Rear_Right.wav" "$sounds/Side_Right.wav" words/test
pinhole data words:train | head -5
train speech ae words --window 1024 --hidden "conv 32 16/4, conv 64 8/4, res 64 x2" --spatial-code --latent-dim 64 \
    --noise gauss:0.3 --epochs 30
pinhole eval speech.pin words --noise gauss:0.3
pinhole reconstruct speech.pin words --noise gauss:0.3 -o restored/ >/dev/null
echo "what the noisy test words came back as: $folder/restored"
