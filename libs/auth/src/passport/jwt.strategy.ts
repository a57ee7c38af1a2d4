import { TokenError, type Principal } from '@countersign/auth-core';
import { type JwtFromRequestFunction, type SecretOrKeyProvider, Strategy } from 'passport-jwt';
import { type AccessTokenVerifier } from '../verification.js';
import { authorizedToken, headerOf } from '../carrier.js';

export const STRATEGY_NAME = 'countersign';

/** passport-jwt's keys are strings or buffers, so a verifier is represented by its own empty buffer, which is compared by identity. */
const handles = new WeakMap<AccessTokenVerifier, Buffer>();
const verifiers = new WeakMap<object, AccessTokenVerifier>();
const requests = new WeakMap<object, Buffer>();

/** Sets the verifier that passport uses for a request, so that several applications in one process do not interfere. */
export function useVerifier(request: object, verifier: AccessTokenVerifier): void {
  const handle = handles.get(verifier) ?? Buffer.alloc(0);
  handles.set(verifier, handle);
  verifiers.set(handle, verifier);
  requests.set(request, handle);
}

type Done = (error: unknown, payload?: unknown) => void;
type VerifyHook = (token: string, key: unknown, options: unknown, done: Done) => void;

function isHookHolder(value: unknown): value is { JwtVerifier: VerifyHook } {
  return typeof value === 'function' && 'JwtVerifier' in value && typeof value.JwtVerifier === 'function';
}

/**
 * passport-jwt asks a provider for "the key" and passes it to its verify hook. Our provider's key represents our verifier: the hook recognises it by
 * identity, and leaves every other key to the original hook, so that other JWT strategies of the process work as before.
 */
function installHook(): void {
  const holder: unknown = Strategy;
  if (!isHookHolder(holder)) throw new Error('this passport-jwt has no JwtVerifier hook; use 4.x');
  const original = holder.JwtVerifier;
  if ('countersign' in original) return;
  const hook: VerifyHook = (token, key, options, done) => {
    const verifier = typeof key === 'object' && key !== null ? verifiers.get(key) : undefined;
    if (verifier === undefined) {
      original(token, key, options, done);
      return;
    }
    verifier.verifyWithRefresh(token).then(
      (principal) => {
        done(null, principal);
      },
      (error: unknown) => {
        done(error);
      },
    );
  };
  holder.JwtVerifier = Object.assign(hook, { countersign: true });
}

const fromHeader: JwtFromRequestFunction = (request: object) =>
  authorizedToken(headerOf(request, 'authorization')) ?? null;

const provider: SecretOrKeyProvider = (request: object, _token, done) => {
  const handle = requests.get(request);
  done(handle === undefined ? new Error("the request did not pass through Countersign's guard") : null, handle);
};

/** The passport strategy; its user is the {@link Principal}, its failures are {@link TokenError}s. */
export function createStrategy(): Strategy {
  installHook();
  return new Strategy(
    { jwtFromRequest: fromHeader, secretOrKeyProvider: provider },
    (principal: Principal, done: (error: null, principal: Principal) => void) => {
      done(null, principal);
    },
  );
}

/** The error that passport reports for a request that it could not authenticate. */
export function tokenErrorOf(error: unknown, info: unknown): unknown {
  if (info instanceof TokenError) return info;
  if (error !== null && error !== undefined && error !== false) return error;
  return new TokenError('TOKEN_MISSING');
}
