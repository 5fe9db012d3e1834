//! Go's layouts: a time is written the way the layout writes Mon Jan 2 15:04:05 MST 2006.

use jiff::Zoned;

/// How a part of the reference time is written in `strftime`.
const PARTS: [(&str, &str); 24] = [
    // Longer parts stand before those that begin alike.
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("2006", "%Y"),
    ("__2", "yearday space"),
    ("_2", "%e"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
    ("4", "%-M"),
    ("5", "%-S"),
    ("Z07", "zone"),
];

pub(super) fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while !rest.is_empty() {
        rest = one(time, rest, &mut out);
    }
    out
}

/// Writes what the layout begins with; returns what follows.
fn one<'l>(time: &Zoned, layout: &'l str, out: &mut String) -> &'l str {
    if let Some((bytes, text)) = fraction(time, layout).or_else(|| offset(time, layout)) {
        out.push_str(&text);
        return &layout[bytes..];
    }
    for (part, directive) in PARTS {
        let Some(behind) = layout.strip_prefix(part) else {
            continue;
        };
        // "Janitor" is a word, not a month.
        if matches!(part, "Jan" | "Mon")
            && behind.starts_with(|next: char| next.is_ascii_lowercase())
        {
            continue;
        }
        match directive {
            "yearday space" => out.push_str(&format!("{:>3}", time.day_of_year())),
            "%Z" => out.push_str(&zone_name(time)),
            "zone" => continue,
            directive => out.push_str(&time.strftime(directive).to_string()),
        }
        return behind;
    }
    let first = layout.chars().next().unwrap_or_default();
    out.push(first);
    &layout[first.len_utf8()..]
}

/// `.000` or `,999` behind seconds: zeros keep all digits, nines drop trailing zeros.
fn fraction(time: &Zoned, layout: &str) -> Option<(usize, String)> {
    let separator = layout
        .chars()
        .next()
        .filter(|first| matches!(first, '.' | ','))?;
    let digit = layout[1..]
        .chars()
        .next()
        .filter(|digit| matches!(digit, '0' | '9'))?;
    let count = layout[1..]
        .chars()
        .take_while(|&next| next == digit)
        .count();
    let behind = &layout[1 + count..];
    if count > 9 || behind.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{:09}", time.subsec_nanosecond());
    let digits = &nanoseconds[..count];
    let text = if digit == '9' {
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            String::new()
        } else {
            format!("{separator}{digits}")
        }
    } else {
        format!("{separator}{digits}")
    };
    Some((1 + count, text))
}

/// `Z07:00`, `-0700` and their like.
fn offset(time: &Zoned, layout: &str) -> Option<(usize, String)> {
    const FORMS: [&str; 5] = ["07:00:00", "070000", "07:00", "0700", "07"];
    let first = layout
        .chars()
        .next()
        .filter(|first| matches!(first, 'Z' | '-'))?;
    let form = FORMS.iter().find(|form| layout[1..].starts_with(**form))?;
    let bytes = 1 + form.len();
    let seconds = time.offset().seconds();
    if first == 'Z' && seconds == 0 {
        return Some((bytes, "Z".to_owned()));
    }
    Some((bytes, show_offset(seconds, form)))
}

fn show_offset(seconds: i32, form: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let magnitude = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (magnitude / 3600, magnitude / 60 % 60, magnitude % 60);
    match form {
        "07" => format!("{sign}{hours:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "070000" => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// The zone's abbreviation; zones without one show their offset, as in Go.
fn zone_name(time: &Zoned) -> String {
    let name = time.strftime("%Z").to_string();
    if name.starts_with(['+', '-']) {
        let seconds = time.offset().seconds();
        return show_offset(seconds, if seconds % 3600 == 0 { "07" } else { "0700" });
    }
    name
}
