//! Manufacturer usage descriptions (MUD, RFC 8520): with whom a device is to talk, as its maker says.
//!
//! A description is a JSON file of `ietf-mud` and of access lists (`ietf-access-control-list`, RFC 8519). It is bound to a device by the
//! user, or by the address (URL) that the device tells by DHCP or LLDP; that address is compared and never fetched. What no entry
//! allows is not allowed, but for what every device needs (DHCP, DNS and NTP of this network).
//!
//! ```
//! use kernscope_lan::mud::Profile;
//! let text = r#"{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamp.example/lamp.json",
//!     "from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}}},
//!   "ietf-access-control-list:acls": {"acl": [{"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [
//!     {"name": "cloud", "matches": {"ipv4": {"ietf-acldns:dst-dnsname": "cloud.example", "protocol": 6}},
//!      "actions": {"forwarding": "accept"}}]}}]}}"#;
//! let profile = Profile::parse(text)?;
//! assert_eq!(profile.url, "https://lamp.example/lamp.json");
//! # Ok::<(), String>(())
//! ```

mod ace;
mod json;
mod parse;

pub(crate) use ace::{Around, Talk, Verdict};

use crate::Mac;
use ace::{Ace, Peer};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The description of one kind of device.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its address, by which devices tell it.
    pub url: String,
    /// What the maker calls the device.
    pub about: String,
    /// What is in the file and not looked at, a line each.
    pub notes: Vec<String>,
    from_device: Vec<Ace>,
    to_device: Vec<Ace>,
}

impl Profile {
    /// Reads a file.
    ///
    /// # Errors
    /// In one line, what it is that is no description, or says something that cannot be.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::profile(text)
    }

    /// Names that its entries ask for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.from_device.iter().chain(&self.to_device).flat_map(|ace| &ace.peers);
        all.filter_map(|peer| match peer {
            Peer::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a talk is allowed: the first entry that it fits decides.
    pub(crate) fn judge(&self, talk: &Talk, around: &dyn Around) -> Verdict {
        if ace::is_needed(talk, around) {
            return Verdict::Allowed;
        }
        let entries = if talk.from_device { &self.from_device } else { &self.to_device };
        ace::judge(entries, talk, around)
    }

    /// Who made the device, by the address: the part between `//` and the next `/`.
    pub(crate) fn maker(&self) -> &str {
        maker(&self.url)
    }
}

fn maker(url: &str) -> &str {
    url.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// Descriptions, and which devices they are for.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    all: Vec<Arc<Profile>>,
    bound: HashMap<Mac, Arc<Profile>>,
    controllers: HashMap<String, Vec<IpAddr>>,
}

impl Profiles {
    /// Adds one; of two with one address the later one holds.
    pub fn add(&mut self, profile: Profile) {
        self.all.retain(|one| one.url != profile.url);
        self.all.push(Arc::new(profile));
    }

    /// Binds a device to the description of an address; whether there is one.
    pub fn bind(&mut self, mac: Mac, url: &str) -> bool {
        let profile = self.all.iter().find(|profile| profile.url == url).cloned();
        let is_there = profile.is_some();
        profile.into_iter().for_each(|profile| _ = self.bound.insert(mac, profile));
        is_there
    }

    /// Says who is a controller: `my-controller`, or the address (URI) that descriptions call one by.
    pub fn controller(&mut self, name: &str, address: IpAddr) {
        self.controllers.entry(name.to_owned()).or_default().push(address);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.all.iter()
    }

    /// The description that a device is bound to.
    pub(crate) fn of(&self, mac: Mac) -> Option<&Arc<Profile>> {
        self.bound.get(&mac)
    }

    /// A device told an address: binds it, unless the user did. Whether the description is there.
    pub(crate) fn told(&mut self, mac: Mac, url: &str) -> bool {
        self.bound.contains_key(&mac) || self.bind(mac, url)
    }

    pub(crate) fn controllers(&self, name: &str) -> Option<&Vec<IpAddr>> {
        self.controllers.get(name)
    }
}

#[cfg(test)]
mod tests;
