//! What a filter knows about its patterns, as bytes in a map: replaced, the same program looks for other patterns.
//!
//! The map holds two copies and a second map says which one counts. Writing the idle copy and then turning the switch
//! changes every table of a filter at once: no run of the program sees half of an update.

use super::anchor::TAIL;
use super::plan::{Count, Node, Place, Run, Scan, Sieved, Walk};
use super::sieve::{self, Sieve};

/// Bytes of the parameters of one scan.
pub(super) const PARAMS_BYTES: u32 = 64;
/// Offset of the first row that accepts, in bytes of rows.
pub(super) const PARAM_ACCEPTS: i16 = 0;
/// Offset, in a row, of what it accepts.
pub(super) const PARAM_PATTERNS: i16 = 8;
/// Offset, in a row, of whether the end of the data accepts.
pub(super) const PARAM_END: i16 = 16;
/// The first byte of a sieve, eight times.
pub(super) const PARAM_FIRST: i16 = 24;
/// The second byte of a sieve, eight times.
pub(super) const PARAM_SECOND: i16 = 32;
/// Distance from the first to the second.
pub(super) const PARAM_DISTANCE: i16 = 40;
/// Bytes to go back from where a sieve found something.
pub(super) const PARAM_BACK: i16 = 48;

/// Bytes of a table with two bytes for each byte.
const CLASS_BYTES: u32 = 512;
/// Bytes of a table with eight bytes for each byte.
pub(super) const LANE_BYTES: u32 = 2048;

/// Gives every scan its place; the bytes of one copy come back.
pub(super) fn place(node: &mut Node) -> u32 {
    let mut scans = 0;
    each(node, &mut |_| scans += 1);
    let mut params = 0;
    let mut end = scans * PARAMS_BYTES;
    each(node, &mut |scan| {
        let place = match scan {
            Each::Walk(walk) => walk.place(&mut end),
            Each::Run(run) => {
                run.place = Place { bytes: end, ..Place::default() };
                end += LANE_BYTES;
                &mut run.place
            }
            Each::Count(count) => {
                count.place = Place { bytes: end, ..Place::default() };
                end += LANE_BYTES * count.words();
                &mut count.place
            }
        };
        place.params = params as i16;
        params += PARAMS_BYTES;
    });
    end.next_multiple_of(64).max(64)
}

/// One copy of the tables.
pub(super) fn image(node: &mut Node, bytes: u32) -> Vec<u8> {
    let mut image = vec![0; bytes as usize];
    each(node, &mut |scan| match scan {
        Each::Walk(walk) => walk.fill(&mut image),
        Each::Run(run) => run.fill(&mut image),
        Each::Count(count) => count.fill(&mut image),
    });
    image
}

