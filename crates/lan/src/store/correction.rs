//! What a user says of a device: above all that was found out.

use crate::Mac;
use kernscope_report::database::Cause;
use kernscope_report::{Device, DeviceName, Evidence};
use rusqlite::{Connection, Row, params};
use std::collections::HashMap;

/// What a user says of a device; nothing said, nothing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// Its class, in the words of a model or of the user.
    pub label: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is, in words.
    pub device_type: Option<String>,
    /// The sort of device.
    pub category: Option<String>,
    /// Anything else.
    pub note: Option<String>,
}

impl Correction {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts it above what a record says. What was found out and contradicts it is left out.
    pub fn apply(&self, device: &mut Device) {
        if let Some(name) = &self.name {
            device.hostname = Some(name.clone());
            device.names.retain(|known| known.via != "user");
            device.names.insert(0, DeviceName { name: name.clone(), via: "user".to_owned() });
        }
        let own = [&self.label, &self.device_type, &self.category];
        let Some(said) = own.into_iter().flatten().next() else { return };
        device.evidence =
            vec![Evidence { fact: "the user says so".to_owned(), speaks_for: said.clone(), weight: 1.0 }];
        device.confidence = 1.0;
        // A label found out does not go with another type.
        device.label = self.label.clone();
        device.one_of.clear();
        if let Some(kind) = self.device_type.as_ref().or(self.label.as_ref()).or(self.category.as_ref()) {
            device.device_type = kind.clone();
        }
        if let Some(category) = &self.category {
            device.category = category.clone();
        }
    }
}

pub(super) fn all(db: &Connection) -> Result<HashMap<String, Correction>, Cause> {
    let mut query = db.prepare("SELECT mac, label, name, device_type, category, note FROM correction")?;
    let one = |row: &Row<'_>| {
        let correction = Correction {
            label: row.get(1)?,
            name: row.get(2)?,
            device_type: row.get(3)?,
            category: row.get(4)?,
            note: row.get(5)?,
        };
        Ok((row.get(0)?, correction))
    };
    Ok(query.query_map([], one)?.collect::<Result<_, _>>()?)
}

/// Says it beside what was said before.
pub(super) fn keep(db: &Connection, mac: Mac, said: &Correction) -> Result<(), Cause> {
    let Correction { label, name, device_type, category, note } = said;
    db.execute(
        "INSERT INTO correction (mac, label, name, device_type, category, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (mac) DO UPDATE SET
         label = coalesce(excluded.label, label), name = coalesce(excluded.name, name),
         device_type = coalesce(excluded.device_type, device_type),
         category = coalesce(excluded.category, category), note = coalesce(excluded.note, note)",
        params![mac.to_string(), label, name, device_type, category, note],
    )?;
    Ok(())
}
