//! What an engine is run on: the shapes of its inputs, and their contents from files or at random.

mod npy;
mod random;

use std::path::Path;

use tensorrt::{DataType, Dims, Engine, TensorInfo, TensorLocation};

use self::npy::Npy;
use crate::failure::{Failure, Result};
use crate::options::{InferenceOptions, Shape};
use crate::values;

/// The shape of one input, and its values if it is itself a shape.
#[derive(Debug, Clone)]
pub(crate) struct InputShape {
    pub(crate) dims: Dims,
    pub(crate) values: Option<Vec<i64>>,
}

/// The shapes of an engine's inputs, in their order: those of `--shapes`, else the profile's optimum.
pub(crate) fn shapes(engine: &Engine, options: &InferenceOptions) -> Result<Vec<InputShape>> {
    for (name, shape) in options.shapes.iter().flat_map(|list| &list.0) {
        known(engine, name, || format!("--shapes={name}:{shape}"))?;
    }
    for (name, path) in options.load_inputs.iter().flat_map(|list| &list.0) {
        known(engine, name, || format!("--loadInputs={name}:{}", path.display()))?;
    }
    engine.inputs().map(|info| shape(engine, info, options)).collect()
}

fn shape(engine: &Engine, info: &TensorInfo, options: &InferenceOptions) -> Result<InputShape> {
    let given = options.shapes.as_ref().and_then(|list| list.get(info.name()));
    if info.location() == TensorLocation::Host {
        let file = options.load_inputs.as_ref().and_then(|list| list.get(info.name()));
        let values = match (file, given) {
            (Some(path), _) => Some(integers(info, path)?),
            (None, Some(Shape(values))) => Some(values.clone()),
            (None, None) => engine.profile_values(info.name(), 0, tensorrt::OptProfileSelector::Opt)?,
        };
        return Ok(InputShape { dims: info.shape(), values });
    }
    let dims = match (given, info.profile_shapes(0)) {
        (Some(Shape(extents)), _) => Dims::new(extents)?,
        (None, Some(range)) if info.shape().is_dynamic() => range.opt,
        (None, _) => info.shape(),
    };
    Ok(InputShape { dims, values: None })
}

/// The elements of a file for an input that is a shape.
fn integers(info: &TensorInfo, path: &Path) -> Result<Vec<i64>> {
    let tried = || format!("load the input {:?} from {}", info.name(), path.display());
    let width = match info.data_type() {
        DataType::Int32 => 4,
        DataType::Int64 => 8,
        other => {
            return Err(Failure::new(tried(), format_args!("values of {} are not supported", values::name(other))));
        }
    };
    let count = info
        .shape()
        .volume()
        .ok_or_else(|| Failure::new(tried(), "the engine does not say how many values the input has"))?;
    let file = std::fs::read(path).map_err(|error| Failure::io("read the input", path, &error))?;
    let mut bytes = vec![0; count * width];
    load(info.name(), info.data_type(), &info.shape(), path, &file, &mut bytes)?;
    let value = |element: &[u8]| {
        let sign = if element.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..element.len()].copy_from_slice(element);
        i64::from_le_bytes(wide)
    };
    Ok(bytes.chunks_exact(width).map(value).collect())
}

/// Refuses a name that no input has.
fn known(engine: &Engine, name: &str, given: impl Fn() -> String) -> Result<()> {
    if engine.inputs().any(|info| info.name() == name) {
        return Ok(());
    }
    let names: Vec<&str> = engine.inputs().map(TensorInfo::name).collect();
    Err(Failure::usage(given(), format_args!("the engine has no such input, but {names:?}")))
}

/// Writes the contents of an input: of its file, if it has one, else random values.
pub(crate) fn fill(info: &TensorInfo, dims: &Dims, seed: u64, options: &InferenceOptions, to: &mut [u8]) -> Result<()> {
    let Some(path) = options.load_inputs.as_ref().and_then(|list| list.get(info.name())) else {
        random::fill(info.data_type(), to, seed);
        return Ok(());
    };
    let file = std::fs::read(path).map_err(|error| Failure::io("read the input", path, &error))?;
    load(info.name(), info.data_type(), dims, path, &file, to)
}

/// Copies a file's elements, if they are what the input takes.
fn load(name: &str, data_type: DataType, dims: &Dims, path: &Path, file: &[u8], to: &mut [u8]) -> Result<()> {
    let refuse = |said: String| Failure::new(format_args!("load the input {name:?} from {}", path.display()), said);
    let wanted = format!("{} and the shape {dims}", values::name(data_type));
    let elements = match Npy::read(file) {
        None => file,
        Some(array) => {
            let array = array.map_err(refuse)?;
            let fits = descr(data_type).is_some_and(|descr| descr == array.descr) && array.shape == dims.as_slice();
            if !fits {
                let hint = "give --shapes for another shape, and save another element type with numpy.astype";
                return Err(refuse(format!("it has {array}; the input takes {wanted}")).hint(hint));
            }
            array.data
        }
    };
    if elements.len() != to.len() {
        let said = format!("it has {} bytes of elements; the input takes {} ({wanted})", elements.len(), to.len());
        return Err(refuse(said));
    }
    to.copy_from_slice(elements);
    Ok(())
}

/// NumPy's name of an element type; none for those that NumPy lacks.
fn descr(data_type: DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Float => "<f4",
        DataType::Half => "<f2",
        DataType::Int8 => "|i1",
        DataType::Uint8 => "|u1",
        DataType::Bool => "|b1",
        DataType::Int32 => "<i4",
        DataType::Int64 => "<i8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::load;
    use std::path::Path;
    use tensorrt::{DataType, Dims};

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn try_load(file: &[u8]) -> Result<[u8; 8], String> {
        let mut to = [0; 8];
        let loaded = load("x", DataType::Float, &Dims::from([1, 2]), Path::new("x.npy"), file, &mut to);
        loaded.map(|()| to).map_err(|failure| failure.to_string())
    }

    #[test]
    fn files_of_both_kinds_are_loaded() {
        assert_eq!(try_load(&[7; 8]), Ok([7; 8]));
        assert_eq!(try_load(&npy("<f4", "(1, 2)", &[9; 8])), Ok([9; 8]));
    }

    #[test]
    fn errors_name_what_is_there_and_what_is_wanted() {
        let error = try_load(&npy("<f8", "(1, 2)", &[0; 16])).unwrap_err();
        assert!(error.contains("<f8") && error.contains("float32"), "{error}");
        let error = try_load(&npy("<f4", "(2, 2)", &[0; 16])).unwrap_err();
        assert!(error.contains("[2, 2]") && error.contains("[1, 2]"), "{error}");
        assert!(try_load(&[0; 9]).unwrap_err().contains("9 bytes of elements; the input takes 8"));
        assert!(try_load(&npy("<f4", "(1, 2)", &[0; 7])).unwrap_err().contains("7 bytes"));
    }
}
