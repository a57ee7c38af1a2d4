import { Inject, Injectable } from '@nestjs/common';
import { webKeyOf } from '@countersign/service-host';
import type * as OpenIdClient from 'openid-client';
import { type Configuration } from 'openid-client';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';

/** For which service a token is: the trail, or the issuer's own administration. */
export const audiences = ['audit', 'issuer'] as const;
export type Audience = (typeof audiences)[number];

/** The issuer's tokens for one audience. The browser never sees any of them. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Seconds for which the access token is valid. */
  readonly seconds: number;
}

/** What is remembered of a request to the issuer until its response arrives. */
export interface AskedFor {
  readonly audience: Audience;
  readonly codeVerifier: string;
  readonly nonce: string;
}

export interface Answered {
  readonly tokens: Tokens;
  readonly person: { readonly id: string; readonly name: string };
  /** The issuer's session in which they signed in, if it says so. */
  readonly issuerSession: string | undefined;
}

/** How a request for tokens failed: the issuer refused it permanently, or did not respond. */
export class IssuerRefused extends Error {
  constructor(
    /** RFC 6749, sections 4.1.2.1 and 5.2. */
    readonly error: string,
    cause: unknown,
  ) {
    super(`the issuer answered ${error}`, { cause });
  }
}

interface Discovered {
  readonly library: typeof OpenIdClient;
  readonly configuration: Configuration;
}

const TIMEOUT_SECONDS = 10;
const SHORTEST_SECONDS = 60;
/** Where the issuer sends the browser back to. */
const SIGNED_IN_PATH = '/console/signed-in';

/** The issuer, through `openid-client`: it checks `state`, `iss`, `nonce`, `aud`, signature and times. Loaded when somebody first signs in. */
@Injectable()
export class IssuerClient {
  #discovered: Promise<Discovered> | undefined;

  constructor(@Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions) {}

  get #redirectUri(): string {
    return this.options.origin + SIGNED_IN_PATH;
  }

  /** Where to send the browser; the request itself is pushed (RFC 9126), so that the browser carries only a reference. */
  async begin(audience: Audience, state: string): Promise<{ readonly url: string; readonly asked: AskedFor }> {
    const { library, configuration } = await this.#issuer();
    const asked = { audience, codeVerifier: library.randomPKCECodeVerifier(), nonce: library.randomNonce() };
    const scopes = audience === 'audit' ? ['openid', 'profile', ...this.options.scopes] : ['openid', 'issuer:admin'];
    const url = await library.buildAuthorizationUrlWithPAR(configuration, {
      redirect_uri: this.#redirectUri,
      scope: scopes.join(' '),
      resource: audience,
      state,
      nonce: asked.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(asked.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, asked };
  }

  /** @param query of the URL that the issuer sent the browser to. @throws {IssuerRefused}; other errors for an invalid response */
  async finish(query: string, state: string, asked: AskedFor): Promise<Answered> {
    const { library, configuration } = await this.#issuer();
    const checks = { expectedState: state, expectedNonce: asked.nonce, pkceCodeVerifier: asked.codeVerifier };
    const address = new URL(this.#redirectUri);
    address.search = query;
    try {
      const answer = await library.authorizationCodeGrant(
        configuration,
        address,
        { ...checks, idTokenExpected: true },
        { resource: asked.audience },
      );
      const claims = answer.claims();
      if (claims === undefined) throw new TypeError('the issuer sent no ID token');
      const { sub, name, sid } = claims;
      return {
        tokens: tokensOf(answer),
        person: { id: sub, name: typeof name === 'string' ? name : sub },
        issuerSession: typeof sid === 'string' ? sid : undefined,
      };
    } catch (error) {
      throw refusalOf(library, error);
    }
  }

  /** @throws {IssuerRefused} `invalid_grant` if it can no longer be renewed */
  async renew(audience: Audience, refreshToken: string): Promise<Tokens> {
    const { library, configuration } = await this.#issuer();
    try {
      const tokens = tokensOf(await library.refreshTokenGrant(configuration, refreshToken, { resource: audience }));
      return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
    } catch (error) {
      throw refusalOf(library, error);
    }
  }

  /** Revokes a token (RFC 7009). */
  async revoke(token: string): Promise<void> {
    const { library, configuration } = await this.#issuer();
    await library.tokenRevocation(configuration, token);
  }

  /** Where the browser goes to sign out at the issuer too. @returns the console's own root if the issuer has no such endpoint, or is unavailable */
  async signOutUrl(): Promise<string> {
    const home = `${this.options.origin}/`;
    try {
      const { library, configuration } = await this.#issuer();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return home;
      const parameters = { client_id: this.options.clientId, post_logout_redirect_uri: home };
      return library.buildEndSessionUrl(configuration, parameters).href;
    } catch {
      return home;
    }
  }

  #issuer(): Promise<Discovered> {
    this.#discovered ??= this.#discover().catch((error: unknown) => {
      this.#discovered = undefined;
      throw error;
    });
    return this.#discovered;
  }

  async #discover(): Promise<Discovered> {
    const library = await import('openid-client');
    const { issuer, clientId, clientKey } = this.options;
    const authentication = library.PrivateKeyJwt({ key: await webKeyOf(clientKey), kid: clientKey.kid });
    const plainHttp = issuer.startsWith('http:') ? [library.allowInsecureRequests] : [];
    const discovered = await library.discovery(new URL(issuer), clientId, {}, authentication, {
      algorithm: 'oauth2',
      execute: plainHttp,
      timeout: TIMEOUT_SECONDS,
    });
    const metadata = discovered.serverMetadata();
    const [signed = 'ES256'] = metadata.id_token_signing_alg_values_supported ?? [];
    const configuration = new library.Configuration(
      metadata,
      clientId,
      { id_token_signed_response_alg: signed },
      authentication,
    );
    configuration.timeout = TIMEOUT_SECONDS;
    for (const allow of plainHttp) allow(configuration);
    return { library, configuration };
  }
}

function tokensOf(answer: OpenIdClient.TokenEndpointResponse & OpenIdClient.TokenEndpointResponseHelpers): Tokens {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    seconds: answer.expiresIn() ?? SHORTEST_SECONDS,
  };
}

/** Converts the library's errors to those that callers distinguish. */
function refusalOf(library: typeof OpenIdClient, error: unknown): unknown {
  const refused = error instanceof library.AuthorizationResponseError || error instanceof library.ResponseBodyError;
  return refused ? new IssuerRefused(error.error, error) : error;
}
