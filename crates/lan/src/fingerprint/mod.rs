//! What a device is: from what is known of it to a type, a category and a class, each with its evidence.
//!
//! Rules know what the world agrees on (who offers `_ipp._tcp` prints); the trained model knows single products. A class is
//! named only where it is surely right, and the category of a model's answer counts where its two best answers share one.
//! Everything else is `unknown`: a wrong name does more harm than none.

mod features;
pub mod labelled;
mod model;
mod rules;
pub mod store;
pub mod train;
mod twins;

pub use features::features;
pub use model::{Guess, Model};
pub use rules::{BadRules, Rules};

use crate::oui;
use crate::registry::Device;
use crate::signal::{Role, Signal};
use kernscope_report::Evidence;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const MODEL: &str = include_str!("../../data/model.tsv");
const CLASSES: &str = include_str!("../../data/classes.toml");
/// Below this a class is not named (`cargo xtask bench lan` shows what that leaves out).
pub const LABEL_MIN: f64 = 0.8;
/// A class is named only if the device is this many times as near to examples of it as it has to be to be of its sort: products that
/// the model never saw are mostly farther away (`cargo xtask bench lan`, nearness).
pub const LABEL_NEARNESS: f64 = 1.2;
/// What the model never saw is mostly farther away than this many times the least nearness: then the category is told as the
/// type (`cargo xtask bench lan`, classes left out).
const TYPE_NEARNESS: f64 = 1.33;
/// Below this rules' answers stay `unknown`.
const CATEGORY_MIN: f64 = 0.5;
const EVIDENCE_MAX: usize = 8;

/// What a class of the model is, in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    #[serde(rename = "type")]
    kind: String,
    category: String,
}

/// Rules and model together.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    rules: Rules,
    model: Model,
    classes: BTreeMap<String, Class>,
    /// Vendors of the devices that a class was trained on.
    vendors: HashMap<String, HashSet<String>>,
}

/// What a device is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// In words; `None` for unknown.
    pub kind: Option<String>,
    /// The sort of device.
    pub category: Option<String>,
    /// The class of the model.
    pub label: Option<String>,
    /// Classes of the model that nothing parts, where it is one of them: there is no label then.
    pub one_of: Vec<String>,
    /// How sure the label is, or the category where there is no label.
    pub confidence: f64,
    /// Operating system.
    pub os: Option<String>,
    /// Model, by its own word.
    pub model: Option<String>,
    /// Why, the weightiest first.
    pub evidence: Vec<Evidence>,
}

impl Fingerprint {
    /// The built-in rules and model.
    pub fn built_in() -> Self {
        // A test reads both; without them every device is unknown.
        Self::new(Rules::built_in(), store::from_text(MODEL).unwrap_or_default())
    }

    /// Of other parts.
    pub fn new(rules: Rules, model: Model) -> Self {
        let classes = toml::from_str(CLASSES).unwrap_or_default();
        let vendors = model
            .addresses()
            .map(|(class, macs)| (class.to_owned(), macs.into_iter().filter_map(maker).collect()))
            .collect();
        Self { rules, model, classes, vendors }
    }

    /// Adds rules, which count as the built-in ones do.
    pub fn extend(&mut self, rules: Rules) {
        self.rules.extend(rules);
    }

    /// What a device is.
    pub fn identify(&self, device: &Device, roles: &BTreeSet<Role>) -> Identity {
        let mut features = features(device, roles);
        let guess = self.model.guess(&features).filter(|guess| self.can_be(guess, device));
        features.extend(address_words(device));
        let opinion = self.rules.judge(&features);
        let mut identity = Identity { model: own_word(device), ..Identity::default() };
        if let Some(os) = opinion.os.filter(|os| os.sure >= CATEGORY_MIN) {
            identity.os = Some(os.answer);
        }
        if let Some(category) = opinion.category.filter(|category| category.sure >= CATEGORY_MIN) {
            identity.kind = Some(category.kind);
            identity.category = Some(category.answer);
            identity.confidence = category.sure;
        }
        let witness =
            |(fact, speaks_for, weight): (String, String, f64)| Evidence { fact, speaks_for, weight };
        identity.evidence = opinion.witnesses.into_iter().map(witness).collect();
        if let Some(guess) = guess {
            self.take(guess, &mut identity);
        }
        identity.evidence.truncate(EVIDENCE_MAX);
        identity.evidence.iter_mut().for_each(|evidence| evidence.weight = round(evidence.weight));
        identity.confidence = round(identity.confidence);
        identity
    }

