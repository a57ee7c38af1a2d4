import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenClient, type PrivateJwk } from '@countersign/auth-core';
import { clientsFile, freePortBase, makeSamplePayment, StackError } from '@countersign/stack';
import { z } from 'zod';
import { type Fault } from './fault.js';

export interface OlderVersion {
  /** The repository's root. */
  readonly root: string;
  readonly commit: string;
  /** An empty folder for its sources. */
  readonly sources: string;
  /** The state folder that it makes, and that this version then takes over. */
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

/** This version has taken over what an earlier one left: its clients may ask for all that this version declares, and the sample works. */
export const upgrade: Fault = {
  name: 'upgrade',
  unfelt: true,
  byNameOnly: true,
  async strike({ stack, wrong }) {
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
  },
};
