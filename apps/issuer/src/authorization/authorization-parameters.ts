import { SCOPE_LENGTH_LIMIT } from '@countersign/auth-core';
import { pathOfOddText } from '@countersign/service-host';
import { isDeclaredRedirect } from '../registry/redirect-uri.js';
import { audiencePattern, scopePattern, SCOPES_LIMIT, type Client } from '../registry/client.js';
import { decideForApplication } from '../registry/people-policy.js';
import {
  prompts,
  type AuthorizationError,
  type AuthorizationFault,
  type AuthorizationRequest,
  type Prompt,
} from './authorization-request.js';
import { type HintReader } from './id-token-hints.js';
import { digestPattern } from './pkce.js';

/** The parameters of a request, from a query or a form. */
export interface Parameters {
  /** The first value of each; one without a value counts as missing (RFC 6749, section 3.1). */
  readonly values: ReadonlyMap<string, string>;
  /** Names that were sent more than once. */
  readonly repeated: ReadonlySet<string>;
}

/** @param entries as received, in order */
export function parametersOf(entries: Iterable<readonly [string, string]>): Parameters {
  const values = new Map<string, string>();
  const repeated = new Set<string>();
  for (const [name, value] of entries) {
    if (values.has(name)) repeated.add(name);
    else values.set(name, value);
  }
  for (const [name, value] of values) if (value === '' && !repeated.has(name)) values.delete(name);
  return { values, repeated };
}

/** Maximum characters of `state`, which is sent back unchanged. */
const STATE_LIMIT = 2_048;
const NONCE_LIMIT = 512;
const HINT_LIMIT = 256;
const ACR_LIMIT = 512;
/** RFC 6749, appendix A.5. */
const printable = /^[\x20-\x7e]+$/;
const MAX_AGE_LIMIT = 10 * 365 * 86_400;

/** The redirect URI of the response: one that the client declares, sent once. @returns undefined for any other */
export function provenRedirect({ values, repeated }: Parameters, client: Client): string | undefined {
  const asked = values.get('redirect_uri');
  if (asked === undefined || repeated.has('redirect_uri') || repeated.has('client_id')) return undefined;
  const { redirect_uris: declared = [], application_type: type = 'web' } = client;
  return isDeclaredRedirect(declared, type, asked) ? asked : undefined;
}

/** `state`, if it may be sent back. */
export function stateOf({ values, repeated }: Parameters): string | undefined {
  const state = values.get('state');
  if (state === undefined || repeated.has('state')) return undefined;
  return state.length <= STATE_LIMIT && printable.test(state) ? state : undefined;
}

/** Stops the reading of a request. */
class Faulty extends Error {
  constructor(readonly fault: AuthorizationFault) {
    super(fault.description);
  }
}
const faulty = (description: string, error: AuthorizationError = 'invalid_request'): Faulty =>
  new Faulty({ error, description });

const refused: readonly (readonly [string, AuthorizationError, string])[] = [
  ['request', 'request_not_supported', 'send parameters, or push them (RFC 9126)'],
  ['request_uri', 'request_uri_not_supported', 'request_uri must be a value returned by /oauth2/par'],
  [
    'registration',
    'registration_not_supported',
    'the parameter registration is not supported; an administrator registers clients',
  ],
];

function checkForm({ values, repeated }: Parameters): void {
  if (repeated.has('resource')) throw faulty('name one audience', 'invalid_target');
  const [twice] = repeated;
  if (twice !== undefined) throw faulty('a parameter must not be sent more than once');
  for (const [name, error, description] of refused) if (values.has(name)) throw faulty(description, error);
  const type = values.get('response_type');
  if (type === undefined) throw faulty('response_type is missing');
  if (type !== 'code') throw faulty('response_type must be code', 'unsupported_response_type');
  const mode = values.get('response_mode');
  if (mode !== undefined && mode !== 'query') throw faulty('response_mode, if given, must be query');
}

