//! What happens on a real node.
