#!/usr/bin/env python3
"""Trains a small CNN on scikit-learn's handwritten digits and writes it as ONNX, with the held-out images.

    train_digits.py [OUTDIR]            (default: examples/data of this repository)

Writes
    digits.onnx          input `image` float32 [N,1,8,8] in [0, 1]; output `probabilities` float32 [N,10]
    digits/NNN_L.png     sample images of the held-out set, 8x8, 8-bit grayscale: NNN counts them, L is the label
    heldout.png          all held-out images, 8x8 tiles row by row, 20 a row
    heldout.txt          their labels, one digit a tile, in the same order and rows

Pixels: the data set's values are 0..16; a PNG stores round(value * 255 / 16), and the network's input is pixel / 255.
(round(pixel * 16 / 255) gives the value back.) The network is trained on exactly that input.

The split is stratified and fixed by a seed; no held-out image is trained on. Plain NumPy with hand-written gradients,
float32; the same NumPy on the same processor gives the same bytes.
"""

import argparse
import struct
import zlib
from pathlib import Path

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

from splitmix import Random

HELD_OUT_SHARE = 0.2
SAMPLES_PER_DIGIT = 3
TILES_PER_ROW = 20
EPOCHS = 40
BATCH = 32
LEARNING_RATE = 2e-3
REQUIRED_ACCURACY = 0.98


# --- data


def load_split(random):
    """((training pixels, labels), (held-out pixels, labels)); pixels are uint8 [N,8,8]."""
    digits = load_digits()
    pixels = np.rint(digits.images * 255 / 16).astype(np.uint8)
    held_out = []
    for digit in range(10):
        members = np.flatnonzero(digits.target == digit)
        order = random.permutation(len(members))
        held_out.append(members[order[: round(len(members) * HELD_OUT_SHARE)]])
    held_out = np.sort(np.concatenate(held_out))
    training = np.setdiff1d(np.arange(len(pixels)), held_out)
    return (pixels[training], digits.target[training]), (pixels[held_out], digits.target[held_out])


def network_input(pixels):
    """uint8 [N,8,8] to the network's float32 [N,1,8,8]."""
    return (pixels.astype(np.float32) / np.float32(255))[:, None]


