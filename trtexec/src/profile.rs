//! The optimization profile that the shape options ask for.

use tensorrt::OptimizationProfile;

use crate::failure::{Failure, Result};
use crate::options::{BuildOptions, NamedList, Shape};

/// What a profile has to know of a network's input.
#[derive(Debug, Clone)]
pub(crate) struct NetworkInput {
    pub(crate) name: String,
    /// The extents, -1 where dynamic.
    pub(crate) dims: Vec<i64>,
    /// Whether its values are a shape, so that the options give values in place of dimensions.
    pub(crate) is_shape: bool,
}

impl NetworkInput {
    fn needs_range(&self) -> bool {
        self.is_shape || self.dims.iter().any(|extent| *extent < 0)
    }

    /// What is taken where nothing is given: 1 for each dynamic dimension, or for each value of a shape.
    fn default_shape(&self) -> Shape {
        if self.is_shape {
            let values = self.dims.iter().map(|extent| usize::try_from(*extent).unwrap_or(1)).product();
            return Shape(vec![1; values]);
        }
        Shape(self.dims.iter().map(|extent| if *extent < 0 { 1 } else { *extent }).collect())
    }

    /// Refuses a shape that the input cannot have.
    fn check(&self, option: &str, shape: &Shape) -> Result<()> {
        let given = || format!("{option}={}:{shape}", self.name);
        if self.is_shape {
            let values = self.default_shape().0.len();
            if shape.0.len() == values {
                return Ok(());
            }
            return Err(Failure::usage(given(), format_args!("the input is a shape of {values} values")));
        }
        let fits = shape.0.len() == self.dims.len()
            && shape.0.iter().zip(&self.dims).all(|(given, dim)| *dim < 0 || given == dim);
        if fits {
            return Ok(());
        }
        let dims: Vec<String> =
            self.dims.iter().map(|dim| if *dim < 0 { "?".to_owned() } else { dim.to_string() }).collect();
        let rank = if dims.is_empty() { "a scalar".to_owned() } else { dims.join("x") };
        Err(Failure::usage(given(), format_args!("the model's input is {rank}")))
    }
}

/// The profile of the options; none if no input needs one.
///
/// As in NVIDIA's tool: `--optShapes` alone stands for all three, without it `--minShapes` and `--maxShapes` make no range, `--shapes`
/// stands in where no range is given, and dynamic dimensions of which nothing is said are 1, with a warning.
pub(crate) fn profile(
    inputs: &[NetworkInput],
    build: &BuildOptions,
    shapes: Option<&NamedList<Shape>>,
) -> Result<Option<OptimizationProfile>> {
    let lists = [
        ("--minShapes", build.min_shapes.as_ref()),
        ("--optShapes", build.opt_shapes.as_ref()),
        ("--maxShapes", build.max_shapes.as_ref()),
        ("--shapes", shapes),
    ];
    for (option, list) in lists {
        for (name, shape) in list.iter().flat_map(|list| &list.0) {
            let Some(input) = inputs.iter().find(|input| input.name == *name) else {
                let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
                return Err(Failure::usage(
                    format_args!("{option}={name}:{shape}"),
                    format_args!("the model has no such input, but {names:?}"),
                ));
            };
            input.check(option, shape)?;
        }
    }
    let mut profile = OptimizationProfile::new();
    let mut needed = false;
    for input in inputs.iter().filter(|input| input.needs_range()) {
        needed = true;
        let of = |list: Option<&NamedList<Shape>>| list.and_then(|list| list.get(&input.name)).cloned();
        let (min, max) = (of(lists[0].1), of(lists[2].1));
        let (min, opt, max) = match (min, of(lists[1].1), max) {
            (Some(min), Some(opt), Some(max)) => (min, opt, max),
            (None, Some(opt), None) => (opt.clone(), opt.clone(), opt),
            (None, None, None) => {
                let only = of(shapes).unwrap_or_else(|| {
                    let default = input.default_shape();
                    log::warn!("no shapes are given for the dynamic input {:?}: {default} is taken", input.name);
                    default
                });
                (only.clone(), only.clone(), only)
            }
            (min, opt, max) => {
                let lacking = [("--minShapes", min), ("--optShapes", opt), ("--maxShapes", max)]
                    .into_iter()
                    .filter_map(|(option, shape)| shape.is_none().then_some(option));
                let lacking: Vec<&str> = lacking.collect();
                let said = format!("{} is missing; give all three, or --optShapes alone", lacking.join(" and "));
                return Err(Failure::usage(format_args!("use the shapes of {:?}", input.name), said));
            }
        };
        let with = if input.is_shape {
            profile.shape_values(&input.name, &min.0, &opt.0, &max.0)
        } else {
            profile.input(&input.name, &min.0, &opt.0, &max.0)
        };
        profile = with.map_err(|error| Failure::usage(error.tried(), error.said()))?;
    }
    Ok(needed.then_some(profile))
}

