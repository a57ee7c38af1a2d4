import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@countersign/backing-services';
import { type RunningService, type Stack } from '@countersign/stack';
import { z } from 'zod';
import { Application } from './application.js';
import { asService } from './as-service.js';
import { heldWithin } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { killAtCommits, type Victim } from './killed-at-commit.js';
import { Person } from './person.js';
import { PersonLoad, type GrantCounts } from './person-load.js';
import { between } from './random.js';

/** Kills at least; more until one of them met a code and one a refresh. */
const KILLS = { min: 4, max: 16 };
/** Instances of each of the two applications. */
const INSTANCES = 5;
/** Milliseconds for what was issued to be in the trail. */
const TRAIL_LIMIT_MS = 60_000;

/** Two replicas of the issuer, of which one at a time is killed and started again. */
class Replicas {
  #second: RunningService;

  private constructor(
    private readonly stack: Stack,
    private readonly port: number,
    second: RunningService,
  ) {
    this.#second = second;
  }

  static async start(stack: Stack): Promise<Replicas> {
    const port = await freePort();
    return new Replicas(stack, port, await stack.startReplica('issuer', port));
  }

  get urls(): readonly string[] {
    return [this.stack.urls.issuer, `http://127.0.0.1:${String(this.port)}`];
  }

  /** `kill -9`; it runs again when this resolves. */
  async kill(first: boolean, awayMs: number): Promise<void> {
    if (first) await this.stack.stopService('issuer', 'SIGKILL');
    else await this.#second.child.stop('SIGKILL', 0);
    await delay(awayMs);
    if (first) await this.stack.startService('issuer');
    else this.#second = await this.stack.startReplica('issuer', this.port);
  }

  /** The second, to be killed. */
  get victim(): Victim {
    const [other = '', url = ''] = this.urls;
    return { url, other, pid: this.#second.child.pid, kill: () => this.kill(false, 0) };
  }

  end(): Promise<void> {
    return this.#second.child.stop('SIGTERM', 15_000);
  }
}

function sumOf(loads: readonly PersonLoad[]): GrantCounts {
  const sum = { codes: 0, refreshes: 0, codesCut: 0, refreshesCut: 0, codesAgain: 0 };
  for (const { counts } of loads) {
    sum.codes += counts.codes;
    sum.refreshes += counts.refreshes;
    sum.codesCut += counts.codesCut;
    sum.refreshesCut += counts.refreshesCut;
    sum.codesAgain += counts.codesAgain;
  }
  return sum;
}

/** Each code that was answered is a delegation that lives; each whose answer was lost one that ended, because it was used again. */
async function delegationFaults(stack: Stack, clients: readonly string[], counts: GrantCounts): Promise<string[]> {
  const ended = await asService(stack, 'issuer', async (client) => {
    const { rows } = await client.query<{ because: string; count: string }>(
      `select coalesce(ended_because, 'LIVE') as because, count(*) from delegation where client_id = any($1) group by 1`,
      [clients],
    );
    return new Map(rows.map(({ because, count }) => [because, Number(count)]));
  });
  const wanted = new Map([
    ['LIVE', counts.codes],
    ['CODE_REPLAYED', counts.codesAgain],
  ]);
  return [...new Set([...ended.keys(), ...wanted.keys()])].flatMap((because) => {
    const [is, want] = [ended.get(because) ?? 0, wanted.get(because) ?? 0];
    return is === want ? [] : [`${String(is)} delegations are ${because} instead of ${String(want)}`];
  });
}

const claimsSchema = z.object({ jti: z.string() });

function idOf(accessToken: string): string {
  const [, claims = ''] = accessToken.split('.');
  return claimsSchema.parse(JSON.parse(Buffer.from(claims, 'base64url').toString())).jti;
}

/** Every issued token is in the trail, once. */
async function trailFaults(stack: Stack, clients: readonly string[], tokens: readonly string[]): Promise<string[]> {
  const recorded = (): Promise<ReadonlyMap<string, number>> =>
    asService(stack, 'audit', async (client) => {
      const { rows } = await client.query<{ jti: string; count: string }>(
        `select event->'data'->'principal'->>'jti' as jti, count(*) from event
          where source = 'issuer' and type = 'countersign.issuer.token.issued.v1'
            and event->'data'->'principal'->>'client_id' = any($1) group by 1`,
        [clients],
      );
      return new Map(rows.map(({ jti, count }) => [jti, Number(count)]));
    });
  let times: ReadonlyMap<string, number> = new Map();
  const wanted = tokens.map(idOf);
  await heldWithin(TRAIL_LIMIT_MS, async () => {
    times = await recorded();
    return wanted.every((id) => times.has(id));
  });
  const wrong = wanted.filter((id) => times.get(id) !== 1);
  return wrong.length === 0 ? [] : [`${String(wrong.length)} tokens are in the trail never or more than once`];
}

/** Kills replicas in turns, under the load, until enough requests were met in the middle. */
async function killInTurns(scene: Scene, replicas: Replicas, loads: readonly PersonLoad[]): Promise<number> {
  for (let kills = 1; ; kills += 1) {
    await delay(between(scene.random, 500, 1_500));
    if (kills === 1) scene.struck();
    await replicas.kill(kills % 2 === 1, between(scene.random, 0, 300));
    const { codesCut, refreshesCut } = sumOf(loads);
    if ((kills >= KILLS.min && codesCut > 0 && refreshesCut > 0) || kills >= KILLS.max) return kills;
  }
}

/**
 * One of two replicas of the issuer is killed again and again, in the middle of code redemption and refresh by parallel clients. Nobody is signed
 * out, a refresh that was cut off brings the same successor again, and what an answer was lost of leaves nothing that lives. Before that it is
 * killed four times at the very commit: of a code and of a refresh, of a public application and of a confidential one.
 */
export const issuerKilledInGrants: Fault = {
  name: 'kill-issuer-in-grants',
  needsPeople: true,
  async strike(scene) {
    const { stack, random, load: payments, wrong, note } = scene;
    const replicas = await Replicas.start(stack);
    // What a killed issuer does to payments is a separate fault.
    await payments.pause();
    try {
      const person = await Person.signIn(stack, 'carol');
      for (const isPublic of [true, false]) {
        const application = await Application.register(stack, isPublic);
        await killAtCommits(stack, person, application, () => replicas.victim, wrong);
      }
      const applications = [await Application.register(stack, true), await Application.register(stack, false)];
      const clients = applications.map(({ clientId }) => clientId);
      const loads = applications.flatMap((application) =>
        Array.from(
          { length: INSTANCES },
          () => new PersonLoad({ issuers: replicas.urls, person, application, random, wrong }),
        ),
      );
      const kills = await killInTurns(scene, replicas, loads);
      await Promise.all(loads.map((load) => load.stop()));
      const counts = sumOf(loads);
      note({ kills, killsAtCommit: 4, ...counts });
      if (counts.codesCut === 0 || counts.refreshesCut === 0)
        wrong('no kill met both a code and a refresh, so that the fault shows nothing');
      for (const fault of await delegationFaults(stack, clients, counts)) wrong(fault);
      const tokens = loads.flatMap((load) => load.tokens);
      for (const fault of await trailFaults(stack, clients, tokens)) wrong(fault);
    } finally {
      payments.resume();
      await replicas.end();
    }
  },
};
