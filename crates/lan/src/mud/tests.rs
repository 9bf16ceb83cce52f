use super::*;

/// A lamp: its cloud by name on 443, its maker's hub, NTP anywhere, and to be asked by local controllers on 8080.
pub(crate) const LAMP: &str = r#"{
  "ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamp.example/lamp.json", "last-update": "2026-01-01T00:00:00Z",
    "cache-validity": 48, "is-supported": true, "systeminfo": "a lamp",
    "from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}},
    "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}},
  "ietf-access-control-list:acls": {"acl": [
    {"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [
      {"name": "no", "matches": {"ipv4": {"destination-ipv4-network": "203.0.113.128/25"}}, "actions": {"forwarding": "drop"}},
      {"name": "cloud", "matches": {
        "ipv4": {"ietf-acldns:dst-dnsname": "Cloud.example", "protocol": 6},
        "tcp": {"destination-port": {"operator": "eq", "port": 443}, "ietf-mud:direction-initiated": "from-device"}},
       "actions": {"forwarding": "accept"}},
      {"name": "hub", "matches": {"ietf-mud:mud": {"same-manufacturer": [null]},
        "udp": {"destination-port": {"lower-port": 5000, "upper-port": 5010}}}, "actions": {"forwarding": "accept"}},
      {"name": "time", "matches": {"ipv4": {"protocol": 17, "dscp": 3}, "udp": {"destination-port": {"operator": "eq", "port": 123}}},
       "actions": {"forwarding": "accept"}}]}},
    {"name": "to", "type": "ipv4-acl-type", "aces": {"ace": [
      {"name": "asked", "matches": {"ietf-mud:mud": {"my-controller": [null]},
        "tcp": {"destination-port": {"operator": "eq", "port": 8080}}}, "actions": {"forwarding": "accept"}}]}}]}}"#;

/// The network around one peer.
#[derive(Default)]
struct Peers {
    named: Option<bool>,
    local: bool,
    same_maker: bool,
    controller: Option<bool>,
}

impl Around for Peers {
    fn is_named(&self, _name: &str) -> Option<bool> {
        self.named
    }
    fn is_local(&self) -> bool {
        self.local
    }
    fn is_resolver(&self) -> bool {
        false
    }
    fn is_of_maker(&self, _maker: Option<&str>) -> bool {
        self.same_maker
    }
    fn is_model(&self, _url: &str) -> bool {
        false
    }
    fn is_controller(&self, _name: &str) -> Option<bool> {
        self.controller
    }
}

#[test]
fn the_first_entry_that_fits_decides_and_what_fits_none_is_denied() {
    let lamp = Profile::parse(LAMP).expect("a lamp");
    let talk = |from_device, peer: &str, protocol, target_port| Talk {
        from_device,
        peer: peer.parse().expect("address"),
        protocol,
        source_port: 40_000,
        target_port,
        icmp: None,
    };
    let (named, strange) =
        (Peers { named: Some(true), ..Peers::default() }, Peers { named: Some(false), ..Peers::default() });
    let judge = |talk, peers: &Peers| lamp.judge(&talk, peers);
    assert_eq!(judge(talk(true, "198.51.100.1", 6, 443), &named), Verdict::Allowed);
    assert_eq!(judge(talk(true, "198.51.100.1", 6, 443), &strange), Verdict::Denied);
    assert_eq!(judge(talk(true, "198.51.100.1", 6, 443), &Peers::default()), Verdict::Unclear);
    assert_eq!(
        judge(talk(true, "198.51.100.1", 6, 23), &Peers::default()),
        Verdict::Denied,
        "no entry has the port"
    );
    assert_eq!(
        judge(talk(true, "203.0.113.200", 6, 443), &named),
        Verdict::Denied,
        "refused before it is allowed"
    );
    assert_eq!(judge(talk(true, "198.51.100.1", 17, 123), &strange), Verdict::Allowed);
    assert_eq!(judge(talk(true, "2001:db8::1", 17, 123), &strange), Verdict::Denied, "the lists are of IPv4");
    let twin = Peers { local: true, same_maker: true, ..Peers::default() };
    assert_eq!(judge(talk(true, "10.0.0.9", 17, 5005), &twin), Verdict::Allowed);
    assert_eq!(judge(talk(true, "10.0.0.9", 17, 5011), &twin), Verdict::Denied);
    assert_eq!(judge(talk(true, "10.0.0.9", 17, 53), &twin), Verdict::Allowed, "what every device needs");
    assert_eq!(
        judge(talk(false, "10.0.0.9", 6, 8080), &twin),
        Verdict::Allowed,
        "anybody here may be the controller"
    );
    let other = Peers { controller: Some(false), ..twin };
    assert_eq!(judge(talk(false, "10.0.0.9", 6, 8080), &other), Verdict::Denied);
    assert_eq!(judge(talk(false, "198.51.100.1", 6, 8080), &strange), Verdict::Denied);
    assert_eq!((lamp.about.as_str(), lamp.maker()), ("a lamp", "lamp.example"));
    assert_eq!(lamp.notes, ["entry \"time\": \"dscp\" is not looked at"]);
    assert_eq!(lamp.names().collect::<Vec<_>>(), ["cloud.example"]);
}

