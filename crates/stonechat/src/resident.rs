//! How much of the program's own code is in memory.

use std::io;

/// Gives the pages of the program's code back that the start has touched: reading the command line and the configuration and putting the
/// server together are half of what a small server otherwise keeps. What goes on running is mapped again as it is reached, from the
/// kernel's cache of the file. Returns how many bytes of code there are.
///
/// # Errors
/// When `/proc` cannot be read or the kernel refuses; then everything stays as it is.
#[cfg(target_os = "linux")]
pub fn forget_start() -> io::Result<usize> {
    use rustix::mm::{Advice, madvise};

    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let here = forget_start as *const () as usize;
    let Some((start, end)) = code_around(&maps, here) else {
        return Ok(0);
    };
    let length = end - start;
    #[allow(unsafe_code, reason = "advice about memory has no safe name")]
    // SAFETY: the range is mapped from the program's file and was never writable. Its pages are those of the file, and one that is gone is
    // mapped again at the next access; so nothing that refers to them notices.
    unsafe {
        madvise(
            std::ptr::with_exposed_provenance_mut(start),
            length,
            Advice::LinuxDontNeed,
        )?;
    }
    Ok(length)
}

/// Elsewhere it is left to the system.
#[cfg(not(target_os = "linux"))]
pub fn forget_start() -> io::Result<usize> {
    Ok(0)
}

/// The bounds of the mapping of code in which an address lies, together with what is only read and stands right before it: constants and what
/// the dynamic linker has read. What the linker has written to stands behind the code.
#[cfg(target_os = "linux")]
fn code_around(maps: &str, address: usize) -> Option<(usize, usize)> {
    let mut front = None;
    for line in maps.lines() {
        let mapping = Mapping::of(line)?;
        match mapping.access {
            "r--p" => front = Some(mapping),
            "r-xp" if (mapping.start..mapping.end).contains(&address) => {
                let before = front
                    .filter(|front| front.end == mapping.start && front.inode == mapping.inode);
                let start = before.map_or(mapping.start, |front| front.start);
                return (mapping.inode != "0").then_some((start, mapping.end));
            }
            _ => front = None,
        }
    }
    None
}

/// A line of `/proc/self/maps`.
#[cfg(target_os = "linux")]
struct Mapping<'a> {
    start: usize,
    end: usize,
    access: &'a str,
    /// Of its file; 0 if there is none.
    inode: &'a str,
}

#[cfg(target_os = "linux")]
impl<'a> Mapping<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        Some(Self {
            start: usize::from_str_radix(start, 16).ok()?,
            end: usize::from_str_radix(end, 16).ok()?,
            access: fields.next()?,
            inode: fields.nth(2)?,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_a_file_is_taken() {
        let maps = "0800-0900 r--p 00000000 fe:00 33 /lib/other\n\
                    1000-2000 r--p 00000000 fe:00 77 /bin/program\n\
                    2000-5000 r-xp 00001000 fe:00 77 /bin/program\n\
                    5000-6000 rw-p 00004000 fe:00 77 /bin/program\n\
                    7000-8000 r-xp 00000000 00:00 0 [vdso]\n";
        assert_eq!(code_around(maps, 0x2000), Some((0x1000, 0x5000)));
        let alone = maps.replace("fe:00 77 /bin/program\n2000", "fe:00 78 /bin/other\n2000");
        assert_eq!(code_around(&alone, 0x2000), Some((0x2000, 0x5000)));
        for other in [0x1800, 0x5000, 0x7000, 0x9000] {
            assert_eq!(code_around(maps, other), None);
        }
    }

    #[test]
    fn the_program_goes_on() {
        assert!(forget_start().unwrap() > 0);
        assert!(forget_start().unwrap() > 0);
    }
}
