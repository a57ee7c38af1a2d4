import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTokenClient } from '@countersign/auth-core';
import { withDatabase } from '@countersign/backing-services';
import type pg from 'pg';
import { jwkSchema } from '../identities.js';
import { databaseUrlFile, type ServiceName } from '../services.js';
import { StackError } from '../stack-error.js';
import { type LostNumbers } from './outboxes.js';

/** Milliseconds that a request to a running service may take, and that numbers may need to be known as missing. */
const LIMIT_MS = 30_000;
const AGAIN_MS = 250;

/** A stack that runs in another process, as its folder describes it. */
export class RunningStack {
  /** @param directory where it keeps data, keys and logs */
  constructor(private readonly directory: string) {}

  /** @throws {StackError} when there is none, or it does not answer */
  async check(): Promise<void> {
    const url = this.#variableOf('audit', 'RESOURCE_URL');
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(LIMIT_MS) }).catch(() => undefined);
    if (answer?.ok === true) return;
    throw new StackError(
      answer === undefined
        ? `Nothing answers at ${url}. Start the stack with npm start, then run this again in another terminal.`
        : `audit is not ready: ${await answer.text()}`,
    );
  }

  databaseUrlOf(service: ServiceName): string {
    return this.#read(databaseUrlFile(service)).trim();
  }

  /** Works in a service's database by the service's own login. */
  inDatabase<Result>(service: ServiceName, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    return withDatabase(this.databaseUrlOf(service), work);
  }

  /** Tells audit, as the operator, that numbers are permanently missing. @throws {StackError} */
  async acceptGap({ source, first, last }: LostNumbers, reason: string): Promise<void> {
    const audit = this.#variableOf('audit', 'RESOURCE_URL');
    const issuer = this.#variableOf('audit', 'ISSUER_URL');
    const key = jwkSchema.parse(JSON.parse(this.#read('operator-key.json')));
    const tokens = createTokenClient({ issuer, clientId: 'operator', key });
    const { token } = await tokens.getToken({ audience: 'audit', scopes: ['audit:admin'] });
    for (const deadline = performance.now() + LIMIT_MS; ; await delay(AGAIN_MS)) {
      const answer = await fetch(`${audit}/intake/sources/${source}/gaps/accept`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ first: String(first), last: String(last), reason }),
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      if (answer.ok) return;
      // What came after the gap may not be in the log yet.
      if (answer.status !== 409 || performance.now() > deadline)
        throw new StackError(`audit did not accept the gap of ${source}: ${await answer.text()}`);
    }
  }

  #variableOf(service: ServiceName, name: string): string {
    const line = this.#read(`${service}.env`)
      .split('\n')
      .find((one) => one.startsWith(`${name}=`));
    if (line === undefined) throw new StackError(`${name} is not in ${service}.env of ${this.directory}.`);
    return line.slice(name.length + 1);
  }

  #read(file: string): string {
    const path = join(this.directory, 'env', file);
    if (existsSync(path)) return readFileSync(path, 'utf8');
    throw new StackError(
      `There is no stack in ${this.directory}. Start one with npm start, then run this again in another terminal.`,
    );
  }
}
