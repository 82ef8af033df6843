//! Inputs beyond the largest batch of a profile, run in batches.

use super::{Outputs, Session, TensorView};
use crate::dims::Dims;
use crate::engine::TensorSelector;
use crate::error::{Error, ErrorKind, Result};

impl Session {
    /// Runs inputs of any batch: those beyond the profile's largest are run in batches, and the outputs concatenated.
    ///
    /// The batch is the first axis of every input that has it dynamic, and of every output. That is right for models that treat the
    /// entries of a batch independently of each other. Other inputs are the same in every batch.
    ///
    /// # Errors
    ///
    /// As for [`Session::run`]; also `ShapeMismatch` if the inputs have different batches or an output has no batch, and
    /// `ShapeOutOfProfile` if the inputs cannot be divided into batches that the profile allows.
    pub fn predict_batch<'a, N, V>(&mut self, inputs: impl IntoIterator<Item = (N, V)>) -> Result<Outputs<'static>>
    where
        N: TensorSelector,
        V: Into<TensorView<'a>>,
    {
        let views = self.resolve(inputs)?;
        let batches = self.batches(&views)?;
        let Some((batched, sizes)) = batches.filter(|(_, sizes)| sizes.len() > 1) else {
            self.submit(&views)?;
            self.stream.completion()?.wait()?;
            return self.outputs().map(Outputs::into_owned);
        };
        let mut joined: Vec<Joined> = Vec::new();
        let mut start = 0;
        for size in sizes {
            let rows: Vec<Option<TensorView<'_>>> = views
                .iter()
                .zip(&batched)
                .map(|(view, batched)| view.as_ref().map(|v| if *batched { v.rows(start, size) } else { v.into() }))
                .collect();
            self.submit(&rows)?;
            self.stream.completion()?.wait()?;
            join(&mut joined, &self.outputs()?, size)?;
            start += size;
        }
        let mut outputs = Outputs::new();
        for output in joined {
            let batch = i64::try_from(start).unwrap_or(i64::MAX);
            outputs.push_owned(&output.name, output.data_type, output.shape.with_extent(0, batch), &output.bytes);
        }
        Ok(outputs)
    }

    /// Which tensors have a batch, and the sizes of the batches to run; none if no input has a dynamic batch.
    fn batches(&self, views: &[Option<TensorView<'_>>]) -> Result<Option<(Vec<bool>, Vec<usize>)>> {
        let profile = self.context.optimization_profile();
        let (mut batched, mut bounds, mut batch) = (vec![false; views.len()], (0, usize::MAX), None);
        for ((info, view), batched) in self.engine().io_tensors().iter().zip(views).zip(&mut batched) {
            let (Some(view), Some(range)) = (view, info.profile_shapes(profile)) else { continue };
            if info.shape().first().is_none_or(|extent| *extent >= 0) {
                continue;
            }
            let Some(given) = view.shape().first().copied() else { continue };
            if *batch.get_or_insert(given) != given {
                let said =
                    format!("{:?} has a batch of {given}, another input one of {}", info.name(), batch.unwrap_or(0));
                return Err(Error::new(ErrorKind::ShapeMismatch, "run in batches", said));
            }
            *batched = true;
            let extent = |dims: &Dims| dims.first().and_then(|extent| usize::try_from(*extent).ok()).unwrap_or(0);
            bounds = (bounds.0.max(extent(&range.min)), bounds.1.min(extent(&range.max)));
        }
        batch.map(|batch| Ok((batched, divide(batch, bounds)?))).transpose()
    }
}

/// Divides a batch into as few parts within the bounds as can be, of nearly equal sizes.
fn divide(batch: usize, (min, max): (usize, usize)) -> Result<Vec<usize>> {
    if batch <= max || max == 0 {
        return Ok(vec![batch]);
    }
    let parts = batch.div_ceil(max);
    let (size, larger) = (batch / parts, batch % parts);
    if size < min {
        let said = format!("{batch} cannot be divided into batches of {min} to {max}");
        return Err(Error::new(ErrorKind::ShapeOutOfProfile, "run in batches", said));
    }
    Ok((0..parts).map(|part| size + usize::from(part < larger)).collect())
}

/// An output of all batches so far.
struct Joined {
    name: String,
    data_type: crate::DataType,
    shape: Dims,
    bytes: Vec<u8>,
}

/// Appends the outputs of a batch.
fn join(joined: &mut Vec<Joined>, outputs: &Outputs<'_>, size: usize) -> Result<()> {
    for (index, name) in outputs.names().enumerate() {
        let (shape, bytes) = (outputs.shape(name)?, outputs.bytes(name)?);
        let tried = || format!("concatenate the batches of {name:?}");
        if shape.first().copied() != i64::try_from(size).ok() {
            let said = format!("its shape {shape} does not begin with the batch of {size}");
            return Err(Error::new(ErrorKind::ShapeMismatch, tried(), said));
        }
        let Some(output) = joined.get_mut(index) else {
            let data_type = outputs.data_type(name)?;
            joined.push(Joined { name: name.to_owned(), data_type, shape, bytes: bytes.to_vec() });
            continue;
        };
        if output.shape[1..] != shape[1..] {
            let said = format!("batches have the shapes {} and {shape}", output.shape);
            return Err(Error::new(ErrorKind::ShapeMismatch, tried(), said));
        }
        output.bytes.extend_from_slice(bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn batches_are_nearly_equal_and_within_bounds() {
        assert_eq!(divide(8, (1, 8)).unwrap(), [8]);
        assert_eq!(divide(9, (1, 8)).unwrap(), [5, 4]);
        assert_eq!(divide(20, (4, 8)).unwrap(), [7, 7, 6]);
        assert!(divide(9, (5, 8)).is_err());
        assert_eq!(divide(0, (1, 8)).unwrap(), [0]);
    }
}
