//! Loops and conditionals through the safe interface: what the emulator computes, and that NVIDIA's library infers the same dimensions and
//! refuses the same networks (skipped where `TENSORRT_TEST_RTX17` does not name its folder).

use crate::support::library;
use ndarray::{ArrayD, arr0, array};
use tensorrt::{
    Builder, ComputeCapability, ConditionLayer, DataType, Dims, ElementWiseOperation, Engine,
    IfConditionalBoundaryLayer, IfConditionalInputLayer, IfConditionalOutputLayer, IteratorLayer, Library, LoadOptions,
    Loop, LoopBoundaryLayer, LoopOutput, LoopOutputLayer, NetworkDefinition, Plan, RecurrenceLayer, Result, Session,
    Tensor, TensorView, TripLimit, TripLimitLayer, UnaryOperation, Weights,
};
use tensorrt_emulator::Emulator;

/// The emulator, and NVIDIA's library where it is.
fn libraries() -> Vec<Library> {
    let real = std::env::var_os("TENSORRT_TEST_RTX17");
    if real.is_none() {
        println!("skipped: TENSORRT_TEST_RTX17 is not set");
    }
    let real = real.map(|folder| Library::find(LoadOptions::new().path(folder)).unwrap());
    std::iter::once(library()).chain(real).collect()
}

fn count<'n>(network: &'n NetworkDefinition<'_>, value: i32) -> Result<Tensor<'n>> {
    network.add_constant([0_i64; 0], Weights::new(&[value]))?.output(0)
}

fn sum<'n>(network: &'n NetworkDefinition<'_>, a: Tensor<'n>, b: Tensor<'n>) -> Result<Tensor<'n>> {
    network.add_elementwise(a, b, ElementWiseOperation::Sum)?.output(0)
}

fn mark(network: &NetworkDefinition<'_>, tensor: Tensor<'_>, name: &str) -> Result<()> {
    tensor.set_name(name)?;
    network.mark_output(tensor)
}

/// Builds what `define` adds, with any refusal on the way.
fn build(library: &Library, define: impl FnOnce(&NetworkDefinition<'_>) -> Result<()>) -> Result<Plan> {
    let builder = Builder::new(library)?;
    let network = builder.create_network(&[])?;
    define(&network)?;
    let mut config = builder.create_builder_config()?;
    if !library.is_emulated() {
        config.set_compute_capabilities(&[ComputeCapability::Sm89])?;
    }
    builder.build_serialized_network(&network, &config)
}

fn engine(define: impl FnOnce(&NetworkDefinition<'_>) -> Result<()>) -> Engine {
    let library = library();
    Engine::from_plan(&library, &build(&library, define).unwrap()).unwrap()
}

#[test]
fn boundary_layers_are_read_back_and_changed() {
    for library in libraries() {
        let builder = Builder::new(&library).unwrap();
        let network = builder.create_network(&[]).unwrap();
        let x = network.add_input("x", DataType::Float, [2, 3, 4]).unwrap();
        let c = network.add_input("c", DataType::Bool, [0_i64; 0]).unwrap();
        let repeat = network.add_loop().unwrap();
        assert_eq!(repeat.name().unwrap(), "(Unnamed Loop* 0)");
        repeat.set_name("repeat").unwrap();
        let three = count(&network, 3).unwrap();
        let limit = repeat.add_trip_limit(three, TripLimit::Count).unwrap();
        let slices = repeat.add_iterator(x, 1, true).unwrap();
        let carried = repeat.add_recurrence(x).unwrap();
        assert_eq!(carried.num_inputs().unwrap(), 1);
        carried.set_next(carried.output(0).unwrap()).unwrap();
        assert_eq!(carried.num_inputs().unwrap(), 2);
        let output = repeat.add_loop_output(carried.output(0).unwrap(), LoopOutput::Reverse, 1).unwrap();
        output.set_length(three).unwrap();
        let dims = |layer: tensorrt::Layer<'_>| layer.output(0).unwrap().dims().unwrap();
        // NVIDIA's library infers these once, when they are first read.
        slices.set_axis(2).unwrap();
        slices.set_reverse(false).unwrap();
        output.set_axis(3).unwrap();
        assert_eq!((slices.axis().unwrap(), slices.reverse().unwrap(), output.axis().unwrap()), (2, false, 3));
        assert_eq!(dims(slices.as_any()), Some(Dims::from([2, 3])));
        assert_eq!(dims(output.as_any()), Some(Dims::from([2, 3, 4, 3])));
        assert_eq!((limit.trip_limit().unwrap(), limit.num_outputs().unwrap()), (TripLimit::Count, 0));
        assert_eq!(output.loop_output().unwrap(), LoopOutput::Reverse);
        assert!(repeat.add_iterator(x, u32::MAX, false).is_err());

        let either = network.add_if_conditional().unwrap();
        assert_eq!(either.name().unwrap(), "(Unnamed IfConditional* 1)");
        either.set_name("either").unwrap();
        let condition = either.set_condition(c).unwrap();
        let layers = network.num_layers().unwrap();
        let again = either.set_condition(c).unwrap();
        assert_eq!(network.num_layers().unwrap(), layers);
        assert_eq!((again.name().unwrap(), again.num_outputs().unwrap()), (condition.name().unwrap(), 0));
        let inside = either.add_input(x).unwrap();
        let result = either.add_output(inside.output(0).unwrap(), x).unwrap();
        assert_eq!((result.num_inputs().unwrap(), dims(result.as_any())), (2, Some(Dims::from([2, 3, 4]))));

        let mut seen = [0; 7];
        for layer in network.layers().unwrap() {
            let kinds = [
                layer.downcast::<TripLimitLayer<'_>>().is_some(),
                layer.downcast::<IteratorLayer<'_>>().is_some(),
                layer.downcast::<RecurrenceLayer<'_>>().is_some(),
                layer.downcast::<LoopOutputLayer<'_>>().is_some(),
                layer.downcast::<ConditionLayer<'_>>().is_some(),
                layer.downcast::<IfConditionalInputLayer<'_>>().is_some(),
                layer.downcast::<IfConditionalOutputLayer<'_>>().is_some(),
            ];
            kinds.iter().zip(&mut seen).for_each(|(&is, count)| *count += i32::from(is));
            if let Some(boundary) = layer.downcast::<LoopBoundaryLayer<'_>>() {
                assert_eq!(boundary.parent_loop().unwrap().name().unwrap(), "repeat");
            }
            if let Some(boundary) = layer.downcast::<IfConditionalBoundaryLayer<'_>>() {
                assert_eq!(boundary.conditional().unwrap().name().unwrap(), "either");
            }
        }
        assert_eq!(seen, [1; 7]);
    }
}

