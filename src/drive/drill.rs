//! Panics on purpose, so that a test can see what becomes of a panic of ours in each thread and task.

/// The variable that names the place.
#[cfg(debug_assertions)]
const PLACE: &str = "TCPVET_DRILL";

/// Panics if the test that started this process asks for it in this place. In a release build nobody can.
pub(crate) fn drill(place: &str) {
    #[cfg(debug_assertions)]
    assert!(
        std::env::var_os(PLACE).is_none_or(|asked| asked != place),
        "a drill: {place}"
    );
    #[cfg(not(debug_assertions))]
    let _ = place;
}
