#!/usr/bin/env python3
"""Writes seven well-known architectures as ONNX files with deterministic weights (opset 17, float32).

    gen_models.py OUTDIR [--size small|real|both] [--only NAME,...]

Files are OUTDIR/<name>_<size>.onnx. "real" has the published sizes, "small" the same structure at a size that runs in
milliseconds. The weights are untrained: outputs are numbers to compare, not answers. Feed yolov8n images uniform in
[0, 1]. Needs onnx and numpy only.
"""

import argparse
import hashlib
import math
import time
from pathlib import Path

import numpy as np
from onnx import TensorProto

from graph_builder import GraphBuilder


def resnet50(real):
    """ResNet-50: bottleneck blocks, BatchNormalization, GlobalAveragePool, Gemm, Softmax. `input` [N,3,H,H]."""
    g = GraphBuilder("resnet50", seed=1)
    width, size, classes, repeats = (64, 224, 1000, [3, 4, 6, 3]) if real else (8, 64, 10, [1, 1, 1, 1])

    def conv_bn(x, in_channels, out_channels, kernel, stride=1, scale=1.0):
        return g.batch_norm(g.conv(x, in_channels, out_channels, kernel, stride, bias=False), out_channels, scale)

    x = g.input("input", ["N", 3, size, size])
    x = g.op("Relu", conv_bn(x, 3, width, 7, 2))
    x = g.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = width
    for stage, count in enumerate(repeats):
        middle = width << stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            y = g.op("Relu", conv_bn(x, channels, middle, 1))
            y = g.op("Relu", conv_bn(y, middle, middle, 3, stride))
            y = conv_bn(y, middle, 4 * middle, 1, scale=0.3)
            if not block:
                x = conv_bn(x, channels, 4 * middle, 1, stride)
                channels = 4 * middle
            x = g.op("Relu", g.op("Add", x, y))
    x = g.op("Flatten", g.op("GlobalAveragePool", x), axis=1)
    x = g.op("Gemm", x, g.weight((classes, channels)), g.bias((classes,)), transB=1)
    g.op("Softmax", x, out="probs", axis=1)
    g.output("probs", ["N", classes])
    return g.model()


