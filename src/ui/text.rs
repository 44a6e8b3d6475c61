//! x
use std::borrow::Cow;
/// x
pub fn clean(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
