import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { counted } from '../counted.js';
import { callAdmin } from '../session/admin.js';
import { type Session } from '../session/session.js';
import { type Finding } from './finding.js';

/** A check that needs a scope which is not available here, or got no response. */
export interface NotAsked {
  readonly check: string;
  readonly reason: string;
}

const waitingSchema = z.object({ dead_letters: z.object({ waiting: z.number(), oldest_at: z.string().nullable() }) });
/** Audit stops counting there. */
const COUNTED = 10_000;

async function deadLetters(session: Session): Promise<readonly Finding[]> {
  const { waiting, oldest_at: oldest } = (
    await session.call(waitingSchema, { service: 'audit', scopes: ['audit:read'], path: '/overview' })
  ).dead_letters;
  if (waiting === 0) return [];
  return [
    {
      code: 'DEAD_LETTERS',
      where: 'audit',
      what: `${waiting < COUNTED ? '' : 'at least '}${counted(waiting, 'message')} could not enter the trail; the oldest arrived ${oldest ?? ''}`,
      to_do: 'Run countersign audit dead-letters list, and replay those that an update can read.',
    },
  ];
}

const keysSchema = z.object({ keys: z.array(z.looseObject({ state: z.string(), usable_from: z.string() })) });

/** A signing key ends with its rotation; without a successor nothing takes over. */
export function keyFindings(
  kind: 'signing' | 'revocation',
  keys: z.infer<typeof keysSchema>['keys'],
): readonly Finding[] {
  const has = (state: string): boolean => keys.some((key) => key.state === state);
  if (has('active') && has('pending')) return [];
  return [
    {
      code: has('active') ? 'KEY_WITHOUT_SUCCESSOR' : 'NO_ACTIVE_KEY',
      where: 'issuer',
      what: has('active') ? `there is no pending ${kind} key` : `no ${kind} key is active`,
      to_do: "Rotation creates one within a minute; if it does not, check the issuer's log.",
    },
  ];
}

const keysOf = async (session: Session, kind: 'signing' | 'revocation', path: string): Promise<readonly Finding[]> =>
  keyFindings(kind, (await callAdmin(session, keysSchema, { path })).keys);

const checks: Readonly<Record<string, (session: Session) => Promise<readonly Finding[]>>> = {
  'dead letters': deadLetters,
  'signing keys': (session) => keysOf(session, 'signing', '/admin/keys'),
  'revocation keys': (session) => keysOf(session, 'revocation', '/admin/revocation-keys'),
};

/** Checks that need a scope: `audit:read` at audit, `issuer:admin` at the issuer. */
export async function askWithTokens(
  session: Session,
): Promise<{ readonly findings: readonly Finding[]; readonly notAsked: readonly NotAsked[] }> {
  const findings: Finding[] = [];
  const notAsked: NotAsked[] = [];
  for (const [check, run] of Object.entries(checks)) {
    try {
      findings.push(...(await run(session)));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      notAsked.push({ check, reason: error.message });
    }
  }
  return { findings, notAsked };
}
