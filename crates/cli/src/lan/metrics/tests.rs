use super::*;
use kernscope_lan::anomaly::Tally;
use std::path::Path;

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

/// Each of so many devices sends as many bytes as its number, `times` over.
fn said(traffic: &mut Traffic, devices: u8, times: u64) {
    let mut tally = Tally::default();
    for n in 1..=devices {
        tally.volumes.insert((0, mac(n)), Volume { sent: u64::from(n) * times, received: 0 });
    }
    traffic.add(tally, false);
}

fn value(page: &str, series: &str) -> u64 {
    let line =
        page.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series}: {page}"));
    line.trim().parse().expect("a number")
}

#[test]
fn the_largest_have_series_and_the_rest_is_told_together() {
    let (mut numbers, mut traffic) = (Numbers::default(), Traffic::default());
    let devices: Vec<_> = (1..=9).map(|n| (mac(n), 7_000_000_000)).collect();
    said(&mut traffic, 9, 1);
    numbers.traffic(&devices, &traffic, 2);
    let page = text::page(&numbers);
    let series = "kernscope_lan_device_bytes_total{mac=\"";
    assert_eq!(page.matches("direction=\"sent\"").count(), 3, "{page}");
    assert_eq!(value(&page, &format!("{series}02:00:00:00:00:09\",direction=\"sent\"}}")), 9);
    assert_eq!(value(&page, &format!("{series}other\",direction=\"sent\"}}")), (1..=7).sum::<u64>());
    assert_eq!(
        value(&page, "kernscope_lan_device_last_seen_timestamp_seconds{mac=\"02:00:00:00:00:08\"}"),
        7
    );
}

#[test]
fn counters_never_go_down_whoever_has_a_series() {
    let (mut numbers, mut traffic) = (Numbers::default(), Traffic::default());
    let devices: Vec<_> = (1..=9).map(|n| (mac(n), 0)).collect();
    let (mut other, mut all) = (0, 0);
    for round in 0..3 * u64::from(RANKED_EVERY) {
        said(&mut traffic, if round % 2 == 0 { 9 } else { 5 }, round * round);
        numbers.traffic(&devices, &traffic, 3);
        let page = text::page(&numbers);
        let now = value(&page, "kernscope_lan_device_bytes_total{mac=\"other\",direction=\"sent\"}");
        assert!(now >= other, "{now} after {other}");
        other = now;
        all = devices.iter().map(|(mac, _)| traffic.of(*mac).sent).sum();
    }
    assert!(other > 0 && other < all);
}

#[test]
fn names_of_strangers_stay_within_their_label() {
    let (mut numbers, traffic) = (Numbers::default(), Traffic::default());
    numbers.traffic(&[(mac(1), 0)], &traffic, 1);
    let hostile = "a\"} 1\nkernscope_lan_devices 9\\\x1b[31m".to_owned() + &"x".repeat(10_000);
    numbers.name(mac(1), Named { name: hostile, ..Named::default() });
    let page = text::page(&numbers);
    let line = page.lines().find(|line| line.starts_with("kernscope_lan_device_info{")).expect("a line");
    assert!(line.contains(r#"name="a\"} 1\nkernscope_lan_devices 9\\[31mxxx"#), "{line}");
    assert!(line.len() < 400 && line.ends_with("} 1"), "{line}");
    assert_eq!(page.lines().filter(|line| line.starts_with("kernscope_lan_devices ")).count(), 1);
    assert!(
        page.lines().all(|line| line.starts_with('#')
            || line.rsplit_once(' ').is_some_and(|(_, n)| n.parse::<f64>().is_ok()))
    );
}

/// Every metric that the dashboard asks for is one that is told.
#[test]
fn the_dashboard_asks_for_what_there_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/grafana/kernscope-lan.json");
    let board: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the dashboard")).expect("JSON");
    let page = text::page(&Numbers::default());
    let told: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let panels = board["panels"].as_array().expect("panels");
    let queries: Vec<_> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().expect("an expression"))
        .collect();
    assert!(queries.len() >= 8, "{queries:?}");
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    for query in &queries {
        let asked: Vec<_> =
            query.split(|letter| !is_word(letter)).filter(|word| word.starts_with("kernscope_")).collect();
        assert!(!asked.is_empty(), "{query}");
        asked.iter().for_each(|name| assert!(told.contains(name), "{query}: no {name}"));
    }
    for name in &told {
        assert!(queries.iter().any(|query| query.contains(name)), "nobody asks for {name}");
    }
}
