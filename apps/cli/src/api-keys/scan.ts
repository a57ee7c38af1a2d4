import { createReadStream, lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { type Command } from 'commander';
import { API_KEY_LENGTH_LIMIT, API_KEY_PATTERN, apiKeyHash, parseApiKey, messageOf } from '@countersign/auth-core';
import { z } from 'zod';
import { CheckFailed, CliError, ExitCode } from '../cli-error.js';
import { counted } from '../counted.js';
import { printable, table } from '../output.js';
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
/** Maximum keys per request. */
const LOOKUP_LIMIT = 1_000;
const statusSchema = z.object({
  keys: z.array(
    z.object({ id: z.string(), status: z.string(), client_id: z.string().optional(), name: z.string().optional() }),
  ),
});
type Status = z.infer<typeof statusSchema>['keys'][number];

const notReadable = (path: string, reason: string): CliError =>
  new CliError(ExitCode.usage, 'FILE_UNREADABLE', `${path} cannot be read: ${reason}`);

/** @throws {CliError} for a path that does not exist, or cannot be reached */
function named(path: string): Stats {
  let stat: Stats | undefined;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw notReadable(path, messageOf(error));
  }
  if (stat === undefined) throw new CliError(ExitCode.usage, 'FILE_MISSING', `there is no ${path}`);
  return stat;
}

/**
 * What the caller names is read whatever it is, even a link or a pipe: finding nothing because nothing was read would look like a clean scan.
 * @param unreadable collects the folders that cannot be read
 * @throws {CliError} for a path that does not exist
 */
function* filesOf(path: string, unreadable: string[]): Generator<string> {
  if (named(path).isDirectory()) yield* filesBelow(path, unreadable);
  else yield path;
}

/** The status of a listed name: undefined if it cannot be reached, such as one that is not UTF-8 or in a folder that may only be listed. */
function listed(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Files in a folder and its subfolders; links are not followed, so that no file is read twice and none outside the folder. */
function* filesBelow(folder: string, unreadable: string[]): Generator<string> {
  for (const name of namesIn(folder, unreadable)) {
    const path = join(folder, name);
    const stat = listed(path);
    if (stat === undefined) unreadable.push(path);
    else if (stat.isFile()) yield path;
    else if (stat.isDirectory() && !passedOver.has(name)) yield* filesBelow(path, unreadable);
  }
}

function namesIn(path: string, unreadable: string[]): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    unreadable.push(path);
    return [];
  }
}

/** The keys of all files below a path, and what could not be read: a scan skips that, and says so. */
export async function scanned(
  path: string,
): Promise<{ readonly found: readonly Found[]; readonly unreadable: readonly string[] }> {
  const [found, unreadable]: [Found[], string[]] = [[], []];
  for (const file of filesOf(path, unreadable)) {
    try {
      // One by one: a file may contain more of them than a call can take as arguments.
      for (const key of await keysIn(file)) found.push(key);
    } catch {
      unreadable.push(file);
    }
  }
  return { found, unreadable };
}

const isOfAKey = (code: number): boolean => /\w/.test(String.fromCharCode(code));

/** End of the text that can be scanned now: the rest may be the start of a key. A run of key characters longer than a key is not a key. */
function wholeUntil(text: string): number {
  const least = Math.max(0, text.length - API_KEY_LENGTH_LIMIT - 1);
  let end = text.length;
  while (end > least && isOfAKey(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

/** Parts of a file, none of which ends in the middle of a key, however long its lines are; UTF-16 text without its zero bytes. */
async function* partsOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'latin1')) {
    const text = rest + String(chunk).replaceAll('\0', '');
    const end = wholeUntil(text);
    yield text.slice(0, end);
    rest = text.slice(end);
  }
  yield rest;
}

/** The keys of a file, with their lines. Their text stays here: only each key's id and SHA-256 are sent. */
export async function keysIn(file: string): Promise<readonly Found[]> {
  const found: Found[] = [];
  let line = 1;
  for await (const part of partsOf(file)) {
    let from = 0;
    for (const { 0: key, index } of part.matchAll(API_KEY_PATTERN)) {
      line += newLines(part.slice(from, index));
      from = index;
      const parsed = parseApiKey(key);
      if (parsed !== undefined) found.push({ file, line, ...parsed, sha256: apiKeyHash(key) });
    }
    line += newLines(part.slice(from));
  }
  return found;
}

function newLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
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

/** `countersign keys scan`. @throws {CheckFailed} when a file contains a working key, or something could not be read, which may contain one */
export async function scan(path: string, _: object, command: Command): Promise<void> {
  const session = openSession(command);
  const { found, unreadable } = await scanned(path);
  if (unreadable.includes(path)) throw notReadable(path, 'nothing was scanned');
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
  const shown = table(['where', 'id', 'environment', 'status', 'client', 'name'], rows, 'no API keys found');
  const missed = unreadable.map((one) => `\nnot readable: ${printable(one)}`).join('');
  const isWhole = unreadable.length === 0;
  session.output.result({ ok: live === 0 && isWhole, live, keys, unreadable }, `${shown}${missed}`);
  if (!isWhole)
    session.output.note(
      `error: ${counted(unreadable.length, 'path was', 'paths were')} not readable, so the scan is incomplete`,
    );
  if (live > 0)
    session.output.note(
      `error: ${counted(live, 'live API key was', 'live API keys were')} found in files\n` +
        'Revoke them: countersign api-keys revoke ID --reason "found in a file"',
    );
  if (live > 0) throw new CheckFailed();
  if (!isWhole) throw new CheckFailed(ExitCode.usage);
}
