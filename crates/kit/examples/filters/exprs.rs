//! Random conditions on headers, about what random frames have.

use std::net::IpAddr;

use kernscope_kit::compile::packet::{Expr, Layer, Relation, Scope, Side, Tag, Test, Transport, Version};

use crate::frames::{HOSTS, PORTS, STATIONS, VLANS, host6};
use crate::random::Random;

const SIDES: [Side; 4] = [Side::Src, Side::Dst, Side::Either, Side::Both];
const RELATIONS: [Relation; 6] =
    [Relation::Eq, Relation::Ne, Relation::Lt, Relation::Le, Relation::Gt, Relation::Ge];
const PROTOCOLS: [u8; 9] = [1, 2, 6, 17, 44, 50, 58, 89, 132];

/// Up to a dozen tests, joined as the language joins them: no list inside a list of its own kind.
pub(crate) fn expr(random: &mut Random) -> Expr {
    let depth = random.below(4);
    inside(random, depth, None)
}

fn inside(random: &mut Random, depth: usize, parent_all: Option<bool>) -> Expr {
    if depth == 0 || random.once_in(4) {
        return Expr::Test(test(random));
    }
    if random.once_in(4) {
        return Expr::Not(Box::new(inside(random, depth - 1, None)));
    }
    let all = parent_all.map_or(random.once_in(2), |all| !all);
    let list = (0..random.within(2, 3)).map(|_| inside(random, depth - 1, Some(all))).collect();
    if all { Expr::All(list) } else { Expr::Any(list) }
}

fn test(random: &mut Random) -> Test {
    let side = random.pick(&SIDES);
    match random.below(10) {
        0 => Test::Ether { side, address: random.pick(&STATIONS) },
        1 => Test::EtherType(random.pick(&[0x0800, 0x0800, 0x86dd, 0x0806, 0x88cc, 0x8100])),
        2 => {
            let id = if random.once_in(3) { None } else { Some(random.pick(&VLANS)) };
            Test::Vlan { tag: random.pick(&[Tag::Any, Tag::Outer, Tag::Inner]), id }
        }
        3 => {
            let version = random.pick(&[Version::Any, Version::V4, Version::V6]);
            Test::Protocol { version, number: random.pick(&PROTOCOLS) }
        }
        4 => net(random, side),
        5 | 6 => {
            let transport = random.pick(&[Transport::Any, Transport::Tcp, Transport::Udp, Transport::Sctp]);
            let (one, other) = (random.pick(&PORTS), random.pick(&PORTS));
            let other = if random.once_in(2) { one } else { other };
            Test::Port { side, transport, low: one.min(other), high: one.max(other) }
        }
        7 => Test::Length(random.pick(&RELATIONS), random.pick(&[0, 14, 42, 60, 64, 100, u32::MAX])),
        _ => field(random),
    }
}

fn net(random: &mut Random, side: Side) -> Test {
    if random.once_in(3) {
        let prefix = random.pick(&[0, 1, 10, 16, 32, 33, 64, 100, 128]);
        let address = u128::from_be_bytes(host6(random));
        let address = address & !u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
        let scope = random.pick(&[Scope::Any, Scope::Ip]);
        return Test::Net { side, scope, address: IpAddr::from(address.to_be_bytes()), prefix };
    }
    let prefix = random.pick(&[0, 1, 8, 9, 16, 24, 31, 32, 32]);
    let address = u32::from_be_bytes(random.pick(&HOSTS));
    let address = address & !u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    let scope = random.pick(&[Scope::Any, Scope::Ip, Scope::Arp]);
    Test::Net { side, scope, address: IpAddr::from(address.to_be_bytes()), prefix }
}

/// Whether it may ask for a header field that is not in the first piece of a packet, where XDP does not look.
pub(crate) fn reads_far(expr: &Expr) -> bool {
    match expr {
        Expr::Test(test) => matches!(test, Test::Field { offset: 0x7fff.., .. }),
        Expr::Not(expr) => reads_far(expr),
        Expr::All(list) | Expr::Any(list) => list.iter().any(reads_far),
    }
}

fn field(random: &mut Random) -> Test {
    let offset = match random.below(12) {
        0 => random.pick(&[0x7fff, 0x8000, 0xfffb, 0xfffc, 0xffff]),
        _ => random.below(24) as u16,
    };
    let bytes = random.pick(&[1, 1, 2, 4]);
    let mask = random.pick(&[u32::MAX, u32::MAX, 0x0f, 0xf0, 0x1fff, 0x12, 0, 0x8000_0000]);
    let relation = random.pick(&RELATIONS);
    let value = random.pick(&[0, 1, 2, 5, 0x12, 0x40, 64, 53, 0x45, 0x0800, 0x8000_0000, u32::MAX]);
    Test::Field { layer: random.pick(&Layer::ALL), offset, bytes, mask, relation, value }
}
