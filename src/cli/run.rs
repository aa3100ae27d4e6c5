//! `run`: the operator.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use wazo_plugin_operator::controller::{self, Parts, Settings};
use wazo_plugin_operator::core::{HttpWires, Intervals};
use wazo_plugin_operator::probe::{Cidr, ProbeSettings, SystemNetwork};
use wazo_plugin_operator::report::log;

use super::leader_elect::LeaderElect;
use super::{CliError, read};

/// Runs the operator until SIGTERM or SIGINT.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where /metrics, /livez and /readyz are served
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// The form of the log
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged: a level, or directives as in `info,wazo_plugin_operator=debug`
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    log_level: String,
    /// A PEM file with further certificate authorities that the plugins' public addresses may use
    #[arg(long, env = "PROBE_CA_BUNDLE", value_name = "FILE")]
    probe_ca_bundle: Option<String>,
    /// A range of private addresses that probes may connect to, as in 10.1.0.0/16; may be given more than once
    #[arg(
        long = "probe-allowed-cidr",
        env = "PROBE_ALLOWED_CIDRS",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    probe_allowed_cidrs: Vec<Cidr>,
    /// Seconds that a rollout may take before the plugin is Stalled
    #[arg(
        long,
        env = "ROLLOUT_DEADLINE_SECONDS",
        default_value_t = 240,
        value_name = "SECONDS"
    )]
    rollout_deadline: u64,
    /// A folder in which it is written down what is known of each plugin, for `judge`: NAMESPACE/NAME.jsonl
    #[arg(long, env = "RECORD_DIRECTORY", value_name = "FOLDER")]
    record_directory: Option<PathBuf>,
    #[command(flatten)]
    leader_elect: LeaderElect,
    /// The name under which events are reported
    #[arg(long, env = "POD_NAME", hide = true)]
    pod_name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Run {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        self.start_log()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CliError::Start(error.to_string()))?;
        runtime.block_on(self.run())?;
        Ok(ExitCode::SUCCESS)
    }

    async fn run(self) -> Result<(), CliError> {
        let extra_roots_pem = self.probe_ca_bundle.as_deref().map(read).transpose()?;
        let mut config = kube::Config::infer()
            .await
            .map_err(|error| CliError::Kube(error.to_string()))?;
        // Passes have back-offs of their own; retries beneath them would hide what the API server says.
        config.default_retry = false;
        let client =
            controller::counting_client(config).map_err(|error| CliError::Kube(error.to_string()))?;
        let probe = ProbeSettings {
            extra_roots_pem,
            allowed_cidrs: self.probe_allowed_cidrs,
            ..ProbeSettings::default()
        };
        let settings = Settings {
            listen: Some(self.listen),
            rollout_deadline: Duration::from_secs(self.rollout_deadline),
            election: self.leader_elect.election(self.pod_name.as_deref())?,
            instance: self.pod_name,
            record_directory: self.record_directory,
            ..Settings::default()
        };
        let parts = Parts {
            client,
            wires: Arc::new(HttpWires::new()),
            network: Arc::new(SystemNetwork),
            probe,
            intervals: Intervals::default(),
            settings,
        };
        tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %self.listen, "starting");
        controller::run(parts, stop_signal()?).await?;
        tracing::info!("stopped");
        Ok(())
    }

    fn start_log(&self) -> Result<(), CliError> {
        let filter =
            log::filter(&self.log_level).map_err(|error| CliError::Start(format!("--log-level: {error}")))?;
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Json => log.json().flatten_event(true).init(),
            LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        }
        Ok(())
    }
}

/// Ends when the process is asked to stop.
fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    let failed = |error: std::io::Error| CliError::Start(error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