def shifted(images, random):
    """Every image moved by at most one pixel in each direction."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    offsets = ((random.uniform(2 * len(images)) + 1) * 1.5).astype(np.int64).reshape(-1, 2)
    windows = sliding_window_view(padded, (8, 8), axis=(2, 3))
    return windows[np.arange(len(images)), :, offsets[:, 0], offsets[:, 1]]


# --- layers: forward returns (output, gradient function); a gradient function fills .gradients and returns dx


class Convolution:
    """3x3, stride 1, one pixel of padding."""

    def __init__(self, random, in_channels, out_channels):
        bound = np.float32(np.sqrt(6 / (in_channels * 9)))
        weight = random.uniform(out_channels * in_channels * 9) * bound
        self.parameters = [weight.reshape(out_channels, in_channels, 3, 3), np.zeros(out_channels, np.float32)]
        self.gradients = [None, None]

    @staticmethod
    def _columns(x):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = sliding_window_view(padded, (3, 3), axis=(2, 3))  # [N,C,H,W,3,3]
        return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * 9)

    def forward(self, x):
        weight, bias = self.parameters
        batch, in_channels, height, width = x.shape
        columns = self._columns(x)
        y = columns @ weight.reshape(len(weight), -1).T + bias

        def gradient(dy):
            rows = dy.transpose(0, 2, 3, 1).reshape(-1, len(weight))
            self.gradients = [(rows.T @ columns).reshape(weight.shape), rows.sum(0)]
            # The gradient of a correlation is the correlation with the flipped, transposed kernel.
            flipped = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(in_channels, -1)
            dx = self._columns(dy) @ flipped.T
            return dx.reshape(batch, height, width, in_channels).transpose(0, 3, 1, 2)

        return y.reshape(batch, height, width, len(weight)).transpose(0, 3, 1, 2), gradient


class Linear:
    """y = x · Wᵀ + b."""

    def __init__(self, random, in_features, out_features):
        bound = np.float32(np.sqrt(6 / in_features))
        weight = random.uniform(out_features * in_features) * bound
        self.parameters = [weight.reshape(out_features, in_features), np.zeros(out_features, np.float32)]
        self.gradients = [None, None]

    def forward(self, x):
        weight, bias = self.parameters

        def gradient(dy):
            self.gradients = [dy.T @ x, dy.sum(0)]
            return dy @ weight

        return x @ weight.T + bias, gradient


class Relu:
    parameters = []

    def forward(self, x):
        return np.maximum(x, 0), lambda dy: dy * (x > 0)


class MaxPool:
    """2x2, stride 2."""

    parameters = []

    def forward(self, x):
        batch, channels, height, width = x.shape
        tiles = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
        y = tiles.max((3, 5), keepdims=True)

        def gradient(dy):
            winners = tiles == y
            share = dy[:, :, :, None, :, None] / winners.sum((3, 5), keepdims=True, dtype=np.float32)
            return (winners * share).reshape(x.shape)

        return y[:, :, :, 0, :, 0], gradient


class Flatten:
    parameters = []

    def forward(self, x):
        return x.reshape(len(x), -1), lambda dy: dy.reshape(x.shape)


def build_network(random):
    """Three convolutions with two poolings, then two linear layers."""
    return [
        Convolution(random, 1, 16),
        Relu(),
        Convolution(random, 16, 32),
        Relu(),
        MaxPool(),
        Convolution(random, 32, 48),
        Relu(),
        MaxPool(),
        Flatten(),
        Linear(random, 48 * 2 * 2, 64),
        Relu(),
        Linear(random, 64, 10),
    ]


def logits(network, x):
    for layer in network:
        x, _ = layer.forward(x)
    return x


def softmax(x):
    exponentials = np.exp(x - x.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


# --- training


def train(network, images, labels, random):
    """Adam on the cross-entropy, with a cosine learning rate."""
    trained = [layer for layer in network if layer.parameters]
    moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer.parameters] for layer in trained]
    steps = EPOCHS * (len(images) // BATCH)
    step = 0
    for epoch in range(EPOCHS):
        order = random.permutation(len(images))
        moved = shifted(images, random)
        loss = 0.0
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            x, gradients = moved[chosen], []
            for layer in network:
                x, gradient = layer.forward(x)
                gradients.append(gradient)
            probabilities = softmax(x)
            rows = np.arange(BATCH)
            loss -= np.log(probabilities[rows, labels[chosen]] + 1e-12).mean()
            dy = probabilities
            dy[rows, labels[chosen]] -= 1
            dy /= np.float32(BATCH)
            for gradient in reversed(gradients):
                dy = gradient(dy)
            step += 1
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for layer, layer_moments in zip(trained, moments):
                for parameter, gradient, (mean, square) in zip(layer.parameters, layer.gradients, layer_moments):
                    mean += 0.1 * (gradient - mean)
                    square += 0.001 * (gradient * gradient - square)
                    unbiased = np.sqrt(square / (1 - 0.999**step)) + 1e-8
                    parameter -= (rate / (1 - 0.9**step) * mean / unbiased).astype(np.float32)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}: training loss {loss / (len(images) // BATCH):.4f}", flush=True)


def accuracy(network, images, labels):
    return float((logits(network, images).argmax(1) == labels).mean())


# --- files


def export(network):
    """The trained network as an ONNX model."""
    nodes, initializers, tensor = [], [], "image"
    for index, layer in enumerate(network):
        operands, output = [tensor], f"t{index}"
        for suffix, parameter in zip(("weight", "bias"), layer.parameters):
            operands.append(f"layer{index}.{suffix}")
            initializers.append(numpy_helper.from_array(np.ascontiguousarray(parameter), operands[-1]))
        if isinstance(layer, Convolution):
            node = helper.make_node("Conv", operands, [output], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        elif isinstance(layer, Linear):
            node = helper.make_node("Gemm", operands, [output], transB=1)
        elif isinstance(layer, MaxPool):
            node = helper.make_node("MaxPool", operands, [output], kernel_shape=[2, 2], strides=[2, 2])
        elif isinstance(layer, Flatten):
            node = helper.make_node("Flatten", operands, [output], axis=1)
        else:
            node = helper.make_node("Relu", operands, [output])
        node.name = f"{node.op_type.lower()}{index}"
        nodes.append(node)
        tensor = output
    nodes.append(helper.make_node("Softmax", [tensor], ["probabilities"], name="softmax", axis=1))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="train_digits"
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def png(pixels):
    """An 8-bit grayscale PNG of uint8 [H,W]; written here so that its bytes depend on no image library."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def contact_sheet(pixels):
    """All images as tiles of one, row by row; missing tiles at the end are black."""
    rows = -(-len(pixels) // TILES_PER_ROW)
    tiles = np.zeros((rows * TILES_PER_ROW, 8, 8), np.uint8)
    tiles[: len(pixels)] = pixels
    return tiles.reshape(rows, TILES_PER_ROW, 8, 8).transpose(0, 2, 1, 3).reshape(rows * 8, TILES_PER_ROW * 8)


def write_images(folder, pixels, labels):
    """The sample PNGs, the sheet and its labels."""
    samples = folder / "digits"
    samples.mkdir(exist_ok=True)
    for old in samples.glob("*.png"):
        old.unlink()
    per_digit = [np.flatnonzero(labels == digit)[:SAMPLES_PER_DIGIT] for digit in range(10)]
    for number, index in enumerate(np.stack(per_digit, 1).ravel()):
        (samples / f"{number:03}_{labels[index]}.png").write_bytes(png(pixels[index]))
    (folder / "heldout.png").write_bytes(png(contact_sheet(pixels)))
    text = "".join(str(label) for label in labels)
    lines = [text[start : start + TILES_PER_ROW] for start in range(0, len(text), TILES_PER_ROW)]
    (folder / "heldout.txt").write_text("\n".join(lines) + "\n")


def main():
    repository = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path, nargs="?", default=repository / "examples" / "data")
    folder = parser.parse_args().outdir
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed=1797)
    (pixels, labels), (held_pixels, held_labels) = load_split(random)
    network = build_network(random)
    train(network, network_input(pixels), labels, random)
    reached = accuracy(network, network_input(held_pixels), held_labels)
    print(f"held-out accuracy {reached:.4f} over {len(held_labels)} images ({len(labels)} trained on)")
    if reached < REQUIRED_ACCURACY:
        raise SystemExit(f"below the required {REQUIRED_ACCURACY}; nothing written")
    model = export(network)
    (folder / "digits.onnx").write_bytes(model)
    write_images(folder, held_pixels, held_labels)
    print(f"wrote {folder / 'digits.onnx'} ({len(model)} bytes) and the held-out images")


if __name__ == "__main__":
    main()
