//! A body that does not come as it should: slowly, or only in part.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use tokio::time::{Sleep, sleep};

/// Bytes of one step.
const STEP: usize = 8;
/// Between two steps of a slow body.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a body breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the body breaks off on purpose")]
pub(crate) struct BreaksOff;

/// A text in steps.
pub(crate) struct Drip {
    left: Bytes,
    cut: bool,
    pause: Pin<Box<Sleep>>,
}

impl Drip {
    /// Half of the text at once, then the connection is cut.
    pub(crate) fn cut_off(text: String) -> Self {
        let mut left = Bytes::from(text);
        left.truncate(left.len() / 2);
        Self {
            left,
            cut: true,
            pause: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// The whole text, a few bytes a second.
    pub(crate) fn slow(text: String) -> Self {
        Self {
            left: Bytes::from(text),
            cut: false,
            pause: Box::pin(sleep(Duration::ZERO)),
        }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = BreaksOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BreaksOff>>> {
        if self.left.is_empty() {
            let cut = std::mem::take(&mut self.cut);
            return Poll::Ready(cut.then_some(Err(BreaksOff)));
        }
        ready!(self.pause.as_mut().poll(context));
        let step = if self.cut { self.left.len() } else { STEP };
        let length = step.min(self.left.len());
        let part = self.left.split_to(length);
        self.pause = Box::pin(sleep(if self.cut { Duration::ZERO } else { PAUSE }));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}
