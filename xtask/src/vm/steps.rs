//! What a guest does, in order.

use std::time::Duration;

use anyhow::{Result, bail};

use super::Args;

/// Integration tests of `crates/kit` that ask the kernel; each is a step.
pub(super) const KIT_TESTS: [&str; 3] = ["load", "attach", "ring"];

/// Unit tests of `crates/lan` that ask the kernel: what its programs do with frames.
pub(super) const LAN_TESTS: &str = "kernscope_lan";

/// Tests of `crates/watch` that need other kernels: policies judged and enforced.
pub(super) const WATCH_TESTS: &str = "policy";

/// A device behind a virtual cable, seen by the programs of `lan run`: what it is, and an account that closes.
const LAN: &str = "ip link add left type veth && ip link set left up && ip link set veth0 up && \
    ip addr add 10.5.5.1/24 dev left && { (sleep 3; ping -c 20 -w 20 10.5.5.2 >/dev/null) & } && \
    kernscope lan run --interface veth0 --backend xdp --duration 12 --no-db --format jsonl >/tmp/lan.jsonl && \
    cat /tmp/lan.jsonl && grep -q 'ips.*10.5.5.1' /tmp/lan.jsonl && tail -n 1 /tmp/lan.jsonl | grep 'closes.:true'";

/// For each filter, under emulation: three times what 5.10 takes, which follows loops round by round.
const FILTER_LIMIT: Duration = Duration::from_millis(2400);
/// Pairs of filter and input that are judged on the way, for each filter.
const PAIRS_A_FILTER: u64 = 5;

/// Each file of rules as one program, loaded and run on a file in which nothing is.
const RULES: &str = "p=0; f=0; for rules in /vm/rules/*.toml; do \
    if kernscope filter test --rules $rules --input /vm/record.schema.json; then p=$((p + 1)); \
    else f=$((f + 1)); echo $rules; fi; done; echo $p passed, $f failed; [ $f = 0 ]";

/// Something that the guest does.
pub(crate) struct Step {
    /// A word.
    pub(super) name: &'static str,
    /// It is killed after this.
    pub(super) limit: Duration,
    /// A line of shell.
    pub(super) command: String,
}

/// The steps that were asked for.
///
/// # Errors
/// When there is no step of a name.
pub(super) fn steps(args: &Args) -> Result<Vec<Step>> {
    let mut steps = all(args);
    if let Some(unknown) = args.only.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let known: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("run step {unknown}: unknown; known are {}", known.join(", "));
    }
    steps.retain(|step| args.only.is_empty() || args.only.iter().any(|name| name == step.name));
    Ok(steps)
}

/// What rules say of records does not depend on the kernel: where its hooks are tried, these cases are left out, and no rules are read,
/// which takes an unoptimised program as long as all else at its start.
pub(crate) const WITHOUT_DETECTIONS: [&str; 3] = ["--without", "detect-", "--watch-arg=--no-detections"];

fn all(args: &Args) -> Vec<Step> {
    let short = Duration::from_secs(60);
    let step = |name, limit, command: &str| Step { name, limit, command: command.to_owned() };
    let runner = format!(
        "exec /vm/runner --kernscope /usr/local/bin/kernscope --backend ebpf --schema /vm/record.schema.json --bin-dir /vm/bin {} /vm/cases",
        args.runner_args.join(" ")
    );
    let filters = args.filters;
    let random = format!("exec /vm/filters --load {filters} --pairs {}", filters * PAIRS_A_FILTER);
    let mut steps = vec![
        step("version", short, "kernscope --version | grep '^kernscope '"),
        step("doctor", short * 2, "kernscope doctor | grep ."),
        step("verifier", short * 4, "time /vm/verifier | grep ."),
        step("rules", short * 3, RULES),
    ];
    // Under emulation a guest's CPUs take turns, and so do producer and reader of a ring.
    let tests = KIT_TESTS.map(|test| {
        let command =
            format!("KERNSCOPE_TEST_ROUNDS=100 exec /vm/tests/{test} --color never --test-threads 1");
        step(test, short * 4, &command)
    });
    steps.extend(tests);
    let policy = format!("exec /vm/tests/{WATCH_TESTS} --color never --test-threads 1 --nocapture");
    // Programs on some twenty hooks are loaded for each of these tests: minutes, where others use the machine as well.
    steps.push(step("policy", short * 40, &policy));
    let programs = format!("exec /vm/tests/{LAN_TESTS} --color never --test-threads 1 live::kernel");
    steps.extend([step("lan-programs", short * 4, &programs), step("lan", short, LAN)]);
    steps.push(step("filters", short + FILTER_LIMIT * u32::try_from(filters).unwrap_or(u32::MAX), &random));
    steps.push(step("cases", Duration::from_secs(args.cases_limit_s), &runner));
    steps
}
