import { readFileSync } from 'node:fs';
import { z } from 'zod';

const loopback = ['localhost', '127.0.0.1', '[::1]'];
const url = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((text) => new URL(text))
  .refine(({ pathname, search }) => pathname === '/' && search === '', 'must have no path and no query');
const privateJwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });

const variables = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(1).max(65_535).default(4011),
  /** The URL that browsers use; the redirect URIs begin with it. */
  APP_URL: url,
  ISSUER_URL: z.url(),
  PAYMENTS_URL: url,
  ACCOUNTS_URL: url,
  CLIENT_ID: z.string().min(1).default('corner-shop'),
  CLIENT_KEY_FILE: z.string().min(1),
  /** Plain http beyond the loopback address, as inside compose. */
  ALLOW_PLAIN_HTTP: z.stringbool({ truthy: ['true'], falsy: ['false'] }).default(false),
});

export type PrivateJwk = z.infer<typeof privateJwkSchema>;

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly app: URL;
  readonly issuer: URL;
  readonly payments: URL;
  readonly accounts: URL;
  readonly clientId: string;
  readonly clientKey: PrivateJwk;
}

/** The application cannot run with these settings. */
export class SettingsUnusable extends Error {
  readonly code = 'SETTINGS_UNUSABLE';
}

function keyIn(path: string): PrivateJwk {
  try {
    return privateJwkSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SettingsUnusable(`CLIENT_KEY_FILE: ${path} must hold a private JWK with kid and alg`, { cause: error });
  }
}

/** @throws {SettingsUnusable} naming the variables at fault */
export function loadSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) throw new SettingsUnusable(z.prettifyError(parsed.error));
  const { data } = parsed;
  const issuer = new URL(data.ISSUER_URL);
  for (const [name, { protocol, hostname }] of Object.entries({
    APP_URL: data.APP_URL,
    ISSUER_URL: issuer,
    PAYMENTS_URL: data.PAYMENTS_URL,
    ACCOUNTS_URL: data.ACCOUNTS_URL,
  }))
    if (protocol !== 'https:' && !loopback.includes(hostname) && !data.ALLOW_PLAIN_HTTP)
      throw new SettingsUnusable(`${name} must be https beyond the loopback address`);
  return {
    host: data.HOST,
    port: data.PORT,
    app: data.APP_URL,
    issuer,
    payments: data.PAYMENTS_URL,
    accounts: data.ACCOUNTS_URL,
    clientId: data.CLIENT_ID,
    clientKey: keyIn(data.CLIENT_KEY_FILE),
  };
}
