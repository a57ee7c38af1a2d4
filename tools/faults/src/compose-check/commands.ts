import { z } from 'zod';
import { type Ended } from './compose.js';

/** Values found by earlier commands, for later ones. */
export interface Found {
  token?: string;
  txn?: string;
  event?: string;
  kid?: string;
  apiKey?: string;
}

export interface CheckedCommand {
  /** The command with its sub-commands, as the documents have it. */
  readonly name: string;
  readonly args: (found: Found) => readonly string[];
  /** Exit code; 0 where left out. */
  readonly code?: number;
  /** What it must print. */
  readonly prints: RegExp;
  /** Keeps of its output what others need. */
  readonly keep?: (ended: Ended, found: Found) => void;
  /** Milliseconds for which it is tried again, where it needs something that comes by itself. */
  readonly patienceMs?: number;
}

const eventsSchema = z.object({
  events: z.array(
    z.object({ event: z.looseObject({ id: z.string(), data: z.looseObject({ txn: z.string().nullable() }) }) }),
  ),
});
const apiKeySchema = z.looseObject({ id: z.string() });
const keysSchema = z.object({ keys: z.array(z.looseObject({ kid: z.string(), state: z.string() })) });

const fixed =
  (...args: readonly string[]) =>
  (): readonly string[] =>
    args;

/** A command without a value that an earlier one found. @param rest after the command's own words */
function check(name: string, prints: RegExp, ...rest: readonly string[]): CheckedCommand {
  return { name, prints, args: fixed(...name.split(' '), ...rest) };
}

/** A command about the API key that was created. */
function ofApiKey(verb: string, prints: RegExp, ...rest: readonly string[]): CheckedCommand {
  return {
    ...check(`api-keys ${verb}`, prints),
    args: ({ apiKey = '' }) => ['api-keys', verb, apiKey, ...rest],
  };
}

/** A command about a person who does not exist. */
function ofNobody(verb: string, ...rest: readonly string[]): CheckedCommand {
  const nobody = 'person:01900000-0000-7000-8000-000000000000';
  return { ...check(`people ${verb}`, /PERSON_UNKNOWN/, nobody, ...rest), code: 1 };
}

