//! The operator's memory, as the system of its node sees it.

use std::fs;

/// Resident memory of the operator's process in KiB; `None` where its node is not this machine.
pub(crate) fn operator_rss() -> Option<u64> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        let mut arguments = arguments.split(|byte| *byte == 0);
        let ours = arguments.next()? == b"/wazo-plugin-operator" && arguments.next()? == b"run";
        let status = ours.then(|| fs::read_to_string(entry.path().join("status")).ok())??;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    })
}