function challengeOf(values: ReadonlyMap<string, string>): string {
  const challenge = values.get('code_challenge');
  if (challenge === undefined) throw faulty('code_challenge is missing: every client must use PKCE');
  if (values.get('code_challenge_method') !== 'S256') throw faulty('code_challenge_method must be S256');
  if (!digestPattern.test(challenge)) throw faulty('code_challenge must be a SHA-256 in base64url: 43 characters');
  return challenge;
}

function scopesOf(scope: string | undefined): readonly string[] {
  const scopes = [...new Set((scope ?? '').split(' ').filter((part) => part !== ''))];
  const fits = (scope?.length ?? 0) <= SCOPE_LENGTH_LIMIT && scopes.length <= SCOPES_LIMIT;
  if (!fits || !scopes.every((part) => scopePattern.test(part))) {
    throw faulty(`scope must be a space-separated list of at most ${String(SCOPES_LIMIT)} scopes`, 'invalid_scope');
  }
  return scopes;
}

const isPrompt = (text: string): text is Prompt => prompts.some((prompt) => prompt === text);

function promptOf(text: string | undefined): readonly Prompt[] {
  const asked = (text ?? '').split(' ').filter((part) => part !== '');
  const known = asked.filter(isPrompt);
  if (known.length !== asked.length) throw faulty(`prompt must be a space-separated list of ${prompts.join(', ')}`);
  if (known.includes('none') && known.length > 1) throw faulty('prompt must not combine none with other values');
  return known;
}

function maxAgeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_AGE_LIMIT)) throw faulty('max_age must be a whole number of seconds');
  return seconds;
}

function textOf(values: ReadonlyMap<string, string>, name: string, limit: number): string | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (text.length > limit || pathOfOddText(text, name) !== undefined) {
    throw faulty(`${name} must be plain text of at most ${String(limit)} characters`);
  }
  return text;
}

/** The person that the application expects, from an ID token it received earlier. */
function subjectOf(token: string | undefined, { client_id: clientId }: Client, hints: HintReader): string | undefined {
  if (token === undefined) return undefined;
  const hint = hints.read(token);
  if (hint?.clientId !== clientId) throw faulty('id_token_hint must be an ID token of this issuer for this client');
  return hint.subject;
}

function readAll(parameters: Parameters, client: Client, redirectUri: string, hints: HintReader): AuthorizationRequest {
  checkForm(parameters);
  const { values } = parameters;
  const state = stateOf(parameters);
  if (values.has('state') && state === undefined) {
    throw faulty(`state must be at most ${String(STATE_LIMIT)} printable ASCII characters`);
  }
  const codeChallenge = challengeOf(values);
  const resource = values.get('resource');
  if (resource !== undefined && !audiencePattern.test(resource)) throw faulty('name one audience', 'invalid_target');
  const decision = decideForApplication(client.policy.people, resource, scopesOf(values.get('scope')));
  if (!decision.ok) throw faulty(decision.description, decision.error);
  const dpopKey = values.get('dpop_jkt');
  if (dpopKey !== undefined && !digestPattern.test(dpopKey)) {
    throw faulty('dpop_jkt must be the SHA-256 thumbprint of a key in base64url');
  }
  return {
    redirectUri,
    state,
    audience: decision.audience,
    scopes: decision.scopes,
    codeChallenge,
    nonce: textOf(values, 'nonce', NONCE_LIMIT),
    prompt: promptOf(values.get('prompt')),
    maxAge: maxAgeOf(values.get('max_age')),
    loginHint: textOf(values, 'login_hint', HINT_LIMIT),
    subject: subjectOf(values.get('id_token_hint'), client, hints),
    acrValues: textOf(values, 'acr_values', ACR_LIMIT),
    dpopKey,
  };
}

/**
 * Reads what an application asks of a person.
 * @param client the application, which may use the grant
 * @param redirectUri as {@link provenRedirect} found it
 * @param hints reads `id_token_hint`
 */
export function readAuthorization(
  parameters: Parameters,
  client: Client,
  redirectUri: string,
  hints: HintReader,
): { readonly request: AuthorizationRequest } | { readonly fault: AuthorizationFault } {
  try {
    return { request: readAll(parameters, client, redirectUri, hints) };
  } catch (error) {
    if (error instanceof Faulty) return { fault: error.fault };
    throw error;
  }
}
