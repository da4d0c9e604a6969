"""Golden losses of small vector-quantised autoencoders, computed independently of the library.

PyTorch in float64 for the derivatives; codebooks, their start and their averages by hand. Prints
tests/golden/vqvae.h, the loss and the perplexity of every step:
    python3 tests/golden/vqvae.py > tests/golden/vqvae.h
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from philox import philox

torch.set_default_dtype(torch.float64)
H, W, CHANNELS, HIDDEN = 4, 6, 3, 8
ROWS, STEPS, LR, ROUNDS = 7, 5, 1e-2, 10


class Parameters:
    """By formula, in the order in which the library makes them."""

    def __init__(self):
        self.at, self.count = {}, 0

    def make(self, name, *shape):
        size = math.prod(shape)
        i = np.arange(self.count, self.count + size)
        value = 0.1 * np.cos(0.3 * i) if name.endswith("bias") else 0.5 * np.sin(1.0 + 0.7 * i)
        self.at[name] = torch.tensor(value.reshape(shape), requires_grad=True)
        self.count += size


class Adam:
    def __init__(self, p):
        self.p, self.t = p, 0
        self.m, self.v = [torch.zeros_like(a) for a in p], [torch.zeros_like(a) for a in p]

    def step(self, gradient):
        self.t += 1
        for i, g in enumerate(gradient):
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g**2
            m, v = self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)
            with torch.no_grad():
                self.p[i] -= LR * m / (v.sqrt() + 1e-8)


def unit(a):
    return a / (a.square().sum(-1, keepdim=True) + 1e-12).sqrt()


def nearest(x, words):
    return np.array([np.argmin([((a - w) ** 2).sum() for w in words]) for a in x])


def chosen(x, count, key):
    lines = []
    for k in range(count):
        a, b, _, _ = philox((k, 0, 0, 0), (key & 0xFFFFFFFF, key >> 32))
        lines.append(x[(a << 32 | b) % len(x)])
    return np.array(lines)


def clustered(x, centres):
    centres = centres.copy()
    for _ in range(ROUNDS):
        index = nearest(x, centres)
        for k in range(len(centres)):
            if (index == k).any():
                centres[k] = x[index == k].mean(0)
    return centres


class Book:
    def __init__(self, number, books, codes, depth, decay, revive):
        self.number, self.books, self.decay, self.revive = number, books, decay, revive
        self.kept, self.sums, self.usage, self.counts = *np.zeros((2, codes, depth)), *np.zeros((2, codes))

    def follow(self, x, index, step):
        """Which words go, and for what; moves the averages."""
        codes = len(self.usage)
        share = np.array([(index == k).sum() for k in range(codes)]) / len(x)
        sums = np.array([x[index == k].sum(0) for k in range(codes)]) / len(x)
        left = math.exp(-len(x) * self.revive / codes)
        now = left * self.usage + (1 - left) * share
        self.counts = self.decay * self.counts + (1 - self.decay) * share
        self.sums = self.decay * self.sums + (1 - self.decay) * sums
        dead = np.full(codes, True) if step == 0 else now < self.revive / codes
        others = chosen(x, codes, step * self.books + self.number)
        others = clustered(x, others) if step == 0 else others
        self.kept = np.where(self.counts[:, None] > 0, self.sums / np.maximum(self.counts, 1e-20)[:, None], self.kept)
        self.kept[dead], self.sums[dead] = others[dead], others[dead] / codes
        self.usage, self.counts = np.where(dead, 1 / codes, now), np.where(dead, 1 / codes, self.counts)
        return dead, others


def rotated(x, word):
    """The rotation of Fifty et al. as a matrix for each vector, times |word| / |x|, both held."""
    x_still, y, out = x.detach(), word.detach(), []
    for i in range(len(x)):
        a, b = unit(x_still[i]), unit(y[i])
        r = unit(a + b)
        rotation = torch.eye(len(a)) - 2 * torch.outer(r, r) + 2 * torch.outer(b, a)
        size = (y[i].square().sum() + 1e-12).sqrt() / (x_still[i].square().sum() + 1e-12).sqrt()
        out.append(size * rotation @ x[i])
    return torch.stack(out)


def perplexity(tokens, codes):
    each = []
    for index in tokens:
        p = np.array([(index == k).mean() for k in range(codes)])
        each.append(math.exp(-sum(q * math.log(q) for q in p if q > 0)))
    return sum(each) / len(each)


def by_levels(x, levels):
    """Finite scalar quantisation as its authors have it; vectors and tokens."""
    n = torch.tensor(levels, dtype=torch.float64)
    half = (n - 1) * (1 - 1e-3) / 2
    offset = torch.where(n % 2 == 1, 0.0, 0.5)
    bounded = torch.tanh(x + torch.tan(offset / half)) * half - offset
    rounded = bounded + (torch.round(bounded) - bounded).detach()
    width = n // 2
    basis = np.cumprod([1] + levels[:-1])
    return rounded / width, [((torch.round(bounded) + width).detach().numpy() @ basis).astype(int)]


def run(depth=4, codes=5, ema=False, residual=1, product=1, rotation=False, normalize=False, levels=None,
        weight=1.0, commitment=0.25, decay=0.99, revive=0.03, gaussian=False):
    rows = torch.tensor(0.5 + 0.5 * np.sin(0.37 * np.arange(ROWS * H * W)).reshape(ROWS, H * W))
    p, books = Parameters(), 0 if levels else residual * product
    p.make("conv", 2, 2, 1, CHANNELS)
    p.make("conv-bias", CHANNELS)
    p.make("z", CHANNELS, depth)
    p.make("z-bias", depth)
    book = [Book(b, books, codes, depth // product, decay, revive) for b in range(books)]
    for b in range(0 if ema else books):
        p.make(f"words{b}", codes, depth // product)
    p.make("h", H * W // 4 * depth, HIDDEN)
    p.make("h-bias", HIDDEN)
    p.make("y", HIDDEN, H * W)
    p.make("y-bias", H * W)
    adam, w, out = Adam(list(p.at.values())), p.at, []

    for step in range(STEPS):
        h = F.conv2d(rows.reshape(ROWS, 1, H, W), w["conv"].permute(3, 2, 0, 1), stride=2)
        h = torch.relu(h.permute(0, 2, 3, 1) + w["conv-bias"]).reshape(-1, CHANNELS)
        x, terms, tokens, moves = h @ w["z"] + w["z-bias"], torch.zeros(()), [], []
        if levels:
            vectors, tokens = by_levels(x, levels)
        parts = []
        for i in range(0 if levels else product):
            part = x[:, i * depth // product : (i + 1) * depth // product]
            part = unit(part) if normalize else part
            total = torch.zeros_like(part)
            for r in range(residual):
                b = i * residual + r
                left = part - total
                kept = torch.tensor(book[b].kept) if ema else w[f"words{b}"]
                words = unit(kept) if normalize else kept
                index = nearest(left.detach().numpy(), words.detach().numpy())
                word = words[torch.tensor(index)]
                terms = terms + commitment * (left - word.detach()).square().sum() / ROWS
                if not ema:
                    terms = terms + weight * (word - left.detach()).square().sum() / ROWS
                total = total + word.detach()
                tokens.append(index)
                moves.append((b, left.detach().numpy(), index))
            parts.append(rotated(part, total) if rotation else part + (total - part).detach())
        vectors = vectors if levels else torch.cat(parts, 1)
        h = torch.relu(vectors.reshape(ROWS, -1) @ w["h"] + w["h-bias"])
        y = h @ w["y"] + w["y-bias"]
        if gaussian:
            rec = -(y - rows).square().sum(1)  # variance 0.5, without its constant
        else:
            rec = -(F.softplus(y) - y * rows).sum(1)
        loss = terms - rec.mean()
        out.append((loss.item(), perplexity(tokens, math.prod(levels) if levels else codes)))
        adam.step(torch.autograd.grad(loss, adam.p, allow_unused=False))
        for b, left, index in moves:
            dead, others = book[b].follow(left, index, step)
            if not ema:
                with torch.no_grad():
                    w[f"words{b}"][torch.tensor(dead)] = torch.tensor(others[dead])
    return out


CASES = {
    "loss": {},
    "ema": dict(ema=True, decay=0.5, revive=0.8),
    "lecture": dict(weight=0.5, commitment=1.0, gaussian=True),
    "residual": dict(residual=3, revive=0.9),
    "product": dict(product=2, ema=True, decay=0.7),
    "product_residual": dict(product=2, residual=2),
    "rotation": dict(rotation=True, revive=0.7),
    "rotation_residual": dict(rotation=True, residual=2),
    "normalised": dict(normalize=True),
    "normalised_ema": dict(normalize=True, ema=True, decay=0.6, product=2),
    "levels": dict(depth=4, levels=[4, 3, 2, 5]),
}
print("/* Loss and perplexity of the first five steps of small vqvaes, by tests/golden/vqvae.py */")
for name, case in CASES.items():
    print(f"static const double golden_vqvae_{name}[{STEPS}][2] = {{")
    for pair in run(**case):
        print("    { " + ", ".join(f"{value:.17g}" for value in pair) + " },")
    print("};")
