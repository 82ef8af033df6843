//! Layers that many converters add, with ONNX's broadcasting.

use tensorrt_sys::{
    ActivationType, DataType, ElementWiseOperation, GatherMode, ReduceOperation, SampleMode, UnaryOperation,
};

use crate::graph::{LayerKind, Permutation, Shuffle, Slice, TensorId};
use crate::memory::Storage;
use crate::tensor::{Dims, Tensor};

use super::super::error::{Refusal, Result};
use super::super::tensor;
use super::context::{Context, mask};
use super::shapes::Shape;

/// A layer's axis parameter.
pub(crate) fn axis_i32(axis: usize) -> i32 {
    i32::try_from(axis).unwrap_or(i32::MAX)
}

impl Context<'_> {
    /// Adds a layer over tensors that are all present and returns its output.
    pub(crate) fn add(&mut self, kind: LayerKind, inputs: &[TensorId]) -> Result<TensorId> {
        Ok(self.network.add_one(kind, inputs.iter().copied().map(Some).collect())?)
    }

    /// Adds a layer some of whose inputs may be absent.
    pub(crate) fn add_optional(&mut self, kind: LayerKind, mut inputs: Vec<Option<TensorId>>) -> Result<TensorId> {
        while inputs.last().is_some_and(Option::is_none) {
            inputs.pop();
        }
        Ok(self.network.add_one(kind, inputs)?)
    }

    /// Passes a tensor on.
    pub(crate) fn identity(&mut self, x: TensorId) -> Result<TensorId> {
        self.add(LayerKind::Identity, &[x])
    }

    /// An activation.
    pub(crate) fn activation(&mut self, op: ActivationType, x: TensorId, alpha: f32, beta: f32) -> Result<TensorId> {
        self.add(LayerKind::Activation { op, alpha, beta }, &[x])
    }

    /// A function of each element.
    pub(crate) fn unary(&mut self, op: UnaryOperation, x: TensorId) -> Result<TensorId> {
        self.add(LayerKind::Unary { op }, &[x])
    }

    /// A conversion, left out where the type is the same.
    pub(crate) fn cast(&mut self, x: TensorId, to: DataType) -> Result<TensorId> {
        if self.dtype(x) == to { Ok(x) } else { self.add(LayerKind::Cast { to }, &[x]) }
    }

    /// A binary operation; the operand of lower rank gets leading dimensions of 1.
    pub(crate) fn binary(&mut self, op: ElementWiseOperation, a: TensorId, b: TensorId) -> Result<TensorId> {
        let ranked = self.same_rank(&[a, b])?;
        self.add(LayerKind::ElementWise { op }, &ranked)
    }

    /// A binary operation with a number of the same type.
    pub(crate) fn binary_scalar(&mut self, op: ElementWiseOperation, a: TensorId, b: f64) -> Result<TensorId> {
        let b = self.scalar_like(a, b)?;
        self.add(LayerKind::ElementWise { op }, &[a, b])
    }

    /// The tensors with leading dimensions of 1, so that all have the highest rank among them.
    pub(crate) fn same_rank(&mut self, tensors: &[TensorId]) -> Result<Vec<TensorId>> {
        let rank = tensors.iter().map(|&id| self.rank(id)).max().unwrap_or(0);
        tensors.iter().map(|&id| self.lead_with_ones(id, rank)).collect()
    }

    /// The tensor with leading dimensions of 1 up to `rank`.
    pub(crate) fn lead_with_ones(&mut self, x: TensorId, rank: usize) -> Result<TensorId> {
        let missing = rank.saturating_sub(self.rank(x));
        if missing == 0 {
            return Ok(x);
        }
        let dims = self.dims(x);
        if dims.is_static() {
            let mut extents = vec![1; missing];
            extents.extend_from_slice(&dims);
            return self.reshape(x, &extents);
        }
        self.unsqueeze(x, &(0..missing).collect::<Vec<_>>())
    }

    /// A constant without a name.
    pub(crate) fn constant(&mut self, tensor: &Tensor) -> Result<TensorId> {
        Ok(self.network.add_constant("", tensor)?)
    }

    /// A vector of int64.
    pub(crate) fn int_vector(&mut self, values: &[i64]) -> Result<TensorId> {
        let len = i64::try_from(values.len()).unwrap_or(i64::MAX);
        self.constant(&Tensor::from_slice(Dims::new(&[len])?, values)?)
    }

    /// A scalar of int64.
    pub(crate) fn int_scalar(&mut self, value: i64) -> Result<TensorId> {
        self.constant(&Tensor::from_slice(Dims::scalar(), &[value])?)
    }

    /// One element of `dtype` in a tensor of `rank` dimensions of 1.
    pub(crate) fn number(&mut self, dtype: DataType, value: f64, rank: usize) -> Result<TensorId> {
        let bytes = tensor::element(dtype, value)
            .ok_or_else(|| Refusal::datatype(format!("constants of {} are not supported here", dtype.name())))?;
        self.constant(&Tensor::new(dtype, Dims::splat(1, rank), Storage::copy_of(&bytes))?)
    }

    /// A number of the type and rank of `x`.
    pub(crate) fn scalar_like(&mut self, x: TensorId, value: f64) -> Result<TensorId> {
        self.number(self.dtype(x), value, self.rank(x))
    }

    /// Static dimensions, taken literally (0 is an extent).
    pub(crate) fn reshape(&mut self, x: TensorId, extents: &[i64]) -> Result<TensorId> {
        self.shuffle(x, None, Some(Dims::new(extents)?), false)
    }

    /// A shuffle with a static reshape.
    pub(crate) fn shuffle(
        &mut self,
        x: TensorId,
        first: Option<&[usize]>,
        reshape: Option<Dims>,
        zero_is_placeholder: bool,
    ) -> Result<TensorId> {
        let first = first.map_or(Permutation::IDENTITY, Permutation::new);
        let shuffle = Shuffle { first, reshape, second: Permutation::IDENTITY, zero_is_placeholder };
        self.add(LayerKind::Shuffle(shuffle), &[x])
    }

    /// A reshape to dimensions that may be computed; taken literally.
    pub(crate) fn reshape_to(&mut self, x: TensorId, shape: &Shape) -> Result<TensorId> {
        if let Shape::Known(extents) = shape {
            return self.reshape(x, extents);
        }
        let shape = self.shape_tensor(shape)?;
        let shuffle = Shuffle {
            first: Permutation::IDENTITY,
            reshape: None,
            second: Permutation::IDENTITY,
            zero_is_placeholder: false,
        };
        self.add(LayerKind::Shuffle(shuffle), &[x, shape])
    }

    /// A transpose: output dimension i is input dimension `order[i]`.
    pub(crate) fn transpose(&mut self, x: TensorId, order: &[usize]) -> Result<TensorId> {
        self.shuffle(x, Some(order), None, false)
    }

    /// Inserts dimensions of 1; `axes` are positions in the output.
    pub(crate) fn unsqueeze(&mut self, x: TensorId, axes: &[usize]) -> Result<TensorId> {
        self.with_axes(LayerKind::Unsqueeze, x, axes)
    }

    /// Removes dimensions of 1.
    pub(crate) fn squeeze(&mut self, x: TensorId, axes: &[usize]) -> Result<TensorId> {
        self.with_axes(LayerKind::Squeeze, x, axes)
    }

    fn with_axes(&mut self, kind: LayerKind, x: TensorId, axes: &[usize]) -> Result<TensorId> {
        if axes.is_empty() {
            return Ok(x);
        }
        let axes: Vec<i64> = axes.iter().map(|&axis| i64::from(axis_i32(axis))).collect();
        let axes = self.int_vector(&axes)?;
        self.add(kind, &[x, axes])
    }

    /// A reduction; over no axes it is the input itself.
    pub(crate) fn reduce(
        &mut self,
        op: ReduceOperation,
        x: TensorId,
        axes: &[usize],
        keep_dims: bool,
    ) -> Result<TensorId> {
        if axes.is_empty() {
            return Ok(x);
        }
        self.add(LayerKind::Reduce { op, axes: mask(axes.iter().copied()), keep_dims }, &[x])
    }

    /// `condition ? a : b` with broadcasting.
    pub(crate) fn select(&mut self, condition: TensorId, a: TensorId, b: TensorId) -> Result<TensorId> {
        let ranked = self.same_rank(&[condition, a, b])?;
        self.add(LayerKind::Select, &ranked)
    }

    /// Joins tensors.
    pub(crate) fn concat(&mut self, tensors: &[TensorId], axis: usize) -> Result<TensorId> {
        self.add(LayerKind::Concatenation { axis: axis_i32(axis) }, tensors)
    }

    /// Picks slices along one axis.
    pub(crate) fn gather(&mut self, x: TensorId, indices: TensorId, axis: usize) -> Result<TensorId> {
        let mode = GatherMode::Default;
        self.add(LayerKind::Gather { axis: axis_i32(axis), num_elementwise_dims: 0, mode }, &[x, indices])
    }

    /// A slice along `axes` (one start, size and stride each), or along all dimensions where `axes` is `None`.
    pub(crate) fn slice(
        &mut self,
        x: TensorId,
        axes: Option<&[usize]>,
        [start, size, stride]: [&Shape; 3],
        mode: SampleMode,
        fill: Option<TensorId>,
    ) -> Result<TensorId> {
        let axes = match axes {
            Some(axes) => Some(Dims::of(&axes.iter().map(|&axis| i64::from(axis_i32(axis))).collect::<Vec<_>>())?),
            None => None,
        };
        let fixed = |shape: &Shape| match shape {
            Shape::Known(values) => Dims::of(values).map(Some),
            Shape::Tensor(..) => Ok(None),
        };
        let kind = Slice { start: fixed(start)?, size: fixed(size)?, stride: fixed(stride)?, mode, axes };
        let mut inputs = vec![Some(x)];
        for shape in [start, size, stride] {
            inputs.push(match shape {
                Shape::Known(_) => None,
                Shape::Tensor(id, _) => Some(*id),
            });
        }
        inputs.push(fill);
        self.add_optional(LayerKind::Slice(kind), inputs)
    }

    /// `x` repeated along its dimensions of 1 up to `shape`, which has the rank of `x`.
    pub(crate) fn broadcast_to(&mut self, x: TensorId, shape: &Shape) -> Result<TensorId> {
        let dims = self.dims(x);
        let stride = if dims.iter().all(|&d| d >= 0) {
            Shape::Known(dims.iter().map(|&d| i64::from(d != 1)).collect())
        } else {
            let extents = self.shape_of(x)?;
            let less = self.shape_sub(&extents, &Shape::splat(1, dims.rank()))?;
            self.shape_min(&less, &Shape::splat(1, dims.rank()))?
        };
        let start = Shape::splat(0, dims.rank());
        self.slice(x, None, [&start, shape, &stride], SampleMode::StrictBounds, None)
    }

    /// One value in every element of a tensor of the given dimensions.
    pub(crate) fn filled(&mut self, dtype: DataType, value: f64, shape: &Shape) -> Result<TensorId> {
        let number = self.number(dtype, value, shape.len())?;
        if shape.is_empty() {
            return Ok(number);
        }
        self.broadcast_to(number, shape)
    }
}
