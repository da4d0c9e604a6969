"""Golden figures of small priors over the words of a vqvae, computed independently of the library.

PyTorch in float64 for the transformer and its derivatives, the noise by a Philox of its own, Adam by hand.
Prints tests/golden/prior.h:
    python3 tests/golden/prior.py > tests/golden/prior.h
"""
import itertools
import math

import torch
import torch.nn.functional as F

from philox import philox

torch.set_default_dtype(torch.float64)
H, W, CHANNELS, CODES = 4, 6, 3, 5
ROWS, STEPS, SEED, CLASSES, LABELS = 7, 5, 1, 3, [0, 1, 2, None, 1, 2, 0]
WIDTH, DEPTH, HEADS, RATIO, LR = 8, 2, 2, 2, 1e-2


def uniform(row, step):
    """Of the graph's only node of noise, one number a row, in its only phase (src/op/noise.c)."""
    return ((philox((0, row, step, 0x80000000), (SEED, 0))[0] >> 9) + 0.5) / 2**23


class Parameters:
    """By formula, in the order in which the library makes them."""

    def __init__(self, size):
        self.size, self.all, self.count, self.at = size, [], 0, 0

    def next(self, kind, *shape):
        """Made when they are first asked for, then given in the same order again."""
        if self.at == len(self.all):
            i = torch.arange(self.count, self.count + math.prod(shape))
            wave = 0.1 * torch.cos(0.3 * i)
            value = {"bias": wave, "gain": 1 + wave, "weight": self.size * torch.sin(1.0 + 0.7 * i)}[kind]
            self.all.append(value.reshape(shape).requires_grad_())
            self.count += len(i)
        self.at += 1
        return self.all[self.at - 1]

    def linear(self, a, n):
        return a @ self.next("weight", a.shape[-1], n) + self.next("bias", n)

    def norm(self, a):
        n = a.shape[-1:]
        return F.layer_norm(a, n, self.next("gain", *n), self.next("bias", *n))


def words(product=1, levels=None):
    """What the vqvae says of the rows, [ROWS, words of a row], and how many words there are."""
    p, depth = Parameters(1.5), len(levels or "four")
    x = 0.5 + 0.5 * torch.sin(0.37 * torch.arange(ROWS * H * W)).reshape(ROWS, 1, H, W)
    kernel, bias = p.next("weight", 2, 2, 1, CHANNELS), p.next("bias", CHANNELS)
    h = torch.relu(F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, stride=2)).permute(0, 2, 3, 1)
    z = p.linear(h.reshape(-1, CHANNELS), depth)
    if levels:
        n = torch.tensor(levels)
        half, offset = (n - 1) * 0.999 / 2, torch.where(n % 2 == 1, 0.0, 0.5)
        digit = torch.round(torch.tanh(z + torch.tan(offset / half)) * half - offset) + n // 2
        place = [1] + list(itertools.accumulate(levels[:-1], lambda a, b: a * b))
        tokens = (digit * torch.tensor(place)).sum(1)
    else:
        books = [p.next("weight", CODES, depth // product) for _ in range(product)]
        parts = z.reshape(len(z), product, -1)
        tokens = torch.stack([torch.cdist(parts[:, b], books[b]).argmin(1) for b in range(product)], 1)
    return tokens.reshape(ROWS, -1).long(), math.prod(levels) if levels else CODES


def block(p, a):
    b, n, d = a.shape
    q, k, v = p.linear(p.norm(a), 3 * d).chunk(3, -1)
    q, k, v = [t.reshape(b, n, HEADS, d // HEADS).transpose(1, 2) for t in (q, k, v)]
    later = torch.ones(n, n).triu(1) == 1
    scores = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(d // HEADS)
    share = torch.softmax(scores.masked_fill(later, -math.inf), -1)
    h = a + p.linear(torch.einsum("bhij,bhjd->bihd", share, v).reshape(b, n, d), d)
    return h + p.linear(F.gelu(p.linear(p.norm(h), RATIO * d)), d)


def listen(p, tokens, vocabulary, first, labels):
    """Log probability of each row's words, behind the word of a class or of none; what is heard in the end."""
    count = tokens.shape[1]
    given = count if labels else count - 1
    p.at = 0
    said = torch.cat([torch.tensor(first)[:, None], tokens[:, :given]], 1)
    embedding = p.next("weight", vocabulary + 1 + (CLASSES if labels else 0), WIDTH)
    h = embedding[said] + p.next("weight", given + 1, WIDTH)
    for _ in range(DEPTH):
        h = block(p, h)
    h = p.norm(h)
    logits = F.log_softmax(p.linear(h[:, :count], vocabulary), -1)
    return logits.gather(2, tokens[:, :, None]).sum((1, 2)), h[:, -1]


def run(labels=False, name_weight=1.0, **options):
    """The figures of each step; at last the bits of a word, and those of the labelled rows given the class."""
    tokens, vocabulary = words(**options)
    count, p, m, v = tokens.shape[1], Parameters(0.4), {}, {}
    known = [labels and c is not None for c in LABELS]
    for step in range(STEPS):
        before = [known[r] and uniform(r, step) < 0.5 for r in range(ROWS)]
        first = [vocabulary + (1 + LABELS[r] if before[r] else 0) for r in range(ROWS)]
        log_words, last = listen(p, tokens, vocabulary, first, labels)
        total, error = log_words.sum(), 0
        if labels:
            names = F.log_softmax(p.linear(last, CLASSES), -1)
            after = [r for r in range(ROWS) if known[r] and not before[r]]
            total = total + name_weight * sum(names[r, LABELS[r]] for r in after)
            error = sum(names[r].argmax().item() != LABELS[r] for r in after) / max(len(after), 1)
        loss = -total / ROWS / count
        yield loss.item(), -log_words.mean().item() / count / math.log(2), error
        for i, g in enumerate(torch.autograd.grad(loss, p.all)):
            m[i] = 0.9 * m.get(i, 0) + 0.1 * g
            v[i] = 0.999 * v.get(i, 0) + 0.001 * g**2
            with torch.no_grad():
                p.all[i] -= LR * (m[i] / (1 - 0.9 ** (step + 1))) / (
                    (v[i] / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
    none, _ = listen(p, tokens, vocabulary, [vocabulary] * ROWS, labels)
    given, _ = listen(p, tokens, vocabulary, [vocabulary + 1 + (c or 0) if labels else vocabulary for c in LABELS], labels)
    each = -1 / count / math.log(2)
    yield none.mean().item() * each, given[known].mean().item() * each if labels else 0


CASES = {
    "plain": run(),
    "labels": run(labels=True),
    "weight": run(labels=True, name_weight=3.0),
    "product": run(product=2),
    "levels": run(labels=True, levels=[4, 3, 2]),
}
print("/* Loss, bits_per_token and name_error of the first five steps of small priors, by\n"
      " * tests/golden/prior.py; then, of the last weights, bits_per_token and bits_per_token_given_class */")
for name, case in CASES.items():
    print(f"static const double golden_prior_{name}[{STEPS + 1}][3] = {{")
    for figures in case:
        print("    { " + ", ".join(f"{value:.17g}" for value in figures) + " },")
    print("};")
