//! Devices of a network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its hardware address, in lower case with colons.
    #[schemars(regex(pattern = r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"))]
    pub mac: String,
    /// Software made the hardware address up: it names no vendor, and may be another one tomorrow.
    pub mac_random: bool,
    /// Its own addresses, IPv4 first; not those that it passes packets on for.
    pub ips: Vec<String>,
    /// Who made it, or its network part: the owner of the address block; `null` when that says nothing.
    pub vendor: Option<String>,
    /// Its best name; `null` when it told none.
    pub hostname: Option<String>,
    /// All its names, each with the protocol that told it.
    pub names: Vec<DeviceName>,
    /// What it is, in words; `unknown` rather than a guess.
    pub device_type: String,
    /// The sort of device: `camera`, `plug`, `phone`, `router`, ...; `unknown` rather than a guess.
    pub category: String,
    /// The trained class, named as in its training data; `null` when it is none of them, or not surely one.
    pub label: Option<String>,
    /// Trained classes of which it is one, where nothing tells which; `label` is `null` then.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// How sure `label` is, or `category` where there is no label: the share of such answers that are right. 0 when both are
    /// unknown.
    #[schemars(range(min = 0, max = 1))]
    pub confidence: f64,
    /// Operating system; `null` when nothing tells.
    pub os: Option<String>,
    /// Model, where the device says so itself.
    pub model: Option<String>,
    /// What it does for others: `router`, `dhcp_server`, ...
    pub roles: Vec<String>,
    /// Why it is called so, the weightiest first.
    pub evidence: Vec<Evidence>,
    /// Other devices that may be this one under another hardware address. Suggested, never done.
    pub same_as: Vec<Suggestion>,
    /// How many different addresses and ports it sought, about; `null` if it sought none.
    pub sought: Option<Sought>,
    /// Frames that it sent.
    pub frames: u64,
    /// When it was seen first: RFC 3339, UTC.
    pub first_seen: String,
    /// When it was seen last.
    pub last_seen: String,
    /// It was seen within the last minutes of the capture.
    pub online: bool,
    /// The capture that it was seen in.
    pub source: String,
}

/// What a device began to talk to: the targets of TCP segments that do not answer and of UDP datagrams to lower ports, and
/// addresses asked for by ARP. Counts are estimates, within 3 % at 1,000; 7,098 is as much or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sought {
    /// Different addresses.
    pub addresses: u32,
    /// Different TCP and UDP ports.
    pub ports: u32,
    /// Different addresses in the busiest minute.
    pub addresses_a_minute: u32,
    /// Different ports in the busiest minute.
    pub ports_a_minute: u32,
}

/// A name of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceName {
    /// The name.
    pub name: String,
    /// `dhcp`, `mdns`, `nbns`, ...
    pub via: String,
}

/// One reason why a device is called what it is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was seen.
    pub fact: String,
    /// What it speaks for.
    #[serde(rename = "for")]
    pub speaks_for: String,
    /// How much it weighs.
    pub weight: f64,
}

/// Two hardware addresses that may be of one device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// The other hardware address.
    pub mac: String,
    /// What both have.
    pub because: Vec<String>,
}
