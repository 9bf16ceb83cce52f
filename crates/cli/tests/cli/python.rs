//! What several programs in Python begin with.

/// `tried(act)`: `ok`, or the name of the errno.
pub(crate) const TRIED: &str = r"
import errno
def tried(act):
    try:
        act()
        return 'ok'
    except OSError as error:
        return errno.errorcode[error.errno]
";

/// A file that the second argument names, a pipe, a TCP connection and UDP from one socket to another.
pub(crate) const ENDS: &str = r#"
import os, socket, sys
file = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o600)
here, there = os.pipe()
listener = socket.create_server(("127.0.0.1", 0))
near = socket.create_connection(listener.getsockname())
far, _ = listener.accept()
to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to.bind(("127.0.0.1", 0))
of = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
of.connect(to.getsockname())
"#;
