//! The page around the data: its parts, and a policy that lets nothing else run.

use super::base64;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const BODY: &str = include_str!("body.html");
/// In the order in which they build on one another.
const SCRIPTS: [&str; 9] = [
    include_str!("base.js"),
    include_str!("data.js"),
    include_str!("words.js"),
    include_str!("model.js"),
    include_str!("list.js"),
    include_str!("detail.js"),
    include_str!("views.js"),
    include_str!("overview.js"),
    include_str!("app.js"),
];

/// Everything before the data.
pub(super) fn head() -> String {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        digest(&script()),
        digest(STYLE)
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>kernscope report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{BODY}\
         <script type=\"text/plain\" id=\"data\">"
    )
}

/// Everything behind it.
pub(super) fn tail() -> String {
    format!("</script>\n<script>{}</script>\n</body>\n</html>\n", script())
}

fn script() -> String {
    format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPTS.concat())
}

/// As a policy names it.
fn digest(text: &str) -> String {
    format!("sha256-{}", base64::text(&Sha256::digest(text)))
}
