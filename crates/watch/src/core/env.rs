//! Environment strings without their secrets.

/// Parts of names whose values are not shown.
const SECRET: [&str; 17] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASS",
    "AUTH",
    "CREDENTIAL",
    "COOKIE",
    "SESSION",
    "PRIVATE",
    "SIGNATURE",
    "PWD",
    "DSN",
    "JWT",
    "CERT",
    "CONNECTION_STRING",
    "SALT",
    "HMAC",
];

/// Names that hold one of those parts and are known to be harmless.
const HARMLESS: [&str; 12] = [
    "PWD",
    "OLDPWD",
    "SESSION_MANAGER",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
    "XDG_SESSION_CLASS",
    "DESKTOP_SESSION",
    "XDG_SESSION_DESKTOP",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// `NAME=<redacted>` when the name looks like a secret's or the value carries credentials; else `None`.
pub(super) fn redacted(string: &[u8]) -> Option<Vec<u8>> {
    let at = string.iter().position(|&b| b == b'=')?;
    let (name, value) = (&string[..at], &string[at + 1..]);
    (is_secret_name(name) || has_userinfo(value)).then(|| [name, b"=<redacted>"].concat())
}

fn is_secret_name(name: &[u8]) -> bool {
    if HARMLESS.iter().any(|harmless| harmless.as_bytes() == name) {
        return false;
    }
    let holds =
        |part: &str| name.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
    SECRET.iter().any(|part| holds(part))
}

/// Whether a URL with credentials (`scheme://user:password@host`, `https://token@host`) stands in the value.
fn has_userinfo(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.windows(3).position(|window| window == b"://") {
        rest = &rest[at + 3..];
        let end = rest.iter().position(|b| matches!(b, b'/' | b' ' | b'?' | b'#')).unwrap_or(rest.len());
        let authority = &rest[..end];
        if authority.contains(&b'@') {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let shown =
            ["PWD=/tmp", "HOME=/root", "LANG=C", "URL=http://host/a:b@c", "nothing", "XAUTHORITY=/x", ""];
        for string in shown {
            assert_eq!(redacted(string.as_bytes()), None, "{string}");
        }
        let hidden = [
            "API_KEY=1",
            "github_token=x",
            "MYSQL_PWD=",
            "PGPASSWORD=a=b",
            "AWS_SECRET_ACCESS_KEY=z",
            "U=pg://u:p@h/d",
            "R=see https://ghp_x@h",
        ];
        for string in hidden {
            let name = string.split('=').next().unwrap();
            assert_eq!(redacted(string.as_bytes()).unwrap(), format!("{name}=<redacted>").into_bytes());
        }
    }
}
