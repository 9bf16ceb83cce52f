//! Training: labelled devices in, a model out, and what it is worth on captures that it was not trained on.
//!
//! Everything is in a fixed order, so that the same captures give the same model, byte for byte.

use super::model::{LEAD_MAX, Model, logistic, scale};
use super::twins::{MISTAKEN_MIN, Twins};
use std::collections::{BTreeMap, HashMap};

/// A feature that fewer examples have is chance.
const EXAMPLES_MIN: u32 = 2;
const ROUNDS: usize = 120;
const STEP: f32 = 0.35;
const DECAY: f32 = 0.002;
const INNER_FOLDS: usize = 5;

/// A device as it was in one capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its class.
    pub label: String,
    /// The capture, which must not be trained on and judged by at once.
    pub capture: String,
    /// What was seen of it, see `fingerprint::features`.
    pub features: Vec<String>,
}

/// What a model made of an example that it was not trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it is.
    pub label: String,
    /// What the model said.
    pub guess: String,
    /// What it says besides, where it is one of twins.
    pub twin: Option<String>,
    /// How sure it was.
    pub confidence: f64,
    /// How near the nearest examples were.
    pub nearness: f64,
    /// How near they had to be.
    pub nearness_min: f64,
    /// How far the guess was ahead of the next that is not its twin.
    pub lead: f64,
}

impl Judged {
    /// The guess is right, or its twin is.
    pub fn is_either(&self) -> bool {
        self.label == self.guess || self.twin.as_ref() == Some(&self.label)
    }
}

/// Trains on all examples; the calibration comes from cross-validation within them.
pub fn train(examples: &[Example]) -> Model {
    let all: Vec<&Example> = examples.iter().collect();
    train_on(&all)
}

fn train_on(examples: &[&Example]) -> Model {
    let inner: Vec<(Model, Vec<&Example>)> = (0..INNER_FOLDS)
        .map(|fold| {
            let (kept, out) = split(examples, fold, INNER_FOLDS, 1);
            (fit(&kept), out)
        })
        .collect();
    let pairs = mistaken(&judge_all(&inner));
    let inner: Vec<_> = inner.into_iter().map(|(model, out)| (parted(model, &pairs), out)).collect();
    let calibration = calibrate(&judge_all(&inner));
    Model { calibration, ..parted(fit(examples), &pairs) }
}

fn judge_all(models: &[(Model, Vec<&Example>)]) -> Vec<Judged> {
    models.iter().flat_map(|(model, out)| out.iter().filter_map(|example| judge(model, example))).collect()
}

/// Pairs of classes that are often taken for each other, each in order.
fn mistaken(judged: &[Judged]) -> Vec<[String; 2]> {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    let mut wrong: BTreeMap<[&str; 2], f64> = BTreeMap::new();
    for one in judged {
        *counts.entry(&one.label).or_default() += 1.0;
        if one.label != one.guess {
            let mut pair = [one.label.as_str(), one.guess.as_str()];
            pair.sort_unstable();
            *wrong.entry(pair).or_default() += 1.0;
        }
    }
    let of =
        |pair: &[&str; 2]| pair.iter().map(|label| counts.get(label).copied().unwrap_or(0.0)).sum::<f64>();
    wrong.retain(|pair, wrong| *wrong >= of(pair) * MISTAKEN_MIN);
    wrong.into_keys().map(|pair| pair.map(str::to_owned)).collect()
}

/// A model that knows which of its classes are twins, and what parts them by its examples.
fn parted(mut model: Model, pairs: &[[String; 2]]) -> Model {
    let number = |label: &String| model.classes.binary_search(label).ok().map(|at| at as u32);
    let twins = |[a, b]: &[String; 2]| Some(Twins::of([number(a)?, number(b)?], &model.examples));
    model.twins = pairs.iter().filter_map(twins).collect();
    model
}

/// Judges every example by a model trained on the others: `folds` parts, dealt by `seed`.
pub fn cross_validate(examples: &[Example], folds: usize, seed: u64) -> Vec<Judged> {
    let all: Vec<&Example> = examples.iter().collect();
    (0..folds)
        .flat_map(|fold| {
            let (kept, out) = split(&all, fold, folds, seed);
            let model = train_on(&kept);
            out.into_iter().filter_map(|example| judge(&model, example)).collect::<Vec<_>>()
        })
        .collect()
}

