//! A synthetic day of fifty devices (`examples/lan_day`): nine of ten things that are wrong are caught, and hardly anything else is told.

#[path = "../examples/lan_day/day.rs"]
mod day;
#[path = "../examples/lan_day/frames.rs"]
mod frames;
#[path = "../examples/lan_day/judge.rs"]
mod judge;

#[test]
fn what_is_wrong_on_a_day_is_caught_and_the_rest_left_alone() {
    let verdict = judge::judge(2, 0);
    assert!(verdict.is_good, "{}", verdict.lines.join("\n"));
}
