//! Label names that nearly every series has, by number.
//!
//! The numbers live in memory only: no file and no message holds them, so names may come and go with any version.

/// Prometheus' own, those of its naming guide and of common exporters, and what Kubernetes' discovery leaves behind.
const NAMES: [&str; 48] = [
    "__name__",
    "job",
    "instance",
    "le",
    "quantile",
    "alertname",
    "alertstate",
    "severity",
    "namespace",
    "pod",
    "container",
    "node",
    "service",
    "endpoint",
    "cluster",
    "region",
    "zone",
    "env",
    "host",
    "app",
    "version",
    "name",
    "type",
    "kind",
    "method",
    "code",
    "status",
    "path",
    "route",
    "handler",
    "protocol",
    "reason",
    "error",
    "result",
    "state",
    "operation",
    "queue",
    "topic",
    "partition",
    "db",
    "table",
    "device",
    "mode",
    "cpu",
    "client",
    "user",
    "room",
    "outcome",
];

/// How many names have a number.
pub(super) const COUNT: usize = NAMES.len();

/// Places of [`NAMES`] by what [`place`] makes of them; one more than any number where there is none.
const PLACES: [u8; PLACES_COUNT] = {
    let mut places = [COUNT as u8; PLACES_COUNT];
    let mut number = 0;
    while number < COUNT {
        let place = place(NAMES[number].as_bytes());
        assert!(places[place] == COUNT as u8, "two names in one place");
        places[place] = number as u8;
        number += 1;
    }
    places
};

const PLACES_COUNT: usize = 1024;

/// Three bytes and the length tell the names apart.
const fn place(name: &[u8]) -> usize {
    let length = name.len();
    if length == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0], name[length / 2], name[length - 1]);
    (length + first as usize + middle as usize * 7 + last as usize * 181) % PLACES_COUNT
}

/// The number of a name.
pub(super) fn number(name: &str) -> Option<u8> {
    let number = PLACES[place(name.as_bytes())];
    (name_is(number, name)).then_some(number)
}

fn name_is(number: u8, name: &str) -> bool {
    NAMES.get(usize::from(number)) == Some(&name)
}

/// The name with a number.
pub(super) fn name(number: usize) -> Option<&'static str> {
    NAMES.get(number).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_number() {
        for (expected, known) in NAMES.iter().enumerate() {
            assert_eq!(number(known).map(usize::from), Some(expected));
            assert_eq!(name(expected), Some(*known));
        }
        for unknown in ["", "j", "jobs", "__name_", "unheard_of"] {
            assert_eq!(number(unknown), None);
        }
        assert_eq!(name(COUNT), None);
    }
}
