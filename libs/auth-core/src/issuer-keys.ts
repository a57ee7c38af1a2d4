import { monotonicClock } from './clock.js';
import { endpointOf, protectedUrl } from './endpoint.js';
import { Discovery } from './keys/discovery.js';
import { type KeySet } from './keys/key-set.js';
import { RemoteKeySet } from './keys/remote-key-set.js';
import { type VerifierOptions } from './verifier-options.js';

/** @throws {TypeError} for keys by plain http beyond this machine, without `allowPlainHttp` */
function sourceOf({
  issuer,
  jwksUrl,
  profile,
  allowPlainHttp = false,
  fetch: ask,
  monotonic,
}: VerifierOptions): string | Discovery {
  if (jwksUrl === undefined && profile !== undefined) {
    return new Discovery({
      issuer,
      allowPlainHttp,
      fetch: ask ?? globalThis.fetch,
      monotonic: monotonic ?? monotonicClock,
    });
  }
  return protectedUrl(jwksUrl ?? endpointOf(issuer, '/.well-known/jwks.json'), allowPlainHttp);
}

function reportKeys({ issuer, onKeys }: VerifierOptions, reason: string): void {
  const ok = reason === '';
  const message = ok
    ? `the keys of ${issuer} have been loaded again`
    : `the keys of ${issuer} cannot be loaded: ${reason}`;
  if (onKeys !== undefined) onKeys({ issuer, ok, message });
  else if (!ok) process.emitWarning(message, { code: 'COUNTERSIGN_KEYS' });
}

function reportFile({ issuer, onKeysFile }: VerifierOptions, reason: string): void {
  if (onKeysFile !== undefined) onKeysFile({ issuer, ok: reason === '', message: messageOf(issuer, reason) });
  else if (reason !== '') process.emitWarning(messageOf(issuer, reason), { code: 'COUNTERSIGN_JWKS_FILE' });
}

const messageOf = (issuer: string, reason: string): string =>
  reason === ''
    ? `the keys of ${issuer} are kept in their file again`
    : `the keys of ${issuer} cannot be kept in their file: ${reason}`;

/**
 * The keys that verify an issuer's tokens, from its discovery document or its JWKS.
 * @param onKeys called with the set after each fetch that returned one
 * @throws {TypeError} for keys by plain http beyond this machine, without `allowPlainHttp`
 */
export function issuerKeys(options: VerifierOptions, onKeys: (keys: KeySet) => void): RemoteKeySet {
  return new RemoteKeySet({
    source: sourceOf(options),
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    now: options.now ?? Date.now,
    monotonic: options.monotonic,
    timeoutMs: options.timeoutMs ?? 5_000,
    refreshIntervalSeconds: options.refreshIntervalSeconds ?? 240,
    cooldownSeconds: options.cooldownSeconds ?? 10,
    maxStaleSeconds: options.maxStaleSeconds ?? 86_400,
    cacheFile: options.keysFile,
    onKeys,
    onFailure: (reason) => {
      reportKeys(options, reason);
    },
    onFileFailure: (reason) => {
      reportFile(options, reason);
    },
  });
}
