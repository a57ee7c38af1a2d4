import { webKeyOf } from '@countersign/service-host';
import { type ClientAuth, type Configuration, type CustomFetch } from 'openid-client';
import { ANSWER_SIZE_LIMIT } from './provider.js';
import { providerProblemOf } from './provider-problem.js';
import { type DeclaredProvider } from './providers-file.js';

/** Seconds that one request to a provider may take. */
const TIMEOUT_SECONDS = 5;
/** Milliseconds for which discovered metadata is used; after that it is fetched again, and still used while fetching fails. */
const FRESH_MS = 3_600_000;
/** Milliseconds after a failure during which sign-ins fail immediately, so that a hanging provider does not block everybody. */
const REST_MS = 2_000;

/** Fetches at most the allowed size, without following redirects. */
const limitedFetch: CustomFetch = async (url, options) => {
  const { body = null, duplex, headers, method, signal = null } = options;
  const response = await fetch(url, {
    body,
    headers,
    method,
    signal,
    redirect: 'manual',
    ...(duplex === undefined ? {} : { duplex }),
  });
  if (response.body === null) return response;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body) {
    size += part.byteLength;
    if (size > ANSWER_SIZE_LIMIT) throw new Error(`the answer has more than ${String(ANSWER_SIZE_LIMIT)} bytes`);
    parts.push(part);
  }
  const { status, statusText, headers: said } = response;
  return new Response(Buffer.concat(parts), { status, statusText, headers: said });
};

/** Loaded with the first sign-in, because startup does not need it. */
export const loadOpenIdClient = () => import('openid-client');
type OpenIdClient = Awaited<ReturnType<typeof loadOpenIdClient>>;

async function authenticationOf(oidc: OpenIdClient, provider: DeclaredProvider): Promise<ClientAuth> {
  switch (provider.token_endpoint_auth_method) {
    case 'client_secret_basic':
      return oidc.ClientSecretBasic(provider.secret());
    case 'client_secret_post':
      return oidc.ClientSecretPost(provider.secret());
    case 'none':
      return oidc.None();
    case 'private_key_jwt': {
      const jwk = provider.key();
      return oidc.PrivateKeyJwt({ key: await webKeyOf(jwk), kid: jwk.kid });
    }
  }
}

/** One provider's metadata: discovered on first use, refreshed periodically. */
export class ProviderConnection {
  #known: Configuration | undefined;
  #knownAt = Number.NEGATIVE_INFINITY;
  /** The secret or key for this provider. */
  #knownWith = '';
  #failed: { readonly error: Error; readonly at: number } | undefined;
  #discovering: Promise<Configuration> | undefined;

  /** @param now milliseconds of a clock that only moves forward */
  constructor(
    readonly provider: DeclaredProvider,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws {ProviderProblem} if nothing is known yet and the provider does not respond */
  async configuration(): Promise<Configuration> {
    const isFresh = this.now() - this.#knownAt < FRESH_MS && this.#credential() === this.#knownWith;
    if (this.#known !== undefined && isFresh) return this.#known;
    if (this.#failed !== undefined && this.now() - this.#failed.at < REST_MS) {
      if (this.#known !== undefined) return this.#known;
      throw this.#failed.error;
    }
    this.#discovering ??= this.#discover().finally(() => (this.#discovering = undefined));
    return this.#discovering;
  }

  /** The file's current content; the previous content while it cannot be read. */
  #credential(): string {
    try {
      const { token_endpoint_auth_method: method } = this.provider;
      return method === 'private_key_jwt' ? JSON.stringify(this.provider.key()) : this.provider.secret();
    } catch {
      return this.#knownWith;
    }
  }

  async #discover(): Promise<Configuration> {
    const { issuer, client_id: clientId } = this.provider;
    const plain = new URL(issuer).protocol === 'http:';
    try {
      const oidc = await loadOpenIdClient();
      const credential = this.#credential();
      const authentication = await authenticationOf(oidc, this.provider);
      const found = await oidc.discovery(new URL(issuer), clientId, undefined, authentication, {
        timeout: TIMEOUT_SECONDS,
        [oidc.customFetch]: limitedFetch,
        // The signature is checked too, not only where the ID token came from.
        execute: [oidc.enableNonRepudiationChecks, ...(plain ? [oidc.allowInsecureRequests] : [])],
      });
      [this.#known, this.#knownAt, this.#knownWith, this.#failed] = [found, this.now(), credential, undefined];
      return found;
    } catch (error) {
      const problem = providerProblemOf(error);
      this.#failed = { error: problem, at: this.now() };
      if (this.#known !== undefined) return this.#known;
      throw problem;
    }
  }
}
