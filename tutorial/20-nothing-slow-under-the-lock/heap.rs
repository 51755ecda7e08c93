//! One heap for all threads, where glibc would make many.
//!
//! glibc gives threads heaps of their own, and what is freed in one cannot be used by another: at `-m 64` that costs 50 MB.
//! It reads its settings only when a program starts, so the program starts once more, with one heap. Blocks above 16 KiB
//! get pages of their own, so that no hole in the heap is too small for them; there are only so many of these (Linux
//! allows 65,530 in a process), and threads need some too. One minute of tests/soak.rs takes 87 MB at the peak with many
//! heaps, 78 MB with one, and 65 MB with one and such pages.

use crate::memory::PAGED_FROM;
use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const HEAPS: &str = "MALLOC_ARENA_MAX";

/// Starts the program anew, unless somebody has set the number of heaps.
pub fn be_one() {
    if env::var_os(HEAPS).is_some() {
        return;
    }
    if let Ok(program) = env::current_exe() {
        // exec returns only when it fails; then the server runs with many heaps.
        let _ = Command::new(program)
            .args(env::args_os().skip(1))
            .env(HEAPS, "1")
            .env("MALLOC_MMAP_THRESHOLD_", PAGED_FROM.to_string())
            .env("MALLOC_MMAP_MAX_", "16384")
            .exec();
    }
}