/// `x` added to itself, or what `next` says, in a loop of two iterations.
fn twice<'n>(
    network: &'n NetworkDefinition<'_>,
    next: impl FnOnce(Tensor<'n>, Tensor<'n>) -> Result<Option<Tensor<'n>>>,
) -> Result<(Loop<'n>, Tensor<'n>, Tensor<'n>)> {
    let x = network.add_input("x", DataType::Float, [2, 3])?;
    let repeat = network.add_loop()?;
    repeat.add_trip_limit(count(network, 2)?, TripLimit::Count)?;
    let carried = repeat.add_recurrence(x)?;
    let value = carried.output(0)?;
    if let Some(next) = next(value, x)? {
        carried.set_next(next)?;
    }
    Ok((repeat, value, x))
}

/// A conditional on an input, its branches made by `branches` of an input of the conditional.
fn either(network: &NetworkDefinition<'_>, sizes: [&[i64]; 2], constant: Option<bool>) -> Result<()> {
    let [a, b] = [("a", sizes[0]), ("b", sizes[1])].map(|(name, dims)| network.add_input(name, DataType::Float, dims));
    let condition = match constant {
        Some(value) => network.add_constant([0_i64; 0], Weights::new(&[value]))?.output(0)?,
        None => network.add_input("c", DataType::Bool, [0_i64; 0])?,
    };
    let conditional = network.add_if_conditional()?;
    conditional.set_condition(condition)?;
    let (a, b) = (conditional.add_input(a?)?.output(0)?, conditional.add_input(b?)?.output(0)?);
    mark(network, conditional.add_output(a, b)?.output(0)?, "y")
}

