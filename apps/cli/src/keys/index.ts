import { type Command } from 'commander';
import { z } from 'zod';
import { scan } from '../api-keys/scan.js';
import { table } from '../output.js';
import { callAdmin } from '../session/admin.js';
import { openSession } from '../session/session.js';

const keysSchema = z.object({
  keys: z.array(
    z.looseObject({
      kid: z.string(),
      alg: z.string(),
      state: z.string(),
      revoked: z.boolean(),
      created_at: z.string(),
      usable_from: z.string(),
    }),
  ),
});

async function show(request: { path: string; method?: string }, done: string, command: Command): Promise<void> {
  const session = openSession(command);
  const answer = await callAdmin(session, keysSchema, request);
  const rows = answer.keys.map(({ kid, alg, state, revoked, created_at: created, usable_from: usable }) => [
    kid,
    alg,
    revoked ? 'revoked' : state,
    created,
    usable,
  ]);
  session.output.note(done);
  session.output.result({ ok: true, ...answer }, table(['kid', 'alg', 'state', 'created', 'usable from'], rows));
}

/** `countersign keys`: the issuer's signing keys. */
export function register(program: Command): void {
  const group = program
    .command('keys')
    .summary('manage the issuer’s signing keys: list, rotate, revoke')
    .description(
      'The keys that sign tokens (needs the scope issuer:admin; the local stack’s operator has it). A key is pending (published, not yet signing), ' +
        'then active (always one), retired (published until its last token has expired), and removed. Rotation is automatic; these commands force it.',
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign keys list
  countersign keys rotate
  countersign keys revoke 3q2-7wAAAAAA…    (a stolen key: every service refuses its tokens)`,
    );
  group
    .command('scan <path>')
    .description(
      'find API keys in files, and report which of them work; the keys never leave this machine. ' +
        'Exits with 1 if a key works, with 2 if something could not be read',
    )
    .action(scan);
  group
    .command('list')
    .description('list all keys, newest first')
    .action((_: object, command: Command) => show({ path: '/admin/keys' }, '', command));
  group
    .command('rotate')
    .description('activate the pending key now; existing tokens stay valid')
    .action((_: object, command: Command) =>
      show(
        { path: '/admin/keys/rotate', method: 'POST' },
        'rotated; tokens signed by the previous key stay valid',
        command,
      ),
    );
  group
    .command('revoke <kid>')
    .description('emergency: remove a key from the JWKS and refuse everything it signed')
    .action((kid: string, _: object, command: Command) =>
      show(
        { path: `/admin/keys/${encodeURIComponent(kid)}/revoke`, method: 'POST' },
        'revoked; everything it signed is refused everywhere',
        command,
      ),
    );
}
