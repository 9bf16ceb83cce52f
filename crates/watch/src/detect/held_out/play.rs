//! What a text would do, as records: the shell itself, the programs that it starts, the files that it and they name.
//!
//! Nothing is run. A program is started for each command that is no builtin; redirections open their targets; a few programs whose
//! arguments are files open, make or remove those. A program that is no shell also opens what holds secrets and stands within an
//! argument (`@/etc/shadow`, `file:///etc/shadow`, `open("/etc/shadow")`), or in an exported variable that an argument names
//! (`ENV["LFILE"]`), or in a here-document that it reads or that is written into a file which it is given, or is named from the folder that `cd` has gone to: that is what the run is for, and the monitor sees the open, whatever
//! option it comes by. Calls of programs that are no part of this (sockets, names asked for) are left out, so that the score is not
//! better than what a real run gives. The honest texts are played alike.

use super::super::example::{Played, record};
use super::super::shell::{Simple, roles::SHELLS, simple_commands, wrapper::inner_at};
use serde_json::{Value, json};

/// Commands that start no program.
const BUILTINS: [&str; 30] = [
    "echo", "printf", "cd", "export", "unset", "set", "eval", "source", ".", "exec", "read", "trap", "test",
    "[", "exit", "true", "false", "history", "alias", "local", "return", "break", "continue", "wait",
    "ulimit", "umask", "type", "shift", ":", "for",
];
const SHELL_PID: u32 = 101;
/// Files that nobody but those they are for has honest business with.
const SECRETS: [&str; 6] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/shadow-",
    "/root/.ssh/id_rsa",
    "/root/.aws/credentials",
    "/root/.kube/config",
];
/// Programs that take names of files without opening them.
const ASIDE: [&str; 27] = [
    "ls", "stat", "chmod", "chown", "touch", "mkdir", "kill", "mount", "chattr", "getent", "find", "test",
    "sudo", "env", "git", "docker", "rm", "ln", "man", "auditctl", "rsync", "ssh", "grep", "egrep", "rg",
    "sed", "jq",
];

/// `sh -c TEXT`, started by a program in Python.
pub(super) fn of_program(text: &str) -> Vec<Played> {
    play(&["/bin/sh", "-c", text], text)
}

/// `bash FILE` with this in the file.
pub(super) fn of_file(text: &str) -> Vec<Played> {
    play(&["bash", "x.sh"], text)
}

fn play(argv: &[&str], text: &str) -> Vec<Played> {
    let by = json!({ "pid": 100, "exe": "/usr/bin/python3", "argv": ["python3", "app.py"] });
    let shell = json!({ "pid": SHELL_PID, "ppid": 100 });
    let mut all = vec![
        json!({ "kind": "process_exec", "argv": ["python3", "app.py"], "exe": "/usr/bin/python3", "proc": by }),
        json!({ "kind": "process_exec", "argv": argv, "exe": "/usr/bin/bash", "proc": shell }),
    ];
    let commands = simple_commands(text);
    let exported: Vec<(&str, &str)> = commands.iter().flat_map(|command| exported(&command.words)).collect();
    let code = |command: &Simple| Some((command.redirects.first()?.1.clone(), command.input.clone()?));
    let written: Vec<(String, String)> = commands.iter().filter_map(code).collect();
    let mut here = "";
    for (command, pid) in commands.iter().zip(200..) {
        if let [cd, folder] = &command.words[..]
            && cd == "cd"
        {
            here = folder.trim_end_matches('/');
        }
        all.extend(of_command(&command.words, &command.redirects, pid));
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let inner = inner_at(&words);
        if let Some(at) = inner {
            all.extend(of_command(&command.words[at..], &[], pid));
        }
        let fed = command.input.as_deref().filter(|_| !matches!(words.first(), Some(&("cat" | "tee"))));
        let named: Vec<&str> = words[inner.unwrap_or(0)..].iter().copied().chain(fed).collect();
        let named: Vec<String> = named.into_iter().map(|word| beside(word, here)).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        if named.is_empty() {
            continue;
        }
        // What was written down with the name of a secret's variable in it asks for that when it is run.
        let told = written
            .iter()
            .filter(|(file, _)| named[1..].contains(&file.as_str()))
            .map(|(_, code)| code.as_str());
        let named: Vec<&str> = named.iter().copied().chain(told).collect();
        all.extend(of_secrets(&named, &exported, pid));
    }
    all.iter().map(|value| record(value, SHELL_PID, 1).expect("a record")).collect()
}

