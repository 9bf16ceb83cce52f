//! What is kept is used for the same file and the same code, and for nothing else.

use super::*;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A folder with a program in it, and the cache of it.
struct Place {
    folder: PathBuf,
    cache: Cache,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kernscope-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        let cache = Cache::new(folder.join("kept"));
        Self { folder, cache }
    }

    /// A copy of a library of this machine that is large enough to be kept; `None`, said aloud, without one.
    fn program(&self, name: &str) -> Option<PathBuf> {
        let list = fs::read("/etc/ld.so.cache").unwrap_or_default();
        let libraries = crate::tls::ldcache::tls_libraries(&list).into_iter().map(PathBuf::from);
        let Some(library) = libraries.into_iter().find(|path| path.to_string_lossy().contains("libssl"))
        else {
            eprintln!("skipped: no libssl.so");
            return None;
        };
        let mut bytes = fs::read(library).expect("readable");
        bytes.resize(bytes.len().max(LEAST_BYTES as usize + 1), 0);
        let path = self.folder.join(name);
        fs::write(&path, bytes).expect("written");
        Some(path)
    }

    fn find(&self, program: &Path) -> Vec<Found> {
        self.cache.find(&File::open(program).expect("there"))
    }

    /// The one file that is kept.
    fn kept(&self) -> PathBuf {
        let files = fs::read_dir(self.folder.join("kept")).expect("a folder").flatten();
        let files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        let path = self.kept();
        let mut kept: Kept = serde_json::from_slice(&fs::read(&path).expect("there")).expect("JSON");
        change(&mut kept);
        fs::write(&path, serde_json::to_vec(&kept).expect("JSON")).expect("written");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn what_is_kept_is_used_for_the_same_file_until_anything_differs() {
    let place = Place::new("same");
    let Some(program) = place.program("program") else { return };
    let whole = place.find(&program);
    assert_eq!(whole.len(), 1);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&place.kept()), mode(&place.folder.join("kept"))), (0o600, 0o700));
    assert_eq!(place.find(&program), whole);
    // One hook less shows whether the cache was asked.
    let less = |kept: &mut Kept| {
        kept.found[0].hooks.pop();
    };
    let is_used = |what: &str| {
        let used = place.find(&program) != whole;
        // Looked at anew it is written anew.
        assert!(used || place.find(&program) == whole, "{what}");
        used
    };
    place.change(less);
    assert!(is_used("the same file"));
    place.change(|kept| kept.version.push('x'));
    assert!(!is_used("another version"));
    place.change(|kept| (less(kept), kept.build_id.push('0')).0);
    assert!(!is_used("another build"));
    place.change(|kept| (less(kept), kept.file.1 += 1).0);
    assert!(!is_used("another file, whose code is not what was kept"));
    place.change(|kept| (less(kept), kept.found[0].hooks[0].1.push('x')).0);
    assert!(!is_used("a program that is not there"));
    place.change(less);
    fs::set_permissions(place.kept(), Permissions::from_mode(0o622)).expect("its mode");
    assert!(!is_used("a file that others may write"));
    place.change(less);
    let kept = place.kept();
    fs::rename(&kept, place.folder.join("elsewhere")).expect("moved");
    symlink(place.folder.join("elsewhere"), &kept).expect("linked");
    assert!(!is_used("a link"));
    fs::write(place.kept(), b"{").expect("written");
    assert!(!is_used("half a file"));
}

#[test]
fn copies_with_the_same_code_are_one_program_and_others_are_not() {
    let place = Place::new("copies");
    let Some(first) = place.program("first") else { return };
    let whole = place.find(&first);
    let kept = fs::read(place.kept()).expect("there");
    let copy = place.program("copy").expect("as before");
    assert_eq!(place.find(&copy), whole);
    assert_eq!(
        fs::read(place.kept()).expect("there"),
        kept,
        "the code is the same, so nothing was looked at"
    );
    let mut bytes = fs::read(&copy).expect("there");
    bytes[whole[0].hooks[0].offset as usize + 3] ^= 1;
    fs::write(&copy, bytes).expect("written");
    assert_eq!(place.find(&copy), whole, "found by its symbols");
    assert_ne!(fs::read(place.kept()).expect("there"), kept, "other code is looked at anew");
}

#[test]
fn it_has_a_bound_and_lives_without_a_folder() {
    let place = Place::new("bound");
    let Some(program) = place.program("program") else { return };
    let whole = place.find(&program);
    fs::remove_file(place.kept()).expect("removed");
    for number in 0..MAX_FILES {
        fs::write(place.folder.join(format!("kept/{number}.json")), b"").expect("written");
    }
    assert_eq!(place.find(&program), whole);
    let left = fs::read_dir(place.folder.join("kept")).expect("a folder").count();
    assert_eq!(left, MAX_FILES / 2 + 1);
    fs::remove_dir_all(place.folder.join("kept")).expect("removed");
    fs::write(place.folder.join("kept"), b"no folder").expect("written");
    assert_eq!(place.find(&program), whole);
}