/** Every documented command, in an order in which each finds what it needs. */
export const commands: readonly CheckedCommand[] = [
  check('whoami', /storefront|auditor|operator/),
  // Nobody is at this terminal: the correct results are the refusal of an unknown application, and that nobody is logged in.
  { ...check('login', /invalid_client/, '--device', '--application', 'nobody-of-that-name'), code: 1 },
  check('logout', /Nobody was logged in/),
  {
    ...check('token', /^[\w-]+\.[\w-]+\.[\w-]+\s*$/, '--audience', 'payments'),
    keep: ({ out }, found) => {
      found.token = out.trim();
    },
  },
  check('token', /"aud": *"audit"|audit:read/, '--audience', 'audit', '--scope', 'audit:read', '--decode'),

  check('clients list', /storefront/),
  check('clients show', /payments:create/, 'storefront'),
  check('clients add', /reporting/, 'reporting', '--audience', 'accounts=accounts:read', '--key-out', 'reporting.json'),
  {
    ...check('token', /^[\w-]+\.[\w-]+\.[\w-]+\s*$/),
    args: fixed(
      ...['token', '--client-id', 'reporting', '--key', 'reporting.json'],
      ...['--audience', 'accounts', '--scope', 'accounts:read'],
    ),
  },
  check('clients rotate', /reporting/, 'reporting', '--key-out', 'reporting-2.json'),
  check('clients disable', /reporting/, 'reporting'),
  check('clients enable', /reporting/, 'reporting'),
  check('clients apply', /Nothing differs/, '/run/secrets/cli/env/clients.json', '--dry-run'),

  check('keys list', /active/),
  { ...check('keys rotate', /active/), patienceMs: 660_000 },
  {
    ...check('keys list', /"retired"/, '--json'),
    keep: ({ out }, found) => {
      const kid = keysSchema.parse(JSON.parse(out)).keys.find(({ state }) => state === 'retired')?.kid;
      if (kid !== undefined) found.kid = kid;
    },
  },
  { ...check('keys revoke', /revoked|removed/), args: ({ kid = 'none' }) => ['keys', 'revoke', kid] },
  {
    ...check('revoke key', /revoked|KEY|published/),
    args: fixed('revoke', 'key', 'a-key-that-is-gone', '--reason', 'check'),
  },

  {
    ...check('audit search', /"events"/, '--action', 'transfers:create', '--limit', '1', '--json'),
    keep: ({ out }, found) => {
      const event = eventsSchema.parse(JSON.parse(out)).events[0]?.event;
      if (event !== undefined) Object.assign(found, { event: event.id, txn: event.data.txn ?? undefined });
    },
  },
  check('audit search', /storefront/, '--client-id', 'storefront', '--limit', '5'),
  check('audit stats', /payments/),
  check('audit tail', /signing-key:create/, '--cursor', '0', '--count', '3'),
  check('audit key', /log\.key/, '--out', 'log.key'),
  check('audit checkpoint', /monday\.txt/, '--now', '--out', 'monday.txt'),
  { ...check('audit reveal', /peer/), args: ({ event = '' }) => ['audit', 'reveal', event, '--reason', 'check'] },
  check('audit checkpoint', /friday\.txt/, '--now', '--out', 'friday.txt'),
  check(
    'audit export',
    /week\.ndjson|events/,
    ...['--since', 'monday.txt', '--checkpoint', 'friday.txt', '--output', 'week.ndjson'],
  ),
  check('audit hashes', /log\.hashes/, '--out', 'log.hashes'),
  check(
    'audit verify',
    /Nothing between them was altered/,
    ...['week.ndjson', '--complete', '--checkpoint', 'monday.txt', '--checkpoint', 'friday.txt'],
    ...['--log-key', 'log.key', '--hashes', 'log.hashes'],
  ),
  check('audit export', /"end"/, '--format', 'ndjson', '--limit', '10'),
  check('audit recover', /nothing is lost/),
  check('audit dead-letters list', /no dead letters/i),
  // There is none on a whole stack, so that the right answer is a refusal by audit itself.
  { ...check('audit dead-letters show', /no dead letter 1/, '1'), code: 1 },
  { ...check('audit dead-letters replay', /DEAD_LETTER_UNKNOWN/, '1'), code: 1 },
  { ...check('audit accept-gap', /GAP/i, 'payments', '900000', '900001', '--reason', 'check'), code: 1 },
  check('audit erase', /erased/i, '--subject', 'nobody-of-that-name', '--reason', 'check', '--yes'),

  check('ledger check', /hold|ok/i),
  check('payments reconcile', /agree|no difference/i),
  check('payments reconcile', /"ok":true/, '--repair', '--json'),

  {
    ...check('api-keys create', /"id"/),
    args: fixed(
      ...['api-keys', 'create', 'storefront', 'check', '--audience', 'payments=payments:read'],
      ...['--key-out', 'check.key', '--json'],
    ),
    keep: ({ out }, found) => {
      found.apiKey = apiKeySchema.parse(JSON.parse(out)).id;
    },
  },
  check('api-keys list', /storefront/, '--client', 'storefront'),
  ofApiKey('show', /storefront/),
  ofApiKey('usage', /allowed|no requests|denied|hour/i),
  ofApiKey('disable', /disabled/, '--reason', 'check'),
  ofApiKey('enable', /live/),
  ofApiKey('rotate', /storefront/, '--grace', '1h', '--key-out', 'check-2.key'),
  // The second file holds a key that works.
  { ...check('keys scan', /live/, 'check-2.key'), code: 1 },
  ofApiKey('revoke', /revoked/, '--reason', 'check'),

  { ...check('revoke token', /revoked/), args: ({ token = '' }) => ['revoke', 'token', token, '--reason', 'leaked'] },
  { ...check('revoke transaction', /revoked/), args: ({ txn = '' }) => ['revoke', 'transaction', txn] },
  check('revoke client', /revoked/, 'reporting'),
  check('revoke subject', /revoked/, 'nobody-of-that-name'),
  check('revoke list', /reporting/),
  check('revoke restored', /the database is up to date/),

  // Nobody has signed in: the correct results about a person are refusals by the issuer itself.
  check('people list', /Nobody has signed in/),
  ofNobody('show'),
  ofNobody('end-session', '01900000-0000-7000-8000-000000000001'),
  ofNobody('end-sessions'),
  ofNobody('disable'),
  ofNobody('enable'),
  check('nats rights', /audit\.orders\.>/, 'orders'),
  check('doctor', /All well/),
];
