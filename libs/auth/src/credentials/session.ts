import { TokenError, type Principal, type TokenErrorCode } from '@countersign/auth-core';
import { type AccessTokenVerifier } from '../verification.js';
import { bindToken, type Carrier } from '../carrier.js';
import { type Credential } from './credential.js';

/** Sessions of the service's own pages: the browser has a cookie, the server the access token that belongs to it. */
export interface SessionSettings {
  /** The cookie's whole name. */
  readonly cookie: string;
  /** A header that the pages send, in lower case. Pages of other sites cannot send it: the browser's preflight request would be refused. */
  readonly header: string;
  /** The origin of the pages. */
  readonly origin: string;
  /**
   * The access token of a session, valid now.
   * @param secret the cookie's value, not validated
   * @param refused a token of this session that was just refused: requests another one
   * @throws {TokenError} `SESSION_ENDED`
   */
  readonly tokenOf: (secret: string, refused?: string) => Promise<string>;
}

/**
 * The values of a cookie in a `Cookie` header (RFC 6265, section 4.2). Only spaces and tabs separate: a wider idea of white space (`trim`) would read a
 * sibling host's cookie whose name begins with U+00A0 as the `__Host-` cookie, which no other host may set.
 */
function valuesOf(header: string | undefined, name: string): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** The value of a cookie. @returns undefined if it is missing, empty, or sent twice: then somebody may have planted the other one */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const [value, another] = valuesOf(header, name);
  return value === '' || another !== undefined ? undefined : value;
}

/**
 * Whether one of the service's own pages made a request: it carries the pages' header, and the browser states that it comes from the same origin
 * (`Sec-Fetch-Site`) or, if that is missing, from which origin (`Origin`).
 */
export function isFromOwnPage(
  header: (name: string) => string | undefined,
  { header: own, origin }: Pick<SessionSettings, 'header' | 'origin'>,
): boolean {
  if (header(own) !== '1') return false;
  const site = header('sec-fetch-site');
  const from = header('origin');
  if (from !== undefined && from !== origin) return false;
  return site === undefined ? from === origin : site === 'same-origin';
}

const renewable: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'TOKEN_REVOKED'] satisfies TokenErrorCode[]);

/** A session's cookie, with proof that one of the service's own pages sent it; without that proof the cookie is ignored. */
export class SessionCredential implements Credential {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly settings: SessionSettings,
  ) {}

  verify(carrier: Carrier): Promise<Principal> | undefined {
    if (carrier.kind !== 'http' || carrier.header('authorization') !== undefined) return undefined;
    if (!isFromOwnPage((name) => carrier.header(name), this.settings)) return undefined;
    const secret = cookieOf(carrier.header('cookie'), this.settings.cookie);
    return secret === undefined ? undefined : this.#verify(secret, carrier.holder);
  }

  async #verify(secret: string, holder: object): Promise<Principal> {
    const token = await this.settings.tokenOf(secret);
    try {
      return await this.#bind(token, holder);
    } catch (error) {
      // The token may have ended although the session has not.
      if (!(error instanceof TokenError) || !renewable.has(error.code)) throw error;
      return this.#bind(await this.settings.tokenOf(secret, token), holder);
    }
  }

  async #bind(token: string, holder: object): Promise<Principal> {
    const principal = await this.verifier.verifyWithRefresh(token);
    bindToken(holder, token);
    return principal;
  }
}
