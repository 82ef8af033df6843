//! Discrete Fourier transforms, as products with matrices of sines and cosines: NVIDIA's parser has none.

use std::f64::consts::TAU;

use tensorrt_sys::{DataType, ElementWiseOperation as Op, MatrixOperation, SampleMode};

use super::super::context::{Context, Outputs, one};
use super::super::shapes::Shape;
use super::Table;
use super::generate::iota;
use crate::graph::{LayerKind, TensorId};
use crate::onnx::error::{Refusal, Result};
use crate::tensor::{Dims, Tensor};

pub(super) const OPS: Table = &[("DFT", dft), ("STFT", stft)];

/// The most elements of a matrix.
const LARGEST: usize = 1 << 24;

/// A transform of `from` values to `to`, of a period of `period`; each value has one part, or two where it is complex.
#[derive(Debug, Clone, Copy)]
struct Transform {
    period: usize,
    from: usize,
    from_parts: usize,
    to: usize,
    to_parts: usize,
    inverse: bool,
    /// The inverse of half a spectrum: what is left out is the conjugate of the rest.
    half: bool,
}

impl Transform {
    /// The matrix, [from · parts, to · parts], whose product with the values is their transform.
    fn matrix(self) -> Result<Tensor> {
        let (rows, columns) = self.extents()?;
        let mut data = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let (j, imaginary) = (row / self.from_parts, row % self.from_parts == 1);
            let scale = self.scale(j);
            for column in 0..columns {
                let (k, part) = (column / self.to_parts, column % self.to_parts);
                #[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
                let angle = TAU * ((j * k) % self.period) as f64 / self.period as f64;
                let (sin, cos) = if self.inverse { angle.sin_cos() } else { (-angle).sin_cos() };
                // (re + i·im) · (cos + i·sin)
                let value = match (imaginary, part) {
                    (false, 0) | (true, 1) => cos,
                    (false, _) => sin,
                    (true, _) => -sin,
                };
                #[expect(clippy::cast_possible_truncation, reason = "the transform is computed in float")]
                data.push((value * scale) as f32);
            }
        }
        let extent = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Tensor::from_slice(Dims::new(&[extent(rows), extent(columns)])?, &data)?)
    }

    /// The extents of the matrix, if it is not too large.
    fn extents(self) -> Result<(usize, usize)> {
        let (rows, columns) = (self.from.saturating_mul(self.from_parts), self.to.saturating_mul(self.to_parts));
        if rows.saturating_mul(columns) > LARGEST {
            return Err(Refusal::value(format!("a transform of {} to {} values is too long", self.from, self.to)));
        }
        Ok((rows, columns))
    }

    fn scale(self, j: usize) -> f64 {
        if !self.inverse {
            return 1.0;
        }
        let twice = self.half && j != 0 && 2 * j != self.period;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let period = self.period as f64;
        if twice { 2.0 / period } else { 1.0 / period }
    }

    /// The transform of `x` [.., values, parts] along the last axis but one.
    fn apply(self, c: &mut Context<'_>, x: TensorId) -> Result<TensorId> {
        let (rank, dtype) = (c.rank(x), c.dtype(x));
        let (rows, _) = self.extents()?;
        let extent = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let axes: Vec<usize> = (0..rank - 2).collect();
        let extents = c.shape_of(x)?;
        let outer = c.shape_pick(&extents, &axes)?;
        let start = Shape::Known(vec![0]);
        let size = Shape::Known(vec![extent(self.from)]);
        let values =
            c.slice(x, Some(&[rank - 2]), [&start, &size, &Shape::splat(1, 1)], SampleMode::StrictBounds, None)?;
        let flat = c.shape_concat(&[outer.clone(), Shape::Known(vec![1, extent(rows)])])?;
        let values = c.reshape_to(values, &flat)?;
        let values = c.cast(values, DataType::Float)?;
        let matrix = c.constant(&self.matrix()?)?;
        let matrix = c.lead_with_ones(matrix, rank)?;
        let product = c.add(LayerKind::MatrixMultiply { ops: [MatrixOperation::None; 2] }, &[values, matrix])?;
        let shape = c.shape_concat(&[outer, Shape::Known(vec![extent(self.to), extent(self.to_parts)])])?;
        let y = c.reshape_to(product, &shape)?;
        c.cast(y, dtype)
    }
}

/// A scalar that has to be known.
fn known(c: &Context<'_>, index: usize, what: &str) -> Result<Option<i64>> {
    match c.const_ints(index, what)?.as_deref() {
        None => Ok(None),
        Some(&[value]) => Ok(Some(value)),
        Some(values) => Err(Refusal::invalid(format!("{what} has {} elements", values.len()))),
    }
}

/// The parts of each value of a signal: 1, or 2 where it is complex.
fn parts(c: &Context<'_>, x: TensorId) -> Result<usize> {
    match c.dims(x).last() {
        Some(1) => Ok(1),
        Some(2) => Ok(2),
        _ => Err(Refusal::shape(format!("the last extent of {} is neither 1 nor 2", c.dims(x)))),
    }
}

