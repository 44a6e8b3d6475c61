//! What a terminal sends, as keys. Owns the sequences of every terminal in use, both ways a key may arrive torn, and that what is no key is nothing; reads nothing itself.
//!
//! Not crossterm's reader: it spins when the terminal is gone, takes the torn first byte of an arrow for Esc, and keeps what it does not know in front of
//! what follows.

use crate::{
    config::key::{Key, KeyCode},
    event::Mouse,
};

/// The longest paste that is taken; the rest of a longer one is dropped.
const PASTE_LIMIT: usize = 64 * 1024;
/// A sequence that goes on for longer than this is none.
const SEQUENCE_LIMIT: usize = 64;

/// Something that the terminal sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(Key),
    /// A pasted text.
    Paste(String),
    /// The mouse was used, in this column and row.
    Mouse(Mouse, u16, u16),
    /// The answer to the question behind a frame.
    Shown,
}

/// Takes bytes as they arrive.
#[derive(Debug, Default)]
pub struct Keys {
    bytes: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What the bytes so far begin with.
enum Begun {
    /// Something of so many bytes, if it means anything.
    Whole(usize, Option<Typed>),
    /// The beginning of something.
    Part,
}

impl Keys {
    /// Takes bytes; gives what is complete with them.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Typed> {
        self.bytes.extend_from_slice(bytes);
        self.typed(false)
    }

    /// Nothing followed for a while: what looked like the beginning of a sequence was a key.
    pub fn pause(&mut self) -> Vec<Typed> {
        self.typed(true)
    }

    /// Whether the last bytes may be the beginning of something.
    pub fn torn(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn typed(&mut self, over: bool) -> Vec<Typed> {
        let mut typed = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            if let Some(text) = &mut self.paste {
                let (used, ended) = pasted(&self.bytes[at..], text);
                at += used;
                if ended {
                    let text = self.paste.take().unwrap_or_default();
                    typed.push(Typed::Paste(String::from_utf8_lossy(&text).into_owned()));
                } else if used == 0 {
                    break;
                }
                continue;
            }
            let rest = &self.bytes[at..];
            if rest.starts_with(PASTE_BEGINS) {
                at += PASTE_BEGINS.len();
                self.paste = Some(Vec::new());
                continue;
            }
            match begin(rest) {
                Begun::Whole(length, what) => {
                    at += length;
                    typed.extend(what);
                }
                Begun::Part if over => {
                    typed.extend(cut_short(rest).map(Typed::Key));
                    at = self.bytes.len();
                }
                Begun::Part => break,
            }
        }
        self.bytes.drain(..at);
        typed
    }
}

const ESC: u8 = 0x1b;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Moves pasted bytes into the text; tells how many it used, and whether the paste is over.
fn pasted(bytes: &[u8], text: &mut Vec<u8>) -> (usize, bool) {
    let end = bytes
        .windows(PASTE_ENDS.len())
        .position(|window| window == PASTE_ENDS);
    // The end itself may be torn.
    let tail = (1..PASTE_ENDS.len())
        .rev()
        .find(|count| bytes.ends_with(&PASTE_ENDS[..*count]))
        .unwrap_or(0);
    let length = end.unwrap_or(bytes.len() - tail);
    let room = PASTE_LIMIT.saturating_sub(text.len());
    text.extend_from_slice(&bytes[..length.min(room)]);
    match end {
        Some(_) => (length + PASTE_ENDS.len(), true),
        None => (length, false),
    }
}

/// What the bytes begin with. There is at least one.
fn begin(bytes: &[u8]) -> Begun {
    match bytes {
        [ESC] => Begun::Part,
        [ESC, b'[', ..] => control_sequence(bytes),
        [ESC, b'O', ..] => match bytes.get(2) {
            None => Begun::Part,
            Some(last) => Begun::Whole(3, lettered(*last, 1).map(Typed::Key)),
        },
        // Answers in words: versions, colours, what a key sent before we came.
        [ESC, b'P' | b']' | b'_', ..] => words(bytes),
        [ESC, ESC, ..] => Begun::Whole(1, Some(Typed::Key(Key::plain(KeyCode::Esc)))),
        [ESC, rest @ ..] => match begin(rest) {
            Begun::Whole(length, Some(Typed::Key(key))) => {
                Begun::Whole(length + 1, Some(Typed::Key(Key { alt: true, ..key })))
            }
            Begun::Whole(length, _) => Begun::Whole(length + 1, None),
            Begun::Part => Begun::Part,
        },
        [first @ (0..0x20 | 0x7f), ..] => Begun::Whole(1, control(*first).map(Typed::Key)),
        _ => letter(bytes),
    }
}

