//! If, Loop and Scan: names of the graphs around, nesting, loops that end early, directions.

use super::*;
use crate::memory::Storage;

fn flag(value: bool) -> Tensor {
    Tensor::new(DataType::Bool, Dims::scalar(), Storage::copy_of(&[u8::from(value)])).unwrap()
}

fn imported(build: &Build) -> Network {
    build.import().unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// s ← s > 3 ? 2 · s : s + x, while s < 20, at most ten times.
fn doubling() -> Build {
    let twice = model(16).weights(floats("two", &[1], &[2.0])).node("Mul", &["s", "two"], &["doubled"], &[]);
    let more = model(16).node("Add", &["s", "x"], &["added"], &[]);
    let body = model(16)
        .input("i", 7, &[])
        .input("going", 9, &[])
        .input("s", 1, &["1"])
        .node("ReduceSum", &["s"], &["total"], &[int("keepdims", 0)])
        .node("Greater", &["total", "three"], &["large"], &[])
        .node(
            "If",
            &["large"],
            &["next"],
            &[graph("then_branch", twice.output("doubled")), graph("else_branch", more.output("added"))],
        )
        .node("ReduceSum", &["next"], &["sum"], &[int("keepdims", 0)])
        .node("Less", &["sum", "limit"], &["goes_on"], &[])
        .node("Identity", &["next"], &["seen"], &[])
        .output("goes_on")
        .output("next")
        .output("seen");
    model(16)
        .input("x", 1, &["1"])
        .input("limit", 1, &[])
        .weights(floats("three", &[], &[3.0]))
        .weights(int64s("ten", &[10]))
        .node("Loop", &["ten", "", "x"], &["y", "all"], &[graph("body", body)])
        .output("y")
        .output("all")
}

#[test]
fn a_loop_ends_when_its_condition_does_and_is_as_long_as_it_ran() {
    let network = imported(&doubling());
    let limit = |value: f32| Tensor::from_slice(Dims::scalar(), &[value]).unwrap();
    let outputs = run(&network, &[vector(&[1.0]), limit(20.0)]);
    assert_eq!(values(&outputs[0]), [32.0]);
    assert_eq!(values(&outputs[1]), [2.0, 3.0, 4.0, 8.0, 16.0, 32.0]);
    assert_eq!(&outputs[1].dims()[..], [6, 1]);
    let outputs = run(&network, &[vector(&[0.125]), limit(20.0)]);
    assert_eq!((values(&outputs[0]), outputs[1].dims()[0]), (vec![1.375], 10));
    let outputs = run(&network, &[vector(&[1.0]), limit(0.0)]);
    assert_eq!((values(&outputs[0]), outputs[1].dims()[0]), (vec![2.0], 1));
}

#[test]
fn a_branch_sees_the_names_around_and_only_one_runs() {
    let down = model(16).node("Neg", &["x"], &["a"], &[]);
    let up = model(16).node("Add", &["x", "bias"], &["b"], &[]);
    let branches = [graph("then_branch", down.output("a")), graph("else_branch", up.output("b"))];
    let build = model(16)
        .input("x", 1, &["n"])
        .input("c", 9, &[])
        .weights(floats("bias", &[1], &[0.5]))
        .node("If", &["c"], &["y"], &branches)
        .output("y");
    let network = imported(&build);
    assert_eq!(values(&run(&network, &[vector(&[1.0, -2.0]), flag(true)])[0]), [-1.0, 2.0]);
    assert_eq!(values(&run(&network, &[vector(&[1.0, -2.0]), flag(false)])[0]), [1.5, -1.5]);
}

#[test]
fn a_scan_reads_and_writes_in_either_direction() {
    let body = || {
        model(16)
            .input("s", 1, &[])
            .input("e", 1, &[])
            .node("Add", &["s", "e"], &["next"], &[])
            .node("Identity", &["next"], &["seen"], &[])
            .output("next")
            .output("seen")
    };
    for (input, output, expected) in
        [(0, 0, [1.0, 3.0, 6.0]), (1, 0, [3.0, 5.0, 6.0]), (0, 1, [6.0, 3.0, 1.0]), (1, 1, [6.0, 5.0, 3.0])]
    {
        let attributes = [
            graph("body", body()),
            int("num_scan_inputs", 1),
            ints("scan_input_directions", &[input]),
            ints("scan_output_directions", &[output]),
        ];
        let build = model(16)
            .input("x", 1, &["n"])
            .weights(floats("zero", &[], &[0.0]))
            .node("Scan", &["zero", "x"], &["last", "y"], &attributes)
            .output("last")
            .output("y");
        let outputs = run(&imported(&build), &[vector(&[1.0, 2.0, 3.0])]);
        assert_eq!((values(&outputs[0]), values(&outputs[1])), (vec![6.0], expected.to_vec()));
    }
}

#[test]
fn what_a_loop_or_a_branch_may_not_do_is_refused() {
    let flat = graph("then_branch", model(16).node("Neg", &["x"], &["a"], &[]).output("a"));
    let wide = model(16).weights(int64s("axis", &[0])).node("Unsqueeze", &["x", "axis"], &["b"], &[]);
    let build = model(16)
        .input("x", 1, &["n"])
        .input("c", 9, &[])
        .node("If", &["c"], &["y"], &[flat, graph("else_branch", wide.output("b"))])
        .output("y");
    assert!(build.messages()[0].contains("the branches give tensors of 1 and 2 dimensions"));
    let mut unmade = doubling();
    let body = unmade.graph().node[0].attribute[0].g.as_mut().unwrap();
    body.output[1].name = "nothing".to_owned();
    assert!(unmade.messages()[0].contains("in the graph body: nothing makes the output \"nothing\""));
}

#[test]
fn a_loop_that_nothing_ends_is_refused() {
    let endless = |inputs: &[&str]| {
        let body = model(16)
            .input("i", 7, &[])
            .input("going", 9, &[])
            .input("s", 1, &["1"])
            .node("Identity", &["going"], &["goes_on"], &[])
            .node("Add", &["s", "s"], &["next"], &[])
            .output("goes_on")
            .output("next");
        model(16)
            .input("x", 1, &["1"])
            .input("c", 9, &[])
            .weights(TensorProto { data_type: 9, ..uint8s("yes", &[], &[1]) })
            .weights(int64s("three", &[3]))
            .node("Loop", inputs, &["y"], &[graph("body", body)])
            .output("y")
    };
    for inputs in [["", "", "x"], ["", "yes", "x"]] {
        assert!(endless(&inputs).messages()[0].contains("nothing ends the loop"));
    }
    for inputs in [["three", "", "x"], ["three", "yes", "x"]] {
        let network = imported(&endless(&inputs));
        assert_eq!(values(&run(&network, &[vector(&[1.0]), flag(true)])[0]), [8.0]);
    }
    // Only the run knows.
    let network = imported(&endless(&["", "c", "x"]));
    assert_eq!(values(&run(&network, &[vector(&[1.0]), flag(false)])[0]), [1.0]);
}

#[test]
fn a_branch_squeezes_without_axes_or_fails() {
    let squeezed = model(16).node("Squeeze", &["x"], &["a"], &[]);
    let zero = model(16).weights(int64s("first", &[0])).node("Squeeze", &["x", "first"], &["b"], &[]);
    let build = model(16)
        .input("x", 1, &["1", "n"])
        .input("c", 9, &[])
        .node(
            "If",
            &["c"],
            &["y"],
            &[graph("then_branch", squeezed.output("a")), graph("else_branch", zero.output("b"))],
        )
        .output("y");
    let network = imported(&build);
    for taken in [true, false] {
        let outputs = run(&network, &[tensor(&[1, 2], &[3.0, 4.0]), flag(taken)]);
        assert_eq!((&outputs[0].dims()[..], values(&outputs[0])), (&[2][..], vec![3.0, 4.0]));
    }
    // The first branch would have to give a scalar.
    let error = try_run(&network, &[tensor(&[1, 1], &[3.0]), flag(true)]).unwrap_err();
    assert!(error.to_string().contains("cannot be reshaped"), "{error}");
}
