import { newPkce } from '@countersign/people-provider';
import { type Stack } from '@countersign/stack';
import { type Application, type NoAnswer, type TokenAnswer } from './application.js';
import { asService } from './as-service.js';
import { heldWithin } from './database-restored.js';
import { type Person } from './person.js';

/** Milliseconds for a statement to arrive at PostgreSQL, and to commit. */
const LIMIT_MS = 20_000;

/** A replica of the issuer that is killed, and one that lives on. */
export interface Victim {
  readonly url: string;
  readonly pid: number;
  /** `kill -9`; it runs again when this resolves. */
  kill(): Promise<void>;
  /** The other replica. */
  readonly other: string;
}

/**
 * Asks the victim, and kills it after PostgreSQL has committed what was asked and before it is answered: the statement is held up, the victim is
 * stopped, the statement continues and commits, and the victim never runs again.
 */
async function killedAtCommit(
  stack: Stack,
  victim: Victim,
  { clientId }: Application,
  ask: () => Promise<TokenAnswer | NoAnswer>,
): Promise<TokenAnswer | NoAnswer> {
  return asService(stack, 'issuer', async (client) => {
    const madeOf = async (): Promise<string | undefined> => {
      const { rows } = await client.query<{ made: string }>(
        `select count(*) + coalesce(sum(generation), 0) as made
          from delegation d left join refresh_family f on f.delegation_id = d.id where client_id = $1`,
        [clientId],
      );
      return rows[0]?.made;
    };
    const before = await madeOf();
    await client.query('begin');
    await client.query('lock table refresh_family in share mode');
    const asked = ask();
    const isHeld = await heldWithin(LIMIT_MS, async () => {
      const { rows } = await client.query(
        `select from pg_locks where relation = 'refresh_family'::regclass and not granted`,
      );
      return rows.length > 0;
    });
    process.kill(victim.pid, 'SIGSTOP');
    await client.query('commit');
    const isCommitted = await heldWithin(LIMIT_MS, async () => (await madeOf()) !== before);
    await victim.kill();
    const answer = await asked;
    if (!isHeld || !isCommitted) throw new Error('the statement of a grant was not held up, or did not commit');
    return answer;
  });
}

/** A code and a refresh token of an application, each redeemed at a replica that is killed between the commit and the answer. */
export async function killAtCommits(
  stack: Stack,
  person: Person,
  application: Application,
  victim: () => Victim,
  wrong: (what: string) => void,
): Promise<void> {
  const { clientId } = application;
  const say = (what: string, got: TokenAnswer | NoAnswer): void => {
    const is = typeof got === 'string' ? got : `${String(got.status)} ${got.error ?? ''}`;
    wrong(`${clientId}: ${what}: ${is}`);
  };
  const codeOf = async (pkce: ReturnType<typeof newPkce>): Promise<string> => {
    const code = await person.authorize(victim().other, application, pkce);
    if (code === undefined) throw new Error(`${clientId} got no code`);
    return code;
  };
  const lost = newPkce();
  const code = await codeOf(lost);
  const first = victim();
  const cut = await killedAtCommit(stack, first, application, () => application.redeem(first.url, code, lost));
  if (cut !== 'cut') say('a code whose issuer was killed at the commit was answered', cut);
  const again = await application.redeem(first.other, code, lost);
  if (typeof again === 'string' || again.error !== 'invalid_grant') say('a code that was used came again', again);
  const because = await asService(stack, 'issuer', async (client) => {
    const { rows } = await client.query<{ because: string | null }>(
      'select ended_because as because from delegation where client_id = $1',
      [clientId],
    );
    return rows.map((row) => row.because);
  });
  if (because.join() !== 'CODE_REPLAYED') wrong(`${clientId}: delegations ended by ${because.join()}`);

  const pkce = newPkce();
  const tokens = await application.redeem(victim().other, await codeOf(pkce), pkce);
  if (typeof tokens === 'string' || tokens.status !== 200) {
    say('the next code', tokens);
    return;
  }
  const second = victim();
  const { refreshToken } = tokens;
  const use = await killedAtCommit(stack, second, application, () => application.refresh(second.url, refreshToken));
  if (use !== 'cut') say('a refresh whose issuer was killed at the commit was answered', use);
  const successors = [
    await application.refresh(second.other, refreshToken),
    await application.refresh(victim().url, refreshToken),
  ].map((answer) => {
    if (typeof answer === 'string' || answer.status !== 200) say('a refresh token signed out', answer);
    return typeof answer === 'string' ? answer : answer.refreshToken;
  });
  if (new Set(successors).size !== 1) wrong(`${clientId}: one refresh token brought two successors`);
  const last = await application.refresh(second.other, successors[0] ?? '');
  if (typeof last === 'string' || last.status !== 200) say('the successor of a refresh that was cut off', last);
}
