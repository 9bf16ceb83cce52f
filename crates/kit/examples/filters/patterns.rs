//! Random regular expressions, and strings that they match.

use crate::random::Random;

/// A pattern as text and as a tree to take samples from.
pub(crate) struct Pattern {
    pub(crate) text: String,
    node: Node,
}

enum Node {
    Bytes(Vec<u8>),
    Class(Vec<u8>),
    Repeat(Box<Node>, usize, usize),
    Chain(Vec<Node>),
    Choice(Vec<Node>),
}

impl Pattern {
    /// A string that the pattern matches, where no anchor forbids it.
    pub(crate) fn sample(&self, random: &mut Random) -> Vec<u8> {
        let mut sample = Vec::new();
        take(&self.node, random, &mut sample);
        sample
    }
}

fn take(node: &Node, random: &mut Random, sample: &mut Vec<u8>) {
    match node {
        Node::Bytes(bytes) => sample.extend(bytes),
        Node::Class(members) => sample.push(random.pick(members)),
        Node::Repeat(node, low, high) => {
            for _ in 0..random.within(*low, *high) {
                take(node, random, sample);
            }
        }
        Node::Chain(nodes) => nodes.iter().for_each(|node| take(node, random, sample)),
        Node::Choice(nodes) => {
            let at = random.below(nodes.len());
            take(&nodes[at], random, sample);
        }
    }
}

/// Any pattern; a `wide` one is shaped like the rules of secret scanners: a keyword, something between, a long run.
pub(crate) fn pattern(random: &mut Random, wide: bool) -> Pattern {
    let (mut text, node) = if wide { secret(random) } else { chain(random, 2) };
    match random.below(8) {
        0 => text = format!("(?i){text}"),
        1 => text = format!("^{text}"),
        2 => text = format!("{text}$"),
        3 => text = format!(r"(?-u:\b){text}"),
        _ => {}
    }
    Pattern { text, node }
}

fn word(random: &mut Random) -> (String, Node) {
    let len = random.within(1, 4);
    let bytes = random.bytes(b"abcdefgh", len);
    (String::from_utf8_lossy(&bytes).into_owned(), Node::Bytes(bytes))
}

fn class(random: &mut Random) -> (String, Node) {
    let (text, members): (&str, &[u8]) = random.pick(&[
        ("[a-d]", &b"abcd"[..]),
        ("[A-Za-z0-9_]", b"abAB01_"),
        ("[^b\\n]", b"acdefgh"),
        (".", b"abcdefgh"),
        ("\\s", b" \t\n"),
        ("[0-9a-f]", b"0123456789abcdef"),
    ]);
    (text.to_owned(), Node::Class(members.to_vec()))
}

fn repeated(random: &mut Random, (text, node): (String, Node), most: usize) -> (String, Node) {
    let low = random.below(most + 1);
    let high = low + random.below(most + 1);
    let (suffix, high) = match random.below(5) {
        0 => ("*".to_owned(), low + 3),
        1 => ("+".to_owned(), low + 3),
        2 => ("?".to_owned(), 1),
        3 => (format!("{{{low},}}"), low + 3),
        _ => (format!("{{{low},{high}}}"), high),
    };
    let low = match &suffix[..] {
        "*" | "?" => 0,
        "+" => 1,
        _ => low,
    };
    (format!("(?:{text}){suffix}"), Node::Repeat(Box::new(node), low, high))
}

fn chain(random: &mut Random, depth: usize) -> (String, Node) {
    let (mut text, mut nodes) = (String::new(), Vec::new());
    for _ in 0..random.within(1, 3) {
        let part = match random.below(5) {
            0..2 => word(random),
            2 => class(random),
            3 if depth > 0 => {
                let (one, other) = (chain(random, depth - 1), chain(random, depth - 1));
                (format!("(?:{}|{})", one.0, other.0), Node::Choice(vec![one.1, other.1]))
            }
            _ => {
                let inner = if random.once_in(2) { word(random) } else { class(random) };
                repeated(random, inner, 4)
            }
        };
        text.push_str(&part.0);
        nodes.push(part.1);
    }
    (text, Node::Chain(nodes))
}

fn secret(random: &mut Random) -> (String, Node) {
    let (keyword, key) = word(random);
    let between = random.within(5, 40);
    let low = random.pick(&[16, 20, 32, 40]);
    let high = low + random.pick(&[0, 8, 100]);
    let (class_text, class) = class(random);
    let text = format!("{keyword}[\\s\\S]{{0,{between}}}[=: ]{class_text}{{{low},{high}}}");
    let gap = Node::Repeat(Box::new(Node::Class(b"abA0_\"".to_vec())), 0, between);
    let sign = Node::Class(b"=: ".to_vec());
    (text, Node::Chain(vec![key, gap, sign, Node::Repeat(Box::new(class), low, high)]))
}
