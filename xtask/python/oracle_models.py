"""The oracle's list: each model, where it comes from, its optimization profile and two cases."""

from dataclasses import dataclass, field

import numpy as np

import oracle_inputs as make

PYTHON_SOURCE = b"""#!/usr/bin/env python3
import sys


def main(arguments):
    for number, line in enumerate(sys.stdin):
        if "TODO" in line:
            print(f"{number}: {line.rstrip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""
JSON_SOURCE = (
    b'{"name": "engine", "version": [11, 4, 0], "layers": [{"kind": "conv", "size": 3}, {"kind": "relu"}]}\n' * 9
)
HTML_SOURCE = b"<!DOCTYPE html>\n<html><head><title>Plan</title></head><body><p>Hello</p></body></html>\n"


@dataclass
class Model:
    """One model of the oracle.

    `source`: ("package", file in the fetched models' folder), ("generated", name, size) or ("repository", path).
    `group`: "core" (the emulator must agree), "fixture" (checked in, core as well) or "later".
    `profile`: {input: (minimum, optimum, maximum shape)}.
    `cases`: {case: function giving {input: array}}; `labels`: {case: true classes}, where they are known.
    `parts`: {output: [(axis, start, stop)]} of an output that mixes quantities of different scales.
    `decision`: None, ("ctc", output) for text, or ("argmax", output) for a class a row.
    """

    name: str
    source: tuple
    profile: dict
    cases: dict
    group: str = "core"
    decision: tuple = None
    labels: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)
    note: str = ""


def pictures(counts, name, shape):
    """{case: input function} of one image input, seeded by the case."""
    return {
        f"batch{count}": (lambda count=count: {name: make.pictures(f"{name}{count}", (count, *shape))})
        for count in counts
    }


def batches(name, shape, minimum, optimum, maximum):
    """The profile of one input whose first axis alone is dynamic."""
    return {name: tuple((batch, *shape) for batch in (minimum, optimum, maximum))}


def ocr():
    """The three networks of PP-OCR."""
    yield Model(
        "ppocr_det",
        ("package", "ch_PP-OCRv4_det_infer.onnx"),
        {"x": ((1, 3, 64, 64), (1, 3, 192, 320), (2, 3, 320, 640))},
        {
            "page": lambda: {"x": make.text_page([["Emulated engine", "asynchronous", "inference"]], 192, 320)},
            "two_pages": lambda: {
                "x": make.text_page([["Plan file", "version 2", "OK"], ["Total", "41.90 EUR", "paid"]], 160, 224)
            },
        },
    )
    yield Model(
        "ppocr_rec",
        ("package", "ch_PP-OCRv4_rec_infer.onnx"),
        {"x": ((1, 3, 48, 64), (2, 3, 48, 320), (4, 3, 48, 480))},
        {
            "line": lambda: {"x": make.text_lines(["Hello TensorRT"], 320)},
            "three_lines": lambda: {
                "x": make.text_lines(["optimization profile", "11.4.0 + 1.7.1", "ONNX (2026)"], 400)
            },
        },
        decision=("ctc", "softmax_11.tmp_0"),
    )
    lines = ["Hello", "engine", "total"]
    yield Model(
        "ppocr_cls",
        ("package", "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
        {"x": ((1, 3, 48, 48), (1, 3, 48, 48), (4, 3, 96, 96))},
        {
            "upright": lambda: {"x": make.text_lines(["on"], 48)},
            "mixed": lambda: {
                "x": make.three_channels([make.text_image("Plan", 96, 96, 40, rotated=i == 1) for i in range(3)])
            },
        },
        decision=("argmax", "save_infer_model/scale_0.tmp_1"),
        note="height and width carry the same dimension name, so NVIDIA's library takes square shapes only",
    )
    yield Model(
        "ppocr_cls_wide",
        ("package", "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
        {"x": ((1, 3, 48, 96), (1, 3, 48, 192), (4, 3, 48, 192))},
        {
            "upright": lambda: {"x": make.text_lines(["Hello TensorRT"], 192)},
            "mixed": lambda: {"x": make.text_lines(lines, 160, rotated=(0, 2))},
        },
        decision=("argmax", "save_infer_model/scale_0.tmp_1"),
        note="the shape the model is made for; NVIDIA's library refuses it: H and W carry the same dimension name",
    )


def packaged():
    """Other networks out of packages."""
    yield Model(
        "magika",
        ("package", "magika.onnx"),
        batches("bytes", (2048,), 1, 2, 4),
        {
            "python": lambda: {"bytes": make.file_bytes([PYTHON_SOURCE])},
            "three_files": lambda: {"bytes": make.file_bytes([JSON_SOURCE, HTML_SOURCE, PYTHON_SOURCE[20:]])},
        },
        decision=("argmax", "target_label"),
    )

    def minilm(count, length):
        ids, mask = make.sentences(count, length)
        return {"input_ids": ids, "attention_mask": mask}

    sequence = ((1, 4), (1, 12), (4, 64))
    yield Model(
        "minilm",
        ("package", "paraphrase-MiniLM-L3-v2.onnx"),
        {"input_ids": sequence, "attention_mask": sequence},
        {"sentence": lambda: minilm(1, 12), "padded": lambda: minilm(3, 20)},
    )
    yield Model(
        "super_resolution",
        ("package", "super-resolution-10.onnx"),
        batches("input", (1, 224, 224), 1, 1, 4),
        {
            "one": lambda: {"input": make.luminance(["engine"], 224)},
            "two": lambda: {"input": make.luminance(["profile", "plan"], 224)},
        },
    )
    yield Model(
        "centerface",
        ("package", "centerface.onnx"),
        {"input.1": ((10, 3, 32, 32),) * 3},
        {
            "noise": lambda: {"input.1": make.uniform("centerface", (10, 3, 32, 32), 0, 255)},
            "dark": lambda: {"input.1": make.uniform("centerface2", (10, 3, 32, 32), 0, 60)},
        },
        group="later",
    )

    def silero(batch, samples):
        time = np.arange(batch * samples, dtype=np.float32).reshape(batch, samples) / np.float32(16000)
        voice = np.float32(0.3) * np.sin(2 * np.pi * 180 * time) + make.uniform("silero", (batch, samples), -0.05, 0.05)
        return {"input": voice.astype(np.float32), "state": make.uniform("state", (2, batch, 128), -0.2, 0.2)}

    yield Model(
        "silero_vad",
        ("package", "silero_vad_openvino_16k.onnx"),
        {"input": ((1, 576),) * 3, "state": ((2, 1, 128),) * 3},
        {
            "voice": lambda: silero(1, 576),
            "start": lambda: {**silero(1, 576), "state": np.zeros((2, 1, 128), np.float32)},
        },
        group="later",
    )
    yield Model(
        "silero_vad_ifless",
        ("package", "silero_vad_op18_ifless.onnx"),
        {"input": ((1, 576), (1, 576), (4, 576)), "state": ((2, 1, 128), (2, 1, 128), (2, 4, 128)), "sr": ((),) * 3},
        {
            "one": lambda: {**silero(1, 576), "sr": np.array(16000, np.int64)},
            "two": lambda: {**silero(2, 576), "sr": np.array(16000, np.int64)},
        },
        group="later",
    )


def generated(size):
    """The architectures of gen_models.py."""
    real = size == "real"

    def model(name, profile, cases, **options):
        return Model(f"{name}_{size}", ("generated", name, size), profile, cases, **options)

    largest = 2 if real else 4
    shape = (3, 224, 224) if real else (3, 64, 64)
    yield model(
        "resnet50",
        batches("input", shape, 1, 1, largest),
        pictures((1, 2), "input", shape),
        decision=("argmax", "probs"),
    )
    shape = (3, 224, 224) if real else (3, 96, 96)
    yield model(
        "mobilenetv2",
        batches("input", shape, 1, 1, largest),
        pictures((1, 2), "input", shape),
        decision=("argmax", "logits"),
    )
    yolo_shape = (3, 640, 640) if real else (3, 64, 64)
    yield model(
        "yolov8n",
        batches("images", yolo_shape, 1, 1, 2),
        {
            f"batch{count}": (lambda count=count: {"images": make.uniform(f"yolo{count}", (count, *yolo_shape), 0, 1)})
            for count in (1, 2)
        },
        parts={"output0": [(1, 0, 4), (1, 4, 84 if real else 8)]},
    )

    bert_words = 30522 if real else 500

    def bert_case(batch, length):
        present = np.ones((batch, length), np.int64)
        present[-1, length - length // 3 :] = 0
        types = np.zeros((batch, length), np.int64)
        types[:, length // 2 :] = 1
        ids = make.integers(f"bert{batch}", (batch, length), 1, bert_words)
        return {"input_ids": ids * present, "attention_mask": present, "token_type_ids": types}

    sequence = ((1, 4), (1, 16), (2, 64))
    yield model(
        "bert",
        {name: sequence for name in ("input_ids", "attention_mask", "token_type_ids")},
        {"short": lambda: bert_case(1, 16), "long": lambda: bert_case(2, 40)},
    )
    gpt_words = 50257 if real else 500
    yield model(
        "gpt2",
        {"input_ids": ((1, 2), (1, 8), (2, 32))},
        {
            "short": lambda: {"input_ids": make.integers("gpt2", (1, 8), 0, gpt_words)},
            "long": lambda: {"input_ids": make.integers("gpt2", (2, 13), 0, gpt_words)},
        },
        group="later",
        decision=("argmax", "logits"),
    )
    tagger_words = 5000 if real else 100
    yield model(
        "bilstm_gru",
        {"tokens": ((1, 2), (1, 10), (4, 40))},
        {
            "short": lambda: {"tokens": make.integers("bilstm", (1, 10), 0, tagger_words)},
            "long": lambda: {"tokens": make.integers("bilstm", (3, 25), 0, tagger_words)},
        },
        group="later",
        decision=("argmax", "tags"),
    )
    shape = (3, 224, 224) if real else (3, 32, 32)
    yield model(
        "qdq_cnn",
        batches("input", shape, 1, 1, largest),
        pictures((1, 2), "input", shape),
        group="later",
        decision=("argmax", "logits"),
    )


def own():
    """The model that the repository trains."""
    labels = {"one": make.digits(7, 1)[1], "forty": make.digits(40, 40)[1]}
    yield Model(
        "digits",
        ("repository", "examples/data/digits.onnx"),
        batches("image", (1, 8, 8), 1, 16, 64),
        {"one": lambda: {"image": make.digits(7, 1)[0]}, "forty": lambda: {"image": make.digits(40, 40)[0]}},
        decision=("argmax", "probabilities"),
        labels=labels,
    )


def fixtures():
    """The checked-in fixtures in tests/data."""

    def model(name, profile, cases, **options):
        return Model(name, ("repository", f"tests/data/{name}/model.onnx"), profile, cases, "fixture", **options)

    yield model(
        "torch_cnn",
        batches("image", (3, 32, 32), 1, 2, 8),
        pictures((1, 5), "image", (3, 32, 32)),
        decision=("argmax", "scores"),
    )

    def tokens_and_mask(batch, length):
        mask = np.ones((batch, length), np.int64)
        mask[-1, length - length // 4 :] = 0
        return {"tokens": make.integers(f"torch{batch}", (batch, length), 0, 200), "mask": mask}

    sequence = ((1, 2), (2, 8), (4, 32))
    yield model(
        "torch_transformer",
        {"tokens": sequence, "mask": sequence},
        {"short": lambda: tokens_and_mask(1, 6), "long": lambda: tokens_and_mask(3, 17)},
    )
    yield model(
        "torch_unet",
        {"image": ((1, 1, 8, 8), (1, 1, 24, 32), (4, 1, 48, 48))},
        {
            "even": lambda: {"image": make.uniform("unet", (1, 1, 24, 32), 0, 1)},
            "odd": lambda: {"image": make.uniform("unet", (2, 1, 19, 27), 0, 1)},
        },
    )
    yield model(
        "tf_cnn",
        batches("image", (32, 32, 3), 1, 2, 8),
        pictures((1, 4), "image", (32, 32, 3)),
        decision=("argmax", "probabilities"),
    )
    yield model(
        "tf_resize",
        {"image": ((1, 8, 8, 2), (1, 16, 24, 2), (4, 32, 32, 2))},
        {
            "one": lambda: {"image": make.uniform("resize", (1, 16, 24, 2), 0, 1)},
            "three": lambda: {"image": make.uniform("resize", (3, 20, 12, 2), 0, 1)},
        },
    )

    def padded_tokens(batch):
        tokens = make.integers(f"sequence{batch}", (batch, 24), 1, 100, np.int32)
        tokens[-1, 17:] = 0
        return {"tokens": tokens}

    yield model(
        "tf_sequence",
        batches("tokens", (24,), 1, 2, 8),
        {"one": lambda: padded_tokens(1), "three": lambda: padded_tokens(3)},
        decision=("argmax", "scores"),
    )
    yield model(
        "external_data",
        batches("image", (3, 8, 8), 1, 2, 8),
        pictures((1, 3), "image", (3, 8, 8)),
        decision=("argmax", "scores"),
    )


def all_models():
    """Every model, in the order of the manifest."""
    return [*ocr(), *packaged(), *generated("small"), *generated("real"), *own(), *fixtures()]
