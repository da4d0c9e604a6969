# Photos with Gaussian noise of 0.1 (1 is white): a net of convolutions alone, trained on windows of nine tenths of
# the flower photos, measured on the others, which have many sizes and come back in theirs.
#     make recipe-photo-denoising
# Where python3 has numpy, scipy and PIL, whole photos are compared, too: noise is put on them, clipped and
# rounded as a file must be, and the restored ones stand beside the best Gaussian blur and the best median.
mkdir -p noisy original
for part in train test; do
    rm -rf "photos/$part"
done
root=$(for at in $(echo "${PINHOLE_DATA:-}" | tr : ' '); do [ ! -d "$at/flowers" ] || echo "$at/flowers"; done | head -1)
[ -n "$root" ] || { echo "no flowers in \$PINHOLE_DATA" >&2; exit 1; }
root=$(cd "$root" && pwd)
(cd "$root/images" && find . -name '*.jpg' | LC_ALL=C sort) | awk '{ print (NR % 10 == 1 ? "test" : "train"), $1 }' |
    while read -r part photo; do
        mkdir -p "photos/$part/${photo%/*}"
        ln -s "$root/images/$photo" "photos/$part/$photo"
    done
train photo ae photos --window 32 --hop 32 --hidden "conv 32 4/2, res 32 x2" --spatial-code --latent-dim 32 \
    --noise gauss:0.1 --loss mse --batch-size 16 --lr 2e-3 --schedule cosine --epochs 6
pinhole eval photo.pin photos --noise gauss:0.1
pinhole reconstruct photo.pin photos --noise gauss:0.1 -o windows.png
echo "the picture: $folder/windows.png"
python3 -c 'import numpy, scipy, PIL' 2>/dev/null ||
    { echo "python3 with numpy, scipy and PIL is not here: no whole photos, no yardstick"; exit 0; }
cat >noise.py <<'END'
"""noise: puts noise on photos/test, as PNG; measure: compares restored/ with filters and draws three of each."""
import glob, os, sys
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, median_filter

names = sorted(glob.glob("photos/test/*/*.jpg"))
short = [os.path.basename(n)[:-4] + ".png" for n in names]
if sys.argv[1] == "noise":
    random = np.random.default_rng(1)
    for name, own in zip(names, short):
        clean = Image.open(name).convert("RGB")
        clean.save("original/" + own)
        noisy = np.asarray(clean) + 25.5 * random.standard_normal((clean.height, clean.width, 3))
        Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype("u1")).save("noisy/" + own)
    sys.exit()

def read(folder):
    return [np.asarray(Image.open(folder + "/" + own), "f8") for own in short]

clean, noisy, restored = read("original"), read("noisy"), read("restored")
mean = np.mean([c.mean() for c in clean])
power = sum(((c - mean) ** 2).sum() for c in clean)

def tell(what, pictures):
    wrong = sum(((a - b) ** 2).sum() for a, b in zip(pictures, clean))
    size = sum(c.size for c in clean)
    print(f"{what:24s} psnr {10 * np.log10(255 ** 2 * size / wrong):6.2f} dB   snr {10 * np.log10(power / wrong):6.2f} dB")
    return wrong

tell("noisy", noisy)
blurs = {s: [gaussian_filter(p, (s, s, 0)) for p in noisy] for s in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)}
medians = {n: [median_filter(p, (n, n, 1)) for p in noisy] for n in (3, 5)}
for kind, tried in ("blur of deviation", blurs), ("median of side", medians):
    error = {k: sum(((a - b) ** 2).sum() for a, b in zip(v, clean)) for k, v in tried.items()}
    best = min(error, key=error.get)
    tell(f"{kind} {best}", tried[best])
tell("restored", restored)
wide = [i for i in range(len(clean)) if clean[i].shape[:2] == (96, 128)][:3] or [0]
rows = [np.concatenate([k[i] for k in (noisy, restored, clean)], 1) for i in wide]
Image.fromarray(np.concatenate(rows, 0).astype("u1")).save("whole.png")
END
python3 noise.py noise
pinhole reconstruct photo.pin noisy --hop 16 -o restored/
python3 noise.py measure
echo "noisy, restored, original: $folder/whole.png"
