"""Golden losses of small adversarial autoencoders, computed independently of the library.

PyTorch in float64 for the derivatives, everything else by hand, the noise by a Philox of its own. Prints
tests/golden/aae.h:
    python3 tests/golden/aae.py > tests/golden/aae.h
"""
import math

import numpy as np
import torch

from philox import philox

torch.set_default_dtype(torch.float64)
WIDTH, HIDDEN, JUDGE, CODE, CLASSES = 12, 8, 6, 2, 3
ROWS, STEPS, SEED, EPSILON = 7, 5, 1, 1e-8


# ---- Noise, as src/op/noise.c says -------------------------------------------------------------


def unit(word):
    return ((word >> 9) + 0.5) / 2**23


class Noise:
    """Draws of one phase in one step; nodes are numbered as the graph builds them."""

    def __init__(self, step, phase):
        self.step, self.key = step, (SEED, phase << 24)

    def words(self, number, row, node):
        return philox((number, row, self.step, node | 0x80000000), self.key)

    def each(self, node, rows, columns, draw):
        return torch.tensor([[draw(r, c) for c in range(columns)] for r in range(rows)])

    def normal(self, node, rows, columns):
        def draw(r, c):
            pair, lane = divmod(c % 64, 32)
            words = self.words(c // 64 * 16 + lane % 16, r, node)
            u, v = [unit(w) for w in words[2 * pair : 2 * pair + 2]]
            angle = 2 * math.pi * (v - 0.5)
            return math.sqrt(-2 * math.log(u)) * (math.cos(angle) if lane < 16 else math.sin(angle))

        return self.each(node, rows, columns, draw)

    def uniform(self, node, rows, columns):
        return self.each(node, rows, columns,
                         lambda r, c: unit(self.words(c // 64 * 16 + c % 16, r, node)[c % 64 // 16]))

    def kept(self, node, rows, columns, p):
        """Dropout of a share p: 0 or 1 / (1 - p)."""
        limit = int((1 - p) * 65536 + 0.5)

        def draw(r, c):
            half, lane = divmod(c % 128, 16)
            word = self.words(c // 128 * 16 + lane, r, node)[half // 2]
            return ((word >> 16 if half % 2 else word & 0xFFFF) < limit) / (1 - p)

        return self.each(node, rows, columns, draw) * 1.0

    def category(self, node, rows, count):
        return torch.nn.functional.one_hot(self.uniform(node, rows, count).argmax(1), count) * 1.0


def shuffled(n, epoch, seed):
    """As src/train/schedule.c says."""
    order = list(range(n))
    key = (seed & 0xFFFFFFFF, (seed >> 32) ^ 0x4F524445)
    for i in range(n, 1, -1):
        words = philox((i, 0, epoch, 0), key)
        k = ((words[0] << 32 | words[1]) * i) >> 64
        order[i - 1], order[k] = order[k], order[i - 1]
    return order


# ---- Weights and optimisers --------------------------------------------------------------------


class Weights:
    """Weights and biases by formula, number after number in the order they are made."""

    def __init__(self, layers):
        self.at, i = {}, 0
        for name, n, m in layers:
            index = np.arange(i, i + n * m)
            w = torch.tensor(0.5 * np.sin(1.0 + 0.7 * index).reshape(n, m), requires_grad=True)
            i += n * m
            b = torch.tensor(0.1 * np.cos(0.3 * np.arange(i, i + m)), requires_grad=True)
            i += m
            self.at[name] = [w, b]

    def linear(self, name, a):
        return a @ self.at[name][0] + self.at[name][1]


class Adam:
    def __init__(self, weights, names, lr, beta1, decay=0):
        self.p = [p for name in names for p in weights.at[name]]
        self.m, self.v = [torch.zeros_like(p) for p in self.p], [torch.zeros_like(p) for p in self.p]
        self.t, self.lr, self.b1, self.decay = 0, lr, beta1, decay

    def step(self, loss):
        self.t += 1
        for i, g in enumerate(torch.autograd.grad(loss, self.p)):
            if self.p[i].dim() > 1:
                g = g + self.decay * self.p[i].detach()
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g**2
            m, v = self.m[i] / (1 - self.b1**self.t), self.v[i] / (1 - 0.999**self.t)
            with torch.no_grad():
                self.p[i] -= self.lr * m / (v.sqrt() + EPSILON)


# ---- The model ---------------------------------------------------------------------------------

PETALS = torch.tensor([[math.cos(2 * math.pi * k / 3), math.sin(2 * math.pi * k / 3)] for k in range(3)])


def petal(noise, node, way):
    n = len(way)
    r = 1.4 + 0.5 * noise.normal(node, n, 1)
    t = 0.1 * noise.normal(node + 1, n, 1)
    cos, sin = (way @ PETALS).T
    return r * torch.stack([cos, sin], 1) + t * torch.stack([-sin, cos], 1)


def run(kind, dropout=0.0, critic_dropout=0.0, gaussian=False, faults=False, critic_label=False,
        critic_noise=0.0):
    """kind: none (prior normal:5), decoder, classifier, clusters (4), prior (three petals). faults: those
    of the tutorial's code."""
    x = torch.tensor(0.5 + 0.5 * np.sin(0.37 * np.arange(ROWS * WIDTH)).reshape(ROWS, -1))
    labels = torch.nn.functional.one_hot(torch.arange(ROWS) % CLASSES, CLASSES) * 1.0
    kinds = {"classifier": CLASSES, "clusters": 4}.get(kind, 0)
    told = {"decoder": CLASSES, "prior": 0}.get(kind, kinds)
    judged = CODE + (CLASSES + 1 if kind == "prior" else CLASSES if critic_label else 0)
    encoder = [("h", WIDTH, HIDDEN), ("z", HIDDEN, CODE)]
    encoder += [("lv", HIDDEN, CODE)] if gaussian else []
    encoder += [("y", HIDDEN, kinds)] if kinds else []
    decoder = [("g", CODE + told, HIDDEN), ("x", HIDDEN, WIDTH)]
    critic = [("ch", judged, JUDGE), ("c", JUDGE, 1)]
    critic += [("dh", kinds, JUDGE), ("d", JUDGE, 1)] if kinds else []
    w = Weights(encoder + decoder + critic)
    names = lambda layers: [layer[0] for layer in layers]
    reconstruction = Adam(w, names(encoder + decoder), 0.01, 0.9)
    critics = Adam(w, names(critic), 0.02, 0.5, 0.01)
    generator = Adam(w, names(encoder), 0.005, 0)
    classify = Adam(w, ["h", "y"] if kinds else [], 0.03, 0.9)  # the others have no part in it
    nodes, counter = {}, [0]

    def node(name, present=True, count=1):
        """The number of a noise node: they count in the order the library builds them."""
        if present and name not in nodes:
            nodes[name] = counter[0]
            counter[0] += count
        return nodes.get(name)

    # Moving codes, still codes, decoder, draws and critics; then codes of labelled rows.
    node("moving-drop", dropout > 0)
    node("moving-eps", gaussian)
    node("still-eps", gaussian)
    node("decoder-drop", dropout > 0)
    node("draw", True, 3 if kind == "prior" else 1)
    if kind == "prior":
        node("critic-drop", critic_dropout > 0)
        node("generator-drop", critic_dropout > 0)
        node("second-drop", dropout > 0)
        node("second-draw", True, 2)
        node("second-critic-drop", critic_dropout > 0)
        node("second-generator-drop", critic_dropout > 0)
    else:
        node("critic-noise", critic_noise > 0)
        node("critic-drop", critic_dropout > 0)
        node("generator-noise", critic_noise > 0)
        node("generator-drop", critic_dropout > 0)
        if kinds:
            node("draw-y")
            node("critic-y-drop", critic_dropout > 0)
            node("generator-y-drop", critic_dropout > 0)
        node("second-drop", dropout > 0 and kind == "classifier")

    def encode(rows, noise, who, learns):
        h = torch.relu(w.linear("h", rows))
        if learns and dropout:
            h = h * noise.kept(node(who + "-drop"), len(rows), HIDDEN, dropout)
        z = w.linear("z", h)
        if gaussian:
            z = z + torch.exp(w.linear("lv", h) / 2) * noise.normal(node(who + "-eps"), len(rows), CODE)
        return z, w.linear("y", h) if kinds else None

    def judge(a, noise, name, drop):
        if critic_noise:
            a = a + critic_noise * noise.normal(node(drop.replace("drop", "noise")), len(a), a.shape[1])
        h = torch.relu(w.linear(name + "h", a))
        if critic_dropout:
            h = h * noise.kept(node(drop), len(a), JUDGE, critic_dropout)
        return w.linear(name, h)[:, 0]

    def accuse(draw, code, noise, name, drop):
        """Lines alternate: a draw, a code."""
        a = judge(torch.stack([draw, code], 1).reshape(2 * len(draw), -1), noise, name, drop)
        softplus = torch.nn.functional.softplus
        return (softplus(-a[0::2]) + softplus(a[1::2])).mean()

    def deceive(code, noise, name, drop):
        return torch.nn.functional.softplus(-judge(code, noise, name, drop)).mean()

    beside = lambda y, z: z if y is None else torch.cat([y, z], 1)
    soft = lambda logits: None if logits is None else torch.softmax(logits, 1)
    out = []
    for step in range(STEPS):
        order = shuffled(ROWS, step, SEED ^ 0x6C6162656C6C6564)
        second, second_labels = x[order], labels[order]
        none = torch.cat([torch.zeros(ROWS, CLASSES), torch.ones(ROWS, 1)], 1)
        own = torch.cat([second_labels, torch.zeros(ROWS, 1)], 1)

        noise = Noise(step, 0)
        z, logits = encode(x, noise, "moving", True)
        g = w.linear("g", beside(labels if kind == "decoder" else soft(logits), z))
        g = g if faults else torch.relu(g)
        if dropout:
            g = g * noise.kept(node("decoder-drop"), ROWS, HIDDEN, dropout)
        y = w.linear("x", g)
        loss = (torch.nn.functional.softplus(y) - y * x).sum(1).mean()
        reconstruction.step(loss)
        losses = [loss.item()]

        noise = Noise(step, 1)
        z, logits = encode(x, noise, "still", False)
        if kind == "prior":
            first = node("draw")
            draw = petal(noise, first + 1, noise.category(first, ROWS, 3))
            loss = accuse(beside(draw, none), beside(z, none), noise, "c", "critic-drop")
            z, _ = encode(second, noise, "second", False)
            draw = petal(noise, node("second-draw"), second_labels)
            loss = loss + accuse(beside(draw, own), beside(z, own), noise, "c", "second-critic-drop")
        else:
            draw = (5 if kind == "none" else 1) * noise.normal(node("draw"), ROWS, CODE)
            seen = lambda code: torch.cat([code, labels], 1) if critic_label else code
            loss = accuse(seen(draw), seen(z), noise, "c", "critic-drop")
            if kinds:
                draw = noise.category(node("draw-y"), ROWS, kinds)
                loss = loss + accuse(draw, soft(logits), noise, "d", "critic-y-drop")
        critics.step(loss)
        losses.append(loss.item())

        noise = Noise(step, 2)
        z, logits = encode(x, noise, "moving", True)
        if kind == "prior":
            loss = deceive(beside(z, none), noise, "c", "generator-drop")
            z, _ = encode(second, noise, "second", True)
            loss = loss + deceive(beside(z, own), noise, "c", "second-generator-drop")
        else:
            loss = deceive(seen(z), noise, "c", "generator-drop")
            if kinds:
                loss = loss + deceive(soft(logits), noise, "d", "generator-y-drop")
        generator.step(loss)
        losses.append(loss.item())

        if kind == "classifier":
            z, logits = encode(second, Noise(step, 3), "second", True)
            logits = soft(logits) if faults else logits
            loss = torch.nn.functional.cross_entropy(logits, (torch.arange(ROWS) % CLASSES)[order])
            classify.step(loss)
            losses.append(loss.item())
        out.append(losses + [0.0] * (4 - len(losses)))
    return out


CASES = {
    "none": ("none",),
    "dropout": ("none", 0.25, 0.2),
    "gaussian": ("none", 0, 0, True),
    "decoder": ("decoder", 0.25, 0.2),
    "told": ("decoder", 0, 0.2, False, False, True),
    "noisy": ("none", 0, 0.2, False, False, False, 0.3),
    "classifier": ("classifier", 0.25, 0.2),
    "faults": ("classifier", 0.25, 0.2, False, True),
    "clusters": ("clusters", 0, 0.2),
    "prior": ("prior", 0, 0.2),
}
print("/* Losses of every phase in the first five steps of a 12-8-2-8-12 aae, by tests/golden/aae.py */")
for name, case in CASES.items():
    print(f"static const double golden_aae_{name}[{STEPS}][4] = {{")
    for losses in run(*case):
        print("    { " + ", ".join(f"{value:.17g}" for value in losses) + " },")
    print("};")
