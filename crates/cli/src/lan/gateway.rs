//! The gateways of this machine on an interface, as its routing tables have them.

use std::fs::read_to_string;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Those of `/proc/net/route` and `/proc/net/ipv6_route`; none where there is no default route by the interface.
pub(super) fn of(interface: &str) -> Vec<IpAddr> {
    let v4 = read_to_string("/proc/net/route").unwrap_or_default();
    let v6 = read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let v4 = v4.lines().filter_map(|line| v4_gateway(line, interface));
    v4.chain(v6.lines().filter_map(|line| v6_gateway(line, interface))).collect()
}

/// Interface, destination, gateway, ...: numbers in hex as they lie in memory.
fn v4_gateway(line: &str, interface: &str) -> Option<IpAddr> {
    let mut fields = line.split_ascii_whitespace();
    let (name, destination, gateway) = (fields.next()?, fields.next()?, fields.next()?);
    let gateway = u32::from_str_radix(gateway, 16).ok()?;
    let is_it = name == interface && destination == "00000000" && gateway != 0;
    is_it.then(|| IpAddr::V4(Ipv4Addr::from(gateway.to_ne_bytes())))
}

/// Destination, length, source, length, next hop, ..., interface: addresses in hex as they are written.
fn v6_gateway(line: &str, interface: &str) -> Option<IpAddr> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let [_, "00", _, _, next, .., name] = fields[..] else { return None };
    let next = u128::from_str_radix(next, 16).ok()?;
    (name == interface && next != 0).then(|| IpAddr::V6(Ipv6Addr::from(next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_routes_of_the_interface_are_found() {
        let line = |hex: &str| format!("eth0 00000000 {hex} 0003 0 0 100 00000000 0 0 0");
        let hex = format!("{:08X}", u32::from_ne_bytes([192, 0, 2, 1]));
        assert_eq!(v4_gateway(&line(&hex), "eth0"), "192.0.2.1".parse().ok());
        assert_eq!(v4_gateway(&line(&hex), "eth1"), None);
        assert_eq!(v4_gateway(&line("00000000"), "eth0"), None);
        let zeros = "0".repeat(32);
        let line =
            format!("{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0");
        assert_eq!(v6_gateway(&line, "eth0"), "fe80::1".parse().ok());
        assert_eq!(v6_gateway(&line.replace(" 00 fe80", " 40 fe80"), "eth1"), None);
        assert_eq!(v6_gateway("", "eth0"), None);
    }
}
