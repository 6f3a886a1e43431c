#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| datafolio_testkit::fuzz::columns(data));
