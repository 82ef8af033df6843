//! The refitter: gives an engine other weights.

mod onnx;

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::mem::ManuallyDrop;

use cuda_utils::{SharedUse, Stream};
use tensorrt_sys::{IParserRefitter, IRefitter, Library, WeightsRole};

use crate::TensorLocation;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::library::State;
use crate::network::{Weights, count};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, c_string, properties, text};

/// Gives an engine other weights, without building it again: what was fine-tuned, or what was left out of its plan.
///
/// The engine was built with [`Refit`](crate::BuilderFlag::Refit) (or is of a plan without weights,
/// [`StripPlan`](crate::BuilderFlag::StripPlan)). TensorRT changes it in place, which nothing may watch: a refitter takes an engine that
/// nobody else has a handle to or a context of, and gives it back when it is done.
///
/// ```
/// # use tensorrt::{BuilderFlag, DataType, ElementWiseOperation, Builder, Engine, Refitter, Session, Weights};
/// # fn main() -> tensorrt::Result<()> {
/// # let library = tensorrt_emulator::library();
/// # let builder = Builder::new(&library)?;
/// # let network = builder.create_network(&[])?;
/// # let x = network.add_input("x", DataType::Float, [2])?;
/// # let offset = network.add_constant([2], Weights::new(&[1.0_f32, 2.0]))?;
/// # offset.set_name("offset")?;
/// # let y = network.add_elementwise(x, offset.output(0)?, ElementWiseOperation::Sum)?.output(0)?;
/// # y.set_name("y")?;
/// # network.mark_output(y)?;
/// # let mut config = builder.create_builder_config()?;
/// config.set_flag(BuilderFlag::Refit)?;
/// # let plan = builder.build_serialized_network(&network, &config)?;
/// let engine = Engine::from_plan(&library, &plan)?;
/// let mut refitter = Refitter::new(engine)?;
/// refitter.set_weights("offset", tensorrt::WeightsRole::Constant, &Weights::new(&[10.0_f32, 20.0]))?;
/// refitter.refit()?;
/// let mut session = Session::new(&refitter.finish()?)?;
/// let x = ndarray::arr1(&[1.0_f32, 1.0]);
/// assert_eq!(session.run([("x", &x)])?.view::<f32>("y")?, ndarray::arr1(&[11.0, 21.0]).into_dyn());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "nvinfer1::IRefitter")]
pub struct Refitter {
    // Destroyed in this order: what has the weights of models, the refitter, the engine.
    parsers: Vec<Raw<IParserRefitter>>,
    raw: ManuallyDrop<Raw<IRefitter>>,
    engine: Engine,
    /// What was set. TensorRT refers to it until other weights take its place, even when the engine was refitted: the next refit reads it
    /// again.
    kept: BTreeMap<Place, Weights>,
    /// The refit that a stream may still be working on.
    refits: SharedUse,
}

/// What weights were set for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Role(String, WeightsRole),
    Name(String),
}

impl Refitter {
    /// Makes a refitter of an engine.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if somebody else has a handle to the engine or a context of it, `Setting` if it is not refittable.
    #[doc(alias = "createInferRefitter")]
    pub fn new(mut engine: Engine) -> Result<Self> {
        let tried = "create a refitter";
        engine.exclusive(tried)?;
        let library = engine.library().clone();
        let state = State::of(&library)?;
        let operation = Operation::begin();
        // SAFETY: the engine is alive and is kept by the refitter's owner; the logger lives as long as the process.
        let made = unsafe { library.create_refitter(engine.as_ptr(), state.logger()) };
        let pointer = made.map_err(|error| {
            let error = Error::from(error);
            let kind =
                if matches!(error.kind(), ErrorKind::Unsupported { .. }) { error.kind() } else { ErrorKind::Setting };
            Error::new(kind, tried, error.said()).with_lines(operation.lines())
        })?;
        // SAFETY: the refitter was just made by this library and is given to nobody else; the engine, which outlives it, is kept.
        let raw = unsafe { Raw::new(&library, pointer) };
        if let Some(recorder) = state.recorder() {
            // SAFETY: the refitter is alive, and the recorder is this library's and lives as long as the process.
            unsafe { call!(raw, IRefitter_setErrorRecorder(recorder)) }?;
        }
        let refits = SharedUse::new(engine.device())?;
        Ok(Refitter { parsers: Vec::new(), raw: ManuallyDrop::new(raw), engine, kept: BTreeMap::new(), refits })
    }

    fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Sets the weights that a layer has in a role. They are checked now, and used when the engine is refitted.
    ///
    /// # Errors
    ///
    /// `Setting` if there is no such layer or role, or its weights are of another type or number.
    #[doc(alias = "nvinfer1::IRefitter::setWeights")]
    pub fn set_weights(&mut self, layer: &str, role: WeightsRole, weights: &Weights) -> Result<()> {
        let name = c_string("use the layer", layer)?;
        let (role_raw, raw) = (role.cross(self.library())?, weights.to_raw(self.library())?);
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call, the values are kept until others take
        // their place or the refitter is gone.
        let taken = unsafe { call!(self.raw, IRefitter_setWeights(name.as_ptr(), role_raw, raw)) }?;
        let tried = format_args!("set the weights {role} of the layer {layer:?}");
        operation.truth(self.library(), ErrorKind::Setting, tried, taken)?;
        self.kept.insert(Place::Role(layer.to_owned(), role), weights.clone());
        Ok(())
    }

    /// Sets weights by their name in the network. They are checked now, and used when the engine is refitted.
    ///
    /// # Errors
    ///
    /// `Setting` if there are no such weights, or they are of another type or number.
    #[doc(alias = "nvinfer1::IRefitter::setNamedWeights")]
    pub fn set_named_weights(&mut self, name: &str, weights: &Weights) -> Result<()> {
        self.set_named(name, weights, TensorLocation::Host)
    }

    fn set_named(&mut self, name: &str, weights: &Weights, location: TensorLocation) -> Result<()> {
        let string = c_string("use the weights", name)?;
        let (raw, place) = (weights.to_raw(self.library())?, location.cross(self.library())?);
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call, the values, which are on the host, are kept until
        // others take their place or the refitter is gone.
        let taken = unsafe { call!(self.raw, IRefitter_setNamedWeightsWithLocation(string.as_ptr(), raw, place)) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("set the weights {name:?}"), taken)?;
        self.kept.insert(Place::Name(name.to_owned()), weights.clone());
        Ok(())
    }