/// Judges the examples of each class by a model that never saw the class: all answers are wrong.
pub fn leave_classes_out(examples: &[Example]) -> Vec<Judged> {
    let mut labels: Vec<&str> = examples.iter().map(|example| example.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
        .into_iter()
        .flat_map(|label| {
            let (out, kept): (Vec<_>, Vec<_>) = examples.iter().partition(|example| example.label == label);
            let model = train_on(&kept);
            out.into_iter().filter_map(|example| judge(&model, example)).collect::<Vec<_>>()
        })
        .collect()
}

fn judge(model: &Model, example: &Example) -> Option<Judged> {
    let guess = model.guess(&example.features)?;
    Some(Judged {
        label: example.label.clone(),
        guess: guess.label.to_owned(),
        twin: guess.either.map(|_| guess.second.to_owned()),
        confidence: guess.confidence,
        nearness: guess.nearness,
        nearness_min: guess.nearness_min,
        lead: guess.lead,
    })
}

/// Deals captures into `folds` parts, each class evenly; the examples of one capture stay together.
fn split<'a>(
    examples: &[&'a Example],
    fold: usize,
    folds: usize,
    seed: u64,
) -> (Vec<&'a Example>, Vec<&'a Example>) {
    let mut captures: Vec<(&str, &str)> =
        examples.iter().map(|example| (example.label.as_str(), example.capture.as_str())).collect();
    captures.sort_by_key(|(label, capture)| (*label, hash(capture, seed)));
    let mut dealt: HashMap<&str, usize> = HashMap::new();
    for (at, (_, capture)) in captures.into_iter().enumerate() {
        dealt.entry(capture).or_insert(at % folds);
    }
    examples.iter().partition(|example| dealt.get(example.capture.as_str()) != Some(&fold))
}

/// FNV-1a.
fn hash(text: &str, seed: u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn fit(examples: &[&Example]) -> Model {
    let mut classes: Vec<String> = examples.iter().map(|example| example.label.clone()).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for feature in examples.iter().flat_map(|example| &example.features) {
        *counts.entry(feature).or_default() += 1;
    }
    counts.retain(|_, count| *count >= EXAMPLES_MIN);
    let total = examples.len() as f32;
    let rarity = counts.values().map(|count| ((total + 1.0) / *count as f32).ln()).collect();
    let index: HashMap<String, u32> =
        counts.keys().zip(0..).map(|(name, at)| ((*name).to_owned(), at)).collect();
    let class = |label: &str| classes.binary_search_by(|known| known.as_str().cmp(label)).unwrap_or(0) as u32;
    let examples: Vec<(u32, Vec<u32>)> = examples
        .iter()
        .map(|example| {
            let mut known: Vec<u32> = example.features.iter().filter_map(|f| index.get(f).copied()).collect();
            known.sort_unstable();
            (class(&example.label), known)
        })
        .collect();
    let (weights, bias) = descend(&examples, index.len(), classes.len());
    let model = Model { classes, index, rarity, weights, bias, examples, ..Model::default() };
    Model { calibration: [1.0, 0.0, 0.0], ..model }.measured()
}

/// Softmax regression by AdaGrad, each round over all examples in their order.
fn descend(examples: &[(u32, Vec<u32>)], features: usize, classes: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut weights, mut bias) = (vec![0.0f32; features * classes], vec![0.0f32; classes]);
    let mut seen = vec![1e-6f32; features * classes];
    for _ in 0..ROUNDS {
        for (class, known) in examples {
            let scale = scale(known.len());
            let mut scores = bias.clone();
            for feature in known {
                let row = &weights[*feature as usize * classes..][..classes];
                scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight * scale);
            }
            softmax(&mut scores);
            scores[*class as usize] -= 1.0;
            for feature in known {
                let from = *feature as usize * classes;
                for (at, slope) in scores.iter().enumerate() {
                    let slope = slope * scale + DECAY * weights[from + at];
                    seen[from + at] += slope * slope;
                    weights[from + at] -= STEP * slope / (1.0 + seen[from + at].sqrt());
                }
            }
            bias.iter_mut().zip(&scores).for_each(|(bias, slope)| *bias -= 0.01 * slope);
        }
    }
    (weights, bias)
}

fn softmax(scores: &mut [f32]) {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - top).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Logistic regression of being right, of twins either, on lead and nearness, both of which may only help.
fn calibrate(judged: &[Judged]) -> [f32; 3] {
    let mut weights = [0.5f32, 1.0, 0.0];
    for round in 0..4000 {
        let mut slope = [0.0f32; 3];
        for one in judged {
            let x = [(one.lead as f32).min(LEAD_MAX), one.nearness as f32, 1.0];
            let sum: f32 = weights.iter().zip(x).map(|(weight, x)| weight * x).sum();
            let error = logistic(sum) - f32::from(u8::from(one.is_either()));
            slope.iter_mut().zip(x).for_each(|(slope, x)| *slope += error * x);
        }
        let step = 0.5 / (judged.len().max(1) as f32) / (1.0 + round as f32 / 1000.0);
        weights.iter_mut().zip(slope).for_each(|(weight, slope)| *weight -= step * slope);
        weights[0] = weights[0].max(0.0);
        weights[1] = weights[1].max(0.0);
    }
    weights
}