fn of_command(words: &[String], redirects: &[(String, String)], pid: u32) -> Vec<Value> {
    let mut all = Vec::new();
    let forked = json!({ "pid": pid, "ppid": SHELL_PID, "exe": "/usr/bin/bash" });
    let is_file = |target: &str| target.contains('/') || target.starts_with(['~', '.']);
    for (op, target) in redirects.iter().filter(|(_, target)| is_file(target)) {
        let flags =
            if op.contains(">>") { json!(["O_WRONLY", "O_APPEND"]) } else { json!(["O_WRONLY", "O_TRUNC"]) };
        if target.starts_with("/dev/tcp/") {
            let remote = target.trim_start_matches("/dev/tcp/").replace('/', ":");
            all.push(json!({ "kind": "net_connect", "proto": "tcp", "remote": remote, "proc": forked }));
            continue;
        }
        all.push(match op.contains('>') {
            true => opened(target, "create", flags, &forked),
            false => opened(target, "read", json!([]), &forked),
        });
    }
    let Some(name) = words.first().map(|first| first.rsplit('/').next().unwrap_or(first)) else { return all };
    // The shell itself reads these.
    if matches!(name, "history" | "source" | "." | "mapfile" | "readarray") {
        all.extend(of_files("cat", words, &forked));
    }
    if name.is_empty() || BUILTINS.contains(&name) || name.contains(char::is_whitespace) {
        return all;
    }
    let exe = match words[0].strip_prefix("./") {
        Some(file) => absolute(file),
        None if words[0].starts_with('/') => words[0].clone(),
        None => format!("/usr/bin/{name}"),
    };
    let own = json!({ "pid": pid, "ppid": SHELL_PID, "exe": exe });
    all.push(json!({ "kind": "process_exec", "argv": words, "exe": exe, "proc": own }));
    all.extend(of_files(name, words, &own));
    all
}

/// What programs do with the files among their arguments.
fn of_files(name: &str, words: &[String], own: &Value) -> Vec<Value> {
    let is_file = |word: &&String| word.starts_with(['/', '~']) && word.len() > 1 || word.contains("/.");
    let files: Vec<&String> = words[1..].iter().filter(is_file).collect();
    let last: Vec<&String> =
        words[1..].iter().rfind(|word| !word.starts_with('-')).filter(is_file).into_iter().collect();
    let write = |file: &&String| opened(file, "create", json!(["O_WRONLY", "O_TRUNC"]), own);
    let read = |file: &&String| opened(file, "read", json!([]), own);
    let in_place = words.iter().any(|word| word.starts_with("-i"));
    match name {
        "tee" | "truncate" | "shred" => files.iter().map(write).collect(),
        "sed" if in_place => files.iter().map(write).collect(),
        "dd" => words
            .iter()
            .filter_map(|word| word.strip_prefix("of="))
            .map(|file| write(&&file.to_owned()))
            .collect(),
        "cp" | "mv" | "install" | "scp" => {
            let base = words.iter().rev().nth(1).map_or("", |word| word.rsplit('/').next().unwrap_or(word));
            let into = |file: &&String| match file.ends_with('/') {
                true => format!("{file}{base}"),
                false => (*file).clone(),
            };
            let written = last.iter().map(|file| write(&&into(file)));
            files.iter().take(files.len() - last.len()).map(read).chain(written).collect()
        }
        "curl" | "wget" => outputs(words).iter().map(write).collect(),
        "ln" => last
            .iter()
            .map(|file| json!({ "kind": "file_symlink", "path": absolute(file), "proc": own }))
            .collect(),
        "rm" | "unlink" => files
            .iter()
            .map(|file| json!({ "kind": "file_unlink", "path": absolute(file), "proc": own }))
            .collect(),
        // What is named and not to be changed is mostly read.
        "ls" | "stat" | "chmod" | "chown" | "touch" | "mkdir" | "kill" | "mount" | "chattr" | "getent" => {
            Vec::new()
        }
        "ssh" | "bash" | "sh" | "find" | "test" | "sudo" | "env" | "rsync" | "git" | "docker" => Vec::new(),
        _ => files.iter().map(read).collect(),
    }
}

