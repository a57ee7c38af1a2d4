import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenClient, type PrivateJwk } from '@countersign/auth-core';
import { clientsFile, freePortBase, makeSamplePayment, StackError } from '@countersign/stack';
import { z } from 'zod';
import { heldWithin } from './database-restored.js';
import { type Fault, type Scene } from './fault.js';
import { type WaitingEvent } from './waiting-events.js';

export interface OlderVersion {
  /** The repository's root. */
  readonly root: string;
  readonly commit: string;
  /** An empty folder for its sources. */
  readonly sources: string;
  /** The state folder that it creates, and that this version then takes over. */
  readonly directory: string;
}

/** Runs a program to its end; what it prints goes to standard error. @throws {StackError} when it fails */
async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      last.push(...text.split('\n').filter((line) => line !== ''));
      last.splice(0, last.length - 20);
    });
  const code = await new Promise<number | null>((done, fail) => {
    child.once('close', done).once('error', fail);
  });
  if (code !== 0) throw new StackError(`${[command, ...args].join(' ')} failed:\n${last.join('\n')}`);
}

/** Lets an earlier version run once by its own `npm start`, with a payment, so that its data are there. @throws {StackError} */
export async function runOlderVersion({ root, commit, sources, directory }: OlderVersion): Promise<void> {
  mkdirSync(sources, { recursive: true });
  const archive = join(sources, '.sources.tar');
  await run('git', ['archive', '--format=tar', '--output', archive, commit], root);
  await run('tar', ['-xf', archive, '-C', sources], root);
  rmSync(archive);
  const options = ['--exit', '--json', '--directory', directory, '--port-base', String(await freePortBase())];
  await run('npm', ['start', '--', ...options], sources);
}

const declarationSchema = z.object({
  clients: z.array(
    z.looseObject({
      client_id: z.string(),
      policy: z.looseObject({ audiences: z.record(z.string(), z.array(z.string())) }),
    }),
  ),
});

/** Milliseconds for what waited to arrive: what was sent without a receipt is sent again after 30 seconds. */
const ARRIVAL_LIMIT_MS = 60_000;

const foundSchema = z.object({ event: z.object({ sequence: z.string() }) });

/** Each event that waited in an outbox is in the trail, under the number that it had. */
async function checkWaiting({ stack, wrong, note }: Scene, waiting: readonly WaitingEvent[]): Promise<void> {
  const auditor = createTokenClient({
    issuer: stack.urls.issuer,
    clientId: 'auditor',
    key: stack.identities.clients.auditor,
  });
  const numberOf = async (id: string): Promise<string | undefined> => {
    const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    const response = await fetch(`${stack.urls.audit}/events/${id}`, { headers: { authorization: `Bearer ${token}` } });
    return response.ok ? foundSchema.parse(await response.json()).event.sequence : undefined;
  };
  for (const { id, sequence } of waiting) {
    let number: string | undefined;
    const arrived = await heldWithin(ARRIVAL_LIMIT_MS, async () => (number = await numberOf(id)) !== undefined);
    if (!arrived) wrong(`an event that waited with the number ${String(sequence)} is not in the trail`);
    else if (sequence !== undefined && number !== sequence)
      wrong(`an event that waited with the number ${sequence} has ${String(number)} in the trail`);
  }
  note({ 'events that waited': waiting.length });
}

/**
 * This version has taken over what an earlier one left: its clients may ask for all that this version declares, the sample works, and what waited
 * in the outboxes is in the trail.
 * @param waiting what waits in the outboxes
 */
export const upgradeWith = (waiting: readonly WaitingEvent[]): Fault => ({
  name: 'upgrade',
  unfelt: true,
  byNameOnly: true,
  async strike(scene) {
    const { stack, wrong } = scene;
    const { identities, urls } = stack;
    const keys = new Map<string, PrivateJwk>(Object.entries(identities.clients));
    for (const { client_id: clientId, policy } of declarationSchema.parse(clientsFile(identities)).clients) {
      const key = keys.get(clientId);
      if (key === undefined) throw new Error(`${clientId} has no key`);
      const client = createTokenClient({ issuer: urls.issuer, clientId, key });
      for (const [audience, scopes] of Object.entries(policy.audiences)) {
        const refusal = await client.getToken({ audience, scopes }).then(() => undefined, String);
        if (refusal !== undefined) wrong(`${clientId} may not ${scopes.join(' ')} at ${audience}: ${refusal}`);
      }
    }
    const { storefront, auditor } = identities.clients;
    const sample = await makeSamplePayment({ ...urls, storefrontKey: storefront, auditorKey: auditor });
    if (!sample.ok)
      wrong(`the sample payment is ${sample.payment.status}, with ${String(sample.events.length)} events`);
    await checkWaiting(scene, waiting);
  },
});

export const upgrade = upgradeWith([]);
