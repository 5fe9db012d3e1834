//! A place in a page, and the few things both text formats look for from there.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use crate::error::{Fault, ParseErrorKind, shown};

/// What may stand where the two formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grammar {
    /// Blanks between the parts of a series.
    pub(crate) blanks: bool,
    /// Line breaks within label values.
    pub(crate) breaks: bool,
    /// Zero bytes within label values.
    pub(crate) zeros: bool,
    /// Labels without a comma between them.
    pub(crate) loose_commas: bool,
    /// A metric name in quotes within the braces.
    pub(crate) name_in_braces: bool,
}

const START: u8 = 1;
const DIGIT: u8 = 2;
const COLON: u8 = 4;

/// For every byte, which names it may be part of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => START,
            b'0'..=b'9' => DIGIT,
            b':' => COLON,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// True for the bytes that continue an unquoted metric name.
pub(crate) fn continues_name(byte: u8) -> bool {
    CLASSES[usize::from(byte)] != 0
}

/// A place in a page.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub(crate) page: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn peek(&self) -> Option<u8> {
        self.page.get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.page[self.at..]
    }

    /// Steps over `byte` if it is the next one.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over an unquoted metric name; false when there is none.
    pub(crate) fn metric_name(&mut self) -> bool {
        self.word(START | COLON, START | COLON | DIGIT)
    }

    fn label_name(&mut self) -> bool {
        self.word(START, START | DIGIT)
    }

    fn word(&mut self, first: u8, others: u8) -> bool {
        let is = |byte: Option<&u8>, classes| {
            byte.is_some_and(|byte| CLASSES[usize::from(*byte)] & classes != 0)
        };
        if !is(self.page.get(self.at), first) {
            return false;
        }
        self.at += 1;
        while is(self.page.get(self.at), others) {
            self.at += 1;
        }
        true
    }

    /// Steps to the end of the line (or the page) and gives what stands before it.
    pub(crate) fn line_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let text = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        self.at += text.len();
        text
    }

    /// Steps over a name in quotes, which may hold line breaks but no zero bytes, and gives what is between the quotes.
    pub(crate) fn quoted_name(&mut self, breaks: bool) -> Option<Range<usize>> {
        self.quoted(breaks, false)
    }

    /// Steps over `"…"`; a backslash takes the next byte with it. `None`, and no step, when it does not close.
    fn quoted(&mut self, breaks: bool, zeros: bool) -> Option<Range<usize>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr2(b'"', b'\\', &self.page[at..])?;
            if self.page[at] == b'"' {
                break;
            }
            at += 1;
            // Prometheus' lexer steps over zero bytes before it looks at what is escaped.
            while zeros && self.page.get(at) == Some(&0) {
                at += 1;
            }
            if self.page.get(at).is_none_or(|escaped| *escaped == b'\n') {
                return None;
            }
            at += 1;
        }
        let text = &self.page[start..at];
        let forbidden = match (breaks, zeros) {
            (true, true) => None,
            (true, false) => memchr(0, text),
            (false, true) => memchr(b'\n', text),
            (false, false) => memchr2(0, b'\n', text),
        };
        if forbidden.is_some() {
            return None;
        }
        self.at = at + 1;
        Some(start..at)
    }

    /// Steps over the labels of a series or exemplar, from behind the opening to behind the closing brace, and tells
    /// `label` each name and value as they are written. Gives the metric name if it stands among them.
    pub(crate) fn labels(
        &mut self,
        grammar: Grammar,
        mut label: impl FnMut(Range<usize>, Range<usize>),
    ) -> Result<Option<Range<usize>>, Fault> {
        let mut metric_name = None;
        loop {
            self.space(grammar);
            let start = self.at;
            if self.take(b'}') {
                return Ok(metric_name);
            }
            let (name, quoted) = if self.label_name() {
                (start..self.at, false)
            } else if let Some(name) = self.quoted(grammar.name_in_braces, false) {
                (name, true)
            } else {
                return Err(self.unexpected("a label name or `}`"));
            };
            self.space(grammar);
            if quoted && grammar.name_in_braces && matches!(self.peek(), Some(b',' | b'}')) {
                if metric_name.replace(name).is_some() {
                    return Err(Fault::new(start, ParseErrorKind::NameTwice));
                }
                self.take(b',');
                continue;
            }
            if !self.take(b'=') {
                return Err(self.unexpected("`=` after the label name"));
            }
            self.space(grammar);
            let value = self
                .quoted(grammar.breaks, grammar.zeros)
                .ok_or_else(|| self.unexpected("a label value in double quotes"))?;
            if std::str::from_utf8(&self.page[value.clone()]).is_err() {
                return Err(Fault::new(
                    value.start,
                    ParseErrorKind::NotUtf8("label value"),
                ));
            }
            label(name, value);
            // Prometheus' lexer steps over zero bytes here too.
            while grammar.zeros && self.peek() == Some(0) {
                self.at += 1;
            }
            self.space(grammar);
            if !self.take(b',') && !grammar.loose_commas && self.peek() != Some(b'}') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn space(&mut self, grammar: Grammar) {
        if grammar.blanks {
            self.blanks();
        }
    }

    /// Something else was expected here.
    pub(crate) fn unexpected(&self, expected: &'static str) -> Fault {
        let rest = self.rest();
        let found = match rest.first() {
            None => "the end of the page".to_owned(),
            Some(b'\n') => "the end of the line".to_owned(),
            Some(_) => {
                // At least one byte, then up to where a part of the line usually ends.
                let end = memchr3(b' ', b'\n', b'"', &rest[1..]).map_or(rest.len(), |end| end + 1);
                format!("{:?}", shown(&rest[..end]))
            }
        };
        Fault::new(self.at, ParseErrorKind::Unexpected { expected, found })
    }
}