def mobilenetv2(real):
    """MobileNetV2: depthwise convolutions, Clip as ReLU6, ReduceMean. `input` [N,3,H,H]."""
    g = GraphBuilder("mobilenetv2", seed=3)
    multiplier, size, classes = (1.0, 224, 1000) if real else (0.25, 96, 10)

    def scaled(channels):
        return max(8, int(channels * multiplier + 4) // 8 * 8)

    def relu6(x):
        return g.op("Clip", x, g.scalar(0.0), g.scalar(6.0))

    def conv_bn(x, in_channels, out_channels, kernel, stride=1, groups=1, gain=1.4, scale=1.0):
        y = g.conv(x, in_channels, out_channels, kernel, stride, groups, bias=False, gain=gain)
        return g.batch_norm(y, out_channels, scale)

    x = g.input("input", ["N", 3, size, size])
    channels = scaled(32)
    x = relu6(conv_bn(x, 3, channels, 3, 2))
    # expansion, output channels, repeats, first stride
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, stage_channels, repeats, first_stride in stages if real else stages[:5]:
        for block in range(repeats):
            stride = 1 if block else first_stride
            hidden, narrow = channels * expansion, scaled(stage_channels)
            y = x
            if expansion > 1:
                y = relu6(conv_bn(y, channels, hidden, 1))
            y = relu6(conv_bn(y, hidden, hidden, 3, stride, groups=hidden))
            y = conv_bn(y, hidden, narrow, 1, gain=1.0, scale=0.7)
            x = g.op("Add", x, y) if stride == 1 and channels == narrow else y
            channels = narrow
    last = scaled(1280)
    x = relu6(conv_bn(x, channels, last, 1))
    x = g.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    g.op("Gemm", x, g.weight((classes, last)), g.bias((classes,)), out="logits", transB=1)
    g.output("logits", ["N", classes])
    return g.model()


def qdq_cnn(real):
    """Explicit int8: symmetric Q/DQ, per tensor on activations, per channel on weights. `input` [N,3,H,H]."""
    g = GraphBuilder("qdq_cnn", seed=4)
    width, size, classes, repeats = (64, 224, 1000, [2, 2, 2, 2]) if real else (8, 32, 10, [1, 1])

    def quantized(x):
        scale, zero = g.scalar(0.03), g.constant(np.int8(0))
        return g.op("DequantizeLinear", g.op("QuantizeLinear", x, scale, zero), scale, zero)

    def quantized_conv(x, in_channels, out_channels, kernel, stride=1):
        shape = (out_channels, in_channels, kernel, kernel)
        weights = g.random(shape, 1.4 * math.sqrt(3 / (in_channels * kernel * kernel)))
        scales = (np.abs(weights).max((1, 2, 3)) / 127).astype(np.float32)
        integers = np.clip(np.rint(weights / scales[:, None, None, None]), -127, 127).astype(np.int8)
        dequantized = g.op(
            "DequantizeLinear",
            g.numbered("wq", integers),
            g.numbered("ws", scales),
            g.numbered("wz", np.zeros(out_channels, np.int8)),
            axis=0,
        )
        return g.op(
            "Conv",
            x,
            dequantized,
            g.bias((out_channels,)),
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
        )

    x = g.input("input", ["N", 3, size, size])
    x = quantized(g.op("Relu", quantized_conv(quantized(x), 3, width, 7 if real else 3, 2)))
    if real:
        x = g.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = width
    for stage, count in enumerate(repeats):
        middle = width << stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            y = quantized(g.op("Relu", quantized_conv(x, channels, middle, 3, stride)))
            y = quantized_conv(y, middle, middle, 3)
            skip = x
            if stride == 2 or channels != middle:
                skip = quantized(quantized_conv(x, channels, middle, 1, stride))
            channels = middle
            total = g.op("Relu", g.op("Add", quantized(y), skip))
            x = quantized(g.op("Mul", total, g.scalar(0.7)))
    x = g.op("Flatten", g.op("GlobalAveragePool", x))
    g.op("Gemm", x, g.weight((classes, channels)), g.bias((classes,)), out="logits", transB=1)
    g.output("logits", ["N", classes])
    return g.model()


def bert(real):
    """A BERT encoder with pooler. `input_ids`, `attention_mask`, `token_type_ids` int64 [B,S]."""
    g = GraphBuilder("bert", seed=5)
    layers, width, heads, vocabulary, positions = (12, 768, 12, 30522, 512) if real else (2, 64, 4, 500, 64)
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, attention_mask, token_types = [g.input(name, ["B", "S"], TensorProto.INT64) for name in names]
    length = g.dim(ids, 1)
    position_ids = g.constant(np.arange(positions, dtype=np.int64)[None], "position_ids")
    position_ids = g.op("Slice", position_ids, g.ints(0), length, g.ints(1))

    def embedding(rows, indices):
        return g.op("Gather", g.numbered("emb", g.random((rows, width), 0.05)), indices)

    def embeddings():
        words_and_types = g.op("Add", embedding(vocabulary, ids), embedding(2, token_types))
        return g.op("Add", words_and_types, embedding(positions, position_ids))

    x = g.layer_norm(embeddings(), width)
    mask = g.op("Cast", g.op("Unsqueeze", attention_mask, g.ints(1, 2)), to=TensorProto.FLOAT)
    mask = g.op("Mul", g.op("Sub", g.scalar(1.0), mask), g.scalar(-10000.0))
    for _ in range(layers):
        x = g.layer_norm(g.op("Add", x, g.attention(x, width, heads, mask)), width)
        x = g.layer_norm(g.op("Add", x, g.feed_forward(x, width, 4 * width)), width)
    g.op("Identity", x, out="last_hidden_state")
    g.output("last_hidden_state", ["B", "S", width])
    first_token = g.op("Gather", x, g.constant(np.int64(0)), axis=1)
    g.op("Identity", g.op("Tanh", g.linear(first_token, width, width)), out="pooler_output")
    g.output("pooler_output", ["B", width])
    return g.model()


def gpt2(real):
    """A GPT-2 decoder with tied embeddings and a causal mask from Range. `input_ids` int64 [B,S]."""
    g = GraphBuilder("gpt2", seed=6)
    layers, width, heads, vocabulary, positions = (12, 768, 12, 50257, 1024) if real else (2, 64, 4, 500, 128)
    ids = g.input("input_ids", ["B", "S"], TensorProto.INT64)
    length = g.dim(ids, 1)
    past_length = g.ints(0)
    total_length = g.op("Add", length, past_length)

    def squeezed(x):
        return g.op("Squeeze", x, g.ints(0))

    one = g.constant(np.int64(1))
    rows = g.op("Range", squeezed(past_length), squeezed(total_length), one)
    columns = g.op("Range", g.constant(np.int64(0)), squeezed(total_length), one)
    word_embeddings = g.constant(g.random((vocabulary, width), 0.05), "wte")
    words = g.op("Gather", word_embeddings, ids)
    position_embeddings = g.constant(g.random((positions, width), 0.02), "wpe")
    x = g.op("Add", words, g.op("Gather", position_embeddings, rows))
    visible = g.op("LessOrEqual", g.op("Unsqueeze", columns, g.ints(0)), g.op("Unsqueeze", rows, g.ints(1)))
    mask = g.op("Where", visible, g.scalar(0.0), g.scalar(-1e4))
    for _ in range(layers):
        x = g.op("Add", x, g.attention(g.layer_norm(x, width), width, heads, mask))
        x = g.op("Add", x, g.feed_forward(g.layer_norm(x, width), width, 4 * width))
    normalized = g.layer_norm(x, width)
    g.op("MatMul", normalized, g.op("Transpose", word_embeddings, perm=[1, 0]), out="logits")
    g.output("logits", ["B", "S", vocabulary])
    return g.model()


def yolov8n(real):
    """YOLOv8n: C2f blocks, SPPF, nearest Resize, DFL box decoding. `images` [N,3,H,H] in [0, 1]."""
    g = GraphBuilder("yolov8n", seed=8)
    width, size, classes, shallow, deep = (16, 640, 80, 1, 2) if real else (8, 64, 4, 1, 1)
    c1, c2, c3, c4, c5 = [width << i for i in range(5)]
    bins = 16

    def conv_silu(x, in_channels, out_channels, kernel=3, stride=1):
        return g.silu(g.conv(x, in_channels, out_channels, kernel, stride, gain=1.5))

    def c2f(x, in_channels, out_channels, repeats, shortcut):
        hidden = out_channels // 2
        stem = conv_silu(x, in_channels, out_channels, 1)
        parts = g.op("Split", stem, g.ints(hidden, hidden), num_outputs=2, axis=1)
        for _ in range(repeats):
            y = conv_silu(conv_silu(parts[-1], hidden, hidden), hidden, hidden)
            parts.append(g.op("Add", parts[-1], y) if shortcut else y)
        return conv_silu(g.op("Concat", *parts, axis=1), hidden * (2 + repeats), out_channels, 1)

    def doubled(x):
        scales = g.constant(np.array([1, 1, 2, 2], np.float32))
        return g.op(
            "Resize",
            x,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def concat(*parts):
        return g.op("Concat", *parts, axis=1)

    # Backbone.
    x = g.input("images", ["N", 3, size, size])
    x = conv_silu(x, 3, c1, 3, 2)
    x = c2f(conv_silu(x, c1, c2, 3, 2), c2, c2, shallow, True)
    p3 = c2f(conv_silu(x, c2, c3, 3, 2), c3, c3, deep, True)
    p4 = c2f(conv_silu(p3, c3, c4, 3, 2), c4, c4, deep, True)
    x = c2f(conv_silu(p4, c4, c5, 3, 2), c5, c5, shallow, True)
    pyramid = [conv_silu(x, c5, c5 // 2, 1)]
    for _ in range(3):
        pyramid.append(g.op("MaxPool", pyramid[-1], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
    p5 = conv_silu(concat(*pyramid), c5 * 2, c5, 1)

    # Neck.
    up4 = c2f(concat(doubled(p5), p4), c5 + c4, c4, shallow, False)
    out3 = c2f(concat(doubled(up4), p3), c4 + c3, c3, shallow, False)
    out4 = c2f(concat(conv_silu(out3, c3, c3, 3, 2), up4), c3 + c4, c4, shallow, False)
    out5 = c2f(concat(conv_silu(out4, c4, c4, 3, 2), p5), c4 + c5, c5, shallow, False)

    # Heads, one for each stride: [N, 4 * bins + classes, cells].
    heads, anchors, strides = [], [], []
    for feature, channels, stride in ((out3, c3, 8), (out4, c4, 16), (out5, c5, 32)):
        hidden = conv_silu(conv_silu(feature, channels, 4 * bins), 4 * bins, 4 * bins)
        box = g.conv(hidden, 4 * bins, 4 * bins, 1)
        middle = max(c3, classes)
        hidden = conv_silu(conv_silu(feature, channels, middle), middle, middle)
        score = g.conv(hidden, middle, classes, 1, gain=3.0, bias_centre=-3.0)
        heads.append(g.op("Reshape", concat(box, score), g.ints(0, 4 * bins + classes, -1)))
        cells = size // stride
        rows, columns = np.mgrid[:cells, :cells]
        anchors.append(np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5]))
        strides.append(np.full((1, cells * cells), stride))
    anchors = np.concatenate(anchors, 1).astype(np.float32)[None]
    strides = np.concatenate(strides, 1).astype(np.float32)
    count = anchors.shape[2]

    # Box decoding: distances from a distribution over bins, then centre and size in pixels.
    merged = g.op("Concat", *heads, axis=2)
    boxes, scores = g.op("Split", merged, g.ints(4 * bins, classes), num_outputs=2, axis=1)
    distances = g.op("Transpose", g.op("Reshape", boxes, g.ints(0, 4, bins, count)), perm=[0, 2, 1, 3])
    distances = g.op("Softmax", distances, axis=1)
    expectation = g.constant(np.arange(bins, dtype=np.float32).reshape(1, bins, 1, 1), "dfl")
    distances = g.op("Conv", distances, expectation, kernel_shape=[1, 1])
    distances = g.op("Reshape", distances, g.ints(0, 4, count))
    left_top, right_bottom = g.op("Split", distances, g.ints(2, 2), num_outputs=2, axis=1)
    anchors, strides = g.constant(anchors, "anchors"), g.constant(strides, "strides")
    minimum = g.op("Sub", anchors, left_top)
    maximum = g.op("Add", anchors, right_bottom)
    centre = g.op("Div", g.op("Add", minimum, maximum), g.scalar(2.0))
    extent = g.op("Sub", maximum, minimum)
    pixels = g.op("Mul", concat(centre, extent), strides)
    g.op("Concat", pixels, g.op("Sigmoid", scores), out="output0", axis=1)
    g.output("output0", ["N", 4 + classes, count])
    return g.model()


def bilstm_gru(real):
    """A tagger: embedding, bidirectional LSTM, GRU, LogSoftmax. `tokens` int64 [B,S]."""
    g = GraphBuilder("bilstm_gru", seed=10)
    width, hidden, vocabulary, tags = (128, 256, 5000, 20) if real else (16, 24, 100, 5)
    tokens = g.input("tokens", ["B", "S"], TensorProto.INT64)
    x = g.op("Gather", g.constant(g.random((vocabulary, width)), "emb"), tokens)
    x = g.op("Transpose", x, perm=[1, 0, 2])
    y = g.op(
        "LSTM",
        x,
        g.weight((2, 4 * hidden, width), fan_in=width),
        g.weight((2, 4 * hidden, hidden), fan_in=hidden),
        g.bias((2, 8 * hidden)),
        num_outputs=3,
        direction="bidirectional",
        hidden_size=hidden,
    )[0]
    y = g.op("Reshape", g.op("Transpose", y, perm=[0, 2, 1, 3]), g.ints(0, 0, 2 * hidden))
    y, last = g.op(
        "GRU",
        y,
        g.weight((1, 3 * hidden, 2 * hidden), fan_in=2 * hidden),
        g.weight((1, 3 * hidden, hidden), fan_in=hidden),
        g.bias((1, 6 * hidden)),
        num_outputs=2,
        hidden_size=hidden,
        linear_before_reset=1,
    )
    y = g.op("Transpose", g.op("Squeeze", y, g.ints(1)), perm=[1, 0, 2])
    g.op("LogSoftmax", g.linear(y, hidden, tags), out="tags", axis=-1)
    g.output("tags", ["B", "S", tags])
    g.op("Squeeze", last, g.ints(0), out="state")
    g.output("state", ["B", hidden])
    return g.model()


MODELS = {builder.__name__: builder for builder in (resnet50, mobilenetv2, qdq_cnn, bert, gpt2, yolov8n, bilstm_gru)}
SIZES = ("small", "real")


def write_model(folder, name, size):
    """Writes <folder>/<name>_<size>.onnx; returns its path."""
    path = Path(folder) / f"{name}_{size}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MODELS[name](size == "real").SerializeToString(deterministic=True))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--size", default="small", choices=[*SIZES, "both"])
    parser.add_argument("--only", help="comma-separated names out of: " + ", ".join(MODELS))
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(MODELS)
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        parser.error(f"unknown models: {', '.join(unknown)}; known are {', '.join(MODELS)}")
    for size in SIZES if arguments.size == "both" else [arguments.size]:
        for name in names:
            start = time.time()
            content = write_model(arguments.outdir, name, size).read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            print(f"{name}_{size}\t{len(content)} bytes\t{time.time() - start:.2f} s\t{digest}", flush=True)


if __name__ == "__main__":
    main()
