//! The activation functions of the gates, which may differ between the directions.

use tensorrt_sys::{ActivationType, ElementWiseOperation};

use crate::graph::TensorId;
use crate::onnx::error::{Refusal, Result};
use crate::onnx::importer::context::Context;

/// A function of `activations`, with its alpha and beta.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    /// alpha · x + beta
    Affine(f32, f32),
    Layer(ActivationType, f32, f32),
}

/// The functions of a recurrent operator, those of the first direction first, with the bound of what they take.
#[derive(Debug)]
pub(super) struct Activations {
    functions: Vec<Function>,
    each: usize,
    clip: Option<f32>,
}

impl Activations {
    /// The functions of a node whose directions have the functions `defaults` unless it names others.
    ///
    /// # Errors
    /// A function is not known, or there are too few.
    pub(super) fn new(c: &Context<'_>, directions: usize, defaults: &[&str]) -> Result<Self> {
        let names = c.strings("activations")?;
        let names: Vec<String> = match names {
            Some(names) if !names.is_empty() => names,
            _ => defaults.iter().cycle().take(defaults.len() * directions).map(|&name| name.to_owned()).collect(),
        };
        if names.len() != defaults.len() * directions {
            let (got, wanted) = (names.len(), defaults.len() * directions);
            return Err(Refusal::invalid(format!("there are {got} activations, not {wanted}")));
        }
        let mut alphas = c.floats("activation_alpha")?.unwrap_or_default().into_iter();
        let mut betas = c.floats("activation_beta")?.unwrap_or_default().into_iter();
        let mut functions = Vec::with_capacity(names.len());
        for name in &names {
            functions.push(function(name, &mut alphas, &mut betas)?);
        }
        let clip = if c.has_attribute("clip") { Some(c.float_or("clip", 0.0)?) } else { None };
        let clip = clip.filter(|&bound| bound > 0.0);
        Ok(Self { functions, each: defaults.len(), clip })
    }

    /// Function `index` of each direction over what has a row for each direction.
    pub(super) fn apply(&self, c: &mut Context<'_>, index: usize, x: TensorId) -> Result<TensorId> {
        let x = match self.clip {
            Some(bound) => c.activation(ActivationType::Clip, x, -bound, bound)?,
            None => x,
        };
        let of_directions: Vec<Function> = self.functions.iter().skip(index).step_by(self.each).copied().collect();
        match *of_directions {
            [forward, backward] if forward != backward => {
                let rows = [c.row(x, 0)?, c.row(x, 1)?];
                let rows = [apply(c, forward, rows[0])?, apply(c, backward, rows[1])?];
                c.concat(&rows, 0)
            }
            [function, ..] => apply(c, function, x),
            [] => Ok(x),
        }
    }
}

fn apply(c: &mut Context<'_>, function: Function, x: TensorId) -> Result<TensorId> {
    match function {
        Function::Affine(alpha, beta) => {
            let scaled = c.binary_scalar(ElementWiseOperation::Prod, x, f64::from(alpha))?;
            c.binary_scalar(ElementWiseOperation::Sum, scaled, f64::from(beta))
        }
        Function::Layer(op, alpha, beta) => c.activation(op, x, alpha, beta),
    }
}

/// A function by name in any case, which takes its alpha and beta from those that are left.
fn function(
    name: &str,
    alphas: &mut impl Iterator<Item = f32>,
    betas: &mut impl Iterator<Item = f32>,
) -> Result<Function> {
    let mut alpha = |default| alphas.next().unwrap_or(default);
    let mut beta = |default| betas.next().unwrap_or(default);
    Ok(match name.to_ascii_lowercase().as_str() {
        "affine" => Function::Affine(alpha(1.0), beta(0.0)),
        "elu" => Function::Layer(ActivationType::Elu, alpha(1.0), 0.0),
        "hardsigmoid" => Function::Layer(ActivationType::HardSigmoid, alpha(0.2), beta(0.5)),
        "leakyrelu" => Function::Layer(ActivationType::LeakyRelu, alpha(0.01), 0.0),
        "relu" => Function::Layer(ActivationType::Relu, 0.0, 0.0),
        "scaledtanh" => Function::Layer(ActivationType::ScaledTanh, alpha(1.0), beta(1.0)),
        "sigmoid" => Function::Layer(ActivationType::Sigmoid, 0.0, 0.0),
        "softplus" => Function::Layer(ActivationType::Softplus, 1.0, 1.0),
        "softsign" => Function::Layer(ActivationType::Softsign, 0.0, 0.0),
        "tanh" => Function::Layer(ActivationType::Tanh, 0.0, 0.0),
        "thresholdedrelu" => Function::Layer(ActivationType::ThresholdedRelu, alpha(1.0), 0.0),
        _ => return Err(Refusal::attribute(format!("the activation {name} is not supported"))),
    })
}
