//! The profile that a model's manifest gives.

use tensorrt::OptimizationProfile;

use super::oracle::Model;

pub(crate) fn profile(model: Model<'_>) -> OptimizationProfile {
    model.inputs().fold(OptimizationProfile::new(), |profile, input| {
        let [min, opt, max] = &input.shapes;
        profile.input(input.name, min.as_slice(), opt.as_slice(), max.as_slice()).unwrap()
    })
}