#[cfg(test)]
mod tests {
    use super::{NetworkInput, profile};
    use crate::options::Options;
    use clap::Parser;

    fn image() -> NetworkInput {
        NetworkInput { name: "image".into(), dims: vec![-1, 3, 8, 8], is_shape: false }
    }

    /// The three batch sizes, or the error.
    fn batches(inputs: &[NetworkInput], arguments: &[&str]) -> Result<[i64; 3], String> {
        let all = ["trtexec", "--onnx=m"].into_iter().chain(arguments.iter().copied());
        let options = Options::try_parse_from(all).unwrap();
        let profile = profile(inputs, &options.build, options.inference.shapes.as_ref());
        let profile = profile.map_err(|failure| failure.to_string())?.unwrap();
        let range = profile.range("image").unwrap();
        Ok([range.min[0], range.opt[0], range.max[0]])
    }

    #[test]
    fn defaults_are_nvidias() {
        let inputs = [image()];
        assert_eq!(batches(&inputs, &[]), Ok([1, 1, 1]));
        assert_eq!(batches(&inputs, &["--shapes=image:3x3x8x8"]), Ok([3, 3, 3]));
        assert_eq!(batches(&inputs, &["--optShapes=image:4x3x8x8", "--shapes=image:4x3x8x8"]), Ok([4, 4, 4]));
        let all = ["--minShapes=image:1x3x8x8", "--optShapes=image:2x3x8x8", "--maxShapes=image:8x3x8x8"];
        assert_eq!(batches(&inputs, &all), Ok([1, 2, 8]));
    }

    #[test]
    fn mistakes_name_option_input_and_model() {
        let inputs = [image()];
        let error = batches(&inputs, &["--minShapes=image:1x3x8x8"]).unwrap_err();
        assert!(error.contains("--optShapes and --maxShapes is missing"), "{error}");
        let error = batches(&inputs, &["--optShapes=pixels:1x3x8x8"]).unwrap_err();
        assert!(error.contains("no such input") && error.contains("\"image\""), "{error}");
        let error = batches(&inputs, &["--optShapes=image:1x4x8x8"]).unwrap_err();
        assert!(error.contains("--optShapes=image:1x4x8x8: the model's input is ?x3x8x8"), "{error}");
        let error =
            batches(&inputs, &["--minShapes=image:4x3x8x8", "--optShapes=image:2x3x8x8", "--maxShapes=image:8x3x8x8"]);
        assert!(error.unwrap_err().contains("does not hold"));
    }

    #[test]
    fn shapes_as_inputs_have_values() {
        let size = NetworkInput { name: "size".into(), dims: vec![2], is_shape: true };
        let options = Options::try_parse_from(["trtexec", "--onnx=m", "--optShapes=size:640x480"]).unwrap();
        let made = profile(std::slice::from_ref(&size), &options.build, None).unwrap().unwrap();
        assert_eq!(made.names().collect::<Vec<_>>(), ["size"]);
        let options = Options::try_parse_from(["trtexec", "--onnx=m", "--optShapes=size:640"]).unwrap();
        assert!(profile(&[size], &options.build, None).unwrap_err().to_string().contains("2 values"));
    }

    #[test]
    fn static_inputs_need_none() {
        let fixed = NetworkInput { name: "x".into(), dims: vec![1, 3], is_shape: false };
        let options = Options::try_parse_from(["trtexec", "--onnx=m"]).unwrap();
        assert!(profile(&[fixed], &options.build, None).unwrap().is_none());
    }
}
