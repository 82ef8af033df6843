//! The program itself, driven from outside on the emulator; and on NVIDIA's library where `TENSORRT_TEST_RTX17` names its folder.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A folder of one test, which goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trtexec-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the program did.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Failed with a code, an error of one paragraph with all the words, and nothing that looks like a crash.
    #[track_caller]
    fn fails(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert_eq!(self.err.matches("error:").count(), 1, "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in:\n{}", self.err);
        }
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

fn trtexec(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_trtexec")).args(arguments).env_remove("TENSORRT_LIB_DIR").output().unwrap();
    Ran { code: status.code(), out: String::from_utf8(stdout).unwrap(), err: String::from_utf8(stderr).unwrap() }
}

/// `--name=value`.
fn option(name: &str, value: impl AsRef<Path>) -> String {
    format!("--{name}={}", value.as_ref().display())
}

fn digits() -> String {
    option("onnx", repository("examples/data/digits.onnx"))
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The numbers of a `.npy` file of 32-bit floats.
fn floats(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(bytes[10..10 + header].windows(3).any(|part| part == b"<f4"));
    bytes[10 + header..].as_chunks::<4>().0.iter().map(|chunk| f64::from(f32::from_le_bytes(*chunk))).collect()
}

const QUICK: [&str; 4] = ["--emulate", "--warmUp=0", "--duration=0", "--iterations=3"];

/// The quick run with more arguments.
fn quick(arguments: &[&str]) -> Ran {
    trtexec(&[&QUICK, arguments].concat())
}

#[test]
fn builds_saves_and_loads() {
    let folder = Folder::new("round-trip");
    let plan = folder.path("digits.engine");
    let built = trtexec(&["--emulate", &digits(), &option("saveEngine", &plan), "--skipInference"]).ok();
    assert!(built.out.contains("saved to") && !built.out.contains("Throughput"), "{}", built.out);
    assert!(built.err.contains("[W] no shapes are given for the dynamic input"), "{}", built.err);
    let run = quick(&[&option("loadEngine", &plan), "--dumpLayerInfo", "--dumpOutput"]).ok();
    for section in ["TensorRT", "Engine", "Layers", "Measured    3 queries", "Throughput", "latency", "Output"] {
        assert!(run.out.contains(section), "{section:?} is not in:\n{}", run.out);
    }
    assert_eq!(run.err, "");
}

#[test]
fn tables_align() {
    let run = quick(&[&digits(), "--percentile=50,99.9"]).ok();
    let lines = run.out.lines().skip_while(|line| !line.trim_start().starts_with("ms "));
    let table: Vec<&str> = lines.take(6).collect();
    assert_eq!(table.len(), 6, "{}", run.out);
    assert!(table[0].ends_with("99.9%"), "{}", table[0]);
    assert!(table.iter().all(|line| line.len() == table[0].len()), "{table:#?}");
}

#[test]
fn reports_are_json_too() {
    let run = quick(&[&digits(), "--optShapes=image:4x1x8x8", "--format=json", "--dumpLayerInfo", "--streams=2"]);
    let report = run.ok().json();
    assert!(report["library"].as_str().unwrap().starts_with("emulated TensorRT"));
    assert_eq!(report["performance"]["streams"], 2);
    assert_eq!(report["performance"]["queries"], 6);
    let input = &report["engine"]["tensors"][0];
    assert_eq!(input["range"][1][0], 4, "{input}");
    assert!(!report["layers"].as_array().unwrap().is_empty());
    let latency = &report["performance"]["latencyMs"];
    assert!(latency["min"].as_f64().unwrap() <= latency["median"].as_f64().unwrap());
    assert!(report["build"]["planBytes"].as_u64().unwrap() > 1000);
}

#[test]
fn times_of_every_query_are_exported() {
    let folder = Folder::new("times");
    let path = folder.path("times.json");
    quick(&[&digits(), "--streams=3", &option("exportTimes", &path)]).ok();
    let times = json(&path);
    let times = times.as_array().unwrap();
    assert_eq!(times.len(), 9);
    for stream in 0..3 {
        let mine: Vec<&Value> = times.iter().filter(|query| query["stream"] == stream).collect();
        assert_eq!(mine.len(), 3);
        let number = |query: &Value, key: &str| query[key].as_f64().unwrap();
        for query in &mine {
            let sum = number(query, "h2dMs") + number(query, "computeMs") + number(query, "d2hMs");
            assert!((sum - number(query, "latencyMs")).abs() < 1e-9 && sum > 0.0, "{query}");
            assert!(number(query, "startH2dMs") >= 0.0 && number(query, "enqMs") >= 0.0, "{query}");
        }
        for pair in mine.windows(2) {
            assert!(number(pair[1], "startH2dMs") > number(pair[0], "startH2dMs"), "{pair:?}");
        }
    }
}

#[test]
fn times_of_every_layer_are_exported() {
    let folder = Folder::new("profile");
    let path = folder.path("profile.json");
    let shown = quick(&[&digits(), "--dumpProfile", &option("exportProfile", &path)]).ok();
    assert!(shown.out.contains("Layer times") && shown.out.contains("median ms"), "{}", shown.out);
    let times = json(&path);
    let times = times.as_array().unwrap();
    assert_eq!(times[0]["count"], 3);
    assert!(times.len() > 5);
    let share: f64 = times[1..].iter().map(|layer| layer["percentage"].as_f64().unwrap()).sum();
    assert!((share - 100.0).abs() < 1e-6, "{share}");
    assert!(times[1..].iter().all(|layer| layer["timeMs"].as_f64().unwrap() >= layer["medianMs"].as_f64().unwrap()));
}

#[test]
fn outputs_are_the_oracles() {
    let folder = Folder::new("outputs");
    let data = |path: &str| repository("tests/data/torch_cnn").join(path);
    let path = folder.path("outputs.json");
    for transfers in [&[][..], &["--noDataTransfers"]] {
        let input = format!("--loadInputs=image:{}", data("batch5/inputs/image.npy").display());
        let model = option("onnx", data("model.onnx"));
        let shapes = ["--minShapes=image:1x3x32x32", "--optShapes=image:2x3x32x32", "--maxShapes=image:8x3x32x32"];
        let exported = option("exportOutput", &path);
        let rest = [&model[..], &input, "--shapes=image:5x3x32x32", &exported, "--streams=2"];
        quick(&[&shapes[..], &rest, transfers].concat()).ok();
        let outputs = json(&path);
        let outputs = outputs.as_array().unwrap();
        let names: Vec<&str> = outputs.iter().map(|output| output["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["scores", "features"]);
        assert_eq!(outputs[0]["dimensions"], "5x10");
        for output in outputs {
            let expected = floats(&data(&format!("batch5/outputs/{}.npy", output["name"].as_str().unwrap())));
            let values = output["values"].as_array().unwrap();
            assert_eq!(values.len(), expected.len());
            for (value, expected) in values.iter().zip(expected) {
                assert!((value.as_f64().unwrap() - expected).abs() < 1e-4, "{value} is not {expected}");
            }
        }
    }
}

#[test]
fn random_inputs_are_the_same_in_every_run() {
    let folder = Folder::new("random");
    let (first, second) = (folder.path("1.json"), folder.path("2.json"));
    quick(&[&digits(), &option("exportOutput", &first)]).ok();
    quick(&[&digits(), &option("exportOutput", &second)]).ok();
    assert_eq!(json(first), json(second));
}

#[test]
fn weights_in_files_of_their_own_are_found() {
    let model = option("onnx", repository("tests/data/external_data/model.onnx"));
    quick(&[&model]).ok();
    let inspected = trtexec(&["inspect", repository("tests/data/external_data/model.onnx").to_str().unwrap()]).ok();
    assert!(inspected.out.contains("takes every node"), "{}", inspected.out);
}

#[test]
fn wrong_shapes_and_names_are_explained() {
    quick(&[&digits(), "--optShapes=pixels:1x1x8x8"]).fails(2, &["--optShapes=pixels:1x1x8x8", "no such input"]);
    quick(&[&digits(), "--optShapes=image:1x1"]).fails(2, &["the model's input is ?x"]);
    let folder = Folder::new("shapes");
    let plan = folder.path("x.engine");
    let model = option("onnx", repository("tests/data/torch_cnn/model.onnx"));
    quick(&[&model, "--optShapes=image:2x3x32x32", &option("saveEngine", &plan), "--skipInference"]).ok();
    let load = option("loadEngine", &plan);
    quick(&[&load, "--shapes=image:3x3x32x32"]).fails(1, &["profile 0 allows [2, 3, 32, 32]", "hint: --shapes"]);
    quick(&[&load, "--shapes=pixels:3x3x32x32"]).fails(2, &["the engine has no such input", "image"]);
    let wrong = format!("--loadInputs=image:{}", repository("tests/data/torch_cnn/batch1/inputs/image.npy").display());
    quick(&[&load, &wrong]).fails(1, &["<f4", "[1, 3, 32, 32]", "float32", "[2, 3, 32, 32]"]);
    quick(&[&load, "--loadInputs=image:/nowhere.bin"]).fails(1, &["/nowhere.bin", "No such file"]);
}

#[test]
fn broken_files_are_errors() {
    let folder = Folder::new("broken");
    let plan = folder.path("x.engine");
    quick(&[&digits(), &option("saveEngine", &plan), "--skipInference"]).ok();
    let bytes = std::fs::read(&plan).unwrap();
    for end in [0, 1, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&plan, &bytes[..end]).unwrap();
        quick(&[&option("loadEngine", &plan)]).fails(1, &["plan", "hint: an engine runs only with"]);
    }
    let model = std::fs::read(repository("examples/data/digits.onnx")).unwrap();
    let broken = folder.path("x.onnx");
    for end in [0, 10, model.len() / 2, model.len() - 1] {
        std::fs::write(&broken, &model[..end]).unwrap();
        quick(&[&option("onnx", &broken)]).fails(1, &["parse the ONNX model", "x.onnx", "hint: `trtexec inspect"]);
        trtexec(&["inspect", broken.to_str().unwrap()]).fails(1, &["inspect", "x.onnx"]);
    }
    quick(&["--onnx=/nowhere.onnx"]).fails(1, &["/nowhere.onnx", "No such file"]);
    quick(&["--loadEngine=/nowhere.engine"]).fails(1, &["/nowhere.engine", "No such file"]);
    trtexec(&["inspect", "/nowhere.onnx"]).fails(1, &["/nowhere.onnx", "No such file"]);
    for name in ["saveEngine", "timingCacheFile", "exportTimes", "exportOutput", "exportProfile"] {
        let (nowhere, a_folder) = (format!("--{name}=/nowhere/x"), option(name, std::env::temp_dir()));
        let refused = quick(&[&digits(), &nowhere]).fails(1, &[&nowhere, "no such folder; make it first"]);
        assert!(!refused.err.contains("is taken"), "it was told before the build: {}", refused.err);
        quick(&[&digits(), &a_folder]).fails(1, &[&a_folder, "it is a folder"]);
    }
}

#[test]
fn what_is_not_possible_is_said() {
    for precision in ["--fp16", "--int8", "--best"] {
        quick(&[&digits(), precision]).fails(1, &["strongly typed", precision, "not yet possible"]);
    }
    quick(&[&digits(), "--computeCapabilities=89"]).fails(1, &["only TensorRT for RTX"]);
    quick(&[&digits(), "--memPoolSize=attic:1"]).fails(2, &["workspace, dlaSRAM"]);
    trtexec(&[&digits(), "--lib=/nowhere"]).fails(1, &["/nowhere", "hint: --lib PATH"]);
}

#[test]
fn settings_reach_the_build() {
    let folder = Folder::new("settings");
    let cache = folder.path("timing.cache");
    let settings = ["--workspace=64", "--memPoolSize=tacticSharedMem:32K", "--builderOptimizationLevel=1"];
    let detailed = ["--profilingVerbosity=detailed", "--dumpLayerInfo"];
    let cache = option("timingCacheFile", &cache);
    let model = digits();
    let run = quick(&[&settings[..], &detailed, &[&model, &cache]].concat()).ok();
    assert!(run.out.contains("type") && run.out.contains("CONVOLUTION"), "{}", run.out);
}

#[test]
fn usage_errors_have_code_2() {
    for arguments in
        [&[][..], &["--emulate"], &["--onnx=a", "--loadEngine=b"], &["--emulate", "--onnx=a", "--streams=0"]]
    {
        let ran = trtexec(arguments);
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.err.contains("--help"), "{ran:#?}");
    }
    trtexec(&["--help"]).ok();
}

#[test]
fn verbose_shows_what_the_library_logs() {
    let run = quick(&[&digits(), "--verbose", "--skipInference"]).ok();
    assert!(run.err.lines().all(|line| line.starts_with('[')), "{}", run.err);
}

/// A field of a protobuf message that has a length.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(contents.len()).unwrap()], contents].concat()
}

