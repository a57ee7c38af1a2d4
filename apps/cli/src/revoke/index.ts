import { API_KEY_PREFIX, parseApiKey } from '@countersign/auth-core';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { table } from '../output.js';
import { limitOption, noteMore, readPages } from '../pages.js';
import { callAdmin } from '../session/admin.js';
import { WHOLE_CHECK_MS } from '../session/long-answer.js';
import { openSession } from '../session/session.js';
import { noteTimes, timeOption } from '../time.js';
import { decodeToken } from '../token/decode.js';

const revocationSchema = z.looseObject({
  kind: z.string(),
  name: z.string(),
  issued_before: z.string().optional(),
  until: z.string(),
  revoked_by: z.string(),
  revoked_at: z.string(),
  reason: z.string().optional(),
  pushed: z.boolean(),
});
const pageSchema = z.object({ revocations: z.array(revocationSchema), next_cursor: z.string().nullable() });
/** The last time that RFC 3339 can express, in seconds since 1970. */
const LAST_TIME = 253_402_300_799;
const claimsSchema = z.looseObject({
  jti: z.string(),
  exp: z.number().positive().max(LAST_TIME),
  txn: z.string().optional(),
  client_id: z.string().optional(),
});

interface RevokeOptions {
  readonly reason?: string;
  readonly before?: string;
}

/** An API key would be stored and published as the id of a token or as a subject, and keep working. @throws {CliError} */
function refuseApiKey(requested: Readonly<Record<string, unknown>>): void {
  const key = Object.values(requested).find((value) => typeof value === 'string' && value.startsWith(API_KEY_PREFIX));
  if (key === undefined) return;
  const id = parseApiKey(String(key))?.id;
  throw new CliError(
    ExitCode.usage,
    'NOT_A_TOKEN',
    'this is an API key, not a token; nothing was revoked',
    `Revoke it by its id: countersign api-keys revoke ${id ?? 'ID (countersign api-keys list shows it)'}`,
  );
}

/** A whole token supplies its `jti`, transaction and expiry. @throws {CliError} */
function tokenRevocation(text: string, withDerived: boolean): Readonly<Record<string, unknown>> {
  const derived = { with_derived: withDerived };
  if (!text.includes('.')) return { kind: 'token', jti: text, ...derived };
  const claims = claimsSchema.safeParse(decodeToken(text).claims).data;
  if (claims === undefined) {
    throw new CliError(
      ExitCode.usage,
      'NOT_A_TOKEN',
      'this token cannot be revoked by itself: it has no id (jti) and expiry (exp)',
      'Revoke the client or subject it names instead: countersign revoke client CLIENT, or subject SUBJECT',
    );
  }
  const { jti, exp, txn, client_id } = claims;
  return {
    kind: 'token',
    jti,
    ...(txn === undefined ? {} : { txn }),
    ...(client_id === undefined ? {} : { client_id }),
    ...derived,
    expires_at: new Date(exp * 1_000).toISOString(),
  };
}

async function revoke(
  requested: Readonly<Record<string, unknown>>,
  { reason, before }: RevokeOptions,
  command: Command,
): Promise<void> {
  refuseApiKey(requested);
  const session = openSession(command);
  noteTimes(command, session.output);
  const body = {
    ...requested,
    ...(reason === undefined ? {} : { reason }),
    ...(before === undefined ? {} : { issued_before: before }),
  };
  const done = await callAdmin(session, revocationSchema, {
    method: 'POST',
    path: '/admin/revocations',
    body,
    // Everything that people allowed a client ends before the response, which can take long.
    ...(requested['kind'] === 'client' ? { timeoutMs: WHOLE_CHECK_MS } : {}),
  });
  const where = done.pushed
    ? 'sent to every validator'
    : 'validators will receive it when NATS is back; the issuer already refuses it';
  session.output.result({ ok: true, ...done }, `revoked ${done.kind} ${done.name} until ${done.until}; ${where}`);
}

async function list(
  { kind, limit }: { readonly kind?: string; readonly limit: number },
  command: Command,
): Promise<void> {
  const session = openSession(command);
  const { items: revocations, next } = await readPages(limit, async (page) => {
    const query = new URLSearchParams({ ...page, ...(kind === undefined ? {} : { kind }) });
    const answer = await callAdmin(session, pageSchema, { path: `/admin/revocations?${query.toString()}` });
    return { items: answer.revocations, next: answer.next_cursor };
  });
  const rows = revocations.map((one) => [
    one.kind,
    one.name,
    one.issued_before ?? '',
    one.until,
    one.revoked_by,
    one.pushed ? 'yes' : 'not yet',
    one.reason ?? '',
  ]);
  session.output.result(
    { ok: true, revocations, next_cursor: next },
    table(['kind', 'name', 'issued before', 'until', 'by', 'pushed', 'reason'], rows, 'Nothing is revoked.'),
  );
  noteMore(session.output, next);
}

