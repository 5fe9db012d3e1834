//! Words with a capital.

/// Every word begins with a capital; the rest stays as it is. Words are those of Unicode: an apostrophe, a point
/// between letters and an underscore do not end one.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_letter = character.is_alphabetic();
        if is_letter && !in_word {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
        let next_is_letter = characters.peek().is_some_and(|next| next.is_alphabetic());
        let joins = matches!(character, '\'' | '’' | '.' | ':' | '·') && in_word && next_is_letter;
        in_word = is_letter || joins || (in_word && (character == '_' || character.is_numeric()));
    }
    out
}