/// A model of one node that reads what nothing makes.
fn invalid_model() -> Vec<u8> {
    let node = [field(1, b"ghost"), field(2, b"y"), field(4, b"Relu")].concat();
    let graph = [field(1, &node), field(2, b"haunted"), field(12, &field(1, b"y"))].concat();
    [vec![1 << 3, 8], field(7, &graph), field(8, &[2 << 3, 13])].concat()
}

/// A model whose output has as many columns as the input has elements that are not zero.
fn compressing_model() -> Vec<u8> {
    let node = [field(1, b"x"), field(2, b"y"), field(4, b"NonZero")].concat();
    let tensor = |name: &[u8], element: u8, shape: &[u8]| {
        let kind = field(1, &[vec![1 << 3, element], field(2, shape)].concat());
        [field(1, name), field(2, &kind)].concat()
    };
    let input = tensor(b"x", 1, &field(1, &[1 << 3, 8]));
    let output = tensor(b"y", 7, &[field(1, &[1 << 3, 1]), field(1, &[])].concat());
    let graph = [field(1, &node), field(2, b"g"), field(11, &input), field(12, &output)].concat();
    [vec![1 << 3, 8], field(7, &graph), field(8, &[2 << 3, 13])].concat()
}

/// A model that expands its input `x`, of one element, to the dimensions of its input `to`, of two.
fn expanding_model() -> Vec<u8> {
    let node = [field(1, b"x"), field(1, b"to"), field(2, b"y"), field(4, b"Expand")].concat();
    let tensor = |name: &[u8], element: u8, shape: &[u8]| {
        let kind = field(1, &[vec![1 << 3, element], field(2, shape)].concat());
        [field(1, name), field(2, &kind)].concat()
    };
    let (x, to) = (tensor(b"x", 1, &field(1, &[1 << 3, 1])), tensor(b"to", 7, &field(1, &[1 << 3, 2])));
    let y = tensor(b"y", 1, &[field(1, &[]), field(1, &[])].concat());
    let graph = [field(1, &node), field(2, b"g"), field(11, &x), field(11, &to), field(12, &y)].concat();
    [vec![1 << 3, 8], field(7, &graph), field(8, &[2 << 3, 13])].concat()
}

