"""Golden losses of small masked autoencoders, computed independently of the library.

PyTorch in float64 for the net and its derivatives, the noise by a Philox of its own, Adam by hand.
Prints tests/golden/mae.h:
    python3 tests/golden/mae.py > tests/golden/mae.h
"""
import math

import torch
import torch.nn.functional as F

from philox import philox

torch.set_default_dtype(torch.float64)
ROWS, STEPS, SEED, CLASSES = 7, 5, 1, 3


def uniform(rows, columns, step):
    """Of the graph's first node of noise, in its first phase, up to 16 columns (src/op/noise.c)."""
    return torch.tensor([[((philox((c, r, step, 0x80000000), (SEED, 0))[0] >> 9) + 0.5) / 2**23
                          for c in range(columns)] for r in range(rows)])


class Net:
    """Parameters by formula, each from its scope, its layer's number and its kind."""

    def __init__(self):
        self.at = {}

    def get(self, scope, number, kind, *shape):
        name = (scope, number, kind)
        if name not in self.at:
            seed = 100 * scope + 7 * number + kind
            k = torch.arange(math.prod(shape))
            value = [0, 0.4 * torch.sin(seed + 0.7 * k), 1 + 0.1 * torch.cos(seed + 0.3 * k),
                     0.1 * torch.cos(seed + 0.3 * k)][kind]
            self.at[name] = value.reshape(shape).requires_grad_()
        return self.at[name]

    def linear(self, scope, number, a, n):
        return a @ self.get(scope, number, 1, a.shape[-1], n) + self.get(scope, number, 3, n)

    def norm(self, scope, number, a):
        n = a.shape[-1:]
        return F.layer_norm(a, n, self.get(scope, number, 2, *n), self.get(scope, number, 3, *n))

    def block(self, scope, number, a, heads, ratio):
        b, n, d = a.shape
        q, k, v = self.linear(scope, number + 1, self.norm(scope, number, a), 3 * d).chunk(3, -1)
        q, k, v = [t.reshape(b, n, heads, d // heads).transpose(1, 2) for t in (q, k, v)]
        share = torch.softmax(torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(d // heads), -1)
        mixed = torch.einsum("bhij,bhjd->bihd", share, v).reshape(b, n, d)
        h = a + self.linear(scope, number + 2, mixed, d)
        inner = F.gelu(self.linear(scope, number + 4, self.norm(scope, number + 3, h), ratio * d))
        return h + self.linear(scope, number + 5, inner, d)


def waves(place, n):
    """As get_1d_sincos_pos_embed of the paper's code."""
    angle = place[:, None] / 10000 ** (torch.arange(n // 2) / (n / 2))
    return torch.cat([angle.sin(), angle.cos()], 1)


class Mae:
    def __init__(self, shape, patch, mask, width, heads, narrow, narrow_heads, learned=False,
                 normalize=False, everywhere=False, depth=2, narrow_depth=1, ratio=2, levels=0):
        self.__dict__.update(locals())
        self.net, self.m, self.v, self.t = Net(), {}, {}, {}
        h, w, c = shape if len(shape) == 3 else (patch, shape[0] // patch * patch, 1)
        self.grid = (h // patch, w // patch) if len(shape) == 3 else (1, shape[0] // patch)
        self.count = self.grid[0] * self.grid[1]
        self.numbers = patch * patch * c if len(shape) == 3 else patch
        self.visible = round(self.count * (1 - mask))

    def tokens(self, x):
        if len(self.shape) == 1:
            return x.reshape(len(x), self.count, self.patch)
        (h, w), p = self.grid, self.patch
        x = x.reshape(len(x), h, p, w, p, -1)
        return torch.einsum("nhpwqc->nhwpqc", x).reshape(len(x), self.count, -1)

    def places(self, scope, width):
        if self.learned:
            return self.net.get(scope, 50, 3, self.count, width)
        line, column = torch.arange(self.count) // self.grid[1], torch.arange(self.count) % self.grid[1]
        if self.grid[0] == 1:
            return waves(column, width)
        return torch.cat([waves(line, width // 2), waves(column, width // 2)], 1)

    def level(self, tokens):
        return (tokens * (self.levels - 1)).round().long()

    def encode(self, tokens, places):
        if self.levels:
            table = self.net.get(0, 52, 3, self.levels, self.width)
            tokens = F.embedding(self.level(tokens), table).flatten(2)
        h = self.net.linear(0, 0, tokens, self.width) + places
        for i in range(self.depth):
            h = self.net.block(0, 1 + 6 * i, h, self.heads, self.ratio)
        return self.net.norm(0, 1 + 6 * self.depth, h)

    def loss(self, x, step):
        """The loss and masked_mse, or masked_bits."""
        tokens, n = self.tokens(x), len(x)
        order = uniform(n, self.count, step).argsort(1)
        keep = order[:, : self.visible]
        rows = torch.arange(n)[:, None]
        hidden = torch.ones(n, self.count)
        hidden[rows, keep] = 0
        z = self.encode(tokens[rows, keep], self.places(0, self.width)[keep])
        d = self.net.linear(1, 0, z, self.narrow)
        lost = self.net.get(1, 51, 3, self.narrow)
        full = torch.cat([d, lost.expand(n, self.count - self.visible, self.narrow)], 1)
        full = full.gather(1, order.argsort(1)[:, :, None].expand(-1, -1, self.narrow))
        h = full + self.places(1, self.narrow)
        for i in range(self.narrow_depth):
            h = self.net.block(1, 1 + 6 * i, h, self.narrow_heads, self.ratio)
        last = 1 + 6 * self.narrow_depth
        h = self.net.norm(1, last, h)
        y = self.net.linear(1, last + 1, h, self.numbers * max(1, self.levels))
        wanted = torch.ones_like(hidden) if self.everywhere else hidden
        mean = lambda a, weight: (a.mean(-1) * weight).sum() / weight.sum()
        if self.levels:
            logits = y.reshape(-1, self.levels)
            nats = F.cross_entropy(logits, self.level(tokens).flatten(), reduction="none").reshape(tokens.shape)
            return mean(nats, wanted), mean(nats, hidden).item() / math.log(2)
        if not self.normalize:
            return mean((y - tokens) ** 2, wanted), mean((y - tokens) ** 2, hidden).item()
        middle, deviation = tokens.mean(-1, keepdim=True), (tokens.var(-1, keepdim=True) + 1e-6) ** 0.5
        spread = self.net.linear(1, last + 2, h.detach(), 2)
        loss = mean((y - (tokens - middle) / deviation) ** 2, wanted)
        loss = loss + mean((spread - torch.cat([middle, deviation], 2)) ** 2, wanted)
        back = y * spread[..., 1:] + spread[..., :1]
        return loss, mean((back - tokens) ** 2, hidden).item()

    def classify(self, x):
        code = self.encode(self.tokens(x), self.places(0, self.width)).mean(1)
        logits = self.net.linear(2, 0, code, CLASSES)
        labels = torch.arange(len(x)) % CLASSES
        return F.cross_entropy(logits, labels), (logits.argmax(1) != labels).double().mean().item()

    def step(self, loss, phase, scopes):
        """Adam, of each phase its own."""
        names = [name for name in self.net.at if name[0] in scopes]
        t = self.t[phase] = self.t.get(phase, 0) + 1
        for name, g in zip(names, torch.autograd.grad(loss, [self.net.at[name] for name in names])):
            m = self.m[phase, name] = 0.9 * self.m.get((phase, name), 0) + 0.1 * g
            v = self.v[phase, name] = 0.999 * self.v.get((phase, name), 0) + 0.001 * g**2
            with torch.no_grad():
                self.net.at[name] -= 0.01 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)


def run(mae, prepared=STEPS):
    x = 0.5 + 0.5 * torch.sin(0.37 * torch.arange(ROWS * math.prod(mae.shape))).reshape(ROWS, -1)
    for step in range(STEPS):
        masked = step < prepared
        loss, figure = mae.loss(x, step) if masked else mae.classify(x)
        mae.step(loss, masked, (0, 1) if masked else (0, 2))
        yield loss.item(), figure


CASES = {
    "picture": run(Mae((4, 6, 2), 2, 0.5, 8, 2, 4, 2)),
    "normalized": run(Mae((4, 6, 2), 2, 0.67, 8, 2, 4, 2, True, True, True)),
    "series": run(Mae((12,), 3, 0.5, 6, 3, 4, 1)),
    "symbols": run(Mae((12,), 3, 0.5, 6, 3, 4, 1, levels=5)),
    "symbols_everywhere": run(Mae((12,), 1, 0.75, 8, 2, 4, 1, everywhere=True, levels=256)),
    "symbols_of_pictures": run(Mae((4, 6, 2), 2, 0.67, 8, 2, 4, 2, True, levels=7)),
    "labels": run(Mae((4, 6, 2), 2, 0.75, 8, 2, 4, 2, normalize=True), 2),
}
print("/* Losses of five steps of small masked autoencoders, and masked_mse, masked_bits or label_error,\n"
      " * by tests/golden/mae.py */")
for name, case in CASES.items():
    print(f"static const double golden_mae_{name}[{STEPS}][2] = {{")
    for pair in case:
        print("    { " + ", ".join(f"{value:.17g}" for value in pair) + " },")
    print("};")