fn positive(value: i64, what: &str) -> Result<usize> {
    usize::try_from(value).ok().filter(|&v| v > 0).ok_or_else(|| Refusal::value(format!("{what} is {value}")))
}

fn dft(c: &mut Context<'_>) -> Result<Outputs> {
    let x = c.input(0)?;
    let rank = c.rank(x);
    if rank < 2 {
        return Err(Refusal::shape(format!("a signal of dimensions {}", c.dims(x))));
    }
    let axis = if c.opset < 20 { c.int_or("axis", 1)? } else { known(c, 2, "the axis")?.unwrap_or(-2) };
    let axis = c.axis(axis, rank)?;
    if axis == rank - 1 {
        return Err(Refusal::value("the last axis holds the parts of a value, not a signal"));
    }
    let (inverse, half) = (c.int_or("inverse", 0)? != 0, c.int_or("onesided", 0)? != 0);
    let from_parts = parts(c, x)?;
    let has = c.dims(x)[axis];
    let has = positive(has, "the signal's length").map_err(|_| {
        Refusal::dynamic(format!("the extent of axis {axis} of {} has to be known and not 0", c.dims(x)))
    })?;
    let period = match known(c, 1, "the length")? {
        Some(length) => positive(length, "the length")?,
        None if inverse && half => positive(i64::try_from(has - 1).unwrap_or(0).saturating_mul(2), "the length")?,
        None => has,
    };
    if half && !inverse && from_parts == 2 {
        return Err(Refusal::shape("half a spectrum is that of real values, not of complex ones"));
    }
    let bins = period / 2 + 1;
    let transform = Transform {
        period,
        from: has.min(if inverse && half { bins } else { period }),
        from_parts,
        to: if half && !inverse { bins } else { period },
        to_parts: if half && inverse { 1 } else { 2 },
        inverse,
        half,
    };
    // The axis beside the parts, and back.
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(axis, rank - 2);
    let moved = if axis == rank - 2 { x } else { c.transpose(x, &order)? };
    let y = transform.apply(c, moved)?;
    one(if axis == rank - 2 { y } else { c.transpose(y, &order)? })
}

/// Refuses a window that is not of the frame's length, as far as that is known.
fn expect_window(c: &Context<'_>, window: TensorId, length: i64) -> Result<()> {
    let dims = c.dims(window);
    match dims[..] {
        [extent] if extent < 0 || extent == length => Ok(()),
        _ => Err(Refusal::shape(format!("a window of dimensions {dims} for frames of {length} values"))),
    }
}

/// The transforms of overlapping frames: [batch, frames, bins, 2]
fn stft(c: &mut Context<'_>) -> Result<Outputs> {
    let signal = c.input(0)?;
    if c.rank(signal) != 3 {
        return Err(Refusal::shape(format!("a signal of dimensions {}", c.dims(signal))));
    }
    let from_parts = parts(c, signal)?;
    let half = c.int_or("onesided", 1)? != 0;
    if half && from_parts == 2 {
        return Err(Refusal::shape("half a spectrum is that of real values, not of complex ones"));
    }
    let step = known(c, 1, "the frame step")?.ok_or_else(|| Refusal::invalid("there is no frame step"))?;
    positive(step, "the frame step")?;
    let window = c.optional(2)?;
    let length = match (known(c, 3, "the frame length")?, window) {
        (Some(length), _) => length,
        (None, Some(window)) if c.rank(window) == 1 => c.dims(window)[0],
        (None, _) => return Err(Refusal::invalid("there is neither a frame length nor a window")),
    };
    let period = positive(length, "the frame length")?;
    if let Some(window) = window {
        expect_window(c, window, length)?;
    }
    let to = if half { period / 2 + 1 } else { period };
    let transform = Transform { period, from: period, from_parts, to, to_parts: 2, inverse: false, half: false };
    transform.extents()?;
    // The positions of each frame's values: [frames, length]
    let extents = c.shape_of(signal)?;
    let samples = c.shape_pick(&extents, &[1])?;
    let spare = c.shape_sub(&samples, &Shape::Known(vec![length]))?;
    let whole = c.shape_floor_div(&spare, &Shape::Known(vec![step]))?;
    let frames = c.shape_add(&whole, &Shape::Known(vec![1]))?;
    let starts = iota(c, &frames)?;
    let starts = c.binary_scalar(Op::Prod, starts, f64::from(i32::try_from(step).unwrap_or(i32::MAX)))?;
    let starts = c.unsqueeze(starts, &[1])?;
    let within = c.int_vector(&(0..length).collect::<Vec<_>>())?;
    let starts = c.cast(starts, DataType::Int64)?;
    let positions = c.binary(Op::Sum, starts, within)?;
    let mut values = c.gather(signal, positions, 1)?;
    if let Some(window) = window {
        let window = c.cast(window, c.dtype(values))?;
        let window = c.reshape(window, &[length, 1])?;
        values = c.binary(Op::Prod, values, window)?;
    }
    one(transform.apply(c, values)?)
}
