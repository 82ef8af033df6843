"""A small ONNX graph builder with deterministic weights.

Weights come from splitmix64, seeded by the SHA-256 of "<graph seed>:<tensor number>" and cut to 24 bits, so they are
exact in float32 and any language can remake them.
"""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from splitmix import Random

OPSET = 17
IR_VERSION = 8


class GraphBuilder:
    """Collects nodes, initializers, inputs and outputs of one float32 graph.

    Tensor names carry counters, so the order of calls is part of a model's bytes.
    """

    def __init__(self, name, seed):
        self.name = name
        self.nodes = []
        self.initializers = []
        self.inputs = []
        self.outputs = []
        self._ops = 0
        self._random = Random(seed)
        self._small_constants = {}

    # --- tensors

    def random(self, shape, bound=1.0, centre=0.0):
        """A float32 array, uniform in centre ± bound."""
        return self._random.uniform(shape) * np.float32(bound) + np.float32(centre)

    def constant(self, array, name=None):
        """An initializer; equal unnamed ones of at most 64 elements are shared."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= 64 and name is None else None
        if key in self._small_constants:
            return self._small_constants[key]
        name = name or f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        if key:
            self._small_constants[key] = name
        return name

    def ints(self, *values):
        """A 1-D int64 constant."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value):
        """A 0-D float32 constant."""
        return self.constant(np.array(value, np.float32))

    def weight(self, shape, fan_in=None, gain=1.0):
        """A weight tensor with variance gain² / fan_in."""
        fan_in = fan_in or int(np.prod(shape[1:])) or 1
        values = self.random(shape, gain * math.sqrt(3.0 / fan_in))
        return self.constant(values, f"w{self._random.streams}")

    def bias(self, shape, bound=0.05, centre=0.0):
        """A bias (or scale) tensor, uniform in centre ± bound."""
        values = self.random(shape, bound, centre)
        return self.constant(values, f"b{self._random.streams}")

    def numbered(self, prefix, array):
        """A constant named after the last random tensor."""
        return self.constant(array, f"{prefix}{self._random.streams}")

    # --- graph

    def op(self, op_type, *inputs, out=None, num_outputs=1, **attributes):
        """Adds a node; returns the name of its output, or the list of names where there are several."""
        self._ops += 1
        if out is not None:
            outputs = [out]
        elif num_outputs == 1:
            outputs = [f"t{self._ops}"]
        else:
            outputs = [f"t{self._ops}_{i}" for i in range(num_outputs)]
        self.nodes.append(helper.make_node(op_type, list(inputs), outputs, f"{op_type}_{self._ops}", **attributes))
        return outputs[0] if len(outputs) == 1 else outputs

    def input(self, name, shape, elem_type=TensorProto.FLOAT):
        """Declares a graph input; a string in `shape` is a named dynamic dimension."""
        self.inputs.append(helper.make_tensor_value_info(name, elem_type, shape))
        return name

    def output(self, name, shape, elem_type=TensorProto.FLOAT):
        """Declares a graph output."""
        self.outputs.append(helper.make_tensor_value_info(name, elem_type, shape))

    def model(self):
        """The finished model, checked."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="gen_models",
            producer_version="1",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    # --- blocks

    def dim(self, x, axis):
        """The size of one axis, as a 1-D shape tensor."""
        return self.op("Gather", self.op("Shape", x), self.ints(axis), axis=0)

    def conv(self, x, in_channels, out_channels, kernel=3, stride=1, groups=1, bias=True, gain=1.4, bias_centre=0.0):
        """A square convolution that keeps the size (at stride 1)."""
        operands = [x, self.weight((out_channels, in_channels // groups, kernel, kernel), gain=gain)]
        if bias:
            operands.append(self.bias((out_channels,), 0.05, bias_centre))
        return self.op(
            "Conv",
            *operands,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[kernel // 2] * 4,
            group=groups,
        )

    def batch_norm(self, x, channels, scale=1.0):
        """Inference-mode batch normalization."""
        gamma = self.bias((channels,), 0.1 * scale, scale)
        beta = self.bias((channels,))
        mean = self.bias((channels,))
        variance = self.bias((channels,), 0.2, 1.0)
        return self.op("BatchNormalization", x, gamma, beta, mean, variance, epsilon=1e-5)

    def linear(self, x, in_features, out_features):
        """MatMul and a bias over the last axis."""
        product = self.op("MatMul", x, self.weight((in_features, out_features), fan_in=in_features))
        return self.op("Add", product, self.bias((out_features,)))

    def layer_norm(self, x, width):
        """LayerNormalization over the last axis."""
        return self.op(
            "LayerNormalization", x, self.bias((width,), 0.1, 1.0), self.bias((width,)), axis=-1, epsilon=1e-5
        )

    def gelu(self, x):
        """The exact GELU, spelled with Erf as exporters do."""
        erf = self.op("Erf", self.op("Div", x, self.scalar(math.sqrt(2))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.scalar(1.0))), self.scalar(0.5))

    def silu(self, x):
        """x · sigmoid(x)."""
        return self.op("Mul", x, self.op("Sigmoid", x))

    def _split_heads(self, x, heads, width):
        shape = self.ints(0, 0, heads, width // heads)
        return self.op("Transpose", self.op("Reshape", x, shape), perm=[0, 2, 1, 3])

    def attention(self, x, width, heads, mask):
        """Multi-head self-attention over [batch, sequence, width] with an additive mask."""
        query, key, value = [self.linear(x, width, width) for _ in range(3)]
        query, key, value = [self._split_heads(part, heads, width) for part in (query, key, value)]
        products = self.op("MatMul", query, self.op("Transpose", key, perm=[0, 1, 3, 2]))
        scores = self.op("Mul", products, self.scalar(1 / math.sqrt(width // heads)))
        scores = self.op("Add", scores, mask)
        context = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        merged = self.op("Reshape", self.op("Transpose", context, perm=[0, 2, 1, 3]), self.ints(0, 0, width))
        return self.linear(merged, width, width)

    def feed_forward(self, x, width, hidden):
        """Linear, GELU, linear."""
        return self.linear(self.gelu(self.linear(x, width, hidden)), hidden, width)
