//! Frames of a device, made of what it says by each protocol.

use std::net::{Ipv4Addr, Ipv6Addr};

type Mac = [u8; 6];

/// A device at an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    pub(crate) mac: Mac,
    pub(crate) address: Ipv4Addr,
}

/// A service told by mDNS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service<'a> {
    /// Such as `_ipp._tcp`.
    pub(crate) kind: &'a str,
    pub(crate) instance: &'a str,
    /// Who has it, without `.local`, and its address.
    pub(crate) host: (&'a str, Ipv4Addr),
    /// `key=value`.
    pub(crate) text: &'a [String],
}

pub(crate) fn ethernet(to: Mac, from: Mac, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

/// LLC in a frame of 802.3.
pub(crate) fn llc(to: Mac, from: Mac, payload: &[u8]) -> Vec<u8> {
    ethernet(to, from, payload.len() as u16, payload)
}

impl Host {
    /// A packet of IPv4 without a check sum, which nobody looks at.
    fn ipv4(self, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = (20 + payload.len() as u16).to_be_bytes();
        let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend(self.address.octets());
        packet.extend(to.octets());
        packet.extend(payload);
        ethernet([0x01, 0x00, 0x5e, 0, 0, 1], self.mac, 0x0800, &packet)
    }

    fn udp(self, ports: (u16, u16), to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
        let length = 8 + payload.len() as u16;
        let head = [ports.0, ports.1, length, 0].map(u16::to_be_bytes).concat();
        self.ipv4(to, 17, &[&head, payload].concat())
    }

    /// Flags: SYN 2, ACK 16.
    fn tcp(self, ports: (u16, u16), flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut segment = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
        segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
        segment.extend(payload);
        self.ipv4(Ipv4Addr::new(198, 51, 100, 7), 6, &segment)
    }

    /// It accepts connections at a port.
    pub(crate) fn serves(self, port: u16) -> Vec<u8> {
        self.tcp((port, 40_000), 18, &[])
    }

    /// The beginning of what it says over TCP: of a request, or from port 80 of an answer.
    pub(crate) fn http(self, text: &str) -> Vec<u8> {
        let ports = if text.starts_with("HTTP/") { (80, 40_000) } else { (40_000, 80) };
        self.tcp(ports, 16, format!("{text}\r\n\r\n").as_bytes())
    }

    pub(crate) fn dns(self, name: &str) -> Vec<u8> {
        let head = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        self.udp(
            (40_000, 53),
            Ipv4Addr::new(10, 0, 0, 1),
            &[&head[..], &labels(name), &[0, 1, 0, 1]].concat(),
        )
    }

    /// A request of a client; `asks` is option 55.
    pub(crate) fn dhcp(self, asks: &[u8], vendor: &str, name: &str) -> Vec<u8> {
        let mut options = vec![53, 1, 3];
        for (code, value) in [(55, asks), (60, vendor.as_bytes()), (12, name.as_bytes())] {
            if !value.is_empty() {
                options.extend([code, value.len() as u8]);
                options.extend(value);
            }
        }
        self.bootp(1, self.mac, &options)
    }

    /// Grants an address to somebody, and says which way is out: its own.
    pub(crate) fn leases(self, gateway: bool) -> Vec<u8> {
        let mut options = vec![53, 1, 5, 1, 4, 255, 255, 255, 0];
        let gateway = gateway.then(|| [&[3, 4], &self.address.octets()[..]].concat());
        options.extend(gateway.unwrap_or_default());
        self.bootp(2, [2, 0, 0, 0, 0, 9], &options)
    }

    fn bootp(self, operation: u8, client: Mac, options: &[u8]) -> Vec<u8> {
        let mut message = vec![operation, 1, 6, 0];
        message.extend([0; 24]);
        message.extend(client);
        message.extend([0; 10 + 64 + 128]);
        message.extend([0x63, 0x82, 0x53, 0x63]);
        message.extend(options);
        message.push(255);
        let ports = if operation == 1 { (68, 67) } else { (67, 68) };
        self.udp(ports, Ipv4Addr::BROADCAST, &message)
    }

    /// Asks who offers a service.
    pub(crate) fn seeks(self, kind: &str) -> Vec<u8> {
        let head = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let question = [&labels(&format!("{kind}.local"))[..], &[0, 12, 0, 1]].concat();
        self.udp((5353, 5353), Ipv4Addr::new(224, 0, 0, 251), &[&head[..], &question].concat())
    }

    /// Answers with a service: PTR, SRV, TXT and the address of who has it.
    pub(crate) fn offers(self, service: Service<'_>) -> Vec<u8> {
        let Service { kind, instance, host, text } = service;
        let kind = labels(&format!("{kind}.local"));
        let instance = [&[instance.len() as u8], instance.as_bytes(), &kind].concat();
        let target = labels(&format!("{}.local", host.0));
        let strings: Vec<u8> = text.iter().flat_map(|pair| label(pair)).collect();
        let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        for (name, of, data) in [
            (&kind, 12u16, instance.clone()),
            (&instance, 33, [&[0, 0, 0, 0, 31, 144], &target[..]].concat()),
            (&instance, 16, if strings.is_empty() { vec![0] } else { strings }),
            (&target, 1, host.1.octets().to_vec()),
        ] {
            message.extend([&name[..], &of.to_be_bytes(), &[0x80, 1, 0, 0, 0, 120]].concat());
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(data);
        }
        self.udp((5353, 5353), Ipv4Addr::new(224, 0, 0, 251), &message)
    }

    /// Announces what it is by SSDP.
    pub(crate) fn notify(self, kind: &str, server: &str) -> Vec<u8> {
        let text = format!("NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: {kind}\r\nSERVER: {server}\r\n\r\n");
        self.udp((40_000, 1900), Ipv4Addr::new(239, 255, 255, 250), text.as_bytes())
    }

    /// Announces types by WS-Discovery.
    pub(crate) fn hello(self, types: &str) -> Vec<u8> {
        let text = format!("<s:Envelope><s:Body><d:Hello><d:Types>{types}</d:Types></d:Hello>");
        self.udp((40_000, 3702), Ipv4Addr::new(239, 255, 255, 250), text.as_bytes())
    }

    /// LLDP with a system description and the capabilities that are enabled.
    pub(crate) fn lldp(self, description: &str, capabilities: u16) -> Vec<u8> {
        let bits = capabilities.to_be_bytes();
        self.neighbour(&[(6, description.as_bytes()), (7, &[bits, bits].concat())])
    }

    /// LLDP with who made it and which model it is.
    pub(crate) fn med(self, manufacturer: &str, model: &str) -> Vec<u8> {
        let part = |subtype, text: &str| [&[0x00, 0x12, 0xbb, subtype], text.as_bytes()].concat();
        self.neighbour(&[(127, &part(9, manufacturer)), (127, &part(10, model))])
    }

    fn neighbour(self, parts: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = vec![0x02, 0x07, 0x04];
        message.extend(self.mac);
        for (kind, value) in parts {
            message.extend((kind << 9 | value.len() as u16).to_be_bytes());
            message.extend(*value);
        }
        message.extend([0, 0]);
        ethernet([1, 0x80, 0xc2, 0, 0, 14], self.mac, 0x88cc, &message)
    }

    /// Cisco's discovery: texts by number, and the capabilities.
    pub(crate) fn cdp(self, texts: [(u16, &str); 3], capabilities: u32) -> Vec<u8> {
        let mut message = vec![0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0x00, 2, 180, 0, 0];
        let bits = capabilities.to_be_bytes();
        let texts = texts.map(|(kind, text)| (kind, text.as_bytes()));
        for (kind, value) in texts.into_iter().chain([(4, &bits[..])]) {
            message.extend([kind, value.len() as u16 + 4].map(u16::to_be_bytes).concat());
            message.extend(value);
        }
        llc([0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc], self.mac, &message)
    }

    /// Registers a NetBIOS name, its own or that of a group.
    pub(crate) fn registers(self, name: &str, suffix: u8, group: bool) -> Vec<u8> {
        let padded = format!("{name:<15}").into_bytes().into_iter().chain([suffix]);
        let letters: Vec<u8> = padded.flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]).collect();
        let mut message = vec![0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
        message.extend(letters);
        message.extend([
            0,
            0,
            32,
            0,
            1,
            0xc0,
            12,
            0,
            32,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            6,
            if group { 0x80 } else { 0 },
            0,
        ]);
        message.extend(self.address.octets());
        self.udp((137, 137), Ipv4Addr::new(10, 0, 0, 255), &message)
    }

    /// A request of a DHCPv6 client with a vendor class.
    pub(crate) fn dhcp6(self, enterprise: u32, text: &str) -> Vec<u8> {
        let mut class = enterprise.to_be_bytes().to_vec();
        class.extend([0, text.len() as u8]);
        class.extend(text.as_bytes());
        let mut message = vec![1, 0, 0, 1, 0, 6, 0, 6, 0, 17, 0, 23, 0, 24, 0, 16, 0, class.len() as u8];
        message.extend(class);
        let length = 8 + message.len() as u16;
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([17, 1]);
        packet.extend(self.link_local().octets());
        packet.extend(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2).octets());
        packet.extend([546u16, 547, length, 0].map(u16::to_be_bytes).concat());
        packet.extend(message);
        ethernet([0x33, 0x33, 0, 1, 0, 2], self.mac, 0x86dd, &packet)
    }

    /// A link-local address.
    fn link_local(self) -> Ipv6Addr {
        let [.., a, b] = self.mac;
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from_be_bytes([a, b]))
    }

    /// A datagram of no protocol that is read.
    pub(crate) fn sends(self, port: u16) -> Vec<u8> {
        self.udp((40_000, port), Ipv4Addr::new(10, 0, 0, 9), &[0; 12])
    }

    /// A frame of a protocol that is neither IP nor ARP.
    pub(crate) fn speaks(self, kind: u16) -> Vec<u8> {
        ethernet([1, 0, 0, 0, 0, 1], self.mac, kind, &[0; 46])
    }

    /// A message of the spanning tree.
    pub(crate) fn spans(self) -> Vec<u8> {
        llc([1, 0x80, 0xc2, 0, 0, 0], self.mac, &[&[0x42, 0x42, 3][..], &[0; 35]].concat())
    }
}

fn label(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn labels(name: &str) -> Vec<u8> {
    name.split('.').flat_map(label).chain([0]).collect()
}
