//! Devices as a table of comma-separated values (RFC 4180), lists within a cell separated by spaces.
//!
//! Names come from strangers: a cell that a spreadsheet would take for a formula begins with an apostrophe.

use kernscope_report::Device;

const HEAD: &str = "mac,mac_random,ips,vendor,hostname,device_type,category,label,confidence,os,model,roles,addresses_sought,ports_sought,frames,first_seen,last_seen,online,source,one_of";

/// A line for each device under a line of names.
pub(super) fn table(devices: &[Device]) -> String {
    let lines = devices.iter().map(row);
    [HEAD.to_owned()].into_iter().chain(lines).map(|line| line + "\r\n").collect()
}

fn row(device: &Device) -> String {
    let text = |field: &Option<String>| cell(field.as_deref().unwrap_or_default());
    let cells = [
        cell(&device.mac),
        device.mac_random.to_string(),
        cell(&device.ips.join(" ")),
        text(&device.vendor),
        text(&device.hostname),
        cell(&device.device_type),
        cell(&device.category),
        text(&device.label),
        device.confidence.to_string(),
        text(&device.os),
        text(&device.model),
        cell(&device.roles.join(" ")),
        device.sought.map(|sought| sought.addresses.to_string()).unwrap_or_default(),
        device.sought.map(|sought| sought.ports.to_string()).unwrap_or_default(),
        device.frames.to_string(),
        cell(&device.first_seen),
        cell(&device.last_seen),
        device.online.to_string(),
        cell(&device.source),
        cell(&device.one_of.join(" ")),
    ];
    cells.join(",")
}

fn cell(text: &str) -> String {
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_stranger_stays_one_cell_and_no_formula() {
        let name = "=HYPERLINK(\"x\",\r\n\"y\")";
        let device = Device { hostname: Some(name.to_owned()), ..Device::default() };
        let table = table(&[device]);
        assert_eq!(table.matches("\r\n").count(), 2, "{table}");
        assert!(table.contains(",\"'=HYPERLINK(\"\"x\"\",  \"\"y\"\")\","), "{table}");
    }
}
