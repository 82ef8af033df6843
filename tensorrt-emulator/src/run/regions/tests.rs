//! Loops and conditionals: what they compute, and which are refused.

use tensorrt_sys::{
    DataType, ElementWiseOperation, Family, GatherMode, LoopOutput, ReduceOperation, TripLimit, Version,
};

use crate::build::{BuildConfig, Quiet, build_engine};
use crate::graph::{LayerKind, LoopId, Quantization, TensorId};
use crate::memory::Storage;
use crate::network::Network;
use crate::plan::{Identity, Profile};
use crate::tensor::{Dims, Element, Tensor};
use crate::{Error, Result};

fn dims(extents: &[i64]) -> Dims {
    Dims::new(extents).unwrap()
}

/// A network under construction.
struct Net(Network);

impl Net {
    fn new() -> Self {
        Self(Network::new())
    }

    fn input(&mut self, name: &str, dtype: DataType, extents: &[i64]) -> TensorId {
        self.0.add_input(name, dtype, dims(extents)).unwrap()
    }

    fn constant<T: Element>(&mut self, extents: &[i64], values: &[T]) -> TensorId {
        self.0.add_constant("", &Tensor::from_slice(dims(extents), values).unwrap()).unwrap()
    }

    fn add(&mut self, kind: LayerKind, inputs: &[TensorId]) -> TensorId {
        self.0.add_one(kind, inputs.iter().copied().map(Some).collect()).unwrap()
    }

    fn elementwise(&mut self, op: ElementWiseOperation, a: TensorId, b: TensorId) -> TensorId {
        self.add(LayerKind::ElementWise { op }, &[a, b])
    }

    fn sum(&mut self, a: TensorId, b: TensorId) -> TensorId {
        self.elementwise(ElementWiseOperation::Sum, a, b)
    }

    fn limit(&mut self, loop_id: LoopId, limit: TripLimit, tensor: TensorId) {
        self.0.add(LayerKind::TripLimit { loop_id, limit }, vec![Some(tensor)]).unwrap();
    }

    fn count(&mut self, loop_id: LoopId, count: i32) {
        let count = self.constant(&[], &[count]);
        self.limit(loop_id, TripLimit::Count, count);
    }

    fn recurrence(&mut self, loop_id: LoopId, first: TensorId) -> TensorId {
        self.add(LayerKind::Recurrence { loop_id }, &[first])
    }

    fn next(&mut self, recurrence: TensorId, value: TensorId) {
        let (layer, _) = self.0.graph().tensor(recurrence).producer.unwrap();
        self.0.set_input(layer, 1, value).unwrap();
    }

    fn last(&mut self, loop_id: LoopId, recurrence: TensorId) -> TensorId {
        self.add(LayerKind::LoopOutput { loop_id, output: LoopOutput::LastValue, axis: 0 }, &[recurrence])
    }

    fn collect(&mut self, loop_id: LoopId, output: LoopOutput, value: TensorId, length: Option<i32>) -> TensorId {
        let mut inputs = vec![value];
        if let Some(length) = length {
            inputs.push(self.constant(&[], &[length]));
        }
        self.add(LayerKind::LoopOutput { loop_id, output, axis: 0 }, &inputs)
    }

    fn either(&mut self, condition: TensorId, on_true: TensorId, on_false: TensorId) -> TensorId {
        let conditional = self.0.add_conditional();
        self.0.set_condition(conditional, condition).unwrap();
        self.add(LayerKind::ConditionalOutput { conditional }, &[on_true, on_false])
    }

    /// Builds and runs with the outputs marked, on inputs in their order; both ways of running must agree where both can.
    fn run(mut self, outputs: &[TensorId], inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        for (index, &id) in outputs.iter().enumerate() {
            let own = self.0.graph().tensor(id).producer.is_some() && !self.0.graph().outputs.contains(&id);
            let id = if own { id } else { self.add(LayerKind::Identity, &[id]) };
            self.0.graph_mut().tensor_mut(id).name = format!("y{index}");
            self.0.mark_output(id);
        }
        let mut config = BuildConfig::new(Identity::new(Family::Trt11, Version::new(11, 4, 0)));
        let mut profile = Profile::default();
        for (&id, tensor) in self.0.graph().inputs.iter().zip(inputs) {
            let name = self.0.graph().tensor(id).name.clone();
            if tensor.dtype() != DataType::Float {
                let values = tensor.view().to_i64()?;
                profile.values.insert(name.clone(), [values.clone(), values.clone(), values]);
            }
            profile.dims.insert(name, [*tensor.dims(); 3]);
        }
        config.profiles = vec![profile];
        let engine = build_engine(&self.0, &config, &mut Quiet)?;
        let mut context = engine.create_context(None)?;
        for (index, tensor) in inputs.iter().enumerate() {
            context.set_input_shape(index, *tensor.dims())?;
        }
        let bytes: Vec<&[u8]> = inputs.iter().map(|tensor| &**tensor.storage()).collect();
        let first = context.run_dynamic(&bytes)?;
        let again = context.run_dynamic(&bytes)?;
        for (first, again) in first.iter().zip(&again) {
            assert_eq!(first.view().bytes(), again.view().bytes(), "a second run differs");
        }
        Ok(first)
    }
}

