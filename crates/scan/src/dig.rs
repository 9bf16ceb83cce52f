//! From a file to what is in it, level by level.

use crate::archive::{
    Dig, Entry, HEAD_BYTES, Kind, Limit, Metered, Rest, Squeezed, Tar, Zip, decoder, fill_some,
};
use crate::desk::{Desk, End};
use crate::name::Name;
use crate::utf16::Text;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::Ordering;

impl Desk<'_> {
    /// Looks at a file: at what is in it, if it is an archive, else at its bytes. Most files are short and no archives: they are
    /// read once, into the buffer that is searched.
    pub(crate) fn dig_file<R: Read + Seek>(&mut self, name: &Name, mut file: R) -> End {
        let begun = self.begin(&mut file);
        let head = begun.head;
        let head = &head[..begun.filled.min(HEAD_BYTES)];
        let kind = if self.archives { Kind::of(head) } else { Kind::Plain };
        let text = Text::of(head);
        match kind {
            Kind::Plain if text == Text::Bytes => return self.go_on(name, file, begun),
            Kind::Closed => return self.go_on(name, file, begun).unopened(),
            _ => {}
        }
        if let Err(error) = file.seek(SeekFrom::Start(0)) {
            return End::Failed(error);
        }
        if kind == Kind::Plain {
            return self.read(name, &mut file, text);
        }
        let dig = Dig::new(self.limits, self.stop);
        let end = match kind {
            Kind::Zip => match Zip::open(Metered::file(&mut file, &dig)) {
                Ok(zip) => return self.zip(name, zip, &dig),
                Err(error) => dig.end(error),
            },
            kind => self.open(kind, name, &mut Metered::file(&mut file, &dig), head, &dig),
        };
        // Of what is no archive after all its bytes are all that there is to look at.
        if matches!(end, End::Broken(_)) && dig.is_untouched() && file.seek(SeekFrom::Start(0)).is_ok() {
            self.read(name, &mut file, Text::Bytes);
        }
        end
    }

    /// The same for a stream.
    pub(crate) fn dig_stream(&mut self, name: &Name, reader: &mut dyn Read) -> End {
        let dig = Dig::new(self.limits, self.stop);
        self.dig(name, &mut Metered::file(reader, &dig), &dig)
    }

    fn dig(&mut self, name: &Name, reader: &mut dyn Read, dig: &Dig<'_>) -> End {
        let mut head = [0; HEAD_BYTES];
        match fill_some(reader, &mut head) {
            (0, Some(error)) => End::Failed(error),
            // What came before it broke off is looked at.
            (bytes, error) => {
                let (head, mut rest) = (&head[..bytes], Rest::new(reader, error));
                let kind = if self.archives { Kind::of(head) } else { Kind::Plain };
                self.open(kind, name, &mut head.chain(&mut rest), head, dig)
            }
        }
    }

    /// Looks at what is of a known kind. `reader` begins with `head`.
    fn open(&mut self, kind: Kind, name: &Name, reader: &mut dyn Read, head: &[u8], dig: &Dig<'_>) -> End {
        if matches!(kind, Kind::Squeezed(_) | Kind::Tar | Kind::Zip) && dig.depth.get() >= dig.limits.depth {
            return End::Limited(Limit::Depth);
        }
        dig.depth.set(dig.depth.get() + 1);
        let end = match kind {
            Kind::Squeezed(how) => self.squeezed(how, name, reader, dig),
            Kind::Tar => self.tar(name, reader, dig),
            Kind::Zip => self.held_zip(name, reader, dig),
            Kind::Closed => self.read(name, reader, Text::Bytes).unopened(),
            Kind::Plain => self.read(name, reader, Text::of(head)),
        };
        dig.depth.set(dig.depth.get() - 1);
        end
    }

    /// What was made smaller is a member, or a tar whose members are.
    fn squeezed(&mut self, how: Squeezed, name: &Name, reader: &mut dyn Read, dig: &Dig<'_>) -> End {
        let (above, window) = (dig.windows.get(), dig.window_bytes());
        dig.windows.set(above + u32::from(matches!(how, Squeezed::Zstd | Squeezed::Xz)));
        let mut inner = Metered::expanded(decoder(how, window, reader), dig);
        let mut head = [0; HEAD_BYTES];
        let end = match fill_some(&mut inner, &mut head) {
            (0, Some(error)) => dig.end(error),
            (bytes, error) => {
                let mut inner = head[..bytes].chain(Rest::new(inner, error));
                match Kind::of(&head[..bytes]) {
                    Kind::Tar => self.tar(name, &mut inner, dig),
                    _ => self.member(&name.unsqueezed(), &mut inner, dig).unwrap_or(End::Opened),
                }
            }
        };
        dig.windows.set(above);
        end
    }

    fn tar(&mut self, name: &Name, reader: &mut dyn Read, dig: &Dig<'_>) -> End {
        let mut tar = Tar::new(reader);
        loop {
            match tar.next() {
                Ok(Some(inner)) => {
                    if let Some(end) = self.member(&name.within(&inner), &mut tar, dig) {
                        return end;
                    }
                }
                Ok(None) => return End::Opened,
                Err(error) => return dig.end(error),
            }
        }
    }

    /// A zip in an archive: it is read from its end, and so held in memory.
    fn held_zip(&mut self, name: &Name, reader: &mut dyn Read, dig: &Dig<'_>) -> End {
        let (mut bytes, room) = (Vec::new(), dig.limits.held_bytes.saturating_sub(dig.held.get()));
        if let Err(error) = reader.take(room + 1).read_to_end(&mut bytes) {
            self.read(name, &mut &bytes[..], Text::Bytes);
            return dig.end(error);
        }
        let len = bytes.len() as u64;
        if len > room {
            return End::Limited(Limit::Held);
        }
        dig.held.set(dig.held.get() + len);
        let end = match Zip::open(Cursor::new(&bytes[..])) {
            Ok(zip) => self.zip(name, zip, dig),
            Err(error) => {
                self.read(name, &mut &bytes[..], Text::Bytes);
                dig.end(error)
            }
        };
        dig.held.set(dig.held.get() - len);
        end
    }

    fn zip<R: Read + Seek>(&mut self, name: &Name, mut zip: Zip<R>, dig: &Dig<'_>) -> End {
        loop {
            match zip.next() {
                Ok(Some(entry)) => {
                    if let Some(end) = self.entry(name, &mut zip, &entry, dig) {
                        return end;
                    }
                }
                Ok(None) => return End::Opened,
                Err(error) => return dig.end(error),
            }
        }
    }

    /// An entry of a zip; `Some`: nothing behind it can be looked at.
    fn entry<R: Read + Seek>(
        &mut self,
        name: &Name,
        zip: &mut Zip<R>,
        entry: &Entry,
        dig: &Dig<'_>,
    ) -> Option<End> {
        let name = name.within(&entry.name);
        let how = match entry.how {
            Some(how) if !entry.is_encrypted => how,
            how => {
                self.outcome.tally.seen("member");
                self.judge_name(&name);
                let (cause, why) = match how {
                    Some(_) => ("encrypted", "it is encrypted"),
                    None => ("archive_method", "it was made smaller in a way that is not known here"),
                };
                self.outcome.lose(cause, format_args!("read {}: {why}; unpack it first", name.shown()));
                return None;
            }
        };
        match zip.data(entry) {
            Ok(mut data) => {
                let (above, window) = (dig.windows.get(), dig.window_bytes());
                dig.windows.set(above + u32::from(matches!(how, Squeezed::Zstd | Squeezed::Xz)));
                let inner = Metered::expanded(decoder(how, window, &mut data), dig);
                let end = self.member(&name, &mut entry.checked(inner), dig);
                dig.windows.set(above);
                end
            }
            Err(error) => {
                self.outcome.tally.seen("member");
                self.end_member(&name, dig.end(error), dig)
            }
        }
    }

    /// A member; `Some`: a limit is met, and nothing behind it can be looked at.
    fn member(&mut self, name: &Name, reader: &mut dyn Read, dig: &Dig<'_>) -> Option<End> {
        self.outcome.tally.seen("member");
        let end = match dig.member() {
            Err(error) => dig.end(error),
            Ok(()) if self.is_excused(name) => return None,
            Ok(()) => {
                self.judge_name(name);
                self.dig(name, reader, dig)
            }
        };
        self.end_member(name, end, dig)
    }

    fn end_member(&mut self, name: &Name, end: End, dig: &Dig<'_>) -> Option<End> {
        let end = match end {
            End::Failed(error) => dig.end(error),
            end => end,
        };
        self.end(name, end);
        match dig.tripped() {
            _ if self.stop.load(Ordering::Relaxed) => Some(End::Stopped),
            limit => limit.map(End::LimitedWithin),
        }
    }
}
