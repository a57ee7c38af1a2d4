import { sharedByForms, TokenError, type Principal, type TokenErrorCode } from '@countersign/auth-core';
import { type AccessTokenVerifier } from '../verification.js';
import { type Carrier } from '../carrier.js';
import { type Credential } from './credential.js';

/** Sessions of the service's own pages: the browser has a cookie, the server the access token that belongs to it. */
export interface SessionSettings {
  /** The cookie's whole name. */
  readonly cookie: string;
  /** A header that the pages send, in small letters. A page of another site can send none: the browser would ask first, and nobody says yes. */
  readonly header: string;
  /** The origin of the pages. */
  readonly origin: string;
  /**
   * The access token of a session, fit to be used now.
   * @param secret the cookie's value, whatever it is
   * @param refused a token of this session that was just refused: another one is wanted
   * @throws {TokenError} `SESSION_ENDED`
   */
  readonly tokenOf: (secret: string, refused?: string) => Promise<string>;
}

/** The values of a cookie in a `Cookie` header (RFC 6265, section 4.2). */
function valuesOf(header: string | undefined, name: string): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/** The value of a cookie. @returns nothing for one that is missing, empty, or there twice: then somebody has planted another beside it */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const [value, another] = valuesOf(header, name);
  return value === '' || another !== undefined ? undefined : value;
}

/**
 * Whether one of the service's own pages made a request: it carries the pages' header, and the browser says that it comes from the same origin
 * (`Sec-Fetch-Site`), or, where it does not say so, which origin (`Origin`).
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
const tokens = sharedByForms('session-tokens', () => new WeakMap<object, string>());

/** The access token of the session by which a request came. @returns nothing for a request that came by anything else */
export function tokenOfSessionRequest(holder: object): string | undefined {
  return tokens.get(holder);
}

/** A session's cookie, with proof that one of the service's own pages sends it; without that proof the cookie is not looked at. */
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
      // The token alone may be over, not the session.
      if (!(error instanceof TokenError) || !renewable.has(error.code)) throw error;
      return this.#bind(await this.settings.tokenOf(secret, token), holder);
    }
  }

  async #bind(token: string, holder: object): Promise<Principal> {
    const principal = await this.verifier.verifyWithRefresh(token);
    tokens.set(holder, token);
    return principal;
  }
}
