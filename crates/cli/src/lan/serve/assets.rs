//! The files of the page, as they lie in `page/`: nothing builds them, and nothing is fetched from elsewhere.

use crate::web::Reply;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The file at a path.
pub(super) fn get(path: &str) -> Option<Reply> {
    let (kind, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("page/style.css")),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        "/app.js" => (SCRIPT, include_str!("page/app.js")),
        "/words.js" => (SCRIPT, include_str!("page/words.js")),
        "/devices.js" => (SCRIPT, include_str!("page/devices.js")),
        "/detail.js" => (SCRIPT, include_str!("page/detail.js")),
        "/map.js" => (SCRIPT, include_str!("page/map.js")),
        "/plot.js" => (SCRIPT, include_str!("page/plot.js")),
        "/traffic.js" => (SCRIPT, include_str!("page/traffic.js")),
        "/alerts.js" => (SCRIPT, include_str!("page/alerts.js")),
        _ => return None,
    };
    Some(Reply::new(kind, text))
}
