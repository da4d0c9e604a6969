"""What the frameworks do on this machine: `pinhole bench --peer` calls this between its own windows.

    peers.py --data FOLDER CASE        FOLDER holds fashion-mnist/ (IDX.gz); cases: see CASES below

Prints one JSON object: rows_per_second (training) and use_rows_per_second, or seconds (pca). The set-up is fair to the peers:
data resident in memory, rows shuffled by index, the fused logit loss, two bound threads. Debian's
PyTorch needs its faster BLAS put first and its threads bound, or it runs at half its speed:

    LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp OMP_PROC_BIND=true
"""
import argparse
import gzip
import json
import statistics
import sys
import time

CASES = {  # widths of the net, rows in a batch
    "ae-512": ([784, 256, 128, 20, 128, 256, 784], 512),
    "ae-128": ([784, 256, 128, 20, 128, 256, 784], 128),
    "wide-100": ([784, 1000, 1000, 20, 1000, 1000, 784], 100),
    "ae-400": ([784, 400, 20, 400, 784], 128),
    "vae": ([784, 400, 20, 400, 784], 128),
    "aae": ([784, 1000, 1000, 2, 1000, 1000, 784], 100),
    "vqvae": ([32, 64, 64, 64], 128),  # channels of three convolutions, and of a word
}


