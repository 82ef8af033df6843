//! Cases that are accepted, small and static also run.

use ndarray::ArrayD;
use tensorrt::{Builder, DataType, Dims, Engine, Result, Session, TensorView};

use crate::draft::Draft;
use crate::layers::Generator;
use crate::outcome;

/// The most elements that an input or output of a case that runs has.
const MOST: usize = 2000;

/// Runs a case; none where it is refused, not static, too large or of types that arrays do not have.
pub(crate) fn run(builder: &Builder, generator: Generator, seed: u64) -> Option<Result<()>> {
    let network = builder.create_network(&[]).unwrap();
    let mut draft = Draft::new(&network, seed);
    let layer = generator(&mut draft).ok()?;
    let mut inputs = Vec::new();
    for input in network.inputs().unwrap() {
        let dims = input.dims().ok()??;
        if dims.volume()? > MOST || input.is_shape_tensor().ok()? {
            return None;
        }
        inputs.push((input.name().unwrap(), input.data_type().unwrap(), dims));
    }
    let mut outputs = Vec::new();
    for output in layer.outputs().unwrap() {
        let dims = output.dims().ok()??;
        if dims.volume()? > MOST {
            return None;
        }
        outputs.push((output.name().unwrap(), dims));
    }
    let mut values = Vec::new();
    for (name, data_type, dims) in &inputs {
        let bits: Vec<u8> = (0..dims.volume()?).map(|_| u8::from(draft.random.one_in(2))).collect();
        values.push((name, Values::new(*data_type, dims, &bits)?));
    }
    let run = || {
        let engine = Engine::from_plan(builder.library(), &outcome::build(builder, generator, seed, 1)?)?;
        let mut session = Session::new(&engine)?;
        let results = session.run(values.iter().map(|(name, array)| (name.as_str(), array.view())))?;
        for (name, dims) in &outputs {
            assert_eq!(results.shape(name)?, *dims, "the extents of {name} in a run, seed {seed}");
        }
        Ok(())
    };
    Some(run())
}

macro_rules! arrays {
    ($($data_type:ident $element:ty = $of:expr;)*) => {
        /// An input of zeros and ones; of zeros where they may be indices.
        enum Values {
            $($data_type(ArrayD<$element>),)*
        }

        impl Values {
            fn new(data_type: DataType, dims: &Dims, bits: &[u8]) -> Option<Self> {
                let shape = dims.to_usize()?;
                match data_type {
                    $(DataType::$data_type => {
                        let elements = bits.iter().map($of).collect();
                        ArrayD::from_shape_vec(shape, elements).ok().map(Values::$data_type)
                    })*
                    _ => None,
                }
            }

            fn view(&self) -> TensorView<'_> {
                match self {
                    $(Values::$data_type(array) => array.into(),)*
                }
            }
        }
    };
}

arrays! {
    Float f32 = |&bit| f32::from(bit);
    Half half::f16 = |&bit| half::f16::from_f32(bit.into());
    Bf16 half::bf16 = |&bit| half::bf16::from_f32(bit.into());
    Int32 i32 = |_| 0;
    Int64 i64 = |_| 0;
    Int8 i8 = |_| 1;
    Bool bool = |&bit| bit == 1;
}
