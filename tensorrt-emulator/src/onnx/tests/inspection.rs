//! What the inspection of a model tells.

use super::*;
use crate::onnx::check;

fn problems(build: &Build) -> Vec<String> {
    check(&build.load()).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_model_is_summed_up() {
    let build = model(13)
        .input("x", 1, &["N", "3"])
        .weights(floats("w", &[3], &[0.0; 3]))
        .node("Add", &["x", "w"], &["a"], &[])
        .node("Add", &["a", "w"], &["y"], &[])
        .output("y");
    let report = check(&build.load());
    assert_eq!(report.problems, []);
    assert_eq!(report.opsets, [("ai.onnx".to_owned(), 13)]);
    assert_eq!(report.operators["Add"], 2);
    assert_eq!((report.ir_version, report.initializers, report.producer_name.as_str()), (Some(8), 1, "tests"));
    assert_eq!(report.inputs[0].dims, Some(vec!["N".to_owned(), "3".to_owned()]));
    assert_eq!(report.inputs[0].data_type, "float");
}

#[test]
fn each_fault_is_found() {
    let base = || model(13).input("x", 1, &["2"]);
    let cases: Vec<(Build, &str)> = vec![
        (base().node("Relu", &["no"], &["y"], &[]).output("y"), "nothing makes it"),
        (base().node("Relu", &["a"], &["y"], &[]).node("Relu", &["x"], &["a"], &[]).output("y"), "not in order"),
        (base().node("Add", &["x", "b"], &["a"], &[]).node("Relu", &["a"], &["b"], &[]).output("b"), "cycle"),
        (base().node("Relu", &["x"], &["y"], &[]).node("Tanh", &["x"], &["y"], &[]).output("y"), "SSA"),
        (base().node("Frob", &["x"], &["y"], &[]).output("y"), "no such operator"),
        (base().node("LayerNormalization", &["x", "x"], &["y"], &[]).output("y"), "no such operator in version 13"),
        (base().node("Concat", &["x"], &["y"], &[]).output("y"), "attribute axis is missing"),
        (base().node("Add", &["x"], &["y"], &[]).output("y"), "1 inputs"),
        (base().node("Cast", &["x"], &["y"], &[int("to", 1), int("to", 1)]).output("y"), "given twice"),
        (base().weights(floats("w", &[3], &[0.0])).node("Add", &["x", "w"], &["y"], &[]).output("y"), "raw_data"),
        (base().weights(int64s("w", &[3])).weights(int64s("w", &[4])).output("w"), "two initializers"),
        (base().input("x", 1, &["2"]).output("x"), "two inputs"),
        (base().output("z"), "nothing makes the output"),
    ];
    for (build, wanted) in cases {
        let found = problems(&build);
        assert!(found.iter().any(|problem| problem.contains(wanted)), "{wanted}: {found:?}");
    }
    let mut versions = base().node("Relu", &["x"], &["y"], &[]).output("y");
    versions.0.opset_import.clear();
    versions.0.ir_version = Some(99);
    assert!(problems(&versions).iter().any(|problem| problem.contains("IR version 99")));
    versions.0.ir_version = Some(8);
    assert!(problems(&versions).iter().any(|problem| problem.contains("opset_import")));
    let mut foreign = base().node("Gelu", &["x"], &["y"], &[]).output("y");
    foreign.graph().node[0].domain = "com.microsoft".to_owned();
    assert!(problems(&foreign).iter().any(|problem| problem.contains("not imported")));
}