/// The variables of `export NAME=VALUE` whose value is a file of secrets.
fn exported(words: &[String]) -> Vec<(&str, &str)> {
    let all = words.iter().skip(1).filter(|_| words.first().is_some_and(|name| name == "export"));
    all.filter_map(|word| word.split_once('=')).filter(|(_, value)| SECRETS.contains(value)).collect()
}

/// What a program opens whose arguments name a file of secrets in their midst, or a variable that names one.
fn of_secrets(words: &[&str], exported: &[(&str, &str)], pid: u32) -> Vec<Value> {
    let Some(name) = words.first().map(|first| first.rsplit('/').next().unwrap_or(first)) else {
        return Vec::new();
    };
    let aside = ASIDE.contains(&name) && !matches!(name, "git" | "rsync" | "ssh");
    if BUILTINS.contains(&name) || aside || SHELLS.contains(&name) || name.contains(char::is_whitespace) {
        return Vec::new();
    }
    let own = json!({ "pid": pid, "ppid": SHELL_PID, "exe": format!("/usr/bin/{name}") });
    // What [`of_files`] leaves aside, since its other arguments are no files.
    let whole =
        words[1..].iter().filter(|word| SECRETS.contains(word) && matches!(name, "git" | "rsync" | "ssh"));
    let mut files: Vec<&str> = whole.copied().collect();
    for word in &words[1..] {
        let inside =
            |file: &&str| word.find(*file).is_some_and(|at| at > 0 && !is_name(&word[at + file.len()..]));
        files.extend(SECRETS.iter().copied().filter(inside));
        files.extend(exported.iter().filter(|(name, _)| asks_for(word, name)).map(|(_, file)| *file));
    }
    files.iter().map(|file| opened(file, "read", json!([]), &own)).collect()
}

/// A secret that is named from the folder that the text has gone to is named as a whole, with a mark before it.
fn beside(word: &str, here: &str) -> String {
    let whole = format!("{here}/{word}");
    if SECRETS.contains(&whole.as_str()) { format!("@{whole}") } else { word.to_owned() }
}

/// Whether a name of a file goes on here.
fn is_name(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.'))
}

/// `getenv("NAME")`, `ENV['NAME']`, `process.env.NAME`.
fn asks_for(word: &str, name: &str) -> bool {
    [format!("\"{name}\""), format!("'{name}'"), format!("env.{name}"), format!("getenv({name})")]
        .iter()
        .any(|form| word.contains(form))
}

/// The file behind `-o` or `-O`.
fn outputs(words: &[String]) -> Vec<&String> {
    let named =
        words.windows(2).filter(|two| matches!(two[0].as_str(), "-o" | "-O" | "--output") && two[1] != "-");
    named.map(|two| &two[1]).collect()
}

fn opened(path: &str, mode: &str, flags: Value, by: &Value) -> Value {
    json!({ "kind": "file_open", "path": absolute(path), "mode": mode, "flags": flags, "proc": by })
}

fn absolute(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("/root/{rest}"),
        None if path.starts_with('/') => path.to_owned(),
        None => format!("/srv/work/{path}"),
    }
}