/// Any scan.
pub(super) enum Each<'a> {
    Walk(&'a mut Walk),
    Run(&'a mut Run),
    Count(&'a mut Count),
}

/// Calls `act` with every scan, in the order of the program.
pub(super) fn each(node: &mut Node, act: &mut dyn FnMut(Each<'_>)) {
    match node {
        Node::True | Node::False | Node::Noted(_) => {}
        Node::Scan(Scan::Walk(walk)) => act(Each::Walk(walk)),
        Node::Scan(Scan::Run(run)) => act(Each::Run(run)),
        Node::Scan(Scan::Count(count)) => act(Each::Count(count)),
        Node::Noting { walk, then, .. } => {
            act(Each::Walk(walk));
            each(then, act);
        }
        Node::All(nodes) | Node::Any(nodes) => nodes.iter_mut().for_each(|node| each(node, act)),
    }
}

fn put(image: &mut [u8], at: u32, bytes: &[u8]) {
    image[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
}

fn param(image: &mut [u8], place: Place, param: i16, value: u64) {
    put(image, (place.params + param) as u32, &value.to_ne_bytes());
}

impl Walk {
    fn place(&mut self, end: &mut u32) -> &mut Place {
        let grams = match self.sieve.as_ref().map(|sieved| sieved.sieve) {
            Some(Sieve::Grams(_, bits)) => 1 << bits,
            _ => 0,
        };
        self.place =
            Place { params: 0, bytes: *end, grams: *end + CLASS_BYTES, rows: *end + CLASS_BYTES + grams };
        *end = self.place.rows + self.capacity_bytes;
        &mut self.place
    }

    /// Bytes of a row: a word for each class, one for the end of the data, one for the patterns.
    fn row_bytes(&self) -> u32 {
        row_bytes(self.dfa.class_count)
    }

    fn fill(&self, image: &mut [u8]) {
        for (byte, &class) in self.dfa.classes.iter().enumerate() {
            put(image, self.place.bytes + 2 * byte as u32, &(u16::from(class) * 4).to_ne_bytes());
        }
        let accepting = self.fill_rows(image);
        let (row, classes) = (self.row_bytes(), self.dfa.class_count as u64);
        param(image, self.place, PARAM_ACCEPTS, u64::from((self.dfa.len() as u32 - accepting) * row));
        param(image, self.place, PARAM_END, 4 * classes);
        param(image, self.place, PARAM_PATTERNS, 4 * classes + 4);
        if let Some(sieved) = &self.sieve {
            self.fill_sieve(image, sieved);
        }
    }

    /// Rows that accept come last, so that one comparison tells them. How many there are comes back.
    fn fill_rows(&self, image: &mut [u8]) -> u32 {
        let dfa = &self.dfa;
        let mut order: Vec<usize> = (0..dfa.len()).collect();
        order.sort_by_key(|&state| dfa.accepts[state] != 0);
        let mut row_of = vec![0u32; dfa.len()];
        for (row, &state) in order.iter().enumerate() {
            row_of[state] = row as u32 * self.row_bytes();
        }
        let rows = &mut image[self.place.rows as usize..];
        let rows = rows.chunks_exact_mut(self.row_bytes() as usize);
        for (row, &state) in rows.zip(&order) {
            let next = &dfa.next[state * dfa.class_count..][..dfa.class_count];
            // Where one match is enough, nothing leads out of it.
            let stays = !self.looks_at_every_byte() && dfa.accepts[state] != 0;
            let words = next.iter().map(|&next| row_of[if stays { state } else { next as usize }]);
            let accepts = match dfa.accepts[state] {
                tail if self.tails && tail > TAIL => row_of[(tail - TAIL) as usize],
                accepts => accepts,
            };
            let words = words.chain([u32::from(dfa.at_end[state]), accepts]);
            for (field, word) in row.chunks_exact_mut(4).zip(words) {
                field.copy_from_slice(&word.to_ne_bytes());
            }
        }
        dfa.accepts.iter().filter(|&&patterns| patterns != 0).count() as u32
    }

    fn fill_sieve(&self, image: &mut [u8], Sieved { sieve, texts }: &Sieved) {
        match *sieve {
            Sieve::Bytes { pair, fold } => {
                let literal = sieve::literal_of(&texts[0], fold).unwrap_or_default();
                let table = sieve::bytes_table(&literal, pair, fold);
                param(image, self.place, PARAM_FIRST, u64::from_ne_bytes([table.first; 8]));
                param(image, self.place, PARAM_SECOND, u64::from_ne_bytes([table.second; 8]));
                param(image, self.place, PARAM_DISTANCE, u64::from(table.distance));
                param(image, self.place, PARAM_BACK, u64::from(table.offset));
            }
            Sieve::Grams(grams, bits) => {
                let (table, back) = sieve::gram_table(texts, grams, bits);
                put(image, self.place.grams, &table);
                param(image, self.place, PARAM_BACK, u64::from(back));
            }
        }
    }
}

/// Bytes of a row of an automaton with that many classes.
pub(super) fn row_bytes(class_count: usize) -> u32 {
    4 * (class_count as u32 + 2)
}

impl Run {
    fn fill(&self, image: &mut [u8]) {
        for byte in 0..=255 {
            let lanes = (0..self.runs.len()).filter(|&lane| self.runs[lane].0.contains(byte));
            let inside = lanes.fold(0, |inside, lane| inside | self.lane_mask() << self.lane_shift(lane));
            put(image, self.place.bytes + 8 * u32::from(byte), &inside.to_ne_bytes());
        }
    }
}

impl Count {
    fn fill(&self, image: &mut [u8]) {
        for (index, &(byte, _)) in self.counts.iter().enumerate() {
            let (word, shift) = self.lane(index);
            let at = self.place.bytes + LANE_BYTES * word + 8 * u32::from(byte);
            put(image, at, &(1u64 << shift).to_ne_bytes());
        }
        let sought = u64::from_ne_bytes([self.sought().0; 8]);
        param(image, self.place, PARAM_FIRST, sought);
    }
}
