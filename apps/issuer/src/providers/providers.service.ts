import { Inject, Injectable } from '@nestjs/common';
import { CLOCK } from '@countersign/service-host';
import { type Configuration } from 'openid-client';
import { ISSUER_URL } from '../issuer-url.js';
import { type ProvidedPerson } from '../people/person.js';
import { type SignInProof } from '../sessions/sessions.service.js';
import { providedSignIn, type SignInDemand } from './provided-sign-in.js';
import { type Provider } from './provider.js';
import { loadOpenIdClient, ProviderConnection } from './provider-connection.js';
import { providerProblemOf } from './provider-problem.js';
import { type DeclaredProvider } from './providers-file.js';

export const PROVIDERS = Symbol('countersign.issuer.providers');

/** What ties a provider's response to its request. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Who signed in, and what is stored about it. */
export interface RedeemedSignIn {
  readonly person: ProvidedPerson;
  readonly proof: SignInProof;
}

/** What a sign-in requests of the provider besides identifying the person. */
export interface SignInRequest {
  readonly loginHint: string | undefined;
  /** Whether the person must authenticate again. */
  readonly forced: boolean;
  /** Instead of the provider's own values; empty to use those. */
  readonly acrValues: readonly string[];
}

/** The outside OpenID providers, each with its own callback, so that one's response is never mistaken for another's (RFC 9700, section 4.4). */
@Injectable()
export class Providers {
  readonly #connections: ReadonlyMap<string, ProviderConnection>;

  constructor(
    @Inject(PROVIDERS) declared: readonly DeclaredProvider[],
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {
    this.#connections = new Map(declared.map((provider) => [provider.name, new ProviderConnection(provider)]));
  }

  /** As they are declared, in that order. */
  get all(): readonly Provider[] {
    return [...this.#connections.values()].map(({ provider }) => provider);
  }

  find(name: string): Provider | undefined {
    return this.#connections.get(name)?.provider;
  }

  callbackOf({ name }: Provider): string {
    return `${this.issuer}/sign-in/callback/${name}`;
  }

  /** Where the browser goes to sign in. @throws {ProviderProblem} 503 while the provider is unavailable */
  async authorizationUrl(provider: Provider, secrets: SignInSecrets, request: SignInRequest): Promise<URL> {
    const { state, nonce, codeVerifier } = secrets;
    const acrValues = request.acrValues.length > 0 ? request.acrValues : provider.acr_values;
    const configuration = await this.configurationOf(provider);
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await loadOpenIdClient();
    return buildAuthorizationUrl(configuration, {
      redirect_uri: this.callbackOf(provider),
      scope: provider.scopes.join(' '),
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      max_age: String(request.forced ? 0 : provider.max_age),
      ...(request.forced ? { prompt: 'login' } : {}),
      ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
      ...(request.loginHint === undefined ? {} : { login_hint: request.loginHint }),
    });
  }

  /**
   * Redeems a provider's response and verifies everything in it: state, `iss` (RFC 9207), the ID token's signature, issuer, audience, times and
   * nonce, and that userinfo is about the same subject.
   * @param answer the parameters sent to the provider's own callback
   * @throws {ProviderProblem}
   */
  async redeem(
    provider: Provider,
    answer: URLSearchParams,
    secrets: SignInSecrets,
    demand: SignInDemand,
  ): Promise<RedeemedSignIn> {
    const url = new URL(this.callbackOf(provider));
    url.search = answer.toString();
    try {
      const configuration = await this.configurationOf(provider);
      const { authorizationCodeGrant } = await loadOpenIdClient();
      const tokens = await authorizationCodeGrant(configuration, url, {
        expectedState: secrets.state,
        expectedNonce: secrets.nonce,
        pkceCodeVerifier: secrets.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('there is no ID token');
      const userinfo = await this.#userinfoOf(provider, configuration, tokens.access_token, claims.sub);
      const provided = providedSignIn(claims, userinfo, provider, demand, this.clock());
      const isHint = provider.sign_out !== 'never' && provider.sign_out_hint;
      return {
        ...provided,
        proof: { ...provided.proof, idToken: isHint ? tokens.id_token : undefined },
      };
    } catch (error) {
      throw providerProblemOf(error);
    }
  }

  returnFromSignOutOf({ name }: Provider): string {
    return `${this.issuer}/sign-in/signed-out/${name}`;
  }

  /**
   * Where the browser goes to end the provider's own session (OpenID Connect RP-Initiated Logout 1.0, section 2).
   * @param idToken the one that started the session here; without it the provider asks the person
   * @param state is returned; undefined if nobody returns
   * @returns undefined for a provider that has no such address
   * @throws {ProviderProblem} 503 while the provider is unavailable and not known yet
   */
  async endSessionUrl(
    provider: Provider,
    idToken: string | undefined,
    state: string | undefined,
  ): Promise<URL | undefined> {
    const configuration = await this.configurationOf(provider);
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    const { buildEndSessionUrl } = await loadOpenIdClient();
    try {
      return buildEndSessionUrl(configuration, {
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
        ...(state === undefined ? {} : { post_logout_redirect_uri: this.returnFromSignOutOf(provider), state }),
      });
    } catch (error) {
      throw providerProblemOf(error);
    }
  }

  /** @throws {ProviderProblem} */
  async configurationOf({ name }: Provider): Promise<Configuration> {
    const connection = this.#connections.get(name);
    if (connection === undefined) throw new Error(`the provider ${name} is not declared`);
    return connection.configuration();
  }

  async #userinfoOf(
    provider: Provider,
    configuration: Configuration,
    accessToken: string,
    subject: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    if (!provider.userinfo || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    const { fetchUserInfo } = await loadOpenIdClient();
    return fetchUserInfo(configuration, accessToken, subject);
  }
}