    /// Whether a device can be of the class at all: near enough to what was trained, and of a maker that made such.
    fn can_be(&self, guess: &Guess<'_>, device: &Device) -> bool {
        let made = |vendors: &HashSet<String>| {
            vendors.is_empty()
                || oui::vendor(device.mac).is_some_and(|vendor| vendors.contains(&first_word(vendor)))
        };
        guess.nearness >= guess.nearness_min && self.vendors.get(guess.label).is_none_or(made)
    }

    /// The type in words of a device that is named: what the class is, or its category where the device is so far from the examples
    /// that it may be another product of that maker.
    pub fn told_type<'a>(&'a self, label: &'a str, nearness: f64, nearness_min: f64) -> &'a str {
        match self.classes.get(label) {
            Some(class) if nearness >= nearness_min * TYPE_NEARNESS => &class.kind,
            Some(class) => &class.category,
            None => label,
        }
    }

    /// Puts the model's answer above that of the rules, as far as it is sure.
    fn take(&self, guess: Guess<'_>, identity: &mut Identity) {
        let class = self.classes.get(guess.label);
        let second = self.classes.get(guess.second);
        let shared = class.zip(second).is_some_and(|(a, b)| a.category == b.category);
        if guess.confidence >= LABEL_MIN {
            let is_near = guess.nearness >= guess.nearness_min * LABEL_NEARNESS;
            identity.label = is_near.then(|| guess.label.to_owned());
            identity.confidence = guess.confidence;
            identity.kind = Some(self.told_type(guess.label, guess.nearness, guess.nearness_min).to_owned());
            identity.category = class.map(|class| class.category.clone()).or(identity.category.take());
        } else if let (Some(class), true) = (class, shared) {
            // Which of the two it is stays open; what both are does not.
            let same = second.is_some_and(|second| second.kind == class.kind);
            identity.kind = Some(if same { &class.kind } else { &class.category }.clone());
            identity.category = Some(class.category.clone());
            identity.confidence = identity.confidence.max(LABEL_MIN);
            if guess.either.is_some_and(|either| either >= LABEL_MIN) {
                identity.one_of = vec![guess.label.to_owned(), guess.second.to_owned()];
                identity.one_of.sort_unstable();
            }
        } else {
            return;
        }
        let label = guess.label.to_owned();
        let weigh = |(fact, weight)| Evidence { fact, speaks_for: label.clone(), weight };
        identity.evidence.splice(..0, guess.evidence.into_iter().map(weigh));
    }
}

/// What the hardware address says, for rules alone: the maker, how it begins, and whether software made it up. The model has
/// learnt what devices do.
fn address_words(device: &Device) -> impl Iterator<Item = String> {
    let [a, b, c, ..] = device.mac.0;
    let vendor = oui::vendor(device.mac).map(|vendor| format!("vendor {}", vendor.to_lowercase()));
    let local = device.mac.is_local().then(|| "address local".to_owned());
    vendor.into_iter().chain(local).chain([format!("prefix {a:02x}{b:02x}{c:02x}")])
}

/// The maker whose block an address prefix of three bytes lies in.
fn maker(prefix: [u8; 3]) -> Option<String> {
    let [a, b, c] = prefix;
    oui::vendor(crate::Mac([a, b, c, 0, 0, 0])).map(first_word)
}

fn first_word(vendor: &str) -> String {
    vendor.split([' ', ',', '.']).next().unwrap_or(vendor).to_lowercase()
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The model that a device says it is, by the protocols that have a place for it, the plainest first.
fn own_word(device: &Device) -> Option<String> {
    let place = |fact: &Signal| match fact {
        Signal::Neighbour("model", text) => Some((0, text.clone())),
        Signal::UpnpDescription("modelName", text) => Some((1, text.clone())),
        Signal::ServiceText(service, key, text) => match (service.as_str(), key.as_str()) {
            ("_device-info._tcp", "model") => Some((2, text.clone())),
            ("_googlecast._tcp" | "_hap._tcp", "md") => Some((3, text.clone())),
            (_, "ty" | "usb_mdl" | "model") => Some((4, text.clone())),
            _ => None,
        },
        _ => None,
    };
    device.facts().iter().filter_map(place).filter(|(_, text)| !text.is_empty()).min().map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_model_is_read_and_every_class_has_words() {
        let model = store::from_text(MODEL).expect("reads");
        assert!(model.classes().len() >= 27);
        let fingerprint = Fingerprint::built_in();
        for class in model.classes() {
            assert!(fingerprint.classes.contains_key(class), "{class}");
            assert!(fingerprint.vendors.get(class).is_some_and(|vendors| !vendors.is_empty()), "{class}");
        }
    }
}
