//! A model as text: lines that a person can look at and `git diff` can show.
//!
//! ```text
//! kernscope-lan-model 2
//! calibration  LEAD NEARNESS OFFSET
//! class        NAME BIAS
//! feature      TEXT RARITY CLASS:WEIGHT ...
//! example      CLASS FEATURE ...
//! twins        CLASS CLASS FEATURE:THERE:MISSING ...
//! ```
//!
//! Fields are parted by tabs, lists by spaces; classes and features are counted from 0 in their order. Examples name features
//! by the gap to the one before. What twins are: `twins.rs`; the numbers of theirs are logarithms of odds for the first class.

use super::model::Model;
use super::twins::{Mark, Twins};
use std::fmt::Write;

const HEADER: &str = "kernscope-lan-model 2";
/// Weights below this change nothing that matters.
const WEIGHT_MIN: f32 = 0.02;
const CLASSES_MAX: usize = 10_000;
const FEATURES_MAX: usize = 1_000_000;

/// Why text is no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}; make a model with `cargo xtask train lan DIR`")]
pub struct BadModel {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The text of a model.
pub fn to_text(model: &Model) -> String {
    let [a, b, c] = model.calibration;
    let mut out = format!("{HEADER}\ncalibration\t{a:.4} {b:.4} {c:.4}\n");
    for (class, bias) in model.classes.iter().zip(&model.bias) {
        let _ = writeln!(out, "class\t{class}\t{bias:.3}");
    }
    let mut names: Vec<(&String, u32)> = model.index.iter().map(|(name, at)| (name, *at)).collect();
    names.sort_by_key(|(_, at)| *at);
    for (name, at) in names {
        let weights: Vec<_> = (0u32..)
            .zip(model.row(at))
            .filter(|(_, weight)| weight.abs() >= WEIGHT_MIN)
            .map(|(class, weight)| format!("{class}:{weight:.2}"))
            .collect();
        let _ = writeln!(out, "feature\t{name}\t{:.3}\t{}", model.rarity[at as usize], weights.join(" "));
    }
    for (class, features) in &model.examples {
        let mut last = 0;
        let gaps: Vec<_> =
            features.iter().map(|at| (at - std::mem::replace(&mut last, *at)).to_string()).collect();
        let _ = writeln!(out, "example\t{class}\t{}", gaps.join(" "));
    }
    for Twins { classes: [a, b], marks } in &model.twins {
        let marks: Vec<_> = marks
            .iter()
            .map(|Mark { feature, there, missing }| format!("{feature}:{there:.3}:{missing:.3}"))
            .collect();
        let _ = writeln!(out, "twins\t{a} {b}\t{}", marks.join(" "));
    }
    out
}

/// Reads a model.
///
/// # Errors
/// [`BadModel`] with the first line that cannot be.
pub fn from_text(text: &str) -> Result<Model, BadModel> {
    let mut model = Model::default();
    let mut rows: Vec<Vec<(usize, f32)>> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let bad = |why| BadModel { line: at + 1, why };
        if at == 0 {
            if line != HEADER {
                return Err(bad("is not the header of a model of this version"));
            }
            continue;
        }
        read_line(line, &mut model, &mut rows).map_err(bad)?;
    }
    let count = model.classes.len();
    model.weights = vec![0.0; count * rows.len()];
    for (feature, row) in rows.iter().enumerate() {
        for (class, weight) in row {
            // Classes come first, so that every number was held against them.
            model.weights[feature * count + class] = *weight;
        }
    }
    Ok(model.measured())
}

fn read_line(line: &str, model: &mut Model, rows: &mut Vec<Vec<(usize, f32)>>) -> Result<(), &'static str> {
    let fields: Vec<&str> = line.split('\t').collect();
    match fields[..] {
        ["calibration", values] => {
            let values: Vec<f32> = values.split(' ').map(number).collect::<Result<_, _>>()?;
            model.calibration = values.try_into().map_err(|_| "has other than three numbers")?;
        }
        ["class", name, bias] => {
            if !rows.is_empty() || model.classes.len() == CLASSES_MAX {
                return Err("is a class behind the features, or one too many");
            }
            model.classes.push(name.to_owned());
            model.bias.push(number(bias)?);
        }
        ["feature", name, rarity, weights] => {
            if rows.len() == FEATURES_MAX {
                return Err("is a feature too many");
            }
            let mut row = Vec::new();
            for pair in weights.split(' ').filter(|pair| !pair.is_empty()) {
                let (class, weight) = pair.split_once(':').ok_or("has a weight without its class")?;
                let class = class.parse().map_err(|_| "has a class that is no number")?;
                if class >= model.classes.len() {
                    return Err("has a weight for a class that is not there");
                }
                row.push((class, number(weight)?));
            }
            model.index.insert(name.to_owned(), rows.len() as u32);
            model.rarity.push(number(rarity)?);
            rows.push(row);
        }
        ["example", class, gaps] => {
            let class = class_of(class, model)?;
            model.examples.push((class, gapped(gaps, rows.len())?));
        }
        ["twins", classes, marks] => {
            let (a, b) = classes.split_once(' ').ok_or("has other than two classes")?;
            let classes = [class_of(a, model)?, class_of(b, model)?];
            let marks = marks.split(' ').filter(|mark| !mark.is_empty());
            let marks = marks.map(|text| mark(text, rows.len())).collect::<Result<_, _>>()?;
            model.twins.push(Twins { classes, marks });
        }
        _ => return Err("is neither class nor feature nor example"),
    }
    Ok(())
}