const restorationSchema = z.object({ restored_at: z.string().nullable() });

async function restored({ acknowledge = false }: { acknowledge?: boolean }, command: Command): Promise<void> {
  const session = openSession(command);
  const request = acknowledge
    ? ({ method: 'POST', path: '/admin/restoration/acknowledge' } as const)
    : { path: '/admin/restoration' };
  const answer = await callAdmin(session, restorationSchema, request);
  const text =
    answer.restored_at === null
      ? acknowledge
        ? 'acknowledged; all valid assertions are accepted again'
        : 'the database is up to date with everything that the issuer has published'
      : `a restored database was detected at ${answer.restored_at}. Changes since the backup are lost: check\n` +
        'the clients that were disabled or changed since, then run this again with --acknowledge';
  session.output.result({ ok: true, ...answer }, text);
}

const before = (): Option => timeOption('--before <time>', 'only tokens issued up to this time (default: now)');
const reason = (): Option => new Option('--reason <text>', 'why; recorded in the audit trail');

/** `countersign revoke`: refuse tokens everywhere, immediately. */
export function register(program: Command): void {
  const group = program
    .command('revoke')
    .summary('revoke a token, or all tokens of a client or subject')
    .description(
      'Revokes at the issuer, which notifies every validator immediately (needs the scope issuer:admin; the local stack’s operator has it).\n' +
        'A revocation cannot be undone; it is removed automatically once every token that it covers has expired.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign revoke token "$(countersign token --audience payments)" --reason leaked
  countersign revoke client storefront
  countersign revoke list --kind client`,
    );
  group
    .command('token <token>')
    .description(
      'revoke one token, by its text or its jti, and every token of its transaction: those it was exchanged for and those it ' +
        'was exchanged from (by jti: only those it was exchanged for)',
    )
    .option(
      '--with-derived',
      'also revoke all tokens of its transaction; the default, because a leaked token may have been exchanged',
      true,
    )
    .option('--no-with-derived', 'revoke only this token')
    .addOption(reason())
    .action((token: string, { withDerived, ...options }: RevokeOptions & { withDerived: boolean }, command: Command) =>
      revoke(tokenRevocation(token, withDerived), options, command),
    );
  group
    .command('transaction <txn>')
    .description('revoke all tokens of one transaction (the txn of tokens and audit events)')
    .addOption(reason())
    .action((txn: string, options: RevokeOptions, command: Command) =>
      revoke({ kind: 'transaction', txn }, options, command),
    );
  group
    .command('client <client>')
    .description(
      'revoke all tokens that name this client (as client, subject or actor) and were issued before now; new tokens work, but people must consent to an application again',
    )
    .addOption(before())
    .addOption(reason())
    .action((client: string, options: RevokeOptions, command: Command) =>
      revoke({ kind: 'client', client_id: client }, options, command),
    );
  group
    .command('subject <subject>')
    .description(
      'revoke all tokens that name this subject (as subject or actor) and were issued before now; for a person (person:…), also end all sessions and everything that they allowed applications',
    )
    .addOption(before())
    .addOption(reason())
    .action((subject: string, options: RevokeOptions, command: Command) =>
      revoke({ kind: 'subject', subject }, options, command),
    );
  group
    .command('key <kid>')
    .description(
      'revoke everything signed by a key that is no longer published; for a published key use: countersign keys revoke',
    )
    .addOption(reason())
    .action((kid: string, options: RevokeOptions, command: Command) => revoke({ kind: 'key', kid }, options, command));
  group
    .command('restored')
    .description('check whether the issuer’s database was restored from a backup and lost later changes')
    .option('--acknowledge', 'confirm that you have dealt with the lost changes')
    .action(restored);
  group
    .command('list')
    .description('list revocations, newest first')
    .addOption(
      new Option('--kind <kind>', 'only this kind').choices([
        'token',
        'transaction',
        'client',
        'subject',
        'api-key',
        'key',
      ]),
    )
    .addOption(limitOption(50))
    .action(list);
}
