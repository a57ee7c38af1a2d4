import { type DpopProof, type Principal } from '@countersign/auth-core';
import { type OAuthError } from '@countersign/service-host';
import { type UsedAssertion } from '../authentication/used-assertions.store.js';
import { type Client } from '../registry/client.js';
import { type AccessTokenClaims } from './grants/access-token.js';
import { type Together, type TokenGrant } from './grants/grant.js';
import { type TokenRequest } from '../authentication/token-request.js';

/** A token that may be signed and, once the decision is committed, handed out. */
export interface Granted {
  readonly granted: true;
  readonly client: Client;
  /** The client's assertion, still to be used up together with the decision. */
  readonly assertion: UsedAssertion | undefined;
  readonly grant: TokenGrant;
  readonly request: TokenRequest;
  /** Whom the token acts for; undefined when the client is its own subject. */
  readonly subject: Principal | undefined;
  /** The transaction that the token is of, where that began with something else than the subject's token. */
  readonly txn?: string | undefined;
  /** The outside issuer's name and the id of its token, where the subject is known by one. */
  readonly origin?: string | undefined;
  /** The proof of the key that the token is bound to, still to be used up. */
  readonly proof: DpopProof | undefined;
  readonly claims: AccessTokenClaims;
  /** What commits together with it. */
  readonly together?: Together | undefined;
}

type Learned = Pick<Granted, 'client' | 'assertion' | 'grant' | 'request' | 'subject' | 'txn'>;

/** A refusal, with what was learned about the request before. */
export interface Refused extends Readonly<{ [Member in keyof Learned]?: Learned[Member] | undefined }> {
  readonly granted: false;
  /** What the caller sees. */
  readonly answer: OAuthError;
  /** What the trail records. */
  readonly reason: string;
  /** Whom the caller claimed to be, when that could not be proven. */
  readonly claimedClientId?: string | undefined;
}

export type TokenDecision = Granted | Refused;
