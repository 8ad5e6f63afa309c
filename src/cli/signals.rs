//! Ctrl-C and what is like it: the first signal ends the runs under way, a later one ends everything at once.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Signals that come so close together are one: `timeout` sends each to its child and then to the child's group, so that
/// it comes twice.
const ONE: Duration = Duration::from_millis(500);

/// The flag that the first signal sets. A later one ends this process and all that come from it.
pub(super) fn listen() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let watch = move || {
        let mut first: Option<Instant> = None;
        for _ in signals.forever() {
            told.store(true, Ordering::Relaxed);
            if first.get_or_insert_with(Instant::now).elapsed() > ONE {
                #[cfg(target_os = "linux")]
                end_descendants();
                signal_hook::low_level::exit(INTERRUPTED);
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
    Ok(stop)
}

/// Kills every process that comes from this one: one that hangs would not notice that its standard input has ended.
#[cfg(target_os = "linux")]
fn end_descendants() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let parents = parents();
    let mut ours = vec![std::process::id()];
    let mut at = 0;
    while let Some(&parent) = ours.get(at) {
        ours.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        at += 1;
    }
    for pid in ours.into_iter().skip(1).filter_map(|pid| i32::try_from(pid).ok()) {
        // One that has ended by itself cannot be killed, and need not be.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Every process and its parent.
#[cfg(target_os = "linux")]
fn parents() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in parentheses, and may hold any; the state and the parent follow.
        let (_, behind) = stat.rsplit_once(')')?;
        Some((pid, behind.split_whitespace().nth(1)?.parse().ok()?))
    };
    entries.filter_map(parent).collect()
}
