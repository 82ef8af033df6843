//! Non-maximum suppression: the boxes of the best scores that do not overlap better ones of their class.

use tensorrt_sys::BoundingBoxFormat;

use super::non_zero::store;
use super::window::extent;
use super::{Call, Kernel, Request, convert, same_count};
use crate::tensor::{Dims, TensorView};
use crate::{Error, Result};

/// A prepared suppression.
#[derive(Debug)]
struct Nms {
    format: BoundingBoxFormat,
    /// The candidates of a batch item that are considered; negative for all.
    limit: i32,
}

/// Prepares a suppression on float, half or bfloat16 boxes.
///
/// # Errors
/// The types are others, or the format of the boxes is not known.
pub(super) fn prepare(request: &Request<'_>, format: BoundingBoxFormat, limit: i32) -> Result<Box<dyn Kernel>> {
    if !convert::is_computable(request.input_type(0)?) || !convert::is_computable(request.input_type(1)?) {
        return Err(request.unsupported_types());
    }
    if !matches!(format, BoundingBoxFormat::CornerPairs | BoundingBoxFormat::CenterSizes) {
        return Err(Error::unsupported(format!("boxes in the format {}", format.name())));
    }
    Ok(Box::new(Nms { format, limit }))
}

/// A box by its least and greatest corner.
#[derive(Debug, Clone, Copy)]
struct Corners {
    low: [f32; 2],
    high: [f32; 2],
}

impl Corners {
    fn new(format: BoundingBoxFormat, numbers: &[f32]) -> Self {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| numbers.get(i).copied().unwrap_or(0.0));
        if format == BoundingBoxFormat::CenterSizes {
            return Self { low: [a - c / 2.0, b - d / 2.0], high: [a + c / 2.0, b + d / 2.0] };
        }
        Self { low: [a.min(c), b.min(d)], high: [a.max(c), b.max(d)] }
    }

    fn area(&self) -> f32 {
        (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])
    }

    /// Whether the intersection is more than `threshold` of the union.
    fn overlaps(&self, other: &Self, threshold: f32) -> bool {
        let side = |d: usize| self.high[d].min(other.high[d]) - self.low[d].max(other.low[d]);
        let (height, width) = (side(0), side(1));
        if height <= 0.0 || width <= 0.0 {
            return false;
        }
        let shared = height * width;
        let union = self.area() + other.area() - shared;
        union > 0.0 && shared / union > threshold
    }
}

/// The inputs of one run.
#[derive(Debug)]
struct Boxes<'t> {
    boxes: std::borrow::Cow<'t, [f32]>,
    scores: std::borrow::Cow<'t, [f32]>,
    batch: usize,
    count: usize,
    classes: usize,
    /// 1 where all classes have the same boxes.
    box_classes: usize,
    most: usize,
    overlap: f32,
    least_score: f32,
}

