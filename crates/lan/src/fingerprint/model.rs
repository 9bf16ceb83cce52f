//! The trained model: which of the devices that it was trained on this one is like.
//!
//! Two judges that err differently: a softmax regression, which weighs each feature, and the nearest of the training examples,
//! which knows what a whole device looks like. Their sum decides; how far the first is ahead of the second, and how near the
//! nearest example is, make the confidence (a logistic regression on predictions for captures left out of training). Which of
//! [twins](super::twins) it is they leave to their own judge.

use super::twins::Twins;
use std::collections::HashMap;

/// What a class's best example counts beside the regression.
const NEAR_WEIGHT: f32 = 8.0;
/// Examples of a class whose nearness is averaged.
const NEAREST: usize = 2;
/// Farther than this from all examples of any class a device is something that the model never saw.
const NEARNESS_MIN: f32 = 0.28;
/// Examples of some classes are alike, of others they differ: how near a device must be is this share of how near four in
/// five of the class's own examples are to the others. Products that the model never saw, of the same maker and on the same
/// platform, are mostly farther away.
const FLOOR_SHARE: f32 = 0.7;
const FLOOR_PART: usize = 5;

/// A model, trained or read.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Names of the classes.
    pub(super) classes: Vec<String>,
    /// Feature to its index.
    pub(super) index: HashMap<String, u32>,
    /// How rare a feature is among the examples, by index.
    pub(super) rarity: Vec<f32>,
    /// By feature, then class.
    pub(super) weights: Vec<f32>,
    /// By class.
    pub(super) bias: Vec<f32>,
    /// Training examples: class and features, ascending.
    pub(super) examples: Vec<(u32, Vec<u32>)>,
    /// Weight of the lead, weight of the nearness, and what is added.
    pub(super) calibration: [f32; 3],
    /// How near a device of the class must be, see [`Model::measured`].
    pub(super) floors: Vec<f32>,
    /// Classes that were taken for each other.
    pub(super) twins: Vec<Twins>,
}

/// What the model makes of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess<'a> {
    /// The likeliest class.
    pub label: &'a str,
    /// The next.
    pub second: &'a str,
    /// How likely it is right, 0 to 1.
    pub confidence: f64,
    /// How likely it is the likeliest class or the next, where the two are twins.
    pub either: Option<f64>,
    /// How near the nearest examples of the class are: shared features among all of both, by rarity, 0 to 1.
    pub nearness: f64,
    /// How near a device must be to be of the class at all.
    pub nearness_min: f64,
    /// The lead over the next class that is not its twin, in nats.
    pub lead: f64,
    /// Features that speak for it most, and how much.
    pub evidence: Vec<(String, f64)>,
}

