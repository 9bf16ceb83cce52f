//! Git history: every blob that `git rev-list --objects --all` names, once, by the oldest commit.

use crate::support::{Result, TOKEN, scan_paths};
use kernscope_scan::Options;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What git says; commits are of a fixed person and of growing time.
fn git(repo: &Path, time_s: u64, args: &[&str]) -> String {
    let date = format!("{} +0000", 1_700_000_000 + time_s);
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(repo)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// A history with all that is awkward: what was deleted, moved, excused at first, on a branch, in a tag alone.
fn repository(name: &str) -> Option<(PathBuf, String)> {
    if Command::new("git").arg("--version").output().is_err() {
        println!("skipped: there is no git; install git");
        return None;
    }
    let repo = std::env::temp_dir().join(format!("kernscope-history-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&repo);
    std::fs::create_dir_all(repo.join("d/e")).expect("a folder");
    let write = |name: &str, text: String| std::fs::write(repo.join(name), text).expect("written");
    let commit = |time_s| {
        git(&repo, time_s, &["add", "-A"]);
        git(&repo, time_s, &["commit", "-qm", "m"]);
        git(&repo, time_s, &["rev-parse", "HEAD"])
    };
    git(&repo, 0, &["init", "-q"]);
    write("clean", "nothing".to_owned());
    write("d/e/excused", format!("excused {TOKEN}"));
    commit(1);
    write("d/deleted", format!("deleted {TOKEN}"));
    let first = commit(2);
    std::fs::remove_file(repo.join("d/deleted")).expect("removed");
    git(&repo, 3, &["mv", "d/e/excused", "d/e/plain"]);
    std::os::unix::fs::symlink("clean", repo.join("link")).expect("a link");
    commit(3);
    git(&repo, 4, &["checkout", "-qb", "side"]);
    write("side", format!("side {TOKEN}"));
    write("copy", "nothing".to_owned());
    commit(4);
    git(&repo, 5, &["checkout", "-q", "main"]);
    write("tagged", format!("tagged {TOKEN}"));
    let blob = git(&repo, 5, &["hash-object", "-w", "tagged"]);
    git(&repo, 5, &["tag", "-a", "-m", "t", "alone", &blob]);
    std::fs::remove_file(repo.join("tagged")).expect("removed");
    Some((repo, first))
}

/// Blobs that git itself reaches.
fn blobs(repo: &Path) -> u64 {
    let named =
        git(repo, 6, &["rev-list", "--objects", "--all", "--no-object-names", "--filter=object:type=blob"]);
    let is_blob = |id: &&str| git(repo, 6, &["cat-file", "-t", id]) == "blob";
    named.lines().filter(is_blob).count() as u64
}

fn history(path: &Path) -> Result {
    scan_paths(Vec::new(), Options { histories: vec![path.to_owned()], ..Options::default() })
}

#[test]
fn every_blob_that_git_names_is_looked_at() {
    let Some((repo, first)) = repository("plain") else { return };
    for packed in [false, true] {
        if packed {
            git(&repo, 6, &["gc", "-q"]);
        }
        let result = history(&repo.join("d"));
        assert!(result.troubles.is_empty(), "{result:?}");
        // One blob is met twice: its first path is excused.
        assert_eq!(result.tally.seen_by["blob"], blobs(&repo) + 1, "{result:?}");
        assert_eq!(result.tally.filtered_by["excused"], 1, "{result:?}");
        let mut paths = result.paths();
        paths.sort_unstable();
        assert_eq!(paths, ["d/deleted", "d/e/plain", "refs/tags/alone", "side"], "{result:?}");
        let deleted = result.found.iter().position(|(path, ..)| path == "d/deleted").expect("there");
        assert_eq!(result.commits[deleted].as_deref(), Some(first.as_str()), "the oldest that has it");
    }
    // Objects that are not there are told of; what is there is looked at.
    let pack = repo.join(".git/objects/pack");
    let packs = std::fs::read_dir(&pack).expect("packs").map(|entry| entry.expect("an entry").path());
    packs.for_each(|path| std::fs::remove_file(path).expect("removed"));
    let result = history(&repo);
    assert!(result.lost("unreadable") > 0 && result.troubles[0].contains("see git fsck"), "{result:?}");
    std::fs::remove_dir_all(&repo).expect("removed");
}

#[test]
fn what_is_no_repository_is_told() {
    let result = history(Path::new("/proc/self"));
    assert_eq!(result.lost("unreadable"), 1, "{result:?}");
    assert!(result.troubles[0].starts_with("open git repository /proc/self: "), "{result:?}");
}

/// Repositories that are not a folder with all objects in it.
#[test]
fn worktrees_bare_shallow_and_borrowing_repositories_are_whole_as_well() {
    let Some((repo, _)) = repository("kinds") else { return };
    let beside =
        |name: &str| repo.with_file_name(format!("{}-{name}", repo.file_name().expect("a name").display()));
    let [bare, shallow, borrowing, worktree] = ["bare", "shallow", "borrowing", "worktree"].map(beside);
    let made = [&bare, &shallow, &borrowing, &worktree];
    made.iter().for_each(|path| drop(std::fs::remove_dir_all(path)));
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let from = format!("file://{}", text(&repo));
    git(&repo, 7, &["clone", "-q", "--bare", &from, &text(&bare)]);
    git(&repo, 7, &["clone", "-q", "--depth", "1", "--no-single-branch", &from, &text(&shallow)]);
    git(&repo, 7, &["clone", "-q", "--shared", "--mirror", &text(&repo), &text(&borrowing)]);
    // What only a worktree without a branch has.
    git(&repo, 7, &["worktree", "add", "-q", "--detach", &text(&worktree)]);
    std::fs::write(worktree.join("alone"), format!("alone {TOKEN}")).expect("written");
    git(&worktree, 7, &["add", "-A"]);
    git(&worktree, 7, &["commit", "-qm", "m"]);
    let all = ["d/deleted", "d/e/plain", "refs/tags/alone", "side"];
    for (path, wanted) in [
        (&bare, &all[..]),
        (&borrowing, &all[..]),
        (&shallow, &["d/e/plain", "refs/tags/alone", "side"][..]),
        (&repo, &["alone", "d/deleted", "d/e/plain", "refs/tags/alone", "side"][..]),
        (&worktree, &["alone", "d/deleted", "d/e/plain", "refs/tags/alone", "side"][..]),
    ] {
        let result = history(path);
        assert!(result.troubles.is_empty(), "{path:?} {result:?}");
        let is_cut = result.tally.filtered_by.contains_key("shallow");
        assert_eq!(is_cut, path == &shallow, "{path:?} {result:?}");
        let excused = result.tally.filtered_by.get("excused").copied().unwrap_or(0);
        assert_eq!(result.tally.seen_by["blob"], blobs(path) + excused, "{path:?} {result:?}");
        let mut paths = result.paths();
        paths.sort_unstable();
        assert_eq!(paths, wanted, "{path:?} {result:?}");
    }
    made.into_iter().chain([&repo]).for_each(|path| std::fs::remove_dir_all(path).expect("removed"));
}

#[test]
fn a_commit_that_is_gone_costs_what_only_it_reaches() {
    let Some((repo, first)) = repository("gone") else { return };
    std::fs::remove_file(repo.join(format!(".git/objects/{}/{}", &first[..2], &first[2..])))
        .expect("removed");
    let result = history(&repo);
    assert!(result.lost("unreadable") == 1 && result.troubles[0].contains(&first), "{result:?}");
    let mut paths = result.paths();
    paths.sort_unstable();
    assert_eq!(paths, ["d/e/plain", "refs/tags/alone", "side"], "{result:?}");
    std::fs::remove_dir_all(&repo).expect("removed");
}

#[test]
fn an_empty_repository_is_whole_and_names_may_be_long() {
    let Some((repo, _)) = repository("empty") else { return };
    for format in ["sha1", "sha256"] {
        std::fs::remove_dir_all(repo.join(".git")).expect("removed");
        git(&repo, 8, &["init", "-q", "--object-format", format]);
        let empty = history(&repo);
        assert!(empty.troubles.is_empty() && empty.found.is_empty(), "{empty:?}");
        git(&repo, 8, &["add", "d/e/plain"]);
        git(&repo, 8, &["commit", "-qm", "m"]);
        let head = git(&repo, 8, &["rev-parse", "HEAD"]);
        assert_eq!(history(&repo).commits, [Some(head)], "{format}");
    }
    std::fs::remove_dir_all(&repo).expect("removed");
}
