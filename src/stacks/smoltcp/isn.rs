//! Where smoltcp's next initial sequence number is to lie.
//!
//! smoltcp draws its ISNs from a generator that is seeded once, when an interface is made, and has no other way to
//! choose them. The generator (sPCG32) is a permutation of its state, so the seed that leads to a given ISN can be
//! computed: numbers close to 2^32 are then tested on the target's side too, with smoltcp's code as it is.

/// The generator's multiplier and increment (`rand.rs` of smoltcp 0.14).
const FACTOR: u64 = 0xbb2e_fcec_3c39_611d;
const SUMMAND: u64 = 0x7590_ef39;

/// What the generator gives in a state.
const fn output(state: u64) -> u32 {
    (state >> (29 - (state >> 61))) as u32
}

/// The state before `state`.
const fn previous(state: u64) -> u64 {
    state.wrapping_sub(SUMMAND).wrapping_mul(inverse(FACTOR))
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each round doubles the right bits, from 3 to 96.
const fn inverse(odd: u64) -> u64 {
    let mut result = odd;
    let mut round = 0;
    while round < 5 {
        result = result.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(result)));
        round += 1;
    }
    result
}

/// A seed with which the second number drawn is `isn`. The first is the interface's, for its IP identification, which
/// is drawn again where it is 0. `salt` decides among the many seeds there are.
pub(super) fn seed_for(isn: u32, salt: u64) -> u64 {
    // With the three uppermost bits 0 the output is bits 29 to 60; the 29 below are free.
    let upper = u64::from(isn) << 29;
    let free = salt & 0x1fff_ffff;
    // At most a few of the 2^29 candidates are rejected, one in 65,536.
    (0..=u64::from(u32::MAX))
        .map(|step| previous(upper | (free + step) & 0x1fff_ffff))
        .find(|&first| {
            let drawn = output(first);
            (drawn ^ drawn >> 16) as u16 != 0
        })
        .map_or(salt, previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_drawn_is_the_one_asked_for() {
        for (isn, salt) in [
            (0, 0),
            (u32::MAX, 7),
            (0xffff_fff0, u64::MAX),
            (1, 0x1234_5678_9abc_def0),
        ] {
            let step = |state: u64| state.wrapping_mul(FACTOR).wrapping_add(SUMMAND);
            let first = step(seed_for(isn, salt));
            let drawn = output(first);
            assert_ne!((drawn ^ drawn >> 16) as u16, 0);
            assert_eq!(output(step(first)), isn);
        }
    }

    #[test]
    fn previous_undoes_a_step() {
        for state in [0, 1, u64::MAX, 0xdead_beef] {
            assert_eq!(previous(u64::wrapping_mul(state, FACTOR).wrapping_add(SUMMAND)), state);
        }
    }
}