#[test]
fn values_of_shapes_come_from_options_and_files() {
    let folder = Folder::new("expands");
    let (model, file, out) = (folder.path("x.onnx"), folder.path("to.bin"), folder.path("out.json"));
    std::fs::write(&model, expanding_model()).unwrap();
    std::fs::write(&file, [2_i64.to_le_bytes(), 5_i64.to_le_bytes()].concat()).unwrap();
    let profile = ["--minShapes=to:1x1", "--optShapes=to:2x2", "--maxShapes=to:4x8"];
    let (model, export) = (option("onnx", &model), option("exportOutput", &out));
    let load = format!("--loadInputs=to:{}", file.display());
    for (given, dims) in [("--shapes=to:3x4", [3, 4]), (load.as_str(), [2, 5])] {
        quick(&[&[model.as_str(), &export, given], &profile[..]].concat()).ok();
        assert_eq!(json(&out)[0]["dimensions"], format!("{}x{}", dims[0], dims[1]), "{given}");
    }
    std::fs::write(&file, [0; 15]).unwrap();
    quick(&[&[model.as_str(), &load], &profile[..]].concat()).fails(1, &["\"to\"", "15 bytes"]);
}

#[test]
fn outputs_sized_by_the_data_are_refused_with_what_to_do() {
    let folder = Folder::new("sized");
    let path = folder.path("x.onnx");
    std::fs::write(&path, compressing_model()).unwrap();
    quick(&[&option("onnx", &path)]).fails(1, &["\"y\"", "it depends on the data", "hint: trtexec times"]);
    quick(&[&option("onnx", &path), "--skipInference"]).ok();
}