fn values<T: Element>(tensor: &Tensor) -> Vec<T> {
    tensor.view().as_slice::<T>().unwrap().to_vec()
}

fn message(outcome: Result<Vec<Tensor>>) -> String {
    outcome.map(|_| ()).map_err(|error: Error| error.to_string()).unwrap_err()
}

/// The rows of `x` summed one after another, with what each iteration has.
fn running_sums(net: &mut Net, x: TensorId, count: i32, reverse: bool) -> [TensorId; 3] {
    let l = net.0.add_loop();
    net.count(l, count);
    let row = net.add(LayerKind::Iterator { loop_id: l, axis: 0, reverse }, &[x]);
    let zero = net.constant(&[2], &[0f32, 0.]);
    let sum = net.recurrence(l, zero);
    let next = net.sum(sum, row);
    net.next(sum, next);
    let last = net.last(l, sum);
    let all = net.collect(l, LoopOutput::Concatenate, next, Some(count));
    let backwards = net.collect(l, LoopOutput::Reverse, sum, Some(count));
    [last, all, backwards]
}

#[test]
fn a_counted_loop_carries_iterates_and_collects() {
    for (reverse, last, all, backwards) in [
        (false, [9f32, 12.], [1f32, 2., 4., 6., 9., 12.], [4f32, 6., 1., 2., 0., 0.]),
        (true, [9., 12.], [5., 6., 8., 10., 9., 12.], [8., 10., 5., 6., 0., 0.]),
    ] {
        let mut net = Net::new();
        let x = net.input("x", DataType::Float, &[-1, 2]);
        let outputs = running_sums(&mut net, x, 3, reverse);
        let x = Tensor::from_slice(dims(&[3, 2]), &[1f32, 2., 3., 4., 5., 6.]).unwrap();
        let found = net.run(&outputs, &[x]).unwrap();
        assert_eq!(values::<f32>(&found[0]), last);
        assert_eq!((values::<f32>(&found[1]), *found[1].dims()), (all.to_vec(), dims(&[3, 2])));
        assert_eq!(values::<f32>(&found[2]), backwards);
    }
}

#[test]
fn no_iteration_leaves_the_first_values() {
    for count in [0, -3] {
        let mut net = Net::new();
        let l = net.0.add_loop();
        net.count(l, count);
        let first = net.constant(&[2], &[5f32, 6.]);
        let value = net.recurrence(l, first);
        let next = net.sum(value, value);
        net.next(value, next);
        let last = net.last(l, value);
        let all = net.collect(l, LoopOutput::Concatenate, next, Some(0));
        let found = net.run(&[last, all], &[]).unwrap();
        assert_eq!(values::<f32>(&found[0]), [5., 6.]);
        assert_eq!(*found[1].dims(), dims(&[0, 2]));
    }
}

/// Doubles a value until it exceeds `bound`; what the loop collects is as long as it ran.
fn doubling(net: &mut Net, bound: TensorId) -> [TensorId; 2] {
    let l = net.0.add_loop();
    let one = net.constant(&[], &[1i32]);
    let value = net.recurrence(l, one);
    let goes_on = net.elementwise(ElementWiseOperation::Less, value, bound);
    net.limit(l, TripLimit::While, goes_on);
    let next = net.sum(value, value);
    net.next(value, next);
    [net.last(l, value), net.collect(l, LoopOutput::Concatenate, value, None)]
}

#[test]
fn a_condition_is_asked_before_each_iteration() {
    for (bound, last, all) in [(20i32, 32, vec![1, 2, 4, 8, 16]), (1, 1, vec![]), (-5, 1, vec![])] {
        let mut net = Net::new();
        let input = net.input("bound", DataType::Int32, &[]);
        let outputs = doubling(&mut net, input);
        let bound = Tensor::from_slice(dims(&[]), &[bound]).unwrap();
        let found = net.run(&outputs, &[bound]).unwrap();
        assert_eq!(values::<i32>(&found[0]), [last]);
        assert_eq!(values::<i32>(&found[1]), all);
    }
}

