"""Golden losses of small autoencoders of pictures, computed independently of the library.

PyTorch in float64. Prints tests/golden/pictures.h:
    python3 tests/golden/pictures.py > tests/golden/pictures.h
"""
import math

import torch
import torch.nn.functional as F

from philox import philox

torch.set_default_dtype(torch.float64)
H, W, C, ROWS, STEPS, LR, CODE = 5, 6, 2, 7, 5, 1e-2, 3


def sides(k):
    return k if isinstance(k, tuple) else (k, k)


class Net:
    """Parameters by formula (as golden.h sets them), in the order in which they are first asked for."""

    def __init__(self):
        self.list, self.count, self.at = [], 0, 0

    def parameter(self, *shape, bias=False):
        if self.at == len(self.list):
            size = math.prod(shape)
            index = torch.arange(self.count, self.count + size, dtype=torch.float64)
            value = 0.1 * torch.cos(0.3 * index) if bias else 0.5 * torch.sin(1.0 + 0.7 * index)
            self.list.append(value.reshape(shape).requires_grad_())
            self.count += size
        self.at += 1
        return self.list[self.at - 1]

    def dense(self, a, n):
        return a.flatten(1) @ self.parameter(a[0].numel(), n) + self.parameter(n, bias=True)

    def conv(self, a, channels, k, groups=1, **window):
        """a [rows, h, w, c]; the weight lies as [k, k, c / groups, channels]; k: a side, or both."""
        w = self.parameter(*sides(k), a.shape[3] // groups, channels).permute(3, 2, 0, 1)
        y = F.conv2d(a.permute(0, 3, 1, 2), w, groups=groups, **window).permute(0, 2, 3, 1)
        return y + self.parameter(channels, bias=True)

    def deconv(self, a, channels, k, groups=1, **window):
        w = self.parameter(*sides(k), channels // groups, a.shape[3]).permute(3, 2, 0, 1)
        y = F.conv_transpose2d(a.permute(0, 3, 1, 2), w, groups=groups, **window).permute(0, 2, 3, 1)
        return y + self.parameter(channels, bias=True)

    def started(self, value, *shape):
        """A parameter that begins with one value."""
        if self.at == len(self.list):
            self.list.append(torch.full(shape, value).requires_grad_())
        self.at += 1
        return self.list[self.at - 1]

    def attend(self, a, heads, causal):
        """Names end in scale, shift, weight and bias; golden.h sets the last two alone."""
        rows, h, w, c = a.shape
        x = a.reshape(rows, h * w, c)
        normed = self.layer_norm(x)
        q, k, v = (normed @ self.parameter(c, 3 * c) + self.parameter(3 * c, bias=True)).chunk(3, 2)
        by_head = lambda t: t.reshape(rows, h * w, heads, c // heads).transpose(1, 2)
        scores = by_head(q) @ by_head(k).transpose(2, 3) / math.sqrt(c // heads)
        if causal:
            scores = scores + torch.full((h * w, h * w), -math.inf).triu(1)
        mixed = (scores.softmax(3) @ by_head(v)).transpose(1, 2).reshape(rows, h * w, c)
        x = x + mixed @ self.parameter(c, c) + self.parameter(c, bias=True)
        return x.reshape(a.shape)

    def places(self, a):
        return a + self.started(0.0, *a.shape[1:])

    def res(self, a, channels, norm=None, times=1):
        """With a norm, each block is norm, relu, 3 x 3, norm, relu, 1 x 1."""
        if a.shape[3] != channels:
            a = self.conv(a, channels, 1)
        for _ in range(times):
            h = F.relu(norm(a)) if norm else a
            h = self.conv(h, channels, 3, padding=1)
            a = a + self.conv(F.relu(norm(h) if norm else h), channels, 1)
        return a

    def layer_norm(self, a):
        c = a.shape[-1]
        return F.layer_norm(a, (c,), self.started(1.0, c), self.started(0.0, c), 1e-5)

    def group_norm(self, a, groups=2):
        """Channels, or numbers, last."""
        c = a.shape[-1]
        scale, shift = self.started(1.0, c), self.started(0.0, c)
        return F.group_norm(a.movedim(-1, 1), groups, scale, shift, 1e-5).movedim(1, -1)

    def batch_norm(self, a):
        """Each channel over rows and pixels, by the statistics of the batch."""
        channels = a.shape[-1]
        flat = a.reshape(-1, channels)
        scale, shift = self.started(1.0, channels), self.started(0.0, channels)
        return F.batch_norm(flat, None, None, scale, shift, True, 0.1, 1e-5).reshape(a.shape)


def residual(net, x):
    """--hidden "conv 3 3/2, res 4, 7" """
    h = F.relu(net.conv(x, 3, 3, stride=2, padding=1))
    h = F.relu(net.res(h, 4))
    code = net.dense(F.relu(net.dense(h, 7)), CODE)
    h = F.relu(net.dense(code, 7))
    h = F.relu(net.dense(h, 36)).reshape(-1, 3, 3, 4)
    h = F.relu(net.res(h, 3))
    return net.deconv(h, C, 3, stride=2, padding=1, output_padding=(0, 1))


def normed(net, x):
    """--hidden "conv 3 3/2, res 4 x2, 7" --norm group:1 """
    norm = lambda a: net.group_norm(a, 1)
    h = F.relu(norm(net.conv(x, 3, 3, stride=2, padding=1)))
    h = F.relu(norm(net.res(h, 4, norm, 2)))
    code = net.dense(F.relu(norm(net.dense(h, 7))), CODE)
    h = F.relu(norm(net.dense(code, 7)))
    h = F.relu(norm(net.dense(h, 36))).reshape(-1, 3, 3, 4)
    h = F.relu(norm(net.res(h, 3, norm, 2)))
    return net.deconv(h, C, 3, stride=2, padding=1, output_padding=(0, 1))


def listed(net, x):
    """--hidden "conv 4 3/2, norm batch, res 4 x2, norm group:2, 7, norm layer" """
    batch, group, layer = net.batch_norm, net.group_norm, net.layer_norm
    h = F.relu(batch(net.conv(x, 4, 3, stride=2, padding=1)))
    h = F.relu(group(net.res(h, 4, group, 2)))
    code = net.dense(F.relu(layer(net.dense(h, 7))), CODE)
    h = F.relu(layer(net.dense(code, 7)))
    h = F.relu(group(net.dense(h, 36).reshape(-1, 3, 3, 4)))
    h = F.relu(batch(net.res(h, 4, batch, 2)))
    return net.deconv(h, C, 3, stride=2, padding=1, output_padding=(0, 1))


def after_norm(net, x):
    """--hidden "norm batch, conv 3 3/2, places, norm batch" """
    h = F.relu(net.conv(net.batch_norm(x), 3, 3, stride=2, padding=1))
    code = net.dense(net.batch_norm(net.places(h)), CODE)
    h = net.places(F.relu(net.batch_norm(net.dense(code, 27).reshape(-1, 3, 3, 3))))
    return net.deconv(h, C, 3, stride=2, padding=1, output_padding=(0, 1))


def embedded(net, x):
    """--hidden "embed 5x2, conv 3 3/2, norm layer, attend 1" of whole numbers """
    h = net.parameter(5, 2)[x.long()].reshape(*x.shape[:3], 2 * C)
    h = F.relu(net.layer_norm(net.conv(h, 3, 3, stride=2, padding=1)))
    code = net.dense(net.attend(h, 1, False), CODE)
    h = F.relu(net.dense(code, 27)).reshape(-1, 3, 3, 3)
    h = net.layer_norm(net.attend(h, 1, False))
    h = F.relu(net.deconv(h, 2 * C, 3, stride=2, padding=1, output_padding=(0, 1)))
    return net.conv(h, C, 1)


def pooled(net, x):
    """--hidden "conv 4 3 groups 2, pool 2, average 2" --decoder-hidden "8, grid 2x2x2, deconv 3 3/2, up 2" """
    h = F.relu(net.conv(x, 4, 3, groups=2, padding=1))
    h = F.max_pool2d(h.permute(0, 3, 1, 2), 2)
    h = F.avg_pool2d(h, 2).permute(0, 2, 3, 1)
    code = net.dense(h, CODE)
    h = F.relu(net.dense(code, 8)).reshape(-1, 2, 2, 2)
    h = F.relu(net.deconv(h, 3, 3, stride=2, padding=1, output_padding=1))
    h = F.interpolate(h.permute(0, 3, 1, 2), scale_factor=2).permute(0, 2, 3, 1)
    return net.dense(h, H * W * C)


def attending(net, x):
    """--hidden "conv 4 3/2, places, attend 2, attend 4 causal" """
    h = F.relu(net.conv(x, 4, 3, stride=2, padding=1))
    h = net.attend(net.attend(net.places(h), 2, False), 4, True)
    code = net.dense(h, CODE)
    h = F.relu(net.dense(code, 36)).reshape(-1, 3, 3, 4)
    h = net.places(net.attend(net.attend(h, 4, True), 2, False))
    return net.deconv(h, C, 3, stride=2, padding=1, output_padding=(0, 1))


def to_one_pixel(net, x):
    """--hidden "conv 4 4/2, conv 5 2x3 pad 0": the decoder's windows open from a single pixel."""
    h = F.relu(net.conv(x, 4, 4, stride=2, padding=1))
    h = F.relu(net.conv(h, 5, (2, 3)))
    code = net.dense(h, CODE)
    h = F.relu(net.dense(code, 5)).reshape(-1, 1, 1, 5)
    h = F.relu(net.deconv(h, 4, (2, 3)))
    return net.deconv(h, C, 4, stride=2, padding=1, output_padding=(1, 0))


def normal(step, node, rows, columns):
    """The noise of src/op/noise.c, of up to 16 columns."""
    out = torch.zeros(rows, columns)
    for r in range(rows):
        for c in range(columns):
            words = philox((c, r, step, node | 0x80000000), (1, 0))
            u, v = [((w >> 9) + 0.5) / 2**23 for w in words[:2]]
            out[r, c] = math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * (v - 0.5))
    return out


def weighted(net, x, step):
    """vae --hidden "conv 4 3/2, attend 2" --objective iwae:3 --likelihood logistic --latent-dim 3: each draw is a
    picture, and the decoder's attention sees the pixels of one draw alone."""
    draws = 3
    h = net.attend(F.relu(net.conv(x, 4, 3, stride=2, padding=1)), 2, False)
    mean, log_variance = net.dense(h, CODE), net.dense(h, CODE)
    noise = normal(step, 1, ROWS * draws, CODE).reshape(ROWS, draws, CODE)
    z = mean[:, None] + torch.exp(log_variance[:, None] / 2) * noise
    h = F.relu(net.dense(z.reshape(ROWS * draws, CODE), 36)).reshape(-1, 3, 3, 4)
    y = net.deconv(net.attend(h, 2, False), 2 * C, 3, stride=2, padding=1, output_padding=(0, 1))
    y = y.reshape(ROWS, draws, H * W * C, 2)
    middle, scale = 0.5 + y[..., 0], torch.exp((y[..., 1] - 2).clamp(-8, 0))
    level = torch.round(x.reshape(ROWS, 1, -1) * 255)
    above_low = torch.where(level == 0, 0.0, F.logsigmoid((middle - (level - 0.5) / 255) / scale))
    below_high = torch.where(level == 255, 0.0, F.logsigmoid(((level + 0.5) / 255 - middle) / scale))
    inside = torch.where((level == 0) | (level == 255), 0.0, torch.log1p(-torch.exp(-1 / 255 / scale)))
    prior = -0.5 * (z**2).sum(2) + 0.5 * (noise**2 + log_variance[:, None]).sum(2)
    log_weight = (above_low + below_high + inside).sum(2) + prior
    return -(torch.logsumexp(log_weight, 1) - math.log(draws)).mean()


def run(build):
    x = (0.5 + 0.5 * torch.sin(0.37 * torch.arange(ROWS * H * W * C, dtype=torch.float64)))
    x = x.reshape(ROWS, H, W, C)
    if build is embedded:
        x = torch.floor(4.999 * x)
    net, losses, optimizer = Net(), [], None
    for step in range(STEPS):
        net.at = 0
        if build is weighted:
            loss = build(net, x, step)
        else:
            measure = F.mse_loss if build is embedded else F.binary_cross_entropy_with_logits
            loss = measure(build(net, x).reshape(x.shape), x, reduction="sum") / ROWS
        optimizer = optimizer or torch.optim.Adam(net.list, lr=LR)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


print("/* Losses of the first five steps of Adam on nets of 5x6x2 pictures, by tests/golden/pictures.py */")
for build in (residual, normed, listed, after_norm, embedded, pooled, attending, to_one_pixel, weighted):
    text = ", ".join(f"{value:.17g}" for value in run(build))
    print(f"static const double golden_{build.__name__}[{STEPS}] = {{ {text} }};")
