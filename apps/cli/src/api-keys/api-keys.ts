import { type Command } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { NewFile } from '../new-file.js';
import { table } from '../output.js';
import { noteMore, readPages } from '../pages.js';
import { callAdmin } from '../session/admin.js';
import { openSession, type Session } from '../session/session.js';
import { secondsOf } from './duration.js';

const apiKeySchema = z.looseObject({
  id: z.string(),
  client_id: z.string(),
  name: z.string(),
  status: z.string(),
  audiences: z.record(z.string(), z.array(z.string())),
  networks: z.array(z.string()),
  plan: z.string().nullable(),
  created_at: z.string(),
  expires_at: z.string(),
  ends_at: z.string().optional(),
  exposed_at: z.string().optional(),
  last_used_at: z.string().optional(),
});
type ApiKey = z.infer<typeof apiKeySchema>;
const newApiKeySchema = apiKeySchema.extend({ api_key: z.string() });
const pageSchema = z.object({ api_keys: z.array(apiKeySchema), next_cursor: z.string().optional() });

const reach = ({ audiences }: ApiKey): string =>
  Object.entries(audiences)
    .map(([audience, scopes]) => `${audience}=${scopes.join(',')}`)
    .join(' ');

const columns = ['id', 'client', 'name', 'status', 'ends', 'last used', 'plan', 'audiences'];
function rowOf(key: ApiKey): readonly string[] {
  const status = key.exposed_at === undefined ? key.status : `${key.status}, exposed`;
  const end = key.ends_at !== undefined && key.ends_at < key.expires_at ? key.ends_at : key.expires_at;
  return [key.id, key.client_id, key.name, status, end, key.last_used_at ?? 'never', key.plan ?? '-', reach(key)];
}
const tableOf = (keys: readonly ApiKey[]): string => table(columns, keys.map(rowOf), 'no API keys');

/** `payments=payments:read,payments:create`, several times. @throws {CliError} */
function audiencesOf(given: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    given.map((text) => {
      const [, audience, scopes] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (audience !== undefined && scopes !== undefined) return [audience, scopes.split(',')];
      throw new CliError(ExitCode.usage, 'ARGUMENT_INVALID', `--audience must be NAME=SCOPE,SCOPE, not ${text}`);
    }),
  );
}

interface NewKeyRequest {
  readonly path: string;
  readonly body: object;
  /** The file for the key, instead of the screen. */
  readonly file: string | undefined;
}

/** Requests a new key and shows it once: on the screen, or in a file that only its owner may read. The file is created before the request. */
async function showNew(session: Session, { path, body, file }: NewKeyRequest): Promise<void> {
  const kept = file === undefined ? undefined : await NewFile.create(file, {});
  const { api_key: text, ...key } = await callAdmin(session, newApiKeySchema, { path, method: 'POST', body });
  if (kept === undefined) {
    session.output.note('The key is shown only once; store it with your secrets.');
    session.output.result({ ok: true, ...key, api_key: text }, `${tableOf([key])}\n\n${text}`);
    return;
  }
  try {
    await kept.write(`${text}\n`);
    await kept.commit();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const hint = `The key was created, but its text is lost. Revoke it and create another one: countersign api-keys revoke ${key.id}`;
    throw new CliError(error.exitCode, error.code, error.message, hint);
  }
  session.output.note(`The key is in ${kept.path}, readable only by you. It is not shown again.`);
  session.output.result({ ok: true, ...key, key_file: kept.path }, tableOf([key]));
}

interface NewOptions {
  readonly audience: readonly string[];
  readonly network: readonly string[];
  readonly plan?: string;
  readonly expiresIn?: string;
  readonly keyOut?: string;
}

export async function createApiKey(client: string, name: string, options: NewOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const audiences = audiencesOf(options.audience);
  if (Object.keys(audiences).length === 0) {
    throw new CliError(
      ExitCode.usage,
      'ARGUMENT_MISSING',
      'name at least one --audience, such as payments=payments:read',
    );
  }
  const { plan, expiresIn, network: networks, keyOut } = options;
  const seconds = expiresIn === undefined ? undefined : secondsOf(expiresIn, '--expires-in');
  const body = {
    client_id: client,
    name,
    audiences,
    networks,
    ...(plan === undefined ? {} : { plan }),
    ...(seconds === undefined ? {} : { expires_at: new Date(Date.now() + seconds * 1_000).toISOString() }),
  };
  await showNew(session, { path: '/admin/api-keys', body, file: keyOut });
}

export async function listApiKeys(
  { client, limit }: { readonly client?: string; readonly limit: number },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const { items: keys, next } = await readPages(limit, async (page) => {
    const query = new URLSearchParams({ ...page, ...(client === undefined ? {} : { client_id: client }) });
    const answer = await callAdmin(session, pageSchema, { path: `/admin/api-keys?${query.toString()}` });
    return { items: answer.api_keys, next: answer.next_cursor };
  });
  session.output.result({ ok: true, api_keys: keys, next_cursor: next }, tableOf(keys));
  noteMore(session.output, next);
}

async function show(request: { path: string; method?: string; body?: object }, command: Command): Promise<void> {
  const session = openSession(command);
  const key = await callAdmin(session, apiKeySchema, request);
  session.output.result({ ok: true, ...key }, tableOf([key]));
}

const pathOf = (id: string, step = ''): string => `/admin/api-keys/${encodeURIComponent(id)}${step}`;

export function showApiKey(id: string, _: object, command: Command): Promise<void> {
  return show({ path: pathOf(id) }, command);
}

export async function rotateApiKey(
  id: string,
  { grace, keyOut }: { grace: string; keyOut?: string },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const body = { grace_seconds: secondsOf(grace, '--grace') };
  await showNew(session, { path: pathOf(id, '/rotate'), body, file: keyOut });
}

const step =
  (name: string) =>
  (id: string, { reason }: { reason?: string }, command: Command): Promise<void> =>
    show({ path: pathOf(id, `/${name}`), method: 'POST', body: reason === undefined ? {} : { reason } }, command);
export const disableApiKey = step('disable');
export const enableApiKey = step('enable');
export const revokeApiKey = step('revoke');
