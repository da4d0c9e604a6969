"""Golden losses of a small autoencoder, computed independently of the library.

NumPy in float64, gradients written by hand. Prints tests/golden/ae.h:
    python3 tests/golden/ae.py > tests/golden/ae.h
"""
import numpy as np

WIDTHS = [12, 8, 3, 8, 12]
ROWS, STEPS, LR, BETA1, BETA2, EPSILON = 7, 5, 1e-2, 0.9, 0.999, 1e-8


def start():
    """Weights and biases by formula: parameter i of all, in the order W1, b1, W2, b2, ..."""
    parameters, i = [], 0
    for n, m in zip(WIDTHS, WIDTHS[1:]):
        index = np.arange(i, i + n * m)
        parameters.append(0.5 * np.sin(1.0 + 0.7 * index).reshape(n, m))
        i += n * m
        index = np.arange(i, i + m)
        parameters.append(0.1 * np.cos(0.3 * index))
        i += m
    return parameters


def loss_and_gradients(parameters, x, loss, activation):
    layers = len(WIDTHS) - 1
    inputs, outputs, h = [], [], x
    for k in range(layers):
        inputs.append(h)
        h = h @ parameters[2 * k] + parameters[2 * k + 1]
        hidden = k not in (layers // 2 - 1, layers - 1)  # the code and the output are linear
        if hidden:
            h = np.maximum(h, 0) if activation == "relu" else np.tanh(h)
        outputs.append((h, hidden))
    y = h
    if loss == "bce":
        value = np.sum(np.maximum(y, 0) - y * x + np.log1p(np.exp(-np.abs(y)))) / len(x)
        d = (1 / (1 + np.exp(-y)) - x) / len(x)
    elif loss == "mse_sigmoid":
        p = 1 / (1 + np.exp(-y))
        value = np.sum((p - x) ** 2) / len(x)
        d = 2 * (p - x) * p * (1 - p) / len(x)
    else:
        value = np.sum((y - x) ** 2) / len(x)
        d = 2 * (y - x) / len(x)
    gradients = [None] * len(parameters)
    for k in reversed(range(layers)):
        out, hidden = outputs[k]
        if hidden:
            d = d * (out > 0) if activation == "relu" else d * (1 - out**2)
        gradients[2 * k] = inputs[k].T @ d
        gradients[2 * k + 1] = d.sum(axis=0)
        d = d @ parameters[2 * k].T
    return value, gradients


def run(loss, activation):
    x = 0.5 + 0.5 * np.sin(0.37 * np.arange(ROWS * WIDTHS[0])).reshape(ROWS, -1)
    w = start()
    m, v = [np.zeros_like(p) for p in w], [np.zeros_like(p) for p in w]
    losses = []
    for t in range(1, STEPS + 1):
        value, gradients = loss_and_gradients(w, x, loss, activation)
        losses.append(value)
        for i, g in enumerate(gradients):
            m[i] = BETA1 * m[i] + (1 - BETA1) * g
            v[i] = BETA2 * v[i] + (1 - BETA2) * g**2
            step = m[i] / (1 - BETA1**t) / (np.sqrt(v[i] / (1 - BETA2**t)) + EPSILON)
            w[i] = w[i] - LR * step
    return losses


print("/* Losses of the first five steps of Adam on a 12-8-3-8-12 autoencoder, by tests/golden/ae.py */")
for loss in ("bce", "mse", "mse_sigmoid"):
    for activation in ("relu", "tanh"):
        text = ", ".join(f"{value:.17g}" for value in run(loss, activation))
        print(f"static const double golden_ae_{loss}_{activation}[{STEPS}] = {{ {text} }};")
