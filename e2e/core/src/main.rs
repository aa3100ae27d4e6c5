//! The simulated core as a program: a front, an admin interface, the CA in a file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wazo_simulated_core::{Application, Options, Seed, SimulatedCore};

/// A simulated Wazo core to try an operator against.
#[derive(Debug, Parser)]
#[command(name = "simulated-core", version)]
struct Arguments {
    /// Address of the front (HTTPS).
    #[arg(long, default_value = "127.0.0.1:9443")]
    bind: SocketAddr,
    /// Address of the admin interface (plain HTTP).
    #[arg(long, default_value = "127.0.0.1:9480")]
    admin: SocketAddr,
    /// A further host name or IP address for the front's certificate; may be given several times.
    #[arg(long = "name")]
    names: Vec<String>,
    /// Where to write the certificate of the CA, in PEM.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// User name of the operator's account.
    #[arg(long, env = "SIMULATED_CORE_USERNAME")]
    username: Option<String>,
    /// Password of the operator's account.
    #[arg(long, env = "SIMULATED_CORE_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// A JSON file with external apps that are there already: a list of {tenant, name, label, configuration}.
    #[arg(long)]
    applications: Option<PathBuf>,
}

fn seed(arguments: &Arguments) -> Result<Seed, String> {
    let mut seed = Seed::default();
    if let Some(account) = seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api")
    {
        account.username = arguments
            .username
            .clone()
            .unwrap_or_else(|| account.username.clone());
        account.password = arguments
            .password
            .clone()
            .unwrap_or_else(|| account.password.clone());
    }
    if let Some(file) = &arguments.applications {
        let text = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let applications: Vec<Application> = serde_json::from_slice(&text)
            .map_err(|error| format!("{} is no list of applications: {error}", file.display()))?;
        seed.applications = applications;
    }
    Ok(seed)
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let seed = seed(&arguments)?;
    let options = Options {
        bind: arguments.bind,
        admin: Some(arguments.admin),
        names: arguments.names,
        seed,
    };
    let core = SimulatedCore::start(options)
        .await
        .map_err(|error| error.to_string())?;
    if let Some(file) = &arguments.ca_file {
        std::fs::write(file, core.ca_pem())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    let (username, _) = core.account();
    println!("front  {}", core.url());
    if let Some(admin) = core.admin_address() {
        println!("admin  http://{admin}");
    }
    println!(
        "stack  {}  tenant {}  account {username}",
        core.stack_uuid(),
        core.tenant()
    );
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| format!("cannot wait for SIGTERM: {error}"))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    core.stop().await;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulated-core: {error}");
            ExitCode::FAILURE
        }
    }
}
