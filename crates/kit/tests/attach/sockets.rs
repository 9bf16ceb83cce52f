//! A filter on the receiver's socket.

use crate::filter::{Traffic, counts, program, run_traffic, word_arrives};
use crate::net::Pair;
use crate::{load, privileged};
use kernscope_kit::attach::SocketFilter;
use kernscope_kit::program::ProgramType;

#[test]
fn a_socket_gets_whole_what_does_not_match_and_nothing_else() {
    if !privileged("a_socket_gets_whole_what_does_not_match_and_nothing_else") {
        return;
    }
    let pair = Pair::fresh();
    let (sender, receiver) = (pair.sender(), pair.receiver());
    let loaded = load(&program(ProgramType::SocketFilter));
    let attached = SocketFilter::attach(&receiver, &loaded).expect("attach");
    let traffic = run_traffic(&pair, &sender, &receiver);
    // Captures are before any socket.
    let (matching, others) = (1000, 2000);
    let expected =
        Traffic { matching, others, left: 3000, right: 3000, read_matching: 0, read_others: others };
    assert_eq!(traffic, expected);
    assert_eq!(counts(&loaded), (matching, others));
    let mut bytes = [0; 256];
    sender.send(&[b'x'; 200]).expect("send");
    assert_eq!(receiver.recv(&mut bytes).expect("it has come"), 200, "nothing is cut off");
    drop(attached);
    assert!(word_arrives(&sender, &receiver, true), "nothing is attached any more");
}

#[test]
fn a_program_of_another_type_is_refused() {
    if !privileged("a_program_of_another_type_is_refused") {
        return;
    }
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let error = SocketFilter::attach(&socket, &load(&program(ProgramType::Xdp))).expect_err("it is XDP");
    assert_eq!(error.cause.raw_os_error(), Some(libc::EINVAL), "{error}");
}
