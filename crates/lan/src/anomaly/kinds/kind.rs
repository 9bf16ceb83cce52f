//! Kinds of destinations, and of which a talk is.

use super::super::Seen;
use super::super::beacon::destination;
use super::super::contact::Service;
use super::super::scene::Scene;
use crate::decode::on_link;
use crate::packet::Packet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(super) enum Kind {
    Place(String),
    Service(String),
    Device(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => write!(f, "place {place}"),
            Self::Service(service) => write!(f, "service {service}"),
            Self::Device(mac) => write!(f, "device {mac}"),
        }
    }
}

/// What a talk is with, and what each is worth if it is new.
pub(super) fn kinds(
    seen: &Seen<'_>,
    packet: &Packet<'_>,
    service: Service,
    scene: &Scene,
) -> Vec<(Kind, u32)> {
    let target = packet.target;
    let mut kinds = vec![(Kind::Service(sort(service)), 2)];
    if !on_link(target) {
        let strange = u32::from(scene.name(&target).is_none());
        kinds.push((Kind::Place(destination(target, scene)), 1 + strange));
    } else if !scene.is_router(seen.link.target) && !scene.is_gateway(&target) && !scene.is_resolver(&target)
    {
        kinds.push((Kind::Device(seen.link.target.to_string()), 1));
    }
    kinds
}

/// The sort of a service: what is one to its users is one here.
pub(super) fn sort(service: Service) -> String {
    match service {
        Service::Tcp(80 | 443 | 8000 | 8080 | 8443) | Service::Udp(443) => "web".to_owned(),
        Service::Tcp(1883 | 8883) => "MQTT".to_owned(),
        Service::Tcp(25 | 465 | 587) => "mail".to_owned(),
        Service::Udp(3478..=3481 | 19_302..=19_309) => "STUN".to_owned(),
        Service::Udp(port) if port >= 10_000 => "high udp ports".to_owned(),
        Service::Tcp(port) if port >= 32_768 => "high tcp ports".to_owned(),
        other => other.to_string(),
    }
}