#[test]
fn only_the_branch_that_is_taken_runs() {
    for taken in [true, false] {
        let mut net = Net::new();
        let condition = net.input("c", DataType::Bool, &[]);
        let x = net.input("x", DataType::Float, &[3]);
        // Out of range: whoever runs it fails.
        let at = net.constant(&[1], &[7i32]);
        let gather = LayerKind::Gather { axis: 0, num_elementwise_dims: 0, mode: GatherMode::Default };
        let wrong = net.add(gather, &[x, at]);
        let right = net.add(LayerKind::Reduce { op: ReduceOperation::Sum, axes: 1, keep_dims: true }, &[x]);
        let (on_true, on_false) = if taken { (right, wrong) } else { (wrong, right) };
        let y = net.either(condition, on_true, on_false);
        let given = [
            Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[u8::from(taken)])).unwrap(),
            Tensor::from_slice(dims(&[3]), &[1f32, 2., 3.]).unwrap(),
        ];
        let found = net.run(&[y], &given).unwrap();
        assert_eq!(values::<f32>(&found[0]), [6.]);
    }
}

#[test]
fn branches_may_differ_in_their_extents() {
    for taken in [true, false] {
        let mut net = Net::new();
        let condition = net.input("c", DataType::Bool, &[]);
        let x = net.input("x", DataType::Float, &[3]);
        let double = net.add(LayerKind::Concatenation { axis: 0 }, &[x, x]);
        let y = net.either(condition, double, x);
        let given = [
            Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[u8::from(taken)])).unwrap(),
            Tensor::from_slice(dims(&[3]), &[1f32, 2., 3.]).unwrap(),
        ];
        let found = net.run(&[y], &given).unwrap();
        assert_eq!(values::<f32>(&found[0]).len(), if taken { 6 } else { 3 });
    }
}

#[test]
fn loops_and_conditionals_lie_within_one_another() {
    // For i in 0..3: for j in 0..=1: total += i if i * j > 1 else 10.
    let mut net = Net::new();
    let outer = net.0.add_loop();
    net.count(outer, 3);
    let (zero, one) = (net.constant(&[], &[0i32]), net.constant(&[], &[1i32]));
    let i = net.recurrence(outer, zero);
    let total = net.recurrence(outer, zero);
    let inner = net.0.add_loop();
    net.count(inner, 2);
    let j = net.recurrence(inner, zero);
    let part = net.recurrence(inner, total);
    let product = net.elementwise(ElementWiseOperation::Prod, i, j);
    let large = net.elementwise(ElementWiseOperation::Greater, product, one);
    let ten = net.constant(&[], &[10i32]);
    let with_i = net.sum(part, i);
    let with_ten = net.sum(part, ten);
    let chosen = net.either(large, with_i, with_ten);
    let next_j = net.sum(j, one);
    net.next(j, next_j);
    net.next(part, chosen);
    let inner_total = net.last(inner, part);
    let next_i = net.sum(i, one);
    net.next(i, next_i);
    net.next(total, inner_total);
    let y = net.last(outer, total);
    let found = net.run(&[y], &[]).unwrap();
    assert_eq!(values::<i32>(&found[0]), [52]);
}

#[test]
fn a_loop_runs_in_a_branch_only() {
    for (taken, expected) in [(true, 32), (false, 7)] {
        let mut net = Net::new();
        let condition = net.input("c", DataType::Bool, &[]);
        let bound = net.constant(&[], &[20i32]);
        let [last, _] = doubling(&mut net, bound);
        let seven = net.constant(&[], &[7i32]);
        let other = net.sum(seven, seven);
        let minus = net.elementwise(ElementWiseOperation::Sub, other, seven);
        let y = net.either(condition, last, minus);
        let given = [Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[u8::from(taken)])).unwrap()];
        let found = net.run(&[y], &given).unwrap();
        assert_eq!(values::<i32>(&found[0]), [expected]);
    }
}

