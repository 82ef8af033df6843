"""Inputs for the oracle's cases: seeded and realistic."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from splitmix import Random

REPOSITORY = Path(__file__).resolve().parents[2]

# Word pieces of bert-base-uncased: [CLS] sentence [SEP].
SENTENCES = [
    [101, 1996, 4248, 2829, 4419, 14523, 2058, 1996, 13971, 3899, 1012, 102],
    [101, 2023, 2003, 1037, 3231, 1012, 102],
    [101, 2129, 2024, 2017, 2651, 1029, 102],
]


def uniform(seed, shape, low=-1.0, high=1.0):
    """float32, uniform in [low, high)."""
    return Random(seed).uniform(shape, low, high)


def pictures(seed, shape):
    """float32 [N,C,H,W] or [N,H,W,C] in [-1, 1]: coarse patches of light and colour under fine noise."""
    random = Random(seed)
    coarse = random.uniform((shape[0], 4, 4, 4))
    spread = [np.arange(size) * 4 // size for size in shape[1:]]
    patches = coarse[:, spread[0][:, None, None], spread[1][None, :, None], spread[2][None, None, :]]
    return np.float32(0.75) * patches + random.uniform(shape, -0.25, 0.25)


def integers(seed, shape, low, high, dtype=np.int64):
    """Whole numbers, uniform in [low, high)."""
    return Random(seed).integers(shape, low, high).astype(dtype)


def text_image(text, height, width, size, rotated=False, ink=20, paper=235):
    """uint8 [height, width]: dark text on light paper, centred from top to bottom."""
    image = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(image)
    draw.text((size // 4, height // 2), text, fill=ink, font=ImageFont.load_default(size), anchor="lm")
    return np.asarray(image.rotate(180) if rotated else image)


def three_channels(images):
    """uint8 images [H,W] to PP-OCR's float32 [N,3,H,W] in [-1, 1]."""
    stack = np.stack(images).astype(np.float32) / np.float32(255)
    stack = (stack - np.float32(0.5)) / np.float32(0.5)
    return np.ascontiguousarray(np.repeat(stack[:, None], 3, axis=1))


def text_lines(lines, width, rotated=()):
    """PP-OCR's recogniser or classifier input [N,3,48,W]; `rotated` are the lines turned by 180 degrees."""
    images = [text_image(line, 48, width, 34, rotated=index in rotated) for index, line in enumerate(lines)]
    return three_channels(images)


def text_page(pages, height, width):
    """PP-OCR's detector input [N,3,H,W]: lines of text on a shaded page."""
    images = []
    for lines in pages:
        shade = np.linspace(200, 245, width, dtype=np.float32)[None].repeat(height, 0).astype(np.uint8)
        image = Image.fromarray(shade)
        draw = ImageDraw.Draw(image)
        for row, line in enumerate(lines):
            size = 18 + 6 * (row % 2)
            draw.text((12 + 10 * row, 16 + 44 * row), line, fill=30, font=ImageFont.load_default(size))
        images.append(np.asarray(image))
    return three_channels(images)


def luminance(texts, size):
    """float32 [N,1,size,size] in [0, 1]: the luminance channel of small pictures."""
    pictures = []
    for text in texts:
        rows, columns = np.mgrid[:size, :size].astype(np.float32) / np.float32(size)
        waves = np.float32(127) + np.float32(90) * np.sin(9 * rows + 14 * columns * rows)
        image = Image.fromarray(waves.astype(np.uint8))
        ImageDraw.Draw(image).text((size // 10, size // 3), text, fill=255, font=ImageFont.load_default(size // 6))
        pictures.append(np.asarray(image))
    return np.stack(pictures)[:, None].astype(np.float32) / np.float32(255)


def sentences(count, length):
    """(input_ids, attention_mask) int64 [count,length], padded with zeros."""
    ids = np.zeros((count, length), np.int64)
    mask = np.zeros((count, length), np.int64)
    for row in range(count):
        tokens = SENTENCES[row % len(SENTENCES)][:length]
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def file_bytes(contents):
    """Magika's input int32 [N,2048]: the first and last 1024 bytes, whitespace-stripped, 256 where there are none."""
    rows = np.full((len(contents), 2048), 256, np.int32)
    for row, content in zip(rows, contents):
        head, tail = content.lstrip()[:1024], content.rstrip()[-1024:]
        row[: len(head)] = np.frombuffer(head, np.uint8)
        row[2048 - len(tail) :] = np.frombuffer(tail, np.uint8)
    return rows


def digits(start, count):
    """(float32 [count,1,8,8], labels) of the held-out digits in examples/data."""
    data = REPOSITORY / "examples" / "data"
    sheet = np.asarray(Image.open(data / "heldout.png"))
    labels = [int(label) for line in (data / "heldout.txt").read_text().split() for label in line]
    rows, columns = sheet.shape[0] // 8, sheet.shape[1] // 8
    tiles = sheet.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(-1, 1, 8, 8)
    chosen = tiles[start : start + count].astype(np.float32) / np.float32(255)
    return chosen, labels[start : start + count]
