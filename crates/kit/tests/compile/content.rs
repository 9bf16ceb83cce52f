//! Every kind of condition, on inputs that are likely to catch it.

use crate::support::{Random, agree, inputs};
use kernscope_kit::compile::{
    ByteSet, Compiled, Content, Filter, Host, LoopShape, Options, Regex, Target, compile,
};
use kernscope_kit::vm::{Input, Vm};
use std::sync::Arc;

const LETTERS: &[u8] = b"abcdefgh ABC\n";

#[test]
fn literals_of_every_length() {
    let mut random = Random(1);
    for literal in
        ["z", "ab", "abc", "hgab", "abcde", "fffffff", "abcdefgh", "abcabcabcabd", "abcdefghabcdefghabcdefgh"]
    {
        let data = inputs(&mut random, LETTERS, literal.as_bytes(), 40);
        agree(&Content::literal(literal), &data);
        agree(&Content::Literal { bytes: literal.to_uppercase().into_bytes(), fold: true }, &data);
    }
}

#[test]
fn literals_of_binary_data() {
    let mut random = Random(2);
    for literal in [&b"\0"[..], b"\xff\xfe", b"\x80\0\0\x80", b"\0\0\0\0\0\0\0\x01", b"\xc3\xa9t\xc3\xa9"] {
        let data = inputs(&mut random, b"\0\x01\x7f\x80\xff\xfe", literal, 40);
        agree(&Content::literal(literal), &data);
    }
}

#[test]
fn many_literals() {
    let mut random = Random(3);
    for (shortest, count) in [(2, 3), (3, 20), (4, 200), (6, 1000)] {
        let lens: Vec<usize> = (0..count).map(|_| shortest + random.below(9)).collect();
        let list: Vec<Vec<u8>> = lens.iter().map(|&len| random.bytes(b"abcdefghijklmnop", len)).collect();
        let data = inputs(&mut random, b"abcdefghijklmnopqrstuvwxyz", &list[count / 2], 40);
        agree(&Content::literals(list.clone()), &data);
        agree(&Content::Literals { list, fold: true }, &data);
    }
}

#[test]
fn runs() {
    let mut random = Random(4);
    let class = ByteSet::EMPTY.with(b'a', b'f');
    for min in [1, 2, 7, 8, 9, 20, 33, 64, 300] {
        let len = min as usize - random.below(2);
        let planted = random.bytes(b"abcdef", len);
        for alphabet in [&b"abcdef."[..], b"abcdefabcdefabcdefabcdef.", b"a........"] {
            agree(&Content::ClassRun { class, min }, &inputs(&mut random, alphabet, &planted, 24));
        }
    }
}

#[test]
fn runs_before_another_scan() {
    let mut random = Random(9);
    let run = Content::ClassRun { class: ByteSet::EMPTY.with(b'a', b'c'), min: 16 };
    let long = Content::ClassRun { class: ByteSet::EMPTY.with(b'a', b'h'), min: 40 };
    for behind in [Content::literals(["bbca", "hgfA"]), long] {
        let content = Content::All(vec![run.clone(), behind]);
        agree(&content, &inputs(&mut random, LETTERS, b"abcabcabcabcabcbbca", 24));
    }
}

/// Short runs everywhere make samples of the long one look promising again and again.
#[test]
fn runs_of_very_different_lengths() {
    let short = Content::ClassRun { class: ByteSet::EMPTY.with(b'a', b'f'), min: 8 };
    for min in [16, 100, 300, 2000] {
        let long = Content::ClassRun { class: ByteSet::EMPTY.with(b'x', b'x'), min };
        let content = Content::Any(vec![short.clone(), long]);
        let unit = |gap: usize| [&b"abcdefa"[..], &vec![b'.'; gap]].concat();
        let data: Vec<Vec<u8>> = [1, 9, 23, 93, 293]
            .iter()
            .flat_map(|&gap| [600, 1000, 1400, 2000, 3000].map(|len| unit(gap).repeat(375)[..len].to_vec()))
            .collect();
        agree(&content, &data);
    }
}

#[test]
fn thresholds() {
    let mut random = Random(5);
    let specs: [(&[(u8, u32)], u32); 7] = [
        (&[(b'a', 3), (b'b', 1)], 64),
        (&[(b'a', 1)], 1),
        (&[(b'a', 2), (b'z', 2)], 5),
        (&[(b'q', 4)], 200),
        (&[(b'a', 9), (b'b', 9), (b'c', 9), (b'd', 9), (b'e', 9)], 300),
        (
            &[
                (b'a', 2),
                (b'b', 2),
                (b'c', 2),
                (b'd', 2),
                (b'e', 2),
                (b'f', 2),
                (b'g', 2),
                (b'h', 2),
                (b'q', 1),
            ],
            40,
        ),
        (&[(b'z', 2), (b'q', 1)], 1000),
    ];
    for (counts, window) in specs {
        let content = Content::Thresholds { counts: counts.to_vec(), window };
        for alphabet in [
            &b"abcdefgh..................."[..],
            b"abcdefghijklmnopqrstuvwxyz",
            b"................az.....q.......",
        ] {
            agree(&content, &inputs(&mut random, alphabet, b"", 24));
        }
    }
}

