//! Random conditions on content, with bytes that meet them, nearly meet them, or are much like them.

use std::sync::Arc;

use kernscope_kit::compile::{ByteSet, Content, Regex};

use crate::patterns;
use crate::random::Random;
use crate::rulesets::Oracle;

/// A condition and what to plant in the data for it.
pub(crate) struct Sought {
    pub(crate) content: Content,
    /// Bytes that meet it, or a part of it, or do not by a little.
    pub(crate) plants: Vec<Vec<u8>>,
    /// What the data is made of beside them.
    pub(crate) alphabet: Vec<u8>,
    /// For a rule set, its rules: what the condition is wider than.
    pub(crate) rules: Option<Arc<Oracle>>,
}

const ALPHABETS: [&[u8]; 5] = [
    b"ab",
    b"abcdefgh",
    b"abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789_. \n",
    b"\0\x01\x7f\x80\xff",
    b"a....",
];

pub(crate) fn literal(random: &mut Random, fold: bool) -> Sought {
    let alphabet = random.pick(&ALPHABETS);
    let len = random.pick(&[1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 30]);
    let bytes = random.bytes(alphabet, len);
    let plants = near(random, &bytes, fold);
    Sought { content: Content::Literal { bytes, fold }, plants, alphabet: alphabet.to_vec(), rules: None }
}

pub(crate) fn literals(random: &mut Random, fold: bool) -> Sought {
    let alphabet = random.pick(&ALPHABETS[1..3]);
    let shortest = random.pick(&[1, 2, 3, 4, 6]);
    let count = random.pick(&[2, 3, 10, 40, 300]);
    let list: Vec<_> = (0..count)
        .map(|_| {
            let len = shortest + random.below(8);
            random.bytes(alphabet, len)
        })
        .collect();
    let plants = (0..3)
        .flat_map(|_| {
            let bytes = random.pick(&list);
            near(random, &bytes, fold)
        })
        .collect();
    Sought { content: Content::Literals { list, fold }, plants, alphabet: alphabet.to_vec(), rules: None }
}

pub(crate) fn run(random: &mut Random) -> Sought {
    let classes: [&[u8]; 4] =
        [b"abcdef", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", b"a", b"\x80\xff"];
    let members = random.pick(&classes);
    let class = members.iter().fold(ByteSet::EMPTY, |set, &byte| set.with(byte, byte));
    let min = random.pick(&[1, 2, 3, 7, 8, 9, 15, 16, 17, 20, 33, 64, 100]) as u32;
    let runs: Vec<_> = [min - 1, min, min + 1].map(|len| random.bytes(members, len as usize)).to_vec();
    let alphabet = [members, &b"!!"[..]].concat();
    Sought { content: Content::ClassRun { class, min }, plants: runs, alphabet, rules: None }
}

pub(crate) fn thresholds(random: &mut Random) -> Sought {
    let named = random.within(1, 4);
    let counts: Vec<_> = b"abcd"[..named].iter().map(|&byte| (byte, random.within(1, 5) as u32)).collect();
    let window = random.pick(&[1, 4, 16, 63, 64, 65, 128, 300]);
    let met: Vec<u8> = counts.iter().flat_map(|&(byte, count)| vec![byte; count as usize]).collect();
    let mut plants = vec![met.clone(), met[1..].to_vec()];
    // All that is needed, spread over the window, and over one byte more.
    for room in [window as usize, window as usize + 1] {
        let mut spread = vec![b'.'; room.max(met.len())];
        for (at, &byte) in met.iter().enumerate() {
            let place = at * (spread.len() - 1) / (met.len() - 1).max(1);
            spread[place] = byte;
        }
        plants.push(spread);
    }
    let dots = random.pick(&[0, 4, 20, 60]);
    let alphabet = [&b"abcdxyz"[..], &vec![b'.'; dots]].concat();
    Sought { content: Content::Thresholds { counts, window }, plants, alphabet, rules: None }
}

/// A regular expression; a `wide` one is likely not to fit an automaton. `None` when it is refused.
pub(crate) fn regex(random: &mut Random, wide: bool) -> Option<Sought> {
    let pattern = patterns::pattern(random, wide);
    let regex = Regex::new(&pattern.text).ok()?;
    let mut plants = Vec::new();
    for _ in 0..6 {
        let sample = pattern.sample(random);
        plants.extend(near(random, &sample, false).into_iter().take(2));
        plants.push(sample);
    }
    let alphabet = b"abcdefghAB01 _-\n=\"".to_vec();
    Some(Sought { content: Content::Regex(Arc::new(regex)), plants, alphabet, rules: None })
}

/// Some of these joined.
pub(crate) fn joined(random: &mut Random, parts: Vec<Sought>) -> Sought {
    let (mut contents, mut plants, mut alphabet) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        contents.push(part.content);
        plants.extend(part.plants);
        alphabet.extend(part.alphabet);
    }
    let all: Vec<u8> = plants.concat();
    plants.push(all);
    let content = if random.once_in(2) { Content::All(contents) } else { Content::Any(contents) };
    Sought { content, plants, alphabet, rules: None }
}

/// The bytes themselves, with a byte changed, without their last, twice, and in another case.
fn near(random: &mut Random, bytes: &[u8], fold: bool) -> Vec<Vec<u8>> {
    let mut plants = vec![bytes.to_vec(), bytes.repeat(2)];
    if !bytes.is_empty() {
        let mut changed = bytes.to_vec();
        let at = random.below(changed.len());
        changed[at] ^= random.pick(&[1, 0x20, 0x80]);
        plants.extend([changed, bytes[..bytes.len() - 1].to_vec(), bytes[1..].to_vec()]);
    }
    if fold {
        plants.extend([bytes.to_ascii_uppercase(), bytes.to_ascii_lowercase()]);
    }
    plants
}

/// One input: what surrounds, what is planted, and where it ends up by the edges of words, spans and data.
pub(crate) fn data(random: &mut Random, sought: &Sought, most: usize) -> Vec<u8> {
    let len = match random.below(16) {
        0 => 0,
        1 => 1,
        2..11 => random.below(128.min(most)),
        11..15 => random.below(700.min(most)),
        _ => most,
    };
    let mut data = random.bytes(&sought.alphabet, len);
    plant(random, sought, &mut data, most);
    data
}

/// One input of `len` bytes: in half of the cases nothing but what is planted could meet the condition.
pub(crate) fn long(random: &mut Random, sought: &Sought, len: usize) -> Vec<u8> {
    let alphabet = if random.once_in(2) { b"~" } else { &sought.alphabet[..] };
    let mut data = random.bytes(alphabet, len);
    plant(random, sought, &mut data, len);
    data
}

/// Plants what is sought, by the edges of words, spans and data.
fn plant(random: &mut Random, sought: &Sought, data: &mut Vec<u8>, most: usize) {
    for _ in 0..random.pick(&[0, 1, 1, 1, 2]) {
        let plant = random.pick(&sought.plants);
        if plant.len() > data.len() {
            if random.once_in(4) {
                *data = plant;
                data.truncate(most);
            }
            continue;
        }
        let last = data.len() - plant.len();
        let edge = random.pick(&[8, 16, 64]) * random.within(1, 4);
        let at = match random.below(4) {
            0 => 0,
            1 => last,
            2 => edge.saturating_sub(random.below(plant.len() + 1)).min(last),
            _ => random.below(last + 1),
        };
        data[at..at + plant.len()].copy_from_slice(&plant);
    }
}