/// The key that the beginning of a sequence is by itself: Esc, or Alt with the letter that so many sequences begin with.
fn cut_short(bytes: &[u8]) -> Option<Key> {
    match bytes {
        [ESC] => Some(Key::plain(KeyCode::Esc)),
        [ESC, letter @ 0x20..0x7f] => Some(Key {
            code: KeyCode::Char(char::from(*letter)),
            ctrl: false,
            alt: true,
        }),
        _ => None,
    }
}

/// A key that is one byte below the letters.
fn control(byte: u8) -> Option<Key> {
    let ctrl = |c: u8| Key {
        code: KeyCode::Char(char::from(c)),
        ctrl: true,
        alt: false,
    };
    Some(match byte {
        b'\r' | b'\n' => Key::plain(KeyCode::Enter),
        b'\t' => Key::plain(KeyCode::Tab),
        0x08 | 0x7f => Key::plain(KeyCode::Backspace),
        ESC => Key::plain(KeyCode::Esc),
        0 => ctrl(b' '),
        1..=26 => ctrl(byte - 1 + b'a'),
        0x1c..=0x1f => ctrl(byte - 0x1c + b'4'),
        _ => return None,
    })
}

/// A letter of any script.
fn letter(bytes: &[u8]) -> Begun {
    let length = match bytes[0] {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Begun::Whole(1, None),
    };
    let Some(bytes) = bytes.get(..length) else {
        let continued = bytes[1..].iter().all(|byte| (0x80..0xc0).contains(byte));
        return if continued {
            Begun::Part
        } else {
            Begun::Whole(1, None)
        };
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let c = text.chars().next().filter(|c| !c.is_control());
            Begun::Whole(length, c.map(|c| Typed::Key(Key::plain(KeyCode::Char(c)))))
        }
        Err(_) => Begun::Whole(1, None),
    }
}

/// A string that ends with BEL or ST.
fn words(bytes: &[u8]) -> Begun {
    let bel = bytes.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
    let st = bytes
        .windows(2)
        .skip(1)
        .position(|end| end == b"\x1b\\")
        .map(|at| at + 3);
    match (bel, st) {
        (Some(a), Some(b)) => Begun::Whole(a.min(b), None),
        (Some(end), None) | (None, Some(end)) => Begun::Whole(end, None),
        // Alt with such a letter, perhaps; nothing waits for ever.
        (None, None) if bytes.len() > PASTE_LIMIT => Begun::Whole(bytes.len(), None),
        (None, None) => Begun::Part,
    }
}

/// `ESC [ parameters final`.
fn control_sequence(bytes: &[u8]) -> Begun {
    let body = &bytes[2..];
    // The Linux console's F1 to F5.
    if let [b'[', rest @ ..] = body {
        return match rest {
            [] => Begun::Part,
            [n @ b'A'..=b'E', ..] => {
                Begun::Whole(4, Some(Typed::Key(Key::plain(KeyCode::F(n - b'A' + 1)))))
            }
            _ => Begun::Whole(4, None),
        };
    }
    let Some(end) = body.iter().position(|byte| !(0x20..0x40).contains(byte)) else {
        return if body.len() > SEQUENCE_LIMIT {
            Begun::Whole(bytes.len(), None)
        } else {
            Begun::Part
        };
    };
    let (parameters, last) = (&body[..end], body[end]);
    let length = 2 + end + 1;
    if !(0x40..0x7f).contains(&last) {
        // Torn by something else, which counts.
        return Begun::Whole(length - 1, None);
    }
    // The old mouse report has three bytes behind its end.
    if last == b'M' && parameters.is_empty() {
        return if bytes.len() < length + 3 {
            Begun::Part
        } else {
            Begun::Whole(length + 3, None)
        };
    }
    Begun::Whole(length, sequence(parameters, last))
}

