//! Attention: TensorRT's own where it has the node's form, matrix products and softmax where it has not.

mod bias;
mod scores;

use tensorrt_sys::{AttentionNormalizationOp, CausalMaskKind, DataType, ElementWiseOperation as Op, UnaryOperation};

use super::super::context::{Context, Outputs};
use super::super::scope::Value;
use super::super::shapes::Shape;
use super::Table;
use crate::graph::{Attention, TensorId};
use crate::onnx::data_type;
use crate::onnx::error::{Refusal, Result};

pub(super) const OPS: Table = &[("Attention", attention)];

/// The attributes.
#[derive(Debug)]
struct Form {
    causal: bool,
    /// How many keys before and after its own position a query sees; `None` for all.
    window: [Option<i64>; 2],
    softcap: f32,
    precision: Option<DataType>,
    /// What the last output shows; `None` where it is not wanted.
    shown: Option<i64>,
}

impl Form {
    fn read(c: &Context<'_>) -> Result<Self> {
        let side = |name: &str| match c.int_or(name, -1)? {
            -1 => Ok(None),
            size if size >= 0 => Ok(Some(size)),
            size => Err(Refusal::invalid(format!("{name} = {size}"))),
        };
        let precision = match c.int("softmax_precision")? {
            None => None,
            // TensorRT has no doubles: their softmax is computed in float.
            Some(11) => Some(DataType::Float),
            Some(dtype) => Some(data_type::convert(i32::try_from(dtype).unwrap_or(i32::MAX))?),
        };
        let mode = c.int_or("qk_matmul_output_mode", 0)?;
        if !(0..=3).contains(&mode) {
            return Err(Refusal::invalid(format!("qk_matmul_output_mode = {mode}")));
        }
        let softcap = c.float_or("softcap", 0.0)?;
        if !(softcap >= 0.0 && softcap.is_finite()) {
            return Err(Refusal::invalid(format!("softcap = {softcap}")));
        }
        Ok(Self {
            causal: c.int_or("is_causal", 0)? != 0,
            window: [side("left_window_size")?, side("right_window_size")?],
            softcap,
            precision,
            shown: c.wants(3).then_some(mode),
        })
    }
}

/// The tensors, all of [batch, heads, tokens, size]; query and key are scaled.
#[derive(Debug)]
struct Parts {
    q: TensorId,
    k: TensorId,
    v: TensorId,
    mask: Option<TensorId>,
    /// The number of tokens of the past, and that alone of the key where there is a past.
    past: Option<(Shape, i64)>,
    /// How many keys of each batch entry count.
    lengths: Option<TensorId>,
}

fn attention(c: &mut Context<'_>) -> Result<Outputs> {
    let form = Form::read(c)?;
    let (q_heads, k_heads) = (c.int("q_num_heads")?, c.int("kv_num_heads")?);
    let flat = c.input(0)?;
    let (q, k, v) = (heads(c, 0, q_heads)?, heads(c, 1, k_heads)?, heads(c, 2, k_heads)?);
    let new_keys = c.dims(k)[2];
    let (k, v, past) = match (c.optional(4)?, c.optional(5)?) {
        (None, None) => (k, v, None),
        (Some(past_key), Some(past_value)) => {
            let extents = c.shape_of(past_key)?;
            let length = c.shape_pick(&extents, &[2])?;
            (c.concat(&[past_key, k], 2)?, c.concat(&[past_value, v], 2)?, Some((length, new_keys)))
        }
        _ => return Err(Refusal::invalid("past_key and past_value come together")),
    };
    let root = root_of_scale(c, q)?;
    let mask = match c.optional(3)? {
        Some(mask) => Some(bias::aligned(c, mask, k)?),
        None => None,
    };
    let lengths = c.optional(6)?;
    if lengths.is_some() && past.is_some() {
        return Err(Refusal::invalid("nonpad_kv_seqlen and a past exclude one another"));
    }
    let scaled = c.binary(Op::Prod, q, root)?;
    let key = c.binary(Op::Prod, k, root)?;
    let parts = Parts { q: scaled, k: key, v, mask, past, lengths };
    let (mut y, shown) = match fused(c, &form, &parts)? {
        Some(y) => (y, None),
        None => scores::attention(c, &form, &parts)?,
    };
    if c.rank(flat) == 3 {
        let extents = c.shape_of(flat)?;
        let outer = c.shape_pick(&extents, &[0, 1])?;
        let hidden = Shape::Known(vec![c.dims(q)[1].saturating_mul(c.dims(v)[3])]);
        let joined = c.shape_concat(&[outer, hidden])?;
        y = c.transpose(y, &[0, 2, 1, 3])?;
        y = c.reshape_to(y, &joined)?;
    }
    let outputs = [Some(y), Some(k), Some(v), shown];
    Ok(outputs.into_iter().flatten().map(Value::Tensor).collect())
}

