import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';

/** Scopes that let one read the trail: all of it, or what one did oneself. */
export const READING = ['audit:read', 'audit:read:client', 'audit:read:own'] as const;

const filterNames = [
  'subject',
  'actor',
  'client',
  'action',
  'resource',
  'outcome',
  'source',
  'type',
  'trace',
  'txn',
] as const;

const optionsSchema = z.object({
  ...Object.fromEntries(filterNames.map((name) => [name, z.string().optional()])),
  text: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
});

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as people say it: `15m` or `2h` ago, or RFC 3339. @returns RFC 3339 */
export function timeOf(said: string, now: number = Date.now()): string {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(said) ?? [];
  const time = unit === '' ? Date.parse(said) : now - Number(count) * (units[unit] ?? 0);
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError('Say 90s, 15m, 2h, 7d (ago), or a time as 2026-11-25T10:00:00Z.');
}

/** The options of every command that narrows what it shows. @param timed whether a time may be given */
export function addFilters(command: Command, { timed }: { readonly timed: boolean }): Command {
  command
    .option('--subject <id>', 'whom it is about')
    .option('--actor <id>', 'anyone who acted for the subject')
    .option('--client <id>', 'the client that called')
    .option('--action <name>', 'what was done: transfers:create')
    .option('--resource <id>', 'to what: payment/0199…')
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(['allowed', 'denied', 'failed']))
    .option('--source <service>', 'the service that tells of it')
    .option('--type <type>', 'the event’s type')
    .option('--trace <id>', 'the W3C trace id')
    .option('--txn <id>', 'the id of everything that one request set off')
    .option('--text <words>', 'words of resource, action, subject, client, reason, route or changes');
  return timed
    ? command
        .option('--from <time>', 'from then on: 2h (ago), or 2026-11-25T10:00:00Z', (said) => timeOf(said))
        .option('--to <time>', 'before then', (said) => timeOf(said))
    : command;
}

/** The filters of a command line as the query of the audit service. */
export function queryOf(command: Command): URLSearchParams {
  const { text, ...options } = optionsSchema.parse(command.opts());
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (typeof value === 'string') query.set(name, value);
  if (text !== undefined) query.set('q', text);
  return query;
}

/** A count from the command line. */
export function countOf(limit: number): (said: string) => number {
  return (said) => {
    const count = Number(said);
    if (Number.isInteger(count) && count >= 1 && count <= limit) return count;
    throw new InvalidArgumentError(`1 to ${String(limit)}.`);
  };
}
