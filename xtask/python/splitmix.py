"""Random numbers from splitmix64: the same in every version of every language, unlike NumPy's generators."""

import hashlib

import numpy as np

CHUNK = 1 << 22


def splitmix_uniform(seed, count):
    """`count` float32 values, uniform in [-1, 1), cut to 24 bits, from the splitmix64 stream of `seed`."""
    values = np.empty(count, np.float32)
    for start in range(0, count, CHUNK):
        stop = min(count, start + CHUNK)
        with np.errstate(over="ignore"):
            z = np.arange(start + 1, stop + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
        values[start:stop] = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    return values


class Random:
    """Numbered streams of one seed: every call draws from a stream of its own."""

    def __init__(self, seed):
        self.seed = seed
        self.streams = 0

    def uniform(self, shape, low=-1.0, high=1.0):
        """A float32 array, uniform in [low, high)."""
        self.streams += 1
        digest = hashlib.sha256(f"{self.seed}:{self.streams}".encode()).digest()
        values = splitmix_uniform(int.from_bytes(digest[:8], "little"), int(np.prod(shape))).reshape(shape)
        half = np.float32((high - low) / 2)
        return values * half + np.float32((high + low) / 2)

    def integers(self, shape, low, high):
        """An int64 array, uniform in [low, high)."""
        unit = (self.uniform(shape).astype(np.float64) + 1) / 2
        return low + np.floor(unit * (high - low)).astype(np.int64)

    def permutation(self, count):
        """The numbers 0..count in random order."""
        return np.argsort(self.uniform(count), kind="stable")