/// Input `index` as [batch, heads, tokens, size].
fn heads(c: &mut Context<'_>, index: usize, heads: Option<i64>) -> Result<TensorId> {
    let x = c.input(index)?;
    let split = match c.rank(x) {
        4 => x,
        3 => {
            let heads = heads.filter(|&heads| heads > 0);
            let heads = heads.ok_or_else(|| Refusal::invalid("inputs of rank 3 need q_num_heads and kv_num_heads"))?;
            let hidden = c.dims(x)[2];
            if hidden < 0 {
                let text = format!("the last extent of input {index} must be known when the model is parsed");
                return Err(Refusal::dynamic(text));
            }
            if hidden % heads != 0 {
                return Err(Refusal::invalid(format!("{heads} heads do not divide {hidden} (input {index})")));
            }
            let extents = c.shape_of(x)?;
            let outer = c.shape_pick(&extents, &[0, 1])?;
            let split = c.shape_concat(&[outer, Shape::Known(vec![heads, hidden / heads])])?;
            let x = c.reshape_to(x, &split)?;
            c.transpose(x, &[0, 2, 1, 3])?
        }
        rank => return Err(Refusal::shape(format!("input {index} has rank {rank}, not 3 or 4"))),
    };
    Ok(split)
}

/// The factor of query and of key: the root of the scale, whose default is 1 / √size.
fn root_of_scale(c: &mut Context<'_>, q: TensorId) -> Result<TensorId> {
    let (dtype, size) = (c.dtype(q), c.dims(q)[3]);
    if c.has_attribute("scale") {
        let scale = f64::from(c.float_or("scale", 0.0)?);
        if scale.is_nan() || scale < 0.0 {
            return Err(Refusal::attribute(format!("scale = {scale} is not supported")));
        }
        return c.number(dtype, scale.sqrt(), 4);
    }
    if size >= 0 {
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        return c.number(dtype, (size as f64).sqrt().recip().sqrt(), 4);
    }
    let extents = c.shape_of(q)?;
    let size = c.shape_pick(&extents, &[3])?;
    let size = c.shape_tensor(&size)?;
    let size = c.cast(size, DataType::Float)?;
    let root = c.unary(UnaryOperation::Sqrt, size)?;
    let inverse = c.unary(UnaryOperation::Recip, root)?;
    let root = c.unary(UnaryOperation::Sqrt, inverse)?;
    let root = c.cast(root, dtype)?;
    c.reshape(root, &[1, 1, 1, 1])
}

/// TensorRT's attention, where it has the node's form.
fn fused(c: &mut Context<'_>, form: &Form, parts: &Parts) -> Result<Option<TensorId>> {
    let (q, k, v) = (c.dims(parts.q), c.dims(parts.k), c.dims(parts.v));
    // With a past, the query's first token is the first after it.
    let aligned = parts.past.as_ref().is_none_or(|&(_, new)| new >= 0 && new == q[2]);
    let expressible = form.shown.is_none()
        && form.softcap == 0.0
        && form.precision.is_none()
        && form.window == [None, None]
        && k == v
        && q[3] == k[3]
        && q[1].checked_rem(k[1]) == Some(0)
        && !(form.causal && (parts.mask.is_some() || !aligned))
        && !(parts.mask.is_some() && parts.lengths.is_some());
    if !expressible {
        let known = |dims: &crate::tensor::Dims| dims[1] > 0 && dims[3] > 0;
        if !(known(&q) && known(&k) && known(&v)) {
            let text = format!(
                "the heads of {q}, {k} and {v} must be known when a model with this form of Attention is parsed"
            );
            return Err(Refusal::dynamic(text));
        }
        return Ok(None);
    }
    let causal = match (form.causal, parts.past.is_some() || parts.lengths.is_some()) {
        (false, _) => CausalMaskKind::None,
        (true, false) => CausalMaskKind::UpperLeft,
        (true, true) => CausalMaskKind::LowerRight,
    };
    let name = match (c.node.name.as_str(), c.node.output.first()) {
        ("", Some(output)) => format!("node_of_{output}"),
        (name, _) => name.to_owned(),
    };
    let attention = Attention { name, ..Attention::new(AttentionNormalizationOp::Softmax, causal) };
    let lengths = match parts.lengths {
        Some(lengths) => Some(c.cast(lengths, DataType::Int32)?),
        None => None,
    };
    let mut inputs = vec![Some(parts.q), Some(parts.k), Some(parts.v), parts.mask, None, None, lengths];
    while inputs.last() == Some(&None) {
        inputs.pop();
    }
    let layer = c.network.add_attention(attention, inputs)?;
    let output = c.network.graph().attention_output(layer).map(|id| c.network.graph().layer(id).outputs[0]);
    Ok(output)
}
