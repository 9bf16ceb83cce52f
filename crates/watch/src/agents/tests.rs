//! Agents and what only looks like one.

use super::{BUILTIN, Signatures};

fn agent(exe: &str, argv: &str) -> Option<String> {
    let argv: Vec<&str> = argv.split(' ').collect();
    Signatures::parse(BUILTIN).expect("signatures").agent(exe, &argv).map(|name| name.to_string())
}

#[test]
fn agents_are_known_by_what_they_run() {
    for (exe, argv, name) in [
        ("/home/u/.local/share/claude/versions/1.0.98", "claude", "claude-code"),
        ("/usr/bin/node", "node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js -p x", "claude-code"),
        ("/usr/bin/node", "node --no-warnings --enable-source-maps /usr/local/bin/claude", "claude-code"),
        ("/opt/codex", "codex exec x", "codex-cli"),
        ("/usr/bin/node", "node /home/u/.npm/lib/node_modules/@openai/codex/bin/codex.js", "codex-cli"),
        (
            "/usr/bin/node20",
            "node -r ./hook.js /x/node_modules/@google/gemini-cli/dist/index.js",
            "gemini-cli",
        ),
        ("/usr/bin/python3.12", "python3 -m aider --model x", "aider"),
        ("/usr/bin/python3.12", "/usr/bin/python3 -u /home/u/.local/bin/aider", "aider"),
        ("/home/u/.local/bin/goose", "goose session", "goose"),
        ("/usr/bin/bun", "bun run /x/node_modules/opencode-ai/bin/opencode", "opencode"),
        ("/home/u/.local/share/cursor-agent/versions/2/node", "node index.js", "cursor-agent"),
        (
            "/usr/bin/node",
            "node /h/.vscode-server/bin/1/out/bootstrap-fork --type=extensionHost",
            "vscode-extension-host",
        ),
        ("/usr/bin/node", "node /x/node_modules/@github/copilot/index.js", "copilot-cli"),
        ("/usr/bin/node", "node /x/node_modules/@sourcegraph/amp/dist/main.js", "amp"),
        ("/usr/bin/node", "node /x/node_modules/@qwen-code/qwen-code/dist/index.js", "qwen-code"),
        ("/usr/bin/node", "node /x/node_modules/cline/dist/cli.js", "cline"),
    ] {
        assert_eq!(agent(exe, argv).as_deref(), Some(name), "{exe} {argv}");
    }
}

#[test]
fn what_only_names_one_is_none() {
    for (exe, argv) in [
        ("/usr/bin/cat", "cat /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"),
        ("/usr/bin/vim", "vim claude"),
        ("/usr/bin/node", "node server.js claude"),
        ("/usr/bin/node", "node -e claude"),
        ("/usr/bin/node", "node /x/node_modules/claude-helper/index.js"),
        ("/usr/bin/bash", "bash -c claude"),
        ("/usr/bin/goose", "goose up"),
        ("/usr/bin/code", "code --type=renderer"),
        ("/usr/bin/python3", "python3 -c aider"),
        ("/usr/bin/python3", "python3 aider.py"),
        ("/usr/bin/claude-desktop", "claude-desktop"),
        ("/usr/bin/node", "node"),
        ("", ""),
    ] {
        assert_eq!(agent(exe, argv), None, "{exe} {argv}");
    }
}

#[test]
fn own_signatures_come_first_and_wrong_ones_are_told_in_one_line() {
    let own = Signatures::parse("[[agent]]\nname = 'mine'\nexe = ['codex']").unwrap();
    let all = Signatures::builtin().with(own);
    assert_eq!(all.agent("/x/codex", &["codex"]).map(|name| &**name), Some("mine"));
    for (text, told) in [
        ("[[agent]]\nname = 'x'", "agent \"x\": nothing says which program it is"),
        ("[[agent]]\nexe = ['x']", "missing field `name`"),
        ("[[agent]]\nname = 'x'\nexes = []", "line 3: unknown field `exes`"),
        ("[agents]", "unknown field"),
    ] {
        let error = Signatures::parse(text).unwrap_err();
        assert!(error.contains(told) && !error.contains('\n'), "{error}");
    }
}
