//! Arithmetic on shapes: done at once where the numbers are known, by layers where they are not.

use tensorrt_sys::{ElementWiseOperation, ReduceOperation};

use crate::graph::{LayerKind, TensorId};

use super::super::error::{Refusal, Result};
use super::context::Context;

/// A vector of int64 that holds extents, starts, sizes or strides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// All elements, known now.
    Known(Vec<i64>),
    /// A tensor of the network and its length.
    Tensor(TensorId, usize),
}

/// More elements than anything that is said of dimensions has.
const LONGEST: i64 = 1024;

impl Shape {
    /// `len` times `value`.
    pub(crate) fn splat(value: i64, len: usize) -> Self {
        Self::Known(vec![value; len])
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Known(values) => values.len(),
            Self::Tensor(_, len) => *len,
        }
    }

    /// Whether there are no elements: the shape of a scalar.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

impl Context<'_> {
    /// The extents of a tensor.
    pub(crate) fn shape_of(&mut self, x: TensorId) -> Result<Shape> {
        let dims = self.dims(x);
        if dims.is_static() {
            return Ok(Shape::Known(dims.to_vec()));
        }
        let id = self.add(LayerKind::Shape, &[x])?;
        Ok(Shape::Tensor(id, dims.rank()))
    }

    /// A vector input as a shape; integers become int64.
    pub(crate) fn shape_input(&mut self, index: usize, what: &str) -> Result<Shape> {
        if let Some(values) = self.known_ints(index) {
            return Ok(Shape::Known(values));
        }
        let id = self.input(index)?;
        let dims = self.dims(id);
        let len = match *dims {
            [len] if len > LONGEST => {
                return Err(Refusal::invalid(format!(
                    "{what} (input {index}) has {len} elements, more than {LONGEST}"
                )));
            }
            [len] if len >= 0 => usize::try_from(len).unwrap_or(0),
            [_] => return Err(Refusal::dynamic(format!("{what} (input {index}) has a length only known at run time"))),
            _ => return Err(Refusal::invalid(format!("{what} (input {index}) has dimensions {dims}, not a vector's"))),
        };
        let id = self.cast(id, tensorrt_sys::DataType::Int64)?;
        Ok(Shape::Tensor(id, len))
    }

    /// The tensor of a shape.
    pub(crate) fn shape_tensor(&mut self, shape: &Shape) -> Result<TensorId> {
        match shape {
            Shape::Known(values) => self.int_vector(values),
            Shape::Tensor(id, _) => Ok(*id),
        }
    }

    fn known(&self, id: TensorId, len: usize) -> Shape {
        match self.network.value(id).known_elements() {
            Some(values) if values.len() == len => Shape::Known(values),
            _ => Shape::Tensor(id, len),
        }
    }

    fn combine(
        &mut self,
        op: ElementWiseOperation,
        a: &Shape,
        b: &Shape,
        now: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Shape> {
        if let (Shape::Known(a), Shape::Known(b)) = (a, b) {
            let values: Option<Vec<i64>> = a.iter().zip(b).map(|(&a, &b)| now(a, b)).collect();
            return values.map(Shape::Known).ok_or_else(|| Refusal::value("arithmetic on shapes overflows"));
        }
        let (x, y) = (self.shape_tensor(a)?, self.shape_tensor(b)?);
        let id = self.add(LayerKind::ElementWise { op }, &[x, y])?;
        Ok(self.known(id, a.len()))
    }

    pub(crate) fn shape_add(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        match (a, b) {
            (Shape::Known(zeros), other) | (other, Shape::Known(zeros)) if zeros.iter().all(|&v| v == 0) => {
                Ok(other.clone())
            }
            _ => self.combine(ElementWiseOperation::Sum, a, b, i64::checked_add),
        }
    }

    pub(crate) fn shape_sub(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        match b {
            Shape::Known(zeros) if zeros.iter().all(|&v| v == 0) => Ok(a.clone()),
            _ => self.combine(ElementWiseOperation::Sub, a, b, i64::checked_sub),
        }
    }

    pub(crate) fn shape_mul(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        match (a, b) {
            (Shape::Known(ones), other) | (other, Shape::Known(ones)) if ones.iter().all(|&v| v == 1) => {
                Ok(other.clone())
            }
            (Shape::Known(zeros), _) | (_, Shape::Known(zeros)) if zeros.iter().all(|&v| v == 0) => {
                Ok(Shape::splat(0, a.len()))
            }
            _ => self.combine(ElementWiseOperation::Prod, a, b, i64::checked_mul),
        }
    }

    pub(crate) fn shape_min(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        self.combine(ElementWiseOperation::Min, a, b, |a, b| Some(a.min(b)))
    }

    pub(crate) fn shape_max(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        self.combine(ElementWiseOperation::Max, a, b, |a, b| Some(a.max(b)))
    }

    pub(crate) fn shape_floor_div(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        match b {
            Shape::Known(ones) if ones.iter().all(|&v| v == 1) => Ok(a.clone()),
            _ => self.combine(ElementWiseOperation::FloorDiv, a, b, floor_div),
        }
    }

    /// −(−a / b) rounded down: the quotient rounded up.
    pub(crate) fn shape_ceil_div(&mut self, a: &Shape, b: &Shape) -> Result<Shape> {
        let zeros = Shape::splat(0, a.len());
        let negative = self.shape_sub(&zeros, a)?;
        let floor = self.shape_floor_div(&negative, b)?;
        self.shape_sub(&zeros, &floor)
    }

    /// Joins shapes.
    pub(crate) fn shape_concat(&mut self, parts: &[Shape]) -> Result<Shape> {
        let parts: Vec<Shape> = parts.iter().filter(|part| !part.is_empty()).cloned().collect();
        let mut known = Vec::new();
        for part in &parts {
            match part {
                Shape::Known(values) => known.extend_from_slice(values),
                Shape::Tensor(..) => {
                    let len = parts.iter().map(Shape::len).sum();
                    let tensors = parts.iter().map(|part| self.shape_tensor(part)).collect::<Result<Vec<_>>>()?;
                    let id = if let [only] = *tensors { only } else { self.concat(&tensors, 0)? };
                    return Ok(self.known(id, len));
                }
            }
        }
        Ok(Shape::Known(known))
    }

    /// The elements at `indices`.
    pub(crate) fn shape_pick(&mut self, shape: &Shape, indices: &[usize]) -> Result<Shape> {
        match shape {
            Shape::Known(values) => {
                let picked: Option<Vec<i64>> = indices.iter().map(|&i| values.get(i).copied()).collect();
                picked.map(Shape::Known).ok_or_else(|| Refusal::value("an element past the end of a shape"))
            }
            Shape::Tensor(id, len) => {
                if indices.iter().copied().eq(0..*len) {
                    return Ok(shape.clone());
                }
                let known = self.network.value(*id).elements.clone();
                if let Some(known) = known
                    && let Some(values) = indices.iter().map(|&i| known.get(i).copied().flatten()).collect()
                {
                    return Ok(Shape::Known(values));
                }
                let indices: Vec<i64> = indices.iter().map(|&i| i64::try_from(i).unwrap_or(i64::MAX)).collect();
                let positions = self.int_vector(&indices)?;
                let picked = self.gather(*id, positions, 0)?;
                Ok(self.known(picked, indices.len()))
            }
        }
    }

    /// The product of all elements, as a shape of one element.
    pub(crate) fn shape_product(&mut self, shape: &Shape) -> Result<Shape> {
        match shape {
            Shape::Known(values) => {
                let product = values.iter().try_fold(1i64, |product, &v| product.checked_mul(v));
                product.map(|v| Shape::Known(vec![v])).ok_or_else(|| Refusal::value("the number of elements overflows"))
            }
            Shape::Tensor(_, 1) => Ok(shape.clone()),
            Shape::Tensor(id, _) => {
                let id = self.reduce(ReduceOperation::Prod, *id, &[0], true)?;
                Ok(self.known(id, 1))
            }
        }
    }

    /// A vector of `rank` elements with `values[i]` at `axes[i]` and `default` elsewhere, for axes that only run time knows.
    pub(crate) fn shape_spread(&mut self, axes: &Shape, values: &Shape, default: i64, rank: usize) -> Result<Shape> {
        let ones = Shape::splat(1, rank);
        let positions = Shape::Known((0i64..).take(rank).collect());
        let mut spread = Shape::splat(0, rank);
        let mut free = ones.clone();
        for index in 0..axes.len() {
            let axis = self.shape_pick(axes, &[index])?;
            let from_end = self.shape_is_negative(&axis)?;
            let offset = self.shape_mul(&from_end, &Shape::Known(vec![i64::try_from(rank).unwrap_or(0)]))?;
            let axis = self.shape_add(&axis, &offset)?;
            let axis = self.shape_pick(&axis, &vec![0; rank])?;
            let ahead = self.shape_sub(&positions, &axis)?;
            let behind = self.shape_sub(&axis, &positions)?;
            let distance = self.shape_max(&ahead, &behind)?;
            let other = self.shape_min(&distance, &ones)?;
            let here = self.shape_sub(&ones, &other)?;
            let value = self.shape_pick(values, &[index])?;
            let value = self.shape_pick(&value, &vec![0; rank])?;
            let value = self.shape_mul(&here, &value)?;
            spread = self.shape_add(&spread, &value)?;
            free = self.shape_sub(&free, &here)?;
        }
        let rest = self.shape_mul(&free, &Shape::splat(default, rank))?;
        self.shape_add(&spread, &rest)
    }

    /// 1 where an element is negative, else 0.
    pub(crate) fn shape_is_negative(&mut self, shape: &Shape) -> Result<Shape> {
        let len = shape.len();
        if let Shape::Known(values) = shape {
            return Ok(Shape::Known(values.iter().map(|&v| i64::from(v < 0)).collect()));
        }
        let clipped = self.shape_max(shape, &Shape::splat(-1, len))?;
        let clipped = self.shape_min(&clipped, &Shape::splat(0, len))?;
        self.shape_sub(&Shape::splat(0, len), &clipped)
    }
}