    /// Takes weights back that were set.
    ///
    /// # Errors
    ///
    /// `Setting` if none of that name were set.
    #[doc(alias = "nvinfer1::IRefitter::unsetNamedWeights")]
    pub fn unset_named_weights(&mut self, name: &str) -> Result<()> {
        let string = c_string("use the weights", name)?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call.
        let taken = unsafe { call!(self.raw, IRefitter_unsetNamedWeights(string.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("take back the weights {name:?}"), taken)?;
        self.kept.remove(&Place::Name(name.to_owned()));
        Ok(())
    }

    /// The weights of that name that were set; none if there were not.
    ///
    /// # Errors
    ///
    /// `Setting` if the engine has no weights of that name.
    #[doc(alias = "nvinfer1::IRefitter::getNamedWeights")]
    pub fn named_weights(&self, name: &str) -> Result<Option<Weights>> {
        let string = c_string("use the weights", name)?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call.
        let raw = unsafe { call!(self.raw, IRefitter_getNamedWeights(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("get the weights {name:?}"))?;
        if raw.values.is_null() {
            return Ok(None);
        }
        // SAFETY: the values are those that were set, which are kept until others take their place.
        unsafe { Weights::copy_of(self.library(), &raw, "IRefitter::getNamedWeights") }.map(Some)
    }

    /// The type and number of the weights of that name, without values.
    ///
    /// # Errors
    ///
    /// `Setting` if the engine has no weights of that name.
    #[doc(alias = "nvinfer1::IRefitter::getWeightsPrototype")]
    pub fn weights_prototype(&self, name: &str) -> Result<(crate::DataType, usize)> {
        let string = c_string("use the weights", name)?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call.
        let raw = unsafe { call!(self.raw, IRefitter_getWeightsPrototype(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("describe the weights {name:?}"))?;
        let data_type = crate::DataType::read(self.library(), raw.type_, "IRefitter::getWeightsPrototype")?;
        Ok((data_type, usize::try_from(raw.count).unwrap_or(0)))
    }

    /// Where the weights of that name are that were set.
    ///
    /// # Errors
    ///
    /// `Setting` if the engine has no weights of that name.
    #[doc(alias = "nvinfer1::IRefitter::getWeightsLocation")]
    pub fn weights_location(&self, name: &str) -> Result<TensorLocation> {
        let string = c_string("use the weights", name)?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`; the name lives during the call.
        let raw = unsafe { call!(self.raw, IRefitter_getWeightsLocation(string.as_ptr())) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("find the weights {name:?}"))?;
        <TensorLocation as Value>::read(self.library(), raw, "IRefitter::getWeightsLocation")
    }

    /// The names of all weights that can be set.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IRefitter::getAllWeights")]
    pub fn all_weights(&self) -> Result<Vec<String>> {
        // SAFETY: the refitter is alive as long as `self`; a null array asks for the number.
        let number = unsafe { call!(self.raw, IRefitter_getAllWeights(0, std::ptr::null_mut())) }?;
        let mut names = Names::new(number);
        // SAFETY: the refitter is alive as long as `self`; the array has room for the number given.
        unsafe { call!(self.raw, IRefitter_getAllWeights(number, names.as_mut_ptr())) }?;
        Ok(names.read())
    }

    /// The names of the weights that are still to be set before the engine can be refitted.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IRefitter::getMissingWeights")]
    pub fn missing_weights(&self) -> Result<Vec<String>> {
        // SAFETY: the refitter is alive as long as `self`; a null array asks for the number.
        let number = unsafe { call!(self.raw, IRefitter_getMissingWeights(0, std::ptr::null_mut())) }?;
        let mut names = Names::new(number);
        // SAFETY: the refitter is alive as long as `self`; the array has room for the number given.
        unsafe { call!(self.raw, IRefitter_getMissingWeights(number, names.as_mut_ptr())) }?;
        Ok(names.read())
    }

    /// The layers whose weights can be set, each with a role; a layer with kernel and bias is there twice.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a role that this crate has no name for.
    #[doc(alias = "nvinfer1::IRefitter::getAll")]
    pub fn all(&self) -> Result<Vec<(String, WeightsRole)>> {
        let null = std::ptr::null_mut();
        // SAFETY: the refitter is alive as long as `self`; null arrays ask for the number.
        let number = unsafe { call!(self.raw, IRefitter_getAll(0, null, std::ptr::null_mut())) }?;
        let (mut names, mut roles) = (Names::new(number), vec![0_i32; count(number)]);
        // SAFETY: the refitter is alive as long as `self`; the arrays have room for the number given.
        unsafe { call!(self.raw, IRefitter_getAll(number, names.as_mut_ptr(), roles.as_mut_ptr())) }?;
        self.with_roles(names, &roles)
    }

    /// The layers and roles whose weights are still to be set before the engine can be refitted.
    ///
    /// # Errors
    ///
    /// `UnknownValue` for a role that this crate has no name for.
    #[doc(alias = "nvinfer1::IRefitter::getMissing")]
    pub fn missing(&self) -> Result<Vec<(String, WeightsRole)>> {
        let null = std::ptr::null_mut();
        // SAFETY: the refitter is alive as long as `self`; null arrays ask for the number.
        let number = unsafe { call!(self.raw, IRefitter_getMissing(0, null, std::ptr::null_mut())) }?;
        let (mut names, mut roles) = (Names::new(number), vec![0_i32; count(number)]);
        // SAFETY: the refitter is alive as long as `self`; the arrays have room for the number given.
        unsafe { call!(self.raw, IRefitter_getMissing(number, names.as_mut_ptr(), roles.as_mut_ptr())) }?;
        self.with_roles(names, &roles)
    }

    fn with_roles(&self, names: Names, roles: &[i32]) -> Result<Vec<(String, WeightsRole)>> {
        let role = |&raw: &i32| <WeightsRole as Value>::read(self.library(), raw, "IRefitter::getAll");
        names.read().into_iter().zip(roles).map(|(name, raw)| Ok((name, role(raw)?))).collect()
    }

    properties! {
        /// The most threads that refitting uses.
        #[doc(alias = "nvinfer1::IRefitter::getMaxThreads")]
        get max_threads => IRefitter_getMaxThreads: u32;
        /// Sets the most threads that refitting uses.
        #[doc(alias = "nvinfer1::IRefitter::setMaxThreads")]
        set set_max_threads => IRefitter_setMaxThreads: u32;
        /// Whether weights are checked when they are converted or made sparse.
        #[doc(alias = "nvinfer1::IRefitter::getWeightsValidation")]
        get weights_validation => IRefitter_getWeightsValidation: bool;
        /// Sets whether weights are checked when they are converted or made sparse.
        #[doc(alias = "nvinfer1::IRefitter::setWeightsValidation")]
        set set_weights_validation => IRefitter_setWeightsValidation: bool;
    }

    /// Gives the engine the weights that were set, and blocks until it has them. They stay set: the next refit gives them again.
    ///
    /// # Errors
    ///
    /// `Setting` if weights are missing ([`Refitter::missing_weights`]) or TensorRT refuses some, `Cuda` with the error with which an
    /// earlier refit on a stream failed.
    #[doc(alias = "nvinfer1::IRefitter::refitCudaEngine")]
    pub fn refit(&mut self) -> Result<()> {
        self.wait()?;
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`, nobody else has a handle to the engine or a context of it, and no refit is going
        // on.
        let done = unsafe { call!(self.raw, IRefitter_refitCudaEngine()) }?;
        operation.truth(self.library(), ErrorKind::Setting, "refit the engine", done)
    }

    /// Has a stream give the engine the weights that were set. [`Refitter::finish`] waits for it, and so does another refit.
    ///
    /// # Errors
    ///
    /// As for [`Refitter::refit`]; also `InvalidArgument` if the stream is of another device.
    #[doc(alias = "nvinfer1::IRefitter::refitCudaEngineAsync")]
    pub fn refit_async(&mut self, stream: &Stream) -> Result<()> {
        let tried = "refit the engine on a stream";
        self.wait()?;
        self.engine.device().make_current()?;
        let operation = Operation::begin();
        let guard = self.refits.begin(stream)?;
        // SAFETY: as in `refit`; the stream is of the engine's device (checked by `begin`), and what it does is waited for before the
        // refitter or the engine goes.
        let done = unsafe { call!(self.raw, IRefitter_refitCudaEngineAsync(stream.as_raw())) };
        let finished = guard.finish();
        operation.truth(self.library(), ErrorKind::Setting, tried, done?)?;
        finished.map_err(|error| Error::cuda(tried, error))
    }

    /// Waits for what is going on, and gives the engine back.
    ///
    /// # Errors
    ///
    /// `Cuda` with the error with which refitting on a stream failed.
    pub fn finish(self) -> Result<Engine> {
        self.wait()?;
        Ok(self.engine.clone())
    }

    /// Lets memory go that TensorRT keeps for the next refit. TensorRT 11.4 and RTX 1.7.
    ///
    /// # Errors
    ///
    /// `Unsupported` on earlier releases, `Setting` if TensorRT refuses.
    #[doc(alias = "nvinfer1::IRefitter::releaseRefitResources")]
    pub fn release_refit_resources(&mut self) -> Result<()> {
        self.wait()?;
        let operation = Operation::begin();
        // SAFETY: the refitter is alive as long as `self`, and nothing of it is going on.
        let done = unsafe { call!(self.raw, IRefitter_releaseRefitResources()) }?;
        operation.truth(self.library(), ErrorKind::Setting, "release what refitting keeps", done)
    }

    fn wait(&self) -> Result<()> {
        self.refits.synchronize().map_err(|error| Error::cuda("refit the engine on a stream", error))
    }
}

impl Drop for Refitter {
    fn drop(&mut self) {
        // An error other than this means that the work is over, because it failed.
        if self.refits.synchronize().is_err_and(|error| error.kind() == cuda_utils::ErrorKind::NotPermitted) {
            // In a host callback nothing can be waited for: what a refit in flight may use is leaked.
            let used = (std::mem::take(&mut self.parsers), std::mem::take(&mut self.kept), self.engine.clone());
            let _ = ManuallyDrop::new(used);
            return;
        }
        self.parsers.clear();
        // SAFETY: nothing of the refitter is going on, the parsers that refer to it are gone, and the field is not used again.
        unsafe { ManuallyDrop::drop(&mut self.raw) };
    }
}

/// An array of names that TensorRT fills.
struct Names(Vec<*const c_char>);

impl Names {
    fn new(number: i32) -> Self {
        Names(vec![std::ptr::null(); count(number)])
    }

    fn as_mut_ptr(&mut self) -> *mut *const c_char {
        self.0.as_mut_ptr()
    }

    fn read(self) -> Vec<String> {
        // SAFETY: TensorRT fills the array with null or C strings that live as long as the refitter; they are copied at once.
        self.0.into_iter().map(|name| unsafe { text(name) }).collect()
    }
}
