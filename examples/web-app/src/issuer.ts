import { importJWK } from 'jose';
import * as client from 'openid-client';
import { type Settings } from './configuration.js';
import { type Allowed, type Service, type StepUp } from './session.js';

/** What a person is asked for, per service; the issuer's consent page provides the texts. */
const scopesOf: Readonly<Record<Service, string>> = {
  payments: 'payments:create payments:read',
  accounts: 'accounts:read accounts:write',
};

/** The state of a request until its response arrives; only this server has it. */
export interface Flow {
  readonly service: Service;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly maxAge: number | undefined;
}

/** The tokens from a person's consent. */
export interface Granted {
  readonly allowed: Allowed;
  readonly claims: client.IDToken;
}

/** Seconds before its expiry from which a token is no longer used. */
const RESERVE_SECONDS = 10;

/** The company's issuer, through `openid-client`. It checks `state`, `iss`, `nonce`, `aud`, signature and times. */
export class Issuer {
  private readonly redirectUri: string;
  private readonly plainHttp: boolean;
  private discovered: Promise<client.Configuration> | undefined;
  constructor(
    private readonly settings: Settings,
    private readonly now: () => number,
  ) {
    this.redirectUri = new URL('/callback', settings.app).href;
    this.plainHttp = settings.issuer.protocol === 'http:';
  }

  /** Discovered at first use, because the issuer may start after us; then cached. */
  configuration(): Promise<client.Configuration> {
    this.discovered ??= this.discover().catch((error: unknown) => {
      this.discovered = undefined;
      throw error;
    });
    return this.discovered;
  }

  private async discover(): Promise<client.Configuration> {
    const { issuer, clientId, clientKey } = this.settings;
    const key = await importJWK(clientKey, clientKey.alg);
    if (key instanceof Uint8Array) throw new TypeError('the client key must be a private key');
    const found = await client.discovery(
      issuer,
      clientId,
      { id_token_signed_response_alg: 'ES256' },
      client.PrivateKeyJwt({ key, kid: clientKey.kid }),
      { algorithm: 'oauth2', execute: this.plainHttp ? [client.allowInsecureRequests] : [], timeout: 10 },
    );
    return found;
  }

  /**
   * Starts a sign-in. If the issuer accepts pushed requests (RFC 9126), the browser carries only a reference to the request, which it can
   * neither read nor change.
   */
  async begin(service: Service, state: string, stepUp?: StepUp): Promise<{ url: URL; flow: Flow }> {
    const configuration = await this.configuration();
    const flow = {
      service,
      codeVerifier: client.randomPKCECodeVerifier(),
      nonce: client.randomNonce(),
      maxAge: stepUp?.maxAge,
    };
    const parameters = {
      redirect_uri: this.redirectUri,
      scope: `openid profile ${scopesOf[service]}`,
      resource: service,
      state,
      nonce: flow.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(flow.codeVerifier),
      code_challenge_method: 'S256',
      ...(stepUp?.maxAge === undefined ? {} : { max_age: String(stepUp.maxAge) }),
      ...(stepUp?.acrValues === undefined ? {} : { acr_values: stepUp.acrValues }),
    };
    const pushed = configuration.serverMetadata().pushed_authorization_request_endpoint !== undefined;
    const url = pushed
      ? await client.buildAuthorizationUrlWithPAR(configuration, parameters)
      : client.buildAuthorizationUrl(configuration, parameters);
    return { url, flow };
  }

  /** Redeems the response. @throws {client.AuthorizationResponseError} if the person or the issuer refused; other errors if it is not genuine */
  async finish(query: string, state: string, flow: Flow): Promise<Granted> {
    const answer = new URL(this.redirectUri);
    answer.search = query;
    const tokens = await client.authorizationCodeGrant(
      await this.configuration(),
      answer,
      {
        expectedState: state,
        expectedNonce: flow.nonce,
        pkceCodeVerifier: flow.codeVerifier,
        idTokenExpected: true,
        ...(flow.maxAge === undefined ? {} : { maxAge: flow.maxAge }),
      },
      { resource: flow.service },
    );
    const claims = tokens.claims();
    if (claims === undefined) throw new TypeError('the issuer sent no ID token');
    return { allowed: this.allowed(tokens), claims };
  }

  /** A new access token, and the successor of the used refresh token. */
  async refresh(service: Service, { refreshToken = '' }: Allowed): Promise<Allowed> {
    const parameters = { resource: service };
    const tokens = await client.refreshTokenGrant(await this.configuration(), refreshToken, parameters);
    return { ...this.allowed(tokens), refreshToken: tokens.refresh_token ?? refreshToken };
  }

  /** The shop's own token, for its own accounts. */
  async own(service: Service, scope: string): Promise<string> {
    const parameters = { resource: service, scope };
    const { access_token: token } = await client.clientCredentialsGrant(await this.configuration(), parameters);
    return token;
  }

  /** Revokes tokens that are no longer needed (RFC 7009). */
  async revoke({ refreshToken, accessToken }: Allowed): Promise<void> {
    await client.tokenRevocation(await this.configuration(), refreshToken ?? accessToken);
  }

  /**
   * The URL for signing out at the issuer too; undefined if the issuer has none. Without `id_token_hint`, so that no token
   * passes through the browser: the issuer asks the person first.
   */
  async signOutUrl(): Promise<URL | undefined> {
    const configuration = await this.configuration();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return client.buildEndSessionUrl(configuration, {
      client_id: this.settings.clientId,
      post_logout_redirect_uri: new URL('/signed-out', this.settings.app).href,
    });
  }

  private allowed(tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers): Allowed {
    const seconds = tokens.expiresIn() ?? 60;
    return {
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      expiresAt: this.now() + Math.max(seconds - RESERVE_SECONDS, 0) * 1_000,
    };
  }
}
