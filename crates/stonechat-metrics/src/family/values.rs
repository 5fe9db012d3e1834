use std::cmp::Ordering;

use super::recent::same;
use crate::encode::escape;

/// The label values of one series, in the order of the family's label names, and the same as the
/// text of an exposition, which is made once.
#[derive(Debug)]
pub struct LabelValues {
    /// All values, one after the other.
    text: Box<str>,
    ends: Box<[usize]>,
    /// `name="value",name="value"`, escaped.
    pub rendered: Box<str>,
}

impl LabelValues {
    pub fn new(names: &[String], values: &[&str]) -> Self {
        let mut end = 0;
        let ends = values.iter().map(|value| {
            end += value.len();
            end
        });
        Self {
            ends: ends.collect(),
            text: values.concat().into(),
            rendered: render(names.iter().map(String::as_str).zip(values.iter().copied())).into(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let value = &self.text[start..*end];
            start = *end;
            value
        })
    }

    #[inline]
    pub fn is(&self, values: &[&str]) -> bool {
        let (text, mut start) = (self.text.as_bytes(), 0);
        let same = self.ends.iter().zip(values).all(|(end, value)| {
            let own = &text[start..*end];
            start = *end;
            same(own, value.as_bytes())
        });
        same && self.ends.len() == values.len()
    }

    pub fn compare(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

/// Labels as an exposition has them, without braces.
pub fn render<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        escape(&mut text, value, true);
        text.push('"');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_where_they_end() {
        let names = ["a".to_owned(), "b".to_owned()];
        let values = LabelValues::new(&names, &["ab", "c"]);
        assert!(values.is(&["ab", "c"]));
        for other in [["a", "bc"], ["abc", ""], ["", "abc"], ["ab", "d"]] {
            assert!(!values.is(&other), "{other:?}");
        }
        assert!(!values.is(&["ab"]) && !values.is(&["ab", "c", ""]));
        assert_eq!(values.iter().collect::<Vec<_>>(), ["ab", "c"]);
        assert_eq!(&*values.rendered, r#"a="ab",b="c""#);
    }
}
