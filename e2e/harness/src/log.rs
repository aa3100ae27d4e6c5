//! What an operator in process writes to its log, kept apart from that of the others.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Dispatch;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use wazo_plugin_operator::report::log;

/// A log. Clones are the same one.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All that was written.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Where a thread sends its traces, so that they arrive here.
    #[must_use]
    pub fn dispatch(&self) -> Dispatch {
        let level = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
        // That of the operator itself: what it lets through is looked at by every test.
        let filter = log::filter(&level).ok().filter(|_| !level.is_empty());
        let filter = filter.unwrap_or_else(|| {
            log::filter("info,wazo_plugin_operator=debug").expect("a level and a module's level")
        });
        Dispatch::new(
            tracing_subscriber::fmt()
                .with_ansi(false)
                .with_env_filter(filter)
                .with_writer(self.clone())
                .finish(),
        )
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
