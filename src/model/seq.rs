//! Arithmetic of sequence numbers (RFC 9293 section 3.4), and the secret behind numbers that nobody should guess.

use crate::wire::SeqNum;

/// Whether a =< b in sequence space.
pub(super) fn leq(a: SeqNum, b: SeqNum) -> bool {
    a == b || a.before(b)
}

/// The number of octets from `from` up to `to`, taken modulo 2^32.
pub(super) fn span(from: SeqNum, to: SeqNum) -> u32 {
    to.0.wrapping_sub(from.0)
}

/// The point `octets` after `from`.
pub(super) fn plus(from: SeqNum, octets: usize) -> SeqNum {
    from.advanced(octets as i64)
}

/// The later of the two.
pub(super) fn later(a: SeqNum, b: SeqNum) -> SeqNum {
    if a.before(b) { b } else { a }
}

/// The earlier of the two.
pub(super) fn earlier(a: SeqNum, b: SeqNum) -> SeqNum {
    if b.before(a) { b } else { a }
}

/// The secret key of everything that has to be unpredictable (RFC 6528 section 3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Secret(u64, u64);

impl Secret {
    /// From the seed of the run.
    pub(super) fn new(seed: u64) -> Secret {
        let spread = |salt: u64| sip(0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, &[seed, salt]);
        Secret(spread(1), spread(2))
    }

    /// A keyed hash of words: SipHash-2-4 in its published form, but for the length that it ends with.
    pub(super) fn hash(self, words: &[u64]) -> u64 {
        sip(self.0, self.1, words)
    }
}

fn sip(k0: u64, k1: u64, words: &[u64]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    for word in words {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_distance_survive_the_wrap() {
        let (before, after) = (SeqNum(u32::MAX), SeqNum(1));
        assert!(leq(before, after) && leq(before, before) && !leq(after, before));
        assert_eq!(span(before, after), 2);
        assert_eq!((later(before, after), earlier(before, after)), (after, before));
        assert_eq!(plus(before, 2), after);
    }

    #[test]
    fn hashes_depend_on_the_seed_and_on_every_word() {
        let secret = Secret::new(7);
        assert_eq!(secret.hash(&[1, 2]), Secret::new(7).hash(&[1, 2]));
        assert_ne!(secret.hash(&[1, 2]), Secret::new(8).hash(&[1, 2]));
        assert_ne!(secret.hash(&[1, 2]), secret.hash(&[2, 1]));
    }
}