#[test]
fn models_are_inspected() {
    let valid = repository("examples/data/digits.onnx");
    let valid = valid.to_str().unwrap();
    let shown = trtexec(&["inspect", valid]).ok();
    for word in ["IR version", "Opset", "Producer", "Conv", "image", "ONNX         valid", "takes every node"] {
        assert!(shown.out.contains(word), "{word:?} is not in:\n{}", shown.out);
    }
    let report = trtexec(&["inspect", valid, "--format=json"]).ok().json();
    assert_eq!(report["valid"], true);
    assert_eq!(report["inputs"][0]["name"], "image");
    assert!(report["operators"].as_array().unwrap().iter().any(|one| one["name"] == "Conv"));

    let folder = Folder::new("inspect");
    let path = folder.path("invalid.onnx");
    std::fs::write(&path, invalid_model()).unwrap();
    let shown = trtexec(&["inspect", path.to_str().unwrap()]);
    assert_eq!((shown.code, &shown.err[..]), (Some(1), ""), "{shown:#?}");
    assert!(shown.out.contains("INVALID") && shown.out.contains("\"ghost\": nothing makes it"), "{}", shown.out);
    let report = trtexec(&["inspect", path.to_str().unwrap(), "--format=json"]).json();
    assert_eq!((&report["valid"], &report["problems"][0]["node"]), (&Value::Bool(false), &Value::from(0)));
    assert!(!report["refused"].as_array().unwrap().is_empty());
}