#[test]
fn a_count_is_an_input_and_a_length_follows_it() {
    for count in [0i32, 1, 4] {
        let mut net = Net::new();
        let n = net.input("n", DataType::Int32, &[]);
        let l = net.0.add_loop();
        net.limit(l, TripLimit::Count, n);
        let one = net.constant(&[1], &[1f32]);
        let value = net.recurrence(l, one);
        let next = net.sum(value, value);
        net.next(value, next);
        let all = net.add(LayerKind::LoopOutput { loop_id: l, output: LoopOutput::Concatenate, axis: 1 }, &[value, n]);
        let found = net.run(&[all], &[Tensor::from_slice(dims(&[]), &[count]).unwrap()]).unwrap();
        assert_eq!(*found[0].dims(), dims(&[1, count.into()]));
        let expected: Vec<f32> = (0..count).map(|at| 2f32.powi(at)).collect();
        assert_eq!(values::<f32>(&found[0]), expected);
    }
}

#[test]
fn what_is_incomplete_or_leaks_is_refused() {
    let start = || {
        let mut net = Net::new();
        let x = net.input("x", DataType::Float, &[2]);
        let l = net.0.add_loop();
        let value = net.recurrence(l, x);
        let next = net.sum(value, value);
        (net, l, value, next)
    };
    let given = || [Tensor::from_slice(dims(&[2]), &[1f32, 2.]).unwrap()];
    let (mut net, l, value, next) = start();
    net.next(value, next);
    let y = net.last(l, value);
    assert!(message(net.run(&[y], &given())).contains("no trip limit"));
    let (mut net, l, value, _) = start();
    net.count(l, 2);
    let y = net.last(l, value);
    assert!(message(net.run(&[y], &given())).contains("input 1"));
    let (mut net, l, value, next) = start();
    net.count(l, 2);
    net.next(value, next);
    let y = net.last(l, value);
    let text = message(net.run(&[y, next], &given()));
    assert!(text.contains("inside of the loop"), "{text}");
    let (mut net, l, value, next) = start();
    net.count(l, 2);
    net.count(l, 3);
    net.next(value, next);
    let y = net.last(l, value);
    assert!(message(net.run(&[y], &given())).contains("two trip limits"));
    let (mut net, l, value, next) = start();
    net.count(l, 2);
    net.next(value, next);
    let y = net.last(l, next);
    assert!(message(net.run(&[y], &given())).contains("no recurrence"));
    let mut net = Net::new();
    let x = net.input("x", DataType::Float, &[2, 2]);
    let [last, ..] = running_sums(&mut net, x, 5, false);
    let x = Tensor::from_slice(dims(&[2, 2]), &[1f32, 2., 3., 4.]).unwrap();
    assert!(message(net.run(&[last], &[x])).contains("beyond the 2 slices"));
}

#[test]
fn nesting_that_is_too_deep_is_refused() {
    for (depth, fits) in [(20, true), (200, false)] {
        let mut net = Net::new();
        let condition = net.input("c", DataType::Bool, &[]);
        let x = net.input("x", DataType::Float, &[2]);
        let mut y = net.sum(x, x);
        for _ in 0..depth {
            let other = net.sum(x, x);
            let more = net.sum(y, x);
            y = net.either(condition, more, other);
        }
        let given = [
            Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[1])).unwrap(),
            Tensor::from_slice(dims(&[2]), &[1f32, 2.]).unwrap(),
        ];
        match net.run(&[y], &given) {
            Ok(found) => assert_eq!((values::<f32>(&found[0])[0], fits), (2. + depth as f32, true)),
            Err(error) => assert!(!fits && error.to_string().contains("lie within one another"), "{error}"),
        }
    }
}

#[test]
fn a_reversed_iterator_starts_where_the_count_ends() {
    let mut net = Net::new();
    let x = net.input("x", DataType::Float, &[4]);
    let l = net.0.add_loop();
    net.count(l, 3);
    let element = net.add(LayerKind::Iterator { loop_id: l, axis: 0, reverse: true }, &[x]);
    let all = net.collect(l, LoopOutput::Concatenate, element, Some(3));
    let x = Tensor::from_slice(dims(&[4]), &[1f32, 2., 3., 4.]).unwrap();
    assert_eq!(values::<f32>(&net.run(&[all], &[x]).unwrap()[0]), [3., 2., 1.]);
}

#[test]
fn a_loop_that_cannot_end_is_an_error() {
    let mut net = Net::new();
    let goes_on = net.input("goes_on", DataType::Bool, &[]);
    let l = net.0.add_loop();
    net.limit(l, TripLimit::While, goes_on);
    let first = net.constant(&[], &[1f32]);
    let value = net.recurrence(l, first);
    let next = net.sum(value, value);
    net.next(value, next);
    let last = net.last(l, value);
    let goes_on = Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[1])).unwrap();
    let found = message(net.run(&[last], &[goes_on]));
    assert!(found.contains("has no end"), "{found}");
}

