import { generateSigningKey, publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { type Command } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode, OutcomeUnknown } from '../cli-error.js';
import { NewFile } from '../new-file.js';
import { callAdmin } from '../session/admin.js';
import { openSession, type Session } from '../session/session.js';
import { clientSchema } from './registered-clients.js';

interface AddOptions {
  readonly audience: readonly string[];
  readonly keyOut?: string;
  readonly secret: boolean;
  readonly dpopRequired: boolean;
}
interface RotateOptions {
  readonly keyOut?: string;
  readonly secret: boolean;
  readonly remove?: string;
}

const newClientSchema = clientSchema.extend({ client_secret: z.string().optional() });
const newSecretSchema = z.object({ client_id: z.string(), secret_id: z.string(), client_secret: z.string() });

const usage = (message: string, hint: string): CliError => new CliError(ExitCode.usage, 'USAGE', message, hint);

/** `payments=payments:create,payments:read` */
function parseAudience(text: string): readonly [string, readonly string[]] {
  const [name = '', scopes = '', ...rest] = text.split('=');
  const list = scopes.split(',').filter((scope) => scope !== '');
  if (name === '' || list.length === 0 || rest.length > 0) {
    throw usage(`--audience ${text} names no scopes`, 'Write it as payments=payments:create,payments:read');
  }
  return [name, list];
}

/**
 * Creates a key and stores its private part, readable only by its owner; never over an existing file, and only once the issuer has its public part, so
 * that the same command works again after a refusal.
 * @param register registers its public part at the issuer
 */
async function withNewKey<Answer>(
  path: string,
  register: (key: PrivateJwk) => Promise<Answer>,
): Promise<{ readonly key: PrivateJwk; readonly answer: Answer }> {
  const file = await NewFile.create(path, {});
  const key = await generateSigningKey();
  await file.write(`${JSON.stringify(key)}\n`);
  let answer: Answer;
  try {
    answer = await register(key);
  } catch (error) {
    if (error instanceof OutcomeUnknown) throw await kept(error, file, `the issuer may have registered ${key.kid}`);
    await file.discard();
    throw error;
  }
  try {
    await file.commit();
  } catch (error) {
    throw error instanceof CliError ? await kept(error, file, `the issuer has registered ${key.kid}`) : error;
  }
  return { key, answer };
}

/** The private part of a key that is, or may be, registered stays in place. */
async function kept({ exitCode, code, message }: CliError, file: NewFile, what: string): Promise<CliError> {
  return new CliError(exitCode, code, message, `Its private key is in ${await file.keepUnfinished()}: ${what}`);
}

/** `countersign clients add`. */
export async function addClient(client: string, options: AddOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { audience, keyOut, secret, dpopRequired } = options;
  if (secret === (keyOut !== undefined)) {
    throw usage('specify how the client authenticates', 'Either --key-out FILE (a new key) or --secret.');
  }
  const audiences = Object.fromEntries(audience.map(parseAudience));
  const policy = { audiences, ...(dpopRequired ? { dpop: 'required' } : {}) };
  const add = (credentials: object): Promise<z.infer<typeof newClientSchema>> =>
    callAdmin(session, newClientSchema, {
      ...{ method: 'POST', path: '/admin/clients' },
      body: { client_id: client, ...credentials, policy },
    });
  const added =
    keyOut === undefined
      ? await add({ token_endpoint_auth_method: 'client_secret_basic' })
      : (await withNewKey(keyOut, (key) => add({ jwks: { keys: [publicJwkOf(key)] } }))).answer;
  session.output.result(
    { ok: true, ...added, ...(keyOut === undefined ? {} : { key_file: keyOut }) },
    added.client_secret ?? `${client} is registered; its private key is in ${keyOut ?? ''}`,
  );
  if (added.client_secret !== undefined) session.output.note('This is its secret. It is shown only once.');
}

async function rotateSecret(session: Session, path: string): Promise<void> {
  const made = await callAdmin(session, newSecretSchema, { method: 'POST', path: `${path}/secrets` });
  session.output.result({ ok: true, ...made }, made.client_secret);
  session.output.note('This is the new secret. It is shown only once. The previous one works until the next rotation.');
}

/** `countersign clients rotate`. */
export async function rotateClient(client: string, options: RotateOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { keyOut, secret, remove } = options;
  const path = `/admin/clients/${encodeURIComponent(client)}`;
  const asked = [keyOut !== undefined, secret, remove !== undefined].filter(Boolean).length;
  if (asked !== 1) {
    throw usage('specify what to rotate', 'One of: --key-out FILE (a new key), --secret (a new secret), --remove KID.');
  }
  if (secret) {
    await rotateSecret(session, path);
    return;
  }
  if (remove !== undefined) {
    const changed = await callAdmin(session, clientSchema, {
      method: 'DELETE',
      path: `${path}/keys/${encodeURIComponent(remove)}`,
    });
    session.output.result({ ok: true, ...changed }, `${client}: the key ${remove} was removed`);
    return;
  }
  if (keyOut === undefined) return;
  const { key, answer: changed } = await withNewKey(keyOut, (made) =>
    callAdmin(session, clientSchema, { method: 'POST', path: `${path}/keys`, body: publicJwkOf(made) }),
  );
  const others = changed.jwks?.keys.map(({ kid }) => kid).filter((kid) => kid !== key.kid) ?? [];
  session.output.result(
    { ok: true, ...changed, key_file: keyOut, kid: key.kid },
    [
      `${client}: the key ${key.kid} is added; its private part is in ${keyOut}`,
      ...others.map(
        (kid) => `  once nothing signs with the previous one: countersign clients rotate ${client} --remove ${kid}`,
      ),
    ].join('\n'),
  );
}
