//! Names as rustc writes them, and small programs that have them.

use super::{MAX_FUNCTIONS, METHODS, NOT_COPIED_BYTES, Role, role};
use crate::tls::{Found, Hook, Library, RETURN, find, fixture};

const OUT: &str = "_ZN6rustls12common_state11CommonState16buffer_plaintext17h458560d6bc730dd6E";
const IN: &str = "_ZN6rustls12common_state11CommonState23take_received_plaintext17he4f577ff934c8631E";
const DROP: &str = "_ZN4core3ptr54drop_in_place$LT$rustls..common_state..CommonState$GT$17h5fe54c6091afc198E";
const HANDLERS: [&str; 2] = [
    "_ZN141_$LT$rustls..client..tls12..ExpectTraffic$u20$as$u20$rustls..common_state..State$LT$rustls..client..client_conn..\
     ClientConnectionData$GT$$GT$6handle17h2d1af48ecdb1ce95E",
    "_ZN141_$LT$rustls..client..tls13..ExpectTraffic$u20$as$u20$rustls..common_state..State$LT$rustls..client..client_conn..\
     ClientConnectionData$GT$$GT$6handle17h482baf1526566bb9E",
];
const WRITER: &str = "_ZN99_$LT$rustls..conn..ConnectionCommon$LT$T$GT$$u20$as$u20$rustls..conn..connection..PlaintextSink$GT$\
                      14write_vectored17h182b231bf271fdd2E";
const BETWEEN: &str = "_ZN6rustls4conn10connection57_$LT$impl$u20$rustls..conn..ConnectionCommon$LT$T$GT$$GT$14send_plaintext17h845a51bb178161feE";
const TRIFLE: &str = "_ZN99_$LT$rustls..conn..ConnectionCommon$LT$T$GT$$u20$as$u20$rustls..conn..connection..PlaintextSink$GT$\
                      14write_vectored28_$u7b$$u7b$closure$u7d$$u7d$17h523979ca45b0123fE";

#[test]
fn functions_are_known_by_both_kinds_of_names() {
    let method = |name: &str| METHODS.iter().position(|(known, ..)| *known == name).map(Role::Method);
    let newer = |method: &str| format!("_RNvMs2_NtCs7a8sV9_6rustls12common_stateNtB5_11CommonState{method}");
    for (name, expected) in [
        (OUT, method("buffer_plaintext")),
        (&format!("{OUT}.llvm.1234"), method("buffer_plaintext")),
        (IN, method("take_received_plaintext")),
        (&newer("16buffer_plaintext"), method("buffer_plaintext")),
        (&newer("23take_received_plaintext"), method("take_received_plaintext")),
        (&newer("17xbuffer_plaintext"), Some(Role::Other)),
        (HANDLERS[0], Some(Role::Handler)),
        (&HANDLERS[1].replace("$6handle", "$10into_owned"), None),
        (DROP, Some(Role::Drop)),
        (WRITER, Some(Role::Writer)),
        (BETWEEN, Some(Role::Other)),
        (TRIFLE, Some(Role::Trifle)),
        (&WRITER.replace("14write_vectored", "5flush"), None),
        (&OUT.replace("6rustls", "7rustlsx"), None),
        (&OUT[..OUT.len() / 3], None),
        ("_ZN", None),
        ("_R", None),
        ("main", None),
    ] {
        assert_eq!(role(name.as_bytes()), expected, "{name}");
    }
    assert_eq!(role(&[0xff; 80]), None);
}

/// A jump to what lies `distance` bytes behind it.
fn jump(distance: i32) -> [u8; 5] {
    let [a, b, c, d] = distance.to_le_bytes();
    [0xe9, a, b, c, d]
}

#[test]
fn a_program_with_rustls_has_its_functions_if_none_of_their_calls_can_go_by() {
    let long = vec![0x90; NOT_COPIED_BYTES as usize];
    let bytes = long.len() as u64;
    let (writer, first, second) = (jump(-5 - bytes as i32), jump(5), jump(0));
    let whole = [
        (OUT, &long[..]),
        (WRITER, &writer),
        (HANDLERS[0], &first),
        (HANDLERS[1], &second),
        (IN, &[0xc3]),
        (DROP, &[0xc3]),
    ];
    let hook = |at, program, on_return| Hook { offset: fixture::FIRST_AT as u64 + at, program, on_return };
    let hooks = vec![
        hook(0, "tls_return", true),
        hook(0, "tls_rustls_out", false),
        hook(bytes + 15, "tls_rustls_in", false),
        hook(bytes + 16, "tls_rustls_end", false),
    ];
    assert_eq!(RETURN, "tls_return");
    assert_eq!(find(fixture::program(&whole).as_slice()), [Found { library: Library::Rustls, hooks }]);
    let without = |name: &str| {
        let some: Vec<_> = whole.iter().copied().filter(|(known, _)| *known != name).collect();
        find(fixture::program(&some).as_slice())
    };
    for name in [OUT, WRITER, IN] {
        assert!(without(name).is_empty(), "half of it: {name}");
    }
    assert_eq!(without(DROP).len(), 1, "it need not be told when a connection ends");
    let (between, to_between) = (jump(-5 - bytes as i32), jump(-10));
    let first_two = [(OUT, &long[..]), (BETWEEN, &between), (WRITER, &to_between)];
    let through = [&first_two[..], &whole[2..]].concat();
    assert_eq!(find(fixture::program(&through).as_slice()).len(), 1, "by another function of the connection");
    // One caller has a copy; what sends is so short that callers may have copies.
    for copied in [1, 2, 3] {
        let mut copies = whole;
        copies[copied].1 = &[0xc3; 5];
        assert!(find(fixture::program(&copies).as_slice()).is_empty());
    }
    let (mut short, to_shorter) = (whole, jump(-4 - bytes as i32));
    short[0].1 = &long[1..];
    short[1].1 = &to_shorter;
    assert!(find(fixture::program(&short).as_slice()).is_empty());
    let unoptimized = [&short[..], &[(TRIFLE, &[0xc3][..])]].concat();
    assert_eq!(find(fixture::program(&unoptimized).as_slice()).len(), 1, "a compiler that copies nothing");
    let many = [&whole[..], &vec![(DROP, &[0xc3][..]); MAX_FUNCTIONS + 1]].concat();
    assert!(find(fixture::program(&many).as_slice()).is_empty());
}
