//! Every purpose of the automotive TC8 suite for TCP has a case that tests it, found by `tcpvet list tc8:...`.

use std::collections::BTreeSet;
use tcpvet::case::Library;

/// The suite's groups for TCP, and the numbers in each that are still in force.
const PURPOSES: [(&str, &str); 19] = [
    ("TCP_ACKNOWLEDGEMENT", "02 03 04"),
    ("TCP_BASICS", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 17"),
    ("TCP_CALL_ABORT", "02 03"),
    ("TCP_CALL_RECEIVE", "04 05"),
    ("TCP_CHECKSUM", "01 02 03 04"),
    ("TCP_CLOSING", "03 06 07 08 09 13"),
    ("TCP_CONNECTION_ESTAB", "01 02 03 07"),
    ("TCP_CONTROL_FLAGS", "05 08"),
    ("TCP_FLAGS_INVALID", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15"),
    ("TCP_FLAGS_PROCESSING", "02 05 06 07 08 09 10 11"),
    ("TCP_HEADER", "01 02 04 05 06 07 08 09 11"),
    ("TCP_MSS_OPTIONS", "01 02 03 05 06 09 10 11 12"),
    ("TCP_NAGLE", "02 03"),
    ("TCP_OUT_OF_ORDER", "01 02 03 05"),
    ("TCP_PROBING_WINDOWS", "02 03 04 05 06"),
    ("TCP_RETRANSMISSION_TO", "03 04 05 06 08 09"),
    ("TCP_SEQUENCE", "01 02 03 04 05"),
    ("TCP_UNACCEPTABLE", "01 02 03 04 05 06 07 08 09 10 11 12 13 14"),
    ("TCP_URGENT_PTR", "04"),
];

/// What the case language cannot say yet: a second port that listens, and a packet to an address of many.
const CANNOT_BE_SAID: [&str; 2] = ["TCP_CONNECTION_ESTAB_02", "TCP_HEADER_11"];

fn purposes() -> BTreeSet<String> {
    let ids = |(group, numbers): (&str, &str)| -> Vec<String> {
        numbers.split(' ').map(|number| format!("{group}_{number}")).collect()
    };
    PURPOSES.into_iter().flat_map(ids).collect()
}

#[test]
fn each_purpose_is_referred_to_by_a_case_and_no_other_name_is() {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let referred: BTreeSet<String> = library
        .cases()
        .iter()
        .filter_map(|case| case.ids.get("tc8"))
        .flatten()
        .cloned()
        .collect();
    let purposes = purposes();
    assert_eq!(purposes.len(), 116);
    let unknown: Vec<_> = referred.difference(&purposes).collect();
    assert!(unknown.is_empty(), "no such purposes: {unknown:?}");
    let missing: Vec<&str> = purposes.difference(&referred).map(String::as_str).collect();
    assert_eq!(
        missing, CANNOT_BE_SAID,
        "each purpose needs a case; take off the list what has one"
    );
}
