//! Arithmetic on known elements, exactly as the layers compute it; what overflows or is not defined becomes unknown.

use tensorrt_sys::{DataType, ElementWiseOperation, ReduceOperation, UnaryOperation};

use super::{broadcast, elements};
use crate::graph::ValueInfo;

/// Follows a cast.
pub(super) fn cast(output: &mut ValueInfo, input: &ValueInfo) {
    let to_bool = output.dtype == DataType::Bool;
    if input.elements.is_some() {
        elements::fill_ints(output, |i| elements::int(input, i).map(|v| if to_bool { (v != 0).into() } else { v }));
        #[expect(clippy::cast_precision_loss, reason = "the cast layer rounds to the nearest float as well")]
        elements::fill_floats(output, |i| elements::int(input, i).map(|v| v as f32));
    }
    if input.floats.is_some() {
        elements::fill_floats(output, |i| elements::float(input, i));
        elements::fill_ints(output, |i| {
            let v = elements::float(input, i)?;
            if to_bool {
                return Some((v != 0.0).into());
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the cast layer truncates toward zero; the range is checked"
            )]
            (v.abs() < 9.0e18).then_some(v.trunc() as i64)
        });
    }
}

/// Follows an elementwise operation.
pub(super) fn elementwise(output: &mut ValueInfo, op: ElementWiseOperation, a: &ValueInfo, b: &ValueInfo) {
    let result = output.clone();
    let at = |input: &ValueInfo, i| broadcast::index_of(&result, input, i);
    if a.elements.is_some() || b.elements.is_some() {
        elements::fill_ints(output, |i| ints(op, elements::int(a, at(a, i)), elements::int(b, at(b, i))));
    }
    if a.floats.is_some() && b.floats.is_some() {
        let pair = |i| Some((elements::float(a, at(a, i))?, elements::float(b, at(b, i))?));
        elements::fill_floats(output, |i| pair(i).and_then(|(x, y)| floats(op, x, y)));
        elements::fill_ints(output, |i| pair(i).and_then(|(x, y)| compare(op, x.partial_cmp(&y)?)));
    }
}

fn compare(op: ElementWiseOperation, order: std::cmp::Ordering) -> Option<i64> {
    match op {
        ElementWiseOperation::Equal => Some(order.is_eq().into()),
        ElementWiseOperation::Greater => Some(order.is_gt().into()),
        ElementWiseOperation::Less => Some(order.is_lt().into()),
        _ => None,
    }
}

fn ints(op: ElementWiseOperation, a: Option<i64>, b: Option<i64>) -> Option<i64> {
    use ElementWiseOperation as Op;
    match (op, a, b) {
        (Op::Prod, Some(0), _) | (Op::Prod, _, Some(0)) | (Op::And, Some(0), _) | (Op::And, _, Some(0)) => {
            return Some(0);
        }
        (Op::Or, Some(1), _) | (Op::Or, _, Some(1)) => return Some(1),
        _ => {}
    }
    let (a, b) = (a?, b?);
    match op {
        Op::Sum => a.checked_add(b),
        Op::Prod => a.checked_mul(b),
        Op::Max => Some(a.max(b)),
        Op::Min => Some(a.min(b)),
        Op::Sub => a.checked_sub(b),
        Op::Div => a.checked_div(b),
        Op::FloorDiv => {
            let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
            Some(if rest != 0 && (rest < 0) != (b < 0) { quotient - 1 } else { quotient })
        }
        Op::Pow => a.checked_pow(u32::try_from(b).ok()?),
        Op::And => Some(a & b),
        Op::Or => Some(a | b),
        Op::Xor => Some(a ^ b),
        Op::Equal | Op::Greater | Op::Less => compare(op, a.cmp(&b)),
        _ => None,
    }
}

fn floats(op: ElementWiseOperation, a: f32, b: f32) -> Option<f32> {
    use ElementWiseOperation as Op;
    match op {
        Op::Sum => Some(a + b),
        Op::Prod => Some(a * b),
        Op::Max => Some(a.max(b)),
        Op::Min => Some(a.min(b)),
        Op::Sub => Some(a - b),
        Op::Div => Some(a / b),
        Op::FloorDiv => Some((a / b).floor()),
        _ => None,
    }
}

/// Follows a unary operation.
pub(super) fn unary(output: &mut ValueInfo, op: UnaryOperation, input: &ValueInfo) {
    use UnaryOperation as Op;
    if input.elements.is_some() {
        elements::fill_ints(output, |i| {
            let v = elements::int(input, i)?;
            match op {
                Op::Abs => v.checked_abs(),
                Op::Neg => v.checked_neg(),
                Op::Sign => Some(v.signum()),
                Op::Not => Some((v == 0).into()),
                _ => None,
            }
        });
    }
    if input.floats.is_some() {
        elements::fill_floats(output, |i| {
            let v = elements::float(input, i)?;
            match op {
                Op::Abs => Some(v.abs()),
                Op::Neg => Some(-v),
                Op::Floor => Some(v.floor()),
                Op::Ceil => Some(v.ceil()),
                Op::Round => Some(v.round_ties_even()),
                Op::Recip => Some(1.0 / v),
                Op::Sqrt => Some(v.sqrt()),
                _ => None,
            }
        });
    }
}

/// The reduction of known integers; `None` where it is unknown, undefined or overflows.
pub(super) fn reduce(op: ReduceOperation, values: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    let values: Vec<i64> = values.collect::<Option<_>>()?;
    match op {
        ReduceOperation::Sum => values.iter().try_fold(0i64, |sum, &v| sum.checked_add(v)),
        ReduceOperation::Prod => values.iter().try_fold(1i64, |product, &v| product.checked_mul(v)),
        ReduceOperation::Max => values.iter().copied().max(),
        ReduceOperation::Min => values.iter().copied().min(),
        _ => None,
    }
}
