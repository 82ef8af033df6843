#!/usr/bin/env python3
"""Exports the torch fixtures: small networks as torch.onnx's TorchScript exporter writes them (opset 14).

    export_torch.py [OUTDIR]            (default: tests/data of this repository)

Writes OUTDIR/<name>/model.onnx for
    torch_cnn          convolutions, BatchNorm, pooling, a flatten by sizes and linear layers; dynamic batch
    torch_transformer  an encoder layer over [batch, sequence]: sizes read at run time, mask, LayerNorm, GELU
    torch_unet         strided and transposed convolutions, interpolation to another tensor's size, crop, pad

Run in an environment of its own (export_torch.txt); `oracle.py` then adds inputs and reference outputs.
"""

import argparse
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

OPSET = 14


class Cnn(nn.Module):
    """`image` [batch,3,32,32] to `scores` [batch,10] and `features` [batch,48]."""

    dynamic_axes = {"image": {0: "batch"}, "scores": {0: "batch"}, "features": {0: "batch"}}
    outputs = ("scores", "features")

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Conv2d(16, 16, 3, stride=2, padding=1, groups=16, bias=False)
        self.pointwise = nn.Conv2d(16, 24, 1)
        self.squeeze = nn.Conv2d(24, 6, 1)
        self.excite = nn.Conv2d(6, 24, 1)
        self.hidden = nn.Linear(24 * 4 * 4, 48)
        self.classifier = nn.Linear(48, 10)

    @staticmethod
    def example():
        return {"image": torch.rand(2, 3, 32, 32)}

    def forward(self, image):
        x = F.max_pool2d(self.stem(image), 2)
        x = F.hardswish(self.pointwise(self.depthwise(x)))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        x = F.avg_pool2d(x * gate, 3, stride=2, padding=1)
        x = x.view(x.size(0), -1)
        features = torch.tanh(self.hidden(x))
        return F.log_softmax(self.classifier(features), dim=1), features


class Transformer(nn.Module):
    """`tokens` int64 [batch,sequence] and `mask` to `hidden` [batch,sequence,32] and `pooled` [batch,32]."""

    dynamic_axes = {
        "tokens": {0: "batch", 1: "sequence"},
        "mask": {0: "batch", 1: "sequence"},
        "hidden": {0: "batch", 1: "sequence"},
        "pooled": {0: "batch"},
    }
    outputs = ("hidden", "pooled")
    width, heads = 32, 4

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(200, self.width)
        self.positions = nn.Embedding(64, self.width)
        self.projection = nn.Linear(self.width, 3 * self.width)
        self.merge = nn.Linear(self.width, self.width)
        self.first_norm = nn.LayerNorm(self.width)
        self.second_norm = nn.LayerNorm(self.width)
        self.widen = nn.Linear(self.width, 64)
        self.narrow = nn.Linear(64, self.width)

    @staticmethod
    def example():
        return {"tokens": torch.randint(0, 200, (2, 7)), "mask": torch.ones(2, 7, dtype=torch.int64)}

    def forward(self, tokens, mask):
        batch, length = tokens.shape
        places = torch.arange(length, device=tokens.device).unsqueeze(0).expand(batch, length)
        x = self.words(tokens) + self.positions(places)
        query, key, value = self.projection(self.first_norm(x)).chunk(3, dim=-1)

        def split(part):
            return part.reshape(batch, length, self.heads, self.width // self.heads).transpose(1, 2)

        scores = split(query) @ split(key).transpose(-2, -1) / math.sqrt(self.width // self.heads)
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e9)
        context = (scores.softmax(dim=-1) @ split(value)).permute(0, 2, 1, 3).contiguous()
        x = x + self.merge(context.view(batch, length, self.width))
        x = x + self.narrow(F.gelu(self.widen(self.second_norm(x))))
        weights = mask.unsqueeze(-1).to(x.dtype)
        return x, (x * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


class Unet(nn.Module):
    """`image` [batch,1,height,width] to `segmentation` of the same size; any height and width from 8 up."""

    dynamic_axes = {
        "image": {0: "batch", 2: "height", 3: "width"},
        "segmentation": {0: "batch", 2: "height", 3: "width"},
    }
    outputs = ("segmentation",)

    def __init__(self):
        super().__init__()
        self.level1 = nn.Conv2d(1, 8, 3, padding=1)
        self.level2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.level3 = nn.Conv2d(16, 24, 3, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(24, 16, 2, stride=2)
        self.fuse2 = nn.Conv2d(32, 8, 3)
        self.norm = nn.InstanceNorm2d(8, affine=True)
        self.slope = nn.PReLU(8)
        self.head = nn.Conv2d(16, 2, 1)

    @staticmethod
    def example():
        return {"image": torch.rand(1, 1, 24, 32)}

    def forward(self, image):
        x1 = F.leaky_relu(self.level1(image), 0.1)
        x2 = F.elu(self.level2(x1))
        x3 = F.silu(self.level3(x2))
        up = self.up2(x3)[:, :, : x2.shape[2], : x2.shape[3]]
        x = F.pad(torch.cat([up, x2], dim=1), (1, 1, 1, 1), mode="reflect")
        x = self.slope(self.norm(self.fuse2(x)))
        x = F.interpolate(x, size=x1.shape[2:], mode="bilinear", align_corners=False)
        return torch.softmax(self.head(torch.cat([x, x1], dim=1)), dim=1)


MODELS = {"torch_cnn": Cnn, "torch_transformer": Transformer, "torch_unet": Unet}


def warm_up(network, example):
    """Gives BatchNorm statistics of its own, so that folding them matters."""
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(**{name: torch.rand_like(x) if x.is_floating_point() else x for name, x in example.items()})
    network.eval()


def main():
    repository = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path, nargs="?", default=repository / "tests" / "data")
    folder = parser.parse_args().outdir
    for name, network_class in MODELS.items():
        torch.manual_seed(14)
        network, example = network_class(), network_class.example()
        warm_up(network, example)
        path = folder / name / "model.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.onnx.export(
            network,
            tuple(example.values()),
            str(path),
            opset_version=OPSET,
            input_names=list(example),
            output_names=list(network_class.outputs),
            dynamic_axes=network_class.dynamic_axes,
        )
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