type Define = fn(&NetworkDefinition<'_>) -> Result<()>;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of networks")]
fn the_same_networks_are_refused() {
    let cases: [(&str, bool, Define); 18] = [
        ("complete", true, |network| {
            let (repeat, value, _) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("a recurrence without a next value", false, |network| {
            let (repeat, value, _) = twice(network, |_, _| Ok(None))?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("a next value of other extents", false, |network| {
            let (repeat, value, _) = twice(network, |value, x| {
                let joined = network.add_concatenation(&[value, x])?;
                joined.set_axis(0)?;
                joined.output(0).map(Some)
            })?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("the last value of what is no recurrence", false, |network| {
            let (repeat, value, x) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            let inner = sum(network, value, x)?;
            mark(network, repeat.add_loop_output(inner, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("what is inside of a loop is an output", false, |network| {
            let (repeat, value, x) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            mark(network, sum(network, value, x)?, "z")?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("no trip limit", false, |network| {
            let x = network.add_input("x", DataType::Float, [2, 3])?;
            let repeat = network.add_loop()?;
            let carried = repeat.add_recurrence(x)?;
            carried.set_next(sum(network, carried.output(0)?, x)?)?;
            mark(network, repeat.add_loop_output(carried.output(0)?, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("two counts", false, |network| {
            let (repeat, value, _) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            repeat.add_trip_limit(count(network, 3)?, TripLimit::Count)?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("a count that is a vector", false, |network| {
            let (repeat, value, _) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            let vector = network.add_constant([1], Weights::new(&[3_i32]))?.output(0)?;
            network.layers()?[1].downcast::<TripLimitLayer<'_>>().unwrap().set_input(0, vector)?;
            mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "y")
        }),
        ("all values without a length", false, |network| {
            let (repeat, value, _) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            mark(network, repeat.add_loop_output(value, LoopOutput::Concatenate, 0)?.output(0)?, "y")
        }),
        ("a negative length", false, |network| {
            let (repeat, value, _) = twice(network, |value, x| sum(network, value, x).map(Some))?;
            let output = repeat.add_loop_output(value, LoopOutput::Concatenate, 0)?;
            output.set_length(count(network, -1)?)?;
            mark(network, output.output(0)?, "y")
        }),
        ("branches of the same extents", true, |network| either(network, [&[2, 3], &[2, 3]], None)),
        ("branches of other extents", true, |network| either(network, [&[1, 3], &[2, 3]], None)),
        ("branches of other ranks", false, |network| either(network, [&[3], &[2, 3]], None)),
        ("branches of other ranks, one of which is taken", true, |network| {
            either(network, [&[3], &[2, 3]], Some(false))
        }),
        ("no condition", false, |network| {
            let x = network.add_input("x", DataType::Float, [3])?;
            let conditional = network.add_if_conditional()?;
            let inside = conditional.add_input(x)?.output(0)?;
            mark(network, conditional.add_output(inside, inside)?.output(0)?, "y")
        }),
        ("a condition of integers", false, |network| {
            let x = network.add_input("x", DataType::Float, [3])?;
            let conditional = network.add_if_conditional()?;
            conditional.set_condition(network.add_input("c", DataType::Int32, [0_i64; 0])?)?;
            let inside = conditional.add_input(x)?.output(0)?;
            mark(network, conditional.add_output(inside, inside)?.output(0)?, "y")
        }),
        ("a branch is an output", false, |network| {
            let x = network.add_input("x", DataType::Float, [3])?;
            let conditional = network.add_if_conditional()?;
            conditional.set_condition(network.add_input("c", DataType::Bool, [0_i64; 0])?)?;
            let inside = conditional.add_input(x)?.output(0)?;
            let on_true = network.add_unary(inside, UnaryOperation::Exp)?.output(0)?;
            mark(network, on_true, "z")?;
            mark(network, conditional.add_output(on_true, inside)?.output(0)?, "y")
        }),
        ("a layer of both branches", false, |network| {
            let x = network.add_input("x", DataType::Float, [3])?;
            let conditional = network.add_if_conditional()?;
            conditional.set_condition(network.add_input("c", DataType::Bool, [0_i64; 0])?)?;
            let inside = conditional.add_input(x)?.output(0)?;
            let on_true = network.add_unary(inside, UnaryOperation::Exp)?.output(0)?;
            let on_false = network.add_unary(on_true, UnaryOperation::Neg)?.output(0)?;
            mark(network, conditional.add_output(on_true, on_false)?.output(0)?, "y")
        }),
    ];
    let mut wrong = Vec::new();
    let strict = Emulator::default().with_strict(true).library();
    for library in std::iter::once(strict).chain(libraries().into_iter().skip(1)) {
        for (name, accepted, define) in &cases {
            let outcome = build(&library, define);
            if outcome.is_ok() != *accepted {
                let said = outcome.err().map(|error| error.to_string());
                wrong.push(format!("emulated {}: {name}: {said:?}", library.is_emulated()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `i` from 1 while `i * i < bound`, and its powers of two.
fn while_loop(network: &NetworkDefinition<'_>) -> Result<()> {
    let bound = network.add_input("bound", DataType::Int32, [0_i64; 0])?;
    let one = count(network, 1)?;
    let repeat = network.add_loop()?;
    let i = repeat.add_recurrence(one)?;
    let value = i.output(0)?;
    let power = repeat.add_recurrence(one)?;
    let square = network.add_elementwise(value, value, ElementWiseOperation::Prod)?.output(0)?;
    let goes_on = network.add_elementwise(square, bound, ElementWiseOperation::Less)?.output(0)?;
    repeat.add_trip_limit(goes_on, TripLimit::While)?;
    i.set_next(sum(network, value, one)?)?;
    power.set_next(sum(network, power.output(0)?, power.output(0)?)?)?;
    mark(network, repeat.add_loop_output(value, LoopOutput::LastValue, 0)?.output(0)?, "root")?;
    mark(network, repeat.add_loop_output(power.output(0)?, LoopOutput::LastValue, 0)?.output(0)?, "power")
}

#[test]
fn a_condition_is_asked_before_each_iteration() {
    let engine = engine(while_loop);
    let mut session = Session::new(&engine).unwrap();
    for (bound, root, power) in [(0, 1, 1), (1, 1, 1), (2, 2, 2), (100, 10, 512)] {
        let bound: ArrayD<i32> = arr0(bound).into_dyn();
        let outputs = session.run([("bound", &bound)]).unwrap();
        assert_eq!(outputs.array::<i32>("root").unwrap(), arr0(root).into_dyn());
        assert_eq!(outputs.array::<i32>("power").unwrap(), arr0(power).into_dyn());
    }
}

/// The sum of every row of [2, 3] by a loop in a loop; in a conditional of it, of the rows' absolute values.
fn nested(network: &NetworkDefinition<'_>) -> Result<()> {
    let x = network.add_input("x", DataType::Float, [2, 3])?;
    let absolute = network.add_input("absolute", DataType::Bool, [0_i64; 0])?;
    let zero = network.add_constant([0_i64; 0], Weights::new(&[0.0_f32]))?.output(0)?;
    let (two, three) = (count(network, 2)?, count(network, 3)?);
    let rows = network.add_loop()?;
    rows.add_trip_limit(two, TripLimit::Count)?;
    let row = rows.add_iterator(x, 0, false)?.output(0)?;
    let conditional = network.add_if_conditional()?;
    conditional.set_condition(absolute)?;
    let inside = conditional.add_input(row)?.output(0)?;
    let on_true = network.add_unary(inside, UnaryOperation::Abs)?.output(0)?;
    let row = conditional.add_output(on_true, inside)?.output(0)?;
    let columns = network.add_loop()?;
    columns.add_trip_limit(three, TripLimit::Count)?;
    let element = columns.add_iterator(row, 0, true)?.output(0)?;
    let total = columns.add_recurrence(zero)?;
    total.set_next(sum(network, total.output(0)?, element)?)?;
    let total = columns.add_loop_output(total.output(0)?, LoopOutput::LastValue, 0)?.output(0)?;
    let totals = rows.add_loop_output(total, LoopOutput::Reverse, 0)?;
    totals.set_length(two)?;
    mark(network, totals.output(0)?, "y")
}

#[test]
fn loops_and_conditionals_lie_within_one_another() {
    for library in libraries() {
        build(&library, nested).unwrap();
    }
    let engine = engine(nested);
    let mut session = Session::new(&engine).unwrap();
    let x = array![[1.0_f32, -2.0, 3.0], [-4.0, 5.0, -6.0]].into_dyn();
    for (absolute, y) in [(false, [-5.0_f32, 2.0]), (true, [15.0, 6.0])] {
        let absolute = arr0(absolute).into_dyn();
        let outputs = session.run([("x", TensorView::from(&x)), ("absolute", TensorView::from(&absolute))]).unwrap();
        assert_eq!(outputs.array::<f32>("y").unwrap(), array![y[0], y[1]].into_dyn());
    }
}
