import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { clientsFileSchema, type RelyingParty } from './clients.js';

const variables = z.object({
  NODE_ENV: z
    .string()
    .optional()
    .refine((value) => value !== 'production', 'must not be production: anybody may sign in here as anybody'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(1).max(65_535).default(4010),
  PROVIDER_URL: z.url({ protocol: /^https?$/ }).optional(),
  PROVIDER_CLIENTS_FILE: z.string().min(1),
});

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly issuer: string | undefined;
  readonly clients: readonly RelyingParty[];
}

/** What the process was started with cannot be used. */
export class SettingsUnusable extends Error {
  readonly code = 'SETTINGS_UNUSABLE';
}

function clientsIn(path: string): readonly RelyingParty[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingsUnusable(`PROVIDER_CLIENTS_FILE: ${path} is not a readable JSON file`, { cause: error });
  }
  const parsed = clientsFileSchema.safeParse(content);
  if (!parsed.success) throw new SettingsUnusable(`PROVIDER_CLIENTS_FILE: ${z.prettifyError(parsed.error)}`);
  return parsed.data.clients;
}

/** @throws {SettingsUnusable} naming the variables at fault; always when NODE_ENV is `production` */
export function loadSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) throw new SettingsUnusable(z.prettifyError(parsed.error));
  const { HOST: host, PORT: port, PROVIDER_URL: issuer, PROVIDER_CLIENTS_FILE: file } = parsed.data;
  return { host, port, issuer, clients: clientsIn(file) };
}
