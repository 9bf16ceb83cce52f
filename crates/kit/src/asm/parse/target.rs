//! Where jumps and local calls go: a label or a distance.

use super::cursor::{Cause, Cursor};
use crate::asm::{Form, Imm64};

/// Where an instruction goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// So many instructions from the next one.
    Distance(i64),
    /// To a label.
    Name(String),
}

impl Target {
    /// `name`, `pc+3`, `+3` or `-2`.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Target, Cause> {
        let mut ahead = *cursor;
        if ahead.eat_word("pc") && ahead.rest().starts_with(['+', '-']) {
            *cursor = ahead;
        }
        if let Some(distance) = cursor.try_number()? {
            let distance =
                i64::try_from(distance).map_err(|_| format!("a distance of {distance} is too far"))?;
            return Ok(Target::Distance(distance));
        }
        let name = cursor.word().ok_or_else(|| cursor.wrong("a label or a distance such as +3"))?;
        Ok(Target::Name(name.to_owned()))
    }

    /// The instruction with its distance, or with the label to wait for.
    pub(super) fn apply(self, form: Form) -> Result<(Form, Option<Target>), Cause> {
        match self {
            Target::Distance(distance) => Ok((with_distance(form, distance)?, None)),
            Target::Name(_) => Ok((form, Some(self))),
        }
    }
}

/// The same instruction with another distance.
pub(super) fn with_distance(form: Form, distance: i64) -> Result<Form, Cause> {
    let short = || {
        i16::try_from(distance)
            .map_err(|_| format!("the target is {distance} instructions away, 32767 is the most"))
    };
    let long = || i32::try_from(distance).map_err(|_| format!("a distance of {distance} is too far"));
    Ok(match form {
        Form::Jump { .. } => Form::Jump { off: short()? },
        Form::MayGoto { .. } => Form::MayGoto { off: short()? },
        Form::JumpIf { width, cond, dst, operand, .. } => {
            Form::JumpIf { width, cond, dst, operand, off: short()? }
        }
        Form::JumpLong { .. } => Form::JumpLong { off: long()? },
        Form::CallLocal { .. } => Form::CallLocal { off: long()? },
        Form::Load64 { dst, .. } => Form::Load64 { dst, imm: Imm64::Function(long()?) },
        other => other,
    })
}
