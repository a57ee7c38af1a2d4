import { createReadStream, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Command } from 'commander';
import { apiKeyHash, findApiKeys, parseApiKey } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { table } from '../output.js';
import { callAdmin } from '../session/admin.js';
import { openSession, type Session } from '../session/session.js';

/** A key in a file. */
interface Found {
  readonly file: string;
  readonly line: number;
  readonly id: string;
  readonly environment: string;
  readonly sha256: string;
}

const passedOver = new Set(['.git', 'node_modules']);
/** Keys that one request asks about. */
const LOOKUP_LIMIT = 1_000;
const statusSchema = z.object({
  keys: z.array(
    z.object({ id: z.string(), status: z.string(), client_id: z.string().optional(), name: z.string().optional() }),
  ),
});
type Status = z.infer<typeof statusSchema>['keys'][number];

/** Files below a path; links are not followed. @throws {CliError} for a path that there is not */
function* filesBelow(path: string): Generator<string> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CliError(ExitCode.usage, 'FILE_MISSING', `there is no ${path}`);
  if (stat.isFile()) yield path;
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(path).sort()) if (!passedOver.has(name)) yield* filesBelow(join(path, name));
}

/** The keys of a file, with their lines. Their text stays here: only each key's id and SHA-256 are sent. */
export async function keysIn(file: string): Promise<readonly Found[]> {
  const found: Found[] = [];
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file, 'latin1'), crlfDelay: Infinity })) {
    line += 1;
    if (!text.includes('csk_')) continue;
    for (const key of findApiKeys(text)) {
      const parsed = parseApiKey(key);
      if (parsed !== undefined) found.push({ file, line, ...parsed, sha256: apiKeyHash(key) });
    }
  }
  return found;
}

async function statusesOf(session: Session, found: readonly Found[]): Promise<ReadonlyMap<string, Status>> {
  const asked = [...new Map(found.map(({ id, sha256 }) => [`${id} ${sha256}`, { id, sha256 }])).entries()];
  const statuses = new Map<string, Status>();
  for (let from = 0; from < asked.length; from += LOOKUP_LIMIT) {
    const part = asked.slice(from, from + LOOKUP_LIMIT);
    const body = { keys: part.map(([, key]) => key) };
    const { keys } = await callAdmin(session, statusSchema, { path: '/admin/api-keys/lookup', method: 'POST', body });
    keys.forEach((status, index) => {
      const name = part[index]?.[0];
      if (name !== undefined) statuses.set(name, status);
    });
  }
  return statuses;
}

const isLive = (status: string): boolean => status === 'live' || status === 'rotated';

/** `countersign keys scan`. @throws {CliError} when a key that works is in a file */
export async function scan(path: string, _: object, command: Command): Promise<void> {
  const session = openSession(command);
  const found: Found[] = [];
  for (const file of filesBelow(path)) found.push(...(await keysIn(file)));
  const statuses = found.length === 0 ? new Map<string, Status>() : await statusesOf(session, found);
  const keys = found.map(({ file, line, id, environment, sha256 }) => {
    const { status = 'unknown', client_id: clientId, name } = statuses.get(`${id} ${sha256}`) ?? {};
    return { file, line, id, environment, status, client_id: clientId, name };
  });
  const live = keys.filter(({ status }) => isLive(status)).length;
  const rows = keys.map((key) => [
    `${key.file}:${String(key.line)}`,
    key.id,
    key.environment,
    key.status,
    key.client_id ?? '',
    key.name ?? '',
  ]);
  session.output.result(
    { ok: live === 0, live, keys },
    table(['where', 'id', 'environment', 'status', 'client', 'name'], rows, 'no API keys found'),
  );
  if (live === 0) return;
  const hint = 'Revoke them: countersign api-keys revoke ID --reason "found in a file"';
  throw new CliError(ExitCode.refused, 'LIVE_KEYS_FOUND', `${String(live)} live API keys were found in files`, hint);
}
