import { z } from 'zod';
import { rolesMappingSchema } from './roles.js';

/** Maximum outside providers of one issuer. */
export const PROVIDERS_LIMIT = 20;
/** Maximum bytes of one response from a provider. */
export const ANSWER_SIZE_LIMIT = 256 * 1024;

const shortText = z.string().min(1).max(256);
const issuerUrl = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .refine((text) => {
    const { username, password, search, hash } = new URL(text);
    return username === '' && password === '' && search === '' && hash === '';
  }, 'must be an http or https URL without credentials, query and fragment');

const providerSchema = z
  .strictObject({
    /** Part of the callback's path, which is separate for each provider: `/sign-in/callback/<name>`. */
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be at most 32 characters of a-z, 0-9 and -'),
    /** On the page where a person chooses. */
    title: z.string().min(1).max(64),
    /** The provider's identifier, as in the `iss` of its ID tokens. */
    issuer: issuerUrl,
    client_id: shortText,
    token_endpoint_auth_method: z
      .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
      .default('client_secret_basic'),
    /** The path of a file with the secret; relative paths start at the declared file. */
    client_secret_file: z.string().min(1).optional(),
    /** The path of a JSON file with one private JWK, for `private_key_jwt`. */
    client_key_file: z.string().min(1).optional(),
    scopes: z.array(shortText).min(1).max(20).default(['openid', 'profile', 'email']),
    /** Requested at each sign-in (OpenID Connect Core, section 3.1.2.1). */
    acr_values: z.array(shortText).max(10).default([]),
    /** Whether a sign-in with another `acr` is refused. */
    require_acr: z.boolean().default(false),
    /** Seconds after which the provider must ask the person to sign in again. */
    max_age: z.int().min(0).max(7_776_000).default(43_200),
    /** `required`: an ID token must say when the person signed in. `assumed`: a token without that time counts as a sign-in just now. */
    auth_time: z.enum(['required', 'assumed']).default('required'),
    /** Whether claims are also fetched from the userinfo endpoint. */
    userinfo: z.boolean().default(true),
    /**
     * What happens to the provider's session when a person signs out here (OpenID Connect RP-Initiated Logout 1.0). `offer`: a page offers
     * to end it too; `always`: the browser goes there immediately; `never`: nobody is sent there.
     */
    sign_out: z.enum(['offer', 'always', 'never']).default('offer'),
    /** Whether `/sign-in/signed-out/<name>` is registered there, so that people return. */
    post_logout_redirect: z.boolean().default(false),
    /** Whether the provider's ID token is sent along when people sign out there: then it need not ask them, but has the token in its logs. */
    sign_out_hint: z.boolean().default(true),
    roles: rolesMappingSchema.default({ claim: ['roles'], map: {} }),
  })
  .superRefine((provider, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message });
    const { token_endpoint_auth_method: method, client_secret_file: secret, client_key_file: key } = provider;
    const bySecret = method === 'client_secret_basic' || method === 'client_secret_post';
    if (bySecret !== (secret !== undefined))
      fault(`client_secret_file must be set for client_secret_basic and client_secret_post, and for no other method`);
    if ((method === 'private_key_jwt') !== (key !== undefined))
      fault('client_key_file must be set for private_key_jwt, and for no other method');
    // Otherwise people would never return to the application.
    if (provider.sign_out === 'always' && !provider.post_logout_redirect)
      fault('sign_out: always needs post_logout_redirect: true, with /sign-in/signed-out/<name> registered there');
    if (!provider.scopes.includes('openid')) fault('scopes must include openid');
    if (provider.require_acr && provider.acr_values.length === 0) fault('require_acr needs acr_values');
  });
/** An outside OpenID provider, as PROVIDERS_FILE declares it. */
export type Provider = z.infer<typeof providerSchema>;

const twice = (values: readonly string[]): string | undefined =>
  values.find((value, index) => values.indexOf(value) !== index);

export const providersFileSchema = z
  .strictObject({ $schema: z.string().optional(), providers: z.array(providerSchema).max(PROVIDERS_LIMIT) })
  .superRefine(({ providers }, context) => {
    const name = twice(providers.map((provider) => provider.name));
    const issuer = twice(providers.map((provider) => provider.issuer));
    if (name !== undefined)
      context.addIssue({ code: 'custom', path: ['providers'], message: `${name} is declared twice` });
    // A person is known by issuer and subject; two clients of one issuer would be two ways to sign in as the same person.
    if (issuer !== undefined)
      context.addIssue({ code: 'custom', path: ['providers'], message: `the issuer ${issuer} is declared twice` });
  });
