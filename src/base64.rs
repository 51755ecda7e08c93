//! Base64 (RFC 4648), which std does not have: meta commands use it for keys of any bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        let bits = bits << (8 * (3 - group.len()));
        let digits = [18, 12, 6, 0].map(|shift| ALPHABET[bits >> shift & 63]);
        text.extend_from_slice(&digits[..group.len() + 1]);
        text.resize(text.len() + 3 - group.len(), b'=');
    }
    text
}

/// `None` unless it is one or more whole groups of four.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        let digits = group.iter().rposition(|&digit| digit != b'=')? + 1;
        if group.len() < 4 || digits < 2 {
            return None;
        }
        let mut bits = 0;
        for digit in &group[..digits] {
            let value = ALPHABET.iter().position(|letter| letter == digit)?;
            bits = bits << 6 | value as u32;
        }
        let [_, group @ ..] = (bits << (6 * (4 - digits))).to_be_bytes();
        bytes.extend_from_slice(&group[..digits - 1]);
    }
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn there_and_back() {
        let texts = ["Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in (1..).zip(texts) {
            let bytes = &b"foobar"[..length];
            assert_eq!(encode(bytes), text.as_bytes());
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes));
        }
        for wrong in ["", "Zg", "Zg=", "Z===", "====", "Z*==", "Zm9vYg="] {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
