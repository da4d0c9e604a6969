"""Golden losses of small variational autoencoders, computed independently of the library.

NumPy in float64, gradients written by hand, the noise by a Philox of its own. Prints tests/golden/vae.h:
    python3 tests/golden/vae.py > tests/golden/vae.h
"""
import numpy as np

from philox import philox

WIDTH, HIDDEN, CODE = 12, 8, 20  # a code above 16, so that the noise's second half is used too
ROWS, STEPS, LR, BETA1, BETA2, EPSILON, SEED = 7, 5, 1e-2, 0.9, 0.999, 1e-8, 1
LEVELS, CLASSES, VARIABLES, HOT, COLD = 5, 3, 4, 2, 0.25
LAYERS = [(WIDTH, HIDDEN), (HIDDEN, CODE), (HIDDEN, CODE), (CODE, HIDDEN), (HIDDEN, WIDTH)]
LEVEL_LAYERS = LAYERS[:4] + [(HIDDEN, WIDTH * LEVELS)]
CLASS_LAYERS = [(WIDTH, HIDDEN), (HIDDEN, VARIABLES * CLASSES), (VARIABLES * CLASSES, HIDDEN), (HIDDEN, WIDTH)]


def normal(rows, columns, step, node):
    """As src/op/noise.c says: of 64 columns, four that are sixteen apart come from one counter."""
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            block, inside = divmod(c, 64)
            pair, lane = divmod(inside, 32)
            words = philox((block * 16 + lane % 16, r, step, node | 0x80000000), (SEED, 0))
            u, v = [((w >> 9) + 0.5) / 2**23 for w in words[2 * pair : 2 * pair + 2]]
            angle = 2 * np.pi * (v - 0.5)
            out[r, c] = np.sqrt(-2 * np.log(u)) * (np.cos(angle) if lane < 16 else np.sin(angle))
    return out