impl Model {
    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// For each class the first three bytes of its examples' hardware addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&str, Vec<[u8; 3]>)> {
        let mut prefixes: Vec<Option<[u8; 3]>> = vec![None; self.index.len()];
        for (name, at) in &self.index {
            let number = name.strip_prefix("oui ").and_then(|hex| u32::from_str_radix(hex, 16).ok());
            prefixes[*at as usize] = number.map(|number| {
                let [_, a, b, c] = number.to_be_bytes();
                [a, b, c]
            });
        }
        (0u32..).zip(&self.classes).map(move |(class, name)| {
            let examples = self.examples.iter().filter(|(of, _)| *of == class);
            let features = examples.flat_map(|(_, features)| features);
            (name.as_str(), features.filter_map(|at| prefixes[*at as usize]).collect())
        })
    }

    /// The likeliest class for a device with these features; `None` for a model without classes.
    pub fn guess(&self, features: &[String]) -> Option<Guess<'_>> {
        let mut known: Vec<u32> = features.iter().filter_map(|name| self.index.get(name).copied()).collect();
        known.sort_unstable();
        let scale = scale(known.len());
        let count = self.classes.len();
        let mut scores = self.bias.clone();
        for feature in &known {
            let row = self.row(*feature);
            scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight * scale);
        }
        let near = self.nearness(&known, features.len() - known.len(), None);
        scores.iter_mut().zip(&near).for_each(|(score, near)| *score += NEAR_WEIGHT * near);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let (&first, &second) = (order.first()?, order.get(1).or(order.first())?);
        let twins = self.twins.iter().find(|twins| twins.are(first as u32, second as u32));
        let rival = if twins.is_some() { order.get(2) } else { Some(&second) };
        let lead = rival.map_or(LEAD_MAX, |rival| scores[first] - scores[*rival]);
        let (first, second, share) = parted(twins, first, second, &known);
        let [a, b, c] = self.calibration;
        let sure = logistic(a * lead.min(LEAD_MAX) + b * near[first] + c);
        let mut evidence: Vec<(String, f64)> = features
            .iter()
            .filter_map(|name| {
                let row = self.row(*self.index.get(name)?);
                let mean = row.iter().sum::<f32>() / count as f32;
                Some((name.clone(), f64::from((row[first] - mean) * scale)))
            })
            .collect();
        evidence.sort_by(|a, b| b.1.total_cmp(&a.1));
        evidence.retain(|(_, weight)| *weight > 0.0);
        evidence.truncate(6);
        Some(Guess {
            label: &self.classes[first],
            second: &self.classes[second],
            confidence: f64::from(sure * share),
            either: twins.map(|_| f64::from(sure)),
            nearness: f64::from(near[first]),
            nearness_min: f64::from(self.floors.get(first).copied().unwrap_or(NEARNESS_MIN)),
            lead: f64::from(lead),
            evidence,
        })
    }

    pub(super) fn row(&self, feature: u32) -> &[f32] {
        let count = self.classes.len();
        let from = feature as usize * count;
        self.weights.get(from..from + count).unwrap_or_default()
    }

    /// The model, with how near a device of each class must be: measured on its examples, each left out in turn.
    pub(super) fn measured(mut self) -> Self {
        let mut own: Vec<Vec<f32>> = vec![Vec::new(); self.classes.len()];
        for (at, (class, features)) in self.examples.iter().enumerate() {
            let class = *class as usize;
            own[class].push(self.nearness(features, 0, Some(at))[class]);
        }
        let floor = |mut near: Vec<f32>| {
            near.sort_by(f32::total_cmp);
            near.get(near.len() / FLOOR_PART)
                .map_or(NEARNESS_MIN, |near| NEARNESS_MIN.max(near * FLOOR_SHARE))
        };
        self.floors = own.into_iter().map(floor).collect();
        self
    }

    /// For each class how near its nearest examples are, but for one. `unknown`: features that no example has.
    fn nearness(&self, known: &[u32], unknown: usize, except: Option<usize>) -> Vec<f32> {
        let weigh = |features: &[u32]| -> f32 { features.iter().map(|f| self.rarity[*f as usize]).sum() };
        // What was never seen is as rare as can be, but half of it is chance.
        let own = weigh(known) + unknown as f32 * 0.5 * (self.examples.len() as f32 + 1.0).ln();
        let mut best = vec![[0.0f32; NEAREST]; self.classes.len()];
        for (at, (class, features)) in self.examples.iter().enumerate() {
            if except == Some(at) {
                continue;
            }
            let shared: f32 = shared(known, features).map(|feature| self.rarity[feature as usize]).sum();
            let near = shared / (own + weigh(features) - shared).max(f32::MIN_POSITIVE);
            let best = &mut best[*class as usize];
            if near > best[NEAREST - 1] {
                best[NEAREST - 1] = near;
                best.sort_by(|a, b| b.total_cmp(a));
            }
        }
        best.into_iter().map(|best| best.iter().sum::<f32>() / NEAREST as f32).collect()
    }
}

/// The likelier of two classes, the other, and how likely it is the first of them if it is one of the two: by its own judge where they
/// are twins, else as they are.
fn parted(twins: Option<&Twins>, first: usize, second: usize, known: &[u32]) -> (usize, usize, f32) {
    let Some(twins) = twins else { return (first, second, 1.0) };
    let share = twins.first(known);
    let [a, b] = twins.classes.map(|class| class as usize);
    match share.total_cmp(&0.5) {
        std::cmp::Ordering::Greater => (a, b, share),
        std::cmp::Ordering::Less => (b, a, 1.0 - share),
        // Nothing parts them: what the others think.
        std::cmp::Ordering::Equal => (first, second, share),
    }
}

/// A lead beyond this says no more.
pub(super) const LEAD_MAX: f32 = 8.0;

/// Devices that say much weigh no more than those that say little.
pub(super) fn scale(features: usize) -> f32 {
    4.0 / (features.max(1) as f32).sqrt()
}

pub(super) fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// What two ascending lists share.
fn shared<'a>(mut a: &'a [u32], mut b: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    std::iter::from_fn(move || {
        while let (Some(x), Some(y)) = (a.first(), b.first()) {
            match x.cmp(y) {
                std::cmp::Ordering::Less => a = &a[1..],
                std::cmp::Ordering::Greater => b = &b[1..],
                std::cmp::Ordering::Equal => {
                    (a, b) = (&a[1..], &b[1..]);
                    return Some(*x);
                }
            }
        }
        None
    })
}