def rows(folder):
    import numpy as np

    with gzip.open(f"{folder}/fashion-mnist/train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    return pixels.reshape(-1, 784).astype(np.float32) / 255


def layers(widths):
    import torch

    made = []
    for n, m in zip(widths, widths[1:]):
        made += [torch.nn.Linear(n, m), torch.nn.ReLU()]
    return torch.nn.Sequential(*made[:-1])


def objective(case, widths):
    """The net's parameters, its loss for rows, summed over them, and what it reconstructs."""
    import torch

    bce = torch.nn.BCEWithLogitsLoss(reduction="sum")
    middle = len(widths) // 2
    decoder = layers(widths[middle:])
    if case != "vae":
        encoder = layers(widths[: middle + 1])
        net = torch.nn.Sequential(encoder, decoder)
        return net.parameters(), lambda x: bce(net(x), x), lambda x: torch.sigmoid(net(x))
    encoder = torch.nn.Sequential(layers(widths[:middle]), torch.nn.ReLU())
    mean = torch.nn.Linear(*widths[middle - 1 : middle + 1])
    log_variance = torch.nn.Linear(*widths[middle - 1 : middle + 1])

    def loss(x):
        h = encoder(x)
        mu, lv = mean(h), log_variance(h)
        z = mu + torch.exp(0.5 * lv) * torch.randn_like(mu)
        return bce(decoder(z), x) + 0.5 * (mu * mu + lv.exp() - lv - 1).sum()

    parts = torch.nn.ModuleList([encoder, mean, log_variance, decoder])
    return parts.parameters(), loss, lambda x: torch.sigmoid(decoder(mean(encoder(x))))


def plain_step(case, widths):
    """A step on a batch, and what the net reconstructs."""
    import torch

    parameters, loss, reconstruct = objective(case, widths)
    optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def step(rows):
        optimizer.zero_grad()
        value = loss(rows) / len(rows)
        value.backward()
        optimizer.step()
        value.item()  # our rate is measured with the loss reported, too

    return step, reconstruct


def adversarial_step(widths, x, classes=10, labelled=3000):
    """The same of a semi-supervised adversarial autoencoder: one step is four, each with its optimiser.
    Draws and codes go through a critic in one batch, and nothing is derived that no step needs."""
    import torch
    from torch.nn import functional

    hidden, z_width = widths[1:3], widths[3]

    def net(n, m, dropout):
        made = []
        for a, b in zip([n, *hidden], hidden):
            made += [torch.nn.Linear(a, b), torch.nn.Dropout(dropout), torch.nn.ReLU()]
        return torch.nn.Sequential(*made, torch.nn.Linear(hidden[-1], m))

    encoder, decoder = net(widths[0], z_width + classes, 0.25), net(z_width + classes, widths[0], 0.25)
    critics = torch.nn.ModuleList([net(z_width, 1, 0.2), net(classes, 1, 0.2)])
    both = [*encoder.parameters(), *decoder.parameters()]
    adam = [torch.optim.Adam(p, lr=1e-3) for p in
            (both, critics.parameters(), encoder.parameters(), encoder.parameters())]
    labels = torch.randint(classes, (labelled,))

    def code(rows):
        a = encoder(rows)
        return a[:, :z_width], a[:, z_width:]

    def update(optimizer, value):
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.item()

    def step(rows):
        count = len(rows)
        z, y = code(rows)
        back = decoder(torch.cat([z, y.softmax(1)], 1))
        update(adam[0], functional.binary_cross_entropy_with_logits(back, rows, reduction="sum") / count)
        encoder.eval()
        with torch.no_grad():
            z, y = code(rows)
        encoder.train()
        one_hot = functional.one_hot(torch.randint(classes, (count,)), classes).float()
        loss = sum((functional.softplus(-a[:count]) + functional.softplus(a[count:])).mean() for a in (
            critics[0](torch.cat([torch.randn_like(z), z])), critics[1](torch.cat([one_hot, y.softmax(1)]))))
        update(adam[1], loss)
        critics.requires_grad_(False)
        z, y = code(rows)
        update(adam[2], sum(functional.softplus(-a).mean() for a in (critics[0](z), critics[1](y.softmax(1)))))
        critics.requires_grad_(True)
        chosen = torch.randint(labelled, (count,))
        update(adam[3], functional.cross_entropy(code(x[chosen])[1], labels[chosen]))

    def reconstruct(rows):
        for part in (encoder, decoder):
            part.eval()
        z, y = code(rows)
        return torch.sigmoid(decoder(torch.cat([z, y.softmax(1)], 1)))

    return step, reconstruct


def quantised_step(widths, words=512):
    """The same of a vector-quantised autoencoder of pictures of 28x28, its codebook learnt by its loss."""
    import torch
    from torch import nn

    a, b, c, depth = widths
    encoder = nn.Sequential(nn.Conv2d(1, a, 4, 2, 1), nn.ReLU(), nn.Conv2d(a, b, 4, 2, 1), nn.ReLU(),
                            nn.Conv2d(b, c, 3, 1, 1), nn.ReLU(), nn.Conv2d(c, depth, 1))
    decoder = nn.Sequential(nn.Conv2d(depth, c, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(c, b, 3, 1, 1), nn.ReLU(),
                            nn.ConvTranspose2d(b, a, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(a, 1, 4, 2, 1))
    book = nn.Embedding(words, depth)
    nn.init.uniform_(book.weight, -1 / words, 1 / words)
    parts = nn.ModuleList([encoder, decoder, book])
    optimizer = torch.optim.Adam(parts.parameters(), lr=1e-3)

    def quantise(rows):
        vectors = encoder(rows.view(-1, 1, 28, 28)).permute(0, 2, 3, 1)
        flat = vectors.reshape(-1, depth).detach()
        with torch.no_grad():
            index = (book.weight.square().sum(1) - 2 * flat @ book.weight.T).argmin(1)
        return vectors, book(index).view(vectors.shape), index

    def step(rows):
        vectors, taken, index = quantise(rows)
        straight = vectors + (taken - vectors).detach()
        back = decoder(straight.permute(0, 3, 1, 2)).view(rows.shape)
        loss = (back - rows).square().sum()
        loss = loss + (taken - vectors.detach()).square().sum() + 0.25 * (vectors - taken.detach()).square().sum()
        loss = loss / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        torch.bincount(index, minlength=words)  # our words in use are counted, too

    def reconstruct(rows):
        return decoder(quantise(rows)[1].permute(0, 3, 1, 2)).view(rows.shape)

    return step, reconstruct


def train(case, x, threads, seconds):
    import torch

    torch.set_num_threads(threads)
    widths, batch = CASES[case]
    x = torch.from_numpy(x)
    if case == "aae":
        step, reconstruct = adversarial_step(widths, x)
    elif case == "vqvae":
        step, reconstruct = quantised_step(widths)
    else:
        step, reconstruct = plain_step(case, widths)
    order, at, rates = torch.randperm(len(x)), 0, []
    began = chunk = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        if at + batch > len(x):
            order, at = torch.randperm(len(x)), 0
        step(x[order[at : at + batch]])
        at += batch
        done += batch
        if time.perf_counter() - chunk > 0.5:
            rates.append(done / (time.perf_counter() - chunk))
            chunk, done = time.perf_counter(), 0
    result = {"version": torch.__version__, "rows_per_second": statistics.median(rates[1:] or rates)}
    with torch.no_grad():  # encoder and decoder on rows of 1024, as ours
        reconstruct(x[:1024])
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds / 4:
            reconstruct(x[:1024]).numpy()
            done += 1024
    result["use_rows_per_second"] = done / (time.perf_counter() - began)
    return result


def pca(x):
    import numpy as np

    began = time.perf_counter()
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / (len(x) - 1))
    vectors[:, :-31:-1].copy()
    return {"version": np.__version__, "seconds": time.perf_counter() - began}


def pca_sklearn(x):
    import sklearn
    from sklearn.decomposition import PCA

    began = time.perf_counter()
    PCA(30).fit(x)
    return {"version": sklearn.__version__, "seconds": time.perf_counter() - began}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("case", choices=[*CASES, "pca", "pca-sklearn"])
    a = parser.parse_args()
    try:
        x = rows(a.data)
        if a.case == "pca":
            pca(x)  # the first call pays for starting threads
            result = pca(x)
        elif a.case == "pca-sklearn":
            result = pca_sklearn(x)
        else:
            result = train(a.case, x, a.threads, a.seconds)
    except ImportError as missing:
        print(f"peers.py: {missing}", file=sys.stderr)
        sys.exit(3)
    print(json.dumps({"case": a.case, "threads": a.threads, **result}, separators=(",", ":")))


main()
