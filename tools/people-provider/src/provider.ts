import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { interactionPolicy, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { type RelyingParty } from './clients.js';
import { contentSecurityPolicy, errorPage, signedOutPage, signOutPage } from './pages.js';
import { people, PASSWORD, TWO_FACTORS } from './people.js';

export interface ProviderOptions {
  /** The provider's own URL, as browsers and relying parties both reach it. */
  readonly issuer: string;
  readonly clients: readonly RelyingParty[];
}

const scopeClaims = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: ['name', 'groups'],
  email: ['email', 'email_verified'],
};

function send(ctx: KoaContextWithOIDC, page: string): void {
  ctx.type = 'html';
  ctx.set('content-security-policy', contentSecurityPolicy);
  ctx.body = page;
}

const configuration = async (clients: readonly RelyingParty[]): Promise<Configuration> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const policy = interactionPolicy.base();
  // One page only: choosing a person is agreeing that the relying party gets to know who that is.
  policy.remove('consent');
  return {
    clients: clients.map(({ client_secret: secret, jwks, backchannel_logout_uri: logout, ...client }) => ({
      ...client,
      ...(secret === undefined ? {} : { client_secret: secret }),
      ...(jwks === undefined ? {} : { jwks: { keys: jwks.keys.map((key) => ({ ...key })) } }),
      ...(logout === undefined ? {} : { backchannel_logout_uri: logout }),
      token_endpoint_auth_method: jwks === undefined ? 'client_secret_basic' : 'private_key_jwt',
      ...(jwks === undefined ? {} : { token_endpoint_auth_signing_alg: 'ES256' }),
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      backchannel_logout_session_required: true,
    })),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
    cookies: { keys: [randomBytes(32)], names: { session: 'people-session', interaction: 'people-interaction' } },
    claims: scopeClaims,
    acrValues: [PASSWORD.acr, TWO_FACTORS.acr],
    // A relying party that only reads the ID token learns the same as one that asks userinfo.
    conformIdTokenClaims: false,
    clientDefaults: { require_auth_time: true },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email'],
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      claimsParameter: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          send(ctx, signOutPage(form));
        },
        postLogoutSuccessSource: (ctx) => {
          send(ctx, signedOutPage());
        },
      },
    },
    // Relying parties of a development stack are on the loopback address, to which the dispatcher that comes with the request refuses to go.
    fetch: (input, { method = 'GET', headers = {}, body = null, redirect = 'manual', signal = null } = {}) =>
      fetch(input, { method, headers, body, redirect, signal }),
    interactions: { policy, url: (_ctx, { uid }) => `/interaction/${uid}` },
    ttl: {
      Session: 8 * 3_600,
      Interaction: 600,
      IdToken: 300,
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: 8 * 3_600,
    },
    findAccount: (_ctx, id) => {
      const found = people.find((one) => one.id === id);
      if (found === undefined) return undefined;
      const { name, email, groups } = found;
      return { accountId: id, claims: () => ({ sub: id, name, email, email_verified: true, groups: [...groups] }) };
    },
    async loadExistingGrant({ oidc }) {
      const { client, session, provider } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(Object.keys(scopeClaims).join(' '));
      await grant.save();
      return grant;
    },
    renderError: (ctx, { error, error_description: description = 'The request cannot be answered.' }) => {
      send(ctx, errorPage(error, description));
    },
  };
};

/** An OpenID provider that keeps everything in memory: what it knew is gone when it ends. */
export async function createProvider({ issuer, clients }: ProviderOptions): Promise<Provider> {
  return new Provider(issuer, await configuration(clients));
}
