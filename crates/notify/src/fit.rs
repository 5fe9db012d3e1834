//! Texts that fit: services refuse a message that is too long, and then nobody hears of anything.

/// The longest beginning of `text` that has at most `bytes_max` bytes and ends between two characters.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max.min(text.len()))]
}

/// The text, or as much of it as fits with a sign that something is missing.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    const SIGN: &str = "…";
    format!(
        "{}{SIGN}",
        beginning(text, bytes_max.saturating_sub(SIGN.len()))
    )
}

/// As [`cut`], counted in characters as most services count.
pub(crate) fn cut_characters(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.chars().take(characters_max.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// As [`cut`], and it says how much is missing.
pub(crate) fn cut_and_say(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    // The number has at most as many digits as the length of the whole.
    let room = bytes_max.saturating_sub(SAY_BYTES + text.len().to_string().len());
    let kept = beginning(text, room);
    cut(
        &format!("{kept}\n… ({} bytes left out)", text.len() - kept.len()),
        bytes_max,
    )
}

/// What the sentence about missing bytes takes beside its number.
const SAY_BYTES: usize = "\n… ( bytes left out)".len();

/// Puts blocks together under a head: as many as `fits` lets pass, and behind them how many were left out. A block that is
/// too long by itself is cut.
pub(crate) fn blocks(
    head: &str,
    blocks: &[String],
    tail: &str,
    bytes_max: usize,
    fits: impl Fn(&str) -> bool,
) -> String {
    let compose = |count: usize, blocks: &[String]| {
        let mut text = head.to_owned();
        for block in &blocks[..count] {
            text.push_str("\n\n");
            text.push_str(block);
        }
        if count < blocks.len() {
            let left_out = blocks.len() - count;
            text.push_str(&format!("\n\n… {left_out} more alerts are left out"));
        }
        text.push_str(tail);
        text
    };
    let whole = compose(blocks.len(), blocks);
    if fits(&whole) {
        return whole;
    }
    // One long text must not push all others out.
    let share = (bytes_max / blocks.len().max(1)).max(bytes_max / 4);
    let blocks: Vec<String> = blocks.iter().map(|block| cut(block, share)).collect();
    let mut count = 0;
    while count < blocks.len() && fits(&compose(count + 1, &blocks)) {
        count += 1;
    }
    let text = compose(count, &blocks);
    match fits(&text) {
        true => text,
        // Even the head is too long.
        false => cut_and_say(&text, bytes_max / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_between_two_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(beginning("aé", 3), "aé");
        assert_eq!(cut("aéíó", 5), "a…");
        assert_eq!(cut("aéíó", 6), "aé…");
        assert_eq!(cut("aéíó", 7), "aéíó");
        assert_eq!(cut_characters("aéíó", 3), "aé…");
        assert_eq!(cut_characters("aéíó", 4), "aéíó");
        let long = "é".repeat(100);
        let said = cut_and_say(&long, 60);
        assert!(
            said.len() <= 60 && said.ends_with("bytes left out)"),
            "{said}"
        );
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let alerts: Vec<String> = (0..100)
            .map(|n| format!("alert number {n} 服务器"))
            .collect();
        let text = blocks("head", &alerts, "\ntail", 400, |text| text.len() <= 400);
        assert!(
            text.len() <= 400 && text.starts_with("head\n\nalert number 0"),
            "{text}"
        );
        let shown = text.matches("alert number").count();
        assert!(shown > 5, "{text}");
        assert!(
            text.ends_with(&format!("… {} more alerts are left out\ntail", 100 - shown)),
            "{text}"
        );
        assert!(blocks("h", &["x".repeat(1000)], "", 100, |text| text.len() <= 100).len() <= 100);
        assert!(
            blocks(&"h".repeat(1000), &alerts, "", 100, |text| text.len()
                <= 100)
            .len()
                <= 100
        );
        assert_eq!(
            blocks("h", &alerts[..1], "", 100, |text| text.len() <= 100),
            "h\n\nalert number 0 服务器"
        );
    }
}
