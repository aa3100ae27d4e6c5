//! Memory that is held for no purpose.

use std::sync::{Mutex, PoisonError};

const MIB: usize = 1 << 20;

/// Blocks of one MiB. Filled step by step, so that a lower wish stops the filling.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Vec<Box<[u8]>>>);

impl Memory {
    /// One step towards `mib` blocks; `true` when there.
    pub(crate) fn step_towards(&self, mib: u32) -> bool {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = mib as usize;
        if blocks.len() < wanted {
            // Not zero: a page of zeros would be promised by the kernel and never given.
            blocks.push(vec![0xA5; MIB].into_boxed_slice());
        } else {
            blocks.truncate(wanted);
            blocks.shrink_to_fit();
        }
        blocks.len() == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_by_steps_and_shrinks_at_once() {
        let memory = Memory::default();
        assert!(!memory.step_towards(3));
        assert!(!memory.step_towards(3));
        assert!(memory.step_towards(3));
        assert!(memory.step_towards(1));
        assert_eq!(memory.0.lock().unwrap().len(), 1);
    }
}