#[test]
fn messages_of_icmp_are_judged_by_type_and_code() {
    let entry = |kind: &str, icmp: &str| {
        let text = LAMP.replace("\"ipv4-acl-type\"", kind);
        text.replace("{\"destination-ipv4-network\": \"203.0.113.128/25\"}", "{}")
            .replace("{\"ipv4\": {}}", icmp)
            .replace("\"drop\"", "\"accept\"")
    };
    let judge = |lamp: &Profile, peer: &str, protocol, icmp, around: &Peers| {
        let peer = peer.parse().expect("address");
        let icmp = Some(icmp);
        lamp.judge(&Talk { from_device: true, peer, protocol, source_port: 0, target_port: 0, icmp }, around)
    };
    let far = Peers { named: Some(false), ..Peers::default() };
    let lamp = Profile::parse(LAMP).expect("a lamp");
    assert_eq!(judge(&lamp, "198.51.100.1", 1, (8, 0), &far), Verdict::Denied);
    let near = Peers { local: true, ..Peers::default() };
    assert_eq!(judge(&lamp, "10.0.0.9", 1, (8, 0), &near), Verdict::Allowed, "whether a neighbour is there");
    let lamp = Profile::parse(&entry("\"ipv4-acl-type\"", "{\"icmp\": {\"type\": 8, \"code\": 0}}"))
        .expect("a lamp");
    assert_eq!(judge(&lamp, "198.51.100.1", 1, (8, 0), &far), Verdict::Allowed);
    assert_eq!(judge(&lamp, "198.51.100.1", 1, (8, 1), &far), Verdict::Denied);
    assert_eq!(judge(&lamp, "198.51.100.1", 1, (13, 0), &far), Verdict::Denied);
    assert_eq!(judge(&lamp, "2001:db8::1", 58, (8, 0), &far), Verdict::Denied, "the list is of IPv4");
    let lamp = Profile::parse(&entry("\"ipv6-acl-type\"", "{\"icmpv6\": {\"type\": 128}}")).expect("a lamp");
    assert_eq!(judge(&lamp, "2001:db8::1", 58, (128, 0), &far), Verdict::Allowed);
    assert_eq!(judge(&lamp, "198.51.100.1", 1, (128, 0), &far), Verdict::Denied);
    let why =
        Profile::parse(&entry("\"ipv4-acl-type\"", "{\"icmp\": {\"type\": 800}}")).expect_err("no type");
    assert!(why.contains("no MUD file"), "{why}");
    let lamp = Profile::parse(&entry("\"ipv4-acl-type\"", "{\"icmp\": {\"rest-of-header\": \"AA==\"}}"));
    assert!(lamp.expect("a lamp").notes.iter().any(|note| note.contains("rest-of-header")));
}

#[test]
fn what_is_no_description_is_refused_in_one_line() {
    for (from, to, why) in [
        (LAMP, "{", "no MUD file"),
        ("\"mud-version\": 1", "\"mud-version\": 2", "version 2"),
        ("https://lamp.example/", "ftp://lamp.example/", "https://"),
        ("[{\"name\": \"to\"}]", "[{\"name\": \"elsewhere\"}]", "\"elsewhere\", which it has not"),
        ("\"drop\"", "\"perhaps\"", "forwarding \"perhaps\""),
        ("203.0.113.128/25", "203.0.113.128/33", "no network"),
        ("\"upper-port\": 5010", "\"upper-port\": 10", "ports 5000 to 10"),
        ("\"operator\": \"eq\", \"port\": 8080", "\"operator\": \"is\", \"port\": 8080", "operator \"is\""),
        ("\"from-device\"", "\"sideways\"", "direction-initiated"),
        ("\"protocol\": 17", "\"protocol\": 1700", "no MUD file"),
    ] {
        assert!(LAMP.contains(from), "{from}");
        let error = Profile::parse(&LAMP.replace(from, to)).expect_err(why);
        assert!(error.contains(why) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_device_is_bound_by_the_user_before_it_is_by_its_own_word() {
    let mut profiles = Profiles::default();
    profiles.add(Profile::parse(LAMP).expect("a lamp"));
    profiles.add(Profile::parse(&LAMP.replace("lamp.json", "other.json")).expect("another"));
    let (one, other) = (Mac([2; 6]), Mac([4; 6]));
    assert!(
        profiles.bind(one, "https://lamp.example/lamp.json")
            && !profiles.bind(one, "https://nowhere.example/")
    );
    assert!(
        profiles.told(one, "https://lamp.example/other.json")
            && !profiles.told(other, "https://nowhere.example/")
    );
    assert_eq!(profiles.of(one).map(|profile| profile.url.as_str()), Some("https://lamp.example/lamp.json"));
    assert!(profiles.told(other, "https://lamp.example/other.json") && profiles.of(other).is_some());
    assert_eq!(profiles.len(), 2);
}
