import { readFileSync } from 'node:fs';
import { messageOf } from '@countersign/auth-core';
import { type Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { table } from '../output.js';
import { noteMore, readPages } from '../pages.js';
import { callAdmin } from '../session/admin.js';
import { openSession } from '../session/session.js';

/** A client as the admin API returns it; members that this command does not need pass through. */
export const clientSchema = z.looseObject({
  client_id: z.string(),
  status: z.string(),
  token_endpoint_auth_method: z.string().optional(),
  jwks: z.looseObject({ keys: z.array(z.looseObject({ kid: z.string() })) }).optional(),
  policy: z.looseObject({ audiences: z.record(z.string(), z.array(z.string())).default({}) }),
});
type ClientView = z.infer<typeof clientSchema>;

const pageSchema = z.object({ clients: z.array(clientSchema), next_cursor: z.string().optional() });
const appliedSchema = z.looseObject({
  dry_run: z.boolean(),
  changes: z.array(z.looseObject({ client_id: z.string(), kind: z.string(), text: z.string() })),
});

const audiencesOf = ({ policy }: ClientView): string => Object.keys(policy.audiences).join(' ');

/** `countersign clients list`. */
export async function listClients({ limit }: { readonly limit: number }, command: Command): Promise<void> {
  const session = openSession(command);
  const { items: clients, next } = await readPages(limit, async (page) => {
    const path = `/admin/clients?${new URLSearchParams(page).toString()}`;
    const answer = await callAdmin(session, pageSchema, { path });
    return { items: answer.clients, next: answer.next_cursor };
  });
  const rows = clients.map((client) => [
    client.client_id,
    client.status,
    client.token_endpoint_auth_method ?? '',
    audiencesOf(client),
  ]);
  const shown = table(['client', 'status', 'authenticates by', 'audiences'], rows);
  session.output.result({ ok: true, clients, next_cursor: next }, shown);
  noteMore(session.output, next);
}

/** `countersign clients show`. */
export async function showClient(client: string, _: object, command: Command): Promise<void> {
  const session = openSession(command);
  const found = await callAdmin(session, clientSchema, { path: `/admin/clients/${encodeURIComponent(client)}` });
  session.output.result({ ok: true, ...found }, JSON.stringify(found, null, 2));
}

/** `countersign clients disable` and `enable`. */
export async function setClient(client: string, verb: 'disable' | 'enable', command: Command): Promise<void> {
  const session = openSession(command);
  const path = `/admin/clients/${encodeURIComponent(client)}/${verb}`;
  const changed = await callAdmin(session, clientSchema, { method: 'POST', path });
  const text = verb === 'disable' ? 'disabled; its tokens are refused everywhere' : 'enabled; it can get tokens again';
  session.output.result({ ok: true, ...changed }, `${client}: ${text}`);
}

function readDeclared(path: string): object {
  try {
    const text = readFileSync(path, 'utf8');
    const content: unknown = /\.ya?ml$/i.test(path) ? parseYaml(text, { maxAliasCount: 100 }) : JSON.parse(text);
    return z.looseObject({ clients: z.array(z.unknown()) }).parse(content);
  } catch (error) {
    const reason = messageOf(error);
    throw new CliError(
      ExitCode.usage,
      'FILE_UNREADABLE',
      `${path} does not declare clients: ${reason}`,
      'It must have the form of CLIENTS_FILE: { "clients": [ … ] }; the issuer publishes its schema at /schemas/clients.json.',
    );
  }
}

/** `countersign clients apply`. */
export async function applyClients(
  path: string,
  options: { readonly dryRun: boolean },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const { clients } = z.object({ clients: z.array(z.unknown()) }).parse(readDeclared(path));
  const body = { clients, dry_run: options.dryRun };
  const applied = await callAdmin(session, appliedSchema, { method: 'POST', path: '/admin/clients/apply', body });
  const lines = applied.changes.map(({ text }) => text);
  const head = applied.dry_run ? 'Would change:' : 'Changed:';
  session.output.result(
    { ok: true, ...applied },
    lines.length === 0 ? 'Nothing differs.' : [head, ...lines].join('\n'),
  );
}
