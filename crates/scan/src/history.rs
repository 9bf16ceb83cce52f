//! Git history: every blob that a reference or HEAD reaches, once, with the oldest commit that has it.
//!
//! Commits are taken from the oldest on, and of each only the trees that were not met before. A blob is met again where
//! its path matters: at one that some rule or list asks about. What is kept for the whole walk is 20 bytes for each commit
//! and some 16 for each tree and blob.

use crate::tally::one_line;
use crate::walk::Job;
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use kernscope_sieve::rules::AnyOf;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;

/// A blob to look at.
#[derive(Debug)]
pub(crate) struct Blob {
    /// The repository, for threads to open.
    pub(crate) repository: Arc<gix::ThreadSafeRepository>,
    pub(crate) id: ObjectId,
    /// Below the repository's root.
    pub(crate) path: Vec<u8>,
    /// The oldest commit that has it there; of what a tag alone has, nothing.
    pub(crate) commit: Option<Arc<str>>,
}

/// The walk.
pub(crate) struct History {
    repository: gix::Repository,
    shared: Arc<gix::ThreadSafeRepository>,
    /// Commits to come, the oldest last.
    commits: Vec<ObjectId>,
    commit: Option<Arc<str>>,
    /// What is still to be looked at of the commit: trees and blobs, with their paths.
    stack: Vec<(ObjectId, bool, Vec<u8>)>,
    met: HashSet<u64>,
    keys: RandomState,
    /// Paths that matter.
    asked: Arc<AnyOf>,
    troubles: Vec<String>,
    /// The clone is shallow, which is still to be said.
    is_shallow: bool,
}

impl History {
    /// Opens a repository, or the one that a folder is in, and lists its commits.
    pub(crate) fn open(path: &Path, asked: Arc<AnyOf>) -> Result<Self, String> {
        let failed =
            |act: &str, why: String| format!("{act} git repository {}: {}", path.display(), one_line(&why));
        let folder = gix::discover::upwards(path).map_err(|error| {
            let why = failed("open", error.to_string());
            format!("{why}; name a repository, or a folder in one")
        })?;
        let (git, _) = folder.0.into_repository_and_work_tree_directories();
        let mut repository = gix::open_opts(git, gix::open::Options::isolated())
            .map_err(|error| failed("open", error.to_string()))?;
        repository.object_cache_size_if_unset(CACHE_BYTES);
        let shared = Arc::new(repository.clone().into_sync());
        let mut history = Self {
            // A file that says so and cannot be read is told by the walk.
            is_shallow: repository.is_shallow().unwrap_or(false),
            repository,
            shared,
            commits: Vec::new(),
            commit: None,
            stack: Vec::new(),
            met: HashSet::new(),
            keys: RandomState::new(),
            asked,
            troubles: Vec::new(),
        };
        history.list().map_err(|why| failed("walk", why))?;
        Ok(history)
    }

    /// Lists the commits, and what references name that is none.
    fn list(&mut self) -> Result<(), String> {
        let repository = self.repository.clone();
        let mut tips: Vec<ObjectId> = Vec::new();
        for found in named(&repository)? {
            let kind = found.and_then(|(id, name)| {
                let header = repository.find_header(id).map_err(|error| error.to_string())?;
                Ok((id, name, header.kind()))
            });
            match kind {
                Ok((id, _, gix::objs::Kind::Commit)) => tips.push(id),
                Ok((id, name, kind)) => self.stack.push((id, kind == gix::objs::Kind::Tree, name)),
                Err(why) => self.troubles.push(why),
            }
        }
        let newest_first = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let walk =
            repository.rev_walk(tips).sorting(newest_first).all().map_err(|error| error.to_string())?;
        for commit in walk {
            match commit {
                Ok(commit) => self.commits.push(commit.id),
                Err(error) => self.troubles.push(error.to_string()),
            }
        }
        Ok(())
    }

    /// Whether this was not met before, at this path if the path matters.
    fn is_new(&mut self, id: ObjectId, path: Option<&[u8]>) -> bool {
        self.met.insert(self.keys.hash_one((id.as_slice(), path)))
    }

    /// Puts what is in a tree onto the stack.
    fn enter(&mut self, id: ObjectId, path: &[u8]) -> Result<(), String> {
        let repository = self.repository.clone();
        let tree = repository.find_tree(id).map_err(|error| error.to_string())?;
        for entry in tree.iter() {
            let entry = entry.map_err(|error| error.to_string())?;
            let kind = entry.mode().kind();
            let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
            let path = [path, slash, entry.filename()].concat();
            match kind {
                EntryKind::Tree => self.stack.push((entry.object_id(), true, path)),
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                    self.stack.push((entry.object_id(), false, path));
                }
                // A commit of another repository.
                EntryKind::Commit => {}
            }
        }
        Ok(())
    }

    /// Goes on to the next commit, if there is one.
    fn advance(&mut self) -> bool {
        let Some(id) = self.commits.pop() else { return false };
        let tree = self.repository.find_commit(id).map_err(|error| error.to_string());
        match tree.and_then(|commit| commit.tree_id().map(gix::Id::detach).map_err(|error| error.to_string()))
        {
            Ok(tree) => self.stack.push((tree, true, Vec::new())),
            Err(why) => self.troubles.push(why),
        }
        self.commit = Some(id.to_string().into());
        true
    }
}

/// What a reference, or the HEAD of a worktree, names: no tag, but what it is of.
type Named = Result<(ObjectId, Vec<u8>), String>;

/// As `git rev-list --all` has them: references and HEAD, of every worktree.
fn named(repository: &gix::Repository) -> Result<Vec<Named>, String> {
    let mut all = Vec::new();
    for worktree in repository.worktrees_including_main().map_err(|error| error.to_string())? {
        let worktree = worktree.map_err(|error| error.to_string())?;
        let references = worktree.references().map_err(|error| error.to_string())?;
        for reference in references.all().map_err(|error| error.to_string())? {
            all.push(reference.map_err(|error| error.to_string()).and_then(|mut reference| {
                let name = reference.name().as_bstr().to_vec();
                let id = reference.peel_to_id().map_err(|error| format!("{}: {error}", name.as_bstr()))?;
                Ok((id.detach(), name))
            }));
        }
        // Of an empty repository it names nothing yet.
        all.extend(worktree.head_id().ok().map(|id| Ok((id.detach(), b"HEAD".to_vec()))));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Bytes of trees that are kept for the next commit, which has most of them too.
const CACHE_BYTES: usize = 32 << 20;

impl Iterator for History {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        if std::mem::take(&mut self.is_shallow) {
            return Some(Job::Shallow);
        }
        loop {
            if let Some(why) = self.troubles.pop() {
                let why = one_line(&why);
                return Some(Job::BrokenHistory(format!("walk git history: {why}; see git fsck")));
            }
            let Some((id, is_tree, path)) = self.stack.pop() else {
                if self.advance() {
                    continue;
                }
                return None;
            };
            if is_tree {
                // The same tree at another path has other paths in it.
                if self.is_new(id, Some(&path))
                    && let Err(why) = self.enter(id, &path)
                {
                    self.troubles.push(why);
                }
                continue;
            }
            let asked = Arc::clone(&self.asked);
            if self.is_new(id, Some(&path).filter(|path| asked.is_match(path)).map(Vec::as_slice)) {
                let (repository, commit) = (Arc::clone(&self.shared), self.commit.clone());
                return Some(Job::Blob(Blob { repository, id, path, commit }));
            }
        }
    }
}