def uniform(rows, columns, step, node):
    """Of up to 64 columns; the same places, a number each."""
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            words = philox((c % 16, r, step, node | 0x80000000), (SEED, 0))
            out[r, c] = ((words[c // 16] >> 9) + 0.5) / 2**23
    return out


def start(layers):
    """Weights and biases by formula: parameter i of all, in the order of layers; then a log-variance."""
    parameters, i = [], 0
    for n, m in layers:
        index = np.arange(i, i + n * m)
        parameters.append(0.5 * np.sin(1.0 + 0.7 * index).reshape(n, m))
        i += n * m
        index = np.arange(i, i + m)
        parameters.append(0.1 * np.cos(0.3 * index))
        i += m
    return parameters + [np.zeros(1)]


def activate(a, name):
    return np.maximum(a, 0) if name == "relu" else np.tanh(a)


def slope(h, name):
    return (h > 0) * 1.0 if name == "relu" else 1 - h**2


def pair(inputs, d):
    inputs, d = inputs.reshape(-1, inputs.shape[-1]), d.reshape(-1, d.shape[-1])
    return [inputs.T @ d, d.sum(axis=0)]


def log_softmax(a):
    a = a - a.max(axis=-1, keepdims=True)
    return a - np.log(np.exp(a).sum(axis=-1, keepdims=True))


def log_likelihood(y, x, likelihood):
    """Of y [.., WIDTH], for categorical [.., WIDTH * LEVELS], and its derivative."""
    if likelihood == "bernoulli":
        rec = -np.sum(np.maximum(y, 0) - y * x + np.log1p(np.exp(-np.abs(y))), axis=-1)
        return rec, x - 1 / (1 + np.exp(-y))
    log_p = log_softmax(y.reshape(y.shape[:-1] + (WIDTH, LEVELS)))
    nearest = np.eye(LEVELS)[np.rint(x * (LEVELS - 1)).astype(int)] + 0 * log_p
    return np.sum(nearest * log_p, axis=(-1, -2)), (nearest - np.exp(log_p)).reshape(y.shape)


def class_loss_and_gradients(w, x, step, likelihood, activation, beta, samples):
    """Variables of classes, relaxed at a temperature that falls over STEPS epochs of one step each."""
    we, be, wq, bq, wd, bd, wo, bo, _ = w
    temperature = HOT * (COLD / HOT) ** (step / STEPS)
    h = activate(x @ we + be, activation)
    log_q = log_softmax((h @ wq + bq).reshape(ROWS, VARIABLES, CLASSES))
    u = uniform(ROWS * VARIABLES, CLASSES, step, 0).reshape(log_q.shape)
    z = np.exp(log_softmax((log_q - np.log(-np.log(u))) / temperature))
    flat = z.reshape(ROWS, -1)
    g = activate(flat @ wd + bd, activation)
    rec, drec = log_likelihood(g @ wo + bo, x, likelihood)
    q = np.exp(log_q)
    kl = np.sum(q * (log_q + np.log(CLASSES)), axis=(1, 2))
    dy = -drec / ROWS
    dg = (dy @ wo.T) * slope(g, activation)
    dz = (dg @ wd.T).reshape(z.shape)
    dlog_q = z * (dz - np.sum(z * dz, axis=2, keepdims=True)) / temperature
    dlog_q = dlog_q + beta / ROWS * q * (log_q + np.log(CLASSES) + 1)
    da = (dlog_q - q * dlog_q.sum(axis=2, keepdims=True)).reshape(ROWS, -1)
    dh = (da @ wq.T) * slope(h, activation)
    return np.mean(beta * kl - rec), pair(x, dh) + pair(h, da) + pair(flat, dg) + pair(g, dy) + [np.zeros(1)]


def loss_and_gradients(w, x, step, likelihood, activation, beta, samples):
    """samples: 0 for the elbo, else K of the importance-weighted bound, which has noise node 1."""
    we, be, wm, bm, wv, bv, wd, bd, wo, bo, s = w
    rows, k = len(x), max(samples, 1)
    h = activate(x @ we + be, activation)
    mu, lv = h @ wm + bm, h @ wv + bv
    eps = normal(rows * k, CODE, step, 1 if samples else 0).reshape(rows, k, CODE)
    sigma = np.exp(lv / 2)[:, None]
    z = mu[:, None] + sigma * eps
    g = activate(z @ wd + bd, activation)
    y, target, ds = g @ wo + bo, x[:, None], np.zeros(1)
    if not likelihood.startswith("gaussian"):
        rec, drec = log_likelihood(y, target, likelihood)
    else:
        c = float(likelihood[9:]) if ":" in likelihood else np.exp(s[0])
        squares = np.sum((y - target) ** 2, axis=2)
        rec = -squares / (2 * c)
        drec = (target - y) / c
        if ":" not in likelihood:
            rec = rec - WIDTH / 2 * (np.log(2 * np.pi) + s[0])
            ds = squares / (2 * c) - WIDTH / 2
    if samples:
        lw = rec + 0.5 * np.sum(eps**2 + lv[:, None] - z**2, axis=2)
        top = lw.max(axis=1, keepdims=True)
        bound = top[:, 0] + np.log(np.mean(np.exp(lw - top), axis=1))
        value = -np.mean(bound)
        a = np.exp(lw - top)
        a = -a / a.sum(axis=1, keepdims=True) / rows  # of the loss by each log-weight
    else:
        kl = 0.5 * np.sum(mu**2 + np.exp(lv) - lv - 1, axis=1)
        value = np.mean(beta * kl - rec[:, 0])
        a = np.full((rows, 1), -1.0 / rows)
    dy = a[:, :, None] * drec
    dg = (dy @ wo.T) * slope(g, activation)
    dz = dg @ wd.T
    if samples:
        dz = dz - a[:, :, None] * z
    dmu, dlv = dz.sum(axis=1), (dz * eps * sigma / 2).sum(axis=1)
    if samples:
        dlv = dlv + a.sum(axis=1)[:, None] / 2
    else:
        dmu, dlv = dmu + beta * mu / rows, dlv + beta * (np.exp(lv) - 1) / 2 / rows
    dh = (dmu @ wm.T + dlv @ wv.T) * slope(h, activation)

    gradients = pair(x, dh) + pair(h, dmu) + pair(h, dlv) + pair(z, dg) + pair(g, dy)
    return value, gradients + [np.atleast_1d(np.sum(a * ds))]


def run(function, layers, *case):
    x = 0.5 + 0.5 * np.sin(0.37 * np.arange(ROWS * WIDTH)).reshape(ROWS, -1)
    w = start(layers)
    m, v = [np.zeros_like(p) for p in w], [np.zeros_like(p) for p in w]
    losses = []
    for t in range(1, STEPS + 1):
        value, gradients = function(w, x, t - 1, *case)
        losses.append(value)
        for i, g in enumerate(gradients):
            m[i] = BETA1 * m[i] + (1 - BETA1) * g
            v[i] = BETA2 * v[i] + (1 - BETA2) * g**2
            step = m[i] / (1 - BETA1**t) / (np.sqrt(v[i] / (1 - BETA2**t)) + EPSILON)
            w[i] = w[i] - LR * step
    return losses


GAUSS, LEVEL = (loss_and_gradients, LAYERS), (loss_and_gradients, LEVEL_LAYERS)
CLASS = (class_loss_and_gradients, CLASS_LAYERS)
CASES = {
    "elbo": (*GAUSS, "bernoulli", "relu", 1, 0),
    "beta": (*GAUSS, "gaussian:0.5", "tanh", 4, 0),
    "learned": (*GAUSS, "gaussian", "relu", 1, 0),
    "iwae": (*GAUSS, "bernoulli", "tanh", 1, 3),
    "iwae_learned": (*GAUSS, "gaussian", "tanh", 1, 5),
    "levels": (*LEVEL, "categorical", "tanh", 1, 0),
    "iwae_levels": (*LEVEL, "categorical", "relu", 1, 3),
    "classes": (*CLASS, "bernoulli", "tanh", 2, 0),
}
print("/* Losses of the first five steps of Adam on a small vae, by tests/golden/vae.py */")
for name, case in CASES.items():
    text = ", ".join(f"{value:.17g}" for value in run(*case))
    print(f"static const double golden_vae_{name}[{STEPS}] = {{ {text} }};")