/// The number of a class that is there.
fn class_of(text: &str, model: &Model) -> Result<u32, &'static str> {
    let class: u32 = text.parse().map_err(|_| "has a class that is no number")?;
    if class as usize >= model.classes.len() {
        return Err("is of a class that is not there");
    }
    Ok(class)
}

/// Features told by the gap to the one before, each below `count`.
fn gapped(gaps: &str, count: usize) -> Result<Vec<u32>, &'static str> {
    let mut features = Vec::new();
    let mut last = 0u32;
    for gap in gaps.split(' ').filter(|gap| !gap.is_empty()) {
        let gap: u32 = gap.parse().map_err(|_| "has a feature that is no number")?;
        last = last.checked_add(gap).ok_or("has a feature that is not there")?;
        if last as usize >= count || (gap == 0 && !features.is_empty()) {
            return Err("has a feature that is not there");
        }
        features.push(last);
    }
    Ok(features)
}

/// A mark of twins: feature, and its odds.
fn mark(text: &str, count: usize) -> Result<Mark, &'static str> {
    let mut parts = text.split(':');
    let (Some(feature), Some(there), Some(missing), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("has a mark of other than three numbers");
    };
    let feature: u32 = feature.parse().map_err(|_| "has a feature that is no number")?;
    if feature as usize >= count {
        return Err("has a feature that is not there");
    }
    Ok(Mark { feature, there: number(there)?, missing: number(missing)? })
}

fn number(text: &str) -> Result<f32, &'static str> {
    text.parse().ok().filter(|value: &f32| value.is_finite()).ok_or("has a number that cannot be read")
}

#[cfg(test)]
mod tests {
    use super::super::train::{Example, train};
    use super::*;

    fn examples() -> Vec<Example> {
        let example = |label: &str, n: usize, features: &[&str]| Example {
            label: label.to_owned(),
            capture: format!("{label}{n}"),
            features: features.iter().map(|f| (*f).to_owned()).collect(),
        };
        (0..6)
            .flat_map(|n| [example("cam", n, &["a", "both", "c"]), example("plug", n, &["both", "p", "q"])])
            .collect()
    }

    #[test]
    fn a_model_is_read_back_and_answers_the_same() {
        let model = train(&examples());
        let text = to_text(&model);
        let read = from_text(&text).expect("reads");
        assert_eq!(to_text(&read), text);
        let features = ["a".to_owned(), "both".to_owned(), "new".to_owned()];
        let (kept, asked) =
            (read.guess(&features).expect("a guess"), model.guess(&features).expect("a guess"));
        assert_eq!((kept.label, asked.label), ("cam", "cam"));
        assert!((kept.confidence - asked.confidence).abs() < 0.01);
        assert_eq!(kept.evidence[0].0, "a");
    }

    #[test]
    fn twins_are_found_in_training_read_back_and_told_as_either() {
        // Two cameras that do the same, but for what chance gives, and a plug.
        let example = |label: &str, n: usize, features: &[&str]| Example {
            label: label.to_owned(),
            capture: format!("{label}{n}"),
            features: features.iter().map(|f| (*f).to_owned()).collect(),
        };
        let camera = |label, n| example(label, n, &["a", "c", ["odd", "even"][n % 2]]);
        let examples: Vec<_> = (0..10)
            .flat_map(|n| [camera("cam1", n), camera("cam2", n), example("plug", n, &["p", "q"])])
            .collect();
        let model = train(&examples);
        assert_eq!(model.twins.iter().map(|twins| twins.classes).collect::<Vec<_>>(), [[0, 1]]);
        let read = from_text(&to_text(&model)).expect("reads");
        for model in [&model, &read] {
            let guess = model.guess(&["a".to_owned(), "c".to_owned(), "odd".to_owned()]).expect("a guess");
            assert!(guess.label.starts_with("cam") && guess.second.starts_with("cam"), "{guess:?}");
            assert!(guess.confidence <= 0.5 && guess.either.is_some_and(|either| either > 0.8), "{guess:?}");
            let plug = model.guess(&["p".to_owned(), "q".to_owned()]).expect("a guess");
            assert_eq!((plug.label, plug.either), ("plug", None));
        }
    }

    #[test]
    fn broken_text_names_its_line() {
        let text = to_text(&train(&examples()));
        for (from, to) in
            [("model 2", "model 1"), ("0:", "9:"), ("example\t0", "example\t7"), ("class\t", "klass\t")]
        {
            let error = from_text(&text.replacen(from, to, 1)).expect_err("broken");
            assert!(error.line > 0, "{error}");
        }
        for cut in 0..text.len() {
            // Any beginning is a model or an error, never a panic.
            if let Ok(model) = from_text(&text[..cut]) {
                let _ = model.guess(&["a".to_owned()]);
            }
        }
    }
}
