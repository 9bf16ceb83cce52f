//! Frames, written byte by byte. Check sums are left out: nobody looks at them.

/// A machine: its hardware address and its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) mac: [u8; 6],
    pub(super) ip: [u8; 4],
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

fn ipv4(from: Host, to: Host, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(from.ip);
    packet.extend(to.ip);
    packet.extend(payload);
    ethernet(to.mac, from.mac, 0x0800, &packet)
}

/// Flags: FIN 1, SYN 2, RST 4, ACK 16.
pub(super) fn tcp(from: (Host, u16), to: (Host, u16), flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    ipv4(from.0, to.0, 6, &segment)
}

pub(super) fn udp(from: (Host, u16), to: (Host, u16), payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let mut datagram = [from.1, to.1, length, 0].map(u16::to_be_bytes).concat();
    datagram.extend(payload);
    ipv4(from.0, to.0, 17, &datagram)
}

/// ARP: a question (1) or an answer (2) of `from`, to `to` or to all.
pub(super) fn arp(operation: u8, from: Host, target: Host, to: [u8; 6]) -> Vec<u8> {
    let mut payload = vec![0, 1, 8, 0, 6, 4, 0, operation];
    payload.extend(from.mac);
    payload.extend(from.ip);
    payload.extend(target.mac);
    payload.extend(target.ip);
    ethernet(to, from.mac, 0x0806, &payload)
}

/// A question of DNS for an address, and, with one, the answer to it.
pub(super) fn dns(name: &str, answer: Option<[u8; 4]>) -> Vec<u8> {
    let answers = u8::from(answer.is_some());
    let mut message = vec![0x12, 0x34, if answers == 1 { 0x81 } else { 1 }, 0, 0, 1, 0, answers, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    if let Some(ip) = answer {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        message.extend(ip);
    }
    message
}

/// What a server of DHCP acknowledges: an address, and who is the way out.
pub(super) fn dhcp_ack(server: Host, client: Host, router: [u8; 4]) -> Vec<u8> {
    let mut message = vec![2, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend(client.ip);
    message.extend([0; 8]);
    message.extend(client.mac);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 5, 54, 4]);
    message.extend(server.ip);
    message.extend([1, 4, 255, 255, 255, 0, 3, 4]);
    message.extend(router);
    message.extend([6, 4]);
    message.extend(router);
    message.extend([51, 4, 0, 0, 168, 192, 255]);
    udp((server, 67), (client, 68), &message)
}
