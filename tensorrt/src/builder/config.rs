//! How a network is built: flags, levels, profiles, progress.

use std::cell::RefCell;
use std::marker::PhantomData;

use cuda_utils::Stream;
use tensorrt_sys::{IBuilderConfig, Library};

use super::{Builder, OptimizationProfile};
use crate::callbacks::{Monitor, ProgressMonitor};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::raw::{Raw, call};
use crate::value::{Value, bits, flags, properties};
use crate::{BuilderFlag, EngineCapability, PreviewFeature, ProfilingVerbosity, QuantizationFlag, TacticSource};

/// The settings of a build.
///
/// Every setter reports what TensorRT says: a value that it ignores with a line in its log is an error here. What the loaded library
/// lacks is [`ErrorKind::Unsupported`]; nothing is silently left out.
#[derive(Debug)]
#[doc(alias = "nvinfer1::IBuilderConfig")]
pub struct BuilderConfig<'b> {
    // Destroyed before what it refers to: fields are dropped in order.
    pub(super) raw: Raw<IBuilderConfig>,
    pub(super) builder: &'b Builder,
    monitor: Option<Monitor>,
    streams: RefCell<Vec<Stream>>,
    pub(super) profiles: u32,
    thread_bound: PhantomData<*const ()>,
}

impl<'b> BuilderConfig<'b> {
    pub(super) fn new(builder: &'b Builder, raw: Raw<IBuilderConfig>) -> Self {
        let streams = RefCell::default();
        BuilderConfig { raw, builder, monitor: None, streams, profiles: 0, thread_bound: PhantomData }
    }

