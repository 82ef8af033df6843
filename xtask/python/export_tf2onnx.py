#!/usr/bin/env python3
"""Exports the TensorFlow fixtures: Keras networks as tf2onnx writes them (NHWC data, opset 15).

    export_tf2onnx.py [OUTDIR]          (default: tests/data of this repository)

Writes OUTDIR/<name>/model.onnx for
    tf_cnn       convolutions (plain, depthwise, "same" padding at stride 2), BatchNorm, poolings, dense, softmax
    tf_resize    resizing to computed sizes, transposed convolution, concatenation; dynamic height and width
    tf_sequence  embedding, 1-D convolution over time, attention by einsum, squeeze, masked mean

Weights are the same in every run; tf2onnx's tensor names and node order are not. Run in an environment of its
own (export_tf2onnx.txt); `oracle.py` then adds inputs and reference outputs.
"""

import argparse
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import tensorflow as tf
import tf2onnx
from keras import layers

OPSET = 15


def cnn():
    """`image` [N,32,32,3] to `probabilities` [N,5]."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.Conv2D(8, 1, activation="swish")(layers.BatchNormalization()(y))
    x = layers.Add()([x, y])
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(16, 3)(layers.ZeroPadding2D(1)(x)))
    x = layers.AveragePooling2D(2)(x)
    gate = layers.Dense(16, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Flatten()(x * gate)
    x = layers.Dense(24, activation="elu")(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="probabilities")(x))


class ResizeNetwork(tf.Module):
    """`image` [N,H,W,2] to `mask` [N,H,W,1]; H and W are multiples of four."""

    signature = tf.TensorSpec([None, None, None, 2], tf.float32, name="image")

    def __init__(self):
        super().__init__()
        self.high = layers.Conv2D(6, 3, padding="same", activation="relu")
        self.middle = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")
        self.low = layers.SeparableConv2D(12, 3, strides=2, padding="same", activation="tanh")
        self.up = layers.Conv2DTranspose(6, 3, strides=2, padding="same")
        self.head = layers.Conv2D(1, 1, activation="sigmoid")

    def __call__(self, image):
        high = self.high(image)
        middle = self.middle(high)
        low = self.low(middle)
        smooth = tf.image.resize(low, tf.shape(middle)[1:3], method="bilinear")
        x = self.up(tf.concat([smooth, middle], axis=-1))
        coarse = tf.raw_ops.ResizeNearestNeighbor(images=low, size=tf.shape(low)[1:3] * 4)
        return {"mask": self.head(tf.concat([x, high, coarse], axis=-1))}


class SequenceNetwork(tf.Module):
    """`tokens` int32 [N,24] to `scores` [N,3] and `hidden` [N,24,16]."""

    signature = tf.TensorSpec([None, 24], tf.int32, name="tokens")

    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(100, 16)
        self.convolution = layers.Conv1D(16, 3, padding="same", activation="relu")
        self.query, self.key = layers.Dense(16), layers.Dense(16)
        self.norm = layers.LayerNormalization()
        self.classifier = layers.Dense(3)

    def __call__(self, tokens):
        x = self.convolution(self.embedding(tokens))
        scores = tf.einsum("bqd,bkd->bqk", self.query(x), self.key(x)) / 4.0
        present = tf.cast(tf.not_equal(tokens, 0), tf.float32)
        scores += (1.0 - tf.expand_dims(present, 1)) * -1e9
        hidden = self.norm(x + tf.matmul(tf.nn.softmax(scores), x))
        total = tf.reduce_sum(hidden * tf.expand_dims(present, -1), axis=1, keepdims=True)
        mean = tf.squeeze(total, axis=1) / tf.maximum(tf.reduce_sum(present, axis=1, keepdims=True), 1.0)
        return {"scores": self.classifier(mean), "hidden": hidden}


def randomize_batch_norms(model):
    """Statistics of a trained network's kind, so that folding BatchNorm matters."""
    generator = tf.random.Generator.from_seed(15)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [
                    generator.uniform(shape, 0.5, 1.5).numpy(),
                    generator.uniform(shape, -0.5, 0.5).numpy(),
                    generator.uniform(shape, -0.5, 0.5).numpy(),
                    generator.uniform(shape, 0.5, 2.0).numpy(),
                ]
            )


def keras_function(model):
    """(function, input signature) of a functional Keras model with one input, its output named."""
    randomize_batch_norms(model)
    name = model.layers[-1].name
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, name=model.inputs[0].name)]
    return tf.function(lambda image: {name: model(image, training=False)}, input_signature=signature), signature


def module_function(module):
    """(function, input signature) of one of the modules above."""
    signature = [module.signature]
    return tf.function(module.__call__, input_signature=signature), signature


MODELS = {
    "tf_cnn": lambda: keras_function(cnn()),
    "tf_resize": lambda: module_function(ResizeNetwork()),
    "tf_sequence": lambda: module_function(SequenceNetwork()),
}


def main():
    repository = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path, nargs="?", default=repository / "tests" / "data")
    folder = parser.parse_args().outdir
    for name, build in MODELS.items():
        keras.utils.set_random_seed(15)
        function, signature = build()
        path = folder / name / "model.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET, output_path=str(path))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