fn sequence(parameters: &[u8], last: u8) -> Option<Typed> {
    if let [b'?', ..] = parameters {
        return (last == b'c').then_some(Typed::Shown);
    }
    let text = std::str::from_utf8(parameters).ok()?;
    if let Some(report) = text.strip_prefix('<') {
        return mouse(report, last);
    }
    // Another way to report the mouse ends with a letter that is Enter elsewhere.
    if text.starts_with(['=', '>']) || last == b'M' {
        return None;
    }
    let mut numbers = text.split(';').map(|part| {
        let mut parts = part
            .split(':')
            .map(|number| number.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    });
    let (first, _) = numbers.next()?;
    let (modifiers, kind) = numbers.next().unwrap_or((1, 0));
    // The keyboard protocols tell releases too.
    if kind == 3 {
        return None;
    }
    let modifiers = modifiers.max(1);
    let key = match last {
        b'~' if first == 27 => {
            let (code, _) = numbers.next()?;
            coded(code, modifiers)?
        }
        b'~' => numbered(first, modifiers)?,
        b'u' => coded(first, modifiers)?,
        _ => lettered(last, modifiers)?,
    };
    Some(Typed::Key(key))
}

/// What the mouse did: `button;column;row`, counted from 1, with `M` at the end when it was pressed.
fn mouse(report: &str, last: u8) -> Option<Typed> {
    /// Shift, Alt and Ctrl.
    const HELD: u16 = 4 | 8 | 16;
    let mut numbers = report.split(';').map(|number| number.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let did = match (button & !HELD, last) {
        (0, b'M') => Mouse::Click,
        (64, b'M') => Mouse::Up,
        (65, b'M') => Mouse::Down,
        _ => return None,
    };
    Some(Typed::Mouse(
        did,
        column.checked_sub(1)?,
        row.checked_sub(1)?,
    ))
}

fn modified(code: KeyCode, modifiers: u32) -> Key {
    let held = modifiers - 1;
    Key {
        code,
        ctrl: held & 4 != 0,
        alt: held & 2 != 0,
    }
}

/// A key with a letter at the end of its sequence.
fn lettered(last: u8, modifiers: u32) -> Option<Key> {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'Z' => KeyCode::BackTab,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    };
    Some(modified(code, modifiers))
}

/// A key with a number.
fn numbered(number: u32, modifiers: u32) -> Option<Key> {
    let code = match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    };
    Some(modified(code, modifiers))
}