#[test]
fn nvidias_library_builds_without_a_gpu_and_says_why_it_cannot_run() {
    let Some(folder) = std::env::var_os("TENSORRT_TEST_RTX17").map(PathBuf::from) else {
        println!("skipped: TENSORRT_TEST_RTX17 does not name the folder of TensorRT for RTX 1.7");
        return;
    };
    let plans = Folder::new("rtx");
    let plan = plans.path("digits.engine");
    let library = option("lib", &folder);
    let (model, save) = (digits(), option("saveEngine", &plan));
    let built = trtexec(&[&library, &model, "--computeCapabilities=89", &save, "--skipInference"]).ok();
    assert!(built.out.contains("TensorRT for RTX 1.7"), "{}", built.out);
    assert!(std::fs::metadata(&plan).unwrap().len() > 10_000);
    let load = option("loadEngine", &plan);
    trtexec(&["--emulate", &load]).fails(1, &["plan of NVIDIA's TensorRT"]);
    if Path::new("/dev/nvidiactl").exists() {
        println!("skipped: this machine has a GPU, so that running does not fail");
        return;
    }
    trtexec(&[&library, &load]).fails(1, &["driver", "--emulate"]);
    trtexec(&[&library, &model, "--computeCapabilities=89"]).fails(1, &["driver", "--emulate"]);
    trtexec(&[&library, &model, "--computeCapabilities=89", "--fp16"]).fails(1, &["not yet possible"]);
}
