"""Golden losses of a small logistic PCA, computed independently of the library.

NumPy in float64: codes by plain Newton's method from zero, halved where it does not help; gradients
of mean and loadings written by hand. Prints tests/golden/logistic.h:
    python3 tests/golden/logistic.py > tests/golden/logistic.h
"""
import numpy as np

ROWS, WIDTH, CODE, STEPS, RIDGE = 7, 12, 3, 5, 0.01
LR, BETA1, BETA2, EPSILON = 1e-2, 0.9, 0.999, 1e-8


def objective(z, x, mean, loadings):
    logits = mean + loadings @ z
    return np.sum(np.logaddexp(0, logits) - x * logits) + RIDGE / 2 * z @ z


def code(x, mean, loadings):
    z = np.zeros(CODE)
    for _ in range(100):
        share = 1 / (1 + np.exp(-(mean + loadings @ z)))
        gradient = loadings.T @ (share - x) + RIDGE * z
        hessian = loadings.T @ (loadings * (share * (1 - share))[:, None]) + RIDGE * np.eye(CODE)
        step = np.linalg.solve(hessian, gradient)
        if gradient @ step < 1e-28:
            break
        while objective(z - step, x, mean, loadings) > objective(z, x, mean, loadings) + 1e-13:
            step /= 2
        z = z - step
    return z


def run():
    x = 0.5 + 0.5 * np.sin(0.37 * np.arange(ROWS * WIDTH)).reshape(ROWS, WIDTH)
    w = [0.1 * np.cos(0.3 * np.arange(WIDTH)),
         0.5 * np.sin(1.0 + 0.7 * np.arange(WIDTH * CODE)).reshape(WIDTH, CODE)]
    m, v = [np.zeros_like(p) for p in w], [np.zeros_like(p) for p in w]
    losses = []
    for t in range(1, STEPS + 1):
        z = np.array([code(row, *w) for row in x])
        losses.append(np.mean([objective(z[r], x[r], *w) for r in range(ROWS)]))
        d = (1 / (1 + np.exp(-(w[0] + z @ w[1].T))) - x) / ROWS
        for i, g in enumerate((d.sum(axis=0), d.T @ z)):
            m[i] = BETA1 * m[i] + (1 - BETA1) * g
            v[i] = BETA2 * v[i] + (1 - BETA2) * g**2
            step = m[i] / (1 - BETA1**t) / (np.sqrt(v[i] / (1 - BETA2**t)) + EPSILON)
            w[i] = w[i] - LR * step
    return losses


print("/* Losses of the first five steps of Adam on logistic PCA, 12 to 3: tests/golden/logistic.py */")
text = ", ".join(f"{value:.17g}" for value in run())
print(f"static const double golden_logistic[{STEPS}] = {{ {text} }};")
