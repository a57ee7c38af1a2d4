import { createDpopProof, thumbprintOf, type PrivateJwk } from '@countersign/auth-core';
import { DATABASE, type Database } from '@countersign/service-host';
import { newPkce, type Pkce } from '@countersign/people-provider';
import { type Code } from '../authorization/code.js';
import { CodesStore } from '../authorization/codes.store.js';
import { digestOfSecret, newOneTimeSecret } from '../authorization/one-time-secret.js';
import { type DelegationId } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { REDIRECT } from './applications.js';
import { type Answer, type IssuerUnderTest } from './issuer-under-test.js';
import { type SignedIn } from './signed-in.js';

/** A code, as the authorization endpoint issues it. */
export interface IssuedCode extends Pkce {
  readonly code: string;
  readonly id: DelegationId;
}

/** Issues a code as if the person had just consented; for `planner` unless `change` says otherwise. */
export async function issueCode(
  { app }: IssuerUnderTest,
  { session }: SignedIn,
  change: Partial<Omit<Code, 'allowed'>> & { readonly allowed?: Partial<Code['allowed']> } = {},
): Promise<IssuedCode> {
  const pkce = newPkce();
  const code = newOneTimeSecret();
  const { person, id: sessionId, authenticatedAt, acr, amr } = session;
  const id = app.get(Delegations).newId();
  const allowed = {
    ...{ id, personId: person.id, audience: 'payments', scopes: ['openid', 'payments:create'], sessionId },
    ...{ authTime: authenticatedAt, acr, amr, roles: person.roles, nonce: 'n-1', ...change.allowed },
  };
  const kept = {
    ...{ digest: digestOfSecret(code), clientId: 'planner', redirectUri: REDIRECT, codeChallenge: pkce.challenge },
    ...{ dpopKey: undefined, expiresAt: new Date(Date.now() + 60_000), ...change },
    allowed,
  };
  await app.get<Database>(DATABASE).transaction((transaction) => app.get(CodesStore).add(transaction, kept));
  return { ...pkce, code, id };
}

/** A client at the token endpoint: known by its name or its header, with or without a key. */
export interface TestClient {
  readonly clientId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: PrivateJwk | undefined;
}

/** Asks the token endpoint. Each has its own proof, for the issuer's identifier, at whichever replica. */
export async function askToken(
  issuer: IssuerUnderTest,
  form: Readonly<Record<string, string>>,
  { clientId, headers = {}, key }: TestClient,
  { at = issuer.url, signal }: { readonly at?: string; readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  const proof =
    key === undefined ? {} : { dpop: createDpopProof({ key, method: 'POST', url: `${issuer.url}/oauth2/token` }) };
  const body = new URLSearchParams({ ...form, ...(clientId === undefined ? {} : { client_id: clientId }) });
  const response = await fetch(`${at}/oauth2/token`, {
    ...{ method: 'POST', body, headers: { ...headers, ...proof } },
    ...(signal === undefined ? {} : { signal }),
  });
  const json: unknown = await response.json();
  return { status: response.status, headers: response.headers, body: Object.fromEntries(Object.entries(json ?? {})) };
}

/** Redeems a code for its tokens. */
export function redeemCode(
  issuer: IssuerUnderTest,
  { code, verifier }: IssuedCode,
  client: TestClient,
): Promise<Answer> {
  return askToken(issuer, { grant_type: 'authorization_code', code, code_verifier: verifier }, client);
}

/** The tokens of an application that a person has just allowed. */
export async function granted(
  issuer: IssuerUnderTest,
  who: SignedIn,
  client: TestClient,
  allowed: Partial<Code['allowed']> = {},
): Promise<Answer & { readonly id: DelegationId }> {
  const { key, clientId = 'planner' } = client;
  const dpopKey = key === undefined ? undefined : thumbprintOf(key);
  const code = await issueCode(issuer, who, { clientId, dpopKey, allowed });
  return { ...(await redeemCode(issuer, code, client)), id: code.id };
}