impl<'t> Boxes<'t> {
    fn new(inputs: &[Option<TensorView<'t>>]) -> Result<Self> {
        let input = |index: usize| inputs.get(index).copied().flatten();
        let missing = || Error::internal("an input is missing at run time");
        let (boxes, scores) = (input(0).ok_or_else(missing)?, input(1).ok_or_else(missing)?);
        let most = input(2).ok_or_else(missing)?.to_i64()?.first().copied().unwrap_or(0);
        let number = |index: usize| match input(index) {
            Some(view) => Ok(convert::load(&view)?.first().copied().unwrap_or(0.0)),
            None => Ok(0.0),
        };
        let box_classes = match boxes.dims()[..] {
            [_, _, classes, _] => extent(classes)?,
            _ => 1,
        };
        let &[batch, count, classes] = &scores.dims()[..] else {
            return Err(Error::config(format!("scores of dimensions {}", scores.dims())));
        };
        let (batch, count, classes) = (extent(batch)?, extent(count)?, extent(classes)?);
        same_count(batch * count * box_classes * 4, boxes.len())?;
        let overlap: f32 = number(3)?;
        Ok(Self {
            boxes: convert::load(&boxes)?,
            scores: convert::load(&scores)?,
            batch,
            count,
            classes,
            box_classes,
            most: usize::try_from(most.max(0)).unwrap_or(usize::MAX),
            overlap,
            least_score: number(4)?,
        })
    }

    fn corners(&self, format: BoundingBoxFormat, item: usize, index: usize, class: usize) -> Corners {
        let class = if self.box_classes == 1 { 0 } else { class };
        let at = ((item * self.count + index) * self.box_classes + class) * 4;
        Corners::new(format, &self.boxes[at..at + 4])
    }
}

impl Nms {
    /// Rows of (batch item, class, box): items in order, the best scores of an item first, equal ones in the order of boxes and classes.
    fn select(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Vec<[usize; 3]>> {
        let boxes = Boxes::new(inputs)?;
        let mut selected = Vec::new();
        for item in 0..boxes.batch {
            let scores = &boxes.scores[item * boxes.count * boxes.classes..][..boxes.count * boxes.classes];
            let mut candidates: Vec<usize> = (0..scores.len()).filter(|&i| scores[i] > boxes.least_score).collect();
            candidates.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            if let Ok(limit) = usize::try_from(self.limit) {
                candidates.truncate(limit);
            }
            let mut kept: Vec<Vec<Corners>> = vec![Vec::new(); boxes.classes];
            for candidate in candidates {
                let (index, class) = (candidate / boxes.classes, candidate % boxes.classes);
                if kept[class].len() >= boxes.most {
                    continue;
                }
                let corners = boxes.corners(self.format, item, index, class);
                if !kept[class].iter().any(|better| better.overlaps(&corners, boxes.overlap)) {
                    kept[class].push(corners);
                    selected.push([item, class, index]);
                }
            }
        }
        Ok(selected)
    }
}

impl Kernel for Nms {
    fn output_dims(&self, inputs: &[Option<TensorView<'_>>]) -> Result<Option<Vec<Dims>>> {
        let count = i64::try_from(self.select(inputs)?.len()).unwrap_or(i64::MAX);
        Ok(Some(vec![Dims::new(&[count, 3])?, Dims::scalar()]))
    }

    fn run(&self, call: &mut Call<'_, '_>) -> Result<()> {
        let selected = self.select(call.inputs)?;
        same_count(selected.len() * 3, call.output(0)?.len())?;
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        store(selected.iter().flatten().map(|&n| number(n)), call.output(0)?)?;
        store(std::iter::once(number(selected.len())), call.output(1)?)
    }
}

#[cfg(test)]
mod tests {
    use tensorrt_sys::DataType;

    use super::*;
    use crate::ops::testing::tensor;

    fn select(nms: &Nms, boxes: &[f32], scores: &[f32], classes: i64, most: i32, overlap: f32) -> Vec<[usize; 3]> {
        let count = i64::try_from(boxes.len() / 4).unwrap();
        let (boxes, scores) = (tensor(&[1, count, 4], boxes), tensor(&[1, count, classes], scores));
        let (most, overlap) = (tensor(&[], &[most]), tensor(&[], &[overlap]));
        let views = [&boxes, &scores, &most, &overlap].map(|t| Some(t.view()));
        let dims = nms.output_dims(&views).unwrap().unwrap();
        let selected = nms.select(&views).unwrap();
        assert_eq!(dims[0][..], [i64::try_from(selected.len()).unwrap(), 3]);
        assert_eq!(most.dtype(), DataType::Int32);
        selected
    }

    #[test]
    fn the_best_boxes_of_each_class_survive() {
        let nms = Nms { format: BoundingBoxFormat::CornerPairs, limit: 5000 };
        // The second box overlaps the first (with its corners swapped), the third is apart.
        let boxes = [0.0, 0.0, 1.0, 1.0, 1.1, 1.0, 0.1, 0.0, 5.0, 5.0, 6.0, 6.0];
        let scores = [0.5, 0.9, 0.6, 0.2, 0.7, 0.0];
        assert_eq!(select(&nms, &boxes, &scores, 2, 9, 0.5), [[0, 1, 0], [0, 0, 2], [0, 0, 1]]);
        assert_eq!(select(&nms, &boxes, &scores, 2, 1, 0.5), [[0, 1, 0], [0, 0, 2]]);
        assert_eq!(select(&nms, &boxes, &scores, 2, 9, 0.95).len(), 5);
        assert!(select(&nms, &boxes, &scores, 2, 0, 0.5).is_empty());
        let few = Nms { limit: 2, ..nms };
        assert_eq!(select(&few, &boxes, &scores, 2, 9, 0.95), [[0, 1, 0], [0, 0, 2]]);
        let centers = Nms { format: BoundingBoxFormat::CenterSizes, limit: -1 };
        let boxes = [0.5, 0.5, 1.0, 1.0, 0.5, 0.6, 1.0, 1.0, 5.5, 5.5, 1.0, 1.0];
        assert_eq!(select(&centers, &boxes, &[0.9, 0.8, 0.7], 1, 9, 0.5), [[0, 0, 0], [0, 0, 2]]);
    }
}