    pub(super) fn builder(&self) -> &'b Builder {
        self.builder
    }

    pub(crate) fn as_ptr(&self) -> *mut IBuilderConfig {
        self.raw.as_ptr()
    }

    pub(super) fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Forgets what the monitor did in an earlier build.
    pub(super) fn begin_build(&self) {
        if let Some(monitor) = &self.monitor {
            monitor.reset();
        }
    }

    /// Resumes a panic of the monitor; whether it cancelled the build.
    pub(super) fn end_build(&self) -> bool {
        self.monitor.as_ref().is_some_and(Monitor::finish)
    }

    /// Turns a flag on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such flag. The precision flags ([`BuilderFlag::Fp16`], `Int8`, `Bf16`,
    /// ...) are TensorRT 10's: later networks are strongly typed, and a flag is never silently ignored.
    #[doc(alias = "nvinfer1::IBuilderConfig::setFlag")]
    pub fn set_flag(&mut self, flag: BuilderFlag) -> Result<()> {
        let raw = flag.cross(self.library())?;
        if self.library().family() == tensorrt_sys::Family::RtxOld && is_precision(flag) {
            let kind = ErrorKind::Unsupported { method: flag.name(), since: None };
            let said = format!("{} refuses to build with it: its networks are strongly typed", self.library().info());
            return Err(Error::new(kind, format_args!("set {flag}"), said));
        }
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_setFlag(raw)) }?;
        let set = self.flag(flag)?;
        operation.truth(self.library(), ErrorKind::Setting, format_args!("set {flag}"), set)
    }

    /// Turns a flag off.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such flag.
    #[doc(alias = "nvinfer1::IBuilderConfig::clearFlag")]
    pub fn clear_flag(&mut self, flag: BuilderFlag) -> Result<()> {
        let raw = flag.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_clearFlag(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("clear {flag}"))
    }

    /// Whether a flag is on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such flag.
    #[doc(alias = "nvinfer1::IBuilderConfig::getFlag")]
    pub fn flag(&self, flag: BuilderFlag) -> Result<bool> {
        let raw = flag.cross(self.library())?;
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_getFlag(raw)) }
    }

    /// Turns exactly these flags on.
    ///
    /// # Errors
    ///
    /// As for [`BuilderConfig::set_flag`].
    #[doc(alias = "nvinfer1::IBuilderConfig::setFlags")]
    pub fn set_flags(&mut self, flags: &[BuilderFlag]) -> Result<()> {
        for flag in self.flags()? {
            self.clear_flag(flag)?;
        }
        flags.iter().try_for_each(|flag| self.set_flag(*flag))
    }

    /// The flags that are on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IBuilderConfig::getFlags")]
    pub fn flags(&self) -> Result<Vec<BuilderFlag>> {
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let bits = unsafe { call!(self.raw, IBuilderConfig_getFlags()) }?;
        Ok(flags(self.library(), bits))
    }

    properties! {
        /// How many times a tactic is timed; the average counts.
        #[doc(alias = "nvinfer1::IBuilderConfig::getAvgTimingIterations")]
        get avg_timing_iterations => IBuilderConfig_getAvgTimingIterations: u32;
        /// Sets how many times a tactic is timed.
        #[doc(alias = "nvinfer1::IBuilderConfig::setAvgTimingIterations")]
        set set_avg_timing_iterations => IBuilderConfig_setAvgTimingIterations: u32;
        /// How much time the build spends on a faster engine, from 0 to 5.
        #[doc(alias = "nvinfer1::IBuilderConfig::getBuilderOptimizationLevel")]
        get builder_optimization_level => IBuilderConfig_getBuilderOptimizationLevel: u32;
        /// Sets how much time the build spends on a faster engine, from 0 to 5; 3 is TensorRT's default.
        #[doc(alias = "nvinfer1::IBuilderConfig::setBuilderOptimizationLevel")]
        set set_builder_optimization_level => IBuilderConfig_setBuilderOptimizationLevel: u32;
        /// What the engine's inspector and profilers can say about layers.
        #[doc(alias = "nvinfer1::IBuilderConfig::getProfilingVerbosity")]
        get profiling_verbosity => IBuilderConfig_getProfilingVerbosity: ProfilingVerbosity;
        /// Sets what the engine's inspector and profilers can say about layers.
        #[doc(alias = "nvinfer1::IBuilderConfig::setProfilingVerbosity")]
        set set_profiling_verbosity => IBuilderConfig_setProfilingVerbosity: ProfilingVerbosity;
        /// Which restrictions the engine obeys.
        #[doc(alias = "nvinfer1::IBuilderConfig::getEngineCapability")]
        get engine_capability => IBuilderConfig_getEngineCapability: EngineCapability;
        /// Sets which restrictions the engine obeys.
        #[doc(alias = "nvinfer1::IBuilderConfig::setEngineCapability")]
        set set_engine_capability => IBuilderConfig_setEngineCapability: EngineCapability;
        /// The most streams beside the given one that an inference may use; -1 if TensorRT decides.
        #[doc(alias = "nvinfer1::IBuilderConfig::getMaxAuxStreams")]
        get max_aux_streams => IBuilderConfig_getMaxAuxStreams: i32;
        /// Sets the most streams beside the given one that an inference may use.
        #[doc(alias = "nvinfer1::IBuilderConfig::setMaxAuxStreams")]
        set set_max_aux_streams => IBuilderConfig_setMaxAuxStreams: i32;
        /// The most tactics that are timed for a layer; -1 if TensorRT decides.
        #[doc(alias = "nvinfer1::IBuilderConfig::getMaxNbTactics")]
        get max_num_tactics => IBuilderConfig_getMaxNbTactics: i32;
        /// Sets the most tactics that are timed for a layer; -1 lets TensorRT decide.
        #[doc(alias = "nvinfer1::IBuilderConfig::setMaxNbTactics")]
        set set_max_num_tactics => IBuilderConfig_setMaxNbTactics: i32;
    }

    /// Turns a preview feature on or off.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such feature, `Setting` if it refuses.
    #[doc(alias = "nvinfer1::IBuilderConfig::setPreviewFeature")]
    pub fn set_preview_feature(&mut self, feature: PreviewFeature, on: bool) -> Result<()> {
        let raw = feature.cross(self.library())?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_setPreviewFeature(raw, on)) }?;
        operation.silent(self.library(), ErrorKind::Setting, format_args!("set {feature} to {on}"))
    }

    /// Whether a preview feature is on.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such feature.
    #[doc(alias = "nvinfer1::IBuilderConfig::getPreviewFeature")]
    pub fn preview_feature(&self, feature: PreviewFeature) -> Result<bool> {
        let raw = feature.cross(self.library())?;
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_getPreviewFeature(raw)) }
    }

    /// Sets where tactics may come from.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the family of the loaded library has no such source, `Setting` if it refuses.
    #[doc(alias = "nvinfer1::IBuilderConfig::setTacticSources")]
    pub fn set_tactic_sources(&mut self, sources: &[TacticSource]) -> Result<()> {
        let raw = bits(self.library(), sources)?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setTacticSources(raw)) }?;
        operation.truth(self.library(), ErrorKind::Setting, "set the tactic sources", taken)
    }

    /// Where tactics may come from.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no such method.
    #[doc(alias = "nvinfer1::IBuilderConfig::getTacticSources")]
    pub fn tactic_sources(&self) -> Result<Vec<TacticSource>> {
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let bits = unsafe { call!(self.raw, IBuilderConfig_getTacticSources()) }?;
        Ok(flags(self.library(), bits))
    }

    /// Sets how calibration quantizes. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::IBuilderConfig::setQuantizationFlags")]
    pub fn set_quantization_flags(&mut self, flags: &[QuantizationFlag]) -> Result<()> {
        let raw = bits(self.library(), flags)?;
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        unsafe { call!(self.raw, IBuilderConfig_setQuantizationFlags(raw)) }?;
        operation.silent(self.library(), ErrorKind::Setting, "set the quantization flags")
    }

    /// How calibration quantizes. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases.
    #[doc(alias = "nvinfer1::IBuilderConfig::getQuantizationFlags")]
    pub fn quantization_flags(&self) -> Result<Vec<QuantizationFlag>> {
        // SAFETY: the object is alive as long as `self`, and the method takes no pointers.
        let bits = unsafe { call!(self.raw, IBuilderConfig_getQuantizationFlags()) }?;
        Ok(flags(self.library(), bits))
    }

    /// Adds an optimization profile; its index is returned. A network with dynamic inputs needs at least one.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses the profile, `InvalidArgument` if a range is not in order.
    #[doc(alias = "nvinfer1::IBuilderConfig::addOptimizationProfile")]
    pub fn add_optimization_profile(&mut self, profile: &OptimizationProfile) -> Result<u32> {
        let pointer = profile.create(self.builder)?;
        let operation = Operation::begin();
        // SAFETY: configuration and profile are alive: the profile belongs to the builder, which this configuration borrows.
        let index = unsafe { call!(self.raw, IBuilderConfig_addOptimizationProfile(pointer.as_ptr())) }?;
        let Ok(index) = u32::try_from(index) else {
            return Err(operation.fail(self.library(), ErrorKind::Setting, "add an optimization profile"));
        };
        if let Some(stream) = profile.stream() {
            self.streams.borrow_mut().push(stream.clone());
        }
        self.profiles = self.profiles.max(index + 1);
        Ok(index)
    }

    /// Uses a profile for calibration. TensorRT 10 only.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other releases, `Setting` if TensorRT refuses the profile.
    #[doc(alias = "nvinfer1::IBuilderConfig::setCalibrationProfile")]
    pub fn set_calibration_profile(&mut self, profile: &OptimizationProfile) -> Result<()> {
        let pointer = profile.create(self.builder)?;
        let operation = Operation::begin();
        // SAFETY: configuration and profile are alive: the profile belongs to the builder, which this configuration borrows.
        let taken = unsafe { call!(self.raw, IBuilderConfig_setCalibrationProfile(pointer.as_ptr())) }?;
        operation.truth(self.library(), ErrorKind::Setting, "set the calibration profile", taken)
    }

    /// Has builds report their progress; none takes the monitor away.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the loaded library has no progress monitors.
    #[doc(alias = "nvinfer1::IBuilderConfig::setProgressMonitor")]
    pub fn set_progress_monitor(&mut self, monitor: Option<Box<dyn ProgressMonitor>>) -> Result<()> {
        let monitor = monitor.map(|monitor| Monitor::new(self.library(), monitor)).transpose()?;
        let pointer = monitor.as_ref().map_or(std::ptr::null_mut(), Monitor::as_ptr);
        // SAFETY: the monitor is alive, and stays so as long as the configuration refers to it: it is stored in `self`, whose `raw` is
        // destroyed first, and the one before it is dropped only after this call.
        unsafe { call!(self.raw, IBuilderConfig_setProgressMonitor(pointer)) }?;
        self.monitor = monitor;
        Ok(())
    }

    /// The stream on which tactics are timed. It is kept alive.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT refuses it.
    #[doc(alias = "nvinfer1::IBuilderConfig::setProfileStream")]
    pub fn set_profile_stream(&mut self, stream: &Stream) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the stream is alive, and kept so by the clone below for as long as the configuration lives.
        unsafe { call!(self.raw, IBuilderConfig_setProfileStream(stream.as_raw())) }?;
        self.streams.borrow_mut().push(stream.clone());
        operation.silent(self.library(), ErrorKind::Setting, "set the profile stream")
    }

    /// Takes every setting back.
    ///
    /// # Errors
    ///
    /// `Setting` if TensorRT logs an error.
    #[doc(alias = "nvinfer1::IBuilderConfig::reset")]
    pub fn reset(&mut self) -> Result<()> {
        let operation = Operation::begin();
        // SAFETY: the object is alive as long as `self`.
        unsafe { call!(self.raw, IBuilderConfig_reset()) }?;
        self.profiles = 0;
        operation.silent(self.library(), ErrorKind::Setting, "reset the configuration")
    }
}

/// Whether a flag asks for a precision, which only weakly typed networks take.
fn is_precision(flag: BuilderFlag) -> bool {
    use BuilderFlag::{Bf16, Fp4, Fp8, Fp16, Int4, Int8, ObeyPrecisionConstraints, PreferPrecisionConstraints};
    matches!(flag, Fp16 | Bf16 | Int8 | Fp8 | Int4 | Fp4 | ObeyPrecisionConstraints | PreferPrecisionConstraints)
}
