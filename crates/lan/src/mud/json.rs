//! The members of RFC 8520's JSON, and RFC 8519's within, that are looked at, under their own names.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct File {
    #[serde(rename = "ietf-mud:mud")]
    pub(super) mud: Mud,
    #[serde(rename = "ietf-access-control-list:acls", alias = "ietf-access-control-list:access-lists")]
    pub(super) acls: Acls,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Mud {
    pub(super) mud_version: u64,
    pub(super) mud_url: String,
    #[serde(default)]
    pub(super) systeminfo: String,
    pub(super) from_device_policy: Option<Policy>,
    pub(super) to_device_policy: Option<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Policy {
    pub(super) access_lists: Lists,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Lists {
    pub(super) access_list: Vec<Named>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Acls {
    pub(super) acl: Vec<Acl>,
}

#[derive(Deserialize)]
pub(super) struct Acl {
    pub(super) name: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    pub(super) aces: Aces,
}

#[derive(Deserialize)]
pub(super) struct Aces {
    #[serde(default)]
    pub(super) ace: Vec<Entry>,
}

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) matches: Matches,
    pub(super) actions: Actions,
}

#[derive(Deserialize)]
pub(super) struct Actions {
    pub(super) forwarding: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Matches {
    pub(super) ipv4: Option<Ip>,
    pub(super) ipv6: Option<Ip>,
    pub(super) tcp: Option<Transport>,
    pub(super) udp: Option<Transport>,
    pub(super) icmp: Option<Message>,
    pub(super) icmpv4: Option<Message>,
    pub(super) icmpv6: Option<Message>,
    #[serde(rename = "ietf-mud:mud")]
    pub(super) mud: Option<Who>,
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Ip {
    pub(super) protocol: Option<u8>,
    #[serde(rename = "ietf-acldns:src-dnsname")]
    pub(super) source_name: Option<String>,
    #[serde(rename = "ietf-acldns:dst-dnsname")]
    pub(super) target_name: Option<String>,
    #[serde(alias = "source-ipv6-network")]
    pub(super) source_ipv4_network: Option<String>,
    #[serde(alias = "destination-ipv6-network")]
    pub(super) destination_ipv4_network: Option<String>,
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Transport {
    pub(super) source_port: Option<Port>,
    pub(super) destination_port: Option<Port>,
    #[serde(rename = "ietf-mud:direction-initiated")]
    pub(super) initiated: Option<String>,
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(rename = "type")]
    pub(super) kind: Option<u8>,
    pub(super) code: Option<u8>,
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged, rename_all = "kebab-case")]
pub(super) enum Port {
    Operator {
        operator: String,
        port: u16,
    },
    #[serde(rename_all = "kebab-case")]
    Range {
        lower_port: u16,
        upper_port: u16,
    },
}

/// What is there counts, whatever its value: `[null]` is YANG's way to say yes.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Who {
    pub(super) manufacturer: Option<String>,
    pub(super) same_manufacturer: Option<Value>,
    pub(super) model: Option<String>,
    pub(super) local_networks: Option<Value>,
    pub(super) controller: Option<String>,
    pub(super) my_controller: Option<Value>,
}