/// A key told by its character.
fn coded(code: u32, modifiers: u32) -> Option<Key> {
    let c = char::from_u32(code)?;
    let shift = (modifiers - 1) & 1 != 0;
    let code = match c {
        '\t' if shift => KeyCode::BackTab,
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\x1b' => KeyCode::Esc,
        '\x7f' | '\x08' => KeyCode::Backspace,
        // The private area is where the protocol keeps keys without a letter.
        c if c.is_control() || ('\u{e000}'..='\u{f8ff}').contains(&c) => return None,
        c if shift => KeyCode::Char(c.to_uppercase().next().unwrap_or(c)),
        c => KeyCode::Char(c),
    };
    Some(modified(code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(typed: Vec<Typed>) -> String {
        let each = |typed: Typed| match typed {
            Typed::Key(key) => key.to_string(),
            Typed::Paste(text) => format!("{text:?}"),
            Typed::Mouse(did, column, row) => format!("{did:?}@{column},{row}"),
            Typed::Shown => "shown".to_owned(),
        };
        typed.into_iter().map(each).collect::<Vec<_>>().join(" ")
    }

    /// Bytes at once, and then a pause.
    fn read(bytes: &str) -> String {
        let mut keys = Keys::default();
        let mut typed = keys.take(bytes.as_bytes());
        typed.extend(keys.pause());
        assert!(!keys.torn());
        written(typed)
    }

    /// Bytes, the keys that they are.
    const KEYS: &[(&str, &str)] = &[
        ("aG:é宽", "a G : é 宽"),
        (
            "\r\t\x7f\x08\x03\x1a\x00\x1f",
            "enter tab backspace backspace ctrl-c ctrl-z ctrl-space ctrl-7",
        ),
        ("\x1b", "esc"),
        ("\x1b\x1b", "esc esc"),
        ("\x1bx\x1bX\x1b\x03\x1bP", "alt-x alt-X ctrl-alt-c alt-P"),
        (
            "\x1b[A\x1b[B\x1bOC\x1bOD\x1b[1;5C\x1b[1;3D",
            "up down right left ctrl-right alt-left",
        ),
        (
            "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~",
            "home end home end home end",
        ),
        (
            "\x1b[2~\x1b[3~\x1b[5~\x1b[6~\x1b[3;5~",
            "insert delete page-up page-down ctrl-delete",
        ),
        (
            "\x1bOP\x1b[[B\x1b[13~\x1b[15~\x1b[24~\x1b[1;2P",
            "f1 f2 f3 f5 f12 f1",
        ),
        ("\x1b[Z", "shift-tab"),
        (
            "\x1b[97;5u\x1b[97;2u\x1b[27;5;99~\x1b[13;2u\x1b[97;1:3u",
            "ctrl-a A ctrl-c enter",
        ),
        ("\x1b[?62;22c", "shown"),
        (
            "\x1b[<0;10;5M\x1b[<16;1;1M\x1b[<64;2;3M\x1b[<65;300;3M",
            "Click@9,4 Click@0,0 Up@1,2 Down@299,2",
        ),
        ("\x1b[200~two\r\nlines\x1b[201~x", "\"two\\r\\nlines\" x"),
        // What is no key: the cursor's position, focus, other reports of the mouse, words, other modes.
        (
            "\x1b[1;1R\x1b[I\x1b[O\x1b[<0;1;1m\x1b[<35;1;1M\x1b[<0;0;1M\x1b[32;1;1M\x1b[M !!q\x1b[?2026;2$y",
            "f3 q",
        ),
        ("\x1b]11;rgb:0/0/0\x1b\\\x1bP1+r\x1b\\\x1b]10;x\x07q", "q"),
        // Nothing in the middle of a sequence gets lost behind it.
        ("\x1b[1\x03q", "ctrl-c q"),
    ];

    #[test]
    fn keys_are_known_whole_and_torn() {
        for (bytes, expected) in KEYS {
            assert_eq!(read(bytes), *expected, "{bytes:?}");
            let mut keys = Keys::default();
            let mut typed: Vec<Typed> = bytes.bytes().flat_map(|byte| keys.take(&[byte])).collect();
            typed.extend(keys.pause());
            assert_eq!(written(typed), *expected, "{bytes:?} byte by byte");
        }
    }

    #[test]
    fn the_first_byte_of_an_arrow_is_no_escape_until_nothing_follows() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"\x1b"), Vec::new());
        assert!(keys.torn());
        assert_eq!(written(keys.take(b"[A")), "up");
        keys.take(b"\x1b");
        assert_eq!(written(keys.pause()), "esc");
    }

    #[test]
    fn an_endless_paste_is_cut_and_an_endless_sequence_given_up() {
        let mut keys = Keys::default();
        keys.take(b"\x1b[200~");
        for _ in 0..40 {
            assert_eq!(keys.take(&[b'x'; 4096]), Vec::new());
        }
        assert!(
            matches!(&keys.take(b"\x1b[201~")[..], [Typed::Paste(text)] if text.len() == PASTE_LIMIT)
        );
        keys.take(b"\x1b[");
        keys.take(&[b'1'; 100]);
        assert_eq!(written(keys.take(b"q")), "q");
    }

    #[test]
    fn no_bytes_whatever_stop_what_follows() {
        use proptest::prelude::*;
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            prop::sample::select(KEYS).prop_map(|(bytes, _)| bytes.as_bytes().to_vec())
        ];
        let pieces = prop::collection::vec(piece, 0..20);
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        runner
            .run(&pieces, |pieces| {
                let mut keys = Keys::default();
                for piece in pieces {
                    keys.take(&piece);
                }
                // Wherever it stands: the end of a paste, of a string, or nothing at all.
                keys.take(b"\x1b[201~\x1b\\\x07");
                keys.pause();
                prop_assert!(!keys.torn());
                prop_assert_eq!(written(keys.take(b"q")), "q");
                Ok(())
            })
            .unwrap();
    }
}
