//! Programs that are there to start others, in forms that the shell does not see: `find -exec`, `watch`, `vim -c :!id`.

use super::embedded::quoted;

/// Programs of [`texts`].
const PROGRAMS: [&str; 23] = [
    "find",
    "watch",
    "trap",
    "alias",
    "vi",
    "vim",
    "nvim",
    "view",
    "ex",
    "rvim",
    "rview",
    "vimdiff",
    "gdb",
    "sed",
    "tmux",
    "screen",
    "xterm",
    "gnome-terminal",
    "parallel",
    "pssh",
    "pdsh",
    "clush",
    "parallel-ssh",
];

/// Whether a program is one of them.
pub(super) fn is_known(name: &str) -> bool {
    PROGRAMS.contains(&name)
}

/// The texts that such a program runs.
pub(super) fn texts(name: &str, words: &[&str]) -> Vec<String> {
    match name {
        "find" => executed(words),
        "watch" => words
            .iter()
            .skip(1)
            .find(|word| word.contains(' '))
            .map(|word| (*word).to_owned())
            .into_iter()
            .collect(),
        "trap" => {
            words.get(1).filter(|_| words.len() > 2).map(|text| (*text).to_owned()).into_iter().collect()
        }
        "alias" => words[1..].iter().filter_map(|word| Some(word.split_once('=')?.1.to_owned())).collect(),
        "vi" | "vim" | "nvim" | "view" | "ex" | "rvim" | "rview" | "vimdiff" => {
            let told = words[1..].iter().map(|word| word.trim_start_matches(['+', ':']));
            told.filter_map(|word| match word.split(' ').next() {
                // What it starts then is a shell to type into.
                Some("shell" | "sh" | "terminal" | "term") => Some("sh".to_owned()),
                _ => word.strip_prefix('!').map(str::to_owned),
            })
            .collect()
        }
        "gdb" => {
            let told = words[1..]
                .iter()
                .filter_map(|word| word.strip_prefix('!').or_else(|| word.strip_prefix("shell ")));
            told.map(str::to_owned).collect()
        }
        "sed" => words[1..].iter().filter_map(|word| sed_executes(word)).collect(),
        "tmux" | "screen" | "xterm" | "gnome-terminal" | "parallel" | "pssh" | "pdsh" | "clush"
        | "parallel-ssh" => {
            words[1..].iter().filter(|word| word.contains(' ')).map(|word| (*word).to_owned()).collect()
        }
        "git" => {
            let aliased = words[1..].iter().filter_map(|word| word.strip_prefix("alias.")?.split_once("=!"));
            aliased.map(|(_, text)| text.to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// `find -exec rm {} +` is `rm {}`.
fn executed(words: &[&str]) -> Vec<String> {
    let starts = words
        .iter()
        .enumerate()
        .filter(|(_, word)| matches!(**word, "-exec" | "-execdir" | "-ok" | "-okdir"));
    let told = starts.map(|(at, _)| {
        let all = words[at + 1..].iter().take_while(|word| !matches!(**word, ";" | "+" | "\\;"));
        all.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    });
    told.collect()
}

/// `1e id` runs `id`.
fn sed_executes(word: &str) -> Option<String> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ','));
    let text = rest.strip_prefix("e ")?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}