/// A loop around a conditional in the branch of a conditional; that branch fails if it runs.
#[test]
fn nothing_of_a_branch_runs_that_is_not_taken() {
    for (taken, inputs) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut net = Net::new();
        let decides = net.input("decides", DataType::Bool, &[]);
        let x = net.input("x", DataType::Float, &[2]);
        let outer = net.0.add_conditional();
        net.0.set_condition(outer, decides).unwrap();
        let inside = if inputs { net.add(LayerKind::ConditionalInput { conditional: outer }, &[x]) } else { x };
        let l = net.0.add_loop();
        // Three iterations over two elements.
        net.count(l, 3);
        let element = net.add(LayerKind::Iterator { loop_id: l, axis: 0, reverse: false }, &[inside]);
        let zero = net.constant(&[], &[0f32]);
        let total = net.recurrence(l, zero);
        let negative = net.elementwise(ElementWiseOperation::Less, element, zero);
        let on_true = net.elementwise(ElementWiseOperation::Sub, total, element);
        let on_false = net.sum(total, element);
        let next = net.either(negative, on_true, on_false);
        net.next(total, next);
        let total = net.last(l, total);
        let zero = net.constant(&[], &[0f32]);
        let y = net.add(LayerKind::ConditionalOutput { conditional: outer }, &[total, zero]);
        let decides = Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[u8::from(taken)])).unwrap();
        let x = Tensor::from_slice(dims(&[2]), &[1f32, -2.]).unwrap();
        let found = net.run(&[y], &[decides, x]);
        if taken {
            let found = message(found);
            assert!(found.contains("beyond the 2 slices"), "{found}");
        } else {
            assert_eq!(values::<f32>(&found.unwrap()[0]), [0.]);
        }
    }
}

#[test]
fn branches_share_nothing_and_leak_nothing() {
    for (at, expected) in
        ["both of its branches", "is an output", "depends on an input of it", "different ranks"].iter().enumerate()
    {
        let mut net = Net::new();
        let decides = net.input("decides", DataType::Bool, &[]);
        let x = net.input("x", DataType::Float, &[2]);
        let id = net.0.add_conditional();
        let through = net.add(LayerKind::ConditionalInput { conditional: id }, &[decides]);
        net.0.set_condition(id, if at == 2 { through } else { decides }).unwrap();
        let inside = net.add(LayerKind::ConditionalInput { conditional: id }, &[x]);
        let on_true = net.sum(inside, inside);
        let mut on_false = if at == 0 { net.sum(on_true, on_true) } else { inside };
        if at == 3 {
            on_false = net.constant(&[], &[1f32]);
        }
        let y = net.add(LayerKind::ConditionalOutput { conditional: id }, &[on_true, on_false]);
        let outputs = if at == 1 { vec![y, on_true] } else { vec![y] };
        let decides = Tensor::new(DataType::Bool, dims(&[]), Storage::copy_of(&[1])).unwrap();
        let x = Tensor::from_slice(dims(&[2]), &[1f32, -2.]).unwrap();
        let found = message(net.run(&outputs, &[decides, x]));
        assert!(found.contains(expected), "{found}");
    }
}

/// Two elements a byte: a slice of three begins within one, and what cannot be cut out is refused.
#[test]
fn slices_of_int4_are_whole_bytes() {
    for (row, bytes, expected) in [(2, &[0x21_u8, 0x43][..], Some([1f32, 2., 3., 4.])), (3, &[0x21, 0x43, 0x65], None)]
    {
        let mut net = Net::new();
        let x = Tensor::new(DataType::Int4, dims(&[2, row]), Storage::copy_of(bytes)).unwrap();
        let x = net.0.add_constant("", &x).unwrap();
        let scale = net.constant(&[], &[1f32]);
        let l = net.0.add_loop();
        net.count(l, 2);
        let slice = net.add(LayerKind::Iterator { loop_id: l, axis: 0, reverse: false }, &[x]);
        let quantization = Quantization { axis: -1, to: DataType::Float, block_shape: None };
        let value = net.add(LayerKind::Dequantize(quantization), &[slice, scale]);
        let all = net.collect(l, LoopOutput::Concatenate, value, Some(2));
        let found = net.run(&[all], &[]);
        match expected {
            Some(expected) => assert_eq!(values::<f32>(&found.unwrap()[0]), expected),
            None => assert!(message(found).contains("no whole bytes")),
        }
    }
}
