//! Verifies tokens as a Rust service would: lines of "good TOKEN" and "bad TOKEN" on stdin.
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{decode, decode_header, Algorithm, DecodingKey, Validation};
use std::io::BufRead;

fn verifies(token: &str, keys: &JwkSet, validation: &Validation) -> Result<(), String> {
    let kid = decode_header(token).map_err(|error| error.to_string())?.kid.ok_or("no kid")?;
    let jwk = keys.find(&kid).ok_or("no such key")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    decode::<serde_json::Value>(token, &key, validation)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let keys: JwkSet = serde_json::from_str(&variable("JWKS")).expect("JWKS is a key set");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[variable("ISSUER")]);
    validation.set_audience(&[variable("AUDIENCE")]);
    validation.leeway = 5;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (kind, token) = line.split_once(' ').expect("a kind and a token");
        let outcome = verifies(token, &keys, &validation);
        if outcome.is_ok() != (kind == "good") {
            println!("a {kind} token: {outcome:?}");
            std::process::exit(1);
        }
    }
}