#[test]
fn expressions() {
    let mut random = Random(6);
    for pattern in [
        "ab+c",
        "^abc",
        "abc$",
        r"(?-u:\b)ab(?-u:\b)",
        "a.c|b{3,5}h",
        "(?i)ABC[def]{4}",
        "[a-d]{20}",
        "(?-u)a[^b]{7}c",
        "$",
    ] {
        let regex = Regex::new(pattern).expect("parses");
        let content = Content::Regex(Arc::new(regex));
        for planted in [&b"abbbc"[..], b"abcdefd", b"abc", b"b", b"abcdabcdabcdabcdabcd"] {
            agree(&content, &inputs(&mut random, LETTERS, planted, 12));
        }
    }
}

#[test]
fn combinations() {
    let mut random = Random(7);
    let run = Content::ClassRun { class: ByteSet::EMPTY.with(b'a', b'h'), min: 9 };
    let content = Content::Any(vec![
        Content::All(vec![Content::literal("abc"), run.clone()]),
        Content::literals(["hhh", "aBC"]),
        Content::All(vec![
            Content::literal("\n\n\n"),
            Content::Thresholds { counts: vec![(b'a', 5)], window: 20 },
        ]),
    ]);
    agree(&content, &inputs(&mut random, LETTERS, b"abc", 60));
    agree(&Content::All(vec![]), &inputs(&mut random, LETTERS, b"", 3));
    agree(&Content::Any(vec![]), &inputs(&mut random, LETTERS, b"", 3));
}

#[test]
fn many_sets_in_one_pass() {
    let mut random = Random(8);
    let run = Content::ClassRun { class: ByteSet::EMPTY.with(b'a', b'h'), min: 12 };
    let content = Content::Any(vec![
        Content::literals(["abc ", "hgfA"]),
        Content::All(vec![Content::literals(["def", "cab"]), run]),
        Content::All(vec![Content::literal("b\nb"), Content::literal("gg"), Content::literal("AA")]),
        Content::Literal { bytes: b"CCcC".to_vec(), fold: true },
    ]);
    agree(&content, &inputs(&mut random, LETTERS, b"def", 60));
    agree(&content, &inputs(&mut random, b"abfghABC\n", b"b\nb", 60));
}

/// Runs a filter on the longest data that it looks at, made of a `z` every so many bytes.
fn is_match_at_the_limit(compiled: &Compiled, gap: usize) -> bool {
    let mut vm = Vm::new(&compiled.program).expect("is valid");
    let unit = [&vec![b'.'; gap - 1][..], b"z"].concat();
    let mut data = unit.repeat(compiled.limit_bytes() as usize / gap);
    let returned = vm.run(Input::Memory(&mut data)).expect("runs");
    Target::Vm.is_match(returned as u32, compiled.options().on_match)
}

fn for_vm(content: Content, shape: LoopShape) -> Compiled {
    compile(&Filter::content(content), &Options::new(Target::Vm, Host::new(shape))).expect("compiles")
}

#[test]
fn rounds_suffice_where_short_windows_begin_again_and_again() {
    for window in [2, 4, 15, 17, 31, 300] {
        let content = Content::Thresholds { counts: vec![(b'z', window)], window };
        let compiled = for_vm(content, LoopShape::BpfLoop);
        for gap in [2, 17, 24, 64, 310] {
            assert!(!is_match_at_the_limit(&compiled, gap), "window {window}, gap {gap}");
        }
    }
}

/// A sieve made for a short literal, with the tables of a long one whose rarest byte is late.
#[test]
fn rounds_suffice_where_walks_begin_far_back() {
    let short = for_vm(Content::Literal { bytes: b"z".to_vec(), fold: true }, LoopShape::Bounded);
    let late = [&[b'e'; 127][..], b"z"].concat();
    let long = Filter::content(Content::Literal { bytes: late, fold: true });
    let long = short.with(&long).expect("is the same program");
    for gap in [64, 72, 96, 120, 128, 136] {
        assert!(!is_match_at_the_limit(&long, gap), "gap {gap}");
    }
}

#[test]
fn zeros_are_passed_over_and_nothing_between_them_is() {
    let words = ["passw0rd", "hunter2_", "sk_live_", "ghp_abcd", "AKIA0123"];
    let literals = |more: &[u8]| {
        let list = words.iter().map(|word| word.as_bytes().to_vec()).chain([more.to_vec()]);
        Content::Literals { list: list.collect(), fold: true }
    };
    for more in [&b"xoxb-999"[..], b"zero\0\0\0\0end", b"\0\0\0\0\0\0\0\0after", b"before\0\0\0\0\0\0"] {
        let content = literals(more);
        let mut inputs: Vec<Vec<u8>> =
            vec![vec![0; 100], vec![0; 1500], [&[0; 200][..], b"passw0r"].concat()];
        for at in (0..200).step_by(7).chain(120..140) {
            for word in [words[at % words.len()].as_bytes(), more] {
                let mut data = vec![0; 400];
                data[at..at + word.len()].copy_from_slice(word);
                inputs.push(data.clone());
                // Where the data ends within zeros, and right behind the word.
                inputs.push(data[..at + word.len() + at % 3].to_vec());
                data[at + 1] ^= 1;
                inputs.push(data);
            }
        }
        agree(&content, &inputs);
    }
}
